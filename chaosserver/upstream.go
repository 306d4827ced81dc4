package chaosserver

import (
	"errors"
	"fmt"

	"brownout/chaosserver/plan"
	"brownout/chaosserver/proxy"
	"brownout/scenarios"
)

// Upstream says where the upstream of a proxy is and how it is reached; see [WithUpstream].
type Upstream = proxy.Options

// WithUpstream plays the scenario in front of a real server. What no route matches, and what comes to a route of which the
// file gives no answers, goes to the upstream, and its answer goes to the client; a route with answers is scripted as
// ever. Faults and limits stand in front: one that has a status answers in place of the upstream, and one that has none is
// laid over the upstream's answer. A delay is counted from the arrival of that answer's header block, so that it adds to what
// the upstream takes, and a wire fault before-headers strikes when the upstream has answered: the answer is lost.
//
// Requests and answers are streamed both ways. Where a match or a fault looks into bodies, and where a fault duplicates the
// request, its body is read first, up to [WithMaxBody]; a longer one is answered by a 500 that says so. A short body is read
// first too where only its hash can name the call.
//
// An upstream that cannot be reached, or gives no answer, is told to the client by 502, or 504 where time ran out, and to
// the journal as a failure of the upstream.
func WithUpstream(u Upstream) Option { return func(c *config) { c.upstream = &u } }

// connect makes the way to the upstream ready, where there is one, or says why the scenario needs one.
func (s *Server) connect() error {
	if s.config.upstream == nil {
		if name, needs := s.scenario.NeedsUpstream(); needs {
			return fmt.Errorf("%s duplicates requests towards an upstream, and there is none: use WithUpstream", name)
		}
		return nil
	}
	for i := range s.scenario.Routes {
		if r := &s.scenario.Routes[i]; r.Plain && r.Commit != nil {
			return fmt.Errorf("routes[%d]: commit needs answers: what goes to an upstream has its effects there", i)
		}
	}
	u, err := proxy.New(*s.config.upstream)
	if err != nil {
		return fmt.Errorf("WithUpstream: %w", err)
	}
	s.upstream, s.looks = u, looksIntoBodies(s.scenario)
	return nil
}

// errLoop is a request that comes back from the upstream.
var errLoop = errors.New("it leads back to this server")

// placed says to the plan where the scenario is played.
func (s *Server) placed() []plan.Option {
	if s.upstream == nil {
		return nil
	}
	return []plan.Option{plan.BeforeUpstream()}
}

// looksIntoBodies reports whether what happens to an attempt may depend on its body.
func looksIntoBodies(s *scenarios.Scenario) bool {
	for i := range s.Routes {
		for j := range s.Routes[i].Match {
			if s.Routes[i].Match[j].Body != nil {
				return true
			}
		}
	}
	for i := range s.Faults {
		if s.Faults[i].When.Body != nil {
			return true
		}
	}
	return false
}
