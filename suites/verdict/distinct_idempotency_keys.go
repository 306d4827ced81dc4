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

// keyUses collects what keys were used for.
type keyUses struct {
	s               *scope
	fromContent     bool // equal calls may have equal keys
	uses            map[string]*keyUse
	shared, changed *opinion // on the first call that shows it
	keyed           int      // calls with a key
	sharing         int      // calls with the key of another
	changing        int      // calls in which a key came with another body than before
}

// distinctIdempotencyKeys judges whether no key is in two calls, nor comes with two bodies. Where the profile declares
// keys made from the content, equal calls may have equal keys.
func distinctIdempotencyKeys(s *scope, _ *scenarios.DistinctIdempotencyKeys) *opinion {
	u := keyUses{s: s, fromContent: s.scenario.Profile.KeyFrom == "content", uses: make(map[string]*keyUse, len(s.calls))}
	for _, c := range s.calls {
		u.add(c, s.keyOf(c))
	}
	switch {
	case u.keyed == 0:
		return unseen("no request carried an %s", s.keyHeader())
	case u.changing > 0:
		u.changed.note = fmt.Sprintf("%d of %s came with another body", u.changing, plural(u.keyed, "call"))
		return u.changed
	case u.sharing > 0:
		if u.shared.Outcome == Fail {
			u.shared.note = fmt.Sprintf("%d of %s had the key of another", u.sharing, plural(u.keyed, "call"))
		}
		return u.shared
	case s.namedByKey():
		return s.unableToFail()
	case u.keyed < sampleDistinct:
		return tooFew(u.keyed, sampleDistinct, "calls with a key")
	}
	return pass("distinct_idempotency_keys: %s in %s", plural(len(u.uses), "key"), plural(u.keyed, "call"))
}

// add adds the keys of a call.
func (u *keyUses) add(c *call, header string) {
	had, shares, changes := false, false, false
	for _, a := range u.s.attempts(c) {
		k, ok := lookupField(a, header)
		if !ok {
			continue
		}
		had = true
		use := u.uses[k]
		if use == nil {
			use = &keyUse{call: c}
			u.uses[k] = use
		}
		switch {
		case use.body != nil && a.BodyWhole && use.body.BodySHA256 != a.BodySHA256:
			if u.changing == 0 && !changes {
				u.changed = u.s.changedBody(k, c, use.body, a)
			}
			changes = true
		case use.call != c && !u.fromContent:
			if !shares && (u.sharing == 0 || u.shared.Outcome != Fail) {
				u.shared = u.s.sharedKey(k, use.call, c, a)
			}
			shares = true
		}
		if use.body == nil && a.BodyWhole {
			use.body = a
		}
	}
	u.keyed += one(had)
	u.sharing += one(shares)
	u.changing += one(changes)
}

// changedBody says that a key came with two bodies.
func (s *scope) changedBody(k string, c *call, first, a *attempt) *opinion {
	o := fail("The client sent key %s with 2 bodies, of %s and of %s.", k, plural(int(first.BodyLen), "byte"), plural(int(a.BodyLen), "byte"))
	o.Proof = s.prove(c, nil, a)
	return o
}

// sharedKey says that a key was in two calls. Two calls that are told apart by the time between them alone may be one:
// the first had failed, and the second repeats its request.
func (s *scope) sharedKey(k string, first, c *call, a *attempt) *opinion {
	if last := first.atts[len(first.atts)-1]; !c.named && !first.named && failed(last) && s.printOf(last) == s.printOf(a) {
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
