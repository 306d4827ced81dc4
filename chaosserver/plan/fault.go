package plan

import (
	"fmt"
	"slices"

	"brownout/scenarios"
)

// fault is a fault made ready.
type fault struct {
	fault  *scenarios.Fault
	index  int
	when   bool // it has triggers
	phases []bool
	cases  [][]bool // by route as in Plan.routes, and case; nil where no case is named
	bursts []spells // one in time; in attempts, one a route as in Plan.routes
	ramp   *ramp    // nil: the chance does not change
	odds   uint64   // threshold of an unchanging chance; unit where there is none to draw
	chance key
	delay  key
	slow   *sampler

	bodyDelay key
	slowBody  *sampler

	reason string
	over   []string // the reasons where it is laid over a healthy answer
}

// newFault makes a fault ready, with a burst in attempts for each of the route keys.
func newFault(s *scenarios.Scenario, index int, routes []key) fault {
	sf := &s.Faults[index]
	f := fault{
		fault:  sf,
		index:  index,
		when:   triggered(&sf.When),
		phases: chosen(s.Phases, sf.When.Phase),
		cases:  chosenCases(s.Routes, sf.When.Case),
		odds:   unit,
		chance: newKey(s.Seed, labelChance, sf.Name),
		delay:  newKey(s.Seed, labelDelay, sf.Name),
		slow:   newSampler(sf.Answer.Delay),

		bodyDelay: newKey(s.Seed, labelBodyDelay, sf.Name),
		slowBody:  newSampler(sf.Answer.BodyDelay),

		reason: label(sf, index),
	}
	if sf.OnConnection() {
		f.chance, routes = newKey(s.Seed, labelAccept, sf.Name), routes[:1]
	}
	if b := sf.When.Burst; b != nil {
		k := newKey(s.Seed, labelBurst, sf.Name)
		if !inAttempts(b) {
			routes = routes[:1] // a bad time is bad on every route
		}
		f.bursts = make([]spells, len(routes))
		for i, r := range routes {
			f.bursts[i].init(b, k^r)
		}
	}
	if c := &sf.Chance; c.Set && !c.Ramp {
		f.odds = threshold(c.From)
	} else if c.Set {
		f.ramp = newRamp(s.Phases, sf, f.phases)
	}
	return f
}

// copiesOnly reports whether the fault does nothing but duplicate requests.
func (f *fault) copiesOnly() bool {
	return f.fault.Duplicate != nil && f.fault.Answer.Wire == nil && f.fault.Answer.Commit == nil && f.slow == nil && f.slowBody == nil
}

// Reason names the fault of an index as a decision in which it alone has a part does.
func (p *Plan) Reason(index int) string { return label(&p.scenario.Faults[index], index) }

// label names a fault in reasons: "outage, faults[1]", or "faults[1]" without a name of its own.
func label(f *scenarios.Fault, index int) string {
	place := fmt.Sprintf("faults[%d]", index)
	if f.Name == "" || f.Name == place {
		return place
	}
	return f.Name + ", " + place
}

// triggered reports whether any trigger is set.
func triggered(w *scenarios.When) bool {
	return w.Attempt != nil || w.Call != nil || w.Nth != nil || w.Every > 0 || w.ConnRequest != nil ||
		w.Elapsed != nil || len(w.Phase) > 0 || len(w.Case) > 0 || w.Burst != nil || len(w.Method) > 0 || w.Path != nil ||
		len(w.Header) > 0 || w.Body != nil || w.Client != nil || len(w.Host) > 0
}

// chosen marks the phases that are named; nil where none is.
func chosen(phases []scenarios.Phase, names []string) []bool {
	if len(names) == 0 {
		return nil
	}
	marks := make([]bool, len(phases))
	for i := range phases {
		marks[i] = slices.Contains(names, phases[i].Name)
	}
	return marks
}

// chosenCases marks the cases that are named, by route; nil where none is.
func chosenCases(routes []scenarios.Route, names []string) [][]bool {
	if len(names) == 0 {
		return nil
	}
	marks := make([][]bool, len(routes)+1)
	for i := range routes {
		for _, c := range routes[i].Cases {
			marks[i+1] = append(marks[i+1], slices.Contains(names, c.Name))
		}
	}
	return marks
}

// holdsCase reports whether the attempt is of a case that is named, where any is.
func (f *fault) holdsCase(in *Input) bool {
	if f.cases == nil {
		return true
	}
	marks := f.cases[in.Route+1]
	return in.Case < len(marks) && marks[in.Case]
}

// nameOver makes the reasons of a fault that is laid over a healthy answer.
func (f *fault) nameOver(labels []string) {
	if f.fault.Answer.Status != 0 {
		return
	}
	for _, l := range labels {
		f.over = append(f.over, f.reason+" over "+l)
	}
}
