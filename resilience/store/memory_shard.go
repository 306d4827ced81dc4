package store

import (
	"sync"
	"time"
)

// shard is a part of the keys of a [Memory] behind one lock. Slots hold no pointers, so the garbage collector does not look
// into them, however many there are.
type shard struct {
	mu      sync.Mutex // guards all below
	index   map[Key]uint32
	slots   []slot
	records []string // of the slot with the same index; as long as the last slot that ever had one
	free    []uint32 // slots not in use
	heap    []uint32 // slots in use, the one whose time is over first at the top
	last    Token    // given out last
	_       [64]byte // keeps the locks of neighbours on lines of their own
}

// slot is what is known of one key. Times are since the start of the clock.
type slot struct {
	key   Key
	print Fingerprint
	token Token         // of the owner, or of who committed
	lease time.Duration // until when the owner holds the claim; means nothing once done
	until time.Duration // when the key is forgotten
	place uint32        // in the heap

	done      bool
	reclaimed bool // an earlier owner abandoned the key
}

// claim is [Store.Claim]. It reports whether the bounds of m leave no room for a new key.
func (s *shard) claim(m *Memory, key Key, terms Terms, now time.Duration) (c Claim, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.index[key]
	if known {
		switch e := &s.slots[i]; {
		case e.until <= now:
			s.remove(m, i)
		case e.print != terms.Fingerprint:
			return Claim{State: Mismatch}, false
		case e.done:
			return Claim{State: Done, Record: s.record(i)}, false
		case e.lease > now:
			return Claim{State: InFlight, Lease: e.lease - now}, false
		default:
			s.last++
			e.token, e.lease, e.until, e.reclaimed = s.last, now+terms.Lease, now+terms.Keep, true
			s.fix(i)
			return Claim{State: Won, Token: s.last, Reclaimed: true}, false
		}
	}
	s.purge(m, now, 2) // more than come in, so that what is over does not pile up
	if m.keys.Add(1) > m.maxKeys || m.bytes.Load() >= m.maxBytes {
		m.keys.Add(-1)
		return Claim{}, true
	}
	s.last++
	s.insert(slot{key: key, print: terms.Fingerprint, token: s.last, lease: now + terms.Lease, until: now + terms.Keep})
	return Claim{State: Won, Token: s.last}, false
}

// held returns the slot of key if token owns it. It requires mu.
func (s *shard) held(key Key, token Token, now time.Duration) (uint32, bool) {
	i, known := s.index[key]
	return i, known && s.slots[i].token == token && s.slots[i].until > now
}

// purge drops up to most keys whose time is over. It requires mu.
func (s *shard) purge(m *Memory, now time.Duration, most int) {
	for ; most > 0 && len(s.heap) > 0 && s.slots[s.heap[0]].until <= now; most-- {
		s.remove(m, s.heap[0])
	}
}

// insert adds a key. It requires mu.
func (s *shard) insert(e slot) {
	e.place = uint32(len(s.heap))
	i := uint32(len(s.slots))
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
		s.slots[i] = e
	} else {
		s.slots = append(s.slots, e)
	}
	s.index[e.key] = i
	s.heap = append(s.heap, i)
	s.up(e.place)
}

// remove drops the key of slot i. It requires mu.
func (s *shard) remove(m *Memory, i uint32) {
	delete(s.index, s.slots[i].key)
	place, last := s.slots[i].place, uint32(len(s.heap)-1)
	s.swap(place, last)
	s.heap = s.heap[:last]
	if place < last {
		s.fix(s.heap[place])
	}
	if r := s.record(i); r != "" {
		m.bytes.Add(-int64(len(r)))
		s.records[i] = ""
	}
	s.free = append(s.free, i)
	m.keys.Add(-1)
}

func (s *shard) record(i uint32) string {
	if int(i) < len(s.records) {
		return s.records[i]
	}
	return ""
}

func (s *shard) setRecord(i uint32, record string) {
	if int(i) >= len(s.records) {
		s.records = append(s.records, make([]string, int(i)+1-len(s.records))...)
	}
	s.records[i] = record
}

// The heap is binary and keeps the place of each slot in the slot. All of it requires mu.

// fix restores the order after the time of slot i changed.
func (s *shard) fix(i uint32) {
	s.up(s.slots[i].place)
	s.down(s.slots[i].place)
}

func (s *shard) up(at uint32) {
	for at > 0 {
		parent := (at - 1) / 2
		if !s.before(at, parent) {
			return
		}
		s.swap(at, parent)
		at = parent
	}
}

func (s *shard) down(at uint32) {
	for {
		child := 2*at + 1
		if int(child) >= len(s.heap) {
			return
		}
		if right := child + 1; int(right) < len(s.heap) && s.before(right, child) {
			child = right
		}
		if !s.before(child, at) {
			return
		}
		s.swap(at, child)
		at = child
	}
}

func (s *shard) before(a, b uint32) bool { return s.slots[s.heap[a]].until < s.slots[s.heap[b]].until }

func (s *shard) swap(a, b uint32) {
	s.heap[a], s.heap[b] = s.heap[b], s.heap[a]
	s.slots[s.heap[a]].place, s.slots[s.heap[b]].place = a, b
}
