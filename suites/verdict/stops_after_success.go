package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// stopsAfterSuccess judges whether each call ends with its first success: no attempt begins once a whole 2xx was there, and
// those that were then under way, such as the copies of a hedge, are given up.
func stopsAfterSuccess(s *scope, _ *scenarios.StopsAfterSuccess) *opinion {
	judged := 0
	var open *attempt
	var late *opinion
	for _, c := range s.calls {
		atts := s.attempts(c)
		won := s.success(atts)
		if won == nil {
			continue
		}
		judged++
		for _, a := range atts {
			over, known := s.over(a)
			switch {
			case a == won:
			case a.First > won.Done+early:
				return s.afterSuccess(c, won, a, "The client sent an attempt %s after the call had succeeded.", a.First-won.Done)
			case over <= won.Done+lateFixed:
				if !known {
					open = a
				}
			case over-s.lateness(won.Done, over) <= won.Done+lateFixed:
				o := unseen("an attempt was under way for %s after the call had succeeded, but the machine itself was late then", measured(over-won.Done))
				o.Lateness = true
				late = o
			default:
				return s.afterSuccess(c, won, a, "The client kept an attempt under way for %s after the call had succeeded.", over-won.Done)
			}
		}
	}
	switch {
	case late != nil:
		return late
	case judged == 0:
		return unseen("no call got a whole 2xx")
	case open != nil:
		return unseen("the run ended %s into an attempt of a call that had succeeded", short(s.log.End-open.First))
	}
	return pass("stops_after_success, %d/%d", judged, judged)
}

// success is the first of the attempts that had a whole 2xx; nil where none had.
func (s *scope) success(atts []*attempt) *attempt {
	var won *attempt
	for _, a := range atts {
		if whole2xx(a) && !struck(a) && !s.unreadable(a) && (won == nil || a.Done < won.Done) {
			won = a
		}
	}
	return won
}

// unreadable reports whether the attempt's answer, though it came whole, is none that a client can decode.
func (e *evidence) unreadable(a *attempt) bool {
	x := e.scripted(a)
	return x != nil && x.Encoding == scenarios.EncodingCutGzip
}

// over is when the attempt was over, and whether the client or an answer ended it; else the end of the run did.
func (s *scope) over(a *attempt) (time.Duration, bool) {
	took, given := s.until(a)
	return a.First + took, given
}

func (s *scope) afterSuccess(c *call, won, a *attempt, sentence string, by time.Duration) *opinion {
	o := fail(sentence, measured(by))
	o.note = fmt.Sprintf("attempt %d had the answer %s", indexOf(c.atts, won)+1, answered(won))
	o.Cause = s.cause(won)
	o.Proof = s.prove(c, nil, a)
	return o
}
