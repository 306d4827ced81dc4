package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func mustBulkhead(tb testing.TB, s resilience.BulkheadSettings) *resilience.Bulkhead {
	tb.Helper()
	b, err := resilience.NewBulkhead(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestBulkheadBoundsAndOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBulkhead(t, resilience.BulkheadSettings{Name: "db", MaxConcurrent: 2, MaxQueue: 3})
		var ended notes
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 7 {
			wg.Go(func() {
				err := b.Run(t.Context(), func(context.Context) error {
					time.Sleep(time.Duration(10+i) * time.Second)
					return nil
				})
				what := "ended"
				if errors.Is(err, resilience.ErrBulkheadFull) {
					what = "refused"
				}
				ended.add(i, what, time.Since(start))
			})
			synctest.Wait()
		}
		if b.InUse() != 2 || b.Waiting() != 3 {
			t.Errorf("%d in use, %d waiting; want 2, 3", b.InUse(), b.Waiting())
		}
		wg.Wait()
		ended.want(t, "5 refused 0s", "6 refused 0s", "0 ended 10s", "1 ended 11s", "2 ended 22s", "3 ended 24s", "4 ended 36s")
		if b.InUse() != 0 || b.Waiting() != 0 {
			t.Errorf("%d in use, %d waiting at the end", b.InUse(), b.Waiting())
		}
	})
}

func TestBulkheadWaitEndsWithContextOrMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustBulkhead(t, resilience.BulkheadSettings{Name: "db", MaxConcurrent: 1, MaxQueue: 2, MaxWait: 5 * time.Second})
		if !b.TryAcquire() || b.TryAcquire() {
			t.Fatal("one place, and one only")
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := b.Run(ctx, succeeding); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v, want DeadlineExceeded after 2s", time.Since(start), err)
		}
		start = time.Now()
		err := b.Run(t.Context(), succeeding)
		if !errors.Is(err, resilience.ErrBulkheadFull) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v, want ErrBulkheadFull after 5s", time.Since(start), err)
		}
		if got, want := err.Error(), `bulkhead "db" is full: 1 at once and 2 waiting are allowed, for 5s`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if resilience.Retryable(err) {
			t.Error("a full bulkhead is not worth a retry")
		}
		if b.Waiting() != 0 {
			t.Errorf("%d waiting, want none", b.Waiting())
		}
		b.Release()
		cancel()
		if err := b.Run(ctx, succeeding); err == nil {
			t.Error("Run with a done context succeeded")
		}
	})
}

func TestBulkheadPanicGivesThePlaceBack(t *testing.T) {
	b := mustBulkhead(t, resilience.BulkheadSettings{MaxConcurrent: 1})
	func() {
		defer func() {
			if got := recover(); got != "at the disco" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = b.Run(t.Context(), func(context.Context) error { panic("at the disco") })
	}()
	if b.InUse() != 0 {
		t.Errorf("%d in use", b.InUse())
	}
	defer func() {
		if recover() == nil {
			t.Error("Release without Acquire did not panic")
		}
	}()
	b.Release()
}

// Whatever comes, goes, gives up and ends, in whatever order: the bulkhead is a number and a queue.
func TestBulkheadFollowsItsModel(t *testing.T) {
	type caller struct {
		id     int
		cancel context.CancelFunc
	}
	checkInBubbles(t, 10, func(t *rapid.T) {
		places := rapid.IntRange(1, 3).Draw(t, "places")
		room := rapid.IntRange(0, 3).Draw(t, "room")
		b, err := resilience.NewBulkhead(resilience.BulkheadSettings{MaxConcurrent: places, MaxQueue: room})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		defer synctest.Wait()
		defer stop()
		var running, waiting []caller // the model
		var mu sync.Mutex
		outcome := map[int]string{}
		next := 0
		admit := func() {
			for len(running) < places && len(waiting) > 0 {
				running, waiting = append(running, waiting[0]), waiting[1:]
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				c := caller{id: next}
				next++
				callerCtx, cancel := context.WithCancel(ctx)
				c.cancel = cancel
				want := ""
				switch {
				case len(running) < places && len(waiting) == 0:
					running = append(running, c)
					want = "in"
				case len(waiting) < room:
					waiting = append(waiting, c)
				default:
					want = "refused"
				}
				go func() {
					err := b.Acquire(callerCtx)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						outcome[c.id] = "in"
					case errors.Is(err, resilience.ErrBulkheadFull):
						outcome[c.id] = "refused"
					}
				}()
				synctest.Wait()
				if outcome[c.id] != want {
					t.Fatalf("caller %d: %q, want %q", c.id, outcome[c.id], want)
				}
			},
			"end": func(t *rapid.T) {
				if len(running) == 0 {
					return
				}
				running = running[1:]
				b.Release()
				admit()
			},
			"give up": func(t *rapid.T) {
				if len(waiting) == 0 {
					return
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(t, "waiter")
				waiting[i].cancel()
				waiting = append(waiting[:i:i], waiting[i+1:]...)
			},
			"": func(t *rapid.T) {
				synctest.Wait()
				if b.InUse() != len(running) || b.Waiting() != len(waiting) {
					t.Fatalf("%d in use, %d waiting; want %d, %d", b.InUse(), b.Waiting(), len(running), len(waiting))
				}
				for _, c := range running {
					if outcome[c.id] != "in" {
						t.Fatalf("caller %d is not in", c.id)
					}
				}
			},
		})
	})
}

func TestBulkheadStress(t *testing.T) {
	const places = 4
	b := mustBulkhead(t, resilience.BulkheadSettings{MaxConcurrent: places, MaxQueue: 8})
	var running, most atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					go cancel()
				}
				_ = b.Run(ctx, func(context.Context) error {
					n := running.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					running.Add(-1)
					return nil
				})
				cancel()
			}
		})
	}
	wg.Wait()
	if most.Load() > places || b.InUse() != 0 || b.Waiting() != 0 {
		t.Errorf("%d at once, want at most %d; %d in use and %d waiting at the end", most.Load(), places, b.InUse(), b.Waiting())
	}
}

func TestBulkheadObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		b := mustBulkhead(t, resilience.BulkheadSettings{Name: "db", MaxConcurrent: 1, MaxQueue: 1, MaxWait: time.Second, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) {
				seen.add(e.Kind, e.Policy, e.Reason)
			})})
		b.TryAcquire()
		go func() { _ = b.Acquire(t.Context()) }()
		synctest.Wait()
		_ = b.Acquire(t.Context())
		time.Sleep(time.Second)
		synctest.Wait()
		seen.want(t, "wait db", "rejected db full", "rejected db wait")
	})
}

func TestBulkheadDoesNotAllocate(t *testing.T) {
	b := mustBulkhead(t, resilience.BulkheadSettings{MaxConcurrent: 1})
	run := func() { _ = b.Run(context.Background(), succeeding) }
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations for a place, want 0", n)
	}
	b.TryAcquire()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations for a refusal, want 0", n)
	}
}

func TestBulkheadSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.BulkheadSettings
		want string
	}{
		{resilience.BulkheadSettings{}, "BulkheadSettings.MaxConcurrent: got 0, want 1 to 1000000"},
		{resilience.BulkheadSettings{MaxConcurrent: 1, MaxQueue: -1}, "BulkheadSettings.MaxQueue: got -1, want 0 (nobody waits) to 1000000"},
		{resilience.BulkheadSettings{MaxConcurrent: 1, MaxWait: -1}, "BulkheadSettings.MaxWait: got -1ns, want 0 (no bound) or more"},
	} {
		_, err := resilience.NewBulkhead(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}

// Two at a time, and nobody waits.
func ExampleBulkhead() {
	bulkhead, err := resilience.NewBulkhead(resilience.BulkheadSettings{Name: "reports", MaxConcurrent: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	var nested func(context.Context) error
	depth := 0
	nested = func(ctx context.Context) error {
		depth++
		return bulkhead.Run(ctx, nested)
	}
	err = bulkhead.Run(context.Background(), nested)
	fmt.Println(depth, errors.Is(err, resilience.ErrBulkheadFull))
	fmt.Println(err)
	// Output:
	// 2 true
	// bulkhead "reports" is full: 2 at once and 0 waiting are allowed
}

// Places for what does not fit into a function, such as a connection that is handed on.
func ExampleBulkhead_Acquire() {
	bulkhead, err := resilience.NewBulkhead(resilience.BulkheadSettings{MaxConcurrent: 1, MaxQueue: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := bulkhead.Acquire(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bulkhead.InUse(), bulkhead.TryAcquire())
	bulkhead.Release()
	fmt.Println(bulkhead.InUse())
	// Output:
	// 1 false
	// 0
}

func BenchmarkBulkhead(b *testing.B) {
	ctx := context.Background()
	for _, bc := range []struct {
		name string
		call func(*resilience.Bulkhead)
	}{
		{"acquire and release", func(b *resilience.Bulkhead) {
			if b.TryAcquire() {
				b.Release()
			}
		}},
		{"run", func(b *resilience.Bulkhead) { _ = b.Run(ctx, succeeding) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			bulkhead := mustBulkhead(b, resilience.BulkheadSettings{MaxConcurrent: 1000})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bc.call(bulkhead)
				}
			})
		})
	}
}
