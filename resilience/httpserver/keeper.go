package httpserver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"brownout/resilience/store"
)

// keeper renews the leases of the claims that are at work, all of them with one timer that runs only while there are any.
type keeper struct {
	store store.Store
	lease time.Duration

	mu    sync.Mutex // guards what follows, and the links and due of every claim in the list
	first *claim     // in the order in which they are due
	last  *claim
	timer *time.Timer
	armed bool // the timer will call renew, or renew runs
}

func newKeeper(s store.Store, lease time.Duration) *keeper { return &keeper{store: s, lease: lease} }

// every is how often a lease is renewed: three times, so that two failures in a row are survived.
func (k *keeper) every() time.Duration { return k.lease / 3 }

// claim is a claim that was won, while its work goes on. It is the context of the work, too.
type claim struct {
	parent context.Context
	key    store.Key
	token  store.Token

	prev, next *claim    // in the keeper's list
	due        time.Time // when it is renewed next
	listed     bool

	renewing sync.Mutex // held while the lease is renewed; guards ended
	ended    bool

	mu    sync.Mutex // guards what follows
	inner context.Context
	stop  context.CancelCauseFunc // of inner
	value any                     // what the context tells of the claim
	at    any                     // under which key
}

// hold begins to renew the lease of c.
func (k *keeper) hold(c *claim) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.due = time.Now().Add(k.every())
	k.append(c)
	if k.armed {
		return
	}
	k.armed = true
	if k.timer == nil {
		k.timer = time.AfterFunc(k.every(), k.renew)
	} else {
		k.timer.Reset(k.every())
	}
}

// end stops renewing the lease of c. When it returns no renewal of it is under way.
func (k *keeper) end(c *claim) {
	k.mu.Lock()
	k.remove(c)
	k.mu.Unlock()
	c.renewing.Lock()
	c.ended = true
	c.renewing.Unlock()
}

// maxRenewals is how many leases are renewed at a time: a store that groups its writes does better with company.
const maxRenewals = 16

// renew renews what is due and sets the timer for what is due next. It runs on the timer's goroutine, and once at a time.
func (k *keeper) renew() {
	ctx, cancel := context.WithTimeout(context.Background(), k.every())
	defer cancel()
	due := k.takeDue()
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(due), maxRenewals) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(due)); i = next.Add(1) - 1 {
				k.renewOne(ctx, due[i])
			}
		})
	}
	all.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.armed = k.first != nil; k.armed {
		k.timer.Reset(max(0, time.Until(k.first.due)))
	}
}

// takeDue returns the claims that are due, or will be soon, and puts them at the end of the list.
func (k *keeper) takeDue() (due []*claim) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	soon := now.Add(k.every() / 8) // so that the timer does not run for each of many
	for c := k.first; c != nil && c.due.Before(soon); c = k.first {
		k.remove(c)
		c.due = now.Add(k.every())
		k.append(c)
		due = append(due, c)
	}
	return due
}

// renewOne renews the lease of c unless it has ended. If it is lost, the context of its work is cancelled with that cause.
func (k *keeper) renewOne(ctx context.Context, c *claim) {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	if c.ended {
		return
	}
	if err := k.store.Renew(ctx, c.key, c.token, k.lease); errors.Is(err, store.ErrLost) {
		c.lose(err)
	}
}

// append puts c at the end of the list. It requires mu.
func (k *keeper) append(c *claim) {
	c.prev, c.next, c.listed = k.last, nil, true
	if k.last == nil {
		k.first = c
	} else {
		k.last.next = c
	}
	k.last = c
}

// remove takes c out of the list, if it is there. It requires mu.
func (k *keeper) remove(c *claim) {
	if !c.listed {
		return
	}
	if c.prev == nil {
		k.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		k.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next, c.listed = nil, nil, false
}

// Deadline is the parent's.
func (c *claim) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done is closed when the parent's is, or when the claim is lost. What that takes is made when it is first asked for:
// few handlers do.
func (c *claim) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithCancelCause(c.parent)
	}
	return c.inner.Done()
}

// Err is nil until Done is closed.
func (c *claim) Err() error { return c.nearest().Err() }

// Value returns what the claim tells of itself, or else the parent's.
func (c *claim) Value(key any) any {
	if key == c.at {
		return c.value
	}
	return c.nearest().Value(key)
}

func (c *claim) nearest() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner != nil {
		return c.inner
	}
	return c.parent
}

// lose ends the context because the claim is lost.
func (c *claim) lose(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithCancelCause(c.parent)
	}
	c.stop(cause)
}

// release ends the context, as its work has.
func (c *claim) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		c.stop(context.Canceled)
	}
}
