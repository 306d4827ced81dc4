package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// keepsDeadline judges whether no attempt of a call starts after the call's deadline. It counts from the call's first
// attempt, which no client can have begun before its call.
func keepsDeadline(s *scope, p *scenarios.KeepsDeadline) *opinion {
	judged, known, unordered := 0, 0, 0
	var open *call
	var excused *opinion
	for _, c := range s.calls {
		limit, ok := s.deadline(c, p)
		if !ok {
			unordered++
			continue
		}
		known++
		atts := s.attempts(c)
		if len(atts) == 0 || whole2xx(atts[0]) {
			continue // nothing had to be tried again
		}
		due := atts[0].First + limit
		judged++
		if _, over := s.result(c); !over && !whole2xx(atts[len(atts)-1]) && s.log.End <= due+early {
			open = c
		}
		for _, a := range atts[1:] {
			over := a.First - due
			if over <= early {
				continue
			}
			if over-s.lateness(atts[0].First, a.First) <= early {
				o := unseen("an attempt came %s after the deadline of its call, but the machine itself was late", measured(over))
				o.Lateness = true
				excused = o
				continue
			}
			o := fail("The client started an attempt %s after the deadline of its call.", measured(over))
			o.note = fmt.Sprintf("%s after the first attempt, %s are allowed", measured(a.First-atts[0].First), short(limit))
			o.Proof, o.Cause = s.prove(c, nil, a), s.cause(atts[0])
			return o
		}
	}
	switch {
	case len(s.calls) == 0:
		return s.noCall()
	case known == 0 && unordered > 0:
		return s.noDeadline()
	case excused != nil:
		return excused
	case judged == 0:
		return unseen("the first attempt of every call succeeded, so that no other had to keep the deadline")
	case open != nil:
		return unseen("the run ended before the deadline of %s", open.title())
	}
	return pass("keeps_deadline, %d/%d", judged, judged)
}

// deadline is how long the call may take; false where nobody says, or nobody told the client.
func (s *scope) deadline(c *call, p *scenarios.KeepsDeadline) (time.Duration, bool) {
	if p.Of != nil {
		return *p.Of, true
	}
	if o, ok := s.ordered(c); ok && o.step.Deadline > 0 {
		return o.step.Deadline, true
	}
	if d := s.scenario.Profile.Deadline; d != nil {
		return *d, true
	}
	return 0, false
}

// noDeadline is the opinion where no call has a deadline that the client could know of.
func (s *scope) noDeadline() *opinion {
	o := undeclared("deadline")
	for i := range s.scenario.Drive {
		if s.scenario.Drive[i].Deadline > 0 {
			o.Sentence = "the client takes no orders, and the profile does not declare deadline"
			o.Hint = "Drive the client in process, or declare its own, as in profile: {deadline: 3s}."
		}
	}
	return o
}
