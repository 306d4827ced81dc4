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
		b.tables[i] = table{kind: kindOf(&limits[i]), most: max(most, 1), buckets: make(map[id]state)}
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

	id    id
	state state // of the bucket, while it is asked
	slot  int   // in the table's ring, of a new bucket; -1: it is known
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
		t.find(g, now)
		wait := t.kind.wait(g.state, now)
		if g.Uncounted || wait <= 0 {
			continue
		}
		g.Remaining, g.Next, g.Full, g.Timed = t.kind.left(g.state, now)
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
		t.kind.take(&g.state, now)
		t.keep(g)
		g.Remaining, g.Next, g.Full, g.Timed = t.kind.left(g.state, now)
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
			g.state = t.buckets[g.id]
			t.kind.release(&g.state)
			t.buckets[g.id] = g.state
		}
	}
}

// Len returns how many buckets a limit keeps.
func (b *Buckets) Len(limit int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tables[limit].buckets)
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
	kind    kind
	most    int
	buckets map[id]state
	ring    []id // of the buckets, in the order in which they came but for those that took another's place
	hand    int  // where in the ring the search for a full bucket goes on
}

// find notes in a grant the state of its bucket, and of a new one its place in the ring: behind the last, or that of another
// bucket that can be forgotten. Where no room can be made it says so.
func (t *table) find(g *Grant, now time.Duration) {
	var known bool
	if g.state, known = t.buckets[g.id]; known {
		g.slot = -1
		return
	}
	g.slot = len(t.ring)
	if len(t.ring) >= t.most {
		i, ok := t.fullOne(now)
		g.slot, g.Uncounted = i, !ok
	}
}

// keep keeps the state of a grant's bucket.
func (t *table) keep(g *Grant) {
	switch {
	case g.slot < 0:
	case g.slot == len(t.ring):
		t.ring = append(t.ring, g.id)
	default:
		delete(t.buckets, t.ring[g.slot])
		t.ring[g.slot] = g.id
	}
	t.buckets[g.id] = g.state
}

// probes bounds the search for a bucket that can be forgotten. Buckets become full about in the order in which they came, so
// that the next one is the likeliest.
const probes = 64

// fullOne returns the place of a bucket that is full.
func (t *table) fullOne(now time.Duration) (int, bool) {
	for range min(probes, len(t.ring)) {
		if t.hand++; t.hand >= len(t.ring) {
			t.hand = 0
		}
		if t.kind.full(t.buckets[t.ring[t.hand]], now) {
			return t.hand, true
		}
	}
	return 0, false
}

// forever is longer than any run.
const forever = time.Duration(math.MaxInt64 / 4)
