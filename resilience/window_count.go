package resilience

import "sync/atomic"

// countWindow keeps the results of the last len(ring) calls. It has no lock: a call takes the next place in the ring and
// adjusts the sums by the difference between its result and the one it replaces.
type countWindow struct {
	rates    rates
	ring     []atomic.Uint32 // result bits; 0 is an unused place
	_        cacheLine
	next     atomic.Uint64 // calls so far
	_        cacheLine
	failures atomic.Int64
	slow     atomic.Int64
}

// The bits of a result in the ring.
const (
	ringUsed uint32 = 1 << iota
	ringFailed
	ringSlow
)

func newCountWindow(calls int, r rates) *countWindow {
	return &countWindow{rates: r, ring: make([]atomic.Uint32, calls)}
}

// record counts r and returns why the thresholds are passed, or "".
func (w *countWindow) record(r result) string {
	bits := ringUsed
	if r.failed {
		bits |= ringFailed
	}
	if r.slow {
		bits |= ringSlow
	}
	n := w.next.Add(1)
	place := &w.ring[(n-1)%uint64(len(w.ring))]
	if old := place.Load(); old != bits {
		// Swap, for another call may be a whole ring ahead of this one.
		w.adjust(place.Swap(bits), bits)
	}
	if bits == ringUsed && n > w.rates.minCalls {
		return "" // as in timeWindow.record
	}
	return w.rates.exceeded(w.counts())
}

func (w *countWindow) adjust(old, now uint32) {
	if d := int64(now&ringFailed/ringFailed) - int64(old&ringFailed/ringFailed); d != 0 {
		w.failures.Add(d)
	}
	if d := int64(now&ringSlow/ringSlow) - int64(old&ringSlow/ringSlow); d != 0 {
		w.slow.Add(d)
	}
}

// counts returns what the window holds now.
func (w *countWindow) counts() tally {
	return tally{
		calls:    min(w.next.Load(), uint64(len(w.ring))),
		failures: uint64(max(w.failures.Load(), 0)),
		slow:     uint64(max(w.slow.Load(), 0)),
	}
}
