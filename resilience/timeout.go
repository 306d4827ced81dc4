package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTimeout is what a [*TimeoutError] is by errors.Is.
var ErrTimeout = errors.New("timeout")

// TimeoutError says that a [Timeout], or the timeout of an attempt, ended an operation. It is [ErrTimeout] and
// [context.DeadlineExceeded] by errors.Is, and what the operation returned, if it returned an error.
type TimeoutError struct {
	Name  string        // of the policy
	After time.Duration // the time it was given
	Err   error         // what the operation returned when its context ended; may be nil
}

// Error names the timeout and what the operation made of it.
func (e *TimeoutError) Error() string {
	prefix := ""
	if e.Name != "" {
		prefix = e.Name + ": "
	}
	if e.Err == nil || e.Err == context.DeadlineExceeded {
		return fmt.Sprintf("%stimed out after %v", prefix, e.After)
	}
	return fmt.Sprintf("%stimed out after %v: %v", prefix, e.After, e.Err)
}

// Is reports whether target is [ErrTimeout] or [context.DeadlineExceeded].
func (e *TimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == context.DeadlineExceeded
}

// Unwrap returns Err.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Timeout reports true, as [net.Error] has it.
func (e *TimeoutError) Timeout() bool { return true }

// Retryable is true: one slow attempt says little about the next.
func (e *TimeoutError) Retryable() bool { return true }

// TimeoutSettings describe a [Timeout].
type TimeoutSettings struct {
	Name     string        // in errors and events; may be empty
	Timeout  time.Duration // required, above 0
	Observer Observer      // nil = none
}

// Timeout bounds how long an operation may take, by the deadline of its context. It waits for the operation to return, so
// no goroutine is left behind: an operation that does not look at its context is not cut off. A deadline the caller set
// that is earlier stays in force, and its passing is not a [*TimeoutError].
//
// Outside a [Retry] it bounds all attempts together with their waits, and inside it each of them. It may be shared by goroutines.
type Timeout struct {
	s TimeoutSettings
}

var _ Policy = (*Timeout)(nil)

// NewTimeout returns a Timeout. The error is a [*SettingError].
func NewTimeout(s TimeoutSettings) (*Timeout, error) {
	if s.Timeout <= 0 {
		return nil, &SettingError{"TimeoutSettings.Timeout", s.Timeout, "above 0"}
	}
	return &Timeout{s}, nil
}

// Run calls next with a context that ends after the timeout. The error is a [*TimeoutError] around next's when next failed
// after that.
func (t *Timeout) Run(ctx context.Context, next func(context.Context) error) error {
	return runTimeout(ctx, t.s.Timeout, t.s.Name, t.s.Observer, next)
}

func runTimeout(ctx context.Context, after time.Duration, name string, o Observer, next func(context.Context) error) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	inner, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	err := next(inner)
	if err == nil || inner.Err() == nil || ctx.Err() != nil {
		return err
	}
	err = &TimeoutError{Name: name, After: after, Err: err}
	if o != nil {
		o.Observe(ctx, Event{Kind: EventTimeout, Policy: name, Delay: after, Err: err})
	}
	return err
}
