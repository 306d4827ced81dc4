package fault

import (
	"context"
	"time"
)

// Wait waits until d after since, and returns nil; or the context's error, should that end first. It is never early.
func Wait(ctx context.Context, since time.Time, d time.Duration) error {
	left := d - time.Since(since)
	if left <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
