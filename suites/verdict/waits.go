package verdict

import (
	"fmt"
	"slices"
	"time"

	"brownout/scenarios"
)

// wait is the time between an attempt that failed and the next one of its call. It runs from before the answer was
// sent, so it is never shorter than the client's own wait.
type wait struct {
	call          *call
	k             int // 1-based ordinal of the attempt before in its call
	before, after *attempt
	length        time.Duration
}

// asked reports whether the server asked for the wait, and the client kept it: then it says nothing of the client's
// own backoff.
func (w wait) asked() bool {
	return w.before.HasDue && w.before.Due > w.before.Sent && w.after.First >= w.before.Due-early
}

// each calls f for each wait after an attempt that is counted, in the order of the calls. Attempts that were under way
// at the same time have no wait between them.
func (s *scope) each(counted func(*attempt) bool, f func(wait)) {
	for _, c := range s.calls {
		atts := s.attempts(c)
		for k := 0; k+1 < len(atts); k++ {
			a, b := atts[k], atts[k+1]
			if b.First >= a.Sent && counted(a) {
				f(wait{c, k + 1, a, b, b.First - a.Sent})
			}
		}
	}
}

// waits judges whether each wait after a failure, or after one of the statuses, was long enough.
func waits(s *scope, p *scenarios.Waits) *opinion {
	counted, after := failed, "a failure"
	if p.After != nil {
		counted = func(a *attempt) bool { return slices.Contains(p.After, a.Status) }
		after = "one of these statuses"
	}
	var bad []wait
	total := 0
	shortest := wait{length: forever}
	s.each(counted, func(w wait) {
		total++
		if w.length < shortest.length {
			shortest = w
		}
		if w.length < p.AtLeast-early {
			bad = append(bad, w)
		}
	})
	if total == 0 {
		return unseen("no attempt followed %s", after)
	}
	if len(bad) == 0 {
		return pass("waits ≥ %s, %d/%d", short(p.AtLeast), total, total)
	}
	o := fail("The client waited %s, %s too short.", measured(shortest.length), measured(p.AtLeast-shortest.length))
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("The client waited as little as %s, %s too short.", measured(shortest.length), measured(p.AtLeast-shortest.length))
	}
	o.note = fmt.Sprintf("%d of %s %s too short", len(bad), plural(total, "wait"), was(len(bad)))
	o.Cause = s.cause(shortest.before)
	o.Proof = s.prove(shortest.call, func(atts []*attempt, k int) pause {
		if !counted(atts[k]) {
			return pause{allowed: "any", good: true}
		}
		due := atts[k].Sent + p.AtLeast
		return pause{allowed: "≥ " + short(p.AtLeast), due: due, good: atts[k+1].First >= due-early}
	}, around(bad, shortest.call)...)
	o.Others = others(callsOf(bad, shortest.call))
	return o
}

// timed is a wait, or something that has one.
type timed interface{ self() wait }

func (w wait) self() wait { return w }

// around are the attempts around those of the waits that are a call's.
func around[W timed](ws []W, c *call) []*attempt {
	var atts []*attempt
	for _, w := range ws {
		if w := w.self(); w.call == c {
			atts = append(atts, w.before, w.after)
		}
	}
	return atts
}

// callsOf are the calls of the waits, each once, c first.
func callsOf[W timed](ws []W, c *call) []*call {
	calls := []*call{c}
	for _, w := range ws {
		if w := w.self(); w.call != c && w.call != calls[len(calls)-1] {
			calls = append(calls, w.call)
		}
	}
	return calls
}
