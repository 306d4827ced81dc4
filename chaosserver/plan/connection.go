package plan

import (
	"time"
)

// Connection decides what the server does to the ordinal-th connection of the run, 1-based, accepted after so much
// of its time, and writes it into d. The client is its address, the host the one that it came to. The first fault that strikes
// stands. It may be called from several goroutines, each with a ConnDecision of its own.
func (p *Plan) Connection(ordinal int, elapsed time.Duration, client, host string, d *ConnDecision) {
	*d = ConnDecision{Drawn: d.Drawn[:0], Applied: d.Applied[:0]}
	if len(p.accepts) == 0 {
		return
	}
	arrival := 1 // of the attempt that may come on it
	if p.arrivals != nil {
		arrival += int(p.arrivals.Load())
	}
	m := p.clock.at(instant{elapsed, arrival})
	in := Input{Route: -1, Nth: ordinal, Elapsed: elapsed, Client: client, Host: host}
	for i := range p.accepts {
		f := &p.accepts[i]
		if f.when && !(f.holdsPhase(m) && f.holdsElapsed(elapsed) && f.holdsOrder(&in) && f.holdsRequest(&in)) {
			continue
		}
		d.Drawn = append(d.Drawn, f.index)
		if d.Wire != nil || !f.wins(p.scenario.Phases, f.chance, ordinal, 0, elapsed, m) {
			continue
		}
		d.Wire = f.fault.Answer.Wire
		if f.slow != nil {
			d.Delay = addDelay(d.Delay, f.slow.at(f.delay, ordinal, 0))
		}
		d.Applied = append(d.Applied, f.index)
		d.Reason = f.reason
	}
}
