package resilience_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

func mustLimiter(tb testing.TB, s resilience.LimiterSettings) *resilience.Limiter {
	tb.Helper()
	l, err := resilience.NewLimiter(s)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func TestLimiterAllowSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 10, Burst: 3})
		start := time.Now()
		for i, s := range []struct {
			at   time.Duration
			n    int
			want bool
			why  string
		}{
			{0, 4, false, "more than the burst is never there"},
			{0, 2, true, "a new bucket is full"},
			{0, 2, false, "one token is left"},
			{0, 1, true, "and it was not touched by the refusal"},
			{99 * time.Millisecond, 1, false, "one token takes 100ms at 10/s"},
			{100 * time.Millisecond, 1, true, "exactly one token came back"},
			{100 * time.Millisecond, 0, true, "no tokens are always there"},
			{time.Hour, 3, true, "a full bucket"},
			{time.Hour, 1, false, "holds no more than the burst"},
		} {
			time.Sleep(time.Until(start.Add(s.at)))
			if got := l.AllowN(s.n); got != s.want {
				t.Errorf("step %d: AllowN(%d) at +%v = %v, want %v: %s", i, s.n, s.at, got, s.want, s.why)
			}
		}
	})
}

// The interval between tokens is rounded up, never down, and by no more than a sixteenth of a nanosecond.
func TestLimiterOddRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{1e9, 7e6, 999983, 300000, 3, 0.1, 1.0 / (24 * 3600)} {
			l := mustLimiter(t, resilience.LimiterSettings{Rate: rate, Burst: 5})
			l.AllowN(5)
			exact := 5 / rate * 1e9
			d := l.ReserveN(5)
			if got := float64(d.Delay()); got < exact || got > exact+5.0/16+1 {
				t.Errorf("at %v/s five tokens take %v ns, want %v to 5/16 ns more, in whole nanoseconds", rate, got, exact)
			}
		}
	})
}

// 64 goroutines waiting all the time are served in turn, at the rate and not above.
func TestLimiterWaitersShareFairly(t *testing.T) {
	for _, burst := range []int{1, 10, 50} {
		synctest.Test(t, func(t *testing.T) {
			const rate, goroutines, seconds = 5000, 64, 2
			l := mustLimiter(t, resilience.LimiterSettings{Rate: rate, Burst: burst})
			l.AllowN(burst) // the initial burst is whoever's comes first
			ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second+1)
			defer cancel()
			var counts [goroutines]int
			var wg sync.WaitGroup
			for i := range counts {
				wg.Go(func() {
					for l.Wait(ctx) == nil {
						counts[i]++
					}
				})
			}
			wg.Wait()
			total, low, high := 0, math.MaxInt, 0
			for _, n := range counts {
				total, low, high = total+n, min(low, n), max(high, n)
			}
			if total != rate*seconds {
				t.Errorf("burst %d: %d tokens in %ds, want %d", burst, total, seconds, rate*seconds)
			}
			if float64(high)/float64(low) > 1.03 {
				t.Errorf("burst %d: one goroutine got %d tokens and another %d; want 1.03 times at most", burst, high, low)
			}
		})
	}
}

// Waiters that are cancelled give their tokens back, and the next caller is as well off as if they had never come.
func TestLimiterCancelledWaitersDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 100})
		l.Allow()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := l.Wait(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Wait: %v, want context.Canceled", err)
				}
			})
		}
		synctest.Wait()
		if got := l.Tokens(); got != -100 {
			t.Errorf("tokens %v, want -100", got)
		}
		cancel()
		wg.Wait()
		start := time.Now()
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 10*time.Millisecond {
			t.Errorf("the next caller waited %v, want 10ms", got)
		}
	})
}

func TestLimiterServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 1, Burst: 3})
		l.AllowN(3)
		var order notes
		start := time.Now()
		wait := func(ctx context.Context, name string, n int) {
			go func() {
				if l.WaitN(ctx, n) == nil {
					order.add(name, time.Since(start))
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(t.Context(), "a", 1)
		wait(ctx, "b", 3)
		wait(t.Context(), "c", 1)
		time.Sleep(2 * time.Second)
		if l.Allow() {
			t.Error("Allow took a token that b was waiting for")
		}
		cancel()
		synctest.Wait()
		order.want(t, "a 1s", "c 2s")
	})
}

func TestLimiterRefusesWhatTheDeadlineCannotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Name: "api", Rate: 1, Burst: 2})
		l.AllowN(2)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second-1)
		defer cancel()
		start := time.Now()
		err := l.WaitN(ctx, 2)
		var limited *resilience.LimitError
		if !errors.As(err, &limited) || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, resilience.ErrLimited) {
			t.Fatalf("WaitN: %v, want a LimitError that is DeadlineExceeded", err)
		}
		if limited.Wait != 2*time.Second || time.Since(start) != 0 {
			t.Errorf("wait %v after %v, want 2s at once", limited.Wait, time.Since(start))
		}
		if got, want := err.Error(), `rate limit of "api" exceeded: the wait of 2s passes the context's deadline`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := l.Wait(ctx); err != nil { // the refusal took nothing
			t.Errorf("Wait for one: %v", err)
		}

		err = l.WaitN(t.Context(), 3)
		if got, want := err.Error(), `rate limit of "api": got a request for 3 tokens, want at most 2, the burst`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("no deadline was in the way")
		}
	})
}

func TestLimiterMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 1, MaxWait: time.Second})
		l.Allow()
		done := make(chan error, 1)
		go func() { done <- l.Wait(t.Context()) }()
		synctest.Wait()
		err := l.Wait(t.Context())
		if !errors.Is(err, resilience.ErrLimited) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("second in the queue: %v, want ErrLimited alone", err)
		}
		if got, want := err.Error(), "rate limit exceeded: tokens are there in 2s"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := <-done; err != nil {
			t.Errorf("first in the queue: %v", err)
		}
	})
}

func TestLimiterDoneContextTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 1})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Run(ctx, succeeding); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want context.Canceled", err)
		}
		if !l.Allow() {
			t.Error("the token is gone")
		}
	})
}

// After a pause there is one token, not a burst, for everybody together.
func TestLimiterPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 10, Burst: 5})
		start := time.Now()
		l.PauseUntil(start.Add(3 * time.Second))
		l.PauseUntil(start.Add(time.Second)) // does not make it shorter
		if l.Allow() {
			t.Error("Allow while paused")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait with a deadline within the pause: %v, want DeadlineExceeded", err)
		}
		var served notes
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if l.Wait(t.Context()) == nil {
					served.add(time.Since(start))
				}
			})
		}
		wg.Wait()
		served.want(t, "3s", "3.1s", "3.2s", "3.3s")
		r := l.Reserve()
		l.PauseUntil(time.Now().Add(time.Minute))
		if got := r.Delay(); got != time.Minute {
			t.Errorf("a reservation made before a pause has a delay of %v, want 1m", got)
		}
	})
}

func TestLimiterSetRateKeepsDebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 10, Burst: 2})
		l.AllowN(2)
		var served notes
		var wg sync.WaitGroup
		start := time.Now()
		for range 3 {
			wg.Go(func() {
				_ = l.Wait(t.Context())
				served.add(time.Since(start))
			})
			synctest.Wait()
		}
		time.Sleep(50 * time.Millisecond) // half a token
		if err := l.SetRate(1); err != nil {
			t.Fatal(err)
		}
		if got := l.Tokens(); got != -2.5 {
			t.Errorf("tokens %v, want -2.5 as before", got)
		}
		wg.Wait()
		served.want(t, "550ms", "1.55s", "2.55s")
		if l.Rate() != 1 || l.Burst() != 2 {
			t.Errorf("rate %v, burst %d; want 1, 2", l.Rate(), l.Burst())
		}
		err := l.SetRate(0)
		if err == nil || err.Error() != "rate: got 0, want above 0 to 1e9 a second" {
			t.Errorf("SetRate(0): %v", err)
		}
	})
}

func TestLimiterCancelOfTheLastTakenIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 1, Burst: 2})
		a, b := l.Reserve(), l.Reserve()
		if !b.OK() || b.Delay() != 0 {
			t.Fatalf("OK %v, delay %v; want true, 0", b.OK(), b.Delay())
		}
		b.Cancel()
		b.Cancel()
		if b.OK() || b.Delay() != 0 {
			t.Error("a cancelled reservation is none")
		}
		if got := l.Tokens(); got != 1 {
			t.Errorf("tokens %v, want 1", got)
		}
		a.Cancel()
		if got := l.Tokens(); got != 2 {
			t.Errorf("tokens %v, want 2", got)
		}
		none := l.ReserveN(3)
		if none.OK() {
			t.Error("a reservation for more than the burst")
		}
		none.Cancel()
	})
}

// Flat out, in real time and without waiting, the limit holds exactly, as it does not in x/time/rate (golang/go#65508).
func TestLimiterFlatOut(t *testing.T) {
	const goroutines, burst = 64, 100
	for _, rate := range []float64{200_000, 1_000_000} {
		start := time.Now()
		l := mustLimiter(t, resilience.LimiterSettings{Rate: rate, Burst: burst})
		var admitted atomic.Int64
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				n := int64(0)
				for range 20000 {
					if l.Allow() {
						n++
					}
				}
				admitted.Add(n)
			})
		}
		wg.Wait()
		bound := burst + rate*time.Since(start).Seconds()
		if got := float64(admitted.Load()); got > bound {
			t.Errorf("at %v/s: %v admitted, want at most %v", rate, got, bound)
		}
	}
}

// All kinds of use at once, under the race detector; then everything is given back or used up, and nothing is missing.
func TestLimiterStress(t *testing.T) {
	start := time.Now()
	const rate, burst = 100_000, 10
	l := mustLimiter(t, resilience.LimiterSettings{Rate: rate, Burst: burst})
	var used atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 500 {
				switch (i + j) % 4 {
				case 0:
					if l.Allow() {
						used.Add(1)
					}
				case 1:
					if l.Wait(t.Context()) == nil {
						used.Add(1)
					}
				case 2:
					r := l.ReserveN(2)
					r.Cancel()
				case 3:
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Microsecond, cancel)
					if l.WaitN(ctx, 3) == nil {
						used.Add(3)
					}
				}
			}
		})
	}
	wg.Wait()
	if got, bound := float64(used.Load()), burst+rate*time.Since(start).Seconds(); got > bound {
		t.Errorf("%v tokens used, want at most %v", got, bound)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.WaitN(ctx, burst); err != nil {
		t.Errorf("the whole burst never comes back: %v", err)
	}
}

// What is given back is no more than what was taken, and nothing that a pause has closed.
func TestLimiterCancelAfterPauseOrChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLimiter(t, resilience.LimiterSettings{Rate: 10})
		r := l.Reserve()
		l.PauseUntil(time.Now().Add(100 * time.Millisecond)) // ends where the reservation's token does
		r.Cancel()
		if l.Allow() {
			t.Error("a cancelled reservation ended the pause")
		}
		time.Sleep(100 * time.Millisecond)
		if !l.Allow() {
			t.Error("no token after the pause")
		}

		l = mustLimiter(t, resilience.LimiterSettings{Rate: 10, Burst: 2})
		first := l.Reserve()
		l.Reserve()
		if err := l.SetRate(20); err != nil {
			t.Fatal(err)
		}
		first.Cancel() // its stretch of the line was twice as long
		if got := l.Tokens(); got > 1 {
			t.Errorf("tokens %v, want at most 1", got)
		}
	})
}

func TestLimiterObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		var l *resilience.Limiter
		l = mustLimiter(t, resilience.LimiterSettings{Name: "api", Rate: 1, MaxWait: time.Minute, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) {
				_ = l.Tokens() // may be called
				seen.add(e.Kind, e.Policy, e.Delay, e.From+">"+e.To, e.Reason)
			})})
		l.Allow()
		l.Allow()
		_ = l.Run(t.Context(), succeeding)
		l.PauseUntil(time.Now().Add(2 * time.Minute))
		_ = l.Wait(t.Context())
		_ = l.SetRate(2.5)
		seen.want(t,
			"rejected api 1s > tokens",
			"wait api 1s >",
			"paused api 2m0s >",
			"rejected api 2m0s > wait",
			"limit_changed api 0s 1/s>2.5/s")
	})
}

func TestLimiterDoesNotAllocate(t *testing.T) {
	plenty := mustLimiter(t, resilience.LimiterSettings{Rate: 1e9, Burst: 1e6})
	empty := mustLimiter(t, resilience.LimiterSettings{Rate: 0.001})
	empty.Allow()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, call := range map[string]func(){
		"granted":  func() { plenty.Allow() },
		"refused":  func() { empty.Allow() },
		"waited":   func() { _ = plenty.Wait(ctx) },
		"reserved": func() { r := plenty.Reserve(); r.Cancel() },
		"run":      func() { _ = plenty.Run(ctx, succeeding) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestLimiterSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.LimiterSettings
		want string
	}{
		{resilience.LimiterSettings{}, "LimiterSettings.Rate: got 0, want above 0 to 1e9 a second"},
		{resilience.LimiterSettings{Rate: math.NaN()}, "LimiterSettings.Rate: got NaN, want above 0 to 1e9 a second"},
		{resilience.LimiterSettings{Rate: 1e-9}, "LimiterSettings.Rate: got 1e-09, want a rate that fills a burst of 1 within a year"},
		{resilience.LimiterSettings{Rate: 1, Burst: -1}, "LimiterSettings.Burst: got -1, want 0 (which is 1) or more"},
		{resilience.LimiterSettings{Rate: 1, MaxWait: -1}, "LimiterSettings.MaxWait: got -1ns, want 0 (no bound) or more"},
	} {
		_, err := resilience.NewLimiter(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}

func BenchmarkLimiter(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	plenty := resilience.LimiterSettings{Rate: 1e9, Burst: 1e9}
	for _, bc := range []struct {
		name string
		s    resilience.LimiterSettings
		call func(*resilience.Limiter)
	}{
		{"allow/granted", plenty, func(l *resilience.Limiter) { l.Allow() }},
		{"allow/refused", resilience.LimiterSettings{Rate: 0.001}, func(l *resilience.Limiter) { l.Allow() }},
		{"wait/token there", plenty, func(l *resilience.Limiter) { _ = l.Wait(ctx) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			l := mustLimiter(b, bc.s)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bc.call(l)
				}
			})
		})
	}
}
