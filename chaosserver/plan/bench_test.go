package plan

import (
	"fmt"
	"testing"
	"time"

	"brownout/scenarios"
)

// many is a scenario of 20 routes and so many faults, each made by fault.
func many(faults int, fault func(i int) scenarios.Fault) *scenarios.Scenario {
	s := &scenarios.Scenario{Seed: 1}
	for i := range 20 {
		s.Routes = append(s.Routes, route1(fmt.Sprintf("GET /api/v1/res%d/:id", i), status(503), status(200)))
	}
	for i := range faults {
		f := fault(i)
		f.Index, f.Name = i, fmt.Sprintf("fault-%d", i)
		s.Faults = append(s.Faults, f)
	}
	return s
}

func BenchmarkAttempt(b *testing.B) {
	chance := func(int) scenarios.Fault { return scenarios.Fault{Answer: status(503), Chance: share1(0.01)} }
	for _, c := range []struct {
		name     string
		scenario *scenarios.Scenario
	}{
		{"answers", many(0, nil)},
		{"chance/1", many(1, chance)},
		{"chance/20", many(20, chance)},
		{"always", many(1, func(int) scenarios.Fault { return scenarios.Fault{Answer: status(503)} })},
		{"triggers", many(1, func(int) scenarios.Fault {
			return scenarios.Fault{Answer: status(503), Chance: share1(0.5), When: scenarios.When{Attempt: rangeOf(1, 3),
				Elapsed: &scenarios.Window{To: time.Hour}, Method: []string{"GET"}}}
		})},
		{"burst", many(1, func(int) scenarios.Fault {
			return scenarios.Fault{Answer: status(503), When: scenarios.When{Burst: &scenarios.Burst{Bad: time.Second, Good: time.Second}}}
		})},
		{"delay/lognormal", many(1, func(int) scenarios.Fault {
			return scenarios.Fault{Answer: scenarios.Answer{Delay: &scenarios.Delay{Kind: scenarios.DelayLognormal,
				Table: []scenarios.Quantile{{P: 0.5, Value: 20e6}, {P: 0.99, Value: 1e9}}}}}
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := New(c.scenario)
			in := Input{Route: 10, Attempt: 1, Method: "GET", Path: "/api/v1/res10/7"}
			var d Decision
			p.Attempt(&in, &d)
			b.ReportAllocs()
			for b.Loop() {
				in.Call++
				in.Elapsed += 20 * time.Microsecond
				p.Attempt(&in, &d)
			}
		})
	}
}

// BenchmarkAttemptParallel shares one plan among all processors.
func BenchmarkAttemptParallel(b *testing.B) {
	p := New(mixed(1))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		in := Input{Attempt: 1}
		var d Decision
		for pb.Next() {
			in.Call++
			p.Attempt(&in, &d)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	p, buf := New(many(0, nil)), make([]byte, 32<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		body := p.Body(0, 1, int64(len(buf)))
		body.Read(buf)
	}
}

// TestAttemptDoesNotAllocate holds decisions in which one thing strikes to no allocation.
func TestAttemptDoesNotAllocate(t *testing.T) {
	slow := &scenarios.Delay{Kind: scenarios.DelayNormal, Mean: 50e6, SD: 5e6}
	for name, f := range map[string]scenarios.Fault{
		"a fault answers":          {Answer: status(503), Chance: share1(0.5)},
		"a fault lies over":        {Answer: scenarios.Answer{Delay: slow}, Chance: share1(0.5)},
		"a burst":                  {Answer: status(503), When: scenarios.When{Burst: &scenarios.Burst{Bad: 1e9, Good: 1e9}}},
		"a ramp":                   {Answer: status(503), Chance: scenarios.Chance{Set: true, Ramp: true, From: 1}, When: scenarios.When{Elapsed: &scenarios.Window{To: 1e12}}},
		"a connection fault aside": {Answer: scenarios.Answer{Wire: reset(scenarios.AtAccept)}},
	} {
		p := New(many(1, func(int) scenarios.Fault { return f }))
		in := Input{Attempt: 1}
		var d Decision
		var c ConnDecision
		p.Connection(1, 0, "", "", &c)
		decideOne := func() {
			in.Call++
			in.Elapsed += 1000
			p.Attempt(&in, &d)
			p.Connection(in.Call, in.Elapsed, "127.0.0.1:1", "", &c)
		}
		for range 100 {
			decideOne() // makes room in d
		}
		if n := testing.AllocsPerRun(1000, decideOne); n != 0 {
			t.Errorf("%s: %g allocations a decision, want none", name, n)
		}
	}
}
