package httpclient

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrPaused is what a [*PausedError] is by errors.Is.
var ErrPaused = errors.New("host paused")

// PausedError says that no attempt was made because the host asked to be left alone for longer than the caller can wait.
// It is [ErrPaused] and [context.DeadlineExceeded] by errors.Is: the context's deadline would have passed.
type PausedError struct {
	Host string        // which asked
	Wait time.Duration // how much longer
}

// Error names the host and the wait.
func (e *PausedError) Error() string {
	return fmt.Sprintf("host %s asked not to be called for another %v, which is past the deadline", e.Host, e.Wait)
}

// Is reports whether target is [ErrPaused] or [context.DeadlineExceeded].
func (e *PausedError) Is(target error) bool {
	return target == ErrPaused || target == context.DeadlineExceeded
}

// Timeout reports true, as [net.Error] has it.
func (e *PausedError) Timeout() bool { return true }

// Retryable is false: waiting would not be over before the deadline.
func (e *PausedError) Retryable() bool { return false }

// RetryDelay returns Wait.
func (e *PausedError) RetryDelay() (time.Duration, bool) { return e.Wait, true }

// gate holds back all calls to a host until an instant that the host named. Open, it costs one atomic load.
type gate struct {
	base  time.Time    // instants are counted from here
	until atomic.Int64 // ns since base; 0 = open
}

// closed reports whether callers have to wait, or whoever comes first has to open the gate.
func (g *gate) closed() bool { return g.until.Load() != 0 }

// pause closes the gate for d, unless it is closed for longer already.
func (g *gate) pause(d time.Duration) {
	until := int64(time.Since(g.base) + d)
	for {
		have := g.until.Load()
		if have >= until || g.until.CompareAndSwap(have, until) {
			return
		}
	}
}

// wait waits until the gate is open. It refuses at once what the deadline of ctx does not allow. Those held back leave a
// little apart: each waits up to a tenth longer, drawn by spread, if the deadline allows that too.
func (g *gate) wait(ctx context.Context, host string, spread func() float64) error {
	for g.closed() {
		until := g.until.Load()
		left := time.Duration(until) - time.Since(g.base)
		if left <= 0 {
			g.until.CompareAndSwap(until, 0)
			return nil
		}
		longer := left + time.Duration(float64(left)/10*spread())
		if deadline, ok := ctx.Deadline(); ok {
			room := time.Until(deadline)
			if left >= room {
				return &PausedError{Host: host, Wait: left}
			}
			longer = max(left, min(longer, room-1))
		}
		timer := time.NewTimer(longer)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return nil
}
