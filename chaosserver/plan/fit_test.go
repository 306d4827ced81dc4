package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
)

// The tests of this file hold what is drawn to the distributions of the grammar. A draw is a function of the seed, so
// each of them has one outcome for ever; a sampler that is true would have failed for one choice of seeds in a million,
// for each sample that is judged.
const significance = 1e-6

// law is a distribution that a sample is held to.
type law struct {
	cdf   func(x float64) float64 // the share of draws that are at most x
	atoms []float64               // values that have a share of their own: where a cut-off gathers what lay beyond
	most  float64                 // nearly no draw is above
}

// fits judges a sample by every test that applies to the law, and says what it found; "" where nothing.
func (l law) fits(sample []float64) string {
	slices.Sort(sample)
	if stat, df := l.chiSquare(sample); chiSquareTail(stat, df) < significance {
		return fmt.Sprintf("chi-square %.0f with %d degrees of freedom", stat, df)
	}
	if d := off(sample, l.cdf); len(l.atoms) == 0 && d > limit(len(sample)) {
		return fmt.Sprintf("up to %.4f off, want at most %.4f", d, limit(len(sample)))
	}
	return ""
}

// cells is among how many values of the law, of equal shares as far as it has no atoms, a sample is counted.
const cells = 50

// edges are the values between which draws are counted: those of equal shares, and both sides of every atom.
func (l law) edges() []float64 {
	const least = 0.5e-9 // half of the step of a delay, in seconds
	var edges []float64
	for i := 1; i < cells; i++ {
		low, high := 0.0, l.most
		for range 100 {
			if middle := (low + high) / 2; l.cdf(middle) < float64(i)/cells {
				low = middle
			} else {
				high = middle
			}
		}
		edges = append(edges, high)
	}
	for _, a := range l.atoms {
		edges = append(edges, a-least, a+least)
	}
	slices.Sort(edges)
	return edges
}

// chiSquare returns Pearson's statistic of a sorted sample, and its degrees of freedom. Cells in which fewer than 5 draws
// are expected count with the next.
func (l law) chiSquare(sample []float64) (stat float64, df int) {
	n := float64(len(sample))
	seen, share := 0, 0.0
	for _, edge := range append(l.edges(), math.Inf(1)) {
		upTo, below := 1.0, len(sample)
		if !math.IsInf(edge, 1) {
			upTo = l.cdf(edge)
			below, _ = slices.BinarySearch(sample, math.Nextafter(edge, math.Inf(1)))
		}
		want, got := n*(upTo-share), float64(below-seen)
		switch {
		case want == 0 && got > 0:
			return math.Inf(1), 1 // where nothing can be
		case want == 0 || want < 5 && upTo < 1:
			continue
		}
		stat += (got - want) * (got - want) / want
		df++
		seen, share = below, upTo
	}
	return stat, df - 1
}

// chiSquareTail is the share of the chi-square distribution of df degrees of freedom that lies above x: Q(df/2, x/2), by
// Q(a+1, x) = Q(a, x) + xᵃ·e⁻ˣ/Γ(a+1) from Q(½, x) = erfc √x or Q(1, x) = e⁻ˣ (Abramowitz and Stegun, 6.5.21).
func chiSquareTail(x float64, df int) float64 {
	if df == 0 {
		return 1
	}
	x /= 2
	a, q := 1.0, math.Exp(-x)
	if df%2 == 1 {
		a, q = 0.5, math.Erfc(math.Sqrt(x))
	}
	for ; a < float64(df)/2; a++ {
		gamma, _ := math.Lgamma(a + 1)
		q += math.Exp(a*math.Log(x) - x - gamma)
	}
	return q
}

// off returns the greatest distance between the distribution of a sample and a distribution function, the statistic of
// Kolmogorov and Smirnov.
func off(sample []float64, cdf func(float64) float64) float64 {
	slices.Sort(sample)
	worst, n := 0.0, float64(len(sample))
	for i, x := range sample {
		f := cdf(x)
		worst = max(worst, f-float64(i)/n, float64(i+1)/n-f)
	}
	return worst
}

// limit is a distance that a true sample of that size exceeds with at most that significance (Massart: The tight constant
// in the Dvoretzky-Kiefer-Wolfowitz inequality, 1990).
func limit(n int) float64 { return math.Sqrt(-math.Log(significance/2) / float64(2*n)) }

func TestChiSquareTail(t *testing.T) {
	for _, c := range []struct {
		x    float64
		df   int
		want float64
	}{ // the table of Abramowitz and Stegun, 26.8
		{3.84146, 1, 0.05}, {5.99146, 2, 0.05}, {18.3070, 10, 0.05}, {23.2093, 10, 0.01}, {67.5048, 50, 0.05},
		{86.6608, 50, 0.001}, {15.1367, 1, 0.0001}, {0, 7, 1},
	} {
		if got := chiSquareTail(c.x, c.df); math.Abs(got-c.want) > 1e-4*c.want {
			t.Errorf("above %g with %d degrees of freedom lies %g, want %g", c.x, c.df, got, c.want)
		}
	}
}

func normalCDF(x, mean, sd float64) float64 { return 0.5 * math.Erfc(-(x-mean)/(sd*math.Sqrt2)) }

func normal(mean, sd float64) law {
	return law{cdf: func(x float64) float64 { return normalCDF(x, mean, sd) }, most: mean + 10*sd}
}

func exponential(mean float64) law {
	return law{cdf: func(x float64) float64 { return 1 - math.Exp(-x/mean) }, most: 40 * mean}
}

// geometric is the law of the toss at which a coin of that chance wins first.
func geometric(chance float64) law {
	return law{cdf: func(x float64) float64 { return 1 - math.Pow(1-chance, math.Floor(x)) }, atoms: []float64{1}, most: 40 / chance}
}

// lognormal is the law by its quantiles, in seconds.
func lognormal(p50, p99 float64) law {
	sigma := math.Log(p99/p50) / 2.3263478740408408 // the 99 % point of the standard normal distribution
	return law{cdf: func(x float64) float64 { return normalCDF(math.Log(x/p50), 0, sigma) }, most: p50 * math.Exp(10*sigma)}
}

// table is the law of straight lines through points of a value, in seconds, and the share at most that. The first point
// has no share.
func table(points ...[2]float64) law {
	last := points[len(points)-1]
	return law{most: last[0], cdf: func(x float64) float64 {
		if x >= last[0] {
			return 1
		}
		share := 0.0
		for i := 1; i < len(points); i++ {
			from, to := points[i-1], points[i]
			if x >= to[0] {
				share = to[1]
			} else if x > from[0] {
				return from[1] + (to[1]-from[1])*(x-from[0])/(to[0]-from[0])
			}
		}
		return share
	}}
}

// cut is the law of draws that are cut off at those values.
func (l law) cut(low, high float64) law {
	cdf := l.cdf
	l.cdf = func(x float64) float64 {
		switch {
		case x < low:
			return 0
		case x >= high:
			return 1
		}
		return cdf(x)
	}
	l.most = min(l.most, high)
	l.atoms = append(l.atoms, low)
	if !math.IsInf(high, 1) {
		l.atoms = append(l.atoms, high)
	}
	return l
}

// withAtoms names the values of the law that have a share of their own.
func (l law) withAtoms(at ...float64) law {
	l.atoms = append(l.atoms, at...)
	return l
}

// written are delays as an author writes them, and their laws.
var written = []struct {
	delay string
	law   law
}{
	{"100ms..400ms", table([2]float64{0.1, 0}, [2]float64{0.4, 1})},
	{"{mean: 2s, sd: 200ms}", normal(2, 0.2)},
	{"{mean: 50ms, sd: 40ms}", normal(0.05, 0.04).cut(0, math.Inf(1))}, // no delay is below 0s
	{"{mean: 200ms, sd: 100ms, min: 100ms, max: 350ms}", normal(0.2, 0.1).cut(0.1, 0.35)},
	{"{p50: 20ms, p99: 1s}", lognormal(0.02, 1)},
	{"{p50: 20ms, p99: 1s, min: 5ms, max: 500ms}", lognormal(0.02, 1).cut(0.005, 0.5)},
	{"{p50: 10ms, p90: 50ms, p100: 2s}", table([2]float64{0, 0}, [2]float64{0.01, 0.5}, [2]float64{0.05, 0.9}, [2]float64{2, 1})},
	{"{p0: 10ms, p25: 20ms, p100: 80ms}", table([2]float64{0.01, 0}, [2]float64{0.02, 0.25}, [2]float64{0.08, 1})},
	// A table that ends below p100 stays at its last value, and one value may stand for two shares.
	{"{p50: 10ms, p90: 50ms}", table([2]float64{0, 0}, [2]float64{0.01, 0.5}, [2]float64{0.05, 0.9}).withAtoms(0.05)},
	{"{p10: 20ms, p60: 20ms, p100: 40ms}", table([2]float64{0, 0}, [2]float64{0.02, 0.1}, [2]float64{0.02, 0.6}, [2]float64{0.04, 1}).withAtoms(0.02)},
	{"{p50: 10ms, p100: 50ms, min: 4ms, max: 30ms}", table([2]float64{0, 0}, [2]float64{0.01, 0.5}, [2]float64{0.05, 1}).cut(0.004, 0.03)},
}

// places are where a delay may stand, and what is drawn there for the i-th of a row of draws.
var places = []struct {
	name, yaml string // the delay stands for %s
	draw       func(p *Plan, i int) time.Duration
}{
	{"of a fault, call by call", "faults: [{delay: %s}]", func(p *Plan, i int) time.Duration { return decide(p, Input{Call: i + 1, Attempt: 1}).Delay }},
	{"of a fault, attempt by attempt", "faults: [{delay: %s}]", func(p *Plan, i int) time.Duration { return decide(p, Input{Call: 1, Attempt: i + 1}).Delay }},
	{"of an answer", "routes: [{match: /, answers: [{delay: %s}]}]", func(p *Plan, i int) time.Duration { return decide(p, Input{Call: i + 1, Attempt: 1}).Delay }},
	{"of a fault, between header block and body", "faults: [{body_delay: %s}]", func(p *Plan, i int) time.Duration { return decide(p, Input{Call: i + 1, Attempt: 2}).Body }},
	{"of an answer, between header block and body", "routes: [{match: /, answers: [{body_delay: %s}]}]", func(p *Plan, i int) time.Duration { return decide(p, Input{Call: i + 1, Attempt: 3}).Body }},
}

// planOf makes the plan of a scenario; the text leaves its name out.
func planOf(t *testing.T, text string) *Plan {
	t.Helper()
	s, err := scenarios.Parse("test.yaml", []byte("name: test\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Routes) == 0 {
		s.Routes = []scenarios.Route{route1("GET /items", status(200))}
	}
	return New(s)
}

// TestDelaysFollowTheirDistribution holds 50,000 draws of each delay at each place where it may stand.
func TestDelaysFollowTheirDistribution(t *testing.T) {
	for i, w := range written {
		for _, at := range places {
			p := planOf(t, fmt.Sprintf("seed: %d\n", i+1)+fmt.Sprintf(at.yaml, w.delay))
			sample := make([]float64, 50_000)
			for k := range sample {
				sample[k] = at.draw(p, k).Seconds()
			}
			if wrong := w.law.fits(sample); wrong != "" {
				t.Errorf("%s, %s: %s", w.delay, at.name, wrong)
			}
		}
	}
}

// TestFixedDelaysStandEverywhere: a delay of one value is that value in each draw.
func TestFixedDelaysStandEverywhere(t *testing.T) {
	for _, at := range places {
		p := planOf(t, fmt.Sprintf(at.yaml, "250ms"))
		for i := range 1000 {
			if d := at.draw(p, i); d != 250*time.Millisecond {
				t.Fatalf("draw %d %s: %v, want 250ms", i, at.name, d)
			}
		}
	}
}

// skews are slips of a sampler: what it makes of the random bits of a draw.
var skews = []struct {
	name string
	skew func(random uint64) uint64
}{
	{"none", func(r uint64) uint64 { return r }},
	{"the highest 3% are never drawn", func(r uint64) uint64 { return r - r/100*3 }},
	{"the lowest 3% are never drawn", func(r uint64) uint64 { return ^(^r - ^r/100*3) }},
	{"one bit in 12 is stuck", func(r uint64) uint64 {
		if r%12 == 0 {
			r |= 1 << 63
		}
		return r
	}},
	{"only 5 bits are looked at", func(r uint64) uint64 { return r &^ (1<<59 - 1) }},
	{"the middle is favoured by 5%", func(r uint64) uint64 {
		if r%20 == 0 {
			r = r/2 + 1<<62
		}
		return r
	}},
}

// TestSkewedSamplersAreRejected holds the judges of this file: draws of a sampler with a slip do not fit the law, for no
// delay that is written, and those of the same sampler without it do.
func TestSkewedSamplersAreRejected(t *testing.T) {
	for _, w := range written {
		d := *planOf(t, "faults: [{delay: "+w.delay+"}]").scenario.Faults[0].Answer.Delay
		s, k := newSampler(&d), newKey(7, labelDelay)
		for _, slip := range skews {
			sample := make([]float64, 100_000)
			for i := range sample {
				sample[i] = s.cut(s.quantile(slip.skew(k.draw(i, 1)))).Seconds()
			}
			if wrong := w.law.fits(sample); (wrong == "") != (slip.name == "none") {
				t.Errorf("%s, a slip: %s: found %q", w.delay, slip.name, wrong)
			}
		}
	}
}

// TestOtherParametersAreRejected: a sample that fits its own law fits none whose figures are 3 % off.
func TestOtherParametersAreRejected(t *testing.T) {
	for _, c := range []struct {
		delay string
		off   law
	}{
		{"100ms..400ms", table([2]float64{0.103, 0}, [2]float64{0.4, 1})},
		{"100ms..400ms", table([2]float64{0.1, 0}, [2]float64{0.412, 1})},
		{"{mean: 2s, sd: 200ms}", normal(2*1.03, 0.2)},
		{"{mean: 2s, sd: 200ms}", normal(2, 0.2*1.03)},
		{"{p50: 20ms, p99: 1s}", lognormal(0.02*1.06, 1)},
		{"{p50: 20ms, p99: 1s}", lognormal(0.02, 1*1.3)}, // 30 % of p99 are 7 % of sigma
		{"{mean: 200ms, sd: 100ms, min: 100ms, max: 350ms}", normal(0.2, 0.1).cut(0.103, 0.35)},
		{"{mean: 200ms, sd: 100ms, min: 100ms, max: 350ms}", normal(0.2, 0.1).cut(0.1, 0.36)},
	} {
		p := planOf(t, "faults: [{delay: "+c.delay+"}]")
		sample := make([]float64, 100_000)
		for i := range sample {
			sample[i] = places[0].draw(p, i).Seconds()
		}
		if c.off.fits(sample) == "" {
			t.Errorf("draws of %s fit a law that is off", c.delay)
		}
	}
}

// related returns the chi-square statistic of the table of two rows of draws between 0 and 1, in ten parts each, and its
// degrees of freedom: whether one tells anything of the other.
func related(a, b []float64) (stat float64, df int) {
	const parts = 10
	var counts [parts][parts]float64
	for i := range a {
		counts[int(a[i]*parts)][int(b[i]*parts)]++
	}
	want := float64(len(a)) / (parts * parts)
	for i := range counts {
		for _, got := range counts[i] {
			stat += (got - want) * (got - want) / want
		}
	}
	return stat, parts*parts - 1
}

// TestDelaysAreIndependent: what is drawn for one attempt at one place tells nothing of what is drawn for another, or at
// another.
func TestDelaysAreIndependent(t *testing.T) {
	const (
		any     = "0s..999ms"
		routes  = "routes: [{match: GET /a}, {match: GET /b}]\n"
		fault   = routes + "faults: [{name: one, delay: " + any + "}]"
		answers = "routes: [{match: GET /a, answers: [{delay: " + any + ", body_delay: " + any + "}]}]"
	)
	row := func(text string, draw func(p *Plan, call int) time.Duration) []float64 {
		p := planOf(t, text)
		all := make([]float64, 100_000)
		for i := range all {
			all[i] = draw(p, i+1).Seconds()
		}
		return all
	}
	first := func(p *Plan, call int) time.Duration { return decide(p, Input{Call: call, Attempt: 1}).Delay }
	body := func(p *Plan, call int) time.Duration { return decide(p, Input{Call: call, Attempt: 1}).Body }
	base := row(fault, first)
	for _, c := range []struct {
		what    string
		other   []float64
		related bool
	}{
		{"itself", base, true},
		{"the next attempt", row(fault, func(p *Plan, call int) time.Duration { return decide(p, Input{Call: call, Attempt: 2}).Delay }), false},
		{"the next call", row(fault, func(p *Plan, call int) time.Duration { return first(p, call+1) }), false},
		{"another route", row(fault, func(p *Plan, call int) time.Duration { return decide(p, Input{Route: 1, Call: call, Attempt: 1}).Delay }), false},
		{"another fault", row(strings.Replace(fault, "one", "two", 1), first), false},
		{"the next seed", row("seed: 2\n"+fault, first), false},
		{"its body", row(strings.Replace(fault, "delay", "body_delay", 1), body), false},
		{"the answer", row(answers, first), false},
		{"the answer's body", row(answers, body), false},
	} {
		stat, df := related(base, c.other)
		if found := chiSquareTail(stat, df) < significance; found != c.related {
			t.Errorf("a delay and that of %s: chi-square %.0f with %d degrees of freedom", c.what, stat, df)
		}
	}
}
