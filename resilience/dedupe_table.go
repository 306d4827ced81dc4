package resilience

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// fingerprint stands for a key: 128 bits of keyed hash, so that among a million keys the chance that two look alike is 1e-27.
// The two lowest values of hi mark places of a table.
type fingerprint struct{ hi, lo uint64 }

// dedupeTable is a hash table with open addressing and linear probing, without pointers, so that a garbage collection does not
// look into it. One goroutine may write at a time; any may read meanwhile.
//
// A place is three words: hi, lo and the record. A reader who sees hi, lo, the record and the same again has seen one
// record of that key. One who misses a key that is being moved finds it when it asks under the lock.
type dedupeTable struct {
	places uint64
	words  []atomic.Uint64
}

const (
	wordsPerPlace = 3
	emptyPlace    = 0 // as hi: nothing was ever here, and no search goes on
	freedPlace    = 1 // as hi: something was

	// How full a table gets before it is made anew, and how full the new one is: between 30 and 38 bytes a key.
	fullTable, newTable = 0.8, 0.64
	leastPlaces         = 16
)

func newDedupeTable(keys int) *dedupeTable {
	n := max(leastPlaces, uint64(float64(keys)/newTable)+1)
	return &dedupeTable{places: n, words: make([]atomic.Uint64, n*wordsPerPlace)}
}

// place returns where the search for f begins. It grows with hi, so that a table is copied in order.
func (t *dedupeTable) place(f fingerprint) uint64 {
	i, _ := bits.Mul64(f.hi, t.places)
	return i
}

func (t *dedupeTable) next(i uint64) uint64 {
	if i++; i == t.places {
		return 0
	}
	return i
}

// read returns the record of f, or 0. It may miss what is being written; what it returns was there.
func (t *dedupeTable) read(f fingerprint) record {
	for i, n := t.place(f), t.places; n > 0; i, n = t.next(i), n-1 {
		w := t.words[i*wordsPerPlace : i*wordsPerPlace+wordsPerPlace : i*wordsPerPlace+wordsPerPlace]
		switch hi := w[0].Load(); {
		case hi == emptyPlace:
			return 0
		case hi == f.hi && w[1].Load() == f.lo:
			r := w[2].Load()
			if w[0].Load() == f.hi && w[1].Load() == f.lo && w[2].Load() == r {
				return record(r)
			}
		}
	}
	return 0
}

// find returns the place of f, and whether it is there; if not, where to put it: the first place on the way that is free or
// whose record is over at now. ok is false too when there is no such place. It is for the writer, as are all below.
func (t *dedupeTable) find(f fingerprint, now uint64) (at uint64, ok bool) {
	at = t.places
	for i, n := t.place(f), t.places; n > 0; i, n = t.next(i), n-1 {
		switch hi := t.words[i*wordsPerPlace].Load(); {
		case hi == emptyPlace:
			if at == t.places {
				at = i
			}
			return at, false
		case hi == f.hi && t.words[i*wordsPerPlace+1].Load() == f.lo:
			return i, true
		case at == t.places && (hi == freedPlace || t.record(i).over(now)):
			at = i
		}
	}
	return at, false
}

// holds reports whether there is a record at i, which may be no place at all.
func (t *dedupeTable) holds(i uint64) bool { return i < t.places && t.hi(i) > freedPlace }

func (t *dedupeTable) hi(i uint64) uint64     { return t.words[i*wordsPerPlace].Load() }
func (t *dedupeTable) record(i uint64) record { return record(t.words[i*wordsPerPlace+2].Load()) }
func (t *dedupeTable) set(i uint64, r record) { t.words[i*wordsPerPlace+2].Store(uint64(r)) }

// put makes f and r the content of a place.
func (t *dedupeTable) put(i uint64, f fingerprint, r record) {
	w := t.words[i*wordsPerPlace : i*wordsPerPlace+wordsPerPlace]
	w[0].Store(freedPlace) // readers look away
	w[1].Store(f.lo)
	w[2].Store(uint64(r))
	w[0].Store(f.hi)
}

// free frees a place, and reports how many places became empty, so that no search goes on behind them.
func (t *dedupeTable) free(i uint64) (emptied int) {
	t.words[i*wordsPerPlace].Store(freedPlace)
	if t.hi(t.next(i)) != emptyPlace {
		return 0
	}
	for t.hi(i) == freedPlace {
		t.words[i*wordsPerPlace].Store(emptyPlace)
		emptied++
		if i == 0 {
			i = t.places
		}
		i--
	}
	return emptied
}

// copyTo puts what is not over at now into another table, which is empty.
func (t *dedupeTable) copyTo(to *dedupeTable, now uint64) {
	for i := range t.places {
		if !t.holds(i) || t.record(i).over(now) {
			continue
		}
		f := fingerprint{t.hi(i), t.words[i*wordsPerPlace+1].Load()}
		at := to.place(f)
		for to.hi(at) != emptyPlace {
			at = to.next(at)
		}
		to.put(at, f, t.record(i))
	}
}

// count returns how many records there are, and how many of them are not over at now.
func (t *dedupeTable) count(now uint64) (held, live int) {
	for i := range t.places {
		if t.holds(i) {
			if held++; !t.record(i).over(now) {
				live++
			}
		}
	}
	return held, live
}

// record is what is known of a key: whether its work is claimed or done, and until when, in milliseconds since the Dedupe
// was made; of a claim also its number, so that the whole word tells one claim from another.
type record uint64

const (
	timeBits   = 40 // 34 years
	serialBits = 22
	timeMask   = 1<<timeBits - 1
	serialMask = 1<<serialBits - 1

	doneRecord  record = 1 << 63
	claimRecord record = 1 << 62
)

func newClaim(serial, until uint64) record {
	return claimRecord | record(serial&serialMask)<<timeBits | record(until&timeMask)
}

func newDone(until uint64) record { return doneRecord | record(until&timeMask) }

func (r record) done() bool           { return r&doneRecord != 0 }
func (r record) until() uint64        { return uint64(r) & timeMask }
func (r record) over(now uint64) bool { return now >= r.until() }
func (r record) end() time.Duration   { return time.Duration(r.until()) * time.Millisecond }
func (r record) serial() uint64       { return uint64(r) >> timeBits & serialMask }
