package trial

import (
	"context"
	"errors"
	"time"

	"brownout/chaosserver/journal"
)

// watch follows the journal until it is shut: it tells Live of each attempt, and calls end once nothing came for as long
// as Quiet says.
func (c *Config) watch(j *journal.Journal, end context.CancelCauseFunc) {
	if c.Live == nil && c.Quiet <= 0 {
		return
	}
	events := j.Follow(0)
	busy := time.Duration(-1) // until when the client was at work, or had to wait; below 0 before its first attempt
	for {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if c.Quiet > 0 && busy >= 0 {
			ctx, cancel = context.WithTimeout(ctx, busy+c.Quiet-j.Now())
		}
		e, err := events.Next(ctx)
		cancel()
		switch {
		case err == nil:
			busy = max(busy, c.event(j, e.Record))
		case errors.Is(err, context.DeadlineExceeded):
			end(errQuiet)
			c.Quiet = 0 // once is enough
		default:
			return
		}
	}
}

// event takes an event, and returns until when the client is at work by it, or has to wait; below 0 where it says nothing
// of that.
func (c *Config) event(j *journal.Journal, record any) time.Duration {
	if c.Live != nil {
		switch record.(type) {
		case *journal.Attempt, *journal.DeliveryRecord, *journal.DeliveryEnd:
			c.Live(j.Header(), record)
		}
	}
	switch r := record.(type) {
	case *journal.Attempt:
		return max(r.Sent, r.Due)
	case *journal.EndRecord:
		return r.Done
	}
	return -1
}
