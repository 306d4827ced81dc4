package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

const (
	defaultAmplification = 1.3
	defaultAfter         = 0.5
	// leastRate is how many calls a second there must be: fewer are within the fixed allowance that correct budgets give
	// beside their share. The rules have 50; this leaves room for a driver's own slack.
	leastRate = 45
)

// amplification judges the attempts per call of the calls that began after a share of the phase, or of the run.
func amplification(s *scope, p *scenarios.Amplification) *opinion {
	most, share := p.Max, float64(p.After)
	if most == 0 {
		most, share = defaultAmplification, defaultAfter
	}
	if len(s.calls) == 0 {
		return s.noCall()
	}
	from, to := s.stretch()
	begin := from + time.Duration(share*float64(to-from))
	attempts, calls := 0, 0
	var longest *call
	for _, c := range s.calls {
		if len(c.atts) == 0 || c.atts[0].First < begin {
			continue
		}
		n := len(s.attempts(c))
		attempts += n
		calls++
		if longest == nil || n > len(s.attempts(longest)) {
			longest = c
		}
	}
	if calls == 0 {
		return unseen("no call began after %s", short(begin-s.zero))
	}
	if len(s.calls) < s.sample() {
		return tooFew(len(s.calls), s.sample(), "calls in the phase")
	}
	ratio := float64(attempts) / float64(calls)
	if ratio <= most {
		return pass("amplification = %sx", factor(ratio))
	}
	if rate := float64(len(s.calls)-1) / (to - from).Seconds(); rate < leastRate {
		o := tooFew(int(rate), 50, "calls a second")
		o.Hint = "Drive more calls at once, as in drive: {rate: 50/s}."
		return o
	}
	o := fail("The client made %s attempts per call, %s are allowed.", factor(ratio), factor(most))
	o.note = fmt.Sprintf("%d attempts of %d calls after %s", attempts, calls, short(begin-s.zero))
	o.absence = true
	o.Proof = s.prove(longest, nil, longest.atts[len(longest.atts)-1])
	o.Cause = s.cause(longest.atts[0])
	return o
}

// stretch is the time in which the scope's calls began. It is the whole phase where that is known, else from the first
// call to the last.
func (s *scope) stretch() (from, to time.Duration) {
	at := s.zero
	for _, p := range s.scenario.Phases {
		if p.Attempts > 0 {
			break // from here on the phases begin when so many attempts had come
		}
		if p.Name == s.expect.Phase {
			if p.For == 0 {
				return at, max(s.log.End, at)
			}
			return at, at + p.For
		}
		at += p.For
	}
	from = forever
	for _, c := range s.calls {
		if len(c.atts) > 0 {
			from, to = min(from, c.atts[0].First), max(to, c.atts[0].First)
		}
	}
	return min(from, to), to
}
