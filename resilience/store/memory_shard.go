package store

import (
	"sync"
	"time"
)

// shard is a part of the keys of a [Memory] behind one lock.
type shard struct {
	mu      sync.Mutex // guards all below
	slots   slots
	index   index
	last    Token    // given out last
	hand    uint32   // the slot that is looked at next for being over
	soonest uint64   // no key is over before
	_       [64]byte // keeps the locks of neighbours on lines of their own
}

// lookedAt is how many slots are looked at for each key that comes, so that those which are over do not pile up: they are
// at most a quarter of all.
const lookedAt = 4

// claim is [Store.Claim]. It reports whether the bounds of m leave no room for a new key.
func (s *shard) claim(m *Memory, key *Key, terms *Terms, instant time.Duration) (c Claim, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := milliseconds(instant)
	lease, until := millisecondsUp(instant+terms.Lease), millisecondsUp(instant+terms.Keep)
	if i, known := s.index.find(&s.slots, key); known {
		switch e := s.slots.at(i); {
		case e.over(now):
			s.remove(m, i)
		case e.print != terms.Fingerprint:
			return Claim{State: Mismatch}, false
		case e.done():
			return Claim{State: Done, Record: s.slots.record(i)}, false
		case !e.expired(now):
			return Claim{State: InFlight, Lease: e.end() - instant}, false
		default:
			s.last++
			e.own(s.last, lease, until, reclaimedFlag)
			s.soonest = min(s.soonest, until)
			return Claim{State: Won, Token: s.last, Reclaimed: true}, false
		}
	}
	s.sweep(m, now)
	if m.keys.Add(1) > m.maxKeys || m.bytes.Load() >= m.maxBytes {
		m.keys.Add(-1)
		return Claim{}, true
	}
	i, ok := s.slots.take()
	if !ok {
		m.keys.Add(-1)
		return Claim{}, true
	}
	s.last++
	e := s.slots.at(i)
	e.key, e.print = *key, terms.Fingerprint
	e.own(s.last, lease, until, 0)
	s.soonest = min(s.soonest, until)
	s.index.add(&s.slots, i)
	return Claim{State: Won, Token: s.last}, false
}

// held returns the slot of key if token owns it. It requires mu.
func (s *shard) held(key *Key, token Token, now uint64) (uint32, *slot, bool) {
	i, known := s.index.find(&s.slots, key)
	if !known {
		return 0, nil, false
	}
	e := s.slots.at(i)
	return i, e, e.token() == token && !e.over(now)
}

// sweep looks at the next slots and drops keys that are over. It requires mu.
func (s *shard) sweep(m *Memory, now uint64) {
	if now < s.soonest {
		return
	}
	for n := min(lookedAt, s.slots.n); n > 0; n-- {
		if s.hand++; s.hand >= s.slots.n {
			s.hand = 0
		}
		if e := s.slots.at(s.hand); e.until != 0 && e.over(now) {
			s.remove(m, s.hand)
		}
	}
}

// purge drops all keys that are over, where there may be some. It requires mu.
func (s *shard) purge(m *Memory, now uint64) {
	if now < s.soonest {
		return
	}
	s.soonest = never
	for i := range s.slots.n {
		switch e := s.slots.at(i); {
		case e.until == 0:
		case e.over(now):
			s.remove(m, i)
		default:
			s.soonest = min(s.soonest, e.until&timeMask)
		}
	}
}

// makeRoom drops all keys that are over, and reports whether there can be another one in this shard.
func (s *shard) makeRoom(m *Memory, now uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purge(m, now)
	return s.slots.free != 0 || s.slots.n < maxSlots
}

// never is later than any key is forgotten.
const never = timeMask

// remove drops the key of slot i. It requires mu.
func (s *shard) remove(m *Memory, i uint32) {
	s.index.remove(&s.slots, i)
	if r := s.slots.record(i); r != "" {
		m.bytes.Add(-int64(len(r)))
		s.slots.setRecord(i, "")
	}
	s.slots.put(i)
	m.keys.Add(-1)
}
