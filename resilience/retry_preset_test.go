package resilience_test

import (
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

func TestRetryPresets(t *testing.T) {
	for name, c := range map[string]struct {
		s         resilience.RetrySettings
		attempts  int
		low, high []time.Duration // of the gaps
	}{
		"aws":  {resilience.AWSRetry(), 3, []time.Duration{0, 0}, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond}},
		"grpc": {resilience.GRPCRetry(), 4, []time.Duration{80 * time.Millisecond, 160 * time.Millisecond, 320 * time.Millisecond}, []time.Duration{120 * time.Millisecond, 240 * time.Millisecond, 480 * time.Millisecond}},
		"sre":  {resilience.SRERetry(), 3, []time.Duration{0, 0}, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRetry(t, c.s)
			for range 100 {
				w := script(errCause)
				err := r.Run(t.Context(), w.run)
				wantRetryError(t, err, resilience.ReasonAttempts, c.attempts)
				for i := range c.low {
					if gap := w.at[i+1] - w.at[i]; gap < c.low[i] || gap >= c.high[i] {
						t.Fatalf("%s: gap %d is %v, want [%v, %v)", name, i+1, gap, c.low[i], c.high[i])
					}
				}
			}
		})
	}
}

// Throttling is backed off from another base than transient failures.
func TestThrottledBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mean := func(s resilience.RetrySettings, fail error) (sum time.Duration) {
			s.Seed = 1
			r := newRetry(t, s)
			for range 200 {
				w := script(fail, nil)
				if err := r.Run(t.Context(), w.run); err != nil {
					t.Fatal(err)
				}
				sum += w.at[1]
			}
			return sum / 200
		}
		for _, s := range []resilience.RetrySettings{{}, resilience.AWSRetry()} {
			transient, throttled := mean(s, errCause), mean(s, resilience.Throttle(errCause))
			if transient > 30*time.Millisecond || throttled < 400*time.Millisecond {
				t.Errorf("mean wait %v, throttled %v; want about 25ms and 500ms", transient, throttled)
			}
		}
	})
}
