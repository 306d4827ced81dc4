package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	retrygo "github.com/avast/retry-go/v5"
	"github.com/cenkalti/backoff/v5"
	"github.com/eapache/go-resiliency/retrier"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"brownout/resilience"
)

var errOnce = errors.New("once")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// parallel runs what make returns in every goroutine of the benchmark.
func parallel(b *testing.B, name string, make func() func()) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			call := make()
			for pb.Next() {
				call()
			}
		})
	})
}

func newBudget() *resilience.Budget { return must(resilience.NewBudget(resilience.BudgetSettings{})) }

// The function succeeds at once.
func BenchmarkRetryFirst(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	succeed := func() error { return nil }

	ours := must(resilience.NewRetry(resilience.RetrySettings{Budget: newBudget()}))
	parallel(b, "lib=brownout", func() func() {
		return func() { _ = ours.Run(ctx, func(context.Context) error { return nil }) }
	})
	plain := retrygo.New()
	parallel(b, "lib=retry-go-without-context", func() func() { return func() { _ = plain.Do(succeed) } })
	throttled := retrygo.New(retrygo.WithFixedTokenBucketThrottle(retrygo.FixedTokenBucketThrottleConfig{}))
	parallel(b, "lib=retry-go-throttle", func() func() { return func() { _ = throttled.Do(succeed) } })
	eapache := retrier.New(retrier.ConstantBackoff(2, 0), nil)
	parallel(b, "lib=go-resiliency", func() func() {
		return func() { _ = eapache.RunCtx(ctx, func(context.Context) error { return nil }) }
	})
	parallel(b, "lib=backoff", func() func() {
		return func() { _, _ = backoff.Retry(ctx, func() (int, error) { return 1, nil }) }
	})
	safe := failsafe.With[any](retrypolicy.NewBuilder[any]().WithMaxAttempts(3).Build())
	parallel(b, "lib=failsafe-go", func() func() { return func() { _ = safe.WithContext(ctx).Run(succeed) } })
}

// The function fails once and then succeeds, without a delay between.
func BenchmarkRetryOneFailure(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	once := func() func() error {
		n := 0
		return func() error {
			if n++; n&1 == 1 {
				return errOnce
			}
			return nil
		}
	}

	ours := must(resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}))
	parallel(b, "lib=brownout", func() func() {
		f := once()
		return func() { _ = ours.Run(ctx, func(context.Context) error { return f() }) }
	})
	eapache := retrier.New(retrier.ConstantBackoff(2, 0), nil)
	parallel(b, "lib=go-resiliency", func() func() {
		f := once()
		return func() { _ = eapache.RunCtx(ctx, func(context.Context) error { return f() }) }
	})
	plain := retrygo.New(retrygo.Delay(0), retrygo.MaxJitter(0), retrygo.DelayType(retrygo.FixedDelay))
	parallel(b, "lib=retry-go", func() func() { f := once(); return func() { _ = plain.Do(f) } })
	parallel(b, "lib=backoff", func() func() {
		f := once()
		return func() {
			_, _ = backoff.Retry(ctx, func() (int, error) { return 1, f() }, backoff.WithBackOff(&backoff.ZeroBackOff{}))
		}
	})
	safe := failsafe.With[any](retrypolicy.NewBuilder[any]().WithMaxAttempts(3).Build())
	parallel(b, "lib=failsafe-go", func() func() { f := once(); return func() { _ = safe.WithContext(ctx).Run(f) } })
}

// rollingRate are the settings of gobreaker that come closest to a failure rate over a window of ten slices of a second.
func rollingRate() gobreaker.Settings {
	return gobreaker.Settings{
		Interval: 10 * time.Second, BucketPeriod: time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.Requests >= 20 && c.TotalFailures*2 >= c.Requests },
	}
}

// Retry, budget, breaker and limiter around a function that succeeds.
func BenchmarkCompose(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	work := func(context.Context) (int, error) { return 1000, nil }

	retry := must(resilience.NewRetry(resilience.RetrySettings{Budget: newBudget()}))
	breaker := must(resilience.NewBreaker(resilience.BreakerSettings{FailureRate: 0.5}))
	limiter := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e6}))
	chain := resilience.Compose(retry, breaker, limiter)
	parallel(b, "lib=brownout", func() func() { return func() { _, _ = resilience.Do(ctx, work, chain) } })
	parallel(b, "lib=brownout-loose", func() func() { return func() { _, _ = resilience.Do(ctx, work, retry, breaker, limiter) } })

	gb := gobreaker.NewCircuitBreaker[int](rollingRate())
	rl := rate.NewLimiter(1e9, 1e6)
	parallel(b, "lib=gobreaker-and-x-time-by-hand", func() func() {
		return func() {
			for range 3 {
				_, err := gb.Execute(func() (int, error) {
					if err := rl.Wait(ctx); err != nil {
						return 0, err
					}
					return work(ctx)
				})
				if err == nil {
					break
				}
			}
		}
	})
}
