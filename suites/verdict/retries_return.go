package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// retriesReturn judges whether what fails is tried again, as it has to be once an outage is over in which a budget held
// retries back. A few retries show it; that there are none, only many calls do.
func retriesReturn(s *scope, p *scenarios.RetriesReturn) *opinion {
	least := max(p.Min, 1)
	if len(s.calls) == 0 {
		return s.noCall()
	}
	retries := 0
	s.each(failed, func(wait) { retries++ })
	if retries >= least {
		return pass("retries_return: %s", plural(retries, "retry"))
	}
	fails, shown := 0, (*call)(nil)
	for _, c := range s.calls {
		if atts := s.attempts(c); len(atts) > 0 && failed(atts[0]) {
			fails++
			if shown == nil {
				shown = c
			}
		}
	}
	switch {
	case fails == 0:
		return unseen("no call failed, so that nothing had to be tried again")
	case len(s.calls) < s.sample():
		return tooFew(len(s.calls), s.sample(), "calls")
	}
	o := fail("The client no longer retries: %s failed at the first attempt, and there %s.", plural(fails, "call"), thereWere(retries))
	o.note = fmt.Sprintf("%s in %d calls, at least %d asked for", plural(retries, "retry"), len(s.calls), least)
	o.absence = true
	o.Proof, o.Cause = s.prove(shown, nil, shown.atts[0]), s.cause(shown.atts[0])
	return o
}

// thereWere says how many retries there were.
func thereWere(n int) string {
	switch n {
	case 0:
		return "was no retry"
	case 1:
		return "was 1 retry"
	}
	return fmt.Sprintf("were %d retries", n)
}
