package verdict

import (
	"fmt"
	"slices"

	"brownout/scenarios"
)

// refusals are the statuses by which a key is refused where the check names none.
var refusals = []int{400, 422}

// notResentUnchanged judges whether what was refused came again with equal key and body. No key is equal to no key.
func notResentUnchanged(s *scope, p *scenarios.NotResentUnchanged) *opinion {
	statuses := p.Status
	if statuses == nil {
		statuses = refusals
	}
	var bad []wentOn
	total := 0
	for _, c := range s.calls {
		atts, header := s.requests(c), s.keyOf(c)
		for k, a := range atts {
			if !slices.Contains(statuses, seen(a)) {
				continue
			}
			total++
			if again := resent(atts, k, header); again != nil {
				bad = append(bad, wentOn{wait{c, k + 1, a, again, again.First - a.Sent}, 1})
				break
			}
		}
	}
	switch {
	case total == 0:
		return unseen("no answer had one of these statuses")
	case len(bad) == 0:
		return pass("not_resent_unchanged, %d/%d", total, total)
	}
	b := bad[0]
	o := fail("The client sent the same key and body again after a %d.", b.before.Status)
	if _, keyed := lookupField(b.before, s.keyOf(b.call)); !keyed {
		o = fail("The client sent the same request again after a %d, without a key as before.", b.before.Status)
	}
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("%d calls sent what was refused again, unchanged.", len(bad))
	}
	o.note = fmt.Sprintf("%d of %s came again", len(bad), plural(total, "refusal"))
	o.Cause = s.cause(b.before)
	o.Proof = s.prove(b.call, nil, b.after)
	o.Others = others(callsOf(bad, b.call))
	return o
}

// resent returns the first attempt after attempt k was answered that has its key and body; nil where there is none.
func resent(atts []*attempt, k int, header string) *attempt {
	a := atts[k]
	key, keyed := lookupField(a, header)
	for _, b := range atts[after(atts, k):] {
		if other, has := lookupField(b, header); has == keyed && other == key && b.BodySHA256 == a.BodySHA256 {
			return b
		}
	}
	return nil
}
