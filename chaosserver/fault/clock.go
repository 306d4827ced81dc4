package fault

import (
	"container/heap"
	"context"
	"runtime"
	"sync"
	"time"
)

// Clock wakes those who wait to some tens of microseconds. The timers of the language wake through epoll_wait, which counts
// whole milliseconds, so that behind a wait of an idle program comes up to one more; a timer of the kernel's that is read
// like a socket (Linux's timerfd_create(2)) has no such grain. One timer serves all waits, by a heap. It may be shared by
// goroutines.
//
// The nil Clock waits as [Wait] does.
type Clock struct {
	base  time.Time
	alarm alarm

	mu    sync.Mutex // guards what follows
	waits waits
	ended bool
}

// alarm is a timer of the system's.
type alarm interface {
	set(d time.Duration) error // in place of what was set before
	await() error              // that it goes off; an error once it is closed
	Close() error
}

// NewClock makes a clock, whose Run has to be called. It is nil where the system has no timer for it.
func NewClock() *Clock {
	a, err := newAlarm()
	if err != nil {
		return nil // the timers of the language are less exact, and do the same
	}
	return &Clock{base: time.Now(), alarm: a}
}

// Run wakes those who wait, until Close. Who waits then waits on by the timers of the language.
func (c *Clock) Run() {
	defer c.end()
	for c.alarm.await() == nil {
		if c.ring() != nil {
			return
		}
	}
}

// Close ends Run. It may be called again, and on the nil Clock.
func (c *Clock) Close() {
	if c != nil {
		_ = c.alarm.Close() // fails where it is closed already
	}
}

// Wait waits until d after since, and returns nil; or the context's error, should that end first. It is never early.
func (c *Clock) Wait(ctx context.Context, since time.Time, d time.Duration) error {
	if c == nil {
		return Wait(ctx, since, d)
	}
	at := since.Add(d)
	for left := time.Until(at); left > 0 && left < spun; left = time.Until(at) {
		runtime.Gosched()
	}
	if w := c.enlist(at); w != nil {
		select {
		case <-w.rung:
		case <-ctx.Done():
			c.leave(w)
			return ctx.Err()
		}
	}
	return Wait(ctx, since, d) // for nothing more, unless the clock has ended
}

// spun is what is left of a wait that sleeps no more: setting the alarm and being woken would take longer.
const spun = 10 * time.Microsecond

// enlist lets an instant be waited for; nil where that is over, or the clock is.
func (c *Clock) enlist(at time.Time) *wait {
	if time.Until(at) <= 0 {
		return nil
	}
	w := &wait{at: at.Sub(c.base), rung: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	heap.Push(&c.waits, w)
	if w.place == 0 && c.setAlarm() != nil {
		heap.Remove(&c.waits, w.place)
		return nil
	}
	return w
}

// leave takes back that a wait is to be rung.
func (c *Clock) leave(w *wait) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.place >= 0 {
		heap.Remove(&c.waits, w.place) // the alarm may go off for nothing
	}
}

// ring ends the waits that are over.
func (c *Clock) ring() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for now := time.Since(c.base); len(c.waits) > 0 && c.waits[0].at <= now; {
		close(heap.Pop(&c.waits).(*wait).rung)
	}
	return c.setAlarm()
}

// setAlarm sets the alarm for the next wait that is over. It requires mu.
func (c *Clock) setAlarm() error {
	if len(c.waits) == 0 {
		return nil
	}
	return c.alarm.set(max(1, c.waits[0].at-time.Since(c.base))) // 0 would be never
}

// end lets everybody wait otherwise.
func (c *Clock) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for len(c.waits) > 0 {
		close(heap.Pop(&c.waits).(*wait).rung)
	}
}

// wait is one that goes on.
type wait struct {
	at    time.Duration // since the clock's base
	rung  chan struct{} // closed when it is over
	place int           // in the heap; -1 behind it
}

// waits is a heap of waits, the one that is over first on top.
type waits []*wait

func (h waits) Len() int           { return len(h) }
func (h waits) Less(i, j int) bool { return h[i].at < h[j].at }

func (h waits) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *waits) Push(w any) {
	w.(*wait).place = len(*h)
	*h = append(*h, w.(*wait))
}

func (h *waits) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	w.place = -1
	return w
}
