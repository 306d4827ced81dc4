package verdict

import (
	"slices"
	"strconv"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// committed returns the effect that an attempt committed; nil where it committed none.
func (e *evidence) committed(a *attempt) *journal.Effect {
	if len(e.log.Effects) == 0 || a.cut {
		return nil
	}
	if e.effects == nil {
		e.effects = make(map[uint64]*journal.Effect, len(e.log.Effects))
		for i := range e.log.Effects {
			e.effects[e.log.Effects[i].Seq] = &e.log.Effects[i]
		}
	}
	return e.effects[a.Seq]
}

// effectsOf are the attempts of a call that committed an effect.
func (e *evidence) effectsOf(c *call) []*attempt {
	var atts []*attempt
	for _, a := range c.atts {
		if e.committed(a) != nil {
			atts = append(atts, a)
		}
	}
	return atts
}

// commits reports whether a route has effects.
func (e *evidence) commits(route string) bool {
	r := e.routes[route]
	return r != nil && r.Commit != nil
}

// hasEffects reports whether some route that the expectation looks at has effects.
func (s *scope) hasEffects() bool {
	return slices.ContainsFunc(s.scenario.Routes, func(r scenarios.Route) bool {
		return r.Commit != nil && (s.expect.Route == "" || s.expect.Route == r.Name)
	})
}

// noEffects is the opinion where no route has effects.
func (s *scope) noEffects() *opinion {
	o := unseen("no route here has effects")
	o.Hint = "Add commit: {} to the route."
	return o
}

// committing are the scope's calls on routes that have effects, of those that can be told apart. A call that never reached
// the wire is one of them where every route has effects.
func (s *scope) committing() []*call {
	everywhere := !slices.ContainsFunc(s.scenario.Routes, func(r scenarios.Route) bool { return r.Commit == nil })
	var calls []*call
	for _, c := range s.calls {
		if s.mayCommit(c) || everywhere && len(c.atts) == 0 {
			calls = append(calls, c)
		}
	}
	return calls
}

// mayCommit reports whether a call came to a route that has effects, if only by a redirect.
func (e *evidence) mayCommit(c *call) bool {
	return slices.ContainsFunc(c.atts, func(a *attempt) bool { return e.commits(a.Route) })
}

// keyOf is the header that carries the idempotency keys of a call's route.
func (s *scope) keyOf(c *call) string {
	route := "" // of the attempt before, so that only what changes is looked up
	for _, a := range c.atts {
		if a.Route == route {
			continue
		}
		route = a.Route
		if r := s.routes[route]; r != nil && r.Commit.Keyed() {
			return r.Commit.KeyHeader(&s.scenario.Profile)
		}
	}
	return s.keyHeader()
}

// keyHeaders are the headers that may carry idempotency keys in the scenario.
func (s *scope) keyHeaders() []string {
	headers := []string{s.keyHeader()}
	for i := range s.scenario.Routes {
		if h := s.scenario.Routes[i].Commit.KeyHeader(&s.scenario.Profile); h != "" {
			headers = append(headers, h)
		}
	}
	return headers
}

// keysSaid says what keys a call's attempts carried, where that explains why it had several effects; "" where it does not.
func (s *scope) keysSaid(c *call) string {
	atts, header := s.requests(c), s.keyOf(c)
	keys, missing := keysOf(atts, header)
	switch {
	case len(atts) < 2:
	case len(keys) == 0:
		return "None of its attempts carried an " + header + "."
	case missing > 0:
		return strconv.Itoa(missing) + " of its " + strconv.Itoa(len(atts)) + " attempts carried no " + header + "."
	case len(keys) > 1:
		return "Its attempts carried " + strconv.Itoa(len(keys)) + " different keys."
	}
	return ""
}

// ledgerWord says in the row of an attempt what the ledger had to do with it; "" where it had nothing to.
func (e *evidence) ledgerWord(a *attempt) string {
	switch {
	case a.cut:
		return ""
	case a.Ledger == journal.LedgerStored:
		return ", stored"
	case e.committed(a) != nil:
		return ", effect"
	}
	return ""
}

// ordinals names attempts of a call by their places in it: "attempts 1 and 3".
func ordinals(c *call, atts []*attempt) string {
	words := make([]string, len(atts))
	for i, a := range atts {
		words[i] = strconv.Itoa(indexOf(c.atts, a) + 1)
	}
	const most = 6
	if more := len(words) - most; more > 0 {
		words = append(words[:most], strconv.Itoa(more)+" more")
	}
	return strings.TrimSuffix("attempts", map[bool]string{true: "s"}[len(atts) == 1]) + " " + list(words, "and")
}

// said reports whether some call has a result.
func (e *evidence) said() bool { return len(e.results) > 0 }

// untold is the opinion where the client said nothing of its calls.
func untold() *opinion {
	o := &opinion{Finding: Finding{Outcome: Skip, Sentence: "the client says nothing of the outcome of its calls"}, final: true}
	o.Hint = "Run it with --per-call, where its exit code is its word, or drive it in process."
	o.note = "needs results"
	return o
}
