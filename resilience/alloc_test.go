//go:build !race

package resilience_test

import (
	"context"
	"testing"
	"time"

	"brownout/resilience"
)

// These counts hold without the race detector alone: under it sync.Pool drops items at random.

func TestDoDoesNotAllocate(t *testing.T) {
	ctx := t.Context()
	fn := func(context.Context) (int, error) { return 1000, nil }
	var a, b resilience.Policy = twice{}, resilience.Compose(twice{})
	if n := testing.AllocsPerRun(1000, func() { _, _ = resilience.Do(ctx, fn, a, b) }); n != 0 {
		t.Errorf("Do with two policies: %v allocations, want 0", n)
	}
}

func TestRetryDoesNotAllocate(t *testing.T) {
	ctx := t.Context()
	r := newRetry(t, resilience.RetrySettings{Backoff: resilience.NoBackoff(), Budget: newBudget(t, resilience.AWSBudget())})
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{FailureRate: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	everyOther := func(context.Context) error {
		if n++; n&1 == 1 {
			return errCause
		}
		return nil
	}
	value := func(context.Context) (int, error) { return 1000, nil }
	chain := resilience.Compose(r, breaker, limiter)
	for name, call := range map[string]func(){
		"first attempt succeeds":  func() { _ = r.Run(ctx, succeed) },
		"one failure, no delay":   func() { _ = r.Run(ctx, everyOther) },
		"Do with a retry":         func() { _, _ = resilience.Do(ctx, value, r) },
		"Do with three policies":  func() { _, _ = resilience.Do(ctx, value, r, breaker, limiter) },
		"Do with a chain of them": func() { _, _ = resilience.Do(ctx, value, chain) },
	} {
		if n := testing.AllocsPerRun(1000, call); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestHedgeAllocations(t *testing.T) {
	for _, s := range []resilience.HedgeSettings{{Delay: time.Hour}, {Delay: time.Hour, Quantile: 0.95}} {
		h := mustHedge(t, s)
		if n := testing.AllocsPerRun(100, func() { _ = h.Run(context.Background(), succeeding) }); n > 3 {
			t.Errorf("%v allocations, want at most 3", n)
		}
	}
}
