package verdict

import (
	"fmt"
	"strconv"

	"brownout/scenarios"
)

// bounds is how many attempts a call may have.
type bounds struct {
	least, most int // most 0: no bound
	exact       bool
}

// attempts judges how many attempts each call had.
func attempts(s *scope, p *scenarios.Attempts) *opinion {
	b, missing := s.bounds(p)
	if missing {
		return undeclared("max_attempts")
	}
	if len(s.calls) == 0 {
		return s.noCall()
	}
	var over, under []*call
	var seen tally
	least, most := 0, 0
	for i, c := range s.calls {
		n := len(s.attempts(c))
		if i == 0 {
			least, most = n, n
		}
		least, most = min(least, n), max(most, n)
		switch {
		case b.most > 0 && n > b.most:
			over = append(over, c)
		case n < b.least:
			under = append(under, c)
		default:
			continue
		}
		seen.add(strconv.Itoa(n))
	}
	if len(over)+len(under) == 0 {
		if least == most {
			return pass("attempts = %d", least)
		}
		return pass("attempts = %d to %d", least, most)
	}
	return b.failure(s, over, under, &seen)
}

// bounds are those that the parameters set; missing where the profile lacks one.
func (s *scope) bounds(p *scenarios.Attempts) (b bounds, missing bool) {
	for _, c := range []*scenarios.Count{p.PerCall, p.Min, p.Max} {
		if c == nil {
			continue
		}
		n, ok := count(c, s.scenario.Profile.MaxAttempts)
		if !ok {
			return b, true
		}
		if c != p.Max {
			b.least = max(b.least, n)
		}
		if c != p.Min && (b.most == 0 || n < b.most) {
			b.most = n
		}
	}
	b.exact = b.least == b.most
	return b, false
}

// String writes the bounds: "4", "at most 3", "2 to 4".
func (b bounds) String() string {
	switch {
	case b.exact:
		return strconv.Itoa(b.most)
	case b.most == 0:
		return fmt.Sprintf("at least %d", b.least)
	case b.least == 0:
		return fmt.Sprintf("at most %d", b.most)
	}
	return fmt.Sprintf("%d to %d", b.least, b.most)
}

// failure says which calls had another number of attempts.
func (b bounds) failure(s *scope, over, under []*call, seen *tally) *opinion {
	wrong := over
	if len(over) == 0 {
		wrong = under
	}
	c := wrong[0]
	for _, o := range over { // the longest call shows it best
		if len(s.attempts(o)) > len(s.attempts(c)) {
			c = o
		}
	}
	n := len(s.attempts(c))
	var o *opinion
	switch {
	case len(s.calls) > 1:
		o = fail("%d of %d calls had another number of attempts than %s: %s.", len(over)+len(under), len(s.calls), b, seen.listed(3))
	case n > b.most && b.most > 0:
		o = fail("The client made %s, %d more than allowed.", plural(n, "attempt"), n-b.most)
	default:
		o = fail("The client made %s, %d fewer than expected.", plural(n, "attempt"), b.least-n)
	}
	o.absence = len(over) == 0
	o.note = fmt.Sprintf("%s: %d of %s", b, len(s.calls)-len(over)-len(under), plural(len(s.calls), "call"))
	if len(s.calls) == 1 {
		o.note = fmt.Sprintf("%d instead of %s", n, b)
	}
	o.Others = others(first(c, append(over, under...)))
	if m := b.most; m > 1 && b.most > 0 && len(over) > 0 && (n == m*m || n == m*(m+1)) {
		o.Pattern = fmt.Sprintf("%d attempts are %d times %d, as of two layers that both retry.", n, n/m, m)
	}
	if len(c.atts) == 0 {
		return o
	}
	last := c.atts[len(c.atts)-1]
	if n > b.most && b.most > 0 {
		atts := s.attempts(c)
		o.Proof, o.Cause = s.prove(c, nil, atts[b.most:]...), s.cause(atts[b.most-1])
		return o
	}
	o.Proof, o.Cause = s.prove(c, nil, last), s.cause(last)
	return o
}

// first moves a call to the front of a list of calls, and leaves the list as it is.
func first(c *call, calls []*call) []*call {
	moved := []*call{c}
	for _, other := range calls {
		if other != c {
			moved = append(moved, other)
		}
	}
	return moved
}
