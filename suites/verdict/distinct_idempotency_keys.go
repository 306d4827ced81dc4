package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// sampleDistinct is how many calls it takes for keys to be distinct.
const sampleDistinct = 2

// keyUse is what a key was first used for.
type keyUse struct {
	call *call
	body *attempt // first attempt whose body came whole; nil
}

// distinctIdempotencyKeys judges whether no key is in two calls, nor comes with two bodies. Where the profile declares
// keys made from the content, equal calls may have equal keys.
func distinctIdempotencyKeys(s *scope, _ *scenarios.DistinctIdempotencyKeys) opinion {
	header := s.keyHeader()
	fromContent := s.scenario.Profile.KeyFrom == "content"
	uses := make(map[string]*keyUse, len(s.calls))
	keyed := 0
	var shared, changed opinion
	sharing, changing := 0, 0
	for _, c := range s.calls {
		had, shares, changes := false, false, false
		for _, a := range s.attempts(c) {
			k, ok := lookupField(a, header)
			if !ok {
				continue
			}
			had = true
			u := uses[k]
			if u == nil {
				u = &keyUse{call: c}
				uses[k] = u
			}
			switch {
			case u.body != nil && a.BodyWhole && u.body.BodySHA256 != a.BodySHA256:
				if changing == 0 && !changes {
					changed = s.changedBody(k, c, u.body, a)
				}
				changes = true
			case u.call != c && !fromContent:
				if !shares && (sharing == 0 || shared.Outcome != Fail) {
					shared = s.sharedKey(k, u.call, c, a)
				}
				shares = true
			}
			if u.body == nil && a.BodyWhole {
				u.body = a
			}
		}
		keyed += one(had)
		sharing += one(shares)
		changing += one(changes)
	}
	switch {
	case keyed == 0:
		return unseen("no request carried an %s", header)
	case changing > 0:
		changed.note = fmt.Sprintf("%d of %s came with another body", changing, plural(keyed, "call"))
		return changed
	case sharing > 0:
		if shared.Outcome == Fail {
			shared.note = fmt.Sprintf("%d of %s had the key of another", sharing, plural(keyed, "call"))
		}
		return shared
	case s.namedByKey():
		return s.unableToFail()
	case keyed < sampleDistinct:
		return tooFew(keyed, sampleDistinct, "calls with a key")
	}
	return pass("distinct_idempotency_keys: %d keys in %d calls", len(uses), keyed)
}

// changedBody says that a key came with two bodies.
func (s *scope) changedBody(k string, c *call, first, a *attempt) opinion {
	o := fail("The client sent key %s with 2 bodies, of %s and of %s.", k, plural(int(first.BodyLen), "byte"), plural(int(a.BodyLen), "byte"))
	o.Proof = s.prove(c, nil, a)
	return o
}

// sharedKey says that a key was in two calls. Two calls that are told apart by the time between them alone may be one:
// the first had failed, and the second repeats its request.
func (s *scope) sharedKey(k string, first, c *call, a *attempt) opinion {
	if last := first.atts[len(first.atts)-1]; !c.named && !first.named && failed(last) && printOf(last) == printOf(a) {
		o := unseen("key %s came again with the same request %s after a failure: that may be the same call", k, short(a.First-ended(last)))
		o.Hint = "Name the calls: with --per-call, or with identity: {by: path}."
		o.Proof, o.Others = s.prove(c, nil, a), []string{first.title()}
		return o
	}
	o := fail("The client sent key %s in 2 calls.", k)
	o.Proof = s.prove(c, nil, a)
	o.Others = []string{first.title()}
	o.absence = true // a call that was split in two by a lost record would look the same
	return o
}
