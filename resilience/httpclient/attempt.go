package httpclient

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"brownout/resilience"
)

// attempt is one attempt with a timeout, a place in a bulkhead, or both: its request, the context that ends it, and the body
// of its answer, in one piece of memory, for a context with a deadline alone costs as much as all the rest of a call. Both are
// held until the answer's body was read or closed: a server that stalls in the middle is not waited for, and is not called
// by more at a time than it may be.
//
// As a context it ends when the call's does or when the time is over, and looks at the call's only once somebody asks.
type attempt struct {
	context.Context               // the call's
	clock           *deadlines    // ends it in time; nil = no timeout
	due             time.Duration // when, since the clock's base
	req             http.Request
	body            io.ReadCloser        // of the answer
	slot            *resilience.Bulkhead // to be released at the end; nil = none

	prev, next *attempt // in the clock's list; guarded by its mu
	listed     bool

	finished atomic.Bool

	mu     sync.Mutex // guards the fields below
	err    error      // why it ended
	done   chan struct{}
	unlink func() bool // takes it off the call's context; nil as long as it hangs on none
	after  []*afterFunc
}

// afterFunc is a function to be called when the attempt ends, as [context.AfterFunc] has it.
type afterFunc struct{ f func() }

var _ context.Context = (*attempt)(nil)

// newAttempt starts the clock of an attempt that sends req, and takes over a place in slot. A nil clock means no timeout.
func newAttempt(req *http.Request, clock *deadlines, slot *resilience.Bulkhead) *attempt {
	a := &attempt{Context: req.Context(), clock: clock, slot: slot}
	a.req = *req.WithContext(a)
	if clock != nil {
		clock.add(a)
	}
	return a
}

// Deadline returns the earlier of the attempt's deadline and the call's.
func (a *attempt) Deadline() (time.Time, bool) {
	d, ok := a.Context.Deadline()
	if a.clock == nil {
		return d, ok
	}
	if own := a.clock.base.Add(a.due); !ok || own.Before(d) {
		return own, true
	}
	return d, ok
}

// Done returns a channel that is closed when the attempt ends.
func (a *attempt) Done() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done == nil {
		a.done = make(chan struct{})
		if a.err != nil {
			close(a.done)
		} else if a.Context.Done() != nil {
			a.unlink = context.AfterFunc(a.Context, func() { a.end(a.Context.Err()) })
		}
	}
	return a.done
}

// Err returns why the attempt ended, nil before.
func (a *attempt) Err() error {
	if err := a.Context.Err(); err != nil {
		a.end(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// AfterFunc calls f in a goroutine of its own once the attempt has ended. Package context looks for this method when it
// derives a context, and else keeps a goroutine waiting.
func (a *attempt) AfterFunc(f func()) (stop func() bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		go f()
		return func() bool { return false }
	}
	entry := &afterFunc{f}
	a.after = append(a.after, entry)
	return func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		waiting := entry.f != nil
		entry.f = nil
		return waiting
	}
}

// end ends the attempt for this reason, unless it has ended.
func (a *attempt) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return
	}
	a.err = err
	if a.done != nil {
		close(a.done)
	}
	if a.unlink != nil {
		a.unlink()
	}
	for _, entry := range a.after {
		if entry.f != nil {
			go entry.f()
			entry.f = nil
		}
	}
	a.after = nil
}

// finish ends an attempt that is over, and frees what it holds.
func (a *attempt) finish() {
	a.end(context.Canceled)
	a.release()
}

// release frees what an attempt holds, once; its context may go on living.
func (a *attempt) release() {
	if a.finished.Swap(true) {
		return
	}
	if a.clock != nil {
		a.clock.remove(a)
	}
	if a.slot != nil {
		a.slot.Release()
	}
}

// timedOut returns err, or where the attempt's time ran out a [*resilience.TimeoutError] around it.
func (a *attempt) timedOut(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != context.DeadlineExceeded || a.Context.Err() != nil {
		return err
	}
	return &resilience.TimeoutError{Name: "attempt", After: a.clock.timeout, Err: err}
}

// roundTrip sends the request over base. The attempt goes on until the answer's body was read or closed.
func (a *attempt) roundTrip(base http.RoundTripper) (*http.Response, error) {
	returned := false
	defer func() { // a panic of base must not leave it in the clock's list
		if !returned {
			a.finish()
		}
	}()
	resp, err := base.RoundTrip(&a.req)
	returned = true
	if err != nil {
		err = a.timedOut(err)
		a.finish()
		return nil, err
	}
	if _, upgraded := resp.Body.(io.Writer); upgraded { // 101: the connection is the caller's from now on
		a.release()
		return resp, nil
	}
	a.body = resp.Body
	resp.Body = (*attemptBody)(a)
	return resp, nil
}

// attemptBody is the body of the answer to an attempt.
type attemptBody attempt

// Read reads the answer; it fails with a [*resilience.TimeoutError] when the attempt's time runs out meanwhile.
func (b *attemptBody) Read(p []byte) (int, error) {
	a := (*attempt)(b)
	n, err := a.body.Read(p)
	if err != nil {
		if err != io.EOF {
			err = a.timedOut(err)
		}
		a.finish()
	}
	return n, err
}

// Close closes the answer and ends the attempt.
func (b *attemptBody) Close() error {
	a := (*attempt)(b)
	err := a.body.Close()
	a.finish()
	return err
}
