package verdict

import (
	"fmt"
	"slices"
	"strconv"

	"brownout/scenarios"
)

// retried is what became of the answers of one status.
type retried struct {
	status   int
	followed int // answers that another attempt followed
	ended    int // answers that ended a call which had attempts left
	call     *call
	attempt  *attempt // that followed, or the last of the call
}

// retriesOn judges whether exactly these statuses are retried, of those that the server answered. A status counts as
// retried when any attempt followed one; not retried, when it ended calls and no attempt ever followed one.
func retriesOn(s *scope, p *scenarios.RetriesOn) *opinion {
	exactly := p.Exactly
	if p.Declared {
		if exactly = s.scenario.Profile.RetriesOn; exactly == nil {
			return undeclared("retries_on")
		}
	}
	seen := s.retried()
	var on, off []string
	var wrong []*retried
	for _, r := range seen {
		text := strconv.Itoa(r.status)
		switch {
		case r.followed+r.ended == 0: // only ever the last of all attempts that the profile allows
		case r.followed > 0:
			on = append(on, text)
			if !slices.Contains(exactly, r.status) {
				wrong = append(wrong, r)
			}
		default:
			off = append(off, text)
			if slices.Contains(exactly, r.status) {
				wrong = append(wrong, r)
			}
		}
	}
	switch {
	case len(on)+len(off) == 0:
		return unseen("no answer had an error status that could be retried")
	case len(wrong) > 0:
		return s.wronglyRetried(wrong, len(on)+len(off))
	case len(off) == 0:
		return pass("retries on %s", list(on, "and"))
	case len(on) == 0:
		return pass("no retry on %s", list(off, "or"))
	}
	return pass("retries on %s, not on %s", list(on, "and"), list(off, "or"))
}

// retried collects the error statuses that the server answered, in ascending order.
func (s *scope) retried() []*retried {
	byStatus := make(map[int]*retried)
	for _, c := range s.calls {
		atts := s.attempts(c)
		for k, a := range atts {
			if seen(a) < 400 {
				continue
			}
			r := byStatus[a.Status]
			if r == nil {
				r = &retried{status: a.Status}
				byStatus[a.Status] = r
			}
			j := after(atts, k)
			switch {
			case j < len(atts):
				if r.followed == 0 {
					r.call, r.attempt = c, atts[j]
				}
				r.followed++
			case s.attemptsLeft(len(atts)):
				if r.call == nil {
					r.call, r.attempt = c, a
				}
				r.ended++
			}
		}
	}
	seen := make([]*retried, 0, len(byStatus))
	for _, r := range byStatus {
		seen = append(seen, r)
	}
	slices.SortFunc(seen, func(a, b *retried) int { return a.status - b.status })
	return seen
}

// attemptsLeft reports whether a client that has made n attempts may make more, as far as its profile says.
func (s *scope) attemptsLeft(n int) bool {
	m := s.scenario.Profile.MaxAttempts
	return m == nil || n < *m
}

func (s *scope) wronglyRetried(wrong []*retried, judged int) *opinion {
	r := wrong[0]
	var yes, no []string
	for _, w := range wrong {
		if w.followed > 0 {
			yes = append(yes, strconv.Itoa(w.status))
		} else {
			no = append(no, strconv.Itoa(w.status))
		}
	}
	var o *opinion
	switch {
	case len(no) == 0:
		o = fail("The client retried %s, which it should not.", list(yes, "and"))
	case len(yes) == 0:
		o = fail("The client did not retry %s.", list(no, "or"))
		o.absence = true
	default:
		o = fail("The client retried %s, which it should not, and did not retry %s.", list(yes, "and"), list(no, "or"))
	}
	if r.followed == 0 && len(yes) > 0 { // show a retry rather than the lack of one
		r = wrong[slices.IndexFunc(wrong, func(w *retried) bool { return w.followed > 0 })]
	}
	o.note = fmt.Sprintf("%d of %s %s taken otherwise", len(wrong), plural(judged, "status"), was(len(wrong)))
	o.Proof = s.prove(r.call, nil, r.attempt)
	answered := r.attempt
	if r.followed > 0 {
		atts := s.attempts(r.call)
		answered = atts[max(indexOf(atts, r.attempt)-1, 0)]
	}
	o.Cause = s.cause(answered)
	return o
}
