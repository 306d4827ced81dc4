package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func mustHedge(tb testing.TB, s resilience.HedgeSettings) *resilience.Hedge {
	tb.Helper()
	h, err := resilience.NewHedge(s)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// attempts is a function whose n-th run takes and returns what the n-th entry says, unless its context ends before.
type attempts struct {
	n    atomic.Int32
	list []attempt
	log  notes
}

type attempt struct {
	takes time.Duration
	err   error
	deaf  bool // does not look at its context
}

func (a *attempts) run(ctx context.Context) (int, error) {
	n := int(a.n.Add(1))
	do := a.list[n-1]
	if do.deaf {
		time.Sleep(do.takes)
		return n, do.err
	}
	select {
	case <-time.After(do.takes):
		return n, do.err
	case <-ctx.Done():
		a.log.add(n, "cancelled")
		return -n, ctx.Err()
	}
}

func TestHedge(t *testing.T) {
	errFirst, errSecond := errors.New("first"), errors.New("second")
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		s      resilience.HedgeSettings
		list   []attempt
		want   int
		err    error
		took   time.Duration
		starts int32
		log    []string
	}{
		{name: "first in time: no copy", list: []attempt{{takes: 99 * ms}}, want: 1, took: 99 * ms, starts: 1},
		{name: "first fails in time: no copy", list: []attempt{{takes: 99 * ms, err: errFirst}}, want: 1, err: errFirst, took: 99 * ms, starts: 1},
		{name: "copy wins, first is cancelled", list: []attempt{{takes: time.Hour}, {takes: 20 * ms}}, want: 2, took: 120 * ms, starts: 2, log: []string{"1 cancelled"}},
		{name: "first wins, copy is cancelled", list: []attempt{{takes: 130 * ms}, {takes: time.Hour}}, want: 1, took: 130 * ms, starts: 2, log: []string{"2 cancelled"}},
		{name: "first fails late, copy wins", list: []attempt{{takes: 110 * ms, err: errFirst}, {takes: 50 * ms}}, want: 2, took: 150 * ms, starts: 2},
		{name: "copy fails, first wins", list: []attempt{{takes: 150 * ms}, {takes: 10 * ms, err: errSecond}}, want: 1, took: 150 * ms, starts: 2},
		{name: "both fail: the first's error", list: []attempt{{takes: 110 * ms, err: errFirst}, {takes: 50 * ms, err: errSecond}}, want: 1, err: errFirst, took: 150 * ms, starts: 2},
		{name: "second copy wins", s: resilience.HedgeSettings{MaxCopies: 2}, list: []attempt{{takes: time.Hour}, {takes: time.Hour}, {takes: 5 * ms}}, want: 3, took: 205 * ms, starts: 3},
		{name: "no delay", s: resilience.HedgeSettings{DelayFunc: func() time.Duration { return 0 }}, list: []attempt{{takes: time.Hour}, {takes: ms}}, want: 2, took: ms, starts: 2, log: []string{"1 cancelled"}},
		{name: "no copy of this one", s: resilience.HedgeSettings{DelayFunc: func() time.Duration { return -1 }}, list: []attempt{{takes: time.Hour}}, want: 1, took: time.Hour, starts: 1},
		{name: "both succeed: the copy came first", list: []attempt{{takes: 130 * ms, deaf: true}, {takes: 10 * ms}}, want: 2, took: 130 * ms, starts: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.s.Delay = 100 * ms
				h := mustHedge(t, c.s)
				for range 3 { // what one run leaves behind must not be seen in the next
					a := &attempts{list: c.list}
					start := time.Now()
					got, err := resilience.Do(t.Context(), a.run, h)
					if got != c.want || !errors.Is(err, c.err) || time.Since(start) != c.took {
						t.Errorf("got %d, %v after %v; want %d, %v after %v", got, err, time.Since(start), c.want, c.err, c.took)
					}
					synctest.Wait()
					if got := a.n.Load(); got != c.starts {
						t.Errorf("%d attempts, want %d", got, c.starts)
					}
					if c.log != nil {
						a.log.want(t, c.log...)
					}
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

// The delay follows the latency, up and down, and only the slow ones are asked again.
func TestHedgeQuantile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second, Quantile: 0.95})
		round := func(unit time.Duration) (copies int) {
			for i := range 20_000 {
				takes := unit + time.Duration(i%100)*unit/100 // evenly from unit to twice that
				a := &attempts{list: []attempt{{takes: takes}, {takes: time.Hour}}}
				if got, err := resilience.Do(t.Context(), a.run, h); got != 1 || err != nil {
					t.Fatalf("got %d, %v", got, err)
				}
				if i >= 10_000 {
					copies += int(a.n.Load()) - 1
				}
			}
			return copies
		}
		for _, unit := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Millisecond} {
			// The true quantile is at 195 hundredths; the estimate is the end of its class, at most an eighth above.
			if copies := round(unit); copies > 600 {
				t.Errorf("around %v: %d copies of 10000 operations, want at most 6%%", unit, copies)
			}
		}
		slow := &attempts{list: []attempt{{takes: time.Hour}, {takes: 0}}}
		start := time.Now()
		if got, err := resilience.Do(t.Context(), slow.run, h); got != 2 || err != nil {
			t.Fatalf("got %d, %v; want the copy's", got, err)
		}
		if d := time.Since(start); d < 1950*time.Microsecond || d > 1950*time.Microsecond*9/8 {
			t.Errorf("a copy after %v, want 1.95ms to an eighth more", d)
		}
	})
}

func TestHedgeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a := &attempts{list: []attempt{{takes: time.Minute}, {takes: time.Hour}}}
		start := time.Now()
		_, err := resilience.Do(ctx, a.run, h)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v, want DeadlineExceeded after 5s", err, time.Since(start))
		}
		// The first attempt has failed; the copy does not look at its context, and the caller does not wait for it.
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a = &attempts{list: []attempt{{takes: 2 * time.Second, err: errBoom}, {takes: time.Hour, deaf: true}}}
		start = time.Now()
		if _, err := resilience.Do(ctx, a.run, h); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v, want DeadlineExceeded after 5s", err, time.Since(start))
		}
		if err := h.Run(ctx, succeeding); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a done context: %v", err)
		}
		time.Sleep(time.Hour) // the deaf one ends
	})
}

// The winner's context ends with Run, or when it is released, and a loser's as soon as it has lost.
func TestHedgeHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second})
		type reply struct {
			ctx     context.Context
			release func()
		}
		call := func(hold bool, takes ...time.Duration) (reply, []context.Context) {
			var n atomic.Int32
			all := make([]context.Context, len(takes))
			r, err := resilience.Do(t.Context(), func(ctx context.Context) (reply, error) {
				i := n.Add(1) - 1
				all[i] = ctx
				inner, cancel := context.WithCancel(ctx)
				defer cancel()
				r := reply{ctx: ctx, release: func() {}}
				if hold {
					r.release = resilience.Hold(inner)
				}
				select {
				case <-time.After(takes[i]):
					return r, nil
				case <-ctx.Done():
					return r, ctx.Err()
				}
			}, h)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return r, all
		}
		for _, takes := range [][]time.Duration{{0}, {time.Hour, 0}, {2 * time.Second, time.Hour}} {
			r, _ := call(false, takes...)
			if r.ctx.Err() == nil {
				t.Errorf("%v: the winner's context is alive though nobody holds it", takes)
			}
			r, all := call(true, takes...)
			alive := 0
			for _, ctx := range all {
				if ctx.Err() == nil {
					alive++
				}
			}
			if r.ctx.Err() != nil || alive != 1 {
				t.Errorf("%v: the winner's context is %v, %d are alive; want only the winner's", takes, r.ctx.Err(), alive)
			}
			r.release()
			if r.ctx.Err() == nil {
				t.Errorf("%v: the context is alive after release", takes)
			}
		}
		resilience.Hold(t.Context())() // outside of a hedge: nothing
	})
}

// A failure that is the operation's may need its context, too: the answer 503 has a body. What failed beside it does not.
func TestHedgeHoldOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second})
		failed := errors.New("failed")
		var ends [2]context.Context
		var releases [2]func()
		err := h.Run(t.Context(), func(ctx context.Context) error {
			i := resilience.HedgeNumber(ctx) - 1
			ends[i], releases[i] = ctx, resilience.Hold(ctx)
			time.Sleep(1500 * time.Millisecond)
			return failed
		})
		synctest.Wait()
		if err != failed || ends[0].Err() != nil || ends[1].Err() == nil {
			t.Errorf("%v; the first's context is %v, the copy's %v; want it alive, and over", err, ends[0].Err(), ends[1].Err())
		}
		releases[0]()
		if ends[0].Err() == nil {
			t.Error("the context is alive after release")
		}
	})
}

func TestHedgeNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second, MaxCopies: 2})
		var numbers [3]atomic.Int32 // by second of the start
		start := time.Now()
		_, err := resilience.Do(t.Context(), func(ctx context.Context) (int, error) {
			numbers[time.Since(start)/time.Second].Store(int32(resilience.HedgeNumber(ctx)))
			time.Sleep(10 * time.Second)
			return 1, nil
		}, h)
		time.Sleep(time.Minute) // the copies end, too
		if err != nil || numbers[0].Load() != 1 || numbers[1].Load() != 2 || numbers[2].Load() != 3 || resilience.HedgeNumber(t.Context()) != 0 {
			t.Errorf("%v: numbers %d, %d, %d", err, numbers[0].Load(), numbers[1].Load(), numbers[2].Load())
		}
	})
}

// What succeeded too late is handed over to be closed, whoever it was.
func TestHedgeDiscardsLateResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var discarded notes
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second, Discard: func(r resilience.Result) {
			n, _ := resilience.ResultOf[int](r)
			discarded.add(n)
		}})
		a := &attempts{list: []attempt{{takes: 3 * time.Second, deaf: true}, {takes: time.Second}}}
		if got, err := resilience.Do(t.Context(), a.run, h); got != 2 || err != nil {
			t.Errorf("got %d, %v; want 2", got, err)
		}
		a = &attempts{list: []attempt{{takes: 2 * time.Second}, {takes: 3 * time.Second, deaf: true}}}
		if got, err := resilience.Do(t.Context(), a.run, h); got != 1 || err != nil {
			t.Errorf("got %d, %v; want 1", got, err)
		}
		time.Sleep(time.Minute)
		discarded.want(t, "1", "2")
	})
}

func TestHedgeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, err := resilience.NewBudget(resilience.BudgetSettings{Tokens: 2, PerCall: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second, Budget: budget})
		copies := 0
		for range 100 {
			a := &attempts{list: []attempt{{takes: 2 * time.Second}, {takes: time.Hour}}}
			if got, err := resilience.Do(t.Context(), a.run, h); got != 1 || err != nil {
				t.Fatalf("got %d, %v; want the first attempt's", got, err)
			}
			copies += int(a.n.Load()) - 1
		}
		if copies < 10 || copies > 12 {
			t.Errorf("%d copies of 100 operations, want 10 to 12: 2 saved and a tenth of the calls", copies)
		}
	})
}

func TestHedgePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mustHedge(t, resilience.HedgeSettings{Delay: time.Second})
		run := func(first, second func(context.Context) error) (panicked any, err error) {
			defer func() { panicked = recover() }()
			var n atomic.Int32
			err = h.Run(t.Context(), func(ctx context.Context) error {
				if n.Add(1) == 1 {
					return first(ctx)
				}
				return second(ctx)
			})
			return nil, err
		}
		untilDone := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		disco := func(context.Context) error { panic("at the disco") }
		if p, _ := run(disco, succeeding); p != "at the disco" {
			t.Errorf("first attempt: recovered %v", p)
		}
		if p, _ := run(untilDone, disco); p != "at the disco" {
			t.Errorf("copy: recovered %v", p)
		}
		late := func(context.Context) error { time.Sleep(2 * time.Second); panic("at the disco") }
		if p, _ := run(late, untilDone); p != "at the disco" {
			t.Errorf("first attempt beside a copy: recovered %v", p)
		}
		slow := func(context.Context) error { time.Sleep(3 * time.Second); return errBoom }
		exits := func(context.Context) error { runtime.Goexit(); return nil }
		if p, err := run(slow, exits); p != nil || !errors.Is(err, errBoom) {
			t.Errorf("a copy that ends its goroutine: recovered %v, %v; want the first's error", p, err)
		}
	})
}

func TestHedgeObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		h := mustHedge(t, resilience.HedgeSettings{Name: "search", Delay: time.Second, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) { seen.add(e.Kind, e.Policy, e.Attempt, e.Delay) })})
		for _, list := range [][]attempt{{{}}, {{takes: time.Hour}, {}}, {{takes: 2 * time.Second}, {takes: time.Hour}}} {
			if _, err := resilience.Do(t.Context(), (&attempts{list: list}).run, h); err != nil {
				t.Error(err)
			}
		}
		seen.want(t, "hedge search 2 1s", "hedge_won search 2 0s", "hedge search 2 1s", "hedge_won search 1 0s")
	})
}

// Many at once, each with a result of its own, in real time and under the race detector.
func TestHedgeStress(t *testing.T) {
	h := mustHedge(t, resilience.HedgeSettings{Delay: 50 * time.Microsecond, MaxCopies: 3})
	done := make(chan error)
	const goroutines = 8
	for g := range goroutines {
		go func() {
			for i := range 300 {
				want := g*1000 + i
				got, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
					select {
					case <-time.After(time.Duration(i%7) * 20 * time.Microsecond):
						return want, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				}, h)
				if got != want || err != nil {
					done <- fmt.Errorf("got %d, %v; want %d", got, err, want)
					return
				}
			}
			done <- nil
		}()
	}
	for range goroutines {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestHedgeSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.HedgeSettings
		want string
	}{
		{resilience.HedgeSettings{}, "HedgeSettings.Delay: got 0s, want above 0, or a DelayFunc"},
		{resilience.HedgeSettings{Delay: 1, Quantile: 95}, "HedgeSettings.Quantile: got 95, want 0 (Delay is the delay), or 0.5 to below 1"},
		{resilience.HedgeSettings{Delay: 1, MaxCopies: 11}, "HedgeSettings.MaxCopies: got 11, want 0 (which is 1) to 10"},
	} {
		_, err := resilience.NewHedge(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}

// The first answer does not come, so the question is asked again.
func ExampleHedge() {
	hedge, err := resilience.NewHedge(resilience.HedgeSettings{Delay: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	var asked atomic.Int32
	answer, err := resilience.Do(context.Background(), func(ctx context.Context) (string, error) {
		if asked.Add(1) == 1 {
			<-ctx.Done() // a server that has forgotten us
			return "", ctx.Err()
		}
		return "answer of the copy", nil
	}, hedge)
	fmt.Println(answer, err)
	// Output: answer of the copy <nil>
}

func BenchmarkHedge(b *testing.B) {
	h := mustHedge(b, resilience.HedgeSettings{Delay: time.Minute})
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = h.Run(ctx, succeeding)
		}
	})
}

// A result that needs the context of its attempt, such as a body that is still to be read, holds it until it is closed.
func ExampleHold() {
	hedge, err := resilience.NewHedge(resilience.HedgeSettings{Delay: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	type body struct {
		ctx   context.Context
		close func()
	}
	b, err := resilience.Do(context.Background(), func(ctx context.Context) (body, error) {
		return body{ctx: ctx, close: resilience.Hold(ctx)}, nil
	}, hedge)
	fmt.Println(b.ctx.Err(), err)
	b.close()
	fmt.Println(b.ctx.Err())
	// Output:
	// <nil> <nil>
	// context canceled
}

// A class of durations ends above every duration in it, by an eighth at most.
func TestQuantileClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(8, 1<<62).Draw(t, "d"))
		if bound := resilience.QuantileBound(d); bound <= d || bound-d > d/8+1 {
			t.Fatalf("%d is in a class that ends at %d", d, bound)
		}
	})
}
