package fault

import (
	"context"
	"time"
)

// Volley lets the copies of a request go: all at one instant, or one after another. It may be shared by goroutines.
type Volley struct {
	after time.Duration
	fired chan struct{}
	at    time.Time // written before fired is closed
}

// NewVolley is a volley whose copies are so far apart; 0: they go at one instant.
func NewVolley(after time.Duration) *Volley {
	return &Volley{after: after, fired: make(chan struct{})}
}

// Fire lets the first copy go, and the others in their turn. It is called once, when everything that takes time is done.
func (v *Volley) Fire() {
	v.at = time.Now()
	close(v.fired)
}

// Wait waits until the n-th copy may go, 1-based, and returns nil; or the context's error, should that end first.
func (v *Volley) Wait(ctx context.Context, n int) error {
	select {
	case <-v.fired:
		return Wait(ctx, v.at, time.Duration(n-1)*v.after)
	case <-ctx.Done():
		return ctx.Err()
	}
}
