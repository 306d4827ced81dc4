package resilience

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Reason says why a [Retry] made no further attempt. It is an error too, so that errors.Is(err, resilience.ReasonBudget)
// tells whether a [*RetryError] in err has that reason.
type Reason uint8

const (
	reasonNone Reason = iota
	// ReasonAttempts: all attempts allowed were made.
	ReasonAttempts
	// ReasonPermanent: repeating would not help, as the error or RetryIf says.
	ReasonPermanent
	// ReasonRefused: the server asked not to be called again (a negative pushback).
	ReasonRefused
	// ReasonBudget: the budget has no token for a retry.
	ReasonBudget
	// ReasonDelay: the server asked for a longer wait than MaxPushback allows.
	ReasonDelay
	// ReasonDeadline: the next attempt could not finish before the context's deadline. The error is
	// [context.DeadlineExceeded] by errors.Is, although the context is not done yet.
	ReasonDeadline
	// ReasonElapsed: the next attempt would begin later than MaxElapsed allows.
	ReasonElapsed
	// ReasonCanceled: the context ended. The error is ctx.Err() by errors.Is, and context.Cause(ctx).
	ReasonCanceled
	// ReasonUnrepeatable: the operation must not, or cannot, be repeated: a POST without an idempotency key, a body that
	// is a stream. Detail says which.
	ReasonUnrepeatable
)

var reasonTexts = [...]struct{ label, text string }{
	reasonNone:         {"none", "no reason given"},
	ReasonAttempts:     {"attempts", "no attempts left"},
	ReasonPermanent:    {"permanent", "not retryable"},
	ReasonRefused:      {"refused", "the server asked not to retry"},
	ReasonBudget:       {"budget", "retry budget exhausted"},
	ReasonDelay:        {"delay", "the server asked for a longer wait than allowed"},
	ReasonDeadline:     {"deadline", "another attempt would pass the deadline"},
	ReasonElapsed:      {"elapsed", "another attempt would pass the time allowed"},
	ReasonCanceled:     {"canceled", "context ended"},
	ReasonUnrepeatable: {"unrepeatable", "cannot be repeated"},
}

// String returns the reason as a metric's label would have it, such as "budget"; an unknown one as its number.
func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r].label
	}
	return "Reason(" + itoa(int(r)) + ")"
}

// Error returns the reason in words.
func (r Reason) Error() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r].text
	}
	return r.String()
}

// MaxCauses is how many attempts' errors a [RetryError] keeps.
const MaxCauses = 16

// RetryError is what a [Retry] returns when it gives up after an attempt that might have been repeated, or before the
// first. errors.Is and errors.As see the last attempt's error, the Reason and, for ReasonDeadline and ReasonCanceled, the
// context's error; the errors of earlier attempts are in Causes alone. Another Retry around it does not retry it:
// nested layers would multiply the attempts.
type RetryError struct {
	Name     string        // as in RetrySettings
	Attempts int           // how many were made
	Reason   Reason        // why there was not another
	Detail   string        // more about the reason; may be empty
	Delay    time.Duration // how long to wait before trying again, where known: the wait that would have been due
	Err      error         // of the last attempt; nil if none was made
	Causes   []error       // of each attempt, in order; beyond MaxCauses only the first ones and the last
	Context  error         // why the context ended, or [context.DeadlineExceeded] where it was about to; otherwise nil
}

// Error says how many attempts were made, why there was no other, and what the last one failed with.
func (e *RetryError) Error() string {
	var b strings.Builder
	if e.Name != "" {
		fmt.Fprintf(&b, "%s: ", e.Name)
	}
	switch e.Attempts {
	case 0:
		b.WriteString("no attempt made: ")
	case 1:
		b.WriteString("gave up after 1 attempt: ")
	default:
		fmt.Fprintf(&b, "gave up after %d attempts: ", e.Attempts)
	}
	b.WriteString(e.Reason.Error())
	if e.Detail != "" {
		fmt.Fprintf(&b, " (%s)", e.Detail)
	} else if e.Delay > 0 {
		fmt.Fprintf(&b, " (wait %v)", e.Delay)
	}
	if e.Reason == ReasonCanceled && e.Context != nil {
		fmt.Fprintf(&b, ": %v", e.Context)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Is reports whether target is the Reason.
func (e *RetryError) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// Unwrap returns the last attempt's error and the context's, as far as there are any.
func (e *RetryError) Unwrap() []error {
	var list []error
	for _, err := range [...]error{e.Err, e.Context} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// Retryable is false: attempts of nested layers multiply.
func (e *RetryError) Retryable() bool { return false }

// RetryDelay returns Delay, for a caller that can come back later.
func (e *RetryError) RetryDelay() (time.Duration, bool) { return e.Delay, e.Delay > 0 }

// Timeout reports whether time ran out, of the context or of the last attempt, as [net.Error] has it.
func (e *RetryError) Timeout() bool {
	if e.Reason == ReasonDeadline || errors.Is(e.Context, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}

// contextError returns why ctx ended: its error, joined by its cause where that is another.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || cause == err {
		return err
	}
	return &causedError{err, cause}
}

// causedError is a context's error together with its cause.
type causedError struct{ err, cause error }

func (e *causedError) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *causedError) Unwrap() []error { return []error{e.err, e.cause} }
