package verdict

import (
	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// reached is what the attempts of a run got to.
type reached struct {
	entries       map[string][]bool // by route and entry of its answers
	drawn, struck []bool            // by fault
	phases        map[string]bool
	stored        map[string]bool // by route: stored answers took the turn of entries

	phase, route string // of the attempt before, so that only what changes is looked up
	entry        []bool
}

func newReached(s *scenarios.Scenario) *reached {
	r := &reached{entries: make(map[string][]bool), phases: make(map[string]bool), stored: make(map[string]bool),
		drawn: make([]bool, len(s.Faults)), struck: make([]bool, len(s.Faults))}
	for _, route := range s.Routes {
		r.entries[route.Name] = make([]bool, len(route.Answers))
	}
	return r
}

// mark marks what the attempt got to.
func (r *reached) mark(a *attempt) {
	markFaults(r.drawn, a.Drawn)
	markFaults(r.struck, a.Applied)
	if a.Phase != r.phase {
		r.phase = a.Phase
		r.phases[a.Phase] = true
	}
	if a.Route != r.route {
		r.route, r.entry = a.Route, r.entries[a.Route]
	}
	if a.Ledger == journal.LedgerStored {
		r.stored[a.Route] = true
	}
	if a.Entry >= 0 && a.Entry < len(r.entry) {
		r.entry[a.Entry] = true
	}
}

// markConns marks what the connections got to.
func (e *evidence) markConns() {
	for i := range e.log.Conns {
		c := &e.log.Conns[i]
		markFaults(e.reached.drawn, c.Drawn)
		markFaults(e.reached.struck, c.Applied)
		if e.cutFault(c) != nil {
			e.reached.phases[e.phaseAt(c.Accept)] = true
		}
	}
}

// markFaults marks the faults of those indices.
func markFaults(marks []bool, faults []int) {
	for _, f := range faults {
		if f >= 0 && f < len(marks) {
			marks[f] = true
		}
	}
}
