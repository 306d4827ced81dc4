package plan

import (
	"math"
	"slices"
	"testing"
	"time"

	"brownout/scenarios"
)

// refused is a scenario whose faults all reset connections at accept.
func refused(faults ...scenarios.Fault) *scenarios.Scenario {
	for i := range faults {
		faults[i].Answer.Wire = reset(scenarios.AtAccept)
	}
	return healthy(faults...)
}

func connect(p *Plan, ordinal int, elapsed time.Duration, client string) ConnDecision {
	var d ConnDecision
	p.Connection(ordinal, elapsed, client, "a", &d)
	return d
}

func TestConnectionTriggers(t *testing.T) {
	sec := time.Second
	for _, c := range []struct {
		why     string
		when    scenarios.When
		ordinal int
		elapsed time.Duration
		want    bool
	}{
		{"no triggers", scenarios.When{}, 1, 0, true},
		{"the second connection", scenarios.When{Nth: rangeOf(2, 2)}, 2, 0, true},
		{"the third", scenarios.When{Nth: rangeOf(2, 2)}, 3, 0, false},
		{"every third", scenarios.When{Every: 3}, 9, 0, true},
		{"not the third", scenarios.When{Every: 3}, 10, 0, false},
		{"in the window", scenarios.When{Elapsed: &scenarios.Window{From: sec, To: 2 * sec}}, 1, sec, true},
		{"after the window", scenarios.When{Elapsed: &scenarios.Window{From: sec, To: 2 * sec}}, 1, 2 * sec, false},
		{"in the phase", scenarios.When{Phase: []string{"bad"}}, 1, 3 * sec, true},
		{"in another phase", scenarios.When{Phase: []string{"bad"}}, 1, 0, false},
		{"the client's address", scenarios.When{Client: &scenarios.TextMatch{Contains: "127."}}, 1, 0, true},
		{"its host", scenarios.When{Host: []string{"b", "a"}}, 1, 0, true},
		{"another host", scenarios.When{Host: []string{"b"}}, 1, 0, false},
		{"another address", scenarios.When{Client: &scenarios.TextMatch{Contains: "10."}}, 1, 0, false},
	} {
		s := refused(scenarios.Fault{Name: "refuse", When: c.when})
		s.Phases = []scenarios.Phase{{Name: "good", For: 2 * sec}, {Name: "bad"}}
		d := connect(New(s), c.ordinal, c.elapsed, "127.0.0.1:4711")
		if (d.Wire != nil) != c.want || (d.Reason == "refuse, faults[0]") != c.want || (len(d.Drawn) == 1) != c.want {
			t.Errorf("%s: %+v, want it to strike: %v", c.why, d, c.want)
		}
	}
}

// TestFirstConnectionFaultStands: the second draws, but has nothing left to strike.
func TestFirstConnectionFaultStands(t *testing.T) {
	p := New(refused(scenarios.Fault{Name: "one", When: scenarios.When{Nth: rangeOf(1, 1)}}, scenarios.Fault{Name: "two"}))
	d := connect(p, 1, 0, "")
	if d.Reason != "one, faults[0]" || !slices.Equal(d.Drawn, []int{0, 1}) || !slices.Equal(d.Applied, []int{0}) {
		t.Errorf("first connection: %+v, want the first fault alone", d)
	}
	if d = connect(p, 2, 0, ""); d.Reason != "two, faults[1]" || !slices.Equal(d.Applied, []int{1}) {
		t.Errorf("second connection: %+v, want the second fault", d)
	}
	if d := decide(p, Input{Call: 1, Attempt: 1}); len(d.Drawn) > 0 {
		t.Errorf("an attempt met a connection fault: %+v", d)
	}
}

// TestConnectionChance holds the frequency over 100,000 connections within 5 standard deviations.
func TestConnectionChance(t *testing.T) {
	const n, odds = 100_000, 0.05
	p := New(refused(scenarios.Fault{Name: "refuse", Chance: share1(odds)}))
	hits := 0
	for i := range n {
		if connect(p, i+1, 0, "").Wire != nil {
			hits++
		}
	}
	if sigma := math.Sqrt(n * odds * (1 - odds)); math.Abs(float64(hits)-n*odds) > 5*sigma {
		t.Errorf("%d of %d connections were struck, want %g", hits, n, n*odds)
	}
}

// TestConnectionBurstCountsConnections: a burst in attempts counts connections at accept.
func TestConnectionBurstCountsConnections(t *testing.T) {
	p := New(refused(scenarios.Fault{Name: "b", When: scenarios.When{Burst: &scenarios.Burst{BadAttempts: 4, GoodAttempts: 4}}}))
	if connect(p, 1, 0, "").Wire != nil {
		t.Error("the first connection was struck; a burst begins with a good spell")
	}
	hits, changes, before := 0, 0, false
	for i := range 1000 {
		struck := connect(p, i+1, 0, "").Wire != nil
		if struck != before {
			changes++
		}
		if before = struck; struck {
			hits++
		}
	}
	if hits < 400 || hits > 600 || changes < 180 || changes > 320 {
		t.Errorf("%d of 1000 connections struck in %d spells, want about 500 in 250", hits, changes)
	}
}

// TestConnectionInPhaseOfAttempts: a connection lies in the phase of the attempt that would come next.
func TestConnectionInPhaseOfAttempts(t *testing.T) {
	s := refused(scenarios.Fault{Name: "refuse", When: scenarios.When{Phase: []string{"bad"}}})
	s.Phases = []scenarios.Phase{{Name: "good", Attempts: 2}, {Name: "bad", Attempts: 2}, {Name: "after"}}
	p := New(s)
	for arrived, want := range []bool{false, false, true, true, false} {
		if arrived > 0 {
			decide(p, Input{Call: arrived, Attempt: 1, Arrival: arrived})
		}
		if d := connect(p, arrived+1, 0, ""); (d.Wire != nil) != want {
			t.Errorf("after %d attempts: %+v, want it to strike: %v", arrived, d, want)
		}
	}
	decide(p, Input{Call: 1, Attempt: 1, Arrival: 1}) // one that comes late takes nothing back
	if d := connect(p, 9, 0, ""); d.Wire != nil {
		t.Errorf("after a late attempt: %+v, want nothing", d)
	}
}
