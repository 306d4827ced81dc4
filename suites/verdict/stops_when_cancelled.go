package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// stopsWhenCancelled judges whether a cancelled call sends nothing any more, and gives up what was under way.
func stopsWhenCancelled(s *scope, p *scenarios.StopsWhenCancelled) *opinion {
	within := p.Within
	if within == 0 {
		within = lateFixed
	}
	if o := s.noOrders(); o != nil {
		return o
	}
	judged := 0
	var excused, open *opinion
	for _, c := range s.calls {
		r, told := s.told(c)
		if !told || !r.HasCancel {
			continue
		}
		judged++
		due := r.Cancelled + within
		for _, a := range s.attempts(c) {
			over, known := s.over(a)
			sentence, by := "The client kept an attempt under way for %s after its call was cancelled; %s are allowed.", over-r.Cancelled
			switch {
			case a.First > due:
				sentence, by = "The client sent an attempt %s after its call was cancelled; %s are allowed.", a.First-r.Cancelled
			case over <= due && known:
				continue
			case over <= due:
				o := unseen("the run ended %s after a call was cancelled, with an attempt under way", measured(by))
				open = o
				continue
			}
			if by-s.lateness(r.Cancelled, r.Cancelled+by) <= within {
				o := unseen("an attempt was there %s after its call was cancelled, but the machine itself was late", measured(by))
				o.Lateness = true
				excused = o
				continue
			}
			o := fail(sentence, measured(by), short(within))
			o.note = fmt.Sprintf("cancelled %s after the first attempt", measured(max(r.Cancelled-c.atts[0].First, time.Duration(0))))
			o.Proof, o.Cause = s.prove(c, nil, a), s.cause(a)
			return o
		}
	}
	switch {
	case len(s.calls) == 0:
		return s.noCall()
	case excused != nil:
		return excused
	case judged == 0:
		return unseen("no call was cancelled before it ended")
	case open != nil:
		return open
	}
	return pass("stops_when_cancelled, %d/%d", judged, judged)
}
