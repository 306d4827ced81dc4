package resilience

import (
	"context"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// LimiterSettings describe a [Limiter].
type LimiterSettings struct {
	Name string // in errors and events; may be empty

	// Rate is how many tokens come a second, above 0 and up to 1e9. Required.
	Rate float64
	// Burst is how many tokens the bucket holds; it is full at the start. 0 means 1. Burst/Rate is at most a year.
	Burst int
	// MaxWait is how long Wait and Run wait at most: what would take longer is refused at once. 0 means as long as the
	// context's deadline allows.
	MaxWait time.Duration

	Observer Observer // nil = none
}

// Limiter is a token bucket: no span of time t ever sees more than Burst + Rate·t tokens taken. It may be shared by goroutines.
//
// The algorithm is the Generic Cell Rate Algorithm (ITU-T I.371), which keeps the whole bucket in one atomic word, the
// theoretical arrival time. A caller whose clock reading is old by the time it gets there is treated more strictly, never
// less, so the limit holds under any number of goroutines.
//
// Those who wait are served in the order of their arrival. One that is cancelled leaves the queue, and the others move up.
type Limiter struct {
	s    LimiterSettings
	base time.Time // when the limiter was made; a tick is counted from then

	_      cacheLine
	bucket atomic.Pointer[bucket]
	_      cacheLine

	paused atomic.Int64 // nothing before this tick; written with mu held

	mu    sync.Mutex // guards what follows
	line  line
	timer *time.Timer // fires when the first waiter may go
}

// A tick is a sixteenth of a nanosecond: fine enough for the interval between tokens to be exact to 1 in 16 at the highest
// rate and 1 in 16,000 at a million a second, and an int64 of them lasts 18 years.
const ticksPerNanosecond = 16

const (
	ticksPerSecond = ticksPerNanosecond * int64(time.Second)
	sealed         = math.MaxInt64 // instead of a bucket's end: the line is known under Limiter.mu only
	farAway        = 1 << 62       // nothing is promised beyond this tick
)

// bucket is the state of a Limiter at one rate. The tokens taken lie on a line of time, one interval each, in ticks; end is
// where the line ends. n tokens may be taken at the tick now when max(end, now) + n·interval <= now + span. That makes
// each taker's stretch begin no earlier than its instant and end no later than span after it, and as stretches do not
// overlap, takers within t have room for (span + t) / interval tokens and no more.
type bucket struct {
	rate     float64
	interval int64 // of one token
	span     int64 // of a burst
	epoch    int   // how often the rate had been changed
	end      atomic.Int64
}

// NewLimiter returns a Limiter with a full bucket. The error is a [*SettingError].
func NewLimiter(s LimiterSettings) (*Limiter, error) {
	s.Burst = orDefault(s.Burst, 1)
	switch {
	case s.Burst < 0:
		return nil, &SettingError{"LimiterSettings.Burst", s.Burst, "0 (which is 1) or more"}
	case s.MaxWait < 0:
		return nil, &SettingError{"LimiterSettings.MaxWait", s.MaxWait, "0 (no bound) or more"}
	}
	if err := checkRate("LimiterSettings.Rate", s.Rate, s.Burst); err != nil {
		return nil, err
	}
	l := &Limiter{s: s, base: time.Now()}
	l.bucket.Store(newBucket(s.Rate, s.Burst, 0))
	return l, nil
}

func checkRate(field string, rate float64, burst int) error {
	const year = 365 * 24 * time.Hour
	switch {
	case !(rate > 0 && rate <= 1e9):
		return &SettingError{field, rate, "above 0 to 1e9 a second"}
	case float64(burst)/rate > year.Seconds():
		return &SettingError{field, rate, "a rate that fills a burst of " + strconv.Itoa(burst) + " within a year"}
	}
	return nil
}

func newBucket(rate float64, burst int, end int64) *bucket {
	b := &bucket{rate: rate, interval: int64(math.Ceil(float64(ticksPerSecond) / rate))}
	b.span = int64(burst) * b.interval
	b.end.Store(end)
	return b
}

// now returns the present tick.
func (l *Limiter) now() int64 { return int64(time.Since(l.base)) * ticksPerNanosecond }

// duration returns ticks as a Duration, rounded up.
func duration(ticks int64) time.Duration {
	return time.Duration((ticks + ticksPerNanosecond - 1) / ticksPerNanosecond)
}

// Allow takes a token if there is one, and reports whether there was. A refusal changes nothing.
func (l *Limiter) Allow() bool { return l.AllowN(1) }

// AllowN takes n tokens if they are there, and reports whether they were. More than Burst are never there; none are always.
func (l *Limiter) AllowN(n int) bool {
	_, found := l.take(n)
	if found == unknown || found == absent && l.s.Observer != nil {
		return l.allow(n)
	}
	return found == taken
}

// finding is what take found.
type finding uint8

const (
	absent  finding = iota // not enough tokens
	taken                  // tokens, and took them
	unknown                // a sealed bucket
)

// take takes n tokens at the end of the line if they are there now.
func (l *Limiter) take(n int) (stretch, finding) {
	if n <= 0 || n > l.s.Burst {
		if n <= 0 {
			return stretch{}, taken
		}
		return stretch{}, absent
	}
	now := l.now()
	for {
		b := l.bucket.Load()
		end := b.end.Load()
		if end == sealed {
			return stretch{}, unknown
		}
		start := max(end, now)
		next := start + int64(n)*b.interval
		if next-now > b.span {
			return stretch{}, absent
		}
		if b.end.CompareAndSwap(end, next) {
			return stretch{start: start, end: next, epoch: b.epoch}, taken
		}
	}
}

// Run waits for a token and calls next. The error of a refusal is a [*LimitError], and that of a wait cut short the context's.
func (l *Limiter) Run(ctx context.Context, next func(context.Context) error) error {
	if err := l.Wait(ctx); err != nil {
		return err
	}
	return next(ctx)
}

var _ Policy = (*Limiter)(nil)

// Tokens returns how many tokens are in the bucket, with fractions. It is negative while tokens are promised to those who
// wait, have a reservation or are paused: then the next token is free after as many more have come.
func (l *Limiter) Tokens() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.begin()
	l.refresh(b, now)
	l.commit(b)
	return float64(b.span-max(0, l.line.end()-now)) / float64(b.interval)
}

// Rate returns the present rate, in tokens a second.
func (l *Limiter) Rate() float64 { return l.bucket.Load().rate }

// Burst returns how many tokens the bucket holds.
func (l *Limiter) Burst() int { return l.s.Burst }
