package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// atIdle reports whether an answer has a wire fault at idle.
func atIdle(a *scenarios.Answer) bool { return a.Wire != nil && a.Wire.At == scenarios.AtIdle }

// some reports whether an answer of the scenario is such.
func (e *evidence) some(such func(*scenarios.Answer) bool) bool {
	for i := range e.scenario.Routes {
		if slices.ContainsFunc(e.scenario.Routes[i].Answers, func(a scenarios.Answer) bool { return such(&a) }) {
			return true
		}
	}
	return slices.ContainsFunc(e.scenario.Faults, func(f scenarios.Fault) bool { return such(&f.Answer) })
}

// markIdle takes back that faults at idle struck where their connections were not left idle for long enough, and names
// the entries whose fault at idle never struck: such a fault comes behind the answer that carries it.
func (e *evidence) markIdle() []Finding {
	var faults []int
	for i := range e.scenario.Faults {
		if atIdle(&e.scenario.Faults[i].Answer) {
			faults = append(faults, i)
			e.reached.struck[i] = false
		}
	}
	if !e.some(atIdle) {
		return nil
	}
	struck := make(map[*scenarios.Answer]bool)
	for i := range e.log.Attempts {
		a := newAttempt(&e.log.Attempts[i])
		w := e.wireCause(&a)
		if w == nil || w.At != scenarios.AtIdle || !e.endedIdle(&a, w) {
			continue
		}
		for _, f := range faults {
			if slices.Contains(a.Applied, f) {
				e.reached.struck[f] = true
			}
		}
		if s := e.scripted(&a); s != nil {
			struck[s] = true
		}
	}
	var findings []Finding
	for i := range e.scenario.Routes {
		r := &e.scenario.Routes[i]
		for j := range r.Answers {
			s := &r.Answers[j]
			if atIdle(s) && !s.Optional && !struck[s] && e.reached.entries[r.Name][j] {
				findings = append(findings, missed(s.Wire.Pos, fmt.Sprintf("%s of %s was given, and its wire fault at idle never struck: no connection stayed open and idle for %s",
					r.EntryName(j), r.Name, short(s.Wire.Wait))))
			}
		}
	}
	return findings
}

// neverIdle reports whether a fault at idle had its turn and never struck.
func (e *evidence) neverIdle(f *scenarios.Fault) bool {
	return atIdle(&f.Answer) && slices.ContainsFunc(e.log.Attempts, func(a journal.Attempt) bool { return slices.Contains(a.Applied, f.Index) })
}

// endedIdle reports whether the server ended the attempt's connection, no earlier than the fault's wait behind the answer.
func (e *evidence) endedIdle(a *attempt, w *scenarios.WireFault) bool {
	i, found := e.conn(a.Conn)
	if !found {
		return false
	}
	c := &e.log.Conns[i]
	return (c.Closed == journal.ClosedByServerFIN || c.Closed == journal.ClosedByServerRST) && c.Close >= a.Done+w.Wait
}

// conn returns the index of the connection of that ordinal in the record, and whether there is one.
func (e *evidence) conn(id uint64) (int, bool) {
	return slices.BinarySearchFunc(e.log.Conns, id, func(c journal.Conn, id uint64) int { return cmp.Compare(c.ID, id) })
}
