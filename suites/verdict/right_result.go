package verdict

import (
	"fmt"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// contentKey is a body, as a client may take it for a result.
type contentKey struct {
	length int64
	sum    [32]byte
}

// contents are the bodies that answers carried.
type contents struct {
	of   map[uint64][]contentKey // by attempt: as it is, and in its coding
	from map[contentKey]*call    // the first call that got it whole
}

// contents collects the bodies that the answers of the run carried.
func (s *scope) contents() *contents {
	t := &contents{of: make(map[uint64][]contentKey, len(s.log.Contents)), from: make(map[contentKey]*call)}
	for i := range s.log.Contents {
		c := &s.log.Contents[i]
		t.of[c.Seq] = append(t.of[c.Seq], contentKey{c.Len, c.SHA256})
	}
	for i := range s.evidence.calls {
		c := &s.evidence.calls[i]
		for _, a := range c.atts {
			if !whole2xx(a) || a.cut {
				continue
			}
			for _, k := range t.of[a.Seq] {
				if t.from[k] == nil {
					t.from[k] = c
				}
			}
		}
	}
	return t
}

// right says whether a body was sent whole for the call: yes, no, or that the record does not tell.
func (s *scope) right(t *contents, c *call, k contentKey) (right, known bool) {
	known = true
	for _, a := range c.atts {
		if !whole2xx(a) || a.cut {
			continue
		}
		for _, sent := range t.of[a.Seq] {
			if sent == k {
				return true, true
			}
		}
		if answer := s.scripted(a); len(t.of[a.Seq]) == 0 && (answer == nil || answer.Encoding != scenarios.EncodingCutGzip) {
			known = false
		}
	}
	return false, known
}

// rightResult judges whether each result that the client calls a success is a body that was sent whole for its call.
func rightResult(s *scope, _ *scenarios.RightResult) *opinion {
	if !s.said() {
		return untold()
	}
	t := s.contents()
	var bad []*call
	var taken []journal.Result
	total, bodiless, unknown := 0, 0, 0
	for _, c := range s.calls {
		r, said := s.result(c)
		switch {
		case !said || !r.OK:
			continue
		case !r.HasBody:
			bodiless++
			continue
		}
		right, known := s.right(t, c, contentKey{r.BodyLen, r.BodySHA256})
		switch {
		case right:
			total++
		case known:
			total++
			bad, taken = append(bad, c), append(taken, r)
		default:
			unknown++
		}
	}
	switch {
	case len(bad) > 0:
		return s.wrongResult(t, bad, taken, total)
	case unknown > 0:
		return unseen("the record does not hold what %s got", plural(unknown, "call"))
	case total == 0 && bodiless > 0:
		o := untold()
		o.Sentence, o.Hint = "the client says nothing of the bodies that it got", "Drive it in process."
		return o
	case total == 0:
		return unseen("the client reported no success")
	}
	return pass("right_result, %d/%d", total, total)
}

// wrongResult says that results are none of the bodies that were sent whole for their calls.
func (s *scope) wrongResult(t *contents, bad []*call, taken []journal.Result, total int) *opinion {
	c, r := bad[0], taken[0]
	o := fail("The client took %s for the result of a call, and no such body was sent whole for it.", plural(int(r.BodyLen), "byte"))
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("%d of %d results are no body that was sent whole for their calls.", len(bad), total)
	}
	if of := t.from[contentKey{r.BodyLen, r.BodySHA256}]; of != nil && of != c {
		o.Pattern = fmt.Sprintf("It is what %s got.", of.title())
	}
	o.note = fmt.Sprintf("%d of %s right", total-len(bad), plural(total, "result"))
	o.Others = others(bad)
	if n := len(c.atts); n > 0 {
		last := c.atts[n-1]
		o.Proof, o.Cause = s.prove(c, nil, last), s.cause(last)
	}
	return o
}
