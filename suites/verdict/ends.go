package verdict

import (
	"fmt"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// ends judges whether each call that the client was asked for has its result, and in time where there is a limit.
func ends(s *scope, p *scenarios.Ends) *opinion {
	if o := s.noOrders(); o != nil {
		return o
	}
	judged, limited, longest := 0, 0, time.Duration(0)
	var endless []*call
	var excused *opinion
	for _, c := range s.calls {
		r, told := s.told(c)
		if !told {
			endless = append(endless, c)
			continue
		}
		judged++
		began, known := beginning(c, &r)
		limit, has := s.limitOf(c, p)
		if !known || !has {
			continue
		}
		limited++
		took := r.At - began
		longest = max(longest, took)
		if took <= withSlack(limit) {
			continue
		}
		if took-s.lateness(began, r.At) <= withSlack(limit) {
			o := unseen("a call took %s, but the machine itself was late in it", measured(took))
			o.Lateness = true
			excused = o
			continue
		}
		o := fail("A call took %s; %s are allowed.", measured(took), short(limit))
		o.note = fmt.Sprintf("%s, at most %s with slack", measured(took), short(withSlack(limit)))
		o.Proof = s.prove(c, nil)
		if len(c.atts) > 0 {
			o.Cause = s.cause(c.atts[len(c.atts)-1])
		}
		return o
	}
	switch {
	case len(endless) > 0:
		o := fail("%s had no result when the run ended.", plural(len(endless), "call"))
		o.note = fmt.Sprintf("%d of %s had a result", judged, plural(len(s.calls), "call"))
		o.absence = true
		o.Proof, o.Others = s.prove(endless[0], nil), others(endless)
		return o
	case excused != nil:
		return excused
	case judged == 0:
		return s.noCall()
	case limited == 0:
		return pass("ends, %d/%d", judged, judged)
	}
	return pass("ends, %d/%d, after %s at most", judged, judged, measured(longest))
}

// beginning is when a call began: when the client was told to make it, else its first attempt; false where neither is known.
func beginning(c *call, r *journal.Result) (time.Duration, bool) {
	switch {
	case r.Timed:
		return r.Start, true
	case len(c.atts) > 0:
		return c.atts[0].First, true
	}
	return 0, false
}

// limitOf is how long a call may take; false where nothing limits it.
func (s *scope) limitOf(c *call, p *scenarios.Ends) (time.Duration, bool) {
	return s.deadline(c, &scenarios.KeepsDeadline{Of: p.Within})
}
