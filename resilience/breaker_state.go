package resilience

import (
	"context"
	"math"
	"time"
)

// The reasons of a change of state, as events have them.
const (
	reasonInRow       = "consecutive failures"
	reasonFailureRate = "failure rate"
	reasonSlowRate    = "slow calls"
	reasonProbeFailed = "probe failed"
	reasonProbes      = "probes succeeded"
	reasonBreakOver   = "break over"
	reasonManual      = "manual"
)

// nearEnd is how long before the end of a break callers begin to look at the clock. Until then a refusal costs no clock, and
// after it the break ends at its very instant, however late the timer is.
const nearEnd = 50 * time.Millisecond

// BreakerCounts is what a [Breaker] knows of the calls of its present generation.
type BreakerCounts struct {
	ConsecutiveFailures int    // while closed: failures since the last success
	Calls               uint64 // in the window; 0 where no rate is watched
	Failures            uint64 // of Calls
	Slow                uint64 // of Calls
	Probes              int    // while half-open: probes under way
	ProbeSuccesses      int    // while half-open: probes that succeeded
}

// State returns the present state. A break that is over ends by this call at the latest.
func (b *Breaker) State() BreakerState {
	g := b.cur.Load()
	if g.state == StateOpen && g.ending.Load() && b.endBreak(g) {
		g = b.cur.Load()
	}
	return g.state
}

// Counts returns the counts of the present generation. It may be called from an [Observer].
func (b *Breaker) Counts() BreakerCounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.cur.Load()
	c := BreakerCounts{ConsecutiveFailures: int(g.inRow.Load()), ProbeSuccesses: g.successes}
	var t tally
	switch {
	case g.sliding != nil:
		t = g.sliding.counts()
	case g.lastCalls != nil:
		t = g.lastCalls.counts()
	}
	c.Calls, c.Failures, c.Slow = t.calls, t.failures, t.slow
	now := time.Since(b.base)
	for _, p := range g.probes {
		if p.seq != 0 && now < p.lease {
			c.Probes++
		}
	}
	return c
}

// Trip opens the breaker as a threshold would, for a whole break from now, whatever its state is.
func (b *Breaker) Trip() { b.set(b.opened) }

// Reset closes the breaker and forgets every count, whatever its state is.
func (b *Breaker) Reset() { b.set(b.closed) }

// Isolate makes the breaker refuse every call until Reset or Trip.
func (b *Breaker) Isolate() {
	b.set(func() *generation {
		return &generation{b: b, state: StateIsolated, refuse: &OpenError{Name: b.s.Name, State: StateIsolated}}
	})
}

// Disable makes the breaker let every call through, and count nothing, until Reset or Trip.
func (b *Breaker) Disable() {
	b.set(func() *generation { return &generation{b: b, state: StateDisabled} })
}

func (b *Breaker) set(next func() *generation) {
	b.mu.Lock()
	b.change(context.Background(), next(), reasonManual)
	b.mu.Unlock()
	b.tell()
}

// trip opens the breaker unless g is over.
func (b *Breaker) trip(ctx context.Context, g *generation, reason string) {
	b.mu.Lock()
	if b.cur.Load() == g {
		b.change(ctx, b.opened(), reason)
	}
	b.mu.Unlock()
	b.tell()
}

// endBreak makes the breaker half-open if the break of g is over, and reports whether g is over.
func (b *Breaker) endBreak(g *generation) bool {
	b.mu.Lock()
	if b.cur.Load() != g {
		b.mu.Unlock()
		return true
	}
	over := time.Since(b.base) >= g.until
	if over {
		b.change(context.Background(), b.halfOpened(), reasonBreakOver)
	}
	b.mu.Unlock()
	b.tell()
	return over
}

func (b *Breaker) closed() *generation {
	b.breaks = 0
	g := &generation{b: b, state: StateClosed}
	switch {
	case b.rates.failure == 0 && b.rates.slow == 0:
	case b.s.WindowCalls > 0:
		g.lastCalls = newCountWindow(b.s.WindowCalls, b.rates)
	default:
		g.sliding = newTimeWindow(b.base, b.s.Window, b.rates)
	}
	return g
}

func (b *Breaker) halfOpened() *generation {
	return &generation{
		b: b, state: StateHalfOpen,
		probes: make([]probe, b.s.Probes),
		refuse: &OpenError{Name: b.s.Name, State: StateHalfOpen},
	}
}

// opened returns a generation whose break begins now. It requires mu.
func (b *Breaker) opened() *generation {
	d := b.breakFor()
	now := time.Now()
	g := &generation{
		b: b, state: StateOpen,
		until:  addDelay(now.Sub(b.base), d),
		refuse: &OpenError{Name: b.s.Name, State: StateOpen, until: now.Add(d)},
	}
	g.timer = time.AfterFunc(d-min(nearEnd, d/4), g.nearEnd)
	return g
}

// breakFor returns how long the next break is: it doubles with each break since the breaker was closed, up to MaxOpenFor;
// jitter comes on top. It requires mu.
func (b *Breaker) breakFor() time.Duration {
	d := float64(b.s.OpenFor) * math.Exp2(float64(min(b.breaks, 63)))
	b.breaks++
	d = min(d, float64(b.s.MaxOpenFor))
	if b.s.OpenJitter > 0 {
		d += d * b.s.OpenJitter * b.chance.float64()
	}
	return time.Duration(min(d, float64(math.MaxInt64/2)))
}

// nearEnd runs twice in a break: shortly before its end, and at it.
func (g *generation) nearEnd() {
	g.b.mu.Lock()
	first := !g.ending.Swap(true)
	if first && g.b.cur.Load() == g {
		g.timer.Reset(max(0, g.until-time.Since(g.b.base)))
	}
	g.b.mu.Unlock()
	if !first {
		g.b.endBreak(g)
	}
}

// change ends the present generation and begins g. It requires mu; the caller calls tell after it has released mu.
func (b *Breaker) change(ctx context.Context, g *generation, reason string) {
	old := b.cur.Load()
	if old.sliding != nil {
		old.sliding.end()
	}
	if old.timer != nil {
		old.timer.Stop()
	}
	b.cur.Store(g)
	if b.s.Observer != nil {
		e := Event{Kind: EventStateChange, Policy: b.s.Name, Reason: reason, From: old.state.String(), To: g.state.String()}
		if g.state == StateOpen {
			e.Delay = g.until - time.Since(b.base)
		}
		b.events.add(ctx, e)
	}
}

// tell hands waiting events to the observer. It must be called without mu.
func (b *Breaker) tell() {
	if b.s.Observer != nil {
		b.events.tell(b.s.Observer)
	}
}
