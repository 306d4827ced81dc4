package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// mostProbes is how many probes there may be, whatever is declared.
const mostProbes = 10

// halfOpenProbes judges what a circuit lets through when its open time is over: so many calls until the first of them has its
// answer, and once they have failed none for most of the open time.
func halfOpenProbes(s *scope, p *scenarios.HalfOpenProbes) *opinion {
	calls, none := s.given()
	if none != nil {
		return none
	}
	if s.scenario.Profile.OpenTime == nil {
		return undeclared("open_time")
	}
	most, ok := count(declaredUnless(p.Max), s.scenario.Profile.HalfOpenMax)
	if !ok {
		most = 1
	}
	most = min(most, mostProbes)
	need := sharedOf(openShare, *s.scenario.Profile.OpenTime)
	atts := s.onWire()
	waves, judged, widest, demand := 0, 0, 0, 0
	for _, n := range silences(atts, calls) {
		if n.refused == 0 || n.after == nil || n.length() < need {
			continue
		}
		w := s.wave(atts, n.after)
		waves++
		widest = max(widest, len(w.calls))
		if len(w.calls) > most {
			o := fail("The half-open circuit let %s through at once; %d %s allowed.", plural(len(w.calls), "call"), most, are(most))
			o.note = fmt.Sprintf("%s of silence, then %d before the first was answered", measured(n.length()), len(w.calls))
			o.Proof, o.Others = s.prove(w.calls[0], nil, n.after.attempt), others(w.calls)
			return o
		}
		if w.failed && w.next != nil && w.next.First-w.answered < need {
			o := fail("The client let the next call through %s after the probe had failed; at least %s are due.", measured(w.next.First-w.answered), short(need))
			o.note = fmt.Sprintf("open_time is %s", short(*s.scenario.Profile.OpenTime))
			o.Proof, o.Cause = s.prove(w.next.call, nil, w.next.attempt), s.cause(n.after.attempt)
			return o
		}
		if d := w.demand(calls); d > most {
			judged++
		} else {
			demand = max(demand, d)
		}
	}
	switch {
	case waves == 0:
		return unseen("the circuit was never half open: the client did not refuse calls for %s and then let one through", short(need))
	case judged == 0:
		return tooFewGiven(demand, most+1, "calls at once while the circuit was half open")
	}
	return pass("half_open_probes: %d at once, %s", widest, plural(waves, "time"))
}

// wave is what a circuit let through when its open time was over.
type wave struct {
	calls    []*call
	began    time.Duration
	answered time.Duration // the first of its attempts
	failed   bool          // all of its attempts
	next     *wired        // the first attempt of another call; nil where none came
}

// wave collects what came with an attempt until the first had its answer.
func (s *scope) wave(atts []wired, first *wired) wave {
	w := wave{began: first.First, answered: forever, failed: true}
	member := make(map[*call]bool)
	for i := range atts {
		a := &atts[i]
		if a.First < first.First {
			continue
		}
		if !member[a.call] && a.First >= w.answered {
			w.next = a
			break
		}
		if !member[a.call] {
			member[a.call] = true
			w.calls = append(w.calls, a.call)
		}
		w.answered = min(w.answered, learned(a.attempt))
		w.failed = w.failed && sick(a.attempt)
	}
	return w
}

// demand is how many calls there were for the wave: its own, and those that began before it was answered.
func (w *wave) demand(calls []given) int {
	n := len(w.calls)
	for i := range calls {
		if c := &calls[i]; c.refused() && c.result.Start >= w.began && c.result.Start < w.answered {
			n++
		}
	}
	return n
}

// are is the verb that goes with a number of things.
func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
