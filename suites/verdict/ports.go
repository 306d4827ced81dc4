package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// markPorts marks what the ports got to: the faults that closed them, and the phases in which one was closed, where no
// attempt can be seen.
func (e *evidence) markPorts() {
	since := make(map[string]time.Duration) // when a port was closed that still is
	for i := range e.log.Ports {
		p := &e.log.Ports[i]
		if !p.Open {
			markFaults(e.reached.drawn, []int{p.Fault})
			markFaults(e.reached.struck, []int{p.Fault})
			if _, closed := since[p.Host]; !closed {
				since[p.Host] = p.At
			}
			continue
		}
		if from, closed := since[p.Host]; closed {
			e.markPhases(from, p.At)
			delete(since, p.Host)
		}
	}
	for _, from := range since {
		e.markPhases(from, e.log.End)
	}
}

// markPhases marks the phases that lie in a stretch of the journal's time, wholly or in part.
func (e *evidence) markPhases(from, to time.Duration) {
	begins := e.zero
	for _, p := range e.scenario.Phases {
		if p.Attempts > 0 {
			return // of these and those behind them the attempts tell
		}
		ends := begins + p.For
		if begins < to && (ends > from || p.For == 0) {
			e.reached.phases[p.Name] = true
		}
		begins = ends
	}
}

// neverRefused says why a fault that closes a port never did.
func (e *evidence) neverRefused(f *scenarios.Fault) string {
	if w := f.When.Elapsed; w != nil && w.Every > 0 && w.From <= e.end || len(e.log.Ports) > 0 {
		return fmt.Sprintf("%s never closed a port: another fault had closed it", f.Name)
	}
	return fmt.Sprintf("%s never closed a port: the run ended at %s", f.Name, short(e.end))
}
