package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// keyFromFirstAttempt judges whether each call that was tried again had its key from the first attempt on.
func keyFromFirstAttempt(s *scope, _ *scenarios.KeyFromFirstAttempt) *opinion {
	var bad []*call
	seen := 0
	for _, c := range s.calls {
		atts := s.attempts(c)
		if len(atts) < 2 || !s.keyed(c, atts) || atts[0].N > 1 {
			continue
		}
		seen++
		if _, ok := lookupField(atts[0], s.keyOf(c)); !ok {
			bad = append(bad, c)
		}
	}
	switch {
	case seen == 0:
		return unseen("no call that should carry an %s was tried again", s.keyHeader())
	case len(bad) == 0:
		return pass("key_from_first_attempt, %d/%d", seen, seen)
	}
	c := bad[0]
	atts, header := s.attempts(c), s.keyOf(c)
	o := fail("The client sent %d attempts of a call, none with an %s.", len(atts), header)
	o.Hint = s.otherHeader(atts, header)
	for k, a := range atts {
		if _, ok := lookupField(a, header); ok {
			o = fail("The client added the %s with attempt %d.", header, k+1)
			break
		}
	}
	o.note = fmt.Sprintf("%d of %s had a key at once", seen-len(bad), plural(seen, "call"))
	o.Proof, o.Others = s.prove(c, nil, atts[0]), others(bad)
	o.Cause = s.cause(atts[0])
	return o
}
