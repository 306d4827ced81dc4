package verdict

import (
	"fmt"
	"strings"
	"time"

	"brownout/scenarios"
)

// longPause is the pause from which on a client may well give up instead of waiting, where the profile does not
// say: widespread clients draw the line at 60 s and 120 s.
const longPause = 60 * time.Second

// dateGrain is how coarse an HTTP date is.
const dateGrain = time.Second

// asked is the wait after an answer that asked for a pause.
type asked struct {
	wait
	early, late time.Duration // how much too early or too late the next attempt came; 0 not
	bound       time.Duration // of the late one, from the end of the answer
}

// honoursRetryAfter judges whether each attempt after an answer with a Retry-After came no earlier than it was due
// and, where the expectation says so, not too late.
func honoursRetryAfter(s *scope, p *scenarios.HonoursRetryAfter) *opinion {
	tolerance := p.Tolerance
	if tolerance == 0 {
		tolerance = early
	}
	pauses, gaveUp := s.pauses(tolerance, p.Late)
	var tooEarly, tooLate []asked
	for _, w := range pauses {
		switch {
		case w.early > 0:
			tooEarly = append(tooEarly, w)
		case w.late > 0:
			tooLate = append(tooLate, w)
		}
	}
	switch {
	case len(tooEarly) > 0:
		o := s.tooEarly(tooEarly, len(pauses), tolerance)
		o.Rules = formsOf(tooEarly)
		return o
	case len(tooLate) > 0:
		o := s.tooLate(tooLate, len(pauses), tolerance)
		o.Rules = formsOf(tooLate)
		return o
	case len(pauses) > 0:
		o := pass("honours_retry_after %d/%d", len(pauses), len(pauses))
		o.Rules = formsOf(pauses)
		return o
	case gaveUp > 0:
		return pass("honours_retry_after: gave up on %s", plural(gaveUp, "long pause"))
	}
	return unseen("no attempt followed an answer that asked for a pause")
}

// pauses collects the waits after answers that asked for one, and counts the answers that asked for so long that the
// client was free to give up, and did. A pause that was over when it was asked for cannot be too short.
func (s *scope) pauses(tolerance time.Duration, late *time.Duration) (pauses []asked, gaveUp int) {
	for _, c := range s.calls {
		atts := s.attempts(c)
		for k, a := range atts {
			if !a.HasDue || a.Due <= a.Sent && late == nil || leftByClient(a) {
				continue
			}
			j := after(atts, k)
			if j == len(atts) {
				gaveUp += one(a.Due-a.Sent > s.mostPause())
				continue
			}
			w := asked{wait: wait{c, k + 1, a, atts[j], atts[j].First - a.Sent}}
			w.measure(tolerance, late)
			pauses = append(pauses, w)
		}
	}
	return pauses, gaveUp
}

// mostPause is the longest pause that a client must wait out rather than give up.
func (s *scope) mostPause() time.Duration {
	if m := s.scenario.Profile.RetryAfterMax; m != nil {
		return *m
	}
	return longPause
}

// measure compares the next attempt with when it was due.
func (w *asked) measure(tolerance time.Duration, late *time.Duration) {
	a, b := w.before, w.after
	if b.First < a.Due-tolerance {
		w.early = a.Due - b.First
		return
	}
	if late == nil {
		return
	}
	w.bound = max(a.Due-ended(a), 0) + *late
	if isDate(a) {
		w.bound += dateGrain
	}
	if waited := b.First - ended(a); waited > withSlack(w.bound) {
		w.late = b.First - a.Due
	}
}

// isDate reports whether the answer's Retry-After was a date.
func isDate(a *attempt) bool {
	return strings.Contains(a.RetryAfter, " GMT") || isASCTime(a.RetryAfter)
}

// isASCTime reports whether the field is a date in the form of asctime: Sun Nov  6 08:49:37 1994.
func isASCTime(field string) bool {
	_, value, _ := strings.Cut(field, ": ")
	_, err := time.Parse(time.ANSIC, value)
	return err == nil
}

// tooEarly says that attempts came before they were due.
func (s *scope) tooEarly(bad []asked, total int, tolerance time.Duration) *opinion {
	worst := worstOf(bad, func(w asked) time.Duration { return w.early })
	o := fail("The client retried %s too early.", measured(worst.early))
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("The client retried up to %s too early.", measured(worst.early))
	}
	o.note = fmt.Sprintf("%d of %s %s too short", len(bad), plural(total, "pause"), was(len(bad)))
	o.Cause = s.pauseCause(worst.before)
	atts := s.attempts(worst.call)
	o.Proof = s.prove(worst.call, duePauses(tolerance), around(bad, worst.call)...)
	o.Others = others(callsOf(bad, worst.call))
	o.Pattern = waitsPattern(atts, indexOf(atts, worst.before))
	return o
}

// tooLate says that attempts came long after they were due. Where the machine's own lateness can explain that, it is
// inconclusive.
func (s *scope) tooLate(bad []asked, total int, tolerance time.Duration) *opinion {
	var certain []asked
	for _, w := range bad {
		from, to := ended(w.before), w.after.First
		if to-from-s.lateness(from, to) > withSlack(w.bound) {
			certain = append(certain, w)
		}
	}
	if len(certain) == 0 {
		worst := worstOf(bad, func(w asked) time.Duration { return w.late })
		o := unseen("an attempt came %s after it was due, but the machine itself was late by %s",
			measured(worst.late), measured(s.lateness(ended(worst.before), worst.after.First)))
		o.Lateness = true
		o.note = fmt.Sprintf("%d of %s %s too long", len(bad), plural(total, "pause"), was(len(bad)))
		o.Proof, o.Cause = s.prove(worst.call, duePauses(tolerance), worst.before, worst.after), s.pauseCause(worst.before)
		return o
	}
	worst := worstOf(certain, func(w asked) time.Duration { return w.late })
	o := fail("The client retried %s after it was due.", measured(worst.late))
	if len(certain) > 1 {
		o.Sentence = fmt.Sprintf("The client retried up to %s after it was due.", measured(worst.late))
	}
	o.note = fmt.Sprintf("%d of %s %s too long", len(certain), plural(total, "pause"), was(len(certain)))
	o.Cause = s.pauseCause(worst.before)
	o.Proof = s.prove(worst.call, duePauses(tolerance), around(certain, worst.call)...)
	o.Others = others(callsOf(certain, worst.call))
	return o
}

// duePauses allows each wait after a Retry-After from when the next attempt was due.
func duePauses(tolerance time.Duration) func([]*attempt, int) pause {
	return func(atts []*attempt, k int) pause {
		a := atts[k]
		if !a.HasDue || a.Due <= a.Sent {
			return pause{allowed: "any", good: true}
		}
		return pause{allowed: "≥ " + short(a.Due-a.Sent), due: a.Due, good: atts[k+1].First >= a.Due-tolerance}
	}
}

// worstOf is the pause for which by is greatest.
func worstOf(ws []asked, by func(asked) time.Duration) asked {
	worst := ws[0]
	for _, w := range ws[1:] {
		if by(w) > by(worst) {
			worst = w
		}
	}
	return worst
}

// formSet is which forms of Retry-After were seen.
type formSet struct{ seconds, date, oldDate, long bool }

func (f *formSet) add(a *attempt) {
	switch {
	case isASCTime(a.RetryAfter), strings.Contains(a.RetryAfter, "day, "):
		f.oldDate = true
	case isDate(a):
		f.date = true
	default:
		f.seconds = true
	}
	f.long = f.long || a.Due-a.Sent > longPause
}

// formsOf returns the rules that the forms of the pauses are about.
func formsOf(ws []asked) []string {
	var forms formSet
	for _, w := range ws {
		forms.add(w.before)
	}
	return forms.rules()
}

// rules are the rules that the seen forms are about.
func (f formSet) rules() []string {
	var rules []string
	for _, r := range []struct {
		seen bool
		id   string
	}{{f.seconds, "RA-001"}, {f.date, "RA-002"}, {f.oldDate, "RA-003"}, {f.long, "RA-006"}} {
		if r.seen {
			rules = append(rules, r.id)
		}
	}
	return rules
}
