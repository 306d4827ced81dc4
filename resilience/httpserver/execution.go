package httpserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
)

// Execution is what a handler behind [Idempotency] may know about itself; see [ExecutionOf].
type Execution struct {
	// Key is the client's idempotency key, without quotes.
	Key string
	// Reclaimed means that an earlier execution of the same request ended without an answer, so that it is not known what it
	// did. Look before you do it again.
	Reclaimed bool

	notApplied atomic.Bool
}

type executionKey struct{}

// ExecutionOf returns the execution that ctx belongs to, or nil where there is none: a request without a key. It is valid as long as
// the handler runs.
func ExecutionOf(ctx context.Context) *Execution {
	e, _ := ctx.Value(executionKey{}).(*Execution)
	return e
}

// NotApplied says that the request of ctx had no effect, so that its answer is sent but not stored, and the same request with the
// same key runs anew: the database could not be reached, a quota is exhausted. Without an execution it does nothing.
func NotApplied(ctx context.Context) {
	if e := ExecutionOf(ctx); e != nil {
		e.notApplied.Store(true)
	}
}

// execution is one run of a handler with a key.
type execution struct {
	claim   claim
	about   Execution
	req     http.Request // as the handler sees it
	out     capture
	body    requestBody
	scratch *scratch // the body lies in it
}

// requestBody is the body that was read for the fingerprint, as the handler reads it. It is empty once the handler has returned.
type requestBody struct {
	mu   sync.Mutex // guards rest
	rest []byte
}

// Read reads from the body.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// WriteTo writes what is left of the body.
func (b *requestBody) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := w.Write(b.rest)
	b.rest = b.rest[n:]
	return int64(n), err
}

// Close does nothing: the server closes the body it made.
func (b *requestBody) Close() error { return nil }

func (b *requestBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = nil
}

// run runs the handler, stores its answer and sends it.
func (m *Idempotency) run(next http.Handler, w http.ResponseWriter, r *http.Request, e *execution) {
	ctx := r.Context()
	e.claim.parent = ctx
	if m.set.Detach {
		e.claim.parent = context.WithoutCancel(ctx)
	}
	e.claim.at, e.claim.value = executionKey{}, &e.about
	e.out.start(w, m.set.MaxResponse, m.skip)
	e.req = *r.WithContext(&e.claim)
	e.req.Body = &e.body
	m.keeper.hold(&e.claim)
	returned := false
	defer func() {
		if !returned { // a panic goes on; what the handler did before it is unknown
			m.abandon(ctx, e)
		}
		m.keeper.end(&e.claim)
		e.claim.release()
		e.body.end()
		e.out.drop()
		e.scratch.free()
	}()
	next.ServeHTTP(&e.out, &e.req)
	returned = true
	if m.settle(ctx, e) {
		e.out.send()
	} else {
		e.out.withdraw()
		m.problems.write(w, keyLost)
	}
}

// settle ends the claim of a handler that returned, and reports whether its answer may be sent: not if another execution took
// the claim over, since that one's answer is what repetitions will get.
func (m *Idempotency) settle(ctx context.Context, e *execution) bool {
	answered := e.out.answered()
	record, status := e.out.finish()
	switch {
	case e.about.notApplied.Load() || !m.set.Remember(status):
		err := settle(ctx, func(ctx context.Context) error { return m.store.Release(ctx, e.claim.key, e.claim.token) })
		m.failed(ctx, err)
		return true
	case e.claim.Err() != nil && (!answered || status >= http.StatusInternalServerError):
		m.abandon(ctx, e)
		return true
	}
	err := settle(ctx, func(ctx context.Context) error {
		return m.store.Commit(ctx, e.claim.key, e.claim.token, record, m.set.Keep)
	})
	m.failed(ctx, err)
	return e.out.streaming || !errors.Is(err, store.ErrLost)
}

// abandon ends the lease of a claim whose outcome is unknown, so that the next request need not wait for that.
func (m *Idempotency) abandon(ctx context.Context, e *execution) {
	m.keeper.end(&e.claim) // or a renewal would make the lease last again
	m.failed(ctx, settle(ctx, func(ctx context.Context) error {
		return m.store.Renew(ctx, e.claim.key, e.claim.token, store.MinLease)
	}))
}

// failed tells the observer of a step that did not succeed.
func (m *Idempotency) failed(ctx context.Context, err error) {
	if err != nil {
		m.observe(ctx, resilience.Event{Kind: resilience.EventRejected, Err: err, Reason: "store"})
	}
}

func (m *Idempotency) observe(ctx context.Context, e resilience.Event) {
	if m.set.Observer != nil {
		e.Policy = m.set.Name
		m.set.Observer.Observe(ctx, e)
	}
}

// Steps that end a claim are tried again, since what was done cannot be undone by giving up.
const (
	settleTries   = 4
	settleTimeout = 5 * time.Second
	settlePause   = 50 * time.Millisecond // and four times as long before each further try
)

// settle takes a step that ends a claim, and takes it again, whatever became of ctx, until the store has said what became of it.
func settle(ctx context.Context, step func(context.Context) error) error {
	err := context.Cause(ctx)
	if err == nil {
		if err = step(ctx); err == nil || errors.Is(err, store.ErrLost) {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for try, pause := 1, settlePause; ; try, pause = try+1, 4*pause {
		again := step(ctx)
		if again == nil || errors.Is(again, store.ErrLost) {
			return again
		}
		err = again
		if try == settleTries {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
