package verdict

import (
	"fmt"
	"slices"
	"strconv"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// effects judges how many effects the ledger holds: of each call, of each event, and in all.
func effects(s *scope, p *scenarios.Effects) *opinion {
	if !s.hasEffects() {
		return s.noEffects()
	}
	var parts []*opinion
	if p.PerCall != nil {
		parts = append(parts, s.effectsPerCall(*p.PerCall))
	}
	if p.PerEvent != nil {
		parts = append(parts, s.effectsPerEvent(*p.PerEvent))
	}
	if p.Total != nil {
		parts = append(parts, s.effectsInAll(*p.Total))
	}
	if len(parts) == 0 {
		return unseen("the check does not say how many effects there may be")
	}
	return gravest("effects", parts)
}

// above and below report whether a number lies on the one side of bounds, or on the other.
func above(b scenarios.Bounds, n int) bool { return n > b.Least && !b.Holds(n) }
func below(b scenarios.Bounds, n int) bool { return n < b.Least }

// effectsPerCall counts the effects of each call. It needs calls that can be told apart.
func (s *scope) effectsPerCall(b scenarios.Bounds) *opinion {
	var over, under []*call
	var worst *call
	var seen tally
	calls, most := s.committing(), 0
	for _, c := range calls {
		n := len(s.effectsOf(c))
		switch {
		case above(b, n):
			over = append(over, c)
			if n > most {
				worst, most = c, n
			}
		case below(b, n):
			under = append(under, c)
		default:
			continue
		}
		seen.add(strconv.Itoa(n))
	}
	var o *opinion
	switch {
	case len(over) > 0:
		o = s.tooManyEffects(worst)
		if len(over) > 1 {
			o.Sentence += fmt.Sprintf(" %d of %d calls had too many.", len(over), len(calls))
		}
		o.Others = others(first(worst, over))
	case slices.ContainsFunc(s.vague, s.mayCommit):
		return s.alike()
	case len(calls) == 0:
		return s.noCall()
	case len(under) > 0:
		o = s.tooFewEffects(under[0], b)
		if len(calls) > 1 {
			o.Sentence = fmt.Sprintf("%d of %d calls had another number of effects than %s: %s.", len(under), len(calls), b, seen.listed(3))
		}
		o.Others = others(under)
	default:
		return pass("%s a call", b)
	}
	o.note = fmt.Sprintf("%d of %s had %s", len(calls)-len(over)-len(under), plural(len(calls), "call"), b)
	return o
}

// tooManyEffects says that a call had several effects, and by which attempts.
func (s *scope) tooManyEffects(c *call) *opinion {
	atts := s.effectsOf(c)
	o := fail("%s for one call: %s.", plural(len(atts), "effect"), ordinals(c, atts))
	o.Pattern = s.keysSaid(c)
	o.Proof, o.Cause = s.prove(c, nil, atts...), s.cause(atts[0])
	return o
}

// tooFewEffects says that a call had too few effects.
func (s *scope) tooFewEffects(c *call, b scenarios.Bounds) *opinion {
	atts := s.effectsOf(c)
	o := fail("The call had %s, %s expected.", plural(len(atts), "effect"), b)
	if len(atts) == 0 {
		o.Sentence = "The call had no effect."
	}
	o.absence = true
	if n := len(c.atts); n > 0 {
		o.Proof, o.Cause = s.prove(c, nil, c.atts[n-1]), s.cause(c.atts[n-1])
	}
	return o
}

// effectsPerEvent counts the effects of each event that had a good delivery. Where the record has no deliveries, somebody
// else sent the events, and each that an attempt names counts.
func (s *scope) effectsPerEvent(b scenarios.Bounds) *opinion {
	counts := make(map[string]int)
	for i := range s.log.Effects {
		if e := &s.log.Effects[i]; s.expect.Route == "" || s.expect.Route == e.Route {
			counts[e.Event]++
		}
	}
	events := s.goodEvents()
	var over, under []string
	worst := ""
	for _, id := range events {
		switch n := counts[id]; {
		case above(b, n):
			over = append(over, id)
			if worst == "" || n > counts[worst] {
				worst = id
			}
		case below(b, n):
			under = append(under, id)
		}
	}
	var o *opinion
	switch {
	case len(events) == 0 && len(s.log.Deliveries) > 0:
		return unseen("no event had a good delivery")
	case len(events) == 0:
		return unseen("no attempt was about an event")
	case len(over) > 0:
		o = fail("%s for one event, %s.", plural(counts[worst], "effect"), worst)
		if len(over) > 1 {
			o.Sentence += fmt.Sprintf(" %d of %d events had too many.", len(over), len(events))
		}
		o.Proof = s.proveEvent(worst)
	case len(under) > 0:
		o = fail("Event %s had %s, %s expected.", under[0], plural(counts[under[0]], "effect"), b)
		if len(events) > 1 {
			o.Sentence = fmt.Sprintf("%d of %d events had fewer effects than %s: %s.", len(under), len(events), b, someOf(under, 3))
		}
		o.absence = true
		o.Proof = s.proveEvent(under[0])
	default:
		return pass("%s an event", b)
	}
	o.note = fmt.Sprintf("%d of %s had %s", len(events)-len(over)-len(under), plural(len(events), "event"), b)
	return o
}

// goodEvents are the events whose effects are counted, each once, in the order in which they first came.
func (s *scope) goodEvents() []string {
	var events []string
	known := make(map[string]bool)
	add := func(id string) {
		if id != "" && !known[id] {
			known[id] = true
			events = append(events, id)
		}
	}
	for i := range s.log.Deliveries {
		if d := &s.log.Deliveries[i]; d.Bad == "" && !d.Unjudged && s.judges(d.Entry, d.Event) {
			add(d.Event)
		}
	}
	for i := range s.log.Attempts {
		a := &s.log.Attempts[i]
		if len(s.log.Deliveries) == 0 && (s.expect.Event == "" || s.expect.Event == a.Event) && s.commits(a.Route) && (s.expect.Route == "" || s.expect.Route == a.Route) {
			add(a.Event)
		}
	}
	return events
}

// proveEvent shows the deliveries of an event; where the record has none, the call that committed its last effect; nil where
// it cannot be told.
func (s *scope) proveEvent(id string) *Proof {
	if v := s.eventNamed(id); v != nil {
		return s.proveDeliveries(v)
	}
	var last *journal.Effect
	for i := range s.log.Effects {
		if e := &s.log.Effects[i]; e.Event == id {
			last = e
		}
	}
	for _, calls := range [][]*call{s.calls, s.vague} {
		for _, c := range calls {
			for _, a := range c.atts {
				if last != nil && a.Seq == last.Seq && !a.cut {
					return s.prove(c, nil, a)
				}
			}
		}
	}
	return nil
}

// effectsInAll counts the effects of the scope.
func (s *scope) effectsInAll(b scenarios.Bounds) *opinion {
	n, attempts := len(s.log.Effects), 0
	if !s.everything() {
		n = 0
	}
	for _, calls := range [][]*call{s.calls, s.vague} {
		for _, c := range calls {
			attempts += len(c.atts)
			if !s.everything() {
				n += len(s.effectsOf(c))
			}
		}
	}
	switch {
	case attempts == 0 && n == 0:
		return s.noCall()
	case b.Holds(n):
		return pass("%d in all", n)
	}
	o := fail("There are %s in all, %s expected.", plural(n, "effect"), b)
	if n == 1 {
		o.Sentence = fmt.Sprintf("There is 1 effect in all, %s expected.", b)
	}
	o.note = fmt.Sprintf("%s of %s", plural(n, "effect"), plural(attempts, "attempt"))
	o.absence = below(b, n)
	return o
}

// someOf names at most n of some things.
func someOf(names []string, n int) string {
	more := len(names) - n
	if more <= 0 {
		return list(names, "and")
	}
	return list(append(slices.Clone(names[:n]), fmt.Sprintf("%d more", more)), "and")
}
