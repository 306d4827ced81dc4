package resilience

import (
	"errors"
	"strconv"
	"time"
)

// ErrOpen is what every [*OpenError] is by errors.Is.
var ErrOpen = errors.New("circuit breaker is open")

// OpenError says that a [Breaker] refused a call. It is [ErrOpen] by errors.Is.
//
// A breaker makes one OpenError each time it changes state, and returns the same one for every call that it refuses until
// the next change: a refusal does not allocate.
type OpenError struct {
	Name  string       // of the breaker
	State BreakerState // StateOpen; StateHalfOpen where other probes are under way; StateIsolated

	until time.Time // end of the break; zero where there is none to wait for
}

// RetryAfter returns how long it is from now until the breaker lets a probe through: 0 when that time has come, and where
// no time is known, which is so while probes are under way and in isolation.
func (e *OpenError) RetryAfter() time.Duration {
	if e.until.IsZero() {
		return 0
	}
	return max(0, time.Until(e.until))
}

// Error names the breaker and its state, and how long a break still lasts.
func (e *OpenError) Error() string {
	text := "circuit breaker"
	if e.Name != "" {
		text += " " + strconv.Quote(e.Name)
	}
	switch d := e.RetryAfter(); {
	case e.State == StateHalfOpen:
		return text + " is half-open: probes are under way"
	case d > 0:
		return text + " is " + e.State.String() + " for another " + d.String()
	}
	return text + " is " + e.State.String()
}

// Is reports whether target is [ErrOpen].
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// Retryable is false: whoever is told to go away should not come back at once.
func (e *OpenError) Retryable() bool { return false }

// RetryDelay returns RetryAfter, and whether a time is known.
func (e *OpenError) RetryDelay() (time.Duration, bool) { return e.RetryAfter(), !e.until.IsZero() }

func (e *OpenError) refusal() bool { return true }
