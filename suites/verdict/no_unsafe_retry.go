package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// noUnsafeRetry judges whether a request that is not idempotent, and whose outcome is unknown, was sent once only. A
// transport replay counts. It is waived where all attempts carry one idempotency key.
func noUnsafeRetry(s *scope, _ *scenarios.NoUnsafeRetry) *opinion {
	type repeated struct {
		call    *call
		atts    []*attempt
		unknown int
	}
	var bad []repeated
	seen, waived := 0, 0
	for _, c := range s.calls {
		first := c.first()
		if first == nil || idempotent(first.Method) {
			continue
		}
		atts := s.attempts(c)
		k := firstUnknown(atts)
		switch {
		case k < 0:
			continue
		case k+1 == len(atts):
		case s.steadyKey(c, s.requests(c)) || s.toldIdempotent(c):
			waived++
		default:
			bad = append(bad, repeated{c, atts, k})
		}
		seen++
	}
	switch {
	case seen == 0:
		return unseen("no unsafe request had an unknown outcome")
	case len(bad) == 0 && waived > 0:
		return pass("no_unsafe_retry: %d of %d waived by a key", waived, seen)
	case len(bad) == 0:
		return pass("no_unsafe_retry, %d/%d", seen, seen)
	}
	b := bad[0]
	o := fail("The client sent %s %d times, though the outcome of attempt %d (%s) was unknown.",
		b.atts[0].Method, len(b.atts), b.unknown+1, outcomeThen(b.atts, b.unknown))
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("The client repeated %d of %d unsafe requests whose outcome was unknown.", len(bad), seen)
	}
	o.note = s.keyNote(b.call)
	o.Cause = s.cause(b.atts[b.unknown])
	o.Proof = s.prove(b.call, nil, b.atts[b.unknown+1])
	calls := make([]*call, len(bad))
	for i := range bad {
		calls[i] = bad[i].call
	}
	o.Others = others(calls)
	return o
}

// firstUnknown is the index of the first attempt that the server may or may not have acted on; -1 where there is
// none. A connection cut at accept or tls never became a request.
func firstUnknown(atts []*attempt) int {
	for k, a := range atts {
		switch {
		case a.cut:
		case a.Status == 500 || a.Status == 502 || a.Status == 504, struck(a), a.Ended && !a.Whole:
			return k
		case k+1 < len(atts) && atts[k+1].First < a.Sent: // sent again before the first was answered
			return k
		}
	}
	return -1
}

// outcomeThen is what attempt k had come to when the next was sent.
func outcomeThen(atts []*attempt, k int) string {
	if k+1 < len(atts) && atts[k+1].First < atts[k].Sent {
		return "not yet answered"
	}
	return answered(atts[k])
}

// keyNote says why the call is not waived.
func (s *scope) keyNote(c *call) string {
	header := s.keyOf(c)
	keys, missing := keysOf(s.requests(c), header)
	switch {
	case len(keys) == 0:
		return "it carried no " + header
	case missing > 0:
		return fmt.Sprintf("%s lacked the %s", plural(missing, "attempt"), header)
	}
	return fmt.Sprintf("its %s changed", header)
}
