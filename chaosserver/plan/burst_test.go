package plan

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"brownout/scenarios"

	"pgregory.net/rapid"
)

func newSpells(b scenarios.Burst, k key) *spells {
	s := new(spells)
	s.init(&b, k)
	return s
}

// lengths returns the lengths of the first n spells, good and bad ones in turn.
func lengths(s *spells, n int) []int64 {
	all := make([]int64, 0, n)
	g, end := s.key.draws(0, 0), int64(0)
	for i := range n {
		l := s.length(i%2 == 1, g.Uint64())
		all, end = append(all, l), end+l
	}
	return all
}

// kind returns every other length as a number, from the first on.
func kind(all []int64, first int) []float64 {
	var some []float64
	for i := first; i < len(all); i += 2 {
		some = append(some, float64(all[i]))
	}
	return some
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// TestSpellsInTime holds 20,000 spells of either kind to their mean, and to the exponential distribution.
func TestSpellsInTime(t *testing.T) {
	const n = 20_000
	all := lengths(newSpells(scenarios.Burst{Bad: 2 * time.Second, Good: 15 * time.Second}, newKey(1, labelBurst, "f")), 2*n)
	for first, want := range []float64{15e9, 2e9} {
		some := kind(all, first)
		if got := mean(some); math.Abs(got-want) > 5*want/math.Sqrt(n) {
			t.Errorf("spells of mean %v have a mean of %v", time.Duration(want), time.Duration(got))
		}
		if wrong := exponential(want).fits(some); wrong != "" {
			t.Errorf("spells of mean %v are not exponential: %s", time.Duration(want), wrong)
		}
		if exponential(1.06*want).fits(some) == "" {
			t.Errorf("spells of mean %v fit a mean that is 6%% off", time.Duration(want))
		}
	}
}

// TestSpellsInAttempts holds 20,000 spells of either kind to their mean, and to the geometric distribution.
func TestSpellsInAttempts(t *testing.T) {
	const n = 20_000
	all := lengths(newSpells(scenarios.Burst{BadAttempts: 3, GoodAttempts: 40.5}, newKey(1, labelBurst, "f")), 2*n)
	for first, want := range []float64{40.5, 3} {
		some, p := kind(all, first), 1/want
		if got := mean(some); math.Abs(got-want) > 5*math.Sqrt(1-p)/p/math.Sqrt(n) {
			t.Errorf("spells of mean %g attempts have a mean of %g", want, got)
		}
		if wrong := geometric(p).fits(some); wrong != "" {
			t.Errorf("spells of mean %g are not geometric: %s", want, wrong)
		}
		if geometric(1.08*p).fits(some) == "" {
			t.Errorf("spells of mean %g fit a chance that is 8%% off", want)
		}
	}
	for i, l := range lengths(newSpells(scenarios.Burst{BadAttempts: 1, GoodAttempts: 1}, 1), 100) {
		if l != 1 {
			t.Errorf("spell %d of mean 1 is %d attempts long", i, l)
		}
	}
}

// TestBurstsAsClientsMeetThem: counted from outside, attempt by attempt, the spells are as long as they were written.
func TestBurstsAsClientsMeetThem(t *testing.T) {
	p := planOf(t, "faults: [{status: 503, when: {burst: {bad: 4 attempts, good: 10 attempts}}}]")
	hits := make([]bool, 400_000)
	for i := range hits {
		hits[i] = decide(p, Input{Call: 1, Attempt: i + 1, Nth: i + 1}).Fault == 0
	}
	for struck, mean := range map[bool]float64{true: 4, false: 10} {
		if wrong := geometric(1 / mean).fits(spans(hits, struck)); wrong != "" {
			t.Errorf("spells with struck %v: %s", struck, wrong)
		}
	}
}

// spans returns the lengths of the rows of hits that are like, but for the last.
func spans(hits []bool, like bool) []float64 {
	var all []float64
	n := 0.0
	for _, h := range hits {
		if h == like {
			n++
		} else if n > 0 {
			all, n = append(all, n), 0
		}
	}
	return all
}

// TestSpellsInAnyOrder asks for instants in any order, by many at once, and walks the spells itself.
func TestSpellsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpells(scenarios.Burst{Bad: 10 * time.Millisecond, Good: 10 * time.Millisecond}, key(rapid.Uint64().Draw(t, "key")))
		points := rapid.SliceOfN(rapid.Int64Range(-5, 20e9), 1, 30).Draw(t, "points")
		ends, end := []int64{}, int64(0)
		for _, l := range lengths(s, 4000) {
			end += l
			ends = append(ends, end)
		}
		for _, p := range points {
			i := 0
			for i < len(ends) && ends[i] <= p {
				i++
			}
			if i == len(ends) {
				continue // beyond what was walked
			}
			if got := s.at(p); got != (i%2 == 1) {
				t.Fatalf("at %d, in spell %d: bad is %v", p, i, got)
			}
		}
	})
}

// TestSpellsAreShared asks from 64 goroutines; each must see what one alone sees.
func TestSpellsAreShared(t *testing.T) {
	b := scenarios.Burst{Bad: 5 * time.Millisecond, Good: 20 * time.Millisecond}
	alone, shared := newSpells(b, 9), newSpells(b, 9)
	want := make([]bool, 20_000)
	for i := range want {
		want[i] = alone.at(int64(i) * 1e6)
	}
	var workers sync.WaitGroup
	for w := range 64 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for i := w; i < len(want); i += 64 {
				late := max(0, i-r.IntN(200))
				for _, at := range []int{i, late} {
					if shared.at(int64(at)*1e6) != want[at] {
						t.Errorf("at %dms: bad is %v, alone it is %v", at, !want[at], want[at])
					}
				}
			}
		})
	}
	workers.Wait()
}

// TestSpellsKeepNoHistory goes far into a run: what is kept stays the same size.
func TestSpellsKeepNoHistory(t *testing.T) {
	s := newSpells(scenarios.Burst{Bad: time.Millisecond, Good: time.Millisecond}, 1)
	s.at(int64(10 * time.Minute))
	if n := len(s.last.Load().ends); n > spellsKept {
		t.Errorf("%d spells are kept, want at most %d", n, spellsKept)
	}
	if s := newSpells(scenarios.Burst{Bad: 1, Good: 1}, 1); s.good != 1e6 || s.bad != 1e6 {
		t.Errorf("spells of 1ns have means %g and %g, want the least that is drawn, 1ms", s.good, s.bad)
	}
}

// TestBurstBelongsToItsRoute: spells in attempts count each route's own; spells in time are those of all routes.
func TestBurstBelongsToItsRoute(t *testing.T) {
	differ := func(b scenarios.Burst) (n int) {
		s := healthy(scenarios.Fault{Name: "b", Answer: status(503), When: scenarios.When{Burst: &b}})
		s.Routes = append(s.Routes, route1("POST /orders", status(201)))
		p := New(s)
		for i := range 1000 {
			in := Input{Nth: i + 1, Elapsed: time.Duration(i) * time.Second}
			first := decide(p, in).Fault
			in.Route = 1
			if decide(p, in).Fault != first {
				n++
			}
		}
		return n
	}
	if n := differ(scenarios.Burst{Bad: 5 * time.Second, Good: 5 * time.Second}); n > 0 {
		t.Errorf("a burst in time differs between routes at %d of 1000 instants", n)
	}
	if n := differ(scenarios.Burst{BadAttempts: 5, GoodAttempts: 5}); n < 300 {
		t.Errorf("a burst in attempts differs between routes at %d of 1000 attempts only", n)
	}
}
