package quota

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"brownout/scenarios"
)

// Buckets counts attempts against limits. It may be shared by goroutines.
//
// A limit keeps at most so many buckets as New was told. A bucket that is full again is as good as none, so that it may be
// forgotten at no cost, and gives way to a new key. One that is not full is never forgotten: where no room can be made, the
// new key's attempt is let through uncounted, and [Grant.Uncounted] says so.
//
// Keys are told apart by 128 bits of a seeded hash, and not kept: what a bucket costs does not depend on them.
type Buckets struct {
	seeds  [2]maphash.Seed
	mu     sync.Mutex // guards tables
	tables []table
}

// New makes the buckets of limits, all of them full, at most so many for each limit.
func New(limits []scenarios.Limit, most int) *Buckets {
	b := &Buckets{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, tables: make([]table, len(limits))}
	for i := range limits {
		b.tables[i] = table{kind: kindOf(&limits[i]), most: max(most, 1), index: make(map[id]int32)}
	}
	return b
}

// Claim is a limit that an attempt falls under, and the bucket that it counts in.
type Claim struct {
	Limit int    // its index
	Key   string // names the bucket
}

// Grant is what a limit said to an attempt.
type Grant struct {
	Claim
	Uncounted bool  // there was no room for the bucket
	Remaining int64 // what is left in the bucket, for what costs one
	// Next is how long until one more is there than Remaining, and for a refusal how long until the attempt's cost is; Full is
	// how long until everything is there. Neither is known of answers under way: Timed is false.
	Next, Full time.Duration
	Timed      bool

	id   id
	slot int32 // in the table; a slot stays where it is
}

// Ask asks the limits that an attempt falls under, in the order of the claims, at an instant of the scenario's time. The first
// that is used up refuses, and is the only grant; refused is true. Otherwise all of them count the attempt, and there is a
// grant for each claim. No two claims are of one limit. The grants are appended to into.
//
// An instant before an earlier one counts as that where it matters, so that attempts that are decided about out of order are
// never let through too early. What answers under way hold is given back by [Buckets.Release].
func (b *Buckets) Ask(now time.Duration, claims []Claim, into []Grant) (grants []Grant, refused bool) {
	first := len(into)
	grants = into
	for _, c := range claims {
		grants = append(grants, Grant{Claim: c, id: id{maphash.String(b.seeds[0], c.Key), maphash.String(b.seeds[1], c.Key)}})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range grants[first:] {
		g := &grants[first+i]
		t := &b.tables[g.Limit]
		s := t.find(g, now)
		wait := t.kind.wait(s, now)
		if g.Uncounted || wait <= 0 {
			continue
		}
		g.Remaining, g.Next, g.Full, g.Timed = t.kind.left(s, now)
		if g.Timed {
			g.Next = wait
		}
		grants[first] = *g
		return grants[:first+1], true
	}
	for i := range grants[first:] {
		g := &grants[first+i]
		if g.Uncounted {
			continue
		}
		t := &b.tables[g.Limit]
		s := t.own(g)
		t.kind.take(s, now)
		g.Remaining, g.Next, g.Full, g.Timed = t.kind.left(*s, now)
	}
	return grants, false
}

// Release gives back what the grants of an attempt hold while its answer is under way. It is called once for each attempt
// that was let through.
func (b *Buckets) Release(grants []Grant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range grants {
		g := &grants[i]
		if t := &b.tables[g.Limit]; !g.Uncounted && t.kind.holds() {
			t.kind.release(&t.slots[g.slot].state)
		}
	}
}

// Len returns how many buckets a limit keeps.
func (b *Buckets) Len(limit int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tables[limit].index)
}

// state is a bucket: what it means is the kind's. The zero state is a full bucket.
type state struct {
	at   time.Duration // when it is full again, or when its window ends
	used int64
}

// id stands for a key.
type id [2]uint64

// table is the buckets of one limit. Buckets.mu guards it.
type table struct {
	kind  kind
	most  int
	index map[id]int32 // into slots
	slots []slot
	hand  int // where the search for a full bucket goes on
}

type slot struct {
	id id
	state
}

// find returns the state of the bucket that a grant is about, and notes its slot: that of another bucket that can be
// forgotten, or one behind the last, where there is none yet. Where no room can be made it says so in the grant.
func (t *table) find(g *Grant, now time.Duration) state {
	if i, ok := t.index[g.id]; ok {
		g.slot = i
		return t.slots[i].state
	}
	g.slot = int32(len(t.slots))
	if len(t.slots) >= t.most {
		i, ok := t.fullOne(now)
		g.slot, g.Uncounted = int32(i), !ok
	}
	return state{}
}

// own returns the state in the slot that find has noted, which is the grant's bucket from now on.
func (t *table) own(g *Grant) *state {
	if int(g.slot) == len(t.slots) {
		t.slots = append(t.slots, slot{id: g.id})
		t.index[g.id] = g.slot
	}
	s := &t.slots[g.slot]
	if s.id != g.id {
		delete(t.index, s.id)
		t.index[g.id] = g.slot
		*s = slot{id: g.id}
	}
	return &s.state
}

// probes bounds the search for a bucket that can be forgotten. Buckets become full about in the order in which they came, so
// that the next one is the likeliest.
const probes = 64

// fullOne returns the slot of a bucket that is full.
func (t *table) fullOne(now time.Duration) (int, bool) {
	for range min(probes, len(t.slots)) {
		if t.hand++; t.hand >= len(t.slots) {
			t.hand = 0
		}
		if t.kind.full(t.slots[t.hand].state, now) {
			return t.hand, true
		}
	}
	return 0, false
}

// forever is longer than any run.
const forever = time.Duration(math.MaxInt64 / 4)
