package resilience

import (
	"context"
	"errors"
	"hash/maphash"
	"math/bits"
	"strconv"
	"sync/atomic"
	"time"
)

// Defaults of [DedupeSettings].
const (
	DefaultDedupeTTL   = 96 * time.Hour // beyond the 75 hours over which Standard Webhooks has a sender try again
	DefaultDedupeLease = time.Minute    // longer than any work should take
	DefaultDedupeMax   = 1 << 20        // at most 40 MB
	maxDedupeTime      = 365 * 24 * time.Hour
)

// DedupeSettings describe a [Dedupe].
type DedupeSettings struct {
	Name string // in errors and events; may be empty

	// TTL is how long it is remembered at least that the work of a key is done, up to a year. It should be longer than a
	// sender goes on trying. 0 means [DefaultDedupeTTL].
	TTL time.Duration
	// Lease is how long a claim keeps others away, up to a year: work that takes longer loses its claim, and the key is
	// given to whoever asks next. 0 means [DefaultDedupeLease].
	Lease time.Duration
	// Max is how many keys are held at most, up to 1<<30, at 30 to 40 bytes each. 0 means [DefaultDedupeMax].
	Max int
	// RefuseWhenFull refuses a new key with [ErrDedupeFull] when Max keys are held and none is over. Otherwise a new key takes
	// the place of one that is done: of sixteen that chance picks, the one that would be forgotten first. A claim is never
	// dropped, and where there are only claims a new key is refused in any case.
	RefuseWhenFull bool
	// NoWait makes the policies that [Dedupe.Key] returns refuse with an [*InFlightError] when somebody else is at work
	// already, instead of waiting for the result.
	NoWait bool

	Observer Observer // nil = none
}

// Errors of [Dedupe]. By [ClassifyError] all of them are refusals, which say nothing about a service.
var (
	// ErrDuplicate says that the work of a key is done.
	ErrDuplicate error = &dedupeError{text: "duplicate: the work is done already"}
	// ErrInFlight is what every [*InFlightError] is by errors.Is.
	ErrInFlight = errors.New("the work is under way")
	// ErrDedupeFull says that there is no room for another key.
	ErrDedupeFull error = &dedupeError{text: "no room for another key"}
	// ErrClaimLost says that the lease of a claim ended, and somebody else may have done the work, or be at it.
	ErrClaimLost = errors.New("the claim is lost: its lease has ended")
)

type dedupeError struct{ text string }

func (e *dedupeError) Error() string   { return e.text }
func (e *dedupeError) Retryable() bool { return false }
func (e *dedupeError) refusal() bool   { return true }

// InFlightError says that somebody else is at work on the same key. It is [ErrInFlight] by errors.Is.
type InFlightError struct {
	Lease time.Duration // after that the claim is over, if the work is not done before
}

// Error tells of the lease.
func (e *InFlightError) Error() string {
	return "the work is under way: its claim is good for another " + e.Lease.String()
}

// Is reports whether target is [ErrInFlight].
func (e *InFlightError) Is(target error) bool { return target == ErrInFlight }

// Retryable is true: the work may fail, and then somebody must do it.
func (e *InFlightError) Retryable() bool { return true }

func (e *InFlightError) refusal() bool { return true }

// Dedupe does a piece of work once although it is asked for several times, such as the handling of an event that is delivered
// twice. The work is known by a key. It is claimed, done, and then committed; work that failed is released, and done by
// whoever asks next. So a key never stands for work that was not done, and never for work that is done twice, as long as
// nobody works beyond the lease.
//
// It is kept in memory: a restart forgets it. Package store has what survives one. A Dedupe may be shared by goroutines, and
// a key that is done is recognised without a lock.
type Dedupe struct {
	s      DedupeSettings
	base   time.Time // times of records count from then
	seeds  [2]maphash.Seed
	held   atomic.Int64 // keys, with those that are over but whose place was not needed
	shift  int          // of a fingerprint's lo to the number of its shard
	shards []dedupeShard
}

// NewDedupe returns an empty Dedupe. The error is a [*SettingError].
func NewDedupe(s DedupeSettings) (*Dedupe, error) {
	given := s
	s.TTL = orDefault(s.TTL, DefaultDedupeTTL)
	s.Lease = orDefault(s.Lease, DefaultDedupeLease)
	s.Max = orDefault(s.Max, DefaultDedupeMax)
	switch {
	case s.TTL < time.Millisecond || s.TTL > maxDedupeTime:
		return nil, &SettingError{"DedupeSettings.TTL", given.TTL, "0 (the default), or 1ms to a year"}
	case s.Lease < time.Millisecond || s.Lease > maxDedupeTime:
		return nil, &SettingError{"DedupeSettings.Lease", given.Lease, "0 (the default), or 1ms to a year"}
	case s.Max < 1 || s.Max > 1<<30:
		return nil, &SettingError{"DedupeSettings.Max", given.Max, "0 (the default) to " + strconv.Itoa(1<<30)}
	}
	// Few keys are in one shard, so that all of them are there to choose from when one must go.
	shards := 1 << max(0, min(6, bits.Len(uint(s.Max/512))))
	d := &Dedupe{
		s: s, base: time.Now(), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		shift: 64 - bits.Len(uint(shards-1)), shards: make([]dedupeShard, shards),
	}
	for i := range d.shards {
		d.shards[i].table.Store(newDedupeTable(0))
	}
	return d, nil
}

// now returns the present time. Records have it in milliseconds: what is over by then is rounded down, and what will be,
// up, so that nothing is over too early.
func (d *Dedupe) now() time.Duration { return time.Since(d.base) }

func milliseconds(d time.Duration) uint64 { return uint64(d / time.Millisecond) }
func millisecondsUp(d time.Duration) uint64 {
	return uint64((d + time.Millisecond - 1) / time.Millisecond)
}

func (d *Dedupe) fingerprint(key string) fingerprint {
	hi := maphash.String(d.seeds[0], key)
	if hi <= freedPlace {
		hi += freedPlace + 1
	}
	return fingerprint{hi, maphash.String(d.seeds[1], key)}
}

func (d *Dedupe) shard(f fingerprint) *dedupeShard { return &d.shards[f.lo>>d.shift] }

// Seen reports whether the work of key is done. It neither locks nor allocates.
func (d *Dedupe) Seen(key string) bool {
	f := d.fingerprint(key)
	r := d.shard(f).table.Load().read(f)
	return r.done() && !r.over(milliseconds(d.now()))
}

// Claim claims the work of key. Whoever gets the claim must Commit it once the work is done, or Release it if it failed.
//
// The error is [ErrDuplicate] when the work is done, an [*InFlightError] when somebody else is at it, and [ErrDedupeFull] when
// there is no room. A duplicate costs no allocation.
func (d *Dedupe) Claim(key string) (Claim, error) {
	c, err := d.claim(context.Background(), d.fingerprint(key))
	if err != nil {
		return Claim{}, err
	}
	return c, nil
}

// claim is Claim; with an InFlightError it returns the claim that is in the way.
func (d *Dedupe) claim(ctx context.Context, f fingerprint) (Claim, error) {
	s := d.shard(f)
	r := s.table.Load().read(f)
	now := d.now()
	if r.done() && !r.over(milliseconds(now)) {
		d.tell(ctx, EventDuplicate, "done")
		return Claim{}, ErrDuplicate
	}
	c, found := s.claim(d, f, now)
	for found == foundFull && d.makeRoom(ctx, milliseconds(now)) {
		c, found = s.claim(d, f, now)
	}
	switch found {
	case foundDone:
		d.tell(ctx, EventDuplicate, "done")
		return Claim{}, ErrDuplicate
	case foundClaim:
		d.tell(ctx, EventDuplicate, "in flight")
		return c, &InFlightError{Lease: max(0, c.r.end()-now)}
	case foundFull:
		if d.s.Observer != nil {
			d.s.Observer.Observe(ctx, Event{Kind: EventRejected, Policy: d.s.Name, Err: ErrDedupeFull, Reason: "full"})
		}
		return Claim{}, ErrDedupeFull
	case foundLost:
		d.tell(ctx, EventReclaimed, "")
	case foundEvicted:
		d.tell(ctx, EventEvicted, "full")
	}
	return c, nil
}

// makeRoom drops a record of any shard that may be dropped, for a key whose own shard has none. It reports whether it did.
func (d *Dedupe) makeRoom(ctx context.Context, now uint64) bool {
	for i := range d.shards {
		dropped, over := d.shards[i].drop(d, now)
		if dropped && !over {
			d.tell(ctx, EventEvicted, "full")
		}
		if dropped {
			return true
		}
	}
	return false
}

func (d *Dedupe) tell(ctx context.Context, kind EventKind, reason string) {
	if d.s.Observer != nil {
		d.s.Observer.Observe(ctx, Event{Kind: kind, Policy: d.s.Name, Reason: reason})
	}
}

// Forget drops what is known of key, done or claimed, and reports whether anything was.
func (d *Dedupe) Forget(key string) bool {
	f := d.fingerprint(key)
	s := d.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.remove(d, f, func(record) bool { return true })
	if ok {
		s.settle(f, false, nil)
	}
	return ok
}

// Len returns how many keys are held, with those whose time is over but whose place was not needed.
func (d *Dedupe) Len() int { return int(d.held.Load()) }

// Claim is the right to do the work of a key. It is a value; it must not be copied while it may be renewed.
type Claim struct {
	d *Dedupe
	f fingerprint
	r record
}

// Commit makes the work known as done, for the TTL from now. The error is [ErrClaimLost] when the lease ended and the key
// was given to somebody else or dropped; a claim that is merely late is committed.
func (c *Claim) Commit() error { return c.commit(nil) }

func (c *Claim) commit(result Result) error {
	if c.d == nil {
		return ErrClaimLost
	}
	s := c.d.shard(c.f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.replace(c, newDone(millisecondsUp(c.d.now()+c.d.s.TTL))) {
		return ErrClaimLost
	}
	s.settle(c.f, true, result)
	return nil
}

// Release gives the key back, for work that was not done: the next to ask does it. Of a claim that is lost it does nothing.
func (c *Claim) Release() {
	if c.d == nil {
		return
	}
	s := c.d.shard(c.f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remove(c.d, c.f, func(r record) bool { return r == c.r }) {
		s.settle(c.f, false, nil)
	}
}

// Renew makes the lease last for its whole length from now. The error is [ErrClaimLost] as with Commit.
func (c *Claim) Renew() error {
	if c.d == nil {
		return ErrClaimLost
	}
	s := c.d.shard(c.f)
	s.mu.Lock()
	defer s.mu.Unlock()
	renewed := newClaim(c.r.serial(), millisecondsUp(c.d.now()+c.d.s.Lease))
	if !s.replace(c, renewed) {
		return ErrClaimLost
	}
	c.r = renewed
	return nil
}
