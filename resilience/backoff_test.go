package resilience_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

func newBackoff(t fataler, s resilience.BackoffSettings) resilience.Backoff {
	t.Helper()
	b, err := resilience.NewBackoff(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackoffFormulas(t *testing.T) {
	const ms = time.Millisecond
	base := resilience.BackoffSettings{Base: 100 * ms, Max: 1000 * ms}
	with := func(j resilience.Jitter) resilience.BackoffSettings { s := base; s.Jitter = j; return s }
	for _, c := range []struct {
		s    resilience.BackoffSettings
		draw float64
		want []time.Duration // of retries 1, 2, ...
		why  string
	}{
		{with(resilience.JitterNone), 0.9, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms}, "v = min(Max, Base·2^n)"},
		{with(resilience.JitterFull), 0, []time.Duration{0, 0, 0}, "U[0, v)"},
		{with(resilience.JitterFull), 0.5, []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 500 * ms, 500 * ms}, "the cap is applied before the jitter"},
		{with(resilience.JitterEqual), 0, []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 500 * ms}, "v/2 + U[0, v/2)"},
		{with(resilience.JitterEqual), 0.5, []time.Duration{75 * ms, 150 * ms}, "v/2 + U[0, v/2)"},
		{with(resilience.JitterDecorrelated), 0, []time.Duration{100 * ms, 100 * ms, 100 * ms}, "min(Max, U[Base, 3·prev))"},
		{with(resilience.JitterDecorrelated), 0.5, []time.Duration{200 * ms, 350 * ms, 550 * ms, 550 * ms}, "3·350 > Max, so U[100, 1000)"},
		{with(resilience.JitterSpread), 0, []time.Duration{80 * ms, 160 * ms}, "v·0.8"},
		{with(resilience.JitterSpread), 0.75, []time.Duration{110 * ms, 220 * ms, 440 * ms, 880 * ms, 1100 * ms}, "v·1.1, above Max"},
		{resilience.BackoffSettings{}, 0.5, []time.Duration{25 * ms, 50 * ms, 100 * ms}, "the defaults"},
		{resilience.BackoffSettings{Base: time.Minute, Jitter: resilience.JitterNone}, 0, []time.Duration{time.Minute, time.Minute}, "a Base above the default Max is the Max"},
		{resilience.BackoffSettings{Base: 1, Max: 1000 * time.Hour, Factor: 1, Jitter: resilience.JitterNone}, 0, []time.Duration{1, 1, 1}, "a factor of 1 is constant"},
	} {
		b := newBackoff(t, c.s)
		var got []time.Duration
		prev := time.Duration(0)
		for i := range c.want {
			prev = b.Delay(i+1, prev, c.draw)
			got = append(got, prev)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%+v draw %v: got %v, want %v: %s", c.s, c.draw, got, c.want, c.why)
		}
	}
}

// Every delay lies within the bounds of its formula; no retry number, base or factor makes it overflow.
func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "base"))
		s := resilience.BackoffSettings{
			Base:   base,
			Max:    time.Duration(rapid.Int64Range(int64(base), math.MaxInt64).Draw(t, "max")),
			Factor: rapid.Float64Range(1, 100).Draw(t, "factor"),
			Jitter: resilience.Jitter(rapid.IntRange(0, int(resilience.JitterNone)).Draw(t, "jitter")),
			Spread: rapid.Float64Range(0.01, 1).Draw(t, "spread"),
		}
		b, err := resilience.NewBackoff(s)
		if err != nil {
			t.Fatal(err)
		}
		retry := rapid.OneOf(rapid.IntRange(-1, 100), rapid.Int()).Draw(t, "retry")
		prev := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "prev"))
		draw := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "draw")
		d := b.Delay(retry, prev, draw)
		v := math.Min(float64(s.Max), float64(s.Base)*math.Pow(s.Factor, float64(max(retry, 1)-1)))
		low, high := 0.0, v
		switch s.Jitter {
		case resilience.JitterEqual:
			low = v / 2
		case resilience.JitterDecorrelated:
			low, high = float64(s.Base), math.Min(float64(s.Max), 3*math.Max(float64(prev), float64(s.Base)))
		case resilience.JitterSpread:
			low, high = v*(1-s.Spread), v*(1+s.Spread)
		case resilience.JitterNone:
			low = v
		}
		// A Duration is a whole number of ns, and v here has 53 bits.
		slack := 1 + math.Abs(high)*1e-15
		if d < 0 || float64(d) < low-slack || float64(d) > high+slack {
			t.Fatalf("Delay(%d, %v, %v) = %v, want %v to %v", retry, prev, draw, d, time.Duration(low), high)
		}
	})
}

func TestBackoffGrowsToTheCapAndStays(t *testing.T) {
	b := newBackoff(t, resilience.BackoffSettings{Base: 1, Max: math.MaxInt64, Jitter: resilience.JitterNone})
	prev := time.Duration(0)
	for i := 1; i < 10_000; i++ {
		d := b.Delay(i, prev, 0)
		if d < prev {
			t.Fatalf("retry %d waits %v after %v", i, d, prev)
		}
		prev = d
	}
	if prev != math.MaxInt64 {
		t.Errorf("reached %d, want the longest Duration", prev)
	}
}

func TestBackoffSettingsErrors(t *testing.T) {
	for _, c := range []struct {
		s    resilience.BackoffSettings
		want string
	}{
		{resilience.BackoffSettings{Base: -1}, "BackoffSettings.Base: got -1ns, want 0 (the default) or more"},
		{resilience.BackoffSettings{Base: 2, Max: 1}, "BackoffSettings.Max: got 1ns, want 0 (the default), or Base or more"},
		{resilience.BackoffSettings{Max: -1}, "BackoffSettings.Max: got -1ns, want 0 (the default), or Base or more"},
		{resilience.BackoffSettings{Factor: 0.5}, "BackoffSettings.Factor: got 0.5, want 0 (the default), or 1 to 100"},
		{resilience.BackoffSettings{Factor: math.NaN()}, "BackoffSettings.Factor: got NaN, want 0 (the default), or 1 to 100"},
		{resilience.BackoffSettings{Jitter: 9}, "BackoffSettings.Jitter: got Jitter(9), want one of the Jitter constants"},
		{resilience.BackoffSettings{Spread: 2}, "BackoffSettings.Spread: got 2, want 0 (the default) to 1"},
	} {
		if _, err := resilience.NewBackoff(c.s); err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v, want %s", c.s, err, c.want)
		}
	}
}
