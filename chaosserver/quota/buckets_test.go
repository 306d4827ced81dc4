package quota

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brownout/scenarios"
)

func perSecond(n float64) *scenarios.Rate { return &scenarios.Rate{Events: n, Per: time.Second} }

// ask asks one limit for one key.
func ask(b *Buckets, at time.Duration, key string) (Grant, bool) {
	grants, refused := b.Ask(at, []Claim{{0, key}}, nil)
	return grants[0], refused
}

// TestKinds follows each kind of limit step by step.
func TestKinds(t *testing.T) {
	const ms = time.Millisecond
	type step struct {
		at        time.Duration
		refused   bool
		remaining int64
		next      time.Duration
		full      time.Duration
		why       string
	}
	for _, c := range []struct {
		name  string
		limit scenarios.Limit
		steps []step
	}{
		{"token bucket", scenarios.Limit{Rate: perSecond(2), Burst: 3}, []step{
			{0, false, 2, 500 * ms, 500 * ms, "a new bucket is full"},
			{0, false, 1, 500 * ms, 1000 * ms, "the second of three"},
			{0, false, 0, 500 * ms, 1500 * ms, "the third"},
			{0, true, 0, 500 * ms, 1500 * ms, "none is left"},
			{499 * ms, true, 0, 1 * ms, 1001 * ms, "a token takes 500ms at 2/s"},
			{500 * ms, false, 0, 500 * ms, 1500 * ms, "exactly one came back"},
			{400 * ms, true, 0, 600 * ms, 1600 * ms, "an earlier instant takes nothing back"},
			{2100 * ms, false, 2, 500 * ms, 500 * ms, "the bucket had been full again, and holds no more than three"},
		}},
		{"burst of one", scenarios.Limit{Rate: perSecond(2)}, []step{
			{0, false, 0, 500 * ms, 500 * ms, "a burst that is not given is 1"},
			{100 * ms, true, 0, 400 * ms, 400 * ms, "the next token"},
			{500 * ms, false, 0, 500 * ms, 500 * ms, "is there"},
		}},
		{"cost", scenarios.Limit{Rate: perSecond(1), Burst: 5, Cost: 2}, []step{
			{0, false, 3, 1000 * ms, 2000 * ms, "an attempt takes two"},
			{0, false, 1, 1000 * ms, 4000 * ms, "and two"},
			{0, true, 1, 1000 * ms, 4000 * ms, "one is left, which is too little"},
			{1000 * ms, false, 0, 1000 * ms, 5000 * ms, "the second came back"},
		}},
		{"window", scenarios.Limit{Window: &scenarios.Rate{Events: 2, Per: 5 * time.Second}}, []step{
			{1000 * ms, false, 1, 5000 * ms, 5000 * ms, "it begins with its first attempt"},
			{3000 * ms, false, 0, 3000 * ms, 3000 * ms, "the second"},
			{5999 * ms, true, 0, 1 * ms, 1 * ms, "used up to its end"},
			{6000 * ms, false, 1, 5000 * ms, 5000 * ms, "the end is not its own: a new one begins"},
		}},
	} {
		b := New([]scenarios.Limit{c.limit}, 10)
		for i, s := range c.steps {
			g, refused := ask(b, s.at, "k")
			if refused != s.refused || g.Remaining != s.remaining || g.Next != s.next || g.Full != s.full || !g.Timed {
				t.Errorf("%s, step %d: refused %t, %+v, want %+v: %s", c.name, i, refused, g, s, s.why)
			}
		}
	}
}

// TestConcurrency: what is under way counts until it is released, and nobody knows when that is.
func TestConcurrency(t *testing.T) {
	b := New([]scenarios.Limit{{Concurrency: 2}}, 10)
	first, _ := b.Ask(0, []Claim{{0, "k"}}, nil)
	second, refused := b.Ask(0, []Claim{{0, "k"}}, nil)
	if refused || second[0].Remaining != 0 || second[0].Timed {
		t.Errorf("the second: %+v, refused %t", second, refused)
	}
	if g, refused := ask(b, time.Hour, "k"); !refused || g.Timed {
		t.Errorf("the third: %+v, refused %t", g, refused)
	}
	if _, refused := ask(b, time.Hour, "other"); refused {
		t.Error("another key was refused")
	}
	b.Release(first)
	if g, refused := ask(b, 0, "k"); refused || g.Remaining != 0 {
		t.Errorf("after a release: %+v, refused %t", g, refused)
	}
}

// TestFirstUsedUpAnswers: the limits are asked in order; the first that is used up refuses, and then none is charged.
func TestFirstUsedUpAnswers(t *testing.T) {
	b := New([]scenarios.Limit{{Window: perSecond(5)}, {Window: perSecond(1)}, {Window: perSecond(1)}}, 10)
	all := []Claim{{0, "a"}, {1, "b"}, {2, "c"}}
	if grants, refused := b.Ask(0, all, nil); refused || len(grants) != 3 || grants[0].Remaining != 4 {
		t.Fatalf("first: %+v, refused %t", grants, refused)
	}
	grants, refused := b.Ask(0, all, []Grant{{}})
	if !refused || len(grants) != 2 || grants[1].Limit != 1 {
		t.Fatalf("second: %+v, refused %t, want the refusal of limit 1 behind what was there", grants, refused)
	}
	if g, _ := ask(b, 0, "a"); g.Remaining != 3 {
		t.Errorf("%d remain in the first, which the refusal must not charge, want 3", g.Remaining)
	}
}

// TestRateNeverMore: of a token bucket never more than burst + rate·t comes through in any stretch of time, and what a refusal
// says about the next one is exact.
func TestRateNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.Float64Range(0.1, 1e6).Draw(t, "events")
		burst := rapid.IntRange(1, 50).Draw(t, "burst")
		b := New([]scenarios.Limit{{Rate: perSecond(events), Burst: burst}}, 10)
		interval := float64(time.Second) / events
		now := time.Duration(0)
		var through []time.Duration
		for range rapid.IntRange(1, 200).Draw(t, "asks") {
			now += time.Duration(rapid.Float64Range(0, 3).Draw(t, "gap") * interval)
			g, refused := ask(b, now, "k")
			if refused {
				if _, early := ask(b, now+g.Next-1, "k"); !early {
					t.Fatalf("let through at %v, though %v was to go", now+g.Next-1, g.Next)
				}
				now += g.Next
				if _, refused = ask(b, now, "k"); refused {
					t.Fatalf("refused at %v, where the next was promised", now)
				}
			}
			through = append(through, now)
		}
		for i := range through {
			for j := i; j < len(through); j++ {
				if n, most := float64(j-i+1), float64(burst)+float64(through[j]-through[i])/interval; n > most+1e-6 {
					t.Fatalf("%v came through in %v, at most %v may", n, through[j]-through[i], most)
				}
			}
		}
	})
}

// TestWindowNeverMore: no window lets more through than it may, whatever the order of the instants.
func TestWindowNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 10).Draw(t, "limit")
		b := New([]scenarios.Limit{{Window: perSecond(float64(limit))}}, 10)
		end, used, now := time.Duration(0), 0, time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "asks") {
			now = max(0, now+time.Duration(rapid.Int64Range(-int64(200*time.Millisecond), int64(600*time.Millisecond)).Draw(t, "gap")))
			g, refused := ask(b, now, "k")
			if now >= end {
				end, used = now+time.Second, 0
			}
			if refused != (used == limit) {
				t.Fatalf("at %v refused is %t, with %d of %d used until %v", now, refused, used, limit, end)
			}
			if !refused {
				used++
			}
			if g.Remaining != int64(limit-used) || g.Next != end-now {
				t.Fatalf("at %v %+v, with %d of %d used until %v", now, g, used, limit, end)
			}
		}
	})
}

// TestManyAtOnce: 64 goroutines over 1,000 keys. Each key gets exactly its burst, and never more answers are under way than
// its concurrency allows.
func TestManyAtOnce(t *testing.T) {
	const goroutines, keys, burst, atOnce = 64, 1000, 7, 3
	b := New([]scenarios.Limit{{Rate: &scenarios.Rate{Events: 1, Per: time.Hour}, Burst: burst}, {Concurrency: atOnce}}, keys)
	var through, underWay [keys]atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			var grants []Grant
			for i := range 4 * keys {
				k := (g*257 + i*31) % keys
				key := strconv.Itoa(k)
				var refused bool
				if grants, refused = b.Ask(0, []Claim{{0, key}, {1, key}}, grants[:0]); refused {
					continue
				}
				if n := underWay[k].Add(1); n > atOnce {
					t.Errorf("%d are under way for %s", n, key)
				}
				through[k].Add(1)
				underWay[k].Add(-1)
				b.Release(grants)
			}
		})
	}
	wg.Wait()
	for k := range keys {
		if n := through[k].Load(); n > burst {
			t.Errorf("%d came through for key %d, at most %d may", n, k, burst)
		}
		for { // what others had under way may have refused some
			grants, refused := b.Ask(0, []Claim{{0, strconv.Itoa(k)}, {1, strconv.Itoa(k)}}, nil)
			if refused {
				if grants[0].Limit != 0 {
					t.Errorf("key %d: something is still under way", k)
				}
				break
			}
			b.Release(grants)
			through[k].Add(1)
		}
		if n := through[k].Load(); n != burst {
			t.Errorf("%d came through for key %d in all, want %d", n, k, burst)
		}
	}
}

// TestBounded: a bucket that is full again gives way, at no cost to its key; one that is not full never does.
func TestBounded(t *testing.T) {
	const most = 100
	for _, limit := range []scenarios.Limit{{Rate: perSecond(1)}, {Window: perSecond(1)}, {Concurrency: 1}} {
		b := New([]scenarios.Limit{limit}, most)
		var held [][]Grant
		for i := range most {
			g, refused := b.Ask(0, []Claim{{0, strconv.Itoa(i)}}, nil)
			if refused || g[0].Uncounted {
				t.Fatalf("%+v: %+v, refused %t", limit, g, refused)
			}
			held = append(held, g)
		}
		g, refused := ask(b, 0, "one more")
		if refused || !g.Uncounted {
			t.Errorf("%+v: one more key, with no bucket full: %+v, refused %t", limit, g, refused)
		}
		if _, refused := ask(b, 0, "7"); !refused {
			t.Errorf("%+v: a bucket that was not full has been forgotten", limit)
		}
		for i := range held {
			b.Release(held[i])
		}
		for i := range 3 * most {
			g, refused := b.Ask(time.Second+time.Duration(i/most)*time.Second, []Claim{{0, fmt.Sprint("new ", i)}}, nil)
			if refused || g[0].Uncounted {
				t.Fatalf("%+v: %+v, refused %t, though buckets are full again", limit, g, refused)
			}
			b.Release(g)
		}
		if n := b.Len(0); n != most {
			t.Errorf("%+v: %d buckets, want %d", limit, n, most)
		}
	}
}

// TestHugeLimits: rates and bursts at the ends of their range neither overflow nor let too much through.
func TestHugeLimits(t *testing.T) {
	for _, c := range []struct {
		limit scenarios.Limit
		most  int // of 1,000 at one instant
	}{
		{scenarios.Limit{Rate: &scenarios.Rate{Events: 1, Per: 10_000 * time.Hour}, Burst: 1_000_000_000}, 1000},
		{scenarios.Limit{Rate: &scenarios.Rate{Events: 1e9, Per: time.Microsecond}, Burst: 2}, 2},
		{scenarios.Limit{Rate: &scenarios.Rate{Events: 1e-3, Per: 10_000 * time.Hour}, Burst: 1}, 1},
		{scenarios.Limit{Window: &scenarios.Rate{Events: 1e9, Per: 10_000 * time.Hour}}, 1000},
	} {
		b := New([]scenarios.Limit{c.limit}, 10)
		n := 0
		for range 1000 {
			if g, refused := ask(b, 0, "k"); !refused {
				n++
			} else if g.Next < 0 {
				t.Errorf("%+v: %+v", c.limit, g)
			}
		}
		if n > c.most || n < min(c.most, 2) && n != c.most {
			t.Errorf("%+v let %d through, want %d", c.limit, n, c.most)
		}
	}
}
