package resilience_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

func newTimeout(t *testing.T, d time.Duration) *resilience.Timeout {
	t.Helper()
	p, err := resilience.NewTimeout(resilience.TimeoutSettings{Name: "slow", Timeout: d})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimeout(t, time.Second)
		start := time.Now()
		err := p.Run(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if time.Since(start) != time.Second || !errors.Is(err, resilience.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v after %v, want ErrTimeout after 1s", err, time.Since(start))
		}
		if want := "slow: timed out after 1s"; err.Error() != want {
			t.Errorf("Error() = %q, want %q", err, want)
		}
		if !resilience.Retryable(err) {
			t.Error("a timeout of one attempt is not retryable")
		}
		if err := p.Run(t.Context(), func(context.Context) error { return errCause }); err != errCause {
			t.Errorf("a failure in time: got %v, want boom itself", err)
		}
		if err := p.Run(t.Context(), func(context.Context) error { time.Sleep(time.Hour); return nil }); err != nil {
			t.Errorf("a late success: got %v, want nil", err)
		}
		err = p.Run(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return errCause })
		if want := "slow: timed out after 1s: boom"; err.Error() != want || !errors.Is(err, errCause) {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}

// The caller's own deadline or cancellation is not the policy's timeout.
func TestTimeoutLeavesTheCallersContextAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := newTimeout(t, time.Second).Run(ctx, wait); err != context.DeadlineExceeded {
			t.Errorf("got %v, want the context's error itself", err)
		}
		called := false
		err := newTimeout(t, time.Second).Run(ctx, func(context.Context) error { called = true; return nil })
		if called || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("on a context that has ended: called %t, %v", called, err)
		}
	})
}

// Around a retry it bounds all attempts, and the retry sees that there is no time for another.
func TestTimeoutAroundRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := script(errCause)
		_, err := resilience.Do(t.Context(), func(ctx context.Context) (int, error) { return 0, w.run(ctx) },
			newTimeout(t, 150*time.Millisecond), newRetry(t, constant()))
		wantRetryError(t, err, resilience.ReasonDeadline, 2)
		wantTimes(t, w, 0, tick)
	})
}

func TestTimeoutSettings(t *testing.T) {
	_, err := resilience.NewTimeout(resilience.TimeoutSettings{})
	if want := "TimeoutSettings.Timeout: got 0s, want above 0"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFallback(t *testing.T) {
	fallback := func(f func(context.Context, error) (string, error), only func(error) bool) *resilience.Fallback[string] {
		p, err := resilience.NewFallback(resilience.FallbackSettings[string]{Name: "cache", Func: f, If: only})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	cached := fallback(func(context.Context, error) (string, error) { return "cached", nil }, nil)
	fail := func(context.Context) (string, error) { return "half", errCause }
	if got, err := resilience.Do(t.Context(), fail, cached); got != "cached" || err != nil {
		t.Errorf("got %q, %v; want cached, nil", got, err)
	}
	if got, err := resilience.Do(t.Context(), func(context.Context) (string, error) { return "fresh", nil }, cached); got != "fresh" || err != nil {
		t.Errorf("got %q, %v; want fresh, nil", got, err)
	}
	none := fallback(func(_ context.Context, err error) (string, error) {
		return "", errors.Join(errors.New("cache empty"), err)
	}, nil)
	if _, err := resilience.Do(t.Context(), fail, none); !errors.Is(err, errCause) {
		t.Errorf("got %v, want a failing fallback to tell the cause", err)
	}
	picky := fallback(func(context.Context, error) (string, error) { return "cached", nil }, func(error) bool { return false })
	if got, err := resilience.Do(t.Context(), fail, picky); got != "half" || err != errCause {
		t.Errorf("got %q, %v; want the operation's own", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := resilience.Do(ctx, func(context.Context) (string, error) { cancel(); return "", ctx.Err() }, cached); err != context.Canceled {
		t.Errorf("got %v, want canceled: nobody waits for an answer", err)
	}
	_, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 0, errCause }, cached)
	if want := `fallback "cache" answers with a string, and the operation with a int: boom`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := cached.Run(t.Context(), func(context.Context) error { return errCause }); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := resilience.NewFallback(resilience.FallbackSettings[int]{}); err == nil {
		t.Error("a fallback without a function was made")
	}
}
