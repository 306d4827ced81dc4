package plan

import (
	"slices"
	"time"

	"brownout/scenarios"
)

// ClosesPorts reports whether the scenario has faults that close ports.
func (p *Plan) ClosesPorts() bool { return len(p.refusals) > 0 }

// Port tells whether the port of a host is closed after so much of the run's time, and by which fault, the first that holds;
// -1 where it is open. It has to be asked again at next; 0 means that nothing changes any more.
func (p *Plan) Port(host string, elapsed time.Duration) (fault int, next time.Duration) {
	fault = -1
	m := p.clock.at(instant{elapsed: elapsed})
	for i := range p.refusals {
		f := &p.refusals[i]
		if !f.names(host) {
			continue
		}
		if fault < 0 && f.holdsPhase(m) && f.holdsElapsed(elapsed) {
			fault = f.index
		}
		for _, edge := range f.edges(p.scenario.Phases, elapsed) {
			if edge > elapsed && (next == 0 || edge < next) {
				next = edge
			}
		}
	}
	return fault, next
}

// names reports whether a fault is of a host.
func (f *fault) names(host string) bool {
	return len(f.fault.When.Host) == 0 || slices.Contains(f.fault.When.Host, host)
}

// edges returns instants at which the fault's window or its phases begin or end, with all that may come next after an
// instant among them.
func (f *fault) edges(phases []scenarios.Phase, elapsed time.Duration) []time.Duration {
	var all []time.Duration
	if w := f.fault.When.Elapsed; w != nil {
		all = append(all, w.From, w.To)
		if w.Every > 0 && elapsed >= w.From {
			begun := elapsed - (elapsed-w.From)%w.Every
			all = append(all, begun+w.For, begun+w.Every)
		}
	}
	if f.phases == nil {
		return all
	}
	var at time.Duration
	for i := range phases {
		if f.phases[i] {
			all = append(all, at, at+phases[i].For)
		}
		at += phases[i].For
	}
	return all
}
