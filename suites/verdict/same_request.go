package verdict

import (
	"fmt"
	"strings"

	"brownout/scenarios"
)

// sameRequest judges whether all attempts of a call are one request: method, target, body, the headers that describe
// the body, and whether there are credentials. All other headers may differ, such as those that count attempts.
func sameRequest(s *scope, _ *scenarios.SameRequest) *opinion {
	type other struct {
		call   *call
		a, b   *attempt
		differ string
	}
	var bad []other
	seen := 0
	for _, c := range s.calls {
		atts := s.attempts(c)
		if len(atts) < 2 {
			continue
		}
		seen++
		for k, b := range atts[1:] {
			a := atts[k]
			if a.Status >= 300 && a.Status < 400 { // a redirect asks for another request
				continue
			}
			if d := difference(a, b); d != "" {
				bad = append(bad, other{c, a, b, d})
				break
			}
		}
	}
	if len(bad) == 0 {
		if o := s.maybeChanged(); o != nil {
			return o
		}
		if seen == 0 {
			return unseen("no call was tried again")
		}
		return pass("same_request, %d/%d", seen, seen)
	}
	w := bad[0]
	atts := s.attempts(w.call)
	o := fail("The client did not repeat the same request: attempt %d has %s.", indexOf(atts, w.b)+1, w.differ)
	o.note = fmt.Sprintf("%d of %s changed", len(bad), plural(seen, "call"))
	o.Cause = s.cause(w.a)
	o.Proof = s.prove(w.call, nil, w.b)
	calls := make([]*call, len(bad))
	for i := range bad {
		calls[i] = bad[i].call
	}
	o.Others = others(calls)
	return o
}

// difference says what of b is another request than a; "" where nothing is. Bodies that were not received whole
// cannot be compared.
func difference(a, b *attempt) string {
	switch {
	case a.Method != b.Method:
		return fmt.Sprintf("method %s instead of %s", b.Method, a.Method)
	case a.Target != b.Target:
		return fmt.Sprintf("target %s instead of %s", b.Target, a.Target)
	case a.BodyWhole && b.BodyWhole && a.BodyLen != b.BodyLen:
		return fmt.Sprintf("a body of %s instead of %s", plural(int(b.BodyLen), "byte"), plural(int(a.BodyLen), "byte"))
	case a.BodyWhole && b.BodyWhole && a.BodySHA256 != b.BodySHA256:
		return fmt.Sprintf("another body of %s", plural(int(b.BodyLen), "byte"))
	}
	if d := contentDifference(a, b); d != "" {
		return d
	}
	_, was := lookupField(a, "Authorization")
	_, is := lookupField(b, "Authorization")
	switch {
	case was == is || a.Status == 401:
		return ""
	case was:
		return "no Authorization"
	}
	return "an Authorization, unlike the one before"
}

// contentDifference compares the headers that describe the body.
func contentDifference(a, b *attempt) string {
	for _, pair := range [][2]*attempt{{a, b}, {b, a}} {
		for i := range pair[0].Headers {
			name := pair[0].Headers[i].Name
			if !describesBody(name) {
				continue
			}
			was, had := lookupField(a, name)
			is, has := lookupField(b, name)
			switch {
			case had && !has:
				return "no " + name
			case !had:
				return fmt.Sprintf("%s %q, unlike the one before", name, is)
			case was != is:
				return fmt.Sprintf("%s %q instead of %q", name, is, was)
			}
		}
	}
	return ""
}

// describesBody reports whether a header belongs to the content. Its length is compared as it was received.
func describesBody(name string) bool {
	return len(name) > 8 && strings.EqualFold(name[:8], "Content-") && !strings.EqualFold(name, "Content-Length")
}

// maybeChanged looks for calls, told apart by what their requests look like, of which one may be the other's retry
// with a changed body: the first failed at once, and the second began after it with the same method and target. Then
// nobody can say whether the request stayed the same, and that is the opinion; it is nil where there is no such call.
func (s *scope) maybeChanged() *opinion {
	last := make(map[string]*call) // by method and route
	for _, c := range s.calls {
		a := c.first()
		if c.named || a == nil {
			continue
		}
		at := a.Method + " " + a.Route
		if p := last[at]; p != nil && gaveUp(p, a) && p.first().Target == a.Target && p.first().BodySHA256 != a.BodySHA256 {
			f := p.first()
			o := unseen("a failed call with a body of %s was followed by one with %s: that may be the same call with a changed body",
				plural(int(f.BodyLen), "byte"), plural(int(a.BodyLen), "byte"))
			o.Hint = "Calls are told apart by their bodies; name them: with --per-call, or with identity: {by: path}."
			o.Proof, o.Cause = s.prove(p, nil, p.atts[len(p.atts)-1]), s.cause(p.atts[len(p.atts)-1])
			o.Others = []string{c.title()}
			return o
		}
		last[at] = c
	}
	return nil
}

// gaveUp reports whether the call had one attempt alone, whose failure may pass, before the attempt of another began.
func gaveUp(c *call, next *attempt) bool {
	a := c.atts[0]
	passing := a.Status >= 500 || a.Status == 429 || a.Status == 408 || a.Wire != "" || a.Ended && !a.Whole
	return len(c.atts) == 1 && passing && ended(a) <= next.First
}
