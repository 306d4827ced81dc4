package plan

import (
	"slices"
	"strings"
	"time"

	"brownout/scenarios"
)

// Attempt decides what the server does to one attempt, and writes it into d: it is [Plan.Gateway] and then [Plan.Behind].
// It allocates nothing but room in d's slices, and a reason where more than one fault strikes. It may be called from several
// goroutines, each with a Decision of its own.
//
// The faults stand in front of the routes as a gateway does, and are asked in their order. The delays of all that
// strike add up, the first wire fault stands, and the first that has a status answers; then the route does not. A
// fault without a status is laid over whatever answers. The route's own delay comes on top, and its wire fault
// stands where no fault has one.
//
// Without a route (Input.Route is -1) the healthy answer is a 200 where the scenario has no routes, and a 404 where
// it has some.
func (p *Plan) Attempt(in *Input, d *Decision) {
	p.Gateway(in, d)
	p.Behind(in, d)
}

// Gateway is the first step of a decision: the phase, and what the faults do. Where none of them answers (Decision.Fault is
// -1), the caller asks its limits and then its ledger, notes in the Input what they said, and goes on with [Plan.Behind].
func (p *Plan) Gateway(in *Input, d *Decision) {
	m := p.clock.at(instant{in.Elapsed, in.Arrival})
	*d = Decision{Entry: -1, Fault: -1, Limit: -1, Phase: m.phase, Drawn: d.Drawn[:0], Applied: d.Applied[:0]}
	if p.arrivals != nil {
		p.arrived(in.Arrival)
	}
	r := &p.routes[in.Route+1]
	for i := range p.faults {
		f := &p.faults[i]
		if !f.holds(in, m) {
			continue
		}
		d.Drawn = append(d.Drawn, f.index)
		if !f.wins(p.scenario.Phases, f.chance^r.key, in.Call, in.Attempt, in.Elapsed, m) {
			continue
		}
		if f.strike(in, r, d) {
			d.Applied = append(d.Applied, f.index)
			d.last = f
		}
	}
}

// Behind is the second step: what stands behind the gateway answers, if no fault has.
func (p *Plan) Behind(in *Input, d *Decision) {
	r := &p.routes[in.Route+1]
	entry, because := -1, ""
	switch {
	case d.Fault >= 0:
	case in.Refused > 0:
		because = p.limits[in.Refused-1].answer(in, r, d)
	case in.Ledger != LedgerNone:
		because = r.effects.answer(in, d)
	default:
		entry = r.entry(in.Case, in.Entries)
		because = r.reasons[entry]
		r.answer(in, entry, d)
	}
	if r.effects != nil {
		r.effects.decide(r, in, d)
	}
	if d.Copies > 0 && !d.Forward {
		p.dropCopies(d)
	}
	d.Reason = p.reason(r, entry, because, d)
}

// reason says what had a part in a decision: the entry, or -1 and what else answered because of what.
func (p *Plan) reason(r *route, entry int, because string, d *Decision) string {
	switch {
	case d.last == nil:
		return because
	case len(d.Applied) > 1:
		return p.join(d, because)
	case d.Fault >= 0:
		return d.last.reason
	case entry < 0:
		return p.join(d, because)
	}
	return d.last.over[r.labels+entry]
}

// wins draws the fault's chance at the point (a, b) of a key.
func (f *fault) wins(phases []scenarios.Phase, k key, a, b int, elapsed time.Duration, m moment) bool {
	odds := f.odds
	if f.ramp != nil {
		odds = threshold(f.ramp.at(phases, elapsed, m))
	}
	return odds == unit || below(k.draw(a, b), odds)
}

// strike lets a fault have its part in the decision, and reports whether it has one: a second answer and a second
// wire fault fall away, and so does an answer of which an earlier fault lets nothing through.
func (f *fault) strike(in *Input, r *route, d *Decision) bool {
	a := &f.fault.Answer
	struck := false
	if a.Status != 0 {
		if d.Fault >= 0 {
			return false
		}
		d.Answer, d.Fault = a, f.index
		struck = d.Wire == nil
	}
	if f.slow != nil {
		d.Delay = addDelay(d.Delay, f.slow.at(f.delay^r.key, in.Call, in.Attempt))
		struck = true
	}
	if f.slowBody != nil {
		d.Body = addDelay(d.Body, f.slowBody.at(f.bodyDelay^r.key, in.Call, in.Attempt))
		struck = true
	}
	if a.Wire != nil && d.Wire == nil {
		d.Wire = a.Wire
		struck = true
	}
	if a.Commit != nil && d.Overrule == nil {
		d.Overrule = a.Commit
		struck = true
	}
	if c := f.fault.Duplicate; c != nil && d.Copies == 0 {
		d.Copies, d.CopyAfter = c.Copies, c.After
		struck = true
	}
	return struck
}

// dropCopies takes back that a request is duplicated: it does not go to the upstream. A fault that does nothing else has not
// struck.
func (p *Plan) dropCopies(d *Decision) {
	d.Copies, d.CopyAfter, d.last = 0, 0, nil
	kept := d.Applied[:0]
	for i := range p.faults {
		if f := &p.faults[i]; slices.Contains(d.Applied, f.index) && !f.copiesOnly() {
			kept = append(kept, f.index)
			d.last = f
		}
	}
	d.Applied = kept
}

// forwarded is the answer of a decision that leaves it to the upstream.
var forwarded scenarios.Answer

// answer lets the route's entry answer, or the upstream.
func (r *route) answer(in *Input, entry int, d *Decision) {
	if r.forward {
		d.Answer, d.Forward = &forwarded, true
		return
	}
	a := &r.answers[entry]
	d.Answer = a
	if r.listed {
		d.Entry = entry
	}
	if s := r.delays[entry]; s != nil {
		d.Delay = addDelay(d.Delay, s.at(r.keys[entry], in.Call, in.Attempt))
	}
	if s := r.bodyDelays[entry]; s != nil {
		d.Body = addDelay(d.Body, s.at(r.bodyKeys[entry], in.Call, in.Attempt))
	}
	if d.Wire == nil {
		d.Wire = a.Wire
	}
}

// join makes the reason of a decision in which several faults have a part.
func (p *Plan) join(d *Decision, healthy string) string {
	var b strings.Builder
	for i, index := range d.Applied {
		if i > 0 {
			b.WriteString(" + ")
		}
		b.WriteString(label(&p.scenario.Faults[index], index))
	}
	if d.Fault < 0 {
		b.WriteString(" over ")
		b.WriteString(healthy)
	}
	return b.String()
}

// arrived remembers the greatest ordinal of an attempt.
func (p *Plan) arrived(arrival int) {
	for n := int64(arrival); ; {
		seen := p.arrivals.Load()
		if n <= seen || p.arrivals.CompareAndSwap(seen, n) {
			return
		}
	}
}
