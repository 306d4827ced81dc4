package plan

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"brownout/scenarios"
)

// Plan is a scenario made ready for decisions. Its decisions are a function of the scenario and of what they are
// asked about; a Plan may be shared by goroutines. A run that begins anew, with its time at 0, takes a new Plan.
type Plan struct {
	scenario *scenarios.Scenario
	clock    *phaseClock
	routes   []route // of Scenario.Routes from 1 on; routes[0] stands for an attempt without a route
	faults   []fault // those that strike attempts, in order
	limits   []refuser
	accepts  []fault // those that strike connections, in order
	refusals []fault // those that close ports, in order
	bodies   key
	arrivals *atomic.Int64 // the greatest Arrival seen; nil where no connection fault needs it
	needs    Needs
	upstream bool // it is played in front of one
}

// Needs says which parts of a request the scenario's faults look at. What they do not look at may be left out of an
// Input.
type Needs struct{ Header, Body bool }

// route is a route made ready.
type route struct {
	key     key
	answers []scenarios.Answer
	delays  []*sampler
	keys    []key // of the answers' delays

	bodyDelays []*sampler
	bodyKeys   []key

	ends    []int // how many attempts the answers up to this one take; the last is open
	lists   []int // the first answer of each list, and the end of the last
	listed  bool  // the answers are a route's entries, not what an attempt without a route gets
	forward bool  // the upstream answers
	labels  int   // index of answers[0] in a fault's over
	effects *effects
	reasons []string
}

// Option says where a scenario is played.
type Option func(*Plan)

// BeforeUpstream says that the scenario is played in front of an upstream: that answers what no route matches, and what
// comes to a route of which the file gives no answers.
func BeforeUpstream() Option { return func(p *Plan) { p.upstream = true } }

// New makes a scenario ready for decisions. The scenario must not change afterwards.
func New(s *scenarios.Scenario, opts ...Option) *Plan {
	p := &Plan{
		scenario: s,
		clock:    newPhaseClock(s.Phases),
		routes:   make([]route, 0, len(s.Routes)+1),
		bodies:   newKey(s.Seed, labelBody),
	}
	for _, o := range opts {
		o(p)
	}
	labels := healthyLabels(s)
	p.routes = append(p.routes, noRoute(s, labels[:1]))
	if p.upstream {
		labels[0] = "upstream"
		p.routes[0].forward = true
	}
	for i := range s.Routes {
		r := newRoute(s.Seed, s.Routes[i].Name, s.Routes[i].Answers)
		r.listed, r.reasons, r.labels = true, labels[1:], 1
		r.effects = newEffects(s, &s.Routes[i])
		if p.upstream && s.Routes[i].Plain {
			r.forward, r.listed, r.reasons, r.labels = true, false, labels[:1], 0
		}
		if cases := s.Routes[i].Cases; len(cases) > 0 {
			r.split(cases)
			r.labels = len(labels)
			for j := range r.answers {
				labels = append(labels, s.Routes[i].EntryName(j))
			}
			r.reasons = labels[r.labels:]
		}
		p.routes = append(p.routes, r)
	}
	keys := make([]key, len(p.routes))
	for i := range p.routes {
		keys[i] = p.routes[i].key
	}
	for i := range s.Faults {
		f := newFault(s, i, keys)
		if f.fault.Refuses() {
			p.refusals = append(p.refusals, f)
			continue
		}
		if f.fault.OnConnection() {
			if len(f.fault.When.Phase) > 0 && counted(s.Phases) {
				p.arrivals = new(atomic.Int64)
			}
			p.accepts = append(p.accepts, f)
			continue
		}
		f.nameOver(labels)
		p.faults = append(p.faults, f)
		p.needs.Header = p.needs.Header || len(f.fault.When.Header) > 0
		p.needs.Body = p.needs.Body || f.fault.When.Body != nil
	}
	for i := range s.Limits {
		m := newRefuser(s, i)
		p.limits = append(p.limits, m)
		p.needs.Header = p.needs.Header || len(m.limit.When.Header) > 0
		p.needs.Body = p.needs.Body || m.limit.When.Body != nil
	}
	return p
}

// Needs returns which parts of a request the faults and limits look at.
func (p *Plan) Needs() Needs { return p.needs }

// StrikesConnections reports whether the scenario has faults that strike before a request is read: at accept, at tls, or by
// closing the port.
func (p *Plan) StrikesConnections() bool { return len(p.accepts)+len(p.refusals) > 0 }

// Phase returns the index of the phase in which an attempt lies that is the arrival-th of the run, 1-based, after
// so much of its time; -1 where there are no phases or the last is over.
func (p *Plan) Phase(elapsed time.Duration, arrival int) int {
	return p.clock.at(instant{elapsed, arrival}).phase
}

// healthyLabels returns what reasons call the healthy answers: first that of an attempt without a route, then that
// of each entry, up to the longest list.
func healthyLabels(s *scenarios.Scenario) []string {
	labels := []string{"no routes"}
	if len(s.Routes) > 0 {
		labels[0] = "no route matches"
	}
	for _, r := range s.Routes {
		for i := len(labels) - 1; i < len(r.Answers); i++ {
			labels = append(labels, fmt.Sprintf("answers[%d]", i))
		}
	}
	return labels
}

// noRoute returns what answers an attempt without a route: 200 where the scenario has no routes, else 404.
func noRoute(s *scenarios.Scenario, reasons []string) route {
	status := 200
	if len(s.Routes) > 0 {
		status = 404
	}
	r := newRoute(s.Seed, "", []scenarios.Answer{{Status: status, Times: 1}})
	r.reasons = reasons
	return r
}

func newRoute(seed uint64, name string, answers []scenarios.Answer) route {
	r := route{key: newKey(seed, labelRoute, name), answers: answers, lists: []int{0, len(answers)}}
	end := 0
	for i := range answers {
		if times := max(answers[i].Times, 1); times < math.MaxInt-end {
			end += times
		} else {
			end = math.MaxInt
		}
		r.ends = append(r.ends, end)
		r.delays = append(r.delays, newSampler(answers[i].Delay))
		r.keys = append(r.keys, newKey(seed, labelDelay, name, fmt.Sprintf("answers[%d]", i)))
		r.bodyDelays = append(r.bodyDelays, newSampler(answers[i].BodyDelay))
		r.bodyKeys = append(r.bodyKeys, newKey(seed, labelBodyDelay, name, fmt.Sprintf("answers[%d]", i)))
	}
	return r
}

// split makes a list of each case.
func (r *route) split(cases []scenarios.Case) {
	r.lists = r.lists[:0]
	for _, c := range cases {
		r.lists = append(r.lists, c.From)
		end := 0
		for i := c.From; i < c.To; i++ {
			end = min(end+max(r.answers[i].Times, 1), math.MaxInt/2)
			r.ends[i] = end
		}
	}
	r.lists = append(r.lists, len(r.answers))
}

// entry returns the index of the entry of a list whose turn it is after so many attempts were answered by it. The last
// repeats.
func (r *route) entry(list, answered int) int {
	last := r.last(list)
	for i := r.lists[list]; i < last; i++ {
		if answered < r.ends[i] {
			return i
		}
	}
	return last
}

// last is the index of a list's last entry.
func (r *route) last(list int) int { return r.lists[list+1] - 1 }

// counted reports whether a phase is measured in attempts.
func counted(phases []scenarios.Phase) bool {
	for i := range phases {
		if phases[i].Attempts > 0 {
			return true
		}
	}
	return false
}
