package resilience_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func mustGroup[K comparable, V any](tb testing.TB, s resilience.GroupSettings[K, V]) *resilience.Group[K, V] {
	tb.Helper()
	g, err := resilience.NewGroup(s)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func TestGroupMakesOneValueAKey(t *testing.T) {
	var made atomic.Int64
	g := mustGroup(t, resilience.GroupSettings[int, *int]{New: func(k int) *int { made.Add(1); return &k }})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 5000 {
				k := r.IntN(500)
				if v := g.Get(k); *v != k {
					t.Errorf("Get(%d) is of %d", k, *v)
				}
			}
		})
	}
	wg.Wait()
	if made.Load() != 500 || g.Len() != 500 {
		t.Errorf("%d values made, %d in the group; want 500", made.Load(), g.Len())
	}
	seen := maps.Collect(g.All())
	if len(seen) != 500 || *seen[7] != 7 {
		t.Errorf("All gives %d keys", len(seen))
	}
}

func TestGroupDropsTheIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen notes
		g := mustGroup(t, resilience.GroupSettings[string, int]{
			Name: "hosts", New: func(string) int { return 0 }, IdleFor: 10 * time.Minute,
			Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) { seen.add(e.Kind, e.Policy, e.Key, e.Reason) }),
		})
		g.Get("a")
		g.Get("b")
		for range 30 {
			time.Sleep(time.Minute)
			g.Get("a")
			g.Get("new") // only what comes drops what is idle
			g.Delete("new")
		}
		if got := slices.Sorted(maps.Keys(maps.Collect(g.All()))); fmt.Sprint(got) != "[a]" {
			t.Errorf("keys %v, want [a]", got)
		}
		seen.want(t, "evicted hosts b idle")
	})
}

func TestGroupIsBounded(t *testing.T) {
	open := map[string]bool{"down": true}
	g := mustGroup(t, resilience.GroupSettings[string, string]{
		New: func(k string) string { return k }, Max: 10, Keep: func(v string) bool { return open[v] },
	})
	g.Get("down")
	for i := range 1000 {
		g.Get("hot")
		g.Get(strconv.Itoa(i))
		if g.Len() > 10 {
			t.Fatalf("%d keys, want at most 10", g.Len())
		}
	}
	keys := maps.Collect(g.All())
	if _, ok := keys["down"]; !ok {
		t.Error("the one to keep is gone")
	}
	if _, ok := keys["hot"]; !ok {
		t.Error("the one that was asked for all the time is gone")
	}
	for i := range 20 { // all are to be kept: then any goes
		open[strconv.Itoa(i)] = true
		g.Get(strconv.Itoa(i))
	}
	if g.Len() != 10 {
		t.Errorf("%d keys, want 10", g.Len())
	}
}

// Whatever is asked for, dropped and idle: the group holds what a plain map would, or less for want of room.
func TestGroupFollowsItsModel(t *testing.T) {
	checkInBubbles(t, 10, func(t *rapid.T) {
		const limit = 6
		made := 0
		g, err := resilience.NewGroup(resilience.GroupSettings[int, int]{
			New: func(int) int { made++; return made }, Max: limit, IdleFor: 10 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		model := map[int]int{} // key to the value it was given last
		key := rapid.IntRange(0, 9)
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				k, before := key.Draw(t, "key"), made
				present := maps.Collect(g.All())
				v := g.Get(k)
				if had, ok := present[k]; ok && (v != had || had != model[k]) {
					t.Fatalf("Get(%d) = %d, want %d, which was there", k, v, had)
				} else if !ok && (made != before+1 || v != made) {
					t.Fatalf("Get(%d) = %d, want the new value %d", k, v, made)
				}
				model[k] = v
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				_, present := maps.Collect(g.All())[k]
				if g.Delete(k) != present {
					t.Fatalf("Delete(%d) is not %v", k, present)
				}
			},
			"sleep": func(t *rapid.T) {
				time.Sleep(time.Duration(rapid.IntRange(1, 8).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				if g.Len() > limit {
					t.Fatalf("%d keys, want at most %d", g.Len(), limit)
				}
				for k, v := range g.All() {
					if model[k] != v {
						t.Fatalf("key %d holds %d, want %d", k, v, model[k])
					}
				}
			},
		})
	})
}

func TestGroupGetDoesNotAllocate(t *testing.T) {
	g := mustGroup(t, resilience.GroupSettings[string, int]{New: func(string) int { return 1 }})
	if n := testing.AllocsPerRun(100, func() { g.Get("api.example.com") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestGroupSettingsErrors(t *testing.T) {
	makeOne := func(int) int { return 0 }
	for _, c := range []struct {
		s    resilience.GroupSettings[int, int]
		want string
	}{
		{resilience.GroupSettings[int, int]{}, "GroupSettings.New: got nil, want a function"},
		{resilience.GroupSettings[int, int]{New: makeOne, Max: -1}, "GroupSettings.Max: got -1, want 0 (the default) to 10000000"},
		{resilience.GroupSettings[int, int]{New: makeOne, IdleFor: -1}, "GroupSettings.IdleFor: got -1ns, want 0 (the default) or more"},
	} {
		_, err := resilience.NewGroup(c.s)
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// A breaker for each host, so that one that is down does not stop calls to the others.
func ExampleGroup() {
	breakers, err := resilience.NewGroup(resilience.GroupSettings[string, *resilience.Breaker]{
		New: func(host string) *resilience.Breaker {
			b, err := resilience.NewBreaker(resilience.BreakerSettings{Name: host, ConsecutiveFailures: 1})
			if err != nil {
				panic(err) // the settings are fixed
			}
			return b
		},
		Keep: func(b *resilience.Breaker) bool { return b.State() != resilience.StateClosed },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	down := func(context.Context) error { return context.DeadlineExceeded }
	_ = breakers.Get("a.example").Run(context.Background(), down)
	fmt.Println(breakers.Get("a.example").State(), breakers.Get("b.example").State(), breakers.Len())
	// Output: open closed 2
}

// A limiter for each account, so that one that floods is refused and the others are not.
func ExampleGroup_limiters() {
	limiters, err := resilience.NewGroup(resilience.GroupSettings[string, *resilience.Limiter]{
		Max: 10_000,
		New: func(account string) *resilience.Limiter {
			l, err := resilience.NewLimiter(resilience.LimiterSettings{Name: account, Rate: 1, Burst: 2})
			if err != nil {
				panic(err) // the settings are fixed
			}
			return l
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, account := range []string{"a", "a", "a", "b"} {
		fmt.Println(account, limiters.Get(account).Allow())
	}
	// Output:
	// a true
	// a true
	// a false
	// b true
}

func BenchmarkGroupGet(b *testing.B) {
	g := mustGroup(b, resilience.GroupSettings[string, int]{New: func(string) int { return 1 }})
	for i := range 100 {
		g.Get("host" + strconv.Itoa(i))
		g.Get("host0")
	}
	for range 1000 {
		g.Get("host99")
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.Get("host42")
		}
	})
}
