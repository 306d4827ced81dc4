package plan

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/bits"
	"testing"

	"brownout/scenarios"

	"pgregory.net/rapid"
)

// struck returns, call by call, whether the fault of that index struck the attempt.
func struck(p *Plan, fault, attempt, calls int) []bool {
	hits := make([]bool, calls)
	var d Decision
	for call := range hits {
		p.Attempt(&Input{Call: call + 1, Attempt: attempt}, &d)
		for _, i := range d.Applied {
			hits[call] = hits[call] || i == fault
		}
	}
	return hits
}

func count(hits []bool) (n int) {
	for _, h := range hits {
		if h {
			n++
		}
	}
	return n
}

// correlation returns the phi coefficient of two rows of the same length: its standard deviation is 1/√n where
// they have nothing to do with each other.
func correlation(a, b []bool) float64 {
	var both, onlyA, onlyB, none float64
	for i := range a {
		switch {
		case a[i] && b[i]:
			both++
		case a[i]:
			onlyA++
		case b[i]:
			onlyB++
		default:
			none++
		}
	}
	return (both*none - onlyA*onlyB) / math.Sqrt((both+onlyA)*(both+onlyB)*(onlyA+none)*(onlyB+none))
}

// TestChanceIsKept holds frequencies over 100,000 draws within 5 standard deviations.
func TestChanceIsKept(t *testing.T) {
	const n = 100_000
	for _, p := range []float64{0.001, 0.01, 0.05, 0.1, 0.25, 1.0 / 3, 0.5, 0.75, 0.9, 0.99} {
		for seed := range uint64(5) {
			s := healthy(scenarios.Fault{Name: "f", Answer: status(503), Chance: share1(p)})
			s.Seed = seed
			got := float64(count(struck(New(s), 0, 1, n)))
			if sigma := math.Sqrt(n * p * (1 - p)); math.Abs(got-n*p) > 5*sigma {
				t.Errorf("chance %g, seed %d: struck %g of %d, %.1f standard deviations off", p, seed, got, n, (got-n*p)/sigma)
			}
		}
	}
	for p, want := range map[float64]int{0: 0, 1: n} {
		if got := count(struck(New(healthy(scenarios.Fault{Answer: status(503), Chance: share1(p)})), 0, 1, n)); got != want {
			t.Errorf("chance %g: struck %d of %d, want %d", p, got, n, want)
		}
	}
}

// TestStrikesAreIndependent: from one strike to the next there are as many calls as where each is tossed for alone.
func TestStrikesAreIndependent(t *testing.T) {
	const n = 400_000
	for _, p := range []float64{0.02, 0.3, 0.9} {
		hits := struck(New(healthy(scenarios.Fault{Name: "f", Answer: status(503), Chance: share1(p)})), 0, 1, n)
		law := geometric(p)
		if wrong := law.fits(waits(hits)); wrong != "" {
			t.Errorf("chance %g: %s", p, wrong)
		}
		for _, slip := range []struct {
			what string
			hit  func(i int) bool
		}{
			{"one call in 20 meets what the call before met", func(i int) bool { return hits[i-btoi(i > 0 && i%20 == 0)] }},
			{"strikes come at regular intervals", func(i int) bool { return math.Floor(float64(i)*p) != math.Floor(float64(i+1)*p) }},
		} {
			slipped := make([]bool, n)
			for i := range slipped {
				slipped[i] = slip.hit(i)
			}
			if law.fits(waits(slipped)) == "" {
				t.Errorf("chance %g, a slip: %s: not found", p, slip.what)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// waits returns how many calls there are from one strike to the next.
func waits(hits []bool) []float64 {
	var all []float64
	n := 0.0
	for _, h := range hits {
		n++
		if h {
			all, n = append(all, n), 0
		}
	}
	return all
}

// TestDrawsAreIndependent compares the draws of two attempts, faults, routes and seeds.
func TestDrawsAreIndependent(t *testing.T) {
	const n = 100_000
	laid := func(name string) scenarios.Fault { // strikes beside others
		return scenarios.Fault{Name: name, Answer: scenarios.Answer{Delay: fixed(1)}, Chance: share1(0.3)}
	}
	s := healthy(laid("one"), laid("two"), laid("twp"))
	p := New(s)
	base := struck(p, 0, 1, n)
	other := *s
	other.Seed++
	renamed := *s
	renamed.Routes = []scenarios.Route{route1("GET /items2", status(200))}
	conns := make([]bool, n)
	accept := New(healthy(scenarios.Fault{Name: "one", Answer: scenarios.Answer{Wire: reset(scenarios.AtAccept)}, Chance: share1(0.3)}))
	var d ConnDecision
	for i := range conns {
		accept.Connection(i+1, 0, "", "", &d)
		conns[i] = d.Wire != nil
	}
	for what, hits := range map[string][]bool{
		"the retry":                              struck(p, 0, 2, n),
		"the tenth attempt":                      struck(p, 0, 10, n),
		"the next call":                          append(base[1:n:n], false),
		"another fault":                          struck(p, 1, 1, n),
		"a fault of nearly another fault's name": struck(p, 2, 1, n),
		"the next seed":                          struck(New(&other), 0, 1, n),
		"another route":                          struck(New(&renamed), 0, 1, n),
		"the connections of that ordinal":        conns,
	} {
		if r := correlation(base, hits); math.Abs(r) > 5/math.Sqrt(n) {
			t.Errorf("%s: correlation %.4f, want less than %.4f", what, r, 5/math.Sqrt(n))
		}
	}
	if r := correlation(struck(p, 1, 1, n), struck(p, 2, 1, n)); math.Abs(r) > 5/math.Sqrt(n) {
		t.Errorf("two faults of nearly one name: correlation %.4f", r)
	}
}

// TestChanceDoesNotDependOnTheRest moves a fault and a route to other places, among others: what is drawn stays.
func TestChanceDoesNotDependOnTheRest(t *testing.T) {
	f := scenarios.Fault{Name: "f", Answer: scenarios.Answer{Delay: fixed(1)}, Chance: share1(0.5)}
	alone := New(healthy(f))
	s := healthy(scenarios.Fault{Name: "g", Answer: scenarios.Answer{Delay: fixed(1)}, Chance: share1(0.5)}, f)
	s.Routes = append([]scenarios.Route{route1("POST /new", status(201))}, s.Routes...)
	among := New(s)
	for call := range 1000 {
		a := decide(alone, Input{Call: call, Attempt: 1})
		b := decide(among, Input{Route: 1, Call: call, Attempt: 1})
		if (len(a.Applied) > 0) != (len(b.Applied) > 0 && b.Applied[len(b.Applied)-1] == 1) {
			t.Fatalf("call %d: struck %v alone, %v among others", call, a.Applied, b.Applied)
		}
	}
}

// TestBitsAreTheSameEverywhere pins draws: these figures hold on every operating system and processor, and from
// version to version, for they are what a seed promises.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	k := newKey(42, labelChance, "outage")
	got := fmt.Sprintf("%016x %016x %016x", uint64(k), k.draw(1, 1), k.draw(1, 2))
	if want := "ec5110c343ec8165 c1563cf6db9c409d 608aa6ee138e93d3"; got != want {
		t.Errorf("draws are %s, want %s", got, want)
	}
	digest := fnv.New64a()
	p := New(mixed(42))
	var d Decision
	for _, in := range inputs(20_000) {
		p.Attempt(&in, &d)
		fmt.Fprintln(digest, d.Answer.Status, int64(d.Delay), d.Wire != nil, d.Drawn, d.Applied, d.Reason)
	}
	if got, want := digest.Sum64(), uint64(0x68f27a2fda0f8386); got != want {
		t.Errorf("digest of 20,000 decisions is %#x, want %#x", got, want)
	}
}

// TestMixChangesHalfTheBits holds the avalanche of a draw: one bit of the call's number changes each output bit
// half of the time.
func TestMixChangesHalfTheBits(t *testing.T) {
	k := newKey(1, labelChance, "f")
	var changed [64]int
	const n = 20_000
	for call := range n {
		for diff := k.draw(call, 1) ^ k.draw(call^1, 1); diff != 0; diff &= diff - 1 {
			changed[bits.TrailingZeros64(diff)]++
		}
	}
	for bit, c := range changed {
		if math.Abs(float64(c)-n/2) > 5*math.Sqrt(2*n/4) { // draws come in pairs
			t.Errorf("bit %d changed %d times of %d", bit, c, n)
		}
	}
}

// TestDecisionsArePure asks for the same decision twice, with others between.
func TestDecisionsArePure(t *testing.T) {
	s, in := mixed(3), inputs(600)
	rapid.Check(t, func(t *rapid.T) {
		p := New(s)
		order := rapid.SliceOfN(rapid.IntRange(0, len(in)-1), 1, 50).Draw(t, "order")
		for _, i := range order {
			fresh := decide(New(s), in[i])
			if got := decide(p, in[i]); !sameDecision(got, fresh) {
				t.Fatalf("input %d: %+v after others, %+v alone", i, got, fresh)
			}
		}
	})
}

func TestThreshold(t *testing.T) {
	for _, c := range []struct {
		p    float64
		want uint64
	}{{-1, 0}, {0, 0}, {math.NaN(), 0}, {0.5, unit / 2}, {0.25, unit / 4}, {1, unit}, {2, unit}} {
		if got := threshold(c.p); got != c.want {
			t.Errorf("threshold(%g) = %d, want %d", c.p, got, c.want)
		}
	}
	if below(math.MaxUint64, unit-1) || !below(math.MaxUint64, unit) || below(0, 0) || !below(0, 1) {
		t.Error("the ends of the unit are drawn wrongly")
	}
}
