package bench

import (
	"context"
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

// Allow flat out: the share admitted is 1 for a limiter that is right. This prints; only ours is held to it.
func TestLimiterFlatOut(t *testing.T) {
	const burst = 1000
	for _, perSecond := range []float64{10_000, 200_000, 1_000_000} {
		ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: perSecond, Burst: burst}))
		xtime := rate.NewLimiter(rate.Limit(perSecond), burst)
		mine := flatOut(perSecond, burst, ours.Allow)
		t.Logf("%9.0f/s: brownout %.4f, x/time/rate %.4f of the limit", perSecond, mine, flatOut(perSecond, burst, xtime.Allow))
		if mine > 1 {
			t.Errorf("%.0f/s: %.6f of the limit", perSecond, mine)
		}
	}
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

// 64 waiters at 5,000/s. This prints: how late a timer wakes is the machine's affair.
func TestLimiterWaiters(t *testing.T) {
	const perSecond = 5000
	for _, burst := range []int{1, 10, 50} {
		ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: perSecond, Burst: burst}))
		share, unfair := waiters(perSecond, burst, ours.Wait)
		t.Logf("burst %2d: brownout      %.4f of the limit, the best served %.2f times the least", burst, share, unfair)
		xtime := rate.NewLimiter(perSecond, burst)
		share, unfair = waiters(perSecond, burst, xtime.Wait)
		t.Logf("burst %2d: x/time/rate   %.4f of the limit, the best served %.2f times the least", burst, share, unfair)
	}
	uber := ratelimit.New(perSecond)
	share, unfair := waiters(perSecond, 0, func(context.Context) error { uber.Take(); return nil })
	t.Logf("slack 10: uber          %.4f of the limit, the best served %.2f times the least", share, unfair)
}

// 100 waiters are cancelled at once; how long does the next caller wait, at 100/s?
func TestLimiterCancelled(t *testing.T) {
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
	ours := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 100}))
	t.Logf("brownout    %v", next(ours.Wait))
	t.Logf("x/time/rate %v", next(rate.NewLimiter(100, 1).Wait))
}
