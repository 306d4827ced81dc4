package resilience

import (
	"context"
	"time"
)

// KeyedDedupe is a [Dedupe] for one key, as a policy. It is made by [Dedupe.Key].
type KeyedDedupe struct {
	d *Dedupe
	f fingerprint
}

var _ ResultPolicy = KeyedDedupe{}

// Key returns a policy that does the work of key once.
func (d *Dedupe) Key(key string) KeyedDedupe { return KeyedDedupe{d, d.fingerprint(key)} }

// Run claims the key and calls next, whose context ends shortly before the lease does, at 99 hundredths of it; it commits when
// next succeeds, and releases when it fails, panics or ends the goroutine. The error is [ErrDuplicate] when the work is done
// already.
//
// While somebody else is at work, Run waits: if that succeeds Run returns nil, and if it fails, or its lease ends, Run takes
// over. With NoWait it returns an [*InFlightError] at once. It returns [ErrClaimLost] when next succeeded, but so late that
// somebody else has the claim.
func (k KeyedDedupe) Run(ctx context.Context, next func(context.Context) error) error {
	return k.RunResult(ctx, next, nil)
}

// RunResult is Run with the result of the operation at hand: those who wait get the result of the one who worked.
func (k KeyedDedupe) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	for {
		if ctx.Err() != nil {
			return contextError(ctx)
		}
		c, err := k.d.claim(ctx, k.f)
		if err == nil {
			return k.work(ctx, c, next, result)
		}
		if c.d == nil || k.d.s.NoWait {
			return err
		}
		w := k.d.shard(k.f).join(&c)
		if w == nil {
			continue // it has ended meanwhile
		}
		ended, err := k.await(ctx, w, c.r)
		if err != nil {
			return err
		}
		if ended && w.done {
			if result != nil && w.result != nil {
				result.Adopt(w.result)
			}
			return nil
		}
	}
}

// work does the work under a claim.
func (k KeyedDedupe) work(ctx context.Context, c Claim, next func(context.Context) error, result Result) error {
	inner, cancel := context.WithTimeoutCause(ctx, k.d.s.Lease-k.d.s.Lease/100, ErrClaimLost)
	defer cancel()
	done := false
	defer func() {
		if !done {
			c.Release()
		}
	}()
	if err := next(inner); err != nil {
		return err
	}
	done = true
	return c.commit(result)
}

// join returns the flight of a claim, or nil if that has ended.
func (s *dedupeShard) join(c *Claim) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table.Load()
	if at, ok := t.find(c.f, 0); !ok || t.record(at) != c.r {
		return nil
	}
	w := s.flights[c.f]
	if w == nil {
		if s.flights == nil {
			s.flights = map[fingerprint]*flight{}
		}
		w = &flight{ended: make(chan struct{})}
		s.flights[c.f] = w
	}
	return w
}

// await waits until a flight has ended, or the lease of its claim is over and somebody must look again.
func (k KeyedDedupe) await(ctx context.Context, w *flight, claim record) (ended bool, err error) {
	timer := time.NewTimer(claim.end() - k.d.now())
	defer timer.Stop()
	select {
	case <-w.ended:
		return true, nil
	case <-ctx.Done():
		return false, contextError(ctx)
	case <-timer.C:
	}
	s := k.d.shard(k.f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[k.f] == w {
		s.settle(k.f, false, nil)
	}
	return false, nil
}

// keep returns a copy of a result that outlives the call of Do it belongs to.
func keep(r Result) Result {
	_, fork := r.Fork(context.Background())
	fork.Adopt(r)
	return fork
}
