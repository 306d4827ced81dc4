package plan

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"brownout/scenarios"
)

// shortestSpell is the least mean of a spell in time; a shorter one counts as this. No client can tell spells of
// less apart, and the number of spells that must be drawn to reach an instant stays bounded by it.
const shortestSpell = time.Millisecond

// spells are the alternating good and bad spells of one burst, on an axis of nanoseconds or of attempts. Each length
// is drawn from the key in turn, so the spells are a function of the key alone; what was drawn last is kept for the
// next question. They may be shared by goroutines.
type spells struct {
	key       key
	good, bad float64 // mean lengths
	attempts  bool    // lengths are whole numbers, geometric; else exponential
	last      atomic.Pointer[stretch]
}

// stretch is a row of spells, the one after the other. It is not changed once made.
type stretch struct {
	from int64   // where the first begins
	bad  bool    // the first is a bad one
	ends []int64 // where each ends, itself not included
	next rand.PCG
}

// spellsKept is how many spells a stretch holds: the newer half, and the older half for those who ask a little late.
const spellsKept = 128

// init readies the spells of a burst.
func (s *spells) init(b *scenarios.Burst, k key) {
	s.key = k
	if s.attempts = inAttempts(b); s.attempts {
		s.good, s.bad = min(max(b.GoodAttempts, 1), 1e9), min(max(b.BadAttempts, 1), 1e9)
		return
	}
	s.good, s.bad = float64(max(b.Good, shortestSpell)), float64(max(b.Bad, shortestSpell))
}

// inAttempts reports whether the burst's spells are counted in attempts, not in time.
func inAttempts(b *scenarios.Burst) bool { return b.BadAttempts > 0 || b.GoodAttempts > 0 }

// at reports whether the point lies in a bad spell. A point below 0 counts as 0.
func (s *spells) at(point int64) bool {
	point = max(point, 0)
	st := s.last.Load()
	if st == nil || point < st.from {
		st = s.extend(&stretch{next: s.key.draws(0, 0)})
		s.last.CompareAndSwap(nil, st)
	}
	for point >= st.ends[len(st.ends)-1] {
		longer := s.extend(st)
		s.last.CompareAndSwap(st, longer) // refused to one who has begun anew, and to all but one of many
		st = longer
	}
	i, _ := slices.BinarySearch(st.ends, point+1)
	return st.bad != (i%2 == 1)
}

// extend returns the stretch that holds the newer half of st and as many spells again.
func (s *spells) extend(st *stretch) *stretch {
	const half = spellsKept / 2 // even, so that the first spell kept is of the same kind
	next := &stretch{from: st.from, bad: st.bad, next: st.next, ends: make([]int64, 0, spellsKept)}
	kept := st.ends
	if drop := len(kept) - half; drop > 0 {
		next.from = kept[drop-1]
		next.bad = st.bad != (drop%2 == 1)
		kept = kept[drop:]
	}
	next.ends = append(next.ends, kept...)
	end := next.from
	if n := len(kept); n > 0 {
		end = kept[n-1]
	}
	for range half {
		bad := next.bad != (len(next.ends)%2 == 1)
		end = int64(addDelay(time.Duration(end), time.Duration(s.length(bad, next.next.Uint64()))))
		next.ends = append(next.ends, end)
	}
	return next
}

// length draws the length of one spell: at least 1 on its axis.
//
// In time it is exponential, -mean·ln u. In attempts it is geometric, 1 + ⌊ln u / ln(1 - 1/mean)⌋, the number of
// tosses up to the first that a coin of chance 1/mean wins.
func (s *spells) length(bad bool, random uint64) int64 {
	mean := s.good
	if bad {
		mean = s.bad
	}
	if !s.attempts {
		return max(1, int64(duration(-mean*ln(open(random)))))
	}
	if mean <= 1 {
		return 1
	}
	return 1 + int64(ln(open(random))/ln(1-1/mean))
}
