package resilience

import (
	"math"
	"time"
)

// Backoff says how long to wait before a retry. It is pure: the same arguments give the same delay, so a [Retry] that
// draws from a seeded generator repeats its delays. It may be shared by goroutines.
type Backoff interface {
	// Delay returns the wait before the retry with the given number, 1 for the first; prev is what Delay returned for the
	// one before, 0 for the first; draw is uniform in [0, 1). A negative delay is taken as 0.
	Delay(retry int, prev time.Duration, draw float64) time.Duration
}

// BackoffFunc is a function as a [Backoff].
type BackoffFunc func(retry int, prev time.Duration, draw float64) time.Duration

// Delay calls f.
func (f BackoffFunc) Delay(retry int, prev time.Duration, draw float64) time.Duration {
	return f(retry, prev, draw)
}

// ConstantBackoff waits the same time before every retry. Without jitter, clients that failed together come back
// together: for tests, and for a lone client.
func ConstantBackoff(d time.Duration) Backoff {
	return constantBackoff(d)
}

type constantBackoff time.Duration

func (d constantBackoff) Delay(int, time.Duration, float64) time.Duration { return time.Duration(d) }

// NoBackoff retries at once, without a timer. It is for tests, and for operations that fail for reasons of their own, such
// as a lost race in a compare-and-swap.
func NoBackoff() Backoff { return ConstantBackoff(0) }

// Defaults of [BackoffSettings]: those of the AWS SDKs' retry behaviour of 2026 for transient errors.
const (
	DefaultBackoffBase   = 50 * time.Millisecond
	DefaultBackoffMax    = 20 * time.Second
	DefaultBackoffFactor = 2.0
	DefaultBackoffSpread = 0.2
)

// Jitter says how chance enters a delay. In the formulas v = min(Max, Base·Factor^(retry-1)), and U is uniform.
//
// The first three are from "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) and its aws-arch-backoff-simulator.
type Jitter uint8

const (
	// JitterFull waits U[0, v): least work for the server, and the default.
	JitterFull Jitter = iota
	// JitterEqual waits v/2 + U[0, v/2): never less than half.
	JitterEqual
	// JitterDecorrelated waits min(Max, U[Base, 3·prev)), where prev is the delay before, or Base.
	JitterDecorrelated
	// JitterSpread waits v·U[1-Spread, 1+Spread): gRPC A6 has it with a Spread of 0.2. The cap is applied before the
	// jitter, so a delay may exceed Max by Spread.
	JitterSpread
	// JitterNone waits v.
	JitterNone
)

// String returns the name as a setting would have it.
func (j Jitter) String() string {
	names := [...]string{"full", "equal", "decorrelated", "spread", "none"}
	if int(j) < len(names) {
		return names[j]
	}
	return "Jitter(" + itoa(int(j)) + ")"
}

// BackoffSettings describe an exponential backoff. The zero value is full jitter under 50 ms, 100 ms, 200 ms ... 20 s.
type BackoffSettings struct {
	Base   time.Duration // the ceiling of the first delay; 0 = [DefaultBackoffBase]
	Max    time.Duration // the ceiling of every delay, at least Base; 0 = [DefaultBackoffMax], or Base where that is longer
	Factor float64       // growth from one delay to the next, 1 to 100; 0 = [DefaultBackoffFactor]
	Jitter Jitter        // 0 = [JitterFull]
	Spread float64       // for [JitterSpread], above 0 to 1; 0 = [DefaultBackoffSpread]
}

// maxSteps bounds the table of ceilings; growth of 2 reaches the longest Duration from 1 ns in 63 steps.
const maxSteps = 64

// exponential is a checked BackoffSettings.
type exponential struct {
	base, max time.Duration
	factor    float64
	spread    float64
	jitter    Jitter
	ceilings  []time.Duration // v of retry 1, 2, ... up to Max or maxSteps
}

// NewBackoff returns an exponential backoff. The error is a [*SettingError].
func NewBackoff(s BackoffSettings) (Backoff, error) {
	switch {
	case s.Base < 0:
		return nil, &SettingError{"BackoffSettings.Base", s.Base, "0 (the default) or more"}
	case s.Max < 0 || s.Max != 0 && s.Max < s.Base:
		return nil, &SettingError{"BackoffSettings.Max", s.Max, "0 (the default), or Base or more"}
	case s.Factor != 0 && !(s.Factor >= 1 && s.Factor <= 100):
		return nil, &SettingError{"BackoffSettings.Factor", s.Factor, "0 (the default), or 1 to 100"}
	case s.Jitter > JitterNone:
		return nil, &SettingError{"BackoffSettings.Jitter", s.Jitter, "one of the Jitter constants"}
	case !(s.Spread >= 0 && s.Spread <= 1):
		return nil, &SettingError{"BackoffSettings.Spread", s.Spread, "0 (the default) to 1"}
	}
	return newExponential(s), nil
}

// newExponential requires checked settings.
func newExponential(s BackoffSettings) *exponential {
	e := &exponential{
		base:   orDefault(s.Base, DefaultBackoffBase),
		factor: orDefault(s.Factor, DefaultBackoffFactor),
		spread: orDefault(s.Spread, DefaultBackoffSpread),
		jitter: s.Jitter,
	}
	e.max = s.Max
	if e.max == 0 {
		e.max = max(DefaultBackoffMax, e.base)
	}
	e.max = max(e.max, e.base)
	for i := range maxSteps {
		v := e.grown(i)
		e.ceilings = append(e.ceilings, v)
		if v == e.max {
			break
		}
	}
	return e
}

// grown returns min(Max, Base·Factor^n). In floating point the power saturates at +Inf instead of wrapping around.
func (e *exponential) grown(n int) time.Duration {
	v := float64(e.base) * math.Pow(e.factor, float64(n))
	if v >= float64(e.max) {
		return e.max
	}
	return time.Duration(v)
}

func (e *exponential) ceiling(retry int) time.Duration {
	n := max(retry, 1) - 1
	switch {
	case n < len(e.ceilings):
		return e.ceilings[n]
	case len(e.ceilings) < maxSteps:
		return e.max
	}
	return e.grown(n)
}

// Delay implements [Backoff].
func (e *exponential) Delay(retry int, prev time.Duration, draw float64) time.Duration {
	switch e.jitter {
	case JitterFull:
		return scale(e.ceiling(retry), draw)
	case JitterEqual:
		v := e.ceiling(retry)
		return v/2 + scale(v-v/2, draw)
	case JitterDecorrelated:
		prev = max(prev, e.base)
		high := e.max
		if prev < e.max/3 {
			high = 3 * prev
		}
		return min(e.max, e.base+scale(high-e.base, draw))
	case JitterSpread:
		return scale(e.ceiling(retry), 1-e.spread+2*e.spread*draw)
	}
	return e.ceiling(retry)
}

// scale returns d·f, saturating; f must be 0 or more.
func scale(d time.Duration, f float64) time.Duration {
	v := float64(d) * f
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(v)
}

// addDelay returns a+b, saturating; both must be 0 or more.
func addDelay(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// orDefault returns v, or def where v is the zero value.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
