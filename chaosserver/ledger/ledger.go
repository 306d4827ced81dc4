package ledger

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// Said is what the ledger says of a request with a key.
type Said uint8

// What the ledger says.
const (
	New      Said = iota // the key was not known, and is claimed by the request
	Stored               // the key stands for an answer
	InFlight             // the request that claimed the key is still at work
	Mismatch             // the key came with another request
	Full                 // the key is not known and cannot be kept, so that the request must have no effect
)

// String returns the word of what the ledger says.
func (s Said) String() string {
	if words := []string{"new", "stored", "in flight", "mismatch", "full"}; int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("said(%d)", uint8(s))
}

// Answer is the answer that a key stands for: an entry of its route's answers, as the attempt got it that committed the effect.
type Answer struct {
	Entry   int // index into the route's answers
	Call    int // number of that attempt's call
	Attempt int // its ordinal in the call
	Nth     int // its ordinal on the route
}

// Ledger keeps the keys of one run, each in about 160 bytes and at most as many as [NewLedger] was told. Instants are times
// since the run began. Its methods may be called from several goroutines.
type Ledger struct {
	most int

	mu      sync.Mutex // guards what follows
	keys    map[ID]record
	waiting map[ID]chan struct{} // closed when the claim of the key ends
	leaves  time.Duration        // no known key expires before
}

// record is what is kept of a key. It holds no pointers, so that the garbage collector need not look at a million of them.
type record struct {
	print     Print
	until     time.Duration // the first request is at work at least until then
	expires   time.Duration // the key is not known from then on
	entry     int32         // the answer
	call      int32
	attempt   int32
	nth       int32
	known     bool // print is that of a request
	committed bool
	ended     bool // the first request's answer has ended
}

// never is later than any instant of a run.
const never = time.Duration(math.MaxInt64)

// NewLedger returns a ledger without keys that keeps at most so many.
func NewLedger(most int) *Ledger {
	return &Ledger{most: most, leaves: never}
}

// Ask says what is to become of a request with a key, and claims the key where it was not known: the request then has to
// end the claim by [Ledger.End]. The print is nil where the request has not been read whole; [Ledger.Identify] gives it
// later, and a request that comes in the meantime is in flight, whatever it asks for. The answer is that of Stored.
func (l *Ledger) Ask(id ID, print *Print, now time.Duration) (Said, Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, there := l.keys[id]
	switch {
	case !there || r.expired(now):
		return l.claim(id, print, there, now), Answer{}
	case print != nil && r.known && r.print != *print:
		return Mismatch, Answer{}
	case r.atWork(now):
		return InFlight, Answer{}
	}
	return Stored, Answer{Entry: int(r.entry), Call: int(r.call), Attempt: int(r.attempt), Nth: int(r.nth)}
}

// Knows reports whether a key is claimed, or stands for an answer.
func (l *Ledger) Knows(id ID, now time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, there := l.keys[id]
	return there && !r.expired(now)
}

// claim claims a key that is not known, or has expired and is there still. It requires mu.
func (l *Ledger) claim(id ID, print *Print, there bool, now time.Duration) Said {
	if !there && len(l.keys) >= l.most && !l.makeRoom(now) {
		return Full
	}
	r := record{expires: never}
	if print != nil {
		r.print, r.known = *print, true
	}
	if l.keys == nil {
		l.keys = make(map[ID]record)
	}
	l.keys[id] = r
	return New
}

// Identify gives the print of the request that has claimed a key, once it has been read.
func (l *Ledger) Identify(id ID, print Print) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.keys[id]
	r.print, r.known = print, true
	l.keys[id] = r
}

// Commit says that the request that has claimed a key has its effect, and what the key stands for from the end of the claim
// on. The request is at work at least until the first instant, and the key is known until the second; 0: for ever.
func (l *Ledger) Commit(id ID, a Answer, until, expires time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.keys[id]
	r.committed, r.until, r.expires = true, until, never
	if expires > 0 {
		r.expires = expires
		l.leaves = min(l.leaves, expires)
	}
	r.entry, r.call, r.attempt, r.nth = int32(a.Entry), int32(a.Call), int32(a.Attempt), int32(a.Nth)
	l.keys[id] = r
}

// End ends the claim of a key: the answer of the request that has it is about to be whole, or will never be.
func (l *Ledger) End(id ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.keys[id]; r.committed {
		r.ended = true
		l.keys[id] = r
	} else {
		delete(l.keys, id)
	}
	if w := l.waiting[id]; w != nil {
		close(w)
		delete(l.waiting, id)
	}
}

// Wait waits until the claim of a key has ended, or its work is over, whichever is the next to happen; one asks again then.
// The error is that of the context.
func (l *Ledger) Wait(ctx context.Context, id ID, now time.Duration) error {
	ended, left := l.next(id, now)
	var over <-chan time.Time
	if ended == nil {
		t := time.NewTimer(left)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ended:
		return nil
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next returns what the end of a claim closes; nil where it has ended, and then how long its work goes on.
func (l *Ledger) next(id ID, now time.Duration) (ended <-chan struct{}, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, there := l.keys[id]
	if !there || r.ended {
		return nil, r.until - now
	}
	w := l.waiting[id]
	if w == nil {
		w = make(chan struct{})
		if l.waiting == nil {
			l.waiting = make(map[ID]chan struct{})
		}
		l.waiting[id] = w
	}
	return w, 0
}

// Len is how many keys are kept, those that have expired and are there still among them.
func (l *Ledger) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}

// atWork reports whether the request that came first with the key is at work.
func (r *record) atWork(now time.Duration) bool { return !r.ended || now < r.until }

// expired reports whether the key is no longer known.
func (r *record) expired(now time.Duration) bool { return now >= r.expires && !r.atWork(now) }

// makeRoom lets go of the keys that have expired, and reports whether there were any. It requires mu.
func (l *Ledger) makeRoom(now time.Duration) bool {
	if now < l.leaves {
		return false // else each request of a full ledger would look through all keys
	}
	l.leaves = never
	for id, r := range l.keys {
		if r.expired(now) {
			delete(l.keys, id)
			continue
		}
		l.leaves = min(l.leaves, max(r.expires, r.until))
	}
	return len(l.keys) < l.most
}
