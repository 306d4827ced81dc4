package verdict

import (
	"fmt"
	"slices"
	"time"

	"brownout/scenarios"
)

const (
	gapList     = 5   // how many waits of a client are compared with those of another
	mostClients = 200 // are compared each with each; more show no more
)

// clientsDiffer judges whether clients that meet the same failures wait alike, as those do whose generators have the same
// seed. It compares the first waits of each client's own choice. Among many clients two may be alike by chance, so it takes
// half of them.
func clientsDiffer(s *scope, p *scenarios.ClientsDiffer) *opinion {
	by := p.By
	if by == 0 {
		by = 20 * time.Millisecond
	}
	all := s.gapLists()
	var full []gaps
	longest, second := 0, 0 // lists
	for _, g := range all {
		longest, second = max(longest, len(g.waits)), max(second, min(longest, len(g.waits)))
		if len(g.waits) == gapList && len(full) < mostClients {
			full = append(full, g)
		}
	}
	switch {
	case len(all) == 0:
		return unseen("no client waited of its own accord before it tried again")
	case len(all) < 2:
		return fewClients(len(all), 2, "clients")
	case len(full) < 2:
		return fewClients(second, gapList, "waits of each of two clients")
	}
	twins := twinned(full, func(a, b gaps) bool { return a.like(b, by, s.plain) })
	if 2*len(twins) < len(full) {
		if late := twinned(full, func(a, b gaps) bool { return a.like(b, by, s.punctual) }); 2*len(late) >= len(full) {
			o := unseen("%d clients wait unlike each other, but the machine itself was late in their waits", len(full))
			o.Lateness = true
			return o
		}
		return pass("clients_differ: %d of %d", len(full)-len(twins), len(full))
	}
	o := fail("The clients wait alike: of %d, %d waited as another did, within %s %d times in a row.", len(full), len(twins), short(by), gapList)
	o.note = fmt.Sprintf("%s of %d alike", plural(len(twins), "client"), len(full))
	s.showWaits(o, twins[0].waits)
	for _, g := range twins[1:] {
		o.Others = append(o.Others, g.waits[0].call.title())
	}
	o.Pattern = "waits " + listWaits(twins[0].waits) + " of one client, " + listWaits(twins[1].waits) + " of another."
	return o
}

// fewClients is tooFew for what takes several clients.
func fewClients(saw, needs int, of string) *opinion {
	o := tooFew(saw, needs, of)
	o.Hint = "Let several clients make the calls: with drive: {clients: 2}, or with --per-call."
	return o
}

// gaps are the first waits of a client that it chose itself.
type gaps struct {
	client string
	waits  []wait
}

// gapLists are those of each client that has any, in the order of their calls.
func (s *scope) gapLists() []gaps {
	var all []gaps
	at := make(map[string]int)
	s.each(failed, func(w wait) {
		if w.asked() {
			return
		}
		client := s.clientOf(w.call)
		i, known := at[client]
		if !known {
			i = len(all)
			at[client] = i
			all = append(all, gaps{client: client})
		}
		if len(all[i].waits) < gapList {
			all[i].waits = append(all[i].waits, w)
		}
	})
	return all
}

// clientOf names the client that made a call: the process of the call, or the client that the drive gave it to, or else
// what the server tells clients apart by.
func (s *scope) clientOf(c *call) string {
	if s.exit(c) != nil {
		return fmt.Sprintf("process %d", c.no)
	}
	if o, ok := s.ordered(c); ok {
		return fmt.Sprintf("client %d", o.client)
	}
	if a := c.first(); a != nil {
		return a.Client
	}
	return ""
}

// like reports whether two clients waited alike behind the same failures, each wait as the measure has it.
func (g gaps) like(other gaps, by time.Duration, measure func(wait) time.Duration) bool {
	for i, a := range g.waits {
		b := other.waits[i]
		if a.k != b.k || a.before.Status != b.before.Status || (measure(a)-measure(b)).Abs() > by {
			return false
		}
	}
	return true
}

// plain is the wait as it was measured.
func (s *scope) plain(w wait) time.Duration { return w.length }

// punctual is the wait without the machine's lateness in it.
func (s *scope) punctual(w wait) time.Duration {
	return w.length - s.lateness(w.before.Sent, w.after.First)
}

// twinned are the lists that are like another.
func twinned(all []gaps, like func(a, b gaps) bool) []gaps {
	var twins []gaps
	for i, g := range all {
		if slices.ContainsFunc(all, func(other gaps) bool { return other.client != g.client && like(g, other) }) {
			twins = append(twins, all[i])
		}
	}
	return twins
}

// listWaits writes waits one after another.
func listWaits(ws []wait) string {
	texts := make([]string, len(ws))
	for i, w := range ws {
		texts[i] = measured(w.length)
	}
	return list(texts, "and")
}
