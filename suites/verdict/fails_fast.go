package verdict

import (
	"fmt"
	"slices"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// mostRefused is the share of refused calls that have to be refused in time.
const mostRefused = 0.95

// failsFast judges how long the client takes to refuse a call itself, and whether it makes a connection for it.
func failsFast(s *scope, p *scenarios.FailsFast) *opinion {
	within := p.Within
	if within == 0 {
		within = 50 * time.Millisecond
	}
	calls, none := s.given()
	if none != nil {
		return none
	}
	refused := slices.DeleteFunc(slices.Clone(calls), func(a given) bool { return !a.refused() })
	switch {
	case len(refused) == 0:
		return unseen("the client refused no call itself")
	case len(refused) < s.sample():
		return tooFewGiven(len(refused), s.sample(), "calls that the client refused itself")
	}
	if n := s.dialledFor(refused, calls); n > 0 {
		o := fail("The client made %s for calls that it then refused itself.", plural(n, "connection"))
		o.note = plural(n, "connection") + " without a request"
		return o
	}
	took, clean := make([]time.Duration, len(refused)), make([]time.Duration, len(refused))
	for i := range refused {
		r := &refused[i].result
		took[i] = r.At - r.Start
		clean[i] = took[i] - s.lateness(r.Start, r.At)
	}
	slices.Sort(took)
	slices.Sort(clean)
	switch p95 := quantile(took, mostRefused); {
	case p95 < within:
		return pass("fails_fast: %s, of %d", milliseconds(p95), len(refused))
	case quantile(clean, mostRefused) < within:
		o := unseen("calls that the client refused itself took up to %s, but the machine itself was late in them", milliseconds(p95))
		o.Lateness = true
		return o
	default:
		o := fail("The client took %s to refuse a call itself, 5 in 100 of %d even longer.", milliseconds(p95), len(refused))
		o.note = fmt.Sprintf("less than %s is asked for", short(within))
		for i := range refused {
			if r := &refused[i].result; r.At-r.Start >= p95 && len(o.Others) < mostOthers {
				o.Others = append(o.Others, refused[i].title())
			}
		}
		return o
	}
}

// dialledFor counts the connections without a request that came while a call was being refused, and none was on its way
// to the wire.
func (s *scope) dialledFor(refused, calls []given) int {
	used := make(map[uint64]bool)
	for i := range s.log.Attempts {
		used[s.log.Attempts[i].Conn] = true
	}
	n := 0
	for i := range s.log.Conns {
		c := &s.log.Conns[i]
		if !used[c.ID] && s.cutFault(c) == nil && slices.ContainsFunc(refused, func(a given) bool { return a.during(c) }) &&
			!slices.ContainsFunc(calls, func(a given) bool { return len(a.atts) > 0 && a.during(c) }) {
			n++
		}
	}
	return n
}

// during reports whether a connection came while the call was made.
func (a *given) during(c *journal.Conn) bool {
	return c.Accept >= a.result.Start && c.Accept <= a.result.At+early
}
