package verdict

import (
	"slices"
	"strings"

	"brownout/scenarios"
)

// usualKeyHeaders are the headers that carry idempotency keys in wide-spread APIs.
var usualKeyHeaders = []string{defaultKeyHeader, "X-Idempotency-Key", "Idempotency-Token", "X-Idempotency-Token",
	"PayPal-Request-Id", "Klarna-Idempotency-Key"}

// idempotent reports whether a request of the method may be repeated without harm (RFC 9110, section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// requests are the call's attempts that became requests.
func (s *scope) requests(c *call) []*attempt {
	if c.cuts == 0 {
		return s.attempts(c)
	}
	var atts []*attempt
	for _, a := range s.attempts(c) {
		if !a.cut {
			atts = append(atts, a)
		}
	}
	return atts
}

// steadyKey reports whether all requests of a call carry one key, in the header of its route or in a usual one.
func (s *scope) steadyKey(c *call, atts []*attempt) bool {
	for _, h := range append([]string{s.keyOf(c)}, usualKeyHeaders...) {
		if keys, missing := keysOf(atts, h); len(keys) == 1 && missing == 0 {
			return true
		}
	}
	return false
}

// keysOf are the different keys that requests carry in a header, and how many carry none.
func keysOf(atts []*attempt, header string) (keys []string, missing int) {
	for _, a := range atts {
		k, ok := lookupField(a, header)
		switch {
		case !ok:
			missing++
		case indexText(keys, k) < 0:
			keys = append(keys, k)
		}
	}
	return keys, missing
}

func indexText(texts []string, t string) int {
	for i, u := range texts {
		if t == u {
			return i
		}
	}
	return -1
}

// keyed reports whether the call is one that an idempotency key is for: its request is no idempotent one, or it
// carries a key anyway, or the expectation names its route.
func (s *scope) keyed(c *call, atts []*attempt) bool {
	if len(atts) == 0 {
		return false
	}
	if s.expect.Route != "" || !idempotent(atts[0].Method) {
		return true
	}
	_, missing := keysOf(atts, s.keyOf(c))
	return missing < len(atts)
}

// namedByKey reports whether calls are told apart by the very header that carries their keys.
func (s *scope) namedByKey() bool {
	return s.namingKey() >= 0
}

// namingKey is the index of that header among those that may carry keys; -1 where none of them names calls.
func (s *scope) namingKey() int {
	id := s.scenario.Identity
	return slices.IndexFunc(s.keyHeaders(), func(h string) bool { return id.By == "header" && strings.EqualFold(id.Header, h) })
}

// unableToFail is the opinion on a check of keys where calls are named by their keys.
func (s *scope) unableToFail() *opinion {
	o := unseen("calls are told apart by their %s, so this cannot fail", s.keyHeaders()[s.namingKey()])
	o.Hint = "Name the calls otherwise: with --per-call, or with identity: {by: path}."
	return o
}

// otherHeader is the hint where the client carries its keys in a usual header that is not the one meant.
func (s *scope) otherHeader(atts []*attempt, header string) string {
	for _, h := range usualKeyHeaders {
		if strings.EqualFold(h, header) || len(atts) == 0 {
			continue
		}
		if _, ok := lookupField(atts[0], h); ok {
			return "It sent " + h + "; if that is its key, declare profile: {key_header: " + h + "}."
		}
	}
	return ""
}

// toldIdempotent reports whether the client was told that it may repeat the call: it took orders, and every step that
// asks for such a request says idempotent.
func (s *scope) toldIdempotent(c *call) bool {
	if _, said := s.result(c); !said || s.exit(c) != nil {
		return false
	}
	a := c.first()
	told := false
	for i := range s.scenario.Drive {
		step := &s.scenario.Drive[i]
		for j := range step.Requests {
			if r := &step.Requests[j]; r.Method == a.Method && fitsPath(r.Path, a.Target) {
				if !step.Idempotent {
					return false
				}
				told = true
			}
		}
	}
	return told
}

// fitsPath reports whether a target is on the path.
func fitsPath(p scenarios.Path, target string) bool {
	target, _, _ = strings.Cut(target, "?")
	segments := strings.Split(strings.TrimPrefix(target, "/"), "/")
	if len(segments) < len(p.Segments) || len(segments) > len(p.Segments) && !p.Rest {
		return p.Text == target
	}
	for i, s := range p.Segments {
		if s.Var == "" && s.Literal != segments[i] {
			return p.Text == target
		}
	}
	return true
}
