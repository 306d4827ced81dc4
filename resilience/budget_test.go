package resilience_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func newBudget(t fataler, s resilience.BudgetSettings) *resilience.Budget {
	t.Helper()
	b, err := resilience.NewBudget(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// budgeted returns a Retry of 3 attempts without waits.
func budgeted(t fataler, b *resilience.Budget) *resilience.Retry {
	t.Helper()
	r, err := resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff(), Budget: b})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A backend that always fails, 64 workers: the attempts are at most 1.2 a call and what the bucket held.
func TestBudgetBoundsAmplification(t *testing.T) {
	const workers, calls = 64, 500
	r := budgeted(t, newBudget(t, resilience.BudgetSettings{}))
	var attempts atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range calls {
				_ = r.Run(t.Context(), func(context.Context) error { attempts.Add(1); return errCause })
			}
		})
	}
	wg.Wait()
	most := int64(1.2*workers*calls) + resilience.DefaultBudgetTokens
	// What the first calls give a full bucket is lost: at most 0.2 of each worker's, and a part of a token is left.
	least := most - workers/5 - 1
	if got := attempts.Load(); got > most || got < least {
		t.Errorf("%d calls made %d attempts, want %d to %d", workers*calls, got, least, most)
	}
}

func TestBudgetPropertyAmplification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := resilience.BudgetSettings{
			Tokens:  float64(rapid.IntRange(1, 50).Draw(t, "tokens")),
			PerCall: float64(rapid.IntRange(1, 1000).Draw(t, "per call")) / 1000,
		}
		b := newBudget(t, s)
		r := budgeted(t, b)
		fails := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 300).Draw(t, "failures of each call")
		attempts := 0
		for _, n := range fails {
			_ = r.Run(context.Background(), func(context.Context) error {
				attempts++
				if n--; n >= 0 {
					return errCause
				}
				return nil
			})
			if have := b.Tokens(); have < 0 || have > s.Tokens {
				t.Fatalf("%v tokens, want 0 to %v", have, s.Tokens)
			}
		}
		most := float64(len(fails))*(1+s.PerCall) + s.Tokens
		if float64(attempts) > most+1e-9 {
			t.Fatalf("%d calls made %d attempts, want at most %v", len(fails), attempts, most)
		}
	})
}

// gRPC A6: a failure takes 1 of 10 and retries stop at half, so a dead server sees 5 failures and then single attempts;
// successes at a tenth each bring the retries back.
func TestBudgetGRPC(t *testing.T) {
	b := newBudget(t, resilience.GRPCBudget())
	r := budgeted(t, b)
	attempts := 0
	call := func(err error) {
		_ = r.Run(t.Context(), func(context.Context) error { attempts++; return err })
	}
	call(errCause) // 10 -> 7
	call(errCause) // 7 -> 5: the second failure leaves half
	if attempts != 5 || b.Tokens() != 5 {
		t.Fatalf("%d attempts, %v tokens; want 5, 5", attempts, b.Tokens())
	}
	call(errCause)
	if attempts != 6 || b.Tokens() != 4 {
		t.Errorf("%d attempts, %v tokens; want 6, 4", attempts, b.Tokens())
	}
	for range 30 {
		call(nil)
	}
	if b.Tokens() != 7 {
		t.Errorf("%v tokens after 30 successes, want 7", b.Tokens())
	}
	attempts = 0
	call(errCause)
	if attempts != 2 {
		t.Errorf("%d attempts after recovery, want 2: 7 -> 6 -> 5", attempts)
	}
}

func TestBudgetAWS(t *testing.T) {
	b := newBudget(t, resilience.AWSBudget())
	r := budgeted(t, b)
	failOnce := func(err error) {
		n := 0
		if err := r.Run(t.Context(), func(context.Context) error {
			if n++; n == 1 {
				return err
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	failOnce(errCause)
	if b.Tokens() != 500 {
		t.Errorf("%v tokens, want 500: a retry that succeeds gives its price back", b.Tokens())
	}
	_ = r.Run(t.Context(), func(context.Context) error { return errCause })
	if b.Tokens() != 472 {
		t.Errorf("%v tokens, want 472 after two retries at 14", b.Tokens())
	}
	_ = r.Run(t.Context(), func(context.Context) error { return resilience.Throttle(errCause) })
	if b.Tokens() != 462 {
		t.Errorf("%v tokens, want 462 after two retries at 5", b.Tokens())
	}
	_ = r.Run(t.Context(), func(context.Context) error { return nil })
	_ = r.Run(t.Context(), func(context.Context) error { return resilience.Permanent(errCause) })
	if b.Tokens() != 464 {
		t.Errorf("%v tokens, want 464: a success, and an answer that is not retryable, give 1 each", b.Tokens())
	}
	for range 100 {
		_ = r.Run(t.Context(), func(context.Context) error { return errCause })
	}
	if got := b.Tokens(); got != 2 {
		t.Errorf("%v tokens, want 2: 33 retries at 14 fit", got)
	}
}

// A refused retry returns the cause, and tells the wait that would have been due.
func TestBudgetRefusalSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant()
		s.Budget = newBudget(t, resilience.BudgetSettings{Tokens: 0.5, PerCall: 0.001})
		w := script(errCause)
		err := newRetry(t, s).Run(t.Context(), w.run)
		got := wantRetryError(t, err, resilience.ReasonBudget, 1)
		if got.Delay != tick || got.Err != errCause || time.Since(w.start) != 0 {
			t.Errorf("delay %v, cause %v; want %v, boom, at once", got.Delay, got.Err, tick)
		}
		if want := "gave up after 1 attempt: retry budget exhausted (wait 100ms): boom"; err.Error() != want {
			t.Errorf("Error() = %q, want %q", err, want)
		}
	})
}

// Cancellation tells nothing about the server.
func TestBudgetIgnoresCancellation(t *testing.T) {
	b := newBudget(t, resilience.GRPCBudget())
	r := budgeted(t, b)
	for range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		_ = r.Run(ctx, func(context.Context) error { cancel(); return context.Canceled })
	}
	if b.Tokens() != 10 {
		t.Errorf("%v tokens after 6 cancellations, want 10", b.Tokens())
	}
}

func TestBudgetPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, resilience.BudgetSettings{Tokens: 100, PerSecond: 0.3})
		r := budgeted(t, b)
		drain := func() (n int) {
			for b.Tokens() >= 1 {
				n++
				_ = r.Run(t.Context(), func(context.Context) error { return errCause })
			}
			return n
		}
		drain()
		before := b.Tokens()
		for range 10_000 { // asked often, the parts of a token add up to the same
			time.Sleep(time.Millisecond)
			b.Tokens()
		}
		if got := b.Tokens() - before; math.Abs(got-3) > 0.0011 {
			t.Errorf("10s at 0.3/s gave %v tokens, want 3 within a thousandth and the rest of one", got)
		}
		time.Sleep(100 * 365 * 24 * time.Hour)
		if b.Tokens() != 100 {
			t.Errorf("%v tokens after a hundred years, want a full bucket", b.Tokens())
		}
	})
}

func TestBudgetSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.BudgetSettings
		want string
	}{
		{resilience.BudgetSettings{Tokens: -1}, "BudgetSettings.Tokens: got -1, want 0 (the default), or 0.001 to 1000000"},
		{resilience.BudgetSettings{Tokens: 2e6}, "BudgetSettings.Tokens: got 2e+06, want 0 (the default), or 0.001 to 1000000"},
		{resilience.BudgetSettings{PerCall: 0.0001}, "BudgetSettings.PerCall: got 0.0001, want 0 (the default), or 0.001 to 1000000"},
		{resilience.BudgetSettings{PerSecond: math.NaN()}, "BudgetSettings.PerSecond: got NaN, want 0 (the default), or 0.001 to 1000000"},
		{resilience.BudgetSettings{Tokens: 5, Floor: 5}, "BudgetSettings.Floor: got 5, want less than Tokens"},
	} {
		if _, err := resilience.NewBudget(c.s); err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
	for _, s := range []resilience.BudgetSettings{resilience.GRPCBudget(), resilience.AWSBudget(), resilience.FinagleBudget(), resilience.SREBudget()} {
		if got := newBudget(t, s).Tokens(); got != s.Tokens {
			t.Errorf("%+v starts with %v tokens", s, got)
		}
	}
}
