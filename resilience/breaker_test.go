package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

var errBoom = errors.New("boom")

func failing(context.Context) error    { return errBoom }
func succeeding(context.Context) error { return nil }

// fail makes n calls fail.
func fail(b *resilience.Breaker, n int) {
	for range n {
		_ = b.Run(context.Background(), failing)
	}
}

func wantState(t *testing.T, b *resilience.Breaker, want resilience.BreakerState) {
	t.Helper()
	if got := b.State(); got != want {
		t.Fatalf("state %v, want %v", got, want)
	}
}

func TestBreakerZeroSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{})
		fail(b, resilience.DefaultConsecutiveFailures-1)
		wantState(t, b, resilience.StateClosed)
		_ = b.Run(t.Context(), succeeding)
		fail(b, resilience.DefaultConsecutiveFailures-1)
		wantState(t, b, resilience.StateClosed)
		fail(b, 1)
		wantState(t, b, resilience.StateOpen)

		time.Sleep(resilience.DefaultOpenFor - 1)
		called := false
		err := b.Run(t.Context(), func(context.Context) error { called = true; return nil })
		if !errors.Is(err, resilience.ErrOpen) || called {
			t.Errorf("1 ns before the end of the break: err %v, called %v; want ErrOpen, not called", err, called)
		}
		time.Sleep(time.Nanosecond)
		if err := b.Run(t.Context(), succeeding); err != nil {
			t.Errorf("at the end of the break: %v", err)
		}
		wantState(t, b, resilience.StateClosed)
	})
}

// The end of a break shows without a call.
func TestBreakerHalfOpensByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		b := mustBreaker(t, resilience.BreakerSettings{OpenFor: time.Minute, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) { seen.add(e.From+">"+e.To, e.Reason) })})
		b.Trip()
		time.Sleep(time.Minute)
		synctest.Wait()
		seen.want(t, "closed>open manual", "open>half-open break over")
	})
}

// A probe that hangs keeps its place for its lease only, and what it says in the end counts nowhere.
func TestBreakerHungProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{OpenFor: 10 * time.Second, ProbeLease: 3 * time.Second})
		b.Trip()
		time.Sleep(10 * time.Second)
		hung, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Second - 1)
		if _, err := b.Acquire(t.Context()); !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("second call within the lease of the first: %v, want ErrOpen", err)
		}
		time.Sleep(time.Nanosecond)
		next, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatalf("after the lease: %v", err)
		}
		hung.Done(resilience.OutcomeFailure)
		wantState(t, b, resilience.StateHalfOpen)
		next.Done(resilience.OutcomeSuccess)
		wantState(t, b, resilience.StateClosed)
		hung.Done(resilience.OutcomeFailure)
		if c := b.Counts(); c != (resilience.BreakerCounts{}) {
			t.Errorf("counts %+v, want none", c)
		}
	})
}

func TestBreakerAdmitsExactlyTheProbes(t *testing.T) {
	for _, probes := range []int{1, 3, 10} {
		synctest.Test(t, func(t *testing.T) {
			b := mustBreaker(t, resilience.BreakerSettings{Probes: probes})
			b.Trip()
			time.Sleep(resilience.DefaultOpenFor)
			release := make(chan struct{})
			var mu sync.Mutex
			admitted, refused := 0, 0
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					err := b.Run(context.Background(), func(context.Context) error {
						mu.Lock()
						admitted++
						mu.Unlock()
						<-release
						return nil
					})
					if errors.Is(err, resilience.ErrOpen) {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
			if admitted != probes || refused != 200-probes {
				t.Errorf("of 200 calls %d were admitted and %d refused, want %d and %d", admitted, refused, probes, 200-probes)
			}
			if c := b.Counts(); c.Probes != probes {
				t.Errorf("%d probes under way, want %d", c.Probes, probes)
			}
			close(release)
			wg.Wait()
			wantState(t, b, resilience.StateClosed)
		})
	}
}

// Calls that began before the trip end while the breaker is half-open, and after it has closed again.
func TestBreakerIgnoresEarlierGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{FailureRate: 0.5, MinCalls: 1})
		var old []resilience.Permit
		for range 51 {
			p, err := b.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			old = append(old, p)
		}
		fail(b, 1)
		wantState(t, b, resilience.StateOpen)
		time.Sleep(resilience.DefaultOpenFor)
		probe, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range old[:50] {
			p.Done(resilience.OutcomeSuccess)
		}
		wantState(t, b, resilience.StateHalfOpen)
		probe.Done(resilience.OutcomeSuccess)
		wantState(t, b, resilience.StateClosed)
		old[50].Done(resilience.OutcomeFailure)
		wantState(t, b, resilience.StateClosed)
		if c := b.Counts(); c.Calls != 0 {
			t.Errorf("%d calls in the new window, want 0", c.Calls)
		}
	})
}

func TestBreakerCancellationsAreNeutral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{ConsecutiveFailures: 3})
		cancelled := func() error {
			ctx, cancel := context.WithCancel(t.Context())
			return b.Run(ctx, func(context.Context) error { cancel(); return errBoom })
		}
		for range 6 {
			if err := cancelled(); !errors.Is(err, errBoom) {
				t.Fatal(err)
			}
			_ = b.Run(t.Context(), func(context.Context) error { return fmt.Errorf("query: %w", context.Canceled) })
		}
		wantState(t, b, resilience.StateClosed)
		b.Trip()
		time.Sleep(resilience.DefaultOpenFor)
		for range 3 { // each gives the one place for a probe back
			_ = cancelled()
			wantState(t, b, resilience.StateHalfOpen)
		}
		_ = b.Run(t.Context(), succeeding)
		wantState(t, b, resilience.StateClosed)

		fail(b, 2)
		_ = b.Run(t.Context(), func(context.Context) error { return context.DeadlineExceeded })
		wantState(t, b, resilience.StateOpen) // a timeout is a failure
	})
}

func TestBreakerHighThresholdNeverOpensBelowIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []resilience.BreakerSettings{
			{FailureRate: 0.9, MinCalls: 20},
			{FailureRate: 0.9, MinCalls: 20, WindowCalls: 100},
		} {
			b := mustBreaker(t, s)
			for i := range 2000 {
				if i%4 == 3 {
					fail(b, 1)
				} else {
					_ = b.Run(t.Context(), succeeding)
				}
				wantState(t, b, resilience.StateClosed)
				time.Sleep(7 * time.Millisecond)
			}
		}
	})
}

func TestBreakerFailedProbeOpensForAWholeBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{OpenFor: time.Second, MaxOpenFor: 5 * time.Second, Probes: 2})
		b.Trip()
		for _, want := range []time.Duration{1, 2, 4, 5, 5} {
			want *= time.Second
			if got := breakLeft(t, b); got != want {
				t.Fatalf("break of %v, want %v", got, want)
			}
			time.Sleep(want)
			good, err := b.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fail(b, 1) // the other probe
			wantState(t, b, resilience.StateOpen)
			good.Done(resilience.OutcomeSuccess)
			wantState(t, b, resilience.StateOpen)
		}
		b.Reset()
		b.Trip()
		if got := breakLeft(t, b); got != time.Second {
			t.Errorf("break of %v after a reset, want 1s", got)
		}
	})
}

func breakLeft(t *testing.T, b *resilience.Breaker) time.Duration {
	t.Helper()
	err := b.Run(t.Context(), succeeding)
	var open *resilience.OpenError
	if !errors.As(err, &open) {
		t.Fatalf("Run: %v, want an OpenError", err)
	}
	return open.RetryAfter()
}

func TestBreakerJitterOnlyLengthens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{OpenFor: time.Second, OpenJitter: 0.5, Seed: 1})
		distinct := map[time.Duration]bool{}
		for range 100 {
			b.Reset()
			b.Trip()
			d := breakLeft(t, b)
			if d < time.Second || d >= 1500*time.Millisecond {
				t.Fatalf("break of %v, want 1s to 1.5s", d)
			}
			distinct[d] = true
		}
		if len(distinct) < 90 {
			t.Errorf("%d distinct breaks in 100", len(distinct))
		}
	})
}

func TestBreakerSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{SlowRate: 0.5, SlowCall: time.Second, MinCalls: 4, Window: time.Minute})
		call := func(d time.Duration) {
			_ = b.Run(t.Context(), func(context.Context) error { time.Sleep(d); return nil })
		}
		call(time.Second - 1)
		call(time.Second - 1)
		call(time.Second)
		wantState(t, b, resilience.StateClosed)
		call(time.Second)
		wantState(t, b, resilience.StateOpen)
		time.Sleep(resilience.DefaultOpenFor)
		call(time.Second) // a slow probe
		wantState(t, b, resilience.StateOpen)
		time.Sleep(resilience.DefaultOpenFor)
		call(0)
		wantState(t, b, resilience.StateClosed)
	})
}

// A window forgets what is as old as itself and a tenth at the latest, however long the breaker was idle in between.
func TestBreakerWindowForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{FailureRate: 0.5, MinCalls: 5, Window: 10 * time.Second})
		fail(b, 4)
		time.Sleep(10 * time.Second)
		if c := b.Counts(); c.Failures != 4 {
			t.Errorf("%d failures at the age of the window, want 4", c.Failures)
		}
		time.Sleep(time.Nanosecond)
		if c := b.Counts(); c.Failures != 0 {
			t.Errorf("%d failures beyond the window, want 0", c.Failures)
		}
		fail(b, 4)
		time.Sleep(time.Hour)
		fail(b, 4)
		wantState(t, b, resilience.StateClosed)
		fail(b, 1)
		wantState(t, b, resilience.StateOpen)
	})
}

// Many goroutines hit the same counter; none of their results is lost over the slices.
func TestBreakerLosesNoResult(t *testing.T) {
	b := mustBreaker(t, resilience.BreakerSettings{FailureRate: 1, MinCalls: 1, Window: time.Hour})
	const goroutines, calls = 8, 20000
	var wg sync.WaitGroup
	_ = b.Run(t.Context(), succeeding)
	for range goroutines {
		wg.Go(func() {
			for i := range calls {
				if i%10 == 0 {
					fail(b, 1)
				} else {
					_ = b.Run(context.Background(), succeeding)
				}
			}
		})
	}
	wg.Wait()
	c := b.Counts()
	if c.Calls != goroutines*calls+1 || c.Failures != goroutines*calls/10 {
		t.Errorf("calls %d, failures %d; want %d, %d", c.Calls, c.Failures, goroutines*calls+1, goroutines*calls/10)
	}
}

func TestBreakerPanicIsAFailureAndPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{ConsecutiveFailures: 2})
		func() {
			defer func() {
				if got := recover(); got != "at the disco" {
					t.Errorf("recovered %v", got)
				}
			}()
			_ = b.Run(t.Context(), func(context.Context) error { panic("at the disco") })
		}()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = b.Run(t.Context(), func(context.Context) error { runtime.Goexit(); return nil })
		}()
		<-done
		wantState(t, b, resilience.StateOpen)
	})
}

// A panic of the functions that read an outcome gives the place of the probe back.
func TestBreakerPanicOfClassify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{OpenFor: time.Second, Classify: func(error) resilience.Outcome { panic("at the disco") }})
		b.Trip()
		time.Sleep(time.Second)
		func() {
			defer func() { _ = recover() }()
			fail(b, 1)
		}()
		wantState(t, b, resilience.StateOpen)
	})
}

// The timer of the window runs while there are calls, and no longer than that: it would keep a bubble from ever coming to rest.
func TestBreakerTimerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{FailureRate: 0.5, Window: 10 * time.Second})
		for i := range 3 {
			if resilience.TimerRuns(b) {
				t.Fatalf("round %d: the timer runs before the first call", i)
			}
			for range 5 {
				_ = b.Run(t.Context(), succeeding)
				time.Sleep(900 * time.Millisecond)
				if !resilience.TimerRuns(b) {
					t.Fatalf("round %d: the timer does not run though there are calls", i)
				}
			}
			time.Sleep(2*time.Second + 2)
		}
		_ = b.Run(t.Context(), succeeding)
		b.Trip()
		if resilience.TimerRuns(b) {
			t.Error("the timer of the window runs while the breaker is open")
		}
	})
}

// Everything at once, under the race detector: nothing blocks, and no more probes than allowed are under way.
func TestBreakerStress(t *testing.T) {
	const probes = 2
	var seen notes
	b := mustBreaker(t, resilience.BreakerSettings{
		FailureRate: 0.5, SlowRate: 0.9, SlowCall: time.Minute, MinCalls: 5, Window: 10 * time.Millisecond,
		OpenFor: 100 * time.Microsecond, Probes: probes, ProbeLease: time.Minute,
		Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventStateChange {
				seen.add(e.From, e.To)
			}
		}),
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				switch {
				case g == 0 && i%100 == 0:
					b.Reset()
				case g == 1 && i%100 == 0:
					b.Trip()
				case i%5 == 0:
					if c := b.Counts(); c.Probes > probes {
						t.Errorf("%d probes under way, want at most %d", c.Probes, probes)
					}
				case i%3 == 0:
					_ = b.Run(context.Background(), failing)
				default:
					_ = b.Run(context.Background(), succeeding)
				}
			}
		})
	}
	wg.Wait()
	b.Reset() // no timer is left
	seen.mu.Lock()
	defer seen.mu.Unlock()
	state := "closed"
	for _, line := range seen.lines {
		var from, to string
		if _, err := fmt.Sscan(line, &from, &to); err != nil || from != state {
			t.Fatalf("%q follows %s", line, state)
		}
		state = to
	}
}

func TestBreakerByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{})
		b.Isolate()
		time.Sleep(time.Hour)
		err := b.Run(t.Context(), succeeding)
		var open *resilience.OpenError
		if !errors.As(err, &open) || open.State != resilience.StateIsolated {
			t.Errorf("isolated: %v", err)
		}
		if _, ok := open.RetryDelay(); ok {
			t.Error("isolation has no end, so no delay is known")
		}
		b.Disable()
		fail(b, 100)
		if err := b.Run(t.Context(), succeeding); err != nil {
			t.Errorf("disabled: %v", err)
		}
		wantState(t, b, resilience.StateDisabled)
		b.Reset()
		wantState(t, b, resilience.StateClosed)
	})
}

// An observer may read and change the breaker, and hears of everything in order.
func TestBreakerObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *resilience.Breaker
		var seen notes
		observer := resilience.ObserverFunc(func(ctx context.Context, e resilience.Event) {
			seen.add(e.Kind, e.Policy, e.From+">"+e.To, e.Reason, e.Delay, "now", b.State(), b.Counts().ConsecutiveFailures)
			if e.To == "open" && e.Reason == "consecutive failures" {
				b.Reset()
				b.Isolate()
			}
		})
		b = mustBreaker(t, resilience.BreakerSettings{Name: "bank", ConsecutiveFailures: 2, Observer: observer})
		fail(b, 3)
		seen.want(t,
			"state_change bank closed>open consecutive failures 30s now open 0",
			"state_change bank open>closed manual 0s now isolated 0",
			"state_change bank closed>isolated manual 0s now isolated 0",
			"rejected bank > isolated 0s now isolated 0")
	})
}

// Client errors are no failures of the service when Classify says so, results may be failures, and refusals of policies
// inside never are.
func TestBreakerClassification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errNotFound := errors.New("404")
		b := mustBreaker(t, resilience.BreakerSettings{
			ConsecutiveFailures: 3,
			Classify: func(err error) resilience.Outcome {
				if errors.Is(err, errNotFound) {
					return resilience.OutcomeSuccess
				}
				return resilience.ClassifyError(err)
			},
			FailedResult: resilience.ResultIf(func(status int) bool { return status >= 500 }),
		})
		for range 100 {
			_ = b.Run(t.Context(), func(context.Context) error { return errNotFound })
		}
		inner := mustBreaker(t, resilience.BreakerSettings{})
		inner.Isolate()
		for range 100 {
			_, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 200, nil }, b, inner)
			if !errors.Is(err, resilience.ErrOpen) {
				t.Fatal(err)
			}
		}
		wantState(t, b, resilience.StateClosed)
		for range 3 {
			status, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 503, nil }, b)
			if status != 503 || err != nil {
				t.Errorf("Do = %d, %v; want 503, nil", status, err)
			}
		}
		wantState(t, b, resilience.StateOpen)
	})
}

func TestBreakerDoneContextMakesNoCall(t *testing.T) {
	b := mustBreaker(t, resilience.BreakerSettings{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	called := false
	err := b.Run(ctx, func(context.Context) error { called = true; return nil })
	if _, acquired := b.Acquire(ctx); !errors.Is(err, context.Canceled) || !errors.Is(acquired, context.Canceled) || called {
		t.Errorf("Run %v, Acquire %v, called %v; want context.Canceled and no call", err, acquired, called)
	}
}

func TestOpenErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBreaker(t, resilience.BreakerSettings{Name: "bank", OpenFor: 10 * time.Second})
		b.Trip()
		err := b.Run(t.Context(), succeeding)
		time.Sleep(4 * time.Second)
		if got, want := err.Error(), `circuit breaker "bank" is open for another 6s`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if resilience.Retryable(err) {
			t.Error("an open breaker is not worth a retry")
		}
		time.Sleep(6 * time.Second)
		if _, err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = b.Run(t.Context(), succeeding)
		if got, want := err.Error(), `circuit breaker "bank" is half-open: probes are under way`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestBreakerDoesNotAllocate(t *testing.T) {
	for name, s := range map[string]resilience.BreakerSettings{
		"consecutive": {}, "rate": {FailureRate: 0.5}, "last calls": {FailureRate: 0.5, WindowCalls: 10},
		"slow": {SlowRate: 0.5, SlowCall: time.Minute},
	} {
		b := mustBreaker(t, s)
		for _, state := range []string{"closed", "open"} {
			if n := testing.AllocsPerRun(100, func() { _ = b.Run(context.Background(), succeeding) }); n != 0 {
				t.Errorf("%s, %s: %v allocations a call, want 0", name, state, n)
			}
			b.Trip()
		}
	}
}

func TestBreakerSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.BreakerSettings
		want string
	}{
		{resilience.BreakerSettings{ConsecutiveFailures: -1}, "BreakerSettings.ConsecutiveFailures: got -1, want 0 (the default) or more"},
		{resilience.BreakerSettings{FailureRate: 50}, "BreakerSettings.FailureRate: got 50, want 0 (not watched) to 1"},
		{resilience.BreakerSettings{SlowRate: 0.5}, "BreakerSettings.SlowCall: got 0s, want above 0 with SlowRate, and 0 without"},
		{resilience.BreakerSettings{SlowCall: 1}, "BreakerSettings.SlowCall: got 1ns, want above 0 with SlowRate, and 0 without"},
		{resilience.BreakerSettings{FailureRate: 1, MinCalls: 20, WindowCalls: 10}, "BreakerSettings.MinCalls: got 20, want 0 (the default) or more, and no more than WindowCalls"},
		{resilience.BreakerSettings{MaxOpenFor: time.Second}, "BreakerSettings.MaxOpenFor: got 1s, want 0 (no growth) or at least OpenFor"},
		{resilience.BreakerSettings{OpenJitter: 2}, "BreakerSettings.OpenJitter: got 2, want 0 to 1"},
		{resilience.BreakerSettings{Probes: -1}, "BreakerSettings.Probes: got -1, want 0 (the default) or more"},
	} {
		_, err := resilience.NewBreaker(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}
