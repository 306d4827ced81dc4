package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

var errCause = errors.New("boom")

// work is an operation that follows a list of errors; the last one repeats. It notes when it was called.
type work struct {
	errs  []error
	takes time.Duration // how long each attempt needs, unless its context ends first
	at    []time.Duration
	start time.Time
}

func script(errs ...error) *work { return &work{errs: errs, start: time.Now()} }

func (w *work) run(ctx context.Context) error {
	w.at = append(w.at, time.Since(w.start))
	if w.takes > 0 {
		select {
		case <-time.After(w.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return w.errs[min(len(w.at), len(w.errs))-1]
}

func newRetry(t *testing.T, s resilience.RetrySettings) *resilience.Retry {
	t.Helper()
	r, err := resilience.NewRetry(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantRetryError checks that err is a RetryError of this reason after so many attempts.
func wantRetryError(t *testing.T, err error, reason resilience.Reason, attempts int) *resilience.RetryError {
	t.Helper()
	got, ok := errors.AsType[*resilience.RetryError](err)
	if !ok {
		t.Fatalf("got %v, want a RetryError", err)
	}
	if got.Reason != reason || got.Attempts != attempts || !errors.Is(err, reason) {
		t.Errorf("got %q after %d attempts, want %q after %d", got.Reason, got.Attempts, reason, attempts)
	}
	return got
}

func wantTimes(t *testing.T, w *work, want ...time.Duration) {
	t.Helper()
	if fmt.Sprint(w.at) != fmt.Sprint(want) {
		t.Errorf("attempts at %v, want %v", w.at, want)
	}
}

const tick = 100 * time.Millisecond

func constant() resilience.RetrySettings {
	return resilience.RetrySettings{Backoff: resilience.ConstantBackoff(tick), PushbackJitter: -1}
}

func TestRetrySchedule(t *testing.T) {
	permanent := resilience.Permanent(errCause)
	pushed := func(d time.Duration) error { return fmt.Errorf("wrapped: %w", resilience.RetryAfter(errCause, d)) }
	for _, c := range []struct {
		name   string
		set    func(*resilience.RetrySettings)
		errs   []error
		takes  time.Duration
		at     []time.Duration
		reason resilience.Reason // 0: the call succeeds
		delay  time.Duration     // in the error
	}{
		{name: "success at once", errs: []error{nil}, at: []time.Duration{0}},
		{name: "recovers", errs: []error{errCause, errCause, nil}, at: []time.Duration{0, tick, 2 * tick}},
		{name: "default attempts", errs: []error{errCause}, at: []time.Duration{0, tick, 2 * tick}, reason: resilience.ReasonAttempts, delay: tick},
		{name: "one attempt", set: func(s *resilience.RetrySettings) { s.MaxAttempts = 1 }, errs: []error{errCause}, at: []time.Duration{0}, reason: resilience.ReasonAttempts, delay: tick},
		{name: "definitive after a retry", errs: []error{errCause, permanent}, at: []time.Duration{0, tick}, reason: resilience.ReasonPermanent},
		{name: "no backoff", set: func(s *resilience.RetrySettings) { s.Backoff = resilience.NoBackoff() }, errs: []error{errCause}, at: []time.Duration{0, 0, 0}, reason: resilience.ReasonAttempts},
		{name: "negative backoff", set: func(s *resilience.RetrySettings) { s.Backoff = resilience.ConstantBackoff(-1) }, errs: []error{errCause, nil}, at: []time.Duration{0, 0}},
		{name: "pushback wins", errs: []error{pushed(time.Second), nil}, at: []time.Duration{0, time.Second}},
		{name: "pushback never shortens", errs: []error{pushed(time.Millisecond), nil}, at: []time.Duration{0, tick}},
		{name: "pushback of zero", errs: []error{pushed(0), nil}, at: []time.Duration{0, tick}},
		{name: "negative pushback", errs: []error{pushed(-1)}, at: []time.Duration{0}, reason: resilience.ReasonRefused},
		{name: "pushback at the ceiling", errs: []error{pushed(time.Minute), nil}, at: []time.Duration{0, time.Minute}},
		{name: "pushback above the ceiling", errs: []error{pushed(1000 * time.Second)}, at: []time.Duration{0}, reason: resilience.ReasonDelay, delay: 1000 * time.Second},
		{name: "elapsed", set: func(s *resilience.RetrySettings) { s.MaxElapsed = 250 * time.Millisecond; s.MaxAttempts = 100 },
			errs: []error{errCause}, at: []time.Duration{0, tick, 2 * tick}, reason: resilience.ReasonElapsed, delay: tick},
		{name: "elapsed counts the attempts", set: func(s *resilience.RetrySettings) { s.MaxElapsed = 250 * time.Millisecond; s.MaxAttempts = 100 },
			errs: []error{errCause}, takes: tick, at: []time.Duration{0, 2 * tick}, reason: resilience.ReasonElapsed, delay: tick},
		{name: "attempt timeout", set: func(s *resilience.RetrySettings) { s.AttemptTimeout = 3 * tick },
			errs: []error{nil}, takes: time.Hour, at: []time.Duration{0, 4 * tick, 8 * tick}, reason: resilience.ReasonAttempts, delay: tick},
		{name: "throttled", set: func(s *resilience.RetrySettings) { s.ThrottleBackoff = resilience.ConstantBackoff(time.Second) },
			errs: []error{errCause, resilience.Throttle(errCause), nil}, at: []time.Duration{0, tick, tick + time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := constant()
				if c.set != nil {
					c.set(&s)
				}
				w := script(c.errs...)
				w.takes = c.takes
				err := newRetry(t, s).Run(t.Context(), w.run)
				wantTimes(t, w, c.at...)
				if c.reason == 0 {
					if err != nil {
						t.Errorf("got %v, want success", err)
					}
					return
				}
				if got := wantRetryError(t, err, c.reason, len(c.at)); got.Delay != c.delay || len(got.Causes) != len(c.at) {
					t.Errorf("delay %v with %d causes, want %v with %d", got.Delay, len(got.Causes), c.delay, len(c.at))
				}
			})
		})
	}
}

func TestRetryDefinitiveErrorIsReturnedAsItIs(t *testing.T) {
	for _, err := range []error{resilience.Permanent(errCause), fmt.Errorf("wrapped: %w", context.Canceled), &resilience.RetryError{}} {
		w := script(err)
		if got := newRetry(t, constant()).Run(t.Context(), w.run); got != err || len(w.at) != 1 {
			t.Errorf("got %v after %d attempts, want %v itself after 1", got, len(w.at), err)
		}
	}
	if resilience.Permanent(nil) != nil || resilience.RetryAfter(nil, 1) != nil || resilience.Throttle(nil) != nil {
		t.Error("a wrapped nil is an error")
	}
}

func TestRetryIfDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant()
		other := errors.New("other")
		s.RetryIf = func(err error) bool { return errors.Is(err, other) }
		w := script(other, errCause, nil)
		err := newRetry(t, s).Run(t.Context(), w.run)
		if wantRetryError(t, err, resilience.ReasonPermanent, 2); !errors.Is(err, errCause) || errors.Is(err, other) {
			t.Errorf("%v: errors.Is shall find the last error alone", err)
		}
	})
}

func TestRetryByResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant()
		s.RetryResult = resilience.ResultIf(func(state string) bool { return state == "pending" })
		r := newRetry(t, s)
		n := 0
		get := func(states ...string) (string, error) {
			n = 0
			return resilience.Do(t.Context(), func(context.Context) (string, error) {
				n++
				return states[min(n, len(states))-1], nil
			}, r)
		}
		if got, err := get("pending", "done"); got != "done" || err != nil || n != 2 {
			t.Errorf("got %q, %v after %d attempts; want done after 2", got, err, n)
		}
		got, err := get("pending")
		if wantRetryError(t, err, resilience.ReasonAttempts, 3); got != "pending" || !errors.Is(err, resilience.ErrResult) {
			t.Errorf("got %q, %v; want the last result beside ErrResult", got, err)
		}
		if err := r.Run(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Errorf("without a result: %v", err)
		}
	})
}

func TestRetryCancelledBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errCause)
	w := script(nil)
	err := newRetry(t, constant()).Run(ctx, w.run)
	if wantRetryError(t, err, resilience.ReasonCanceled, 0); len(w.at) != 0 || !errors.Is(err, context.Canceled) || !errors.Is(err, errCause) {
		t.Errorf("got %v after %d attempts, want none, and why the context ended", err, len(w.at))
	}
	if want := "no attempt made: context ended: context canceled: boom"; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err, want)
	}
}

func TestRetryCancelEndsTheWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant()
		s.Backoff = resilience.ConstantBackoff(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		w := script(errCause)
		err := newRetry(t, s).Run(ctx, w.run)
		if got := wantRetryError(t, err, resilience.ReasonCanceled, 1); time.Since(w.start) != time.Minute || !errors.Is(err, errCause) ||
			!errors.Is(err, context.Canceled) || got.Delay != time.Hour {
			t.Errorf("got %v after %v", err, time.Since(w.start))
		}
	})
}

// Cancelled while an attempt is under way: no other attempt, whatever the attempt returned.
func TestRetryCancelDuringAttempt(t *testing.T) {
	for _, errs := range [][]error{{errCause}, {resilience.Permanent(errCause)}} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := newRetry(t, constant()).Run(ctx, func(context.Context) error {
			n++
			cancel()
			return errs[0]
		})
		if wantRetryError(t, err, resilience.ReasonCanceled, 1); n != 1 || !errors.Is(err, errCause) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v after %d attempts", err, n)
		}
	}
}

func TestRetryFailsFastAtDeadline(t *testing.T) {
	for _, c := range []struct {
		deadline, min time.Duration
		pushback      time.Duration
		jitter        float64
		attempts      int
		why           string
	}{
		{300 * time.Millisecond, 0, time.Minute, -1, 1, "the server's delay passes the deadline"},
		{300 * time.Millisecond, 0, 0, -1, 3, "attempts at 0, 100 and 200 ms fit"},
		{200 * time.Millisecond, 0, 0, -1, 2, "an attempt at the deadline is too late"},
		{201 * time.Millisecond, 10 * time.Millisecond, 0, -1, 2, "the third could not finish"},
		{time.Second, 0, time.Second, 1, 1, "not a nanosecond is left after the delay"},
		{time.Second + 1, 0, time.Second, 1, 2, "the jitter gives way to the deadline"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := constant()
			s.MaxAttempts, s.MinAttempt, s.PushbackJitter = 10, c.min, c.jitter
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			fail := errCause
			if c.pushback > 0 {
				fail = resilience.RetryAfter(errCause, c.pushback)
			}
			w := script(fail)
			err := newRetry(t, s).Run(ctx, w.run)
			got := wantRetryError(t, err, resilience.ReasonDeadline, c.attempts)
			if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errCause) || !got.Timeout() {
				t.Errorf("%s: got %v with the context %v; want both errors before the deadline", c.why, err, ctx.Err())
			}
			if c.pushback > 0 && got.Delay < c.pushback {
				t.Errorf("%s: delay %v, want at least the server's", c.why, got.Delay)
			}
		})
	}
}

// Clients told the same delay spread out, but never come early.
func TestRetryPushbackJitterIsUpward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant()
		s.PushbackJitter, s.Seed = 0, 1
		r := newRetry(t, s)
		low, high := time.Hour, time.Duration(0)
		for range 200 {
			w := script(resilience.RetryAfter(errCause, 10*time.Second), nil)
			if err := r.Run(t.Context(), w.run); err != nil {
				t.Fatal(err)
			}
			low, high = min(low, w.at[1]), max(high, w.at[1])
		}
		if low < 10*time.Second || high >= 11*time.Second || high-low < 900*time.Millisecond {
			t.Errorf("attempts between %v and %v, want nearly all of [10s, 11s)", low, high)
		}
	})
}

func TestRetrySeedRepeatsDelays(t *testing.T) {
	times := func(seed uint64) (at []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			w := script(errCause)
			_ = newRetry(t, resilience.RetrySettings{MaxAttempts: 6, Seed: seed}).Run(t.Context(), w.run)
			at = w.at
		})
		return at
	}
	if a, b := times(7), times(7); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("one seed gave %v and %v", a, b)
	}
	if a, b := times(0), times(0); fmt.Sprint(a) == fmt.Sprint(b) {
		t.Errorf("two processes would wait the same %v", a)
	}
}

func TestRetryNestedDoesNotMultiply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(t, constant())
		w := script(errCause)
		_, err := resilience.Do(t.Context(), func(ctx context.Context) (int, error) { return 0, w.run(ctx) }, r, r)
		if len(w.at) != 3 || !errors.Is(err, errCause) {
			t.Errorf("%d attempts, %v; want 3, not 9", len(w.at), err)
		}
	})
}

func TestRetryKeepsFirstCausesAndTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		err := newRetry(t, resilience.RetrySettings{MaxAttempts: 40, Backoff: resilience.NoBackoff()}).Run(t.Context(), func(context.Context) error {
			n++
			return fmt.Errorf("attempt %d", n)
		})
		got := wantRetryError(t, err, resilience.ReasonAttempts, 40)
		last := len(got.Causes) - 1
		if last+1 != resilience.MaxCauses || got.Causes[0].Error() != "attempt 1" || got.Causes[last-1].Error() != "attempt 15" || got.Causes[last].Error() != "attempt 40" {
			t.Errorf("causes %v", got.Causes)
		}
	})
}

func TestRetryPanicPassesThrough(t *testing.T) {
	r := newRetry(t, constant())
	for i := range 2 {
		func() {
			defer func() {
				if got := recover(); got != "boom" {
					t.Errorf("recovered %v, want boom", got)
				}
			}()
			n := 0
			_ = r.Run(t.Context(), func(context.Context) error {
				if n++; n > i {
					panic("boom")
				}
				return resilience.RetryAfter(errCause, 0)
			})
		}()
	}
}

func TestRetryErrorText(t *testing.T) {
	for _, c := range []struct {
		err  resilience.RetryError
		want string
	}{
		{resilience.RetryError{Name: "charge", Attempts: 3, Reason: resilience.ReasonAttempts, Err: errCause}, "charge: gave up after 3 attempts: no attempts left: boom"},
		{resilience.RetryError{Attempts: 1, Reason: resilience.ReasonDelay, Delay: time.Hour, Err: errCause}, "gave up after 1 attempt: the server asked for a longer wait than allowed (wait 1h0m0s): boom"},
		{resilience.RetryError{Attempts: 1, Reason: resilience.ReasonUnrepeatable, Detail: "POST", Err: errCause}, "gave up after 1 attempt: cannot be repeated (POST): boom"},
		{resilience.RetryError{Attempts: 2, Reason: resilience.ReasonCanceled, Context: context.Canceled, Err: errCause}, "gave up after 2 attempts: context ended: context canceled: boom"},
		{resilience.RetryError{Attempts: 2, Reason: 99}, "gave up after 2 attempts: Reason(99)"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestRetrySettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.RetrySettings
		want string
	}{
		{resilience.RetrySettings{MaxAttempts: -1}, "RetrySettings.MaxAttempts: got -1, want 0 (the default), or 1 or more"},
		{resilience.RetrySettings{MaxElapsed: -time.Second}, "RetrySettings.MaxElapsed: got -1s, want 0 (no bound) or more"},
		{resilience.RetrySettings{AttemptTimeout: -1}, "RetrySettings.AttemptTimeout: got -1ns, want 0 (no bound) or more"},
		{resilience.RetrySettings{MinAttempt: -1}, "RetrySettings.MinAttempt: got -1ns, want 0 (unknown) or more"},
		{resilience.RetrySettings{MaxPushback: -1}, "RetrySettings.MaxPushback: got -1ns, want 0 (the default) or more"},
		{resilience.RetrySettings{PushbackJitter: 1.5}, "RetrySettings.PushbackJitter: got 1.5, want 0 (the default) to 1, or negative for none"},
	} {
		if _, err := resilience.NewRetry(c.s); err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}

func TestHintsCombine(t *testing.T) {
	err := fmt.Errorf("outer: %w", resilience.Throttle(resilience.RetryAfter(errCause, time.Second)))
	delayed, ok := errors.AsType[resilience.DelayedError](err)
	throttled, ok2 := errors.AsType[resilience.ThrottledError](err)
	if !ok || !ok2 || !throttled.Throttled() || !resilience.Retryable(err) || !errors.Is(err, errCause) {
		t.Fatalf("%v lost a hint", err)
	}
	if d, ok := delayed.RetryDelay(); d != time.Second || !ok {
		t.Errorf("delay %v, %t; want 1s", d, ok)
	}
	if resilience.Retryable(resilience.RetryAfter(resilience.Permanent(errCause), 1)) {
		t.Error("a delay made a permanent error retryable")
	}
}
