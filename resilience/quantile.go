package resilience

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// quantile estimates a quantile of the durations seen lately, to an eighth. It is a histogram whose classes are the eighths of
// the powers of two (Tene's HdrHistogram with three bits); when it holds enough it is halved, so that old durations fade.
// It may be shared by goroutines.
type quantile struct {
	q       float64
	classes [64 * quantileSteps]atomic.Uint32
	total   atomic.Int64
	known   atomic.Int64 // the estimate, in ns; 0: not enough were seen
	mu      sync.Mutex   // held by the one who estimates
}

const (
	quantileSteps = 8
	quantileLeast = 128  // durations before there is an estimate
	quantileEvery = 64   // durations between two estimates
	quantileMost  = 4096 // durations that are remembered
)

// add adds a duration.
func (e *quantile) add(d time.Duration) {
	e.classes[quantileClass(d)].Add(1)
	if n := e.total.Add(1); n >= quantileLeast && n%quantileEvery == 0 && e.mu.TryLock() {
		defer e.mu.Unlock()
		e.estimate()
	}
}

// get returns the estimate, or 0 where not enough is known.
func (e *quantile) get() time.Duration { return time.Duration(e.known.Load()) }

// estimate requires mu.
func (e *quantile) estimate() {
	total := int64(0)
	for i := range e.classes {
		total += int64(e.classes[i].Load())
	}
	rank, sum := int64(e.q*float64(total)), int64(0)
	for i := range e.classes {
		if sum += int64(e.classes[i].Load()); sum > rank {
			e.known.Store(int64(quantileBound(i)))
			break
		}
	}
	if total < quantileMost {
		return
	}
	for i := range e.classes {
		n := e.classes[i].Load()
		e.classes[i].Add(-((n + 1) / 2)) // what others add meanwhile stays
	}
}

// quantileClass returns the class of d: its highest bit, and the three after it.
func quantileClass(d time.Duration) int {
	v := uint64(max(d, quantileSteps))
	shift := bits.Len64(v) - 4
	return shift*quantileSteps + int(v>>shift)
}

// quantileBound returns the upper bound of a class.
func quantileBound(class int) time.Duration {
	shift := max(0, class/quantileSteps-1)
	return time.Duration(uint64(class-shift*quantileSteps+1) << shift)
}
