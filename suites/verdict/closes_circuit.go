package verdict

import (
	"fmt"
	"slices"
	"time"

	"brownout/scenarios"
)

// probing is how many calls more, behind the open time, a circuit may take to close.
const probing = 10

// closesCircuit judges whether calls reach the wire again once the upstream is well: since the phase began that the check is
// for, else since the last failure.
func closesCircuit(s *scope, p *scenarios.ClosesCircuit) *opinion {
	calls, none := s.given()
	if none != nil {
		return none
	}
	within, share := s.scenario.Profile.OpenTime, float64(p.Share)
	if p.Within != nil {
		within = p.Within
	}
	if within == nil {
		return undeclared("open_time")
	}
	if share == 0 {
		share = 0.95
	}
	if !s.everRefused() {
		return unseen("the client refused no call itself, so that no circuit had to close")
	}
	well, known := s.wellSince()
	if !known {
		return unseen("no attempt failed, so that nobody can say since when the upstream was well")
	}
	due := well + withSlack(*within)
	reached, judged := reach(calls, due)
	if judged < s.sample() {
		return tooFewGiven(judged, s.sample(), fmt.Sprintf("calls from %s after the upstream was well", short(withSlack(*within))))
	}
	if float64(reached) >= share*float64(judged) {
		return pass("closes_circuit: %d of %d", reached, judged)
	}
	if reached, judged := reach(calls, due+s.lateness(well, calls[len(calls)-1].result.At)); judged > 0 && float64(reached) >= share*float64(judged) {
		o := unseen("%d of %d calls reached the upstream, but the machine itself was late before", reached, judged)
		o.Lateness = true
		return o
	}
	o := fail("The circuit did not close: %d of %d calls reached the upstream from %s after it was well.", reached, judged, short(due-well))
	o.note = fmt.Sprintf("%s, at least %s is asked for", percent(rounded(float64(reached)/float64(judged))), percent(share))
	o.absence = true
	for i := range calls {
		if calls[i].refused() && calls[i].result.Start > due {
			o.Others = append(o.Others, calls[i].title())
		}
	}
	o.Others = o.Others[:min(len(o.Others), mostOthers)]
	return o
}

// rounded is a share in whole percent.
func rounded(share float64) float64 { return float64(int(100*share+0.5)) / 100 }

// everRefused reports whether the client refused any call of the run.
func (e *evidence) everRefused() bool {
	return slices.ContainsFunc(e.clear, func(c *call) bool {
		r, told := e.told(c)
		a := given{c, r}
		return told && a.refused() && !e.shutOut(c, &r)
	})
}

// wellSince is when the upstream was well again.
func (s *scope) wellSince() (time.Duration, bool) {
	if s.expect.Phase != "" {
		if at, timed := s.phaseBegins(s.expect.Phase); timed {
			return s.zero + at, true
		}
	}
	last, known := time.Duration(0), false
	for _, a := range s.onWire() {
		if sick(a.attempt) {
			last, known = max(last, ended(a.attempt)), true
		}
	}
	return last, known
}

// reach counts the calls that began behind an instant, but the first few, and how many of them reached the wire.
func reach(calls []given, due time.Duration) (reached, judged int) {
	later := 0
	for i := range calls {
		if calls[i].result.Start < due {
			continue
		}
		if later++; later <= probing {
			continue
		}
		judged++
		reached += one(!calls[i].refused())
	}
	return reached, judged
}
