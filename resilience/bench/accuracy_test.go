package bench

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/ratelimit"
	"golang.org/x/time/rate"

	"brownout/resilience"
)

const limitGoroutines = 64

// flatOut has 64 goroutines try without pause for a while, and returns what was admitted as a share of what may be.
func flatOut(perSecond float64, burst int, allow func() bool) float64 {
	const last = 500 * time.Millisecond
	start := time.Now()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for range limitGoroutines {
		wg.Go(func() {
			n := int64(0)
			for time.Since(start) < last {
				for range 100 {
					if allow() {
						n++
					}
				}
			}
			admitted.Add(n)
		})
	}
	wg.Wait()
	return float64(admitted.Load()) / (float64(burst) + perSecond*time.Since(start).Seconds())
}

// Allow flat out: the share admitted is 1 for a limiter that is right. Only ours is held to it.
func BenchmarkLimiterFlatOut(b *testing.B) {
	const burst = 1000
	for _, perSecond := range []int{10_000, 200_000, 1_000_000} {
		for _, l := range limiters(float64(perSecond), burst) {
			b.Run(fmt.Sprintf("rate=%d/lib=%s", perSecond, l.name), func(b *testing.B) {
				for b.Loop() {
					share := flatOut(float64(perSecond), burst, l.allow)
					if share > 1 && l.name == "brownout" {
						b.Errorf("%.6f of the limit", share)
					}
					b.ReportMetric(share, "of-limit")
				}
			})
		}
	}
}

// limiter is one of the limiters that are compared.
type limiter struct {
	name  string
	allow func() bool
	wait  func(context.Context) error
}

func limiters(perSecond float64, burst int) []limiter {
	ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: perSecond, Burst: burst}))
	xtime := rate.NewLimiter(rate.Limit(perSecond), burst)
	return []limiter{{"brownout", ours.Allow, ours.Wait}, {"x-time-rate", xtime.Allow, xtime.Wait}}
}

// waiters has 64 goroutines wait all the time for two seconds, after the burst has gone, and returns what was admitted as a
// share of what may be, and how many times as much as the least the best served got.
func waiters(perSecond float64, burst int, wait func(context.Context) error) (share, unfair float64) {
	const last = 2 * time.Second
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var counts [limitGoroutines]int
	var wg sync.WaitGroup
	for range burst {
		_ = wait(ctx)
	}
	start := time.Now()
	for i := range counts {
		wg.Go(func() {
			for wait(ctx) == nil && time.Since(start) <= last {
				counts[i]++
			}
		})
	}
	wg.Wait()
	total, least, most := 0, math.MaxInt, 0
	for _, n := range counts {
		total, least, most = total+n, min(least, n), max(most, n)
	}
	return float64(total) / (perSecond * last.Seconds()), float64(most) / float64(least)
}

// 64 waiters at 5,000/s. How late a timer wakes is the machine's affair.
func BenchmarkLimiterWaiters(b *testing.B) {
	const perSecond = 5000
	uber := ratelimit.New(perSecond)
	for _, burst := range []int{1, 10, 50} {
		all := append(limiters(perSecond, burst), limiter{name: "uber", wait: func(context.Context) error { uber.Take(); return nil }})
		for _, l := range all {
			b.Run(fmt.Sprintf("burst=%d/lib=%s", burst, l.name), func(b *testing.B) {
				for b.Loop() {
					share, unfair := waiters(perSecond, burst, l.wait)
					b.ReportMetric(share, "of-limit")
					b.ReportMetric(unfair, "best/least")
				}
			})
		}
	}
}

// 100 waiters are cancelled at once; how long does the next caller wait, at 100/s?
func BenchmarkLimiterCancelled(b *testing.B) {
	next := func(wait func(context.Context) error) time.Duration {
		_ = wait(context.Background())
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { _ = wait(ctx) })
		}
		time.Sleep(20 * time.Millisecond)
		cancel()
		wg.Wait()
		start := time.Now()
		_ = wait(context.Background())
		return time.Since(start)
	}
	for _, l := range limiters(100, 1) {
		b.Run("lib="+l.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(next(l.wait))/1e6, "ms-to-next")
			}
		})
	}
}
