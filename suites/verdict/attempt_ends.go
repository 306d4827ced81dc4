package verdict

import (
	"fmt"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// attemptCeiling is how long an attempt may take where nobody says.
const attemptCeiling = 60 * time.Second

// attemptEnds judges whether the client gave up each attempt that was not answered in time.
func attemptEnds(s *scope, p *scenarios.AttemptEnds) *opinion {
	within := attemptCeiling
	switch d := s.scenario.Profile.AttemptTimeout; {
	case p.Within != nil:
		within = *p.Within
	case d != nil:
		within = *d
	}
	judged, open := 0, (*attempt)(nil)
	for _, c := range append(s.calls[:len(s.calls):len(s.calls)], s.vague...) {
		for _, a := range s.attempts(c) {
			took, given := s.until(a)
			if took <= within && a.Ended && !leftByClient(a) {
				if silent(a) && !given {
					open = a // the run ended before it had to
				}
				continue
			}
			judged++
			if took <= withSlack(within) {
				if !given && !a.Ended {
					open = a
				}
				continue
			}
			if late := s.lateness(a.First, a.First+took); took-late <= withSlack(within) {
				o := unseen("an attempt took %s, but the machine itself was late in it", measured(took))
				o.Lateness = true
				return o
			}
			o := fail("The client waited %s for an attempt that was not answered; %s are allowed.", measured(took), short(within))
			if !given {
				o.Sentence = fmt.Sprintf("The client had not given up an attempt after %s; %s are allowed.", measured(took), short(within))
			}
			o.note = fmt.Sprintf("%s, at most %s with slack", measured(took), short(withSlack(within)))
			o.Cause = s.cause(a)
			o.Proof = s.prove(c, nil, a)
			return o
		}
	}
	switch {
	case open != nil:
		return unseen("the run ended %s into an attempt that was not answered", short(s.log.End-open.First))
	case judged == 0:
		return unseen("every attempt was answered within %s", short(within))
	}
	return pass("attempt_ends within %s, %d/%d", short(within), judged, judged)
}

// silent reports whether the upstream fell silent in the attempt.
func silent(a *attempt) bool { return a.wired && wireWord(a) == "stalled" }

// until is how long the attempt took, and whether the client, or an answer, ended it; else the end of the run did.
func (s *scope) until(a *attempt) (time.Duration, bool) {
	if !a.Ended {
		return s.log.End - a.First, false
	}
	byServer := a.Closed == journal.ClosedByServerFIN || a.Closed == journal.ClosedByServerRST
	return a.Done - a.First, !(silent(a) && byServer)
}
