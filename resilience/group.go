package resilience

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of [GroupSettings].
const (
	DefaultGroupMax     = 1024
	DefaultGroupIdleFor = 10 * time.Minute
)

// GroupSettings describe a [Group].
type GroupSettings[K comparable, V any] struct {
	Name string // in events; may be empty

	// New makes the value of a key that has none; required. It is called once for each key that comes, under the group's lock:
	// it must not use the group.
	New func(key K) V

	Max     int           // how many keys the group holds at most, up to 10,000,000; 0 = [DefaultGroupMax]
	IdleFor time.Duration // a key that nobody asked for in that time may be dropped; 0 = [DefaultGroupIdleFor]

	// Keep says that a value knows something worth keeping, such as that a breaker is open: those are dropped for want of room
	// only if there are no others. nil means that no value does. It must not use the group.
	Keep func(V) bool

	Observer Observer // nil = none
}

// Group holds a value per key, such as a [Breaker] or a [Limiter] per host, and makes them as keys turn up. It is bounded: when
// a key comes that has no value, those that were idle are dropped, and if there is still no room, one that was not asked for
// lately. To have a value dropped while it is in use does no harm but that the next caller starts with a new one, which
// knows nothing; so let IdleFor be longer than what the values remember.
//
// Get for a key that is there takes no lock. There is no background goroutine: what is idle stays until another key comes.
// A Group may be shared by goroutines.
//
// The two maps, of which one is read without a lock, are those of [sync.Map] before Go 1.24; what is dropped for want of
// room is chosen by the CLOCK algorithm (Corbato, "A Paging Experiment with the Multics System", 1968).
type Group[K comparable, V any] struct {
	s    GroupSettings[K, V]
	base time.Time
	read atomic.Pointer[map[K]*member[K, V]] // not changed once it is here; may hold members that were dropped

	mu     sync.Mutex // guards what follows, and replacing read
	all    map[K]*member[K, V]
	frozen bool            // all is the map in read, and must be copied before it is changed
	misses int             // of read, for keys that are in all
	ring   []*member[K, V] // all, in the order in which CLOCK visits them
	hand   int             // where in ring it goes on
	swept  time.Duration   // since base
}

type member[K comparable, V any] struct {
	key   K
	value V
	state atomic.Uint32
	seen  time.Duration // when it was last found asked for; guarded by Group.mu, as is place
	place int           // in the ring
}

// The states of a member.
const (
	memberIdle    uint32 = iota // nobody asked for it since it was looked at last
	memberAsked                 // somebody did
	memberDropped               // it is no longer in the group
)

// NewGroup returns an empty Group. The error is a [*SettingError].
func NewGroup[K comparable, V any](s GroupSettings[K, V]) (*Group[K, V], error) {
	given := s
	s.Max = orDefault(s.Max, DefaultGroupMax)
	s.IdleFor = orDefault(s.IdleFor, DefaultGroupIdleFor)
	switch {
	case s.New == nil:
		return nil, &SettingError{"GroupSettings.New", "nil", "a function"}
	case s.Max < 1 || s.Max > 10_000_000:
		return nil, &SettingError{"GroupSettings.Max", given.Max, "0 (the default) to 10000000"}
	case s.IdleFor < 0:
		return nil, &SettingError{"GroupSettings.IdleFor", given.IdleFor, "0 (the default) or more"}
	}
	g := &Group[K, V]{s: s, base: time.Now(), all: map[K]*member[K, V]{}}
	g.read.Store(&map[K]*member[K, V]{})
	return g, nil
}

// Get returns the value of key, and makes it if there is none.
func (g *Group[K, V]) Get(key K) V {
	if m, ok := (*g.read.Load())[key]; ok && m.ask() {
		return m.value
	}
	return g.lookUp(key)
}

// ask notes that m is in use, and reports whether it still is in the group.
func (m *member[K, V]) ask() bool {
	switch m.state.Load() {
	case memberAsked:
		return true
	case memberIdle:
		return m.state.CompareAndSwap(memberIdle, memberAsked) || m.state.Load() == memberAsked
	}
	return false
}

// Len returns how many keys have a value.
func (g *Group[K, V]) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.all)
}

// All returns the keys and values that are in the group now, in no order, without counting as asking for them.
func (g *Group[K, V]) All() iter.Seq2[K, V] {
	g.mu.Lock()
	now := slices.Clone(g.ring)
	g.mu.Unlock()
	return func(yield func(K, V) bool) {
		for _, m := range now {
			if !yield(m.key, m.value) {
				return
			}
		}
	}
}

// Delete drops the value of key, and reports whether there was one.
func (g *Group[K, V]) Delete(key K) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.all[key]
	if ok {
		g.drop(m)
	}
	return ok
}

func (g *Group[K, V]) lookUp(key K) V {
	value, idle, full := g.find(key)
	if g.s.Observer != nil {
		tell := func(dropped []*member[K, V], reason string) {
			for _, m := range dropped {
				g.s.Observer.Observe(context.Background(), Event{Kind: EventEvicted, Policy: g.s.Name, Key: fmt.Sprint(m.key), Reason: reason})
			}
		}
		tell(idle, "idle")
		tell(full, "full")
	}
	return value
}

// find returns the value of key, and whom it dropped to make room for it.
func (g *Group[K, V]) find(key K) (value V, idle, full []*member[K, V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m, ok := g.all[key]; ok {
		m.ask()
		g.missed()
		return m.value, nil, nil
	}
	value = g.s.New(key)
	now := time.Since(g.base)
	if now-g.swept >= g.s.IdleFor/2 {
		idle = g.sweep(now)
	}
	if len(g.ring) >= g.s.Max {
		m := g.choose()
		g.drop(m)
		full = append(full, m)
	}
	g.thaw()
	m := &member[K, V]{key: key, value: value, seen: now, place: len(g.ring)}
	m.state.Store(memberAsked)
	g.all[key] = m
	g.ring = append(g.ring, m)
	return value, idle, full
}

// missed makes all the map that is read without a lock, once that has cost as many look-ups as a copy does.
// It requires mu, as do all below.
func (g *Group[K, V]) missed() {
	if g.misses++; g.misses >= len(g.all) && !g.frozen {
		all := g.all
		g.read.Store(&all)
		g.frozen, g.misses = true, 0
	}
}

func (g *Group[K, V]) thaw() {
	if g.frozen {
		g.all = maps.Clone(g.all)
		g.frozen = false
	}
}

// drop takes m out of the group.
func (g *Group[K, V]) drop(m *member[K, V]) {
	m.state.Store(memberDropped)
	g.thaw()
	delete(g.all, m.key)
	last := g.ring[len(g.ring)-1]
	g.ring[m.place], last.place = last, m.place
	g.ring[len(g.ring)-1] = nil
	g.ring = g.ring[:len(g.ring)-1]
}

// sweep drops those that were idle for IdleFor.
func (g *Group[K, V]) sweep(now time.Duration) (dropped []*member[K, V]) {
	g.swept = now
	for i := len(g.ring) - 1; i >= 0; i-- {
		m := g.ring[i]
		switch {
		case m.state.CompareAndSwap(memberAsked, memberIdle):
			m.seen = now
		case now-m.seen >= g.s.IdleFor:
			g.drop(m)
			dropped = append(dropped, m)
		}
	}
	return dropped
}

// choose returns the member to drop for want of room: the first on the way of the hand that nobody asked for since the hand
// passed it last, and that need not be kept. After two rounds it takes any.
func (g *Group[K, V]) choose() *member[K, V] {
	for range 2 * len(g.ring) {
		g.hand = (g.hand + 1) % len(g.ring)
		m := g.ring[g.hand]
		if m.state.CompareAndSwap(memberAsked, memberIdle) {
			m.seen = time.Since(g.base)
			continue
		}
		if g.s.Keep == nil || !g.s.Keep(m.value) {
			return m
		}
	}
	g.hand = (g.hand + 1) % len(g.ring)
	return g.ring[g.hand]
}
