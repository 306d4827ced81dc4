package httpclient

import (
	"net/http"
	"sync/atomic"
	"time"

	"brownout/resilience"
)

// host is what the transport keeps of one scope, a host unless [WithScope] says otherwise.
type host struct {
	name     string
	gate     gate
	routes   *resilience.Group[string, *gate] // nil unless quotas are counted by route
	clock    *deadlines                       // nil = no timeout of an attempt
	breaker  *resilience.Breaker              // nil = none, as those below
	bulkhead *resilience.Bulkhead
	limiter  *resilience.Limiter
	budget   *resilience.Budget
	hedge    *resilience.Hedge
}

// newRoutes returns gates for the routes of a host, which are made as they turn up.
func newRoutes(base time.Time) (*resilience.Group[string, *gate], error) {
	return resilience.NewGroup(resilience.GroupSettings[string, *gate]{
		New:  func(string) *gate { return &gate{base: base} },
		Keep: (*gate).closed,
	})
}

// methodAndPath is what a quota belongs to unless the caller says otherwise.
func methodAndPath(req *http.Request) string {
	if req.URL == nil {
		return req.Method
	}
	return req.Method + " " + req.URL.Path
}

// dismiss gives back what an attempt holds that was admitted to breaker and bulkhead, and is not sent.
func (h *host) dismiss(permit resilience.Permit) {
	if h.bulkhead != nil {
		h.bulkhead.Release()
	}
	permit.Done(resilience.OutcomeNeutral)
}

// troubled reports whether the host has a state worth remembering: it is held back, or its breaker is not closed.
func (h *host) troubled() bool {
	return h.gate.closed() || h.breaker != nil && h.breaker.State() != resilience.StateClosed
}

// hosts are the hosts that the transport remembers.
type hosts struct {
	group *resilience.Group[string, *host]
	last  atomic.Pointer[host] // looked up last: most clients talk to one host
}

// get returns what is kept of a host. The group is told of the last host when another takes its turn, as it does not see
// the lookups between.
func (t *hosts) get(name string) *host {
	last := t.last.Load()
	if last != nil {
		if last.name == name {
			return last
		}
		t.group.Get(last.name)
	}
	h := t.group.Get(name)
	t.last.Store(h)
	return h
}
