package quota

import (
	"math"
	"time"

	"brownout/scenarios"
)

// kind is how a limit counts. Its methods work on one bucket's state.
type kind interface {
	// wait is how long until an attempt's cost is there; 0 if it is.
	wait(s state, now time.Duration) time.Duration
	take(s *state, now time.Duration)
	// left tells what remains, and when there is more.
	left(s state, now time.Duration) (remaining int64, next, full time.Duration, timed bool)
	full(s state, now time.Duration) bool
	// holds reports whether what was taken is given back by release.
	holds() bool
	release(s *state)
}

// kindOf makes the kind of a limit.
func kindOf(m *scenarios.Limit) kind {
	cost := int64(max(m.Cost, 1))
	switch {
	case m.Rate != nil:
		return newRate(m.Rate, int64(m.Capacity()), cost)
	case m.Window != nil:
		return &window{limit: int64(m.Capacity()), cost: cost, per: m.Window.Per}
	}
	return &concurrency{limit: int64(m.Capacity()), cost: cost}
}

// rate is a token bucket, kept as the generic cell rate algorithm keeps it (ITU-T I.371, annex A; virtual scheduling): one
// instant, at which the bucket will be full again. A token takes interval to come back, rounded up to a nanosecond, so that
// never more than burst + rate·t come through; a rate above one a nanosecond counts as that.
type rate struct {
	interval time.Duration // of one token
	price    time.Duration // of an attempt
	depth    time.Duration // of the whole bucket
}

func newRate(r *scenarios.Rate, burst, cost int64) *rate {
	interval := max(time.Duration(math.Ceil(float64(r.Per)/r.Events)), 1)
	return &rate{interval: interval, price: times(interval, cost), depth: times(interval, burst)}
}

// times multiplies, up to forever.
func times(d time.Duration, n int64) time.Duration {
	if n > 0 && d > forever/time.Duration(n) {
		return forever
	}
	return d * time.Duration(n)
}

func (r *rate) wait(s state, now time.Duration) time.Duration {
	return max(0, max(s.at, now)+r.price-r.depth-now)
}

func (r *rate) take(s *state, now time.Duration) { s.at = max(s.at, now) + r.price }

func (r *rate) left(s state, now time.Duration) (int64, time.Duration, time.Duration, bool) {
	missing := max(0, s.at-now)
	there := max(0, r.depth-missing)
	remaining := int64(there / r.interval)
	next := time.Duration(0)
	if missing > 0 {
		next = r.interval - there%r.interval
	}
	return remaining, next, missing, true
}

func (r *rate) full(s state, now time.Duration) bool { return s.at <= now }
func (r *rate) holds() bool                          { return false }
func (r *rate) release(*state)                       {}

// window is a fixed window that begins with its first attempt.
type window struct {
	limit, cost int64
	per         time.Duration
}

func (w *window) wait(s state, now time.Duration) time.Duration {
	if now >= s.at || s.used+w.cost <= w.limit {
		return 0
	}
	return s.at - now
}

func (w *window) take(s *state, now time.Duration) {
	if now >= s.at {
		*s = state{at: now + w.per}
	}
	s.used += w.cost
}

func (w *window) left(s state, now time.Duration) (int64, time.Duration, time.Duration, bool) {
	if now >= s.at {
		return w.limit, 0, 0, true
	}
	return w.limit - s.used, s.at - now, s.at - now, true
}

func (w *window) full(s state, now time.Duration) bool { return now >= s.at }
func (w *window) holds() bool                          { return false }
func (w *window) release(*state)                       {}

// concurrency is a number of answers under way.
type concurrency struct{ limit, cost int64 }

func (c *concurrency) wait(s state, _ time.Duration) time.Duration {
	if s.used+c.cost <= c.limit {
		return 0
	}
	return forever // nobody knows
}

func (c *concurrency) take(s *state, _ time.Duration) { s.used += c.cost }

func (c *concurrency) left(s state, _ time.Duration) (int64, time.Duration, time.Duration, bool) {
	return c.limit - s.used, 0, 0, false
}

func (c *concurrency) full(s state, _ time.Duration) bool { return s.used == 0 }
func (c *concurrency) holds() bool                        { return true }
func (c *concurrency) release(s *state)                   { s.used -= c.cost }
