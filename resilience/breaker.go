package resilience

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Breaker is a circuit breaker: it stops calls to a service that fails, so that neither side waits for what will not
// come, and lets a few through after a while to see whether the service works again. It may be shared by goroutines.
//
//   - Closed: calls go through, and their outcomes are counted. Any of the thresholds of [BreakerSettings] opens it.
//   - Open: calls are refused with an [*OpenError] until the break is over; a timer then makes the breaker half-open.
//   - Half-open: as many calls as there are probes go through at once. Enough successes close the breaker; one failure opens
//     it for a whole break again.
//
// Every stay in a state is a generation, and every call belongs to the one in which it began: what it reports when that
// generation is over counts nowhere. So calls that began before a trip cannot close the breaker when they end at last.
//
// A success never opens a breaker, but for the one that completes the minimum of calls in a window of failures. A panic or a
// [runtime.Goexit] inside Run is a failure and passes through unchanged.
//
// The pattern is from Nygard, "Release It!", 2007; permits with a generation are gobreaker's; leases for probes answer
// resilience4j's maxWaitDurationInHalfOpenState.
type Breaker struct {
	s     BreakerSettings
	rates rates
	timed bool      // calls are measured, for SlowRate
	base  time.Time // when the breaker was made: times below are since then

	_   cacheLine
	cur atomic.Pointer[generation]
	_   cacheLine

	mu      sync.Mutex // guards what follows, and every change of cur
	breaks  int        // breaks since the breaker was closed last
	lastSeq uint64     // of the probe admitted last
	events  eventQueue // has its own lock
	chance  chance
}

var _ ResultPolicy = (*Breaker)(nil)

// generation is one stay of a breaker in one state. A change of state makes a new one, so a permit that points to its own
// needs no number to compare.
type generation struct {
	b      *Breaker
	state  BreakerState
	refuse *OpenError // of states that refuse calls

	// Closed.
	inRow     atomic.Int64 // failures without a success between them
	sliding   *timeWindow  // nil unless rates look at time
	lastCalls *countWindow // nil unless rates look at a number of calls

	// Open.
	until  time.Duration // end of the break
	ending atomic.Bool   // the end is so near that callers look at the clock
	timer  *time.Timer

	// Half-open; guarded by b.mu.
	probes    []probe
	successes int
}

// probe is a place for a call while the breaker is half-open; seq 0 is a free one.
type probe struct {
	seq   uint64
	lease time.Duration // when the place may be given away
}

// NewBreaker returns a closed Breaker. The error is a [*SettingError].
func NewBreaker(s BreakerSettings) (*Breaker, error) {
	given := s
	s = s.withDefaults()
	if err := s.check(given); err != nil {
		return nil, err
	}
	b := &Breaker{
		s:     s,
		rates: rates{failure: s.FailureRate, slow: s.SlowRate, minCalls: uint64(s.MinCalls)},
		timed: s.SlowRate > 0,
		base:  time.Now(),
	}
	b.chance.seed(s.Seed)
	b.cur.Store(b.closed())
	return b, nil
}

// Permit lets one call through a [Breaker]. Its Done must be called once, when the call has ended. It is a value, and cheap.
type Permit struct {
	g     *generation
	seq   uint64        // of a probe
	start time.Duration // where calls are measured, and of probes
}

// Acquire returns a permit for one call. The error is an [*OpenError], or the context's where the breaker is not open and ctx
// is done.
// It neither waits nor allocates.
func (b *Breaker) Acquire(ctx context.Context) (Permit, error) {
	g := b.cur.Load()
	if g.state != StateClosed || b.timed {
		return b.acquire(ctx, g)
	}
	if ctx.Err() != nil {
		return Permit{}, contextError(ctx)
	}
	return Permit{g: g}, nil
}

// Done reports how the call ended.
func (p Permit) Done(o Outcome) {
	if p.g != nil {
		p.report(context.Background(), o)
	}
}

// Run calls next if the breaker lets it, and takes next's error, as [BreakerSettings.Classify] reads it, for the outcome.
// When ctx was cancelled the outcome is neutral, whatever the error. The error of a refusal is an [*OpenError].
func (b *Breaker) Run(ctx context.Context, next func(context.Context) error) error {
	return b.RunResult(ctx, next, nil)
}

// RunResult is Run with the result of the operation at hand, for [BreakerSettings.FailedResult].
func (b *Breaker) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	g := b.cur.Load()
	if g.state != StateClosed || b.timed {
		if g.state == StateOpen && b.s.Observer == nil && !g.ending.Load() {
			return g.refuse
		}
		return b.runPermitted(ctx, g, next, result)
	}
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	outcome := OutcomeFailure // of a panic, too
	defer func() { g.count(ctx, outcome, false) }()
	err := next(ctx)
	outcome = b.outcome(ctx, err, result)
	return err
}

// runPermitted is RunResult where it takes a permit that knows more than its generation.
func (b *Breaker) runPermitted(ctx context.Context, g *generation, next func(context.Context) error, result Result) error {
	p, err := b.acquire(ctx, g)
	if err != nil {
		return err
	}
	outcome := OutcomeFailure
	defer func() { p.report(ctx, outcome) }()
	err = next(ctx)
	outcome = b.outcome(ctx, err, result)
	return err
}

// outcome reads what a call returned.
func (b *Breaker) outcome(ctx context.Context, err error, result Result) Outcome {
	switch {
	case err == nil && (result == nil || b.s.FailedResult == nil || !b.s.FailedResult(result)):
		return OutcomeSuccess
	case ctx.Err() == context.Canceled:
		return OutcomeNeutral
	case err == nil:
		return OutcomeFailure
	}
	return b.s.Classify(err)
}

// acquire is Acquire where it takes more than one load. A break is refused even where ctx is done: that is the cheaper look.
func (b *Breaker) acquire(ctx context.Context, g *generation) (Permit, error) {
	for {
		if g.state != StateOpen && ctx.Err() != nil {
			return Permit{}, contextError(ctx)
		}
		switch g.state {
		case StateClosed:
			return Permit{g: g, start: time.Since(b.base)}, nil
		case StateDisabled:
			return Permit{g: g}, nil
		case StateHalfOpen:
			if p, ok := b.probe(g); ok {
				return p, nil
			}
		case StateOpen:
			if g.ending.Load() && b.endBreak(g) {
				g = b.cur.Load()
				continue
			}
		}
		if now := b.cur.Load(); now != g && g.state == StateHalfOpen {
			g = now // it changed while this call asked for a probe
			continue
		}
		if b.s.Observer != nil {
			b.s.Observer.Observe(ctx, Event{Kind: EventRejected, Policy: b.s.Name, Delay: g.refuse.RetryAfter(),
				Err: g.refuse, Reason: g.state.String()})
		}
		return Permit{}, g.refuse
	}
}

// probe takes a place for a probe in g, and reports whether there was one.
func (b *Breaker) probe(g *generation) (Permit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur.Load() != g {
		return Permit{}, false
	}
	now := time.Since(b.base)
	for i := range g.probes {
		if p := &g.probes[i]; p.seq == 0 || now >= p.lease {
			b.lastSeq++
			*p = probe{seq: b.lastSeq, lease: now + b.s.ProbeLease}
			return Permit{g: g, seq: p.seq, start: now}, true
		}
	}
	return Permit{}, false
}

// report takes the outcome of the call.
func (p Permit) report(ctx context.Context, o Outcome) {
	switch g := p.g; g.state {
	case StateClosed:
		g.count(ctx, o, g.b.timed && time.Since(g.b.base)-p.start >= g.b.s.SlowCall)
	case StateHalfOpen:
		g.b.probed(ctx, p, o)
	}
}

// count counts the outcome of a call that began while the breaker was closed.
func (g *generation) count(ctx context.Context, o Outcome, slow bool) {
	w := g.sliding
	if o == OutcomeNeutral || o == OutcomeSuccess && w == nil && g.lastCalls == nil && g.inRow.Load() == 0 {
		return
	}
	if w != nil && o == OutcomeSuccess && !slow && g.inRow.Load() == 0 && w.mode.Load() == windowFull {
		w.ok.inc() // the way of most calls
		return
	}
	if reason := g.add(result{failed: o != OutcomeSuccess, slow: slow}); reason != "" {
		g.b.trip(ctx, g, reason)
	}
}

// add adds the result of a call to the counts, and returns why the breaker shall open, or "".
func (g *generation) add(r result) (reason string) {
	if r.failed {
		if n := g.inRow.Add(1); g.b.s.ConsecutiveFailures > 0 && n >= int64(g.b.s.ConsecutiveFailures) {
			reason = reasonInRow
		}
	} else if g.inRow.Load() != 0 {
		g.inRow.Store(0)
	}
	over := ""
	switch {
	case g.sliding != nil && r == result{}:
		over = g.sliding.success()
	case g.sliding != nil:
		over = g.sliding.record(r)
	case g.lastCalls != nil:
		over = g.lastCalls.record(r)
	}
	if reason == "" {
		reason = over
	}
	return reason
}

// probed takes the outcome of a probe. One whose place was given away, or could have been, says nothing.
func (b *Breaker) probed(ctx context.Context, p Permit, o Outcome) {
	b.mu.Lock()
	now := time.Since(b.base)
	if g := p.g; b.cur.Load() == g && g.release(p.seq, now) {
		slow := b.timed && now-p.start >= b.s.SlowCall
		switch {
		case o == OutcomeNeutral:
		case o == OutcomeSuccess && !slow:
			if g.successes++; g.successes >= b.s.ProbeSuccesses {
				b.change(ctx, b.closed(), reasonProbes)
			}
		default:
			b.change(ctx, b.opened(), reasonProbeFailed)
		}
	}
	b.mu.Unlock()
	b.tell()
}

// release frees the place of the probe with the number seq, and reports whether its lease was still good. It requires b.mu.
func (g *generation) release(seq uint64, now time.Duration) bool {
	for i := range g.probes {
		if p := &g.probes[i]; p.seq == seq {
			p.seq = 0
			return now < p.lease
		}
	}
	return false
}
