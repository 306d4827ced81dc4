package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

const (
	grow3 = 1.5 // the third waits are at least so many times the first, on average
	grow2 = 1.2 // the second waits are
	// sampleGrow2 is how many calls it takes where each has two waits only.
	sampleGrow2 = 30
	// atCap is the share of the declared cap from which on a wait counts as capped.
	atCap = 0.95
)

// backoffGrows judges whether waits grow with the number of the attempt: the tests GROW3 and GROW2 of the rules, over
// the means of many calls, never call by call. A first wait under 10 ms is an immediate retry and is left out, and so
// are waits that the declared cap keeps from growing.
func backoffGrows(s *scope, _ *scenarios.BackoffGrows) *opinion {
	l := s.ladder().skipImmediate()
	if len(l.rung(1)) == 0 {
		return unseen("no call waited of its own accord before it tried again")
	}
	capped := s.uncap(l)
	third := min(len(l.rung(1)), len(l.rung(3)))
	second := min(len(l.rung(1)), len(l.rung(2)))
	switch {
	case third >= s.sample():
		return s.grows(l, 3, grow3)
	case second >= sampleGrow2:
		return s.grows(l, 2, grow2)
	case capped && second == 0:
		return unseen("the waits are at the declared cap of %s from the first on", short(*s.scenario.Profile.Cap))
	case third > 0 || second == 0:
		return tooFew(third, s.sample(), "calls with 3 waits")
	}
	return tooFew(second, sampleGrow2, "calls with 2 waits")
}

// uncap takes from the ladder what the declared cap keeps from growing, and reports whether that was anything.
func (s *scope) uncap(l ladder) bool {
	p := &s.scenario.Profile
	if p.Cap == nil {
		return false
	}
	took := false
	for k := 1; k < len(l); k++ {
		nominal := time.Duration(0)
		if p.Base != nil {
			nominal = *p.Base << k
		}
		var kept []wait
		for _, w := range l[k] {
			if nominal <= *p.Cap && float64(w.length) < atCap*float64(*p.Cap) {
				kept = append(kept, w)
			}
		}
		took = took || len(kept) < len(l[k])
		l[k] = kept
	}
	return took
}

// grows compares the waits of a rung with the first ones.
func (s *scope) grows(l ladder, k int, least float64) *opinion {
	first, later := l.rung(1), l.rung(k)
	a, b := mean(lengths(first)), mean(lengths(later))
	ratio := float64(b) / float64(max(a, 1))
	i, j := first[0].k, later[0].k
	if ratio >= least {
		return pass("backoff_grows: ×%s from wait %d to wait %d", factor(ratio), i, j)
	}
	var o *opinion
	if clean := float64(b) / float64(max(mean(s.lessLate(first)), 1)); clean >= least {
		o = unseen("wait %d is %s times wait %d, but the machine itself was late in the waits", j, factor(ratio), i)
		o.Lateness = true
	} else {
		o = fail("The client's waits do not grow: wait %d is %s on average, %s times wait %d, in %d calls.",
			j, milliseconds(b), factor(ratio), i, len(later))
		o.absence = true
	}
	o.note = fmt.Sprintf("×%s, at least ×%s is asked for", factor(ratio), factor(least))
	s.showWaits(o, later)
	return o
}
