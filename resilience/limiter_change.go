package resilience

import (
	"context"
	"strconv"
	"time"
)

// Reservation is a claim to tokens that may have to wait for its instant. It is a value; it must not be copied once it may
// be cancelled.
type Reservation struct {
	l  *Limiter
	at int64 // when it may act, in ticks
	s  stretch
}

// Reserve takes a token, and if there is none, the first that nobody who came before will take. The caller must not act
// before Delay has passed; one that will not act should Cancel.
func (l *Limiter) Reserve() Reservation { return l.ReserveN(1) }

// ReserveN is Reserve for n tokens at once. For more than Burst the reservation is not OK.
func (l *Limiter) ReserveN(n int) Reservation {
	if s, found := l.take(n); found == taken {
		return Reservation{l: l, s: s}
	}
	if n > l.s.Burst {
		return Reservation{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.begin()
	defer l.commit(b)
	l.refresh(b, now)
	s := l.line.room(int64(n)*b.interval, l.line.queue.last, now)
	if s.end > farAway {
		return Reservation{}
	}
	if s.end-b.span <= now {
		l.line.take(s, now)
	} else {
		l.line.ids++
		s.id = l.line.ids
		l.line.reserve(s)
	}
	return Reservation{l: l, at: s.end - b.span, s: s}
}

// OK reports whether there is a reservation: not for more tokens than the burst, and not once it is cancelled.
func (r *Reservation) OK() bool { return r.l != nil }

// Delay returns how long the caller must still wait; 0 means not at all. A pause of the limiter lengthens it.
func (r *Reservation) Delay() time.Duration {
	if r.l == nil {
		return 0
	}
	return duration(max(0, max(r.at, r.l.paused.Load())-r.l.now()))
}

// Cancel gives the tokens back, for a caller that has not acted and will not. Those who wait move up. Tokens are given back
// in so far as that lets nobody take more than the limit: all of them while the reservation is not due, and afterwards while
// nobody has taken tokens since, less what would have come meanwhile. A second Cancel does nothing.
func (r *Reservation) Cancel() {
	l := r.l
	if l == nil {
		return
	}
	r.l = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	b, _ := l.begin()
	l.line.giveBack(r.s)
	l.commit(b)
	l.wakeSoon()
}

// PauseUntil lets nothing through before t: those who wait go on waiting, and Allow refuses. When the time has come there is
// one token, and more come at the Rate, so that what was held back does not come in one burst. A pause is never made shorter
// by a later call. A reservation made before keeps its place, and [Reservation.Delay] tells of the pause.
//
// It is the limiter's answer to a server's 429 or quota header, for all callers at once.
func (l *Limiter) PauseUntil(t time.Time) {
	l.mu.Lock()
	b, now := l.begin()
	p := int64(min(t.Sub(l.base), farAway/ticksPerNanosecond)) * ticksPerNanosecond
	longer := p > now && p > l.paused.Load()
	if longer {
		l.paused.Store(p)
		l.line.floor = p + b.span - b.interval
		l.line.front = max(l.line.front, l.line.floor)
		l.line.lay(now)
		l.schedule(b, now)
	}
	l.commit(b)
	l.mu.Unlock()
	if longer && l.s.Observer != nil {
		l.s.Observer.Observe(context.Background(), Event{Kind: EventPaused, Policy: l.s.Name, Delay: duration(p - now)})
	}
}

// SetRate changes the rate, in tokens a second. What was taken beyond what came is kept as a number of tokens: whoever had to
// wait for three still has to. Reservations keep their instants. The error is a [*SettingError], and then nothing changes.
func (l *Limiter) SetRate(rate float64) error {
	if err := checkRate("rate", rate, l.s.Burst); err != nil {
		return err
	}
	l.mu.Lock()
	old, now := l.begin()
	next := newBucket(rate, l.s.Burst, sealed)
	l.line.rescale(max(now, l.paused.Load()), old.interval, next.interval)
	next.epoch = l.line.epoch
	l.refresh(next, now)
	l.commit(next)
	l.bucket.Store(next) // the old one stays sealed, so that nobody takes tokens from both
	l.mu.Unlock()
	if l.s.Observer != nil {
		l.s.Observer.Observe(context.Background(), Event{Kind: EventLimitChanged, Policy: l.s.Name,
			From: strconv.FormatFloat(old.rate, 'g', -1, 64) + "/s", To: strconv.FormatFloat(rate, 'g', -1, 64) + "/s"})
	}
	return nil
}
