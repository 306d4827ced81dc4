package plan

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/scenarios"
)

// route1 is a route that answers with the entries given.
func route1(name string, answers ...scenarios.Answer) scenarios.Route {
	for i := range answers {
		answers[i].Index = i
		if answers[i].Times == 0 {
			answers[i].Times = 1
		}
	}
	return scenarios.Route{Name: name, Answers: answers}
}

// share1 is an unchanging chance.
func share1(p float64) scenarios.Chance { return scenarios.Chance{Set: true, From: p, To: p} }

func status(code int) scenarios.Answer { return scenarios.Answer{Status: code} }

func fixed(d time.Duration) *scenarios.Delay { return &scenarios.Delay{Fixed: d} }

func reset(at scenarios.WireAt) *scenarios.WireFault {
	return &scenarios.WireFault{Do: scenarios.WireRST, At: at}
}

func rangeOf(from, to int) *scenarios.Range { return &scenarios.Range{From: from, To: to} }

// healthy is a scenario of one route that always answers 200, with the faults given.
func healthy(faults ...scenarios.Fault) *scenarios.Scenario {
	for i := range faults {
		faults[i].Index = i
	}
	return &scenarios.Scenario{Name: "test", Seed: 1, Routes: []scenarios.Route{route1("GET /items", status(200))}, Faults: faults}
}

// decide returns a decision of its own.
func decide(p *Plan, in Input) Decision {
	var d Decision
	p.Attempt(&in, &d)
	return d
}

func TestEntriesFollowTimes(t *testing.T) {
	twice := status(503)
	twice.Times = 2
	p := New(&scenarios.Scenario{Seed: 1, Routes: []scenarios.Route{route1("GET /", twice, status(429), status(200))}})
	for i, want := range []struct {
		entry, status int
		why           string
	}{
		{0, 503, "the first of two"},
		{0, 503, "the second of two"},
		{1, 429, "once is the default"},
		{2, 200, "the last"},
		{2, 200, "the last repeats"},
	} {
		d := decide(p, Input{Call: 1, Attempt: i + 1, Entries: i})
		if d.Entry != want.entry || d.Answer.Status != want.status || d.Fault != -1 {
			t.Errorf("after %d answers: entry %d, status %d, fault %d; want entry %d, status %d: %s",
				i, d.Entry, d.Answer.Status, d.Fault, want.entry, want.status, want.why)
		}
	}
	if d := decide(p, Input{Entries: math.MaxInt}); d.Entry != 2 {
		t.Errorf("after very many answers: entry %d, want the last", d.Entry)
	}
}

func TestWithoutRoute(t *testing.T) {
	d := decide(New(&scenarios.Scenario{Seed: 1}), Input{Route: -1, Call: 1, Attempt: 1})
	if d.Answer.Status != 200 || d.Entry != -1 || d.Fault != -1 || d.Reason != "no routes" {
		t.Errorf("scenario without routes: %+v, want a 200", d)
	}
	d = decide(New(healthy()), Input{Route: -1, Call: 1, Attempt: 1})
	if d.Answer.Status != 404 || d.Entry != -1 || d.Fault != -1 || d.Reason != "no route matches" {
		t.Errorf("attempt that no route takes: %+v, want a 404", d)
	}
	down := New(healthy(scenarios.Fault{Name: "down", Answer: status(502)}))
	if d = decide(down, Input{Route: -1}); d.Answer.Status != 502 || d.Reason != "down, faults[0]" {
		t.Errorf("attempt that no route takes, behind a gateway that is down: %+v, want its 502", d)
	}
}

// TestFaultsInOrder holds the composition of faults to the grammar, "How one attempt is answered".
func TestFaultsInOrder(t *testing.T) {
	slow := scenarios.Fault{Name: "slow", Answer: scenarios.Answer{Delay: fixed(time.Second)}}
	down := scenarios.Fault{Name: "down", Answer: scenarios.Answer{Status: 503, Delay: fixed(100 * time.Millisecond)}}
	late := scenarios.Fault{Name: "late", Answer: scenarios.Answer{Status: 504, Delay: fixed(time.Hour)}}
	rst := scenarios.Fault{Name: "rst", Answer: scenarios.Answer{Wire: reset(scenarios.AtBeforeHeaders)}}
	fin := scenarios.Fault{Answer: scenarios.Answer{Wire: &scenarios.WireFault{Do: scenarios.WireFIN, At: scenarios.AtBeforeHeaders}}}
	for _, c := range []struct {
		why            string
		faults         []scenarios.Fault
		status, fault  int
		wire           scenarios.WireDo
		delay          time.Duration
		drawn, applied []int
		reason         string
	}{
		{"nothing strikes", nil, 200, -1, scenarios.WireFIN, 0, nil, nil, "answers[0]"},
		{"the entry's own wire fault gives way", []scenarios.Fault{rst}, 200, -1, scenarios.WireRST, 0,
			[]int{0}, []int{0}, "rst, faults[0] over answers[0]"},
		{"a fault without a name is called by its place", []scenarios.Fault{fin}, 200, -1, scenarios.WireFIN, 0,
			[]int{0}, []int{0}, "faults[0] over answers[0]"},
		{"the first wire fault stands", []scenarios.Fault{rst, fin}, 200, -1, scenarios.WireRST, 0,
			[]int{0, 1}, []int{0}, "rst, faults[0] over answers[0]"},
		{"a fault with a status answers", []scenarios.Fault{down}, 503, 0, 0, 100 * time.Millisecond,
			[]int{0}, []int{0}, "down, faults[0]"},
		{"the first with a status answers, and the second brings no delay", []scenarios.Fault{down, late}, 503, 0, 0,
			100 * time.Millisecond, []int{0, 1}, []int{0}, "down, faults[0]"},
		{"delays add up, before and after the one that answers", []scenarios.Fault{slow, down, slow}, 503, 1, 0,
			2100 * time.Millisecond, []int{0, 1, 2}, []int{0, 1, 2}, "slow, faults[0] + down, faults[1] + slow, faults[2]"},
		{"an answer of which nothing comes through has not struck", []scenarios.Fault{rst, {Answer: status(500)}}, 500, 1,
			scenarios.WireRST, 0, []int{0, 1}, []int{0}, "rst, faults[0]"},
		{"two laid over the healthy answer", []scenarios.Fault{slow, rst}, 200, -1, scenarios.WireRST, time.Second,
			[]int{0, 1}, []int{0, 1}, "slow, faults[0] + rst, faults[1] over answers[0]"},
	} {
		for i := range c.faults {
			c.faults[i].Index = i
		}
		s := healthy(c.faults...)
		s.Routes[0].Answers[0].Wire = fin.Answer.Wire
		d := decide(New(s), Input{Call: 1, Attempt: 1})
		var wire scenarios.WireDo
		if d.Wire != nil {
			wire = d.Wire.Do
		}
		if d.Answer.Status != c.status || d.Fault != c.fault || wire != c.wire || d.Delay != c.delay || d.Reason != c.reason ||
			!slices.Equal(d.Drawn, c.drawn) || !slices.Equal(d.Applied, c.applied) {
			t.Errorf("%s: got %+v, wire %v; want %+v", c.why, d, wire, c)
		}
		if entry := map[bool]int{true: -1, false: 0}[c.fault >= 0]; d.Entry != entry {
			t.Errorf("%s: entry %d, want %d: only the route's own answers use one up", c.why, d.Entry, entry)
		}
	}
}

// TestDelaysDoNotOverflow adds up more than fits.
func TestDelaysDoNotOverflow(t *testing.T) {
	long := scenarios.Fault{Answer: scenarios.Answer{Delay: fixed(math.MaxInt64 - 5)}}
	if d := decide(New(healthy(long, long)), Input{}); d.Delay != math.MaxInt64 {
		t.Errorf("delay %v, want the longest there is", d.Delay)
	}
}

// mixed is a scenario in which every kind of chance has a part.
func mixed(seed uint64) *scenarios.Scenario {
	ms := time.Millisecond
	s := healthy(
		scenarios.Fault{Name: "outage", Answer: status(503), Chance: share1(0.3)},
		scenarios.Fault{Name: "slow", Answer: scenarios.Answer{Delay: &scenarios.Delay{Kind: scenarios.DelayNormal, Mean: 80 * ms, SD: 20 * ms}}, Chance: share1(0.5)},
		scenarios.Fault{Name: "cut", Answer: scenarios.Answer{Wire: reset(scenarios.AtBeforeHeaders)}, Chance: share1(0.1)},
		scenarios.Fault{Name: "burst", Answer: status(502), When: scenarios.When{Burst: &scenarios.Burst{Bad: 2 * time.Second, Good: 5 * time.Second}}},
		scenarios.Fault{Name: "streak", Answer: status(500), When: scenarios.When{Burst: &scenarios.Burst{BadAttempts: 3, GoodAttempts: 20}}},
		scenarios.Fault{Name: "heal", Answer: status(429), When: scenarios.When{Phase: []string{"recovery"}}, Chance: scenarios.Chance{Set: true, Ramp: true, From: 0.8}},
	)
	s.Seed = seed
	s.Phases = []scenarios.Phase{{Name: "healthy", For: 10 * time.Second}, {Name: "recovery", For: 60 * time.Second}, {Name: "after"}}
	s.Routes = append(s.Routes, route1("POST /orders", scenarios.Answer{Status: 201, Delay: &scenarios.Delay{Kind: scenarios.DelayLognormal,
		Table: []scenarios.Quantile{{P: 0.5, Value: 20 * ms}, {P: 0.99, Value: 900 * ms}}}}))
	return s
}

// inputs are attempts as a run of 100 s would bring them.
func inputs(n int) []Input {
	in := make([]Input, n)
	for i := range in {
		in[i] = Input{Route: i % 2, Call: i/6 + 1, Attempt: i/2%3 + 1, Entries: i / 2 % 3, Nth: i/2 + 1, Arrival: i + 1,
			Elapsed: time.Duration(i) * 100 * time.Second / time.Duration(n), Method: "GET", Path: "/items"}
	}
	return in
}

// TestSameDecisionsUnderConcurrency asks one worker in order, and 64 in any order.
func TestSameDecisionsUnderConcurrency(t *testing.T) {
	s, in := mixed(7), inputs(12_000)
	alone, want := New(s), make([]Decision, len(in))
	for i := range in {
		alone.Attempt(&in[i], &want[i])
	}
	shared, got := New(s), make([]Decision, len(in))
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(in))
	var workers sync.WaitGroup
	for w := range 64 {
		workers.Go(func() {
			for i := w; i < len(order); i += 64 {
				shared.Attempt(&in[order[i]], &got[order[i]])
			}
		})
	}
	workers.Wait()
	for i := range want {
		if !sameDecision(want[i], got[i]) {
			t.Fatalf("attempt %d of call %d: %+v alone, %+v at 64 workers", in[i].Attempt, in[i].Call, want[i], got[i])
		}
	}
}

func sameDecision(a, b Decision) bool {
	return a.Answer == b.Answer && a.Entry == b.Entry && a.Fault == b.Fault && a.Delay == b.Delay && a.Wire == b.Wire &&
		a.Phase == b.Phase && a.Reason == b.Reason && slices.Equal(a.Drawn, b.Drawn) && slices.Equal(a.Applied, b.Applied)
}

// TestSlicesAreReused decides twice with one Decision.
func TestSlicesAreReused(t *testing.T) {
	p := New(healthy(scenarios.Fault{Answer: status(503), When: scenarios.When{Attempt: rangeOf(1, 1)}}))
	var d Decision
	p.Attempt(&Input{Call: 1, Attempt: 1}, &d)
	p.Attempt(&Input{Call: 1, Attempt: 2}, &d)
	if d.Fault != -1 || len(d.Drawn) != 0 || len(d.Applied) != 0 || !strings.HasPrefix(d.Reason, "answers") {
		t.Errorf("second decision %+v still shows the first", d)
	}
}
