package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func mustDedupe(tb testing.TB, s resilience.DedupeSettings) *resilience.Dedupe {
	tb.Helper()
	d, err := resilience.NewDedupe(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// claimed claims key, which must be free.
func claimed(t *testing.T, d *resilience.Dedupe, key string) *resilience.Claim {
	t.Helper()
	c, err := d.Claim(key)
	if err != nil {
		t.Fatalf("Claim(%q): %v", key, err)
	}
	return &c
}

func wantClaimError(t *testing.T, d *resilience.Dedupe, key string, want error) {
	t.Helper()
	if _, err := d.Claim(key); !errors.Is(err, want) {
		t.Fatalf("Claim(%q): got %v, want %v", key, err, want)
	}
}

func TestDedupeClaimCommitRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{TTL: time.Hour, Lease: time.Minute})
		c := claimed(t, d, "a")
		wantClaimError(t, d, "a", resilience.ErrInFlight)
		c.Release() // the work failed: it must be done again
		c = claimed(t, d, "a")
		if d.Seen("a") {
			t.Error("seen before it is done")
		}
		if err := c.Commit(); err != nil {
			t.Fatal(err)
		}
		wantClaimError(t, d, "a", resilience.ErrDuplicate)
		c.Release() // too late, and does nothing
		time.Sleep(time.Hour - 1)
		wantClaimError(t, d, "a", resilience.ErrDuplicate)
		if !d.Seen("a") || d.Seen("b") {
			t.Error("a is done, and b is not")
		}
		time.Sleep(time.Nanosecond)
		claimed(t, d, "a")
		if !d.Forget("a") || d.Forget("a") {
			t.Error("Forget drops it once")
		}
		claimed(t, d, "a")
	})
}

// A worker that crashed or hangs keeps its claim for the lease only, and cannot commit once another has it.
func TestDedupeLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{Lease: time.Minute})
		crashed := claimed(t, d, "a")
		time.Sleep(time.Minute - time.Millisecond)
		var inFlight *resilience.InFlightError
		if _, err := d.Claim("a"); !errors.As(err, &inFlight) || inFlight.Lease != time.Millisecond {
			t.Fatalf("within the lease: %v, want an InFlightError with 1ms left", err)
		}
		time.Sleep(time.Millisecond)
		second := claimed(t, d, "a")
		if err := crashed.Commit(); !errors.Is(err, resilience.ErrClaimLost) {
			t.Errorf("Commit of the first: %v, want ErrClaimLost", err)
		}
		crashed.Release()
		if err := crashed.Renew(); !errors.Is(err, resilience.ErrClaimLost) {
			t.Errorf("Renew of the first: %v, want ErrClaimLost", err)
		}
		for range 10 {
			time.Sleep(50 * time.Second)
			if err := second.Renew(); err != nil {
				t.Fatal(err)
			}
		}
		wantClaimError(t, d, "a", resilience.ErrInFlight)
		time.Sleep(2 * time.Minute)
		if err := second.Commit(); err != nil {
			t.Errorf("late, but nobody else has it: %v", err)
		}
		wantClaimError(t, d, "a", resilience.ErrDuplicate)
		var none resilience.Claim
		none.Release()
		if !errors.Is(none.Commit(), resilience.ErrClaimLost) || !errors.Is(none.Renew(), resilience.ErrClaimLost) {
			t.Error("the zero claim is not lost")
		}
	})
}

// Whatever is claimed, committed, released, renewed, forgotten and left: a plain map agrees.
func TestDedupeFollowsItsModel(t *testing.T) {
	type state struct {
		until time.Time
		done  bool
		owner int // of claims: its place in the list
	}
	checkInBubbles(t, 20, func(t *rapid.T) {
		const ttl, lease = 10 * time.Second, 3 * time.Second
		d, err := resilience.NewDedupe(resilience.DedupeSettings{TTL: ttl, Lease: lease})
		if err != nil {
			t.Fatal(err)
		}
		model := map[string]*state{}
		var claims []resilience.Claim
		var keys []string
		key := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(0, 12).Draw(t, "n")) })
		alive := func(k string) *state {
			if s := model[k]; s != nil && time.Now().Before(s.until) {
				return s
			}
			return nil
		}
		pick := func(t *rapid.T) (int, *state) {
			if len(claims) == 0 {
				return -1, nil
			}
			i := rapid.IntRange(0, len(claims)-1).Draw(t, "claim")
			s := model[keys[i]]
			if s == nil || s.done || s.owner != i {
				s = nil
			}
			return i, s
		}
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				k := key.Draw(t, "key")
				var want error
				if s := alive(k); s != nil && s.done {
					want = resilience.ErrDuplicate
				} else if s != nil {
					want = resilience.ErrInFlight
				}
				c, err := d.Claim(k)
				if !errors.Is(err, want) {
					t.Fatalf("Claim(%s): got %v, want %v", k, err, want)
				}
				if want == nil {
					model[k] = &state{until: time.Now().Add(lease), owner: len(claims)}
					claims, keys = append(claims, c), append(keys, k)
				}
			},
			"commit": func(t *rapid.T) {
				i, s := pick(t)
				if i < 0 {
					return
				}
				err := claims[i].Commit()
				// One whose lease has ended may have been dropped, or not.
				if overdue := s != nil && !time.Now().Before(s.until); !overdue && (err == nil) != (s != nil) {
					t.Fatalf("Commit of %s: %v", keys[i], err)
				}
				if err == nil {
					s.done, s.until = true, time.Now().Add(ttl)
				}
			},
			"renew": func(t *rapid.T) {
				i, s := pick(t)
				if i < 0 {
					return
				}
				err := claims[i].Renew()
				if overdue := s != nil && !time.Now().Before(s.until); !overdue && (err == nil) != (s != nil) {
					t.Fatalf("Renew of %s: %v", keys[i], err)
				}
				if err == nil {
					s.until = time.Now().Add(lease)
				}
			},
			"release": func(t *rapid.T) {
				i, s := pick(t)
				if i < 0 {
					return
				}
				if claims[i].Release(); s != nil {
					delete(model, keys[i])
				}
			},
			"forget": func(t *rapid.T) {
				k := key.Draw(t, "key")
				d.Forget(k)
				delete(model, k)
			},
			"sleep": func(t *rapid.T) {
				time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(t, "100ms")) * 100 * time.Millisecond)
			},
			"": func(t *rapid.T) {
				for n := range 13 {
					k := strconv.Itoa(n)
					s := alive(k)
					if want := s != nil && s.done; d.Seen(k) != want {
						t.Fatalf("Seen(%s) = %v", k, !want)
					}
				}
			},
		})
	})
}

// Many deliveries of each event, some failing, some slow, some panicking, some given up: never two effects, and one where any
// attempt succeeded.
func TestDedupeOneEffect(t *testing.T) {
	type delivery struct {
		key          int
		after, takes time.Duration
		outcome      string // "ok", "fails", "panics", "exits"
		givesUp      time.Duration
	}
	checkInBubbles(t, 10, func(t *rapid.T) {
		d, err := resilience.NewDedupe(resilience.DedupeSettings{Lease: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) delivery {
			return delivery{
				key:     rapid.IntRange(0, 3).Draw(t, "key"),
				after:   time.Duration(rapid.IntRange(0, 20).Draw(t, "after")) * time.Second,
				takes:   time.Duration(rapid.IntRange(0, 15).Draw(t, "takes")) * time.Second,
				outcome: rapid.SampledFrom([]string{"ok", "ok", "fails", "panics", "exits"}).Draw(t, "outcome"),
				givesUp: time.Duration(rapid.IntRange(1, 60).Draw(t, "gives up")) * time.Second,
			}
		}), 1, 20).Draw(t, "deliveries")
		var mu sync.Mutex
		effects, succeeded, acked := map[int]int{}, map[int]bool{}, map[int]bool{}
		var wg sync.WaitGroup
		for _, e := range all {
			wg.Go(func() {
				defer func() { _ = recover() }()
				time.Sleep(e.after)
				ctx, cancel := context.WithTimeout(context.Background(), e.givesUp)
				defer cancel()
				err := d.Key(strconv.Itoa(e.key)).Run(ctx, func(ctx context.Context) error {
					select {
					case <-time.After(e.takes):
					case <-ctx.Done():
						return ctx.Err()
					}
					switch e.outcome {
					case "panics":
						panic("at the disco")
					case "exits":
						runtime.Goexit()
					case "fails":
						return errBoom
					}
					if ctx.Err() != nil {
						return ctx.Err()
					}
					mu.Lock()
					defer mu.Unlock()
					effects[e.key]++
					succeeded[e.key] = true
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil || errors.Is(err, resilience.ErrDuplicate) {
					acked[e.key] = true
				}
			})
		}
		wg.Wait()
		for key := range 4 {
			if effects[key] > 1 || acked[key] != (effects[key] == 1) {
				t.Fatalf("key %d: %d effects, acknowledged %v", key, effects[key], acked[key])
			}
		}
	})
}

// 64 goroutines claim the same thousand keys: one winner each, and nobody else until it is committed.
func TestDedupeOneWinner(t *testing.T) {
	d := mustDedupe(t, resilience.DedupeSettings{})
	const goroutines, keys = 64, 1000
	var wins [keys]atomic.Int32
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for k := range keys {
				c, err := d.Claim(strconv.Itoa(k))
				if err != nil {
					continue
				}
				wins[k].Add(1)
				if err := c.Commit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for k := range keys {
		if n := wins[k].Load(); n != 1 {
			t.Errorf("key %d has %d winners", k, n)
		}
	}
	if d.Len() != keys {
		t.Errorf("%d keys are held, want %d", d.Len(), keys)
	}
}

// Readers without a lock beside writers that claim, release, evict and rebuild: what they see as done was done.
func TestDedupeReadersSeeOnlyWhatIsDone(t *testing.T) {
	d := mustDedupe(t, resilience.DedupeSettings{Max: 2000})
	const keys = 4000
	names := make([]string, keys)
	var done [keys]atomic.Bool
	for i := range names {
		names[i] = "event " + strconv.Itoa(i)
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i = (i + 7) % keys {
				select {
				case <-stop:
					return
				default:
				}
				if d.Seen(names[i]) && !done[i].Load() {
					t.Errorf("key %d is seen, and was never done", i)
				}
			}
		})
	}
	for w := range 4 {
		writers.Go(func() {
			for i := w; i < 10*keys; i += 4 {
				k := i % keys
				c, err := d.Claim(names[k])
				if err != nil {
					continue
				}
				if k%3 == 0 {
					c.Release() // these are never done
					continue
				}
				done[k].Store(true)
				if err := c.Commit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if d.Len() > 2000 {
		t.Errorf("%d keys are held, want at most 2000", d.Len())
	}
}

func TestDedupeWaitersShareTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{})
		var works atomic.Int32
		var seen notes
		var wg sync.WaitGroup
		start := time.Now()
		for range 5 {
			wg.Go(func() {
				got, err := resilience.Do(t.Context(), func(context.Context) (string, error) {
					time.Sleep(time.Second)
					if works.Add(1) == 1 {
						return "", errBoom // the first worker fails, and one of those who wait takes over
					}
					return "worked", nil
				}, d.Key("a"))
				seen.add(got, err, time.Since(start))
			})
		}
		wg.Wait()
		seen.want(t, "boom 1s", "worked <nil> 2s", "worked <nil> 2s", "worked <nil> 2s", "worked <nil> 2s")
		if works.Load() != 2 {
			t.Errorf("worked %d times, want 2", works.Load())
		}
		if _, err := resilience.Do(t.Context(), func(context.Context) (string, error) { return "again", nil }, d.Key("a")); !errors.Is(err, resilience.ErrDuplicate) {
			t.Errorf("later: %v, want ErrDuplicate", err)
		}
	})
}

func TestDedupeWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{Lease: time.Minute})
		hung := claimed(t, d, "a")
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := d.Key("a").Run(ctx, succeeding); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v, want DeadlineExceeded after 10s", err, time.Since(start))
		}
		// The lease of the hung worker ends, and the one who waits takes over.
		if err := d.Key("a").Run(t.Context(), succeeding); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want success after 1m", err, time.Since(start))
		}
		if err := hung.Commit(); !errors.Is(err, resilience.ErrClaimLost) {
			t.Errorf("Commit of the hung one: %v, want ErrClaimLost", err)
		}

		told := mustDedupe(t, resilience.DedupeSettings{NoWait: true})
		claimed(t, told, "a")
		if err := told.Key("a").Run(t.Context(), succeeding); !errors.Is(err, resilience.ErrInFlight) {
			t.Errorf("with NoWait: %v, want ErrInFlight", err)
		}
		cancel()
		if err := told.Key("b").Run(ctx, succeeding); err == nil {
			t.Error("with a done context it was done")
		}
	})
}

// Work sees the end of its lease, and success after it, when another has the key, is not taken for one.
func TestDedupeWorkBeyondItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{Lease: time.Second})
		err := d.Key("a").Run(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			wantClaimError(t, d, "a", resilience.ErrInFlight) // there is time left to stop
			time.Sleep(10 * time.Millisecond)
			if !errors.Is(context.Cause(ctx), resilience.ErrClaimLost) {
				t.Errorf("cause %v, want ErrClaimLost", context.Cause(ctx))
			}
			claimed(t, d, "a")
			return nil
		})
		if !errors.Is(err, resilience.ErrClaimLost) {
			t.Errorf("Run: %v, want ErrClaimLost", err)
		}
	})
}

// A million events (fewer under the race detector) with consecutive ids: none is taken for another, none is forgotten, and none is done twice.
func TestDedupeMillionKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("a million keys")
	}
	keys := 1 << 20
	if underRace {
		keys = 1 << 16
	}
	d := mustDedupe(t, resilience.DedupeSettings{Max: keys})
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("evt_%016d", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i, k := range names {
		c, err := d.Claim(k)
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if err := c.Commit(); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if perKey := float64(after.HeapAlloc-before.HeapAlloc) / float64(keys); perKey > 40 {
		t.Errorf("%.1f bytes a key, want at most 40", perKey)
	}
	if objects := after.HeapObjects - min(before.HeapObjects, after.HeapObjects); objects > 1000 {
		t.Errorf("%d more objects on the heap, want none a key", objects)
	}
	for i, k := range names {
		if _, err := d.Claim(k); !errors.Is(err, resilience.ErrDuplicate) {
			t.Fatalf("event %d again: %v, want ErrDuplicate", i, err)
		}
	}
	if d.Len() != keys {
		t.Errorf("%d keys are held, want %d", d.Len(), keys)
	}
}

// When it is full the one that would be forgotten first goes, never a claim, and never one that a place was promised for.
func TestDedupeEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{Max: 10, TTL: time.Hour})
		claim := claimed(t, d, "at work")
		for i := range 100 {
			if err := claimed(t, d, strconv.Itoa(i)).Commit(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second / 2)
			if d.Len() > 10 {
				t.Fatalf("%d keys are held, want at most 10", d.Len())
			}
		}
		for i := 91; i < 100; i++ {
			wantClaimError(t, d, strconv.Itoa(i), resilience.ErrDuplicate)
		}
		if d.Seen("90") {
			t.Error("90 is held beside nine younger ones and a claim")
		}
		if err := claim.Commit(); err != nil {
			t.Errorf("the claim was dropped: %v", err)
		}

		full := mustDedupe(t, resilience.DedupeSettings{Max: 10})
		for i := range 10 {
			claimed(t, full, strconv.Itoa(i))
		}
		wantClaimError(t, full, "one more", resilience.ErrDedupeFull)
		time.Sleep(resilience.DefaultDedupeLease)
		claimed(t, full, "one more")
	})
}

func TestDedupeRefusesWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{Max: 1000, TTL: time.Hour, RefuseWhenFull: true})
		for i := range 1000 {
			if err := claimed(t, d, strconv.Itoa(i)).Commit(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		wantClaimError(t, d, "new", resilience.ErrDedupeFull)
		wantClaimError(t, d, "999", resilience.ErrDuplicate)
		time.Sleep(time.Hour - 1000*time.Second) // the first is over
		claimed(t, d, "new").Release()
		claimed(t, d, "new")
		wantClaimError(t, d, "newer", resilience.ErrDedupeFull)
		time.Sleep(time.Second)
		claimed(t, d, "newer")
		wantClaimError(t, d, "2", resilience.ErrDuplicate)
	})
}

// What is over makes room without anybody being dropped for it, and memory does not grow.
func TestDedupeReusesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustDedupe(t, resilience.DedupeSettings{TTL: time.Minute, Max: 100_000})
		for i := range 50_000 {
			if err := claimed(t, d, strconv.Itoa(i)).Commit(); err != nil {
				t.Fatal(err)
			}
			claimed(t, d, "failing").Release()
			time.Sleep(time.Minute / 1000)
		}
		if d.Len() > 5000 {
			t.Errorf("%d keys are held, of which 1000 are not over", d.Len())
		}
	})
}

func TestDedupeObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		d := mustDedupe(t, resilience.DedupeSettings{Name: "events", Max: 1, Lease: time.Minute, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) { seen.add(e.Kind, e.Policy, e.Key, e.Reason) })})
		claimed(t, d, "a")
		_, _ = d.Claim("a")
		_, _ = d.Claim("b")
		time.Sleep(time.Minute)
		if err := claimed(t, d, "a").Commit(); err != nil {
			t.Fatal(err)
		}
		_, _ = d.Claim("a")
		claimed(t, d, "b")
		seen.want(t,
			"duplicate events  in flight",
			"rejected events  full",
			"reclaimed events",
			"duplicate events  done",
			"evicted events  full")
	})
}

func TestDedupeDuplicateDoesNotAllocate(t *testing.T) {
	d := mustDedupe(t, resilience.DedupeSettings{})
	c := claimed(t, d, "a")
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Claim("a"); d.Seen("a") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		i++
		c, _ := d.Claim("x")
		c.Release()
	}); n != 0 {
		t.Errorf("%v allocations for a claim, want 0", n)
	}
}

func TestDedupeErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.DedupeSettings
		want string
	}{
		{resilience.DedupeSettings{TTL: 1}, "DedupeSettings.TTL: got 1ns, want 0 (the default), or 1ms to a year"},
		{resilience.DedupeSettings{Lease: -1}, "DedupeSettings.Lease: got -1ns, want 0 (the default), or 1ms to a year"},
		{resilience.DedupeSettings{Max: -1}, "DedupeSettings.Max: got -1, want 0 (the default) to 1073741824"},
	} {
		_, err := resilience.NewDedupe(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
	for _, err := range []error{resilience.ErrDuplicate, resilience.ErrDedupeFull} {
		if resilience.Retryable(err) || resilience.ClassifyError(err) != resilience.OutcomeNeutral {
			t.Errorf("%v is worth a retry, or a failure of the service", err)
		}
	}
	inFlight := &resilience.InFlightError{Lease: time.Second}
	if got, want := inFlight.Error(), "the work is under way: its claim is good for another 1s"; got != want || !resilience.Retryable(inFlight) {
		t.Errorf("got %s, want %s, retryable", got, want)
	}
}
