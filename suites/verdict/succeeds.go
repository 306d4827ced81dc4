package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// succeeds judges whether the last attempt of enough calls got a whole 2xx, whether the client says so too, and,
// where all calls are to succeed, whether its process ended with 0.
func succeeds(s *scope, p *scenarios.Succeeds) *opinion {
	if p.None {
		return succeedsNone(s)
	}
	share := p.Share
	if share == 0 {
		share = 1
	}
	t := s.outcomes()
	if t.exit == 0 && (t.total == 0 || t.lost == t.total && t.denied == 0) {
		return s.noCall()
	}
	allowed := float64(t.total+len(s.vague)) * (1 - float64(share))
	const rounding = 1e-9
	if all := share == 1; float64(len(t.bad)) > allowed+rounding || all && t.exit != 0 {
		return t.failure(s, float64(share))
	}
	if float64(len(t.bad)+len(t.open)) > allowed+rounding {
		o := unseen("the record was cut off: %s without an end", plural(len(t.open), "last attempt"))
		o.Proof = s.prove(t.open[0], nil)
		return o
	}
	return pass("succeeds: %d of %d", t.total-len(t.bad)-len(t.open), t.total)
}

// outcomes is how the calls of a scope ended.
type outcomes struct {
	total  int
	bad    []*call // no success
	open   []*call // the record does not say
	lost   int     // of bad: never reached the wire
	told   int     // of bad: got a whole 2xx, and the client or its process says that it failed
	denied int     // of lost: the client or its process says that it failed
	exit   int     // exit code of the one process of the run, where it matters
}

func (s *scope) outcomes() outcomes {
	t := outcomes{total: len(s.calls)}
	for _, p := range s.whole {
		if s.everything() && p.Exit > 0 && t.exit == 0 {
			t.exit = p.Exit
		}
	}
	for _, c := range s.calls {
		switch got := s.got(c); {
		case got == Pass && s.denied(c):
			t.told++
			t.bad = append(t.bad, c)
		case got == Fail:
			if len(c.atts) == 0 {
				t.lost++
				t.denied += one(s.denied(c))
			}
			t.bad = append(t.bad, c)
		case got == Inconclusive:
			t.open = append(t.open, c)
		}
	}
	return t
}

// got says how the call ended on the wire.
func (s *scope) got(c *call) Outcome {
	if len(c.atts) == 0 {
		return Fail
	}
	last := c.atts[len(c.atts)-1]
	switch {
	case whole2xx(last), hedged(c.atts):
		return Pass
	case !last.Ended && last.Status >= 200 && last.Status < 300:
		return Inconclusive
	}
	return Fail
}

// hedged reports whether the last attempt is one that the client gave up because an earlier one, under way at the
// same time, had its whole 2xx.
func hedged(atts []*attempt) bool {
	last := atts[len(atts)-1]
	if !leftByClient(last) {
		return false
	}
	for _, a := range atts[:len(atts)-1] {
		if whole2xx(a) && a.Done > last.First {
			return true
		}
	}
	return false
}

// denied reports whether the client, or the call's own process, says that the call failed.
func (s *scope) denied(c *call) bool {
	if r, said := s.result(c); said {
		return !r.OK
	}
	p := s.exit(c)
	return p != nil && p.Exit != 0
}

// allWhole reports whether every attempt of the call got a whole 2xx, so that it succeeded whichever are its own.
func allWhole(c *call) bool {
	for _, a := range c.atts {
		if !whole2xx(a) {
			return false
		}
	}
	return true
}

// failure says what kept the calls from success.
func (t *outcomes) failure(s *scope, share float64) *opinion {
	if len(t.bad) == 0 {
		o := fail("The client exited with %d%s.", t.exit, t.others())
		o.note = "this asks for exit code 0 as well"
		return o
	}
	c := t.bad[0]
	for _, b := range t.bad { // one with attempts shows more
		if len(b.atts) > 0 {
			c = b
			break
		}
	}
	var o *opinion
	if t.total == 1 {
		o = fail("%s", s.oneFailed(c))
	} else {
		o = fail("%d of %d calls did not succeed%s.", len(t.bad), t.total, t.because(s))
	}
	o.note = fmt.Sprintf("%d of %s succeeded", t.total-len(t.bad)-len(t.open), plural(t.total, "call"))
	if share < 1 {
		o.note += ", " + percent(share) + " had to"
	}
	if t.exit != 0 {
		o.note += fmt.Sprintf("; the client exited with %d", t.exit)
	}
	if p := s.exit(c); p != nil && p.Exit > 0 && t.told == 0 {
		o.note += fmt.Sprintf("; for %s the client exited with %d", c.title(), p.Exit)
	}
	o.absence = true
	o.Others = others(first(c, t.bad))
	if n := len(c.atts); n > 0 {
		o.Proof = s.prove(c, nil, c.atts[n-1])
		if !whole2xx(c.atts[n-1]) {
			o.Cause = s.cause(c.atts[n-1])
		}
	}
	return o
}

// others says how the calls of a client that exited with an error went.
func (t *outcomes) others() string {
	switch t.total {
	case 0:
		return " and made no call"
	case 1:
		return ", though its one call succeeded"
	}
	return fmt.Sprintf(", though all its %d calls succeeded", t.total)
}

// oneFailed says how the one call of a run failed.
func (s *scope) oneFailed(c *call) string {
	n := len(c.atts)
	if n == 0 {
		return "The one call never reached the server."
	}
	if s.got(c) == Pass {
		if p := s.exit(c); p != nil {
			return fmt.Sprintf("The client exited with %d, though its call got a whole %d.", p.Exit, c.atts[n-1].Status)
		}
		return fmt.Sprintf("The client reported a failure, though its call got a whole %d.", c.atts[n-1].Status)
	}
	return fmt.Sprintf("The client gave up after %s: the last got %s.", plural(n, "attempt"), outcome(c.atts[n-1]))
}

// because names what is special about some of the failed calls.
func (t *outcomes) because(s *scope) string {
	switch {
	case t.told == len(t.bad):
		return ": each got a whole 2xx, and the client says that it failed"
	case t.told > 0:
		return fmt.Sprintf(": %d of them got a whole 2xx, and the client says that it failed", t.told)
	case t.lost > 0:
		return fmt.Sprintf(": %d of them never reached the server", t.lost)
	}
	var last tally
	for _, c := range t.bad {
		last.add(outcome(c.atts[len(c.atts)-1]))
	}
	return ": their last attempts got " + last.listed(3)
}

// succeedsNone judges whether no call succeeded, nor was said to.
func succeedsNone(s *scope) *opinion {
	if len(s.calls) == 0 {
		return s.noCall()
	}
	var good, claimed []*call
	for _, c := range s.calls {
		r, said := s.result(c)
		switch got := s.got(c); {
		case got == Pass:
			good = append(good, c)
		case said && r.OK && s.exit(c) == nil:
			claimed = append(claimed, c)
		}
	}
	switch {
	case len(good) > 0:
		c := good[0]
		o := fail("%d of %s succeeded, none was to.", len(good), plural(len(s.calls), "call"))
		o.note = fmt.Sprintf("%d of %s succeeded", len(good), plural(len(s.calls), "call"))
		o.Proof, o.Others = s.prove(c, nil, c.atts[len(c.atts)-1]), others(good)
		o.Cause = s.cause(c.atts[len(c.atts)-1])
		return o
	case len(claimed) > 0:
		c := claimed[0]
		o := fail("The client reported success for %d of %s, none of which got a whole 2xx.", len(claimed), plural(len(s.calls), "call"))
		o.note = fmt.Sprintf("%s reported as a success", plural(len(claimed), "call"))
		o.Others = others(claimed)
		if n := len(c.atts); n > 0 {
			o.Proof, o.Cause = s.prove(c, nil, c.atts[n-1]), s.cause(c.atts[n-1])
		}
		return o
	}
	return pass("succeeds: none of %d", len(s.calls))
}
