package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLimited is what every [*LimitError] is by errors.Is.
var ErrLimited = errors.New("rate limit exceeded")

// LimitError says that a [Limiter] refused at once what it would have had to keep waiting for too long. It is [ErrLimited]
// by errors.Is, and [context.DeadlineExceeded] too where the context's deadline is what could not be met.
type LimitError struct {
	Name  string        // of the limiter
	N     int           // tokens asked for
	Burst int           // tokens the bucket holds; where N is more, no wait helps
	Wait  time.Duration // how long the tokens would have taken from now; 0 where no wait helps

	deadline bool
}

// Error names the limiter, the wait that was needed and the bound that it passes.
func (e *LimitError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" of %q", e.Name)
	}
	switch {
	case e.N > e.Burst:
		return fmt.Sprintf("rate limit%s: got a request for %d tokens, want at most %d, the burst", name, e.N, e.Burst)
	case e.deadline:
		return fmt.Sprintf("rate limit%s exceeded: the wait of %v passes the context's deadline", name, e.Wait)
	}
	return fmt.Sprintf("rate limit%s exceeded: tokens are there in %v", name, e.Wait)
}

// Is reports whether target is [ErrLimited], or [context.DeadlineExceeded] and the deadline was too near.
func (e *LimitError) Is(target error) bool {
	return target == ErrLimited || e.deadline && target == context.DeadlineExceeded
}

// Timeout reports whether the deadline was too near, as [net.Error] has it.
func (e *LimitError) Timeout() bool { return e.deadline }

// Retryable is false: whoever is told to go away should not come back at once.
func (e *LimitError) Retryable() bool { return false }

// RetryDelay returns Wait, and whether waiting helps.
func (e *LimitError) RetryDelay() (time.Duration, bool) { return e.Wait, e.N <= e.Burst }

func (e *LimitError) refusal() bool { return true }

func (l *Limiter) refused(n int, wait time.Duration, deadline bool) *LimitError {
	return &LimitError{Name: l.s.Name, N: n, Burst: l.s.Burst, Wait: wait, deadline: deadline}
}
