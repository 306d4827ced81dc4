package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// sameIdempotencyKey judges whether all attempts of a call carry one key.
func sameIdempotencyKey(s *scope, _ *scenarios.SameIdempotencyKey) *opinion {
	if s.namedByKey() {
		return s.unableToFail()
	}
	var bad []*call
	seen := 0
	for _, c := range s.calls {
		atts := s.attempts(c)
		if len(atts) < 2 || !s.keyed(c, atts) {
			continue
		}
		seen++
		if keys, missing := keysOf(atts, s.keyOf(c)); len(keys) != 1 || missing > 0 {
			bad = append(bad, c)
		}
	}
	switch {
	case seen == 0:
		return unseen("no call that should carry an %s was tried again", s.keyHeader())
	case len(bad) == 0:
		return pass("same_idempotency_key")
	}
	c := bad[0]
	atts, header := s.attempts(c), s.keyOf(c)
	keys, missing := keysOf(atts, header)
	var o *opinion
	switch {
	case len(keys) == 0:
		o = fail("The client sent %d attempts of a call without an %s.", len(atts), header)
		o.Hint = s.otherHeader(atts, header)
	case missing > 0:
		o = fail("The client sent %d of %d attempts of a call without its %s.", missing, len(atts), header)
	default:
		o = fail("The client sent %d attempts of a call with %d different keys.", len(atts), len(keys))
	}
	o.note = fmt.Sprintf("%d of %s kept its key", seen-len(bad), plural(seen, "call"))
	o.Proof, o.Others = s.prove(c, nil, unlike(atts, header)...), others(bad)
	o.Cause = s.cause(atts[0])
	return o
}

// unlike are the attempts that lack a key, or carry another than the first key of the call.
func unlike(atts []*attempt, header string) []*attempt {
	var bad []*attempt
	first := ""
	for _, a := range atts {
		k, ok := lookupField(a, header)
		switch {
		case ok && first == "":
			first = k
		case !ok || k != first:
			bad = append(bad, a)
		}
	}
	return bad
}
