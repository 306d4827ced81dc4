package resilience

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errAttemptExited stands for the result of a copy that ended its goroutine instead of returning.
var errAttemptExited = errors.New("the attempt ended its goroutine")

// hedgeRun is one operation under a [Hedge]. It is kept for the next one if no copy was started.
type hedgeRun struct {
	h     *Hedge
	timer *time.Timer // starts the next copy

	ctx    context.Context
	next   func(context.Context) error
	result Result
	delay  time.Duration
	first  *hedgeAttempt

	mu       sync.Mutex // guards what follows
	over     bool       // no copy may start, and what ends now has lost
	copies   []*hedgeAttempt
	running  int           // copies
	winner   int           // number of the copy that succeeded; 0: none yet
	fork     Result        // the winner's
	panicked any           // what a copy panicked with
	changed  chan struct{} // closed when a copy wins, panics, or is the last to end; nil while nobody waits
}

func (r *hedgeRun) begin(ctx context.Context, next func(context.Context) error, result Result, first *hedgeAttempt, delay time.Duration) {
	r.mu.Lock() // the timer's goroutine reads all this
	defer r.mu.Unlock()
	r.ctx, r.next, r.result, r.first, r.delay = ctx, next, result, first, delay
	if r.timer == nil {
		r.timer = time.AfterFunc(delay, r.copy)
	} else {
		r.timer.Reset(delay)
	}
}

// stop keeps copies from being started, and reports whether none was and the run can be used again.
func (r *hedgeRun) stop() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer.Stop() && len(r.copies) == 0 {
		return true
	}
	if len(r.copies) == 0 {
		r.over = true // the timer's goroutine is on its way
	}
	return false
}

func (r *hedgeRun) recycle() {
	r.ctx, r.next, r.result, r.first = nil, nil, nil, nil
	r.h.idle.Put(r)
}

// copy is what the timer runs: one copy of the operation, from its start to its end.
func (r *hedgeRun) copy() {
	r.mu.Lock()
	if r.over || r.winner > 0 || r.ctx.Err() != nil || !r.affordable() {
		r.mu.Unlock()
		return
	}
	number := len(r.copies) + 2
	a := newHedgeAttempt(r.ctx, number)
	r.copies = append(r.copies, a)
	r.running++
	if len(r.copies) < r.h.s.MaxCopies {
		r.timer.Reset(r.delay)
	}
	var ctx context.Context = a
	var fork Result
	if r.result != nil {
		ctx, fork = r.result.Fork(a)
	}
	r.mu.Unlock()
	if o := r.h.s.Observer; o != nil {
		o.Observe(r.ctx, Event{Kind: EventHedge, Policy: r.h.s.Name, Attempt: number, Delay: r.delay})
	}

	err, returned := errAttemptExited, false
	defer func() {
		if returned {
			r.ended(a, number, fork, err, nil)
			return
		}
		if p := recover(); !r.ended(a, number, fork, err, p) && p != nil {
			panic(p) // nobody is left to pass it to
		}
	}()
	err = r.next(ctx)
	returned = true
}

func (r *hedgeRun) affordable() bool {
	if r.h.s.Budget == nil {
		return true
	}
	_, ok := r.h.s.Budget.take(false)
	return ok
}

// ended takes the end of a copy, and reports whether the caller will see to a panic.
func (r *hedgeRun) ended(a *hedgeAttempt, number int, fork Result, err error, panicked any) bool {
	r.mu.Lock()
	r.running--
	late := r.over || r.winner > 0 || r.panicked != nil
	switch {
	case late:
	case panicked != nil:
		r.panicked = panicked
		r.cancelOthers(nil)
	case err == nil:
		r.winner, r.fork = number, fork
		r.cancelOthers(a)
	}
	if r.changed != nil && (r.running == 0 || r.winner > 0 || r.panicked != nil) {
		close(r.changed)
		r.changed = nil
	}
	won := r.winner == number
	r.mu.Unlock()
	if !won {
		a.cancel()
		if err == nil && fork != nil && r.h.s.Discard != nil {
			r.h.s.Discard(fork)
		}
	}
	return !late
}

// cancelOthers requires mu.
func (r *hedgeRun) cancelOthers(winner *hedgeAttempt) {
	if r.first != winner {
		r.first.cancel()
	}
	for _, a := range r.copies {
		if a != winner {
			a.cancel()
		}
	}
}

// abandon ends all copies when the first attempt panicked or ended the goroutine.
func (r *hedgeRun) abandon() {
	r.mu.Lock()
	r.over = true
	r.timer.Stop()
	r.cancelOthers(nil)
	fork := r.fork
	r.mu.Unlock()
	if fork != nil && r.h.s.Discard != nil {
		r.h.s.Discard(fork)
	}
}

// finish takes the end of the first attempt, which returned err, where copies were started: it waits for one that
// succeeds if need be, and makes what the winner returned the operation's.
func (r *hedgeRun) finish(err error) error {
	r.mu.Lock()
	if err != nil && !r.await() {
		err = contextError(r.ctx)
	}
	r.over = true
	r.timer.Stop()
	winner, panicked := r.winner, r.panicked
	switch {
	case panicked != nil:
		r.cancelOthers(nil)
	case winner > 0:
		r.cancelOthers(r.copies[winner-2])
	case err == nil:
		winner = 1
		r.cancelOthers(r.first)
	default:
		r.cancelOthers(r.first) // what it returned is the operation's
	}
	hedged := len(r.copies) > 0
	r.mu.Unlock()
	if panicked != nil {
		panic(panicked)
	}
	if winner > 1 {
		err = r.adopt(winner, err)
	} else {
		r.first.end()
	}
	r.h.settle(err)
	if o := r.h.s.Observer; o != nil && winner > 0 && hedged {
		o.Observe(r.ctx, Event{Kind: EventHedgeWon, Policy: r.h.s.Name, Attempt: winner})
	}
	return err
}

// adopt makes the result of the copy that won the operation's; the first attempt's, if it has one, is discarded.
func (r *hedgeRun) adopt(winner int, err error) error {
	if r.result != nil {
		if err == nil && r.h.s.Discard != nil {
			r.h.s.Discard(r.result)
		}
		r.result.Adopt(r.fork)
	}
	r.copies[winner-2].end()
	return nil
}

// await waits until a copy has won or panicked, or none is running. It reports false when the operation's context ended
// first. It requires mu, and releases it meanwhile.
func (r *hedgeRun) await() bool {
	for r.running > 0 && r.winner == 0 && r.panicked == nil {
		changed := make(chan struct{})
		r.changed = changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-r.ctx.Done():
			r.mu.Lock()
			return false
		}
		r.mu.Lock()
	}
	return true
}
