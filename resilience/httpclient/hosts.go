package httpclient

import (
	"sync"
	"sync/atomic"

	"brownout/resilience"
)

// host is what the transport keeps of one scope, a host unless [WithScope] says otherwise.
type host struct {
	name    string
	gate    gate
	breaker *resilience.Breaker // nil = none, as the two below
	limiter *resilience.Limiter
	budget  *resilience.Budget
	used    atomic.Bool // since the hand of the clock passed
}

// troubled reports whether the host has a state worth remembering: it is held back, or its breaker is not closed.
func (h *host) troubled() bool {
	return h.gate.until.Load() != 0 || h.breaker != nil && h.breaker.State() != resilience.StateClosed
}

// hosts is a table of bounded size. When it is full, an entry that was not used lately goes: the hand passes over those
// used since it came by last (CLOCK: F. J. Corbató, "A Paging Experiment with the Multics System", 1968), so a lookup needs
// neither lock nor clock. Hosts in trouble stay as long as there are others.
type hosts struct {
	make func(name string) *host
	max  int
	last atomic.Pointer[host] // looked up last: most clients talk to one host
	all  sync.Map             // string -> *host

	mu   sync.Mutex // guards ring and hand, and writing to all
	ring []*host
	hand int
}

func (t *hosts) get(name string) *host {
	if h := t.last.Load(); h != nil && h.name == name {
		return h
	}
	v, ok := t.all.Load(name)
	if !ok {
		v = t.add(name)
	}
	h := v.(*host)
	if before := t.last.Swap(h); before != nil && !before.used.Load() {
		before.used.Store(true)
	}
	return h
}

func (t *hosts) add(name string) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.all.Load(name); ok {
		return v.(*host)
	}
	h := t.make(name)
	if len(t.ring) < t.max {
		t.ring = append(t.ring, h)
	} else {
		t.all.Delete(t.victim().name)
		t.ring[t.hand] = h
	}
	t.all.Store(name, h)
	return h
}

// victim moves the hand to the entry that has to go; requires mu. Two turns clear every mark, so the third finds one.
func (t *hosts) victim() *host {
	for step := 0; ; step++ {
		t.hand = (t.hand + 1) % len(t.ring)
		h := t.ring[t.hand]
		spared := h.used.Swap(false) || h == t.last.Load() && len(t.ring) > 1 || h.troubled()
		if !spared || step >= 2*len(t.ring) {
			return h
		}
	}
}
