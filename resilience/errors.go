package resilience

import (
	"fmt"
	"time"
)

// Errors may tell a [Retry] what they know, by methods of theirs or of an error they wrap; of several, the outermost
// counts, as with [errors.As]. All policies of this package do so for the
// errors they return.
type (
	// RetryableError is an error that knows whether repeating the operation may help. An open breaker or a full bulkhead
	// says no: whoever is told to go away should not come back at once.
	RetryableError interface {
		error
		// Retryable reports whether repeating the operation may help.
		Retryable() bool
	}

	// DelayedError is an error that knows when to come back: a server's pushback. The delay is a lower bound for the next
	// attempt and counts from now; ok is false where there is none. A negative delay means: do not retry (gRPC A6).
	DelayedError interface {
		error
		// RetryDelay returns how long to wait at least, if that is known.
		RetryDelay() (delay time.Duration, ok bool)
	}

	// ThrottledError is an error that knows whether the server refused for load, as 429 does, so that the longer backoff
	// and the cheaper price in the budget apply.
	ThrottledError interface {
		error
		// Throttled reports whether the server refused for load.
		Throttled() bool
	}
)

// Permanent wraps err so that no [Retry] repeats what failed with it. errors.Is and errors.As see through it. Of nil it is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &hintedError{err: err, permanent: true}
}

// RetryAfter wraps err so that a [Retry] waits at least delay before the next attempt; negative forbids one.
// errors.Is and errors.As see through it. Of nil it is nil.
func RetryAfter(err error, delay time.Duration) error {
	if err == nil {
		return nil
	}
	return &hintedError{err: err, delay: delay, delayed: true}
}

// Throttle wraps err so that a [Retry] takes it for a refusal for load. errors.Is and errors.As see through it. Of nil it is nil.
func Throttle(err error) error {
	if err == nil {
		return nil
	}
	return &hintedError{err: err, throttled: true}
}

// hintedError is an error with what Permanent, RetryAfter or Throttle added to it. Each answers for itself and asks the
// error inside for the rest, so that they may be combined in any order.
type hintedError struct {
	err       error
	delay     time.Duration
	permanent bool
	delayed   bool
	throttled bool
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

func (e *hintedError) Retryable() bool {
	if e.permanent {
		return false
	}
	h := hintsOf(e.err)
	return h.worthRetrying()
}

func (e *hintedError) RetryDelay() (time.Duration, bool) {
	if e.delayed {
		return e.delay, true
	}
	h := hintsOf(e.err)
	return h.delay, h.pushed
}

func (e *hintedError) Throttled() bool {
	if e.throttled {
		return true
	}
	h := hintsOf(e.err)
	return h.throttled
}

// SettingError is what every New of this package returns for a setting it cannot accept.
type SettingError struct {
	Field string // such as "RetrySettings.MaxAttempts"
	Value any    // what was given
	Want  string // what is allowed, such as "0 (the default) to 1000"
}

// Error names field, value and range.
func (e *SettingError) Error() string {
	return fmt.Sprintf("%s: got %v, want %s", e.Field, e.Value, e.Want)
}
