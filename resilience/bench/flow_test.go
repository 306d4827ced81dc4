package bench

import (
	"context"
	"testing"
	"time"

	"github.com/eapache/go-resiliency/breaker"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/sony/gobreaker/v2"
	"go.uber.org/ratelimit"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"brownout/resilience"
)

func fine(context.Context) error { return nil }

// A breaker that is closed and counts failures in a row.
func BenchmarkBreakerConsecutive(b *testing.B) {
	ctx := b.Context()
	ours := must(resilience.NewBreaker(resilience.BreakerSettings{}))
	parallel(b, "lib=brownout", func() func() { return func() { _ = ours.Run(ctx, fine) } })
	gb := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{})
	parallel(b, "lib=gobreaker", func() func() {
		return func() { _, _ = gb.Execute(func() (int, error) { return 0, fine(ctx) }) }
	})
	eapache := breaker.New(5, 1, time.Second)
	parallel(b, "lib=go-resiliency", func() func() { return func() { _ = eapache.Run(func() error { return fine(ctx) }) } })
	cb := circuitbreaker.NewBuilder[any]().WithFailureThreshold(5).Build()
	parallel(b, "lib=failsafe-go", func() func() {
		safe := failsafe.With[any](cb)
		return func() { _ = safe.Run(func() error { return fine(ctx) }) }
	})
}

// A breaker that is closed and counts a failure rate over ten seconds.
func BenchmarkBreakerRate(b *testing.B) {
	ctx := b.Context()
	ours := must(resilience.NewBreaker(resilience.BreakerSettings{FailureRate: 0.5}))
	parallel(b, "lib=brownout", func() func() { return func() { _ = ours.Run(ctx, fine) } })
	slow := must(resilience.NewBreaker(resilience.BreakerSettings{FailureRate: 0.5, SlowRate: 0.5, SlowCall: time.Second}))
	parallel(b, "lib=brownout-and-slow-calls", func() func() { return func() { _ = slow.Run(ctx, fine) } })
	gb := gobreaker.NewCircuitBreaker[int](rollingRate())
	parallel(b, "lib=gobreaker", func() func() {
		return func() { _, _ = gb.Execute(func() (int, error) { return 0, fine(ctx) }) }
	})
	cb := circuitbreaker.NewBuilder[any]().WithFailureRateThreshold(0.5, 20, 10*time.Second).Build()
	parallel(b, "lib=failsafe-go-by-hand", func() func() {
		return func() {
			if cb.TryAcquirePermit() {
				if fine(ctx) == nil {
					cb.RecordSuccess()
				} else {
					cb.RecordFailure()
				}
			}
		}
	})
}

// A breaker that is open.
func BenchmarkBreakerOpen(b *testing.B) {
	ctx := b.Context()
	ours := must(resilience.NewBreaker(resilience.BreakerSettings{OpenFor: time.Hour}))
	ours.Trip()
	parallel(b, "lib=brownout", func() func() { return func() { _ = ours.Run(ctx, fine) } })
	gb := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{Timeout: time.Hour})
	for gb.State() == gobreaker.StateClosed {
		_, _ = gb.Execute(func() (int, error) { return 0, errOnce })
	}
	parallel(b, "lib=gobreaker", func() func() {
		return func() { _, _ = gb.Execute(func() (int, error) { return 0, fine(ctx) }) }
	})
	cb := circuitbreaker.NewBuilder[any]().WithDelay(time.Hour).Build()
	cb.Open()
	parallel(b, "lib=failsafe-go-by-hand", func() func() { return func() { _ = cb.TryAcquirePermit() } })
}

// A token is there.
func BenchmarkLimiterGranted(b *testing.B) {
	ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e9}))
	parallel(b, "lib=brownout", func() func() { return func() { ours.Allow() } })
	xtime := rate.NewLimiter(1e9, 1e9)
	parallel(b, "lib=x-time-rate", func() func() { return func() { xtime.Allow() } })
	bursty := ratelimiter.NewBursty[any](1e9, time.Second)
	parallel(b, "lib=failsafe-go-bursty", func() func() { return func() { bursty.TryAcquirePermit() } })
	uber := ratelimit.New(1e9)
	parallel(b, "lib=uber-ratelimit-take", func() func() { return func() { uber.Take() } })
}

// No token is there.
func BenchmarkLimiterRefused(b *testing.B) {
	ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 0.001}))
	ours.Allow()
	parallel(b, "lib=brownout", func() func() { return func() { ours.Allow() } })
	xtime := rate.NewLimiter(0.001, 1)
	xtime.Allow()
	parallel(b, "lib=x-time-rate", func() func() { return func() { xtime.Allow() } })
	smooth := ratelimiter.NewSmooth[any](1, time.Hour)
	smooth.TryAcquirePermit()
	parallel(b, "lib=failsafe-go-smooth", func() func() { return func() { smooth.TryAcquirePermit() } })
}

// A token is there for one who would wait.
func BenchmarkLimiterWait(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e9}))
	parallel(b, "lib=brownout", func() func() { return func() { _ = ours.Wait(ctx) } })
	xtime := rate.NewLimiter(1e9, 1e9)
	parallel(b, "lib=x-time-rate", func() func() { return func() { _ = xtime.Wait(ctx) } })
	bursty := ratelimiter.NewBursty[any](1e9, time.Second)
	parallel(b, "lib=failsafe-go-bursty", func() func() { return func() { _ = bursty.AcquirePermit(ctx) } })
}

// A place is free, and given back.
func BenchmarkBulkhead(b *testing.B) {
	ctx := b.Context()
	ours := must(resilience.NewBulkhead(resilience.BulkheadSettings{MaxConcurrent: 1000}))
	parallel(b, "lib=brownout", func() func() {
		return func() {
			if ours.Acquire(ctx) == nil {
				ours.Release()
			}
		}
	})
	sem := semaphore.NewWeighted(1000)
	parallel(b, "lib=x-sync-semaphore", func() func() {
		return func() {
			if sem.TryAcquire(1) {
				sem.Release(1)
			}
		}
	})
	channel := make(chan struct{}, 1000)
	parallel(b, "lib=channel", func() func() {
		return func() {
			select {
			case channel <- struct{}{}:
				<-channel
			default:
			}
		}
	})
	fs := bulkhead.New[any](1000)
	parallel(b, "lib=failsafe-go-by-hand", func() func() {
		return func() {
			if fs.TryAcquirePermit() {
				fs.ReleasePermit()
			}
		}
	})
}

// The first attempt answers before a copy is due.
func BenchmarkHedge(b *testing.B) {
	ctx := b.Context()
	ours := must(resilience.NewHedge(resilience.HedgeSettings{Delay: time.Minute}))
	parallel(b, "lib=brownout", func() func() { return func() { _ = ours.Run(ctx, fine) } })
	safe := failsafe.With[any](hedgepolicy.NewWithDelay[any](time.Minute))
	parallel(b, "lib=failsafe-go", func() func() {
		return func() { _ = safe.WithContext(ctx).Run(func() error { return fine(ctx) }) }
	})
}
