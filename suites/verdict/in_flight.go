package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"brownout/scenarios"
)

// handover is for how long an attempt that the client gave up may overlap the next one: the server sees the end of the one
// no sooner than the beginning of the other.
const handover = 100 * time.Millisecond

// inFlight judges how many attempts were under way at one instant: of each call, and of all together.
func inFlight(s *scope, p *scenarios.InFlight) *opinion {
	if p.PerCall != nil {
		if _, ok := count(p.PerCall, s.scenario.Profile.HedgeMax); !ok {
			return undeclared("hedge_max")
		}
	}
	if p.Total != nil {
		if _, ok := count(p.Total, s.scenario.Profile.ClientConcurrency); !ok {
			return undeclared("client_concurrency")
		}
	}
	var parts []*opinion
	if p.PerCall != nil {
		parts = append(parts, s.inFlightPerCall(p.PerCall))
	}
	if p.Total != nil {
		parts = append(parts, s.inFlightInAll(p.Total))
	}
	return gravest("in_flight", parts)
}

func (s *scope) inFlightPerCall(bound *scenarios.Count) *opinion {
	most, _ := count(bound, s.scenario.Profile.HedgeMax)
	peak, late := 0, 0
	var widest *call
	var at time.Duration
	var bad []*call
	for _, c := range s.calls {
		n, when := peakFlight(s.flights(s.attempts(c), false))
		if n > peak {
			peak, at, widest = n, when, c
		}
		if n > most {
			if m, _ := peakFlight(s.flights(s.attempts(c), true)); m <= most {
				late = max(late, n)
			} else {
				bad = append(bad, c)
			}
		}
	}
	switch {
	case len(bad) > 0:
		if !slices.Contains(bad, widest) {
			widest = bad[0]
			peak, at = peakFlight(s.flights(s.attempts(widest), false))
		}
		o := fail("The client had %s of one call under way at once, %d more than allowed.", plural(peak, "attempt"), peak-most)
		o.note = fmt.Sprintf("%d of %s had more than %d", len(bad), plural(len(s.calls), "call"), most)
		atts := flying(s.flights(s.attempts(widest), false), at)
		o.Proof, o.Others = s.prove(widest, nil, atts...), others(first(widest, bad))
		o.Cause = s.cause(atts[0])
		return o
	case late > 0:
		o := unseen("%d attempts of one call were under way at once, but the machine itself was late to see one end", late)
		o.Lateness = true
		return o
	case len(s.vague) > 0:
		return s.alike()
	case peak == 0:
		return s.noCall()
	}
	return pass("%d of a call", peak)
}

func (s *scope) inFlightInAll(bound *scenarios.Count) *opinion {
	most, _ := count(bound, s.scenario.Profile.ClientConcurrency)
	var atts []*attempt
	for _, calls := range [][]*call{s.calls, s.vague} {
		for _, c := range calls {
			atts = append(atts, s.attempts(c)...)
		}
	}
	peak, at := peakFlight(s.flights(atts, false))
	switch {
	case peak == 0:
		return s.noCall()
	case peak <= most:
		return pass("%d in all", peak)
	}
	if late, _ := peakFlight(s.flights(atts, true)); late <= most {
		o := unseen("%d attempts were under way at once, but the machine itself was late to see some end", peak)
		o.Lateness = true
		return o
	}
	o := fail("The client had %s under way at once, %d more than allowed.", plural(peak, "attempt"), peak-most)
	o.note = fmt.Sprintf("%d under way at %s", peak, measured(at))
	o.Cause = s.cause(flying(s.flights(atts, false), at)[0])
	return o
}

// flight is the time in which an attempt was surely under way.
type flight struct {
	att      *attempt
	from, to time.Duration
}

// flights are those of the attempts. One that has its answer may be over for the client when the server sees it be, and one
// that the client gave up somewhat before; with lateness the machine's own is taken off as well.
func (s *scope) flights(atts []*attempt, lateness bool) []flight {
	fs := make([]flight, 0, len(atts))
	for _, a := range atts {
		if a.cut {
			continue
		}
		to, _ := s.over(a)
		if a.Ended && !leftByClient(a) {
			to = max(a.Sent, to-early)
		} else {
			to -= handover
		}
		if lateness {
			to -= s.lateness(a.First, to+handover)
		}
		fs = append(fs, flight{a, a.First, max(a.First, to)})
	}
	return fs
}

// peakFlight is the greatest number of attempts under way at once, and when there first were so many.
func peakFlight(fs []flight) (peak int, at time.Duration) {
	slices.SortStableFunc(fs, func(a, b flight) int { return cmp.Compare(a.from, b.from) })
	var ends []time.Duration // of those under way
	for _, f := range fs {
		ends = slices.DeleteFunc(ends, func(end time.Duration) bool { return end <= f.from })
		if ends = append(ends, f.to); len(ends) > peak {
			peak, at = len(ends), f.from
		}
	}
	return peak, at
}

// flying are the attempts under way at the instant.
func flying(fs []flight, at time.Duration) []*attempt {
	var atts []*attempt
	for _, f := range fs {
		if f.from <= at && (f.to > at || f.from == at) {
			atts = append(atts, f.att)
		}
	}
	return atts
}
