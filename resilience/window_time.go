package resilience

import (
	"sync"
	"sync/atomic"
	"time"
)

// timeWindow counts the results of the last [windowSlices] slices of time, the running one included. A result is forgotten
// when it is between nine tenths of the window and the whole window old; one exactly as old as the window still counts.
//
// Callers never read the clock: a timer advances the window. It runs only while there are calls: after a slice without any
// the window is parked, and the next call catches up by the clock and starts the timer again.
type timeWindow struct {
	width time.Duration // of a slice
	rates rates
	base  time.Time // of the breaker

	mode atomic.Uint32 // one of the window modes; written with mu held
	ok   counter       // successful, quick calls of the running slice

	mu     sync.Mutex
	origin time.Duration // start of slice 0, since base
	slice  int64         // number of the running slice
	now    tally         // the running slice, without what ok counts
	past   [windowSlices]tally
	sum    tally // of past
	timer  *time.Timer
}

// The modes of a timeWindow.
const (
	windowParked uint32 = iota // no timer: the next call reads the clock
	windowFew                  // fewer calls than the minimum: each may be the one that completes it
	windowFull                 // enough calls: a success cannot change the verdict
	windowEnded                // the generation is over; nothing counts any more
)

func newTimeWindow(base time.Time, length time.Duration, r rates) *timeWindow {
	return &timeWindow{width: length / windowSlices, rates: r, base: base, origin: time.Since(base)}
}

// success is record for a successful call that was not slow.
func (w *timeWindow) success() string {
	if w.mode.Load() == windowFull {
		w.ok.inc()
		return ""
	}
	return w.record(result{})
}

// record counts r and returns why the thresholds are passed, or "".
func (w *timeWindow) record(r result) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.mode.Load() {
	case windowEnded:
		return ""
	case windowParked:
		w.unpark()
	}
	w.now.add(r.tally())
	t := w.total()
	if t.calls >= w.rates.minCalls {
		w.mode.Store(windowFull)
	}
	if r == (result{}) && t.calls > w.rates.minCalls {
		return "" // a success changes the verdict only when it completes the minimum
	}
	return w.rates.exceeded(t)
}

func (r result) tally() tally {
	t := tally{calls: 1}
	if r.failed {
		t.failures = 1
	}
	if r.slow {
		t.slow = 1
	}
	return t
}

// counts returns what the window holds now.
func (w *timeWindow) counts() tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mode.Load() == windowParked {
		w.advance()
	}
	return w.total()
}

// total requires mu.
func (w *timeWindow) total() tally {
	t := w.sum
	t.add(w.now)
	t.calls += w.ok.total()
	return t
}

// unpark catches up with the clock and starts the timer. It requires mu.
func (w *timeWindow) unpark() {
	w.advance()
	w.mode.Store(windowFew)
	d := w.untilNext()
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.tick)
	} else {
		w.timer.Reset(d)
	}
}

// tick ends the running slice.
func (w *timeWindow) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.mode.Load(); m == windowEnded || m == windowParked {
		return
	}
	before := w.now.calls + w.ok.total()
	w.advance()
	switch {
	case before == 0:
		w.mode.Store(windowParked)
		return
	case w.total().calls >= w.rates.minCalls:
		w.mode.Store(windowFull)
	default:
		w.mode.Store(windowFew)
	}
	w.timer.Reset(w.untilNext())
}

// advance makes the slice of this instant the running one. It requires mu.
func (w *timeWindow) advance() {
	// A slice is open at its start and closed at its end, so that a call at the very instant of a boundary is counted the
	// same way whether it or the timer comes first.
	n := int64((time.Since(w.base) - w.origin - 1) / w.width)
	if n <= w.slice {
		return
	}
	w.now.calls += w.ok.drain()
	w.past[w.slice%windowSlices] = w.now
	w.sum.add(w.now)
	w.now = tally{}
	for gone := min(n-w.slice, windowSlices); gone > 0; gone-- {
		old := &w.past[(w.slice+gone)%windowSlices]
		w.sum.calls -= old.calls
		w.sum.failures -= old.failures
		w.sum.slow -= old.slow
		*old = tally{}
	}
	w.slice = n
}

// untilNext returns the wait until the running slice is over. It requires mu.
func (w *timeWindow) untilNext() time.Duration {
	return w.origin + time.Duration(w.slice+1)*w.width + 1 - time.Since(w.base)
}

// end makes the window forget its timer; results that come later are ignored.
func (w *timeWindow) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mode.Store(windowEnded)
	if w.timer != nil {
		w.timer.Stop()
	}
}
