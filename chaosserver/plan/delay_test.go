package plan

import (
	"fmt"
	"math"
	"testing"
	"time"

	"brownout/scenarios"

	"pgregory.net/rapid"
)

// delays draws the delays of the first attempts of many calls, in seconds.
func delays(d scenarios.Delay, n int) []float64 {
	p := New(healthy(scenarios.Fault{Name: "slow", Answer: scenarios.Answer{Delay: &d}}))
	sample := make([]float64, n)
	var dec Decision
	for i := range sample {
		p.Attempt(&Input{Call: i + 1, Attempt: 1}, &dec)
		sample[i] = dec.Delay.Seconds()
	}
	return sample
}

// TestQuantilesOfDelays holds the named quantiles themselves.
func TestQuantilesOfDelays(t *testing.T) {
	const n = 100_000
	sample := delays(scenarios.Delay{Kind: scenarios.DelayLognormal,
		Table: []scenarios.Quantile{{P: 0.5, Value: 20 * time.Millisecond}, {P: 0.99, Value: time.Second}}}, n)
	for _, q := range []struct{ p, at float64 }{{0.5, 0.02}, {0.99, 1}} {
		below := 0
		for _, x := range sample {
			if x <= q.at {
				below++
			}
		}
		if sigma := math.Sqrt(n * q.p * (1 - q.p)); math.Abs(float64(below)-n*q.p) > 5*sigma {
			t.Errorf("%d of %d draws are at most %gs, want %g%%", below, n, q.at, 100*q.p)
		}
	}
}

func TestFixedDelayAndBounds(t *testing.T) {
	ms := func(n int) *time.Duration { d := time.Duration(n) * time.Millisecond; return &d }
	for _, c := range []struct {
		delay scenarios.Delay
		want  time.Duration
		why   string
	}{
		{scenarios.Delay{Fixed: time.Second}, time.Second, "a fixed delay is itself"},
		{scenarios.Delay{Fixed: -time.Second}, 0, "no delay is negative"},
		{scenarios.Delay{Fixed: time.Second, Max: ms(300)}, 300 * time.Millisecond, "cut off above"},
		{scenarios.Delay{Fixed: time.Millisecond, Min: ms(300)}, 300 * time.Millisecond, "cut off below"},
		{scenarios.Delay{Kind: scenarios.DelayUniform, Fixed: 5, To: 5}, 5, "a uniform delay of one value"},
		{scenarios.Delay{Kind: scenarios.DelayNormal, Mean: 7}, 7, "no deviation"},
		{scenarios.Delay{Kind: scenarios.DelayLognormal, Table: []scenarios.Quantile{{P: 0.5, Value: 9}, {P: 0.99, Value: 9}}}, 9, "no deviation"},
		{scenarios.Delay{Kind: scenarios.DelayNormal, Mean: math.MaxInt64, SD: 1}, math.MaxInt64, "the longest delay there is"},
		{scenarios.Delay{Kind: scenarios.DelayNormal, Mean: 1, SD: math.MaxInt64, Max: ms(0)}, 0, "what does not fit below is cut off"},
	} {
		if got := newSampler(&c.delay).at(newKey(1, labelDelay), 1, 1); got != c.want {
			t.Errorf("%+v gives %v, want %v: %s", c.delay, got, c.want, c.why)
		}
	}
}

// TestDelaysStayWithinBounds draws from any distribution.
func TestDelaysStayWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := func(what string) time.Duration { return time.Duration(rapid.Int64Range(0, 1e12).Draw(t, what)) }
		low, high := span("min"), span("max")
		if high < low {
			low, high = high, low
		}
		d := scenarios.Delay{Kind: scenarios.DelayKind(rapid.IntRange(0, 4).Draw(t, "kind")), Fixed: span("fixed"), To: span("to"),
			Mean: span("mean"), SD: span("sd"), Min: &low, Max: &high,
			Table: []scenarios.Quantile{{P: 0.5, Value: span("p50")}, {P: 0.99, Value: span("p99")}}}
		if got := newSampler(&d).at(key(rapid.Uint64().Draw(t, "key")), 1, 1); got < low || got > high {
			t.Fatalf("%v lies outside %v..%v", got, low, high)
		}
	})
}

// TestPortableFunctions compares with the math package's.
func TestPortableFunctions(t *testing.T) {
	near := func(got, want, scale float64) bool { return math.Abs(got-want) <= scale }
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(1e-300, 1-0x1p-53).Draw(t, "p")
		if got, want := ln(p), math.Log(p); !near(got, want, 1e-16+4e-16*math.Abs(want)) {
			t.Fatalf("ln(%g) = %v, want %v", p, got, want)
		}
		if got, want := normalQuantile(p), math.Sqrt2*math.Erfinv(2*p-1); p > 0.01 && !near(got, want, 1e-13*(1+math.Abs(want))) {
			t.Fatalf("normalQuantile(%g) = %v, want %v", p, got, want)
		}
		if z := normalQuantile(p); !near(normalCDF(z, 0, 1)/p, 1, 1e-11) {
			t.Fatalf("normalQuantile(%g) = %v, below which lies %v", p, z, normalCDF(z, 0, 1))
		}
		x := rapid.Float64Range(-690, 705).Draw(t, "x")
		if got, want := exp(x), math.Exp(x); !near(got/want, 1, 2e-15) {
			t.Fatalf("exp(%g) = %v, want %v", x, got, want)
		}
	})
	for _, c := range []struct{ got, want float64 }{
		{ln(1), 0}, {ln(math.E), 1}, {ln(0x1p-53), -53 * math.Ln2}, {exp(0), 1}, {exp(1e9), math.MaxFloat64}, {exp(-1e9), 0},
		{normalQuantile(0.5), 0}, {normalQuantile(0.99), z99},
	} {
		if !near(c.got, c.want, 1e-15*math.Max(1, math.Abs(c.want))) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func ExamplePlan_Attempt() {
	p := New(&scenarios.Scenario{Seed: 1, Routes: []scenarios.Route{{
		Name:    "GET /items/:id",
		Answers: []scenarios.Answer{{Status: 503, Times: 2}, {Status: 200, Times: 1}},
	}}})
	var d Decision
	for attempt := 1; attempt <= 3; attempt++ {
		p.Attempt(&Input{Route: 0, Call: 1, Attempt: attempt, Entries: attempt - 1}, &d)
		fmt.Println(attempt, d.Answer.Status, d.Reason)
	}
	// Output:
	// 1 503 answers[0]
	// 2 503 answers[0]
	// 3 200 answers[1]
}
