package resilience

import (
	"context"
	"time"
)

// hints are what an error says of itself, or an error inside of it: the outermost that knows counts, as with errors.As.
// All are read in one pass, for every failed attempt is classified.
type hints struct {
	knows     bool // an error knows whether it is retryable
	retryable bool
	delayed   bool // an error knows whether there is a delay
	pushed    bool // and there is one
	delay     time.Duration
	loaded    bool // an error knows whether it is a refusal for load
	throttled bool
	canceled  bool // it is [context.Canceled] by errors.Is
	refused   bool // a policy refused to make the attempt
}

func hintsOf(err error) (h hints) {
	h.read(err)
	return h
}

func (h *hints) read(err error) {
	for err != nil {
		if x, ok := err.(RetryableError); ok && !h.knows {
			h.knows, h.retryable = true, x.Retryable()
		}
		if x, ok := err.(DelayedError); ok && !h.delayed {
			h.delayed = true
			h.delay, h.pushed = x.RetryDelay()
		}
		if x, ok := err.(ThrottledError); ok && !h.loaded {
			h.loaded, h.throttled = true, x.Throttled()
		}
		if x, ok := err.(refusal); ok && x.refusal() {
			h.refused = true
		}
		if err == context.Canceled {
			h.canceled = true
		} else if x, ok := err.(interface{ Is(error) bool }); ok && x.Is(context.Canceled) {
			h.canceled = true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range x.Unwrap() {
				h.read(inner)
			}
			return
		default:
			return
		}
	}
}

// worthRetrying is the default of [RetrySettings.RetryIf].
func (h *hints) worthRetrying() bool {
	if h.knows {
		return h.retryable
	}
	return !h.canceled
}
