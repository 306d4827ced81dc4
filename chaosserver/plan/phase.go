package plan

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"brownout/scenarios"
)

// phaseClock tells in which phase an instant lies. Where all phases are in time, or all in attempts, that is a
// function of the instant alone. Where one kind follows the other, a phase begins when the first attempt is seen
// that lies beyond the one before. It may be shared by goroutines.
type phaseClock struct {
	phases []scenarios.Phase
	starts atomic.Pointer[[]instant] // of the phases begun, and of the end of the last; not changed once stored
	mu     sync.Mutex                // held while starts is replaced
}

// instant is a point of a run, in both its measures.
type instant struct {
	elapsed time.Duration
	arrival int // 1-based ordinal of an attempt
}

// moment is a place in the phases.
type moment struct {
	phase int // -1: none, or after the last
	since instant
}

func newPhaseClock(phases []scenarios.Phase) *phaseClock {
	c := &phaseClock{phases: phases}
	c.starts.Store(&[]instant{{arrival: 1}})
	return c
}

// at returns the place in the phases of an attempt; since counts from the phase's start.
func (c *phaseClock) at(now instant) moment {
	if len(c.phases) == 0 {
		return moment{phase: -1}
	}
	starts := *c.starts.Load()
	for i := range c.phases {
		since := instant{now.elapsed - starts[i].elapsed, now.arrival - starts[i].arrival}
		p := &c.phases[i]
		next := instant{starts[i].elapsed + p.For, now.arrival}
		over := p.For > 0 && since.elapsed >= p.For
		if p.Attempts > 0 {
			next = instant{now.elapsed, starts[i].arrival + p.Attempts}
			over = since.arrival >= p.Attempts
		}
		if !over {
			return moment{i, since}
		}
		if i+1 == len(starts) {
			starts = c.begin(i+1, next)
		}
	}
	return moment{phase: -1}
}

// begin records when phase i began, unless another goroutine has done so, and returns all starts.
func (c *phaseClock) begin(i int, at instant) []instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	starts := *c.starts.Load()
	if len(starts) == i {
		starts = append(slices.Clip(starts), at)
		c.starts.Store(&starts)
	}
	return starts
}
