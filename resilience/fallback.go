package resilience

import (
	"context"
	"fmt"
)

// FallbackSettings describe a [Fallback].
type FallbackSettings[T any] struct {
	Name string // in errors and events; may be empty

	// Func is required. It gives the answer in place of the operation's, which failed with err: a value of a cache, a
	// default. It may fail too; wrap err then.
	Func func(ctx context.Context, err error) (T, error)

	If       func(err error) bool // which errors are hidden; nil = all
	Observer Observer             // nil = none
}

// Fallback gives another answer when the operation fails. It belongs outermost. When the caller's context has ended nobody
// waits for an answer: the operation's error is returned as it is. It may be shared by goroutines.
type Fallback[T any] struct {
	s FallbackSettings[T]
}

var _ ResultPolicy = (*Fallback[int])(nil)

// NewFallback returns a Fallback. The error is a [*SettingError].
func NewFallback[T any](s FallbackSettings[T]) (*Fallback[T], error) {
	if s.Func == nil {
		return nil, &SettingError{"FallbackSettings.Func", "nil", "a function"}
	}
	return &Fallback[T]{s}, nil
}

// Run is [Fallback.RunResult] without a place for the answer: its effect is the error alone.
func (f *Fallback[T]) Run(ctx context.Context, next func(context.Context) error) error {
	return f.RunResult(ctx, next, nil)
}

// RunResult calls next and, when it fails, answers in its place. A result of a type other than T is a programmer's
// mistake, and an error that names the type.
func (f *Fallback[T]) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	err := next(ctx)
	if err == nil || ctx.Err() != nil || f.s.If != nil && !f.s.If(err) {
		return err
	}
	value, instead := f.s.Func(ctx, err)
	if result != nil && !SetResult(result, value) {
		return fmt.Errorf("fallback %q answers with a %T, and the operation with a %T: %w", f.s.Name, value, result.Any(), err)
	}
	if f.s.Observer != nil {
		f.s.Observer.Observe(ctx, Event{Kind: EventFallback, Policy: f.s.Name, Err: err})
	}
	return instead
}
