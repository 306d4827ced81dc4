package chaosserver

import (
	"context"
	"sync"
	"time"

	"brownout/scenarios"
)

// gates are the gates of a run, by the answers that have them. They may be shared by goroutines.
type gates struct {
	mu  sync.Mutex // guards all
	all map[*scenarios.Answer]*gate
}

// of returns the gate of an answer.
func (g *gates) of(a *scenarios.Answer) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = make(map[*scenarios.Answer]*gate)
	}
	if g.all[a] == nil {
		g.all[a] = &gate{hold: a.Hold, opened: make(chan struct{})}
	}
	return g.all[a]
}

// gate holds attempts back; see [scenarios.Hold].
type gate struct {
	hold   *scenarios.Hold
	opened chan struct{} // closed when it opens

	mu      sync.Mutex // guards what follows
	waiting int
	until   time.Time // when it opens at the latest; zero before the first came
	open    bool
}

// wait waits until the gate opens, and returns nil; or the context's error, should that end first.
func (g *gate) wait(ctx context.Context) error {
	left, wait := g.enter(time.Now())
	if !wait {
		return nil
	}
	latest := time.NewTimer(left)
	defer latest.Stop()
	select {
	case <-g.opened:
		return nil
	case <-latest.C:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.unlock()
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting--
		return ctx.Err()
	}
}

// enter counts one more attempt, and returns for how long it waits at most; false where the gate is open.
func (g *gate) enter(now time.Time) (time.Duration, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return 0, false
	}
	if g.until.IsZero() {
		limit := g.hold.AtMost
		if g.hold.For > 0 {
			limit = g.hold.For
		}
		g.until = now.Add(limit)
	}
	g.waiting++
	if g.hold.Attempts > 0 && g.waiting >= g.hold.Attempts {
		g.unlock()
		return 0, false
	}
	return g.until.Sub(now), true
}

// unlock requires mu.
func (g *gate) unlock() {
	if !g.open {
		g.open = true
		close(g.opened)
	}
}
