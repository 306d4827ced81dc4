package resilience

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// BulkheadSettings describe a [Bulkhead].
type BulkheadSettings struct {
	Name string // in errors and events; may be empty

	MaxConcurrent int           // how many operations may run at once, 1 to 1,000,000; required
	MaxQueue      int           // how many more may wait for their turn, up to 1,000,000; 0 = none: what is too much is refused at once
	MaxWait       time.Duration // how long one waits at most; 0 = as long as its context lets it

	Observer Observer // nil = none
}

// ErrBulkheadFull is what every [*BulkheadError] is by errors.Is.
var ErrBulkheadFull = errors.New("bulkhead is full")

// BulkheadError says that a [Bulkhead] refused an operation: as many as may run were running, and as many as may wait were
// waiting, or the wait was too long. It is [ErrBulkheadFull] by errors.Is. A bulkhead makes one and returns it each time.
type BulkheadError struct {
	Name          string        // of the bulkhead
	MaxConcurrent int           // as in its settings
	MaxQueue      int           // as there
	MaxWait       time.Duration // as there
}

// Error names the bulkhead and its bounds.
func (e *BulkheadError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" %q", e.Name)
	}
	text := fmt.Sprintf("bulkhead%s is full: %d at once and %d waiting are allowed", name, e.MaxConcurrent, e.MaxQueue)
	if e.MaxWait > 0 {
		text += fmt.Sprintf(", for %v", e.MaxWait)
	}
	return text
}

// Is reports whether target is [ErrBulkheadFull].
func (e *BulkheadError) Is(target error) bool { return target == ErrBulkheadFull }

// Retryable is false: whoever is told to go away should not come back at once.
func (e *BulkheadError) Retryable() bool { return false }

func (e *BulkheadError) refusal() bool { return true }

// Bulkhead bounds how many operations run at once, so that a slow service does not take every goroutine and connection with
// it; Nygard, "Release It!", 2007, has the name from ships. Those who wait have their turn in the order of arrival, and
// nobody overtakes them. It may be shared by goroutines.
type Bulkhead struct {
	s    BulkheadSettings
	full *BulkheadError

	_     cacheLine
	state atomic.Uint64 // running, plus oneWaiting for each who waits; the number of waiters changes with mu held only
	_     cacheLine

	mu    sync.Mutex // guards queue
	queue waitQueue
}

const oneWaiting = 1 << 32

var _ Policy = (*Bulkhead)(nil)

// NewBulkhead returns an empty Bulkhead. The error is a [*SettingError].
func NewBulkhead(s BulkheadSettings) (*Bulkhead, error) {
	const most = 1_000_000
	switch {
	case s.MaxConcurrent < 1 || s.MaxConcurrent > most:
		return nil, &SettingError{"BulkheadSettings.MaxConcurrent", s.MaxConcurrent, "1 to 1000000"}
	case s.MaxQueue < 0 || s.MaxQueue > most:
		return nil, &SettingError{"BulkheadSettings.MaxQueue", s.MaxQueue, "0 (nobody waits) to 1000000"}
	case s.MaxWait < 0:
		return nil, &SettingError{"BulkheadSettings.MaxWait", s.MaxWait, "0 (no bound) or more"}
	}
	return &Bulkhead{s: s, full: &BulkheadError{s.Name, s.MaxConcurrent, s.MaxQueue, s.MaxWait}}, nil
}

// Run calls next when its turn has come. The error of a refusal is a [*BulkheadError], and that of a wait cut short the
// context's.
func (b *Bulkhead) Run(ctx context.Context, next func(context.Context) error) error {
	if err := b.Acquire(ctx); err != nil {
		return err
	}
	defer b.Release()
	return next(ctx)
}

// Acquire takes a place, and waits for one if need be and the queue has room. Whoever gets one must Release it. The errors
// are those of Run.
func (b *Bulkhead) Acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if b.TryAcquire() {
		return nil
	}
	return b.wait(ctx)
}

// TryAcquire takes a place if one is free and nobody waits, and reports whether it did. Whoever gets one must Release it.
func (b *Bulkhead) TryAcquire() bool {
	for {
		state := b.state.Load()
		if state >= uint64(b.s.MaxConcurrent) { // all are taken, or somebody waits
			return false
		}
		if b.state.CompareAndSwap(state, state+1) {
			return true
		}
	}
}

// Release gives a place back, to the first who waits. It panics when no place is taken.
func (b *Bulkhead) Release() {
	state := b.state.Add(^uint64(0))
	switch {
	case uint32(state) == ^uint32(0):
		panic("resilience: Bulkhead.Release without Acquire")
	case state >= oneWaiting:
		b.handOver()
	}
}

// InUse returns how many places are taken.
func (b *Bulkhead) InUse() int { return int(uint32(b.state.Load())) }

// Waiting returns how many wait for a place.
func (b *Bulkhead) Waiting() int { return int(b.state.Load() / oneWaiting) }

func (b *Bulkhead) wait(ctx context.Context) error {
	w, ok := b.enqueue()
	if w == nil {
		if ok {
			return nil
		}
		return b.refuse(ctx, "full")
	}
	if b.s.Observer != nil {
		b.s.Observer.Observe(ctx, Event{Kind: EventWait, Policy: b.s.Name})
	}
	var late <-chan time.Time
	if b.s.MaxWait > 0 {
		timer := time.NewTimer(b.s.MaxWait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.leave(w)
		return contextError(ctx)
	case <-late:
		b.leave(w)
		return b.refuse(ctx, "wait")
	}
}

func (b *Bulkhead) refuse(ctx context.Context, reason string) error {
	if b.s.Observer != nil {
		b.s.Observer.Observe(ctx, Event{Kind: EventRejected, Policy: b.s.Name, Err: b.full, Reason: reason})
	}
	return b.full
}

// enqueue makes the caller wait. It returns no waiter when a place is free after all, which it has taken then, or when the
// queue is full.
func (b *Bulkhead) enqueue() (w *waiter, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		state := b.state.Load()
		switch {
		case state < uint64(b.s.MaxConcurrent):
			if b.state.CompareAndSwap(state, state+1) {
				return nil, true
			}
		case state/oneWaiting >= uint64(b.s.MaxQueue):
			return nil, false
		case b.state.CompareAndSwap(state, state+oneWaiting):
			w = newWaiter()
			b.queue.append(w)
			return w, true
		}
	}
}

// leave takes w out of the queue, or gives its place back if it has got one meanwhile.
func (b *Bulkhead) leave(w *waiter) {
	b.mu.Lock()
	granted := w.granted
	if !granted {
		b.queue.remove(w)
		b.state.Add(^uint64(oneWaiting - 1))
	}
	b.mu.Unlock()
	if granted {
		b.Release()
	}
}

// handOver gives free places to those who wait.
func (b *Bulkhead) handOver() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.queue.first != nil {
		state := b.state.Load()
		if uint32(state) >= uint32(b.s.MaxConcurrent) {
			return
		}
		if b.state.CompareAndSwap(state, state+1-oneWaiting) {
			w := b.queue.first
			b.queue.remove(w)
			w.grant()
		}
	}
}
