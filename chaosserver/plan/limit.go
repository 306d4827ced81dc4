package plan

import (
	"fmt"

	"brownout/scenarios"
)

// refuser is a limit made ready.
type refuser struct {
	limit  *scenarios.Limit
	when   fault // its triggers, as those of a fault
	reason string

	delay, bodyDelay key // of its refusal
	slow, slowBody   *sampler
}

func newRefuser(s *scenarios.Scenario, index int) refuser {
	m := &s.Limits[index]
	place := fmt.Sprintf("limits[%d]", index)
	reason := place
	if m.Name != "" && m.Name != place {
		reason = m.Name + ", " + place
	}
	return refuser{
		limit: m,
		when: fault{
			fault:  &scenarios.Fault{When: m.When},
			when:   triggered(&m.When),
			phases: chosen(s.Phases, m.When.Phase),
			cases:  chosenCases(s.Routes, m.When.Case),
		},
		reason:    reason,
		delay:     newKey(s.Seed, labelDelay, place),
		bodyDelay: newKey(s.Seed, labelBodyDelay, place),
		slow:      newSampler(m.Answer.Delay),
		slowBody:  newSampler(m.Answer.BodyDelay),
	}
}

// Limits appends to into the indices of the limits that an attempt falls under, in their order. It comes behind [Plan.Gateway],
// whose decision knows the phase.
func (p *Plan) Limits(in *Input, d *Decision, into []int) []int {
	m := moment{phase: d.Phase}
	for i := range p.limits {
		if p.limits[i].when.holds(in, m) {
			into = append(into, i)
		}
	}
	return into
}

// answer lets the limit refuse, and returns its reason.
func (m *refuser) answer(in *Input, r *route, d *Decision) string {
	d.Answer, d.Limit = &m.limit.Answer, m.limit.Index
	if m.slow != nil {
		d.Delay = addDelay(d.Delay, m.slow.at(m.delay^r.key, in.Call, in.Attempt))
	}
	if m.slowBody != nil {
		d.Body = addDelay(d.Body, m.slowBody.at(m.bodyDelay^r.key, in.Call, in.Attempt))
	}
	if d.Wire == nil {
		d.Wire = m.limit.Answer.Wire
	}
	return m.reason
}
