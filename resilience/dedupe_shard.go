package resilience

import (
	"sync"
	"sync/atomic"
	"time"
)

// dedupeShard is a part of the keys of a [Dedupe].
type dedupeShard struct {
	table atomic.Pointer[dedupeTable] // read by anyone, written and replaced with mu held

	mu      sync.Mutex // guards what follows
	used    int        // places of table that are not empty
	serial  uint64     // of the claim given last
	soonest uint64     // with RefuseWhenFull: no record is over before
	flights map[fingerprint]*flight
	_       cacheLine
}

// finding of a key that is to be claimed.
type dedupeFinding uint8

const (
	foundNothing dedupeFinding = iota // the claim is given
	foundLost                         // the claim is given; an earlier one was lost
	foundEvicted                      // the claim is given; another key went for it
	foundDone                         // the work is done
	foundClaim                        // somebody has a claim
	foundFull                         // there is no room
)

// claim gives a claim of f, or returns the one that somebody else has.
func (s *dedupeShard) claim(d *Dedupe, f fingerprint, instant time.Duration) (Claim, dedupeFinding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := milliseconds(instant)
	t := s.table.Load()
	at, ok := t.find(f, now)
	found := foundNothing
	if ok {
		switch r := t.record(at); {
		case r.over(now) && !r.done():
			found = foundLost
			s.settle(f, false, nil)
		case r.over(now):
		case r.done():
			return Claim{}, foundDone
		default:
			return Claim{d: d, f: f, r: r}, foundClaim
		}
	} else {
		if t, at, found = s.place(d, t, f, at, now); found == foundFull {
			return Claim{}, found
		}
	}
	s.serial++
	r := newClaim(s.serial, millisecondsUp(instant+d.s.Lease))
	s.soonest = min(s.soonest, r.until())
	t.put(at, f, r)
	return Claim{d: d, f: f, r: r}, found
}

// place returns where to put a new key, for which find has proposed a place, and counts it. It makes room if need be.
func (s *dedupeShard) place(d *Dedupe, t *dedupeTable, f fingerprint, at, now uint64) (*dedupeTable, uint64, dedupeFinding) {
	if t.holds(at) {
		return t, at, foundNothing // of a record that is over, and counted
	}
	found := foundNothing
	if d.held.Add(1) > int64(d.s.Max) {
		victim, over := s.victim(d, t, now)
		if victim == t.places {
			d.held.Add(-1)
			return t, at, foundFull
		}
		if !over {
			found = foundEvicted
		}
		s.free(d, t, victim)
		if at, _ = t.find(f, now); t.holds(at) { // another one that is over
			d.held.Add(-1)
			return t, at, found
		}
	}
	if at < t.places && t.hi(at) == freedPlace {
		return t, at, found
	}
	if s.used++; float64(s.used) > fullTable*float64(t.places) {
		t = s.rebuild(d, t, now)
		at, _ = t.find(f, now)
		s.used++
	}
	return t, at, found
}

// rebuild moves what is not over to a new table of the right size.
func (s *dedupeShard) rebuild(d *Dedupe, old *dedupeTable, now uint64) *dedupeTable {
	held, live := old.count(now)
	t := newDedupeTable(live + 1)
	old.copyTo(t, now)
	s.used = live
	d.held.Add(int64(live - held))
	s.table.Store(t)
	return t
}

// evictionSample is how many keys one that must go is chosen from, as Redis has it with maxmemory-samples.
const evictionSample = 16

// victim returns the place of the record to drop for a new key, and whether it is over anyway; t.places if there is none.
func (s *dedupeShard) victim(d *Dedupe, t *dedupeTable, now uint64) (at uint64, over bool) {
	refuse := d.s.RefuseWhenFull
	if at = t.places; refuse && now < s.soonest {
		return at, false // nothing is over
	}
	soonest, seen := uint64(timeMask), 0
	s.serial++
	start := fingerprint{hi: s.serial * 0x9e3779b97f4a7c15} // spreads consecutive numbers evenly (Knuth, vol. 3, 6.4)
	for i, n := t.place(start), t.places; n > 0; i, n = t.next(i), n-1 {
		if !t.holds(i) {
			continue
		}
		r := t.record(i)
		if r.over(now) {
			return i, true
		}
		if r.done() && r.until() < soonest {
			at = i
		}
		if r.done() || refuse {
			soonest = min(soonest, r.until())
			seen++
		}
		if seen >= evictionSample && !refuse {
			break
		}
	}
	if refuse {
		s.soonest, at = soonest, t.places
	}
	return at, false
}

// drop drops a record that may be dropped, and reports whether there was one, and whether it was over anyway.
func (s *dedupeShard) drop(d *Dedupe, now uint64) (dropped, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table.Load()
	at, over := s.victim(d, t, now)
	if at == t.places {
		return false, false
	}
	s.free(d, t, at)
	return true, over
}

// free drops the record of a place.
func (s *dedupeShard) free(d *Dedupe, t *dedupeTable, at uint64) {
	s.used -= t.free(at)
	d.held.Add(-1)
}

// remove drops the record of f if it satisfies a condition, and reports whether it did.
func (s *dedupeShard) remove(d *Dedupe, f fingerprint, cond func(record) bool) bool {
	t := s.table.Load()
	at, ok := t.find(f, 0)
	if ok = ok && cond(t.record(at)); ok {
		s.free(d, t, at)
	}
	return ok
}

// replace makes r the record of a claim, and reports false where the claim is lost.
func (s *dedupeShard) replace(c *Claim, r record) bool {
	t := s.table.Load()
	at, ok := t.find(c.f, 0)
	if ok = ok && t.record(at) == c.r; ok {
		t.set(at, r)
	}
	return ok
}

// flight is work that others wait for.
type flight struct {
	ended  chan struct{} // closed when the claim is committed, released or lost
	done   bool          // what follows is set before ended is closed
	result Result
}

// settle tells those who wait for f how its claim ended.
func (s *dedupeShard) settle(f fingerprint, done bool, result Result) {
	if w := s.flights[f]; w != nil {
		w.done = done
		if result != nil {
			w.result = keep(result)
		}
		close(w.ended)
		delete(s.flights, f)
	}
}
