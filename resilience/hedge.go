package resilience

import (
	"context"
	"sync"
	"time"
)

// HedgeSettings describe a [Hedge].
type HedgeSettings struct {
	Name string // in errors and events; may be empty

	// Delay is how long the operation runs before a copy of it is started, and how long that one runs before the next is.
	// Above 0; required unless DelayFunc is set. A good value is the latency that one in twenty exceeds.
	Delay time.Duration
	// Quantile, if set, makes the delay follow what is observed: it is the time, to an eighth, that this share of the last few
	// thousand first attempts took at most, such as 0.95, from 0.5 up to below 1. Until 128 were seen it is Delay.
	Quantile float64
	// DelayFunc, if set, is asked for the delay of each operation instead. 0 starts a copy at once, and a negative delay none.
	DelayFunc func() time.Duration
	// MaxCopies is how many copies are started at most, besides the first attempt, up to 10. 0 means 1.
	MaxCopies int
	// Budget, if set, must grant each copy as it grants a retry, so that a slow server is not asked twice for everything. A
	// refusal leaves the attempts that are under way as they are. Not to be shared with the [Retry] around the same calls.
	Budget *Budget

	// Discard, if set, is given each result of [Do] that succeeded too late to be used, for what it holds, such as the
	// body of a response, to be closed.
	Discard func(Result)

	Observer Observer // nil = none
}

// Hedge asks again when the first answer is late, and takes the answer that comes first: "The Tail at Scale" (Dean, Barroso,
// 2013). The operation is run several times at once, so it must be idempotent. It may be shared by goroutines.
//
// The first attempt runs on the caller's goroutine, and a copy is started only once the delay has passed. The first success
// wins; the contexts of the others are cancelled, so an operation must look at its context, the first attempt most of all,
// for Run returns only after it has. A copy that has lost may still be running when Run returns, on its way to its end.
// When the first attempt fails before a copy was started, that is the end; later its failure is returned once no copy has
// succeeded.
//
// The context of the attempt whose result is returned ends when Run returns, unless the attempt asked to [Hold] it.
type Hedge struct {
	s    HedgeSettings
	seen *quantile // nil without Quantile
	base time.Time // when the hedge was made
	idle sync.Pool // of *hedgeRun whose timer is stopped
}

var _ Concurrent = (*Hedge)(nil)

// NewHedge returns a Hedge. The error is a [*SettingError].
func NewHedge(s HedgeSettings) (*Hedge, error) {
	s.MaxCopies = orDefault(s.MaxCopies, 1)
	switch {
	case s.Delay < 0 || s.Delay == 0 && s.DelayFunc == nil:
		return nil, &SettingError{"HedgeSettings.Delay", s.Delay, "above 0, or a DelayFunc"}
	case s.MaxCopies < 0 || s.MaxCopies > 10:
		return nil, &SettingError{"HedgeSettings.MaxCopies", s.MaxCopies, "0 (which is 1) to 10"}
	case s.Quantile != 0 && !(s.Quantile >= 0.5 && s.Quantile < 1):
		return nil, &SettingError{"HedgeSettings.Quantile", s.Quantile, "0 (Delay is the delay), or 0.5 to below 1"}
	}
	h := &Hedge{s: s, base: time.Now()}
	if s.Quantile > 0 {
		h.seen = &quantile{q: s.Quantile}
	}
	return h, nil
}

// delay returns how long the next operation runs before a copy of it is started.
func (h *Hedge) delay() time.Duration {
	switch {
	case h.s.DelayFunc != nil:
		return h.s.DelayFunc()
	case h.seen == nil:
		return h.s.Delay
	}
	return orDefault(h.seen.get(), h.s.Delay)
}

// first runs the first attempt, and notes how long it took. One that was cancelled for a copy took longer than the delay, and
// so longer than the quantile; by how much makes no difference.
func (h *Hedge) first(a *hedgeAttempt, next func(context.Context) error) error {
	if h.seen == nil {
		return next(a)
	}
	start := time.Since(h.base)
	err := next(a)
	h.seen.add(time.Since(h.base) - start)
	return err
}

// Concurrent marks that runs may overlap.
func (h *Hedge) Concurrent() {}

// Run is [Hedge.RunResult] for an operation whose effect is its error alone.
func (h *Hedge) Run(ctx context.Context, next func(context.Context) error) error {
	return h.RunResult(ctx, next, nil)
}

// RunResult runs next, and copies of it while its answer is late. The error is the first attempt's when all have failed, and
// the context's when it ended before.
func (h *Hedge) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	delay := h.delay()
	first := newHedgeAttempt(ctx, 1)
	if delay < 0 {
		return h.alone(first, next)
	}
	r, _ := h.idle.Get().(*hedgeRun)
	if r == nil {
		r = &hedgeRun{h: h}
	}
	r.begin(ctx, next, result, first, delay)
	ended := false
	defer func() {
		if !ended {
			r.abandon()
		}
	}()
	err := h.first(first, next)
	ended = true
	if r.stop() {
		first.end()
		h.settle(err)
		r.recycle()
		return err
	}
	return r.finish(err)
}

// alone runs the first attempt without copies.
func (h *Hedge) alone(first *hedgeAttempt, next func(context.Context) error) error {
	defer first.end()
	err := h.first(first, next)
	h.settle(err)
	return err
}

// settle tells the budget how the operation ended.
func (h *Hedge) settle(err error) {
	switch b := h.s.Budget; {
	case b == nil:
	case err == nil:
		b.Succeeded()
	default:
		b.failed(true)
	}
}

// hedgeAttempt is the context of one attempt.
type hedgeAttempt struct {
	context.Context
	cancel context.CancelFunc
	number int

	mu   sync.Mutex // guards held
	held bool
}

type hedgeKey struct{}

func newHedgeAttempt(ctx context.Context, number int) *hedgeAttempt {
	a := &hedgeAttempt{number: number}
	a.Context, a.cancel = context.WithCancel(ctx)
	return a
}

// Value finds the attempt itself for Hold and HedgeNumber.
func (a *hedgeAttempt) Value(key any) any {
	if key == (hedgeKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// end cancels the context of an attempt that has returned, unless it is held.
func (a *hedgeAttempt) end() {
	a.mu.Lock()
	held := a.held
	a.mu.Unlock()
	if !held {
		a.cancel()
	}
}

// Hold keeps the context of the attempt of a [Hedge] that ctx belongs to alive after the attempt has returned, for a result
// that needs it, such as a response whose body is still to be read. Whoever has the result calls release when done with
// it; further calls do nothing. An attempt whose result is not returned is cancelled all the same. Hold must be called before the attempt
// returns; outside of a Hedge it does nothing.
func Hold(ctx context.Context) (release func()) {
	a, ok := ctx.Value(hedgeKey{}).(*hedgeAttempt)
	if !ok {
		return func() {}
	}
	a.mu.Lock()
	a.held = true
	a.mu.Unlock()
	return a.cancel
}

// HedgeNumber returns which attempt of a [Hedge] ctx belongs to: 1 for the first, 2 for the first copy, and so on; 0 outside of
// a Hedge.
func HedgeNumber(ctx context.Context) int {
	if a, ok := ctx.Value(hedgeKey{}).(*hedgeAttempt); ok {
		return a.number
	}
	return 0
}
