package resilience

import (
	"context"
	"math"
	"time"
)

// Failure is what one attempt came to, as [Attempts.Failed] is told.
type Failure struct {
	Err       error         // of the attempt
	Stop      Reason        // not zero: do not retry, for this reason, such as [ReasonPermanent]
	Detail    string        // more about Stop; may be empty
	Neutral   bool          // the attempt tells nothing about the server, which was not asked: the budget is left alone
	Throttled bool          // the server refused for load
	Pushed    bool          // the server said when to come back, in Pushback
	Pushback  time.Duration // lower bound of the wait; negative: do not come back
}

// Attempts counts the attempts of one call, for code that cannot be a function given to [Retry.Run], such as an
// [net/http.RoundTripper]. Its use is
//
//	a := retry.Start()
//	for {
//		if err := a.Begin(ctx); err != nil {
//			return err
//		}
//		err := attempt()
//		if err == nil {
//			a.Succeeded(ctx)
//			return nil
//		}
//		delay, stop := a.Failed(ctx, resilience.Failure{Err: err})
//		if stop != nil {
//			return stop
//		}
//		if err := a.Wait(ctx, delay); err != nil {
//			return err
//		}
//	}
//
// It belongs to one goroutine and must not be copied once used.
type Attempts struct {
	retry    *Retry
	budget   *Budget
	key      string // for events
	attempts int
	since    time.Time // of the first attempt; zero unless MaxElapsed asks
	prev     time.Duration
	price    int64 // what the last retry took from the budget
	causes   [3]error
	later    []error // causes beyond the array
}

// Start begins a call. It neither allocates nor reads the clock unless MaxElapsed is set.
func (r *Retry) Start() Attempts {
	return r.StartFor("", r.budget)
}

// StartFor is Start for a client of several destinations: events carry the key, and the budget takes the place of the one
// in the settings; nil = unbounded.
func (r *Retry) StartFor(key string, budget *Budget) Attempts {
	var a Attempts
	a.start(r, key, budget)
	return a
}

// ResumeFor is [Retry.StartFor] for a call whose first attempt was made already, without an Attempts, so that a call whose
// first attempt is good need not have one. Its next step is [Attempts.Failed] or [Attempts.Succeeded]. began is when that
// attempt began; it matters for MaxElapsed alone.
func (r *Retry) ResumeFor(key string, budget *Budget, began time.Time) Attempts {
	return Attempts{retry: r, key: key, budget: budget, since: began, attempts: 1}
}

func (a *Attempts) start(r *Retry, key string, budget *Budget) {
	a.retry, a.key, a.budget = r, key, budget
	if r.maxElapsed > 0 {
		a.since = time.Now()
	}
}

// Number returns how many attempts have begun.
func (a *Attempts) Number() int { return a.attempts }

// Begin counts an attempt. It returns a [*RetryError] when ctx is done, and then no attempt may be made.
func (a *Attempts) Begin(ctx context.Context) error {
	if ctx.Err() != nil {
		return a.canceled(ctx, 0)
	}
	a.attempts++
	return nil
}

// Succeeded ends the call well.
func (a *Attempts) Succeeded(ctx context.Context) {
	r := a.retry
	a.settle(true)
	if a.attempts > 1 && r.observer != nil {
		r.observer.Observe(ctx, Event{Kind: EventRecovered, Policy: r.name, Key: a.key, Attempt: a.attempts})
	}
}

// Failed says what follows a failed attempt: the delay before the next one, for [Attempts.Wait], or the error to return,
// which is a [*RetryError] unless Stop is ReasonPermanent at the first attempt; then it is f.Err itself. A token has been
// taken from the budget when there is to be another attempt.
func (a *Attempts) Failed(ctx context.Context, f Failure) (time.Duration, error) {
	r := a.retry
	a.remember(f.Err)
	if ctx.Err() != nil {
		// The caller went away, which tells nothing about the server: the budget is left alone.
		return 0, a.canceled(ctx, 0)
	}
	if f.Stop == ReasonPermanent { // unless neutral the server is healthy: it answered, and will answer the same again
		if !f.Neutral {
			a.settle(true)
		}
		if a.attempts == 1 {
			a.observeGiveUp(ctx, f.Err, ReasonPermanent, 0)
			return 0, f.Err
		}
		return 0, a.giveUp(ctx, f, ReasonPermanent, 0)
	}
	if !f.Neutral {
		a.settle(false)
	}
	delay, exact := a.delay(f)
	switch {
	case f.Stop != reasonNone:
		return 0, a.giveUp(ctx, f, f.Stop, max(0, f.Pushback))
	case f.Pushed && f.Pushback < 0:
		return 0, a.giveUp(ctx, f, ReasonRefused, 0)
	case a.attempts >= r.maxAttempts:
		return 0, a.giveUp(ctx, f, ReasonAttempts, delay)
	case f.Pushed && f.Pushback > r.maxPushback:
		return 0, a.giveUp(ctx, f, ReasonDelay, f.Pushback)
	}
	delay, reason := a.fit(ctx, delay, exact)
	if reason == reasonNone && !a.pay(f.Throttled) {
		reason = ReasonBudget
	}
	if reason != reasonNone {
		return 0, a.giveUp(ctx, f, reason, delay)
	}
	if r.observer != nil {
		why := "backoff"
		if exact > 0 && exact <= delay {
			why = "pushback"
		}
		r.observer.Observe(ctx, Event{Kind: EventRetry, Policy: r.name, Key: a.key, Attempt: a.attempts, Delay: delay, Err: f.Err, Reason: why})
	}
	return delay, nil
}

// delay returns the wait before the next attempt, and, where it is due to the server, the least it may be.
func (a *Attempts) delay(f Failure) (delay, least time.Duration) {
	r := a.retry
	backoff := r.backoff
	if f.Throttled {
		backoff = r.throttled
	}
	draw := 0.0
	if _, ok := backoff.(constantBackoff); !ok {
		draw = r.chance.float64()
	}
	a.prev = max(0, backoff.Delay(a.attempts, a.prev, draw))
	if !f.Pushed || f.Pushback < a.prev {
		return a.prev, 0
	}
	return addDelay(f.Pushback, scale(f.Pushback, r.jitter*r.chance.float64())), f.Pushback
}

// fit checks the delay against the bounds of time. Jitter added to the server's delay is given up before the attempt is.
func (a *Attempts) fit(ctx context.Context, delay, least time.Duration) (time.Duration, Reason) {
	r := a.retry
	room := time.Duration(math.MaxInt64)
	reason := reasonNone
	if r.maxElapsed > 0 {
		room, reason = r.maxElapsed-time.Since(a.since), ReasonElapsed
	}
	if deadline, ok := ctx.Deadline(); ok {
		// An attempt at the deadline is too late, hence the nanosecond.
		if left := time.Until(deadline) - r.minAttempt - 1; left < room {
			room, reason = left, ReasonDeadline
		}
	}
	if least > 0 && delay > room {
		delay = max(least, min(delay, room))
	}
	if delay > room {
		return delay, reason
	}
	return delay, reasonNone
}

// settle tells the budget how the attempt ended. Retries that failed leave their price behind.
func (a *Attempts) settle(healthy bool) {
	b := a.budget
	switch {
	case b == nil:
	case !healthy:
		b.failed(a.attempts <= 1)
	case a.attempts <= 1:
		b.Succeeded()
	default:
		b.recovered(a.price)
	}
}

// pay takes the price of a retry from the budget.
func (a *Attempts) pay(throttled bool) bool {
	b := a.budget
	if b == nil {
		return true
	}
	price, ok := b.take(throttled)
	a.price = price
	return ok
}

// Wait waits until the next attempt is due. It returns a [*RetryError] as soon as ctx ends. A delay of zero takes no timer.
func (a *Attempts) Wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil // Begin looks at ctx
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return a.canceled(ctx, delay)
	}
}

func (a *Attempts) canceled(ctx context.Context, delay time.Duration) error {
	err := a.newError(Failure{Err: a.last()}, ReasonCanceled, delay)
	err.Context = contextError(ctx)
	a.observeGiveUp(ctx, err.Context, ReasonCanceled, delay)
	return err
}

func (a *Attempts) giveUp(ctx context.Context, f Failure, reason Reason, delay time.Duration) error {
	err := a.newError(f, reason, delay)
	if reason == ReasonDeadline {
		err.Context = context.DeadlineExceeded
	}
	a.observeGiveUp(ctx, f.Err, reason, delay)
	return err
}

func (a *Attempts) newError(f Failure, reason Reason, delay time.Duration) *RetryError {
	return &RetryError{
		Name: a.retry.name, Attempts: a.attempts, Reason: reason, Detail: f.Detail, Delay: delay,
		Err: f.Err, Causes: a.allCauses(),
	}
}

func (a *Attempts) observeGiveUp(ctx context.Context, err error, reason Reason, delay time.Duration) {
	if o := a.retry.observer; o != nil {
		o.Observe(ctx, Event{Kind: EventGiveUp, Policy: a.retry.name, Key: a.key, Attempt: a.attempts, Delay: delay, Err: err, Reason: reason.String()})
	}
}

// remember keeps the error of attempt number a.attempts; the first ones in the array, so that a call that recovers soon
// does not allocate.
func (a *Attempts) remember(err error) {
	i := a.attempts - 1
	switch {
	case i < len(a.causes):
		a.causes[i] = err
	case len(a.causes)+len(a.later) < MaxCauses:
		a.later = append(a.later, err)
	default:
		a.later[len(a.later)-1] = err
	}
}

func (a *Attempts) last() error {
	if all := a.allCauses(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func (a *Attempts) allCauses() []error {
	n := 0
	for n < len(a.causes) && a.causes[n] != nil {
		n++
	}
	return append(append([]error(nil), a.causes[:n]...), a.later...)
}
