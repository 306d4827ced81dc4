package plan

import (
	"math"
	"sync"
	"testing"
	"time"

	"brownout/scenarios"

	"pgregory.net/rapid"
)

func TestPhases(t *testing.T) {
	timed := []scenarios.Phase{{Name: "healthy", For: 10 * time.Second}, {Name: "outage", For: 30 * time.Second}}
	open := append(timed[:2:2], scenarios.Phase{Name: "after"})
	inAttempts := []scenarios.Phase{{Name: "bad", Attempts: 3}, {Name: "good", Attempts: 2}, {Name: "after"}}
	for _, c := range []struct {
		why     string
		phases  []scenarios.Phase
		elapsed time.Duration
		arrival int
		want    int
	}{
		{"no phases", nil, time.Second, 1, -1},
		{"the first begins at 0", timed, 0, 1, 0},
		{"the end is not included", timed, 10 * time.Second, 1, 1},
		{"just before the end", timed, 40*time.Second - 1, 1, 1},
		{"after the last", timed, 40 * time.Second, 1, -1},
		{"the last is open", open, 1000 * time.Hour, 1, 2},
		{"the first attempt", inAttempts, time.Hour, 1, 0},
		{"the last of three", inAttempts, time.Hour, 3, 0},
		{"the first of the next two", inAttempts, 0, 4, 1},
		{"after the fifth", inAttempts, 0, 6, 2},
	} {
		p := New(&scenarios.Scenario{Seed: 1, Phases: c.phases})
		if got := p.Phase(c.elapsed, c.arrival); got != c.want {
			t.Errorf("at %v, attempt %d: phase %d, want %d: %s", c.elapsed, c.arrival, got, c.want, c.why)
		}
	}
}

// TestPhasesOfBothMeasures: 10s, then 5 attempts, then 10s from there on.
func TestPhasesOfBothMeasures(t *testing.T) {
	p := New(&scenarios.Scenario{Seed: 1, Phases: []scenarios.Phase{{For: 10 * time.Second}, {Attempts: 5}, {For: 10 * time.Second}}})
	for i, s := range []struct {
		at      time.Duration
		arrival int
		want    int
		why     string
	}{
		{9 * time.Second, 80, 0, "the first 10s, however many attempts"},
		{12 * time.Second, 81, 1, "the first of five"},
		{15 * time.Second, 85, 1, "the fifth"},
		{16 * time.Second, 86, 2, "the sixth"},
		{25 * time.Second, 300, 2, "10s from the sixth"},
		{15 * time.Second, 84, 1, "one that is decided late"},
		{26 * time.Second, 301, -1, "all are over"},
	} {
		if got := p.Phase(s.at, s.arrival); got != s.want {
			t.Errorf("step %d: at %v, attempt %d: phase %d, want %d: %s", i, s.at, s.arrival, got, s.want, s.why)
		}
	}
}

// TestPhasesInAnyOrder: of one measure, the phase is a function of the instant, whoever asked before.
func TestPhasesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 6).Draw(t, "lengths")
		inTime := rapid.Bool().Draw(t, "in time")
		phases := make([]scenarios.Phase, len(lengths))
		for i, l := range lengths {
			if inTime {
				phases[i].For = time.Duration(l)
			} else {
				phases[i].Attempts = l
			}
		}
		p := New(&scenarios.Scenario{Seed: 1, Phases: phases})
		for _, at := range rapid.SliceOfN(rapid.IntRange(0, 130), 1, 30).Draw(t, "points") {
			want, sum := -1, 0
			for i, l := range lengths {
				if at >= sum && at < sum+l {
					want = i
				}
				sum += l
			}
			other := rapid.IntRange(0, 130).Draw(t, "the other measure")
			elapsed, arrival := at, other+1
			if !inTime {
				elapsed, arrival = other, at+1
			}
			if got := p.Phase(time.Duration(elapsed), arrival); got != want {
				t.Fatalf("at %d of %v: phase %d, want %d", at, lengths, got, want)
			}
		}
	})
}

// TestPhasesBeginOnce asks from many goroutines at the instant of a change.
func TestPhasesBeginOnce(t *testing.T) {
	p := New(&scenarios.Scenario{Seed: 1, Phases: []scenarios.Phase{{For: 1}, {Attempts: 1000}, {For: 1}}})
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() { p.Phase(2, 500) })
	}
	workers.Wait()
	if n := len(*p.clock.starts.Load()); n != 2 {
		t.Errorf("%d phases have begun, want 2", n)
	}
	if got := p.Phase(3, 1499); got != 1 {
		t.Errorf("attempt 1499 lies in phase %d, want 1: the phase has 1000 from the 500th on", got)
	}
}

// TestRampFollowsItsLine holds the frequency in each twentieth of a window to the line, within 5 standard
// deviations.
func TestRampFollowsItsLine(t *testing.T) {
	falling := scenarios.Chance{Set: true, Ramp: true, From: 0.8, To: 0}
	rising := scenarios.Chance{Set: true, Ramp: true, From: 0.05, To: 0.95}
	sec := time.Second
	phases := []scenarios.Phase{{Name: "a", For: 10 * sec}, {Name: "b", For: 20 * sec}, {Name: "c", For: 20 * sec}, {Name: "d"}}
	inAttempts := []scenarios.Phase{{Name: "a", Attempts: 1000}, {Name: "b", Attempts: 200_000}}
	for _, c := range []struct {
		why        string
		phases     []scenarios.Phase
		when       scenarios.When
		chance     scenarios.Chance
		start, end time.Duration // of the line
		arrival    int           // before the line's first attempt
	}{
		{"an elapsed window", nil, scenarios.When{Elapsed: &scenarios.Window{From: 5 * sec, To: 25 * sec}}, falling, 5 * sec, 25 * sec, 0},
		{"each period of a window", nil, scenarios.When{Elapsed: &scenarios.Window{From: 5 * sec, Every: 60 * sec, For: 20 * sec}},
			rising, 125 * sec, 145 * sec, 0},
		{"a phase", phases, scenarios.When{Phase: []string{"b"}}, rising, 10 * sec, 30 * sec, 0},
		{"one line over two phases", phases, scenarios.When{Phase: []string{"c", "b"}}, falling, 10 * sec, 50 * sec, 0},
		{"a phase in attempts", inAttempts, scenarios.When{Phase: []string{"b"}}, falling, 0, sec, 1000},
	} {
		s := healthy(scenarios.Fault{Name: "ramp", Answer: status(503), Chance: c.chance, When: c.when})
		s.Phases = c.phases
		p := New(s)
		const bins, n = 20, 10_000
		var d Decision
		for bin := range bins {
			hits, want, variance := 0.0, 0.0, 0.0
			for i := range n {
				done := (float64(bin*n+i) + 0.5) / (bins * n)
				p.Attempt(&Input{Call: bin*n + i, Attempt: 1, Arrival: c.arrival + bin*n + i + 1,
					Elapsed: c.start + time.Duration(done*float64(c.end-c.start))}, &d)
				if d.Fault == 0 {
					hits++
				}
				odds := c.chance.From + (c.chance.To-c.chance.From)*done
				want, variance = want+odds, variance+odds*(1-odds)
			}
			if math.Abs(hits-want) > 5*math.Sqrt(variance) {
				t.Errorf("%s: %g of %d struck in part %d of %d, want %.0f", c.why, hits, n, bin+1, bins, want)
			}
		}
	}
}

// TestRampOverMixedPhases: where time and attempts are mixed each phase has the line to itself; without an end the
// line stays at its start.
func TestRampOverMixedPhases(t *testing.T) {
	f := scenarios.Fault{Chance: scenarios.Chance{Set: true, Ramp: true, From: 1, To: 0}}
	phases := []scenarios.Phase{{For: 100}, {Attempts: 100}, {}}
	r := newRamp(phases, &f, nil)
	for i, m := range []moment{{0, instant{25, 0}}, {1, instant{0, 25}}} {
		if got := r.at(phases, 0, m); got != 0.75 {
			t.Errorf("a quarter into phase %d: chance %g, want 75%%", i, got)
		}
	}
	if got := r.at(phases, 0, moment{2, instant{1 << 40, 1 << 20}}); got != 1 {
		t.Errorf("in a phase without an end: chance %g, want the line's start", got)
	}
	if got := newRamp(phases, &f, make([]bool, 3)).at(phases, 0, moment{phase: 1}); got != 1 {
		t.Errorf("without a window: chance %g, want the line's start", got)
	}
}
