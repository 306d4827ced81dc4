package resilience

import (
	"context"
	"errors"
	"time"
)

// Defaults of [RetrySettings].
const (
	DefaultMaxAttempts    = 3                // SRE book, ch. 21; AWS SDKs' standard mode
	DefaultMaxPushback    = 60 * time.Second // Anthropic's SDKs; OpenAI's allow 120 s
	DefaultPushbackJitter = 0.1
	DefaultThrottleBase   = time.Second // AWS SDKs' retry behaviour of 2026: 50 ms for transient errors, 1 s for throttling
)

// ErrResult is the error of an attempt whose result RetryResult wants repeated.
var ErrResult = errors.New("result not accepted")

// RetrySettings describe a [Retry]. The zero value makes 3 attempts with full jitter under 50 ms, then 100 ms; under 1 s,
// then 2 s where the server throttles.
type RetrySettings struct {
	Name        string // in errors and events; may be empty
	MaxAttempts int    // with the first, 1 or more; 0 = [DefaultMaxAttempts]

	// MaxElapsed bounds when the last attempt may begin, counted from the first; 0 = no bound. It does not end an attempt
	// that is under way: put a [Timeout] around the Retry for that.
	MaxElapsed time.Duration

	// AttemptTimeout ends each attempt's context after this time; 0 = no bound. The attempt then failed with a
	// [*TimeoutError], and is retried. It costs a timer and a context for every attempt.
	AttemptTimeout time.Duration

	// MinAttempt is how long an attempt is known to need at least; 0 = unknown. No retry begins with less than that left
	// before the context's deadline, nor ever at or after it.
	MinAttempt time.Duration

	Backoff         Backoff // nil = the zero [BackoffSettings]
	ThrottleBackoff Backoff // where the server refused for load; nil = Backoff if that is set, else the zero BackoffSettings with a Base of [DefaultThrottleBase]

	// MaxPushback is the longest delay asked by the server that is waited for; 0 = [DefaultMaxPushback]. Beyond it the
	// Retry gives up at once and tells the delay.
	MaxPushback time.Duration

	// PushbackJitter adds up to this share of it to a delay asked by the server, so that clients told the same do not come
	// back together, 0 to 1; 0 = [DefaultPushbackJitter]. Negative adds nothing.
	PushbackJitter float64

	// RetryIf says whether an error is worth another attempt; nil = [Retryable]. It is not asked when the context ended.
	RetryIf func(error) bool

	// RetryResult says whether the result beside a nil error is worth another attempt; nil = never. The attempt then failed
	// with [ErrResult], and the last result is returned beside the [*RetryError]. See [ResultIf].
	RetryResult func(Result) bool

	// Budget is shared by the calls of one client to one destination and bounds their retries together; nil = unbounded.
	Budget *Budget

	Observer Observer // nil = none
	Seed     uint64   // of the jitter; 0 = taken from the system
}

// Retryable is the default of [RetrySettings.RetryIf]: what an error says of itself (see [RetryableError]), and otherwise
// true unless it is [context.Canceled], which means that somebody wants the work to end.
func Retryable(err error) bool {
	h := hintsOf(err)
	return h.worthRetrying()
}

// Retry repeats an operation that failed. It may be used by several goroutines at once; one Retry per destination is usual,
// as its [Budget] belongs to one destination.
//
// After an attempt failed it gives up, in this order of reasons, if the context ended; the error is not retryable; no
// attempt is left; the server asked not to be called, or to wait longer than MaxPushback; the next attempt would begin
// later than MaxElapsed or, with MinAttempt, than the context's deadline; the budget is empty. Otherwise it waits the longer
// of the backoff and what the server asked, and tries again. Cancellation ends the wait at once. A wait of zero takes no timer.
//
// A call that succeeds at the first attempt returns without reading the clock. An error that is not retryable is returned
// as it is when the first attempt brought it; all else is a [*RetryError].
type Retry struct {
	name           string
	maxAttempts    int
	maxElapsed     time.Duration
	attemptTimeout time.Duration
	minAttempt     time.Duration
	backoff        Backoff
	throttled      Backoff
	maxPushback    time.Duration
	jitter         float64
	retryIf        func(error) bool // nil = Retryable
	retryResult    func(Result) bool
	budget         *Budget
	observer       Observer
	plain          bool // neither maxElapsed nor attemptTimeout: the first attempt needs no clock
	chance         chance
}

var _ ResultPolicy = (*Retry)(nil)

// NewRetry returns a Retry. The error is a [*SettingError].
func NewRetry(s RetrySettings) (*Retry, error) {
	switch {
	case s.MaxAttempts < 0:
		return nil, &SettingError{"RetrySettings.MaxAttempts", s.MaxAttempts, "0 (the default), or 1 or more"}
	case s.MaxElapsed < 0:
		return nil, &SettingError{"RetrySettings.MaxElapsed", s.MaxElapsed, "0 (no bound) or more"}
	case s.AttemptTimeout < 0:
		return nil, &SettingError{"RetrySettings.AttemptTimeout", s.AttemptTimeout, "0 (no bound) or more"}
	case s.MinAttempt < 0:
		return nil, &SettingError{"RetrySettings.MinAttempt", s.MinAttempt, "0 (unknown) or more"}
	case s.MaxPushback < 0:
		return nil, &SettingError{"RetrySettings.MaxPushback", s.MaxPushback, "0 (the default) or more"}
	case !(s.PushbackJitter <= 1):
		return nil, &SettingError{"RetrySettings.PushbackJitter", s.PushbackJitter, "0 (the default) to 1, or negative for none"}
	}
	r := &Retry{
		name:           s.Name,
		maxAttempts:    orDefault(s.MaxAttempts, DefaultMaxAttempts),
		maxElapsed:     s.MaxElapsed,
		attemptTimeout: s.AttemptTimeout,
		minAttempt:     s.MinAttempt,
		backoff:        s.Backoff,
		throttled:      s.ThrottleBackoff,
		maxPushback:    orDefault(s.MaxPushback, DefaultMaxPushback),
		jitter:         max(0, orDefault(s.PushbackJitter, DefaultPushbackJitter)),
		retryIf:        s.RetryIf,
		retryResult:    s.RetryResult,
		budget:         s.Budget,
		observer:       s.Observer,
		plain:          s.MaxElapsed == 0 && s.AttemptTimeout == 0,
	}
	if r.throttled == nil {
		r.throttled = r.backoff
	}
	if r.backoff == nil {
		r.backoff = newExponential(BackoffSettings{})
	}
	if r.throttled == nil {
		r.throttled = newExponential(BackoffSettings{Base: DefaultThrottleBase})
	}
	r.chance.seed(s.Seed)
	return r, nil
}

// MaxAttempts returns how many attempts a call may make, with the first.
func (r *Retry) MaxAttempts() int { return r.maxAttempts }

// Draw returns the next number of the jitter's generator, uniform in [0, 1), for waits that belong to the same call.
func (r *Retry) Draw() float64 { return r.chance.float64() }

// Run calls next until it succeeds, or returns why there was no further attempt: see [Retry].
func (r *Retry) Run(ctx context.Context, next func(context.Context) error) error {
	if !r.plain || ctx.Err() != nil {
		return r.loop(ctx, next, nil, nil)
	}
	err := next(ctx)
	if err != nil {
		return r.loop(ctx, next, nil, err)
	}
	if r.budget != nil {
		r.budget.Succeeded()
	}
	return nil
}

// RunResult is Run for a function whose result RetryResult may look at.
func (r *Retry) RunResult(ctx context.Context, next func(context.Context) error, result Result) error {
	if r.retryResult == nil {
		return r.Run(ctx, next)
	}
	return r.loop(ctx, next, result, nil)
}

// loop makes the attempts; first is the error of one already made.
func (r *Retry) loop(ctx context.Context, next func(context.Context) error, result Result, first error) error {
	var a Attempts
	a.start(r, "", r.budget)
	if first != nil {
		a.attempts = 1
	}
	for {
		err := first
		if first = nil; err == nil {
			if err := a.Begin(ctx); err != nil {
				return err
			}
			if err = r.attempt(ctx, next); err == nil && r.retryResult != nil && result != nil && r.retryResult(result) {
				err = ErrResult
			}
		}
		if err == nil {
			a.Succeeded(ctx)
			return nil
		}
		delay, stop := a.Failed(ctx, r.Classify(err))
		if stop != nil {
			return stop
		}
		if err := a.Wait(ctx, delay); err != nil {
			return err
		}
	}
}

// attempt runs next once, within the timeout of an attempt.
func (r *Retry) attempt(ctx context.Context, next func(context.Context) error) error {
	if r.attemptTimeout == 0 {
		return next(ctx)
	}
	return runTimeout(ctx, r.attemptTimeout, r.name, r.observer, next)
}

// Classify reads what an error says of itself, and asks RetryIf, for [Attempts.Failed]. A refusal by another policy and a
// cancellation are neutral.
func (r *Retry) Classify(err error) Failure {
	f := Failure{Err: err}
	if err == ErrResult {
		return f
	}
	h := hintsOf(err)
	f.Neutral = h.refused || h.canceled
	if r.retryIf != nil && !r.retryIf(err) || r.retryIf == nil && !h.worthRetrying() {
		f.Stop = ReasonPermanent
		return f
	}
	f.Pushback, f.Pushed, f.Throttled = h.delay, h.pushed, h.throttled
	return f
}
