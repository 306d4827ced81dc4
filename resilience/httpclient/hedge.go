package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"brownout/resilience"
)

// errNoCopy is what a copy fails with that was not sent.
var errNoCopy = errors.New("httpclient: no copy of the request could be sent")

// mayHedge reports whether req may be sent several times at once: it does no harm, and each can have a body of its own.
func mayHedge(req *http.Request, keyed bool) bool {
	if !keyed && !idempotentMethod(req.Method) || req.Header["Upgrade"] != nil {
		return false
	}
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// hedging is one attempt of a call with its copies.
type hedging struct {
	c      *call
	req    *http.Request // of the first
	permit resilience.Permit
	begun  bool           // the first was sent, or at least tried
	lost   *http.Response // the first's answer, if it is no good
	route  *gate          // of the request; nil unless quotas are counted by route

	mu   sync.Mutex // held while a copy is made of the call's request
	over bool       // the request is the caller's again; guarded by mu
}

// hedged sends req, and copies of it while its answer is late. The error is that of req; so is the answer, if none is good.
func (c *call) hedged(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	permit, err := c.t.admit(c.h, req)
	if err != nil {
		drop(req)
		return nil, err
	}
	g := &hedging{c: c, req: req, permit: permit}
	if c.h.routes != nil {
		g.route = c.h.routes.Get(c.t.route(req))
	}
	defer g.end()
	resp, err := resilience.Do(ctx, g.run, resilience.Policy(c.h.hedge))
	switch {
	case !g.begun:
		c.h.dismiss(permit)
		drop(req)
	case g.lost == resp:
	case g.lost != nil:
		_ = g.lost.Body.Close()
	}
	if resp != nil && resp == g.lost { // the caller of hedged looks at it again
		err = nil
	}
	return resp, err
}

// run sends one of the requests. An error says that it has lost.
func (g *hedging) run(ctx context.Context) (*http.Response, error) {
	first := resilience.HedgeNumber(ctx) == 1
	req, permit := g.req, g.permit
	if first {
		g.begun = true
		req = req.WithContext(ctx)
	} else {
		var err error
		if req, permit, err = g.copy(ctx); err != nil {
			return nil, err
		}
	}
	release := resilience.Hold(ctx)
	resp, err := g.c.t.send(g.c.h, req, permit)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = held(resp.Body, release)
	lost := g.c.losing(resp)
	switch {
	case lost == nil:
		return resp, nil
	case first:
		g.lost = resp
		return resp, lost
	}
	drain(resp)
	return nil, lost
}

// copy returns the request of a copy, and its permit, if it may be sent at once.
func (g *hedging) copy(ctx context.Context) (*http.Request, resilience.Permit, error) {
	permit, ok := g.c.h.admitNow(ctx, g.route)
	if !ok {
		return nil, permit, errNoCopy
	}
	req, err := g.request(ctx)
	if err != nil {
		g.c.h.dismiss(permit)
	}
	return req, permit, err
}

// request returns the request of a copy, which shares nothing with the caller's: a copy that has lost may outlive the call.
func (g *hedging) request(ctx context.Context) (*http.Request, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return nil, errNoCopy
	}
	body := g.c.req.Body
	if body != nil && body != http.NoBody {
		var err error
		if body, err = g.c.req.GetBody(); err != nil {
			return nil, err
		}
	}
	req := g.c.resend(ctx, body)
	return req.Clone(req.Context()), nil
}

func (g *hedging) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
}

// admitNow lets a copy through if it need not wait and takes nobody's place: not that of a breaker's probe either.
func (h *host) admitNow(ctx context.Context, route *gate) (permit resilience.Permit, ok bool) {
	if h.gate.closed() || route != nil && route.closed() || h.breaker != nil && h.breaker.State() != resilience.StateClosed {
		return permit, false
	}
	if h.breaker != nil {
		var err error
		if permit, err = h.breaker.Acquire(ctx); err != nil {
			return permit, false
		}
	}
	if h.bulkhead != nil && !h.bulkhead.TryAcquire() {
		permit.Done(resilience.OutcomeNeutral)
		return permit, false
	}
	if h.limiter != nil && !h.limiter.Allow() {
		h.dismiss(permit)
		return permit, false
	}
	return permit, true
}

// losing returns an error for an answer that would be retried, so that it is no reason to stop waiting for a better one. The
// host rests if it asks for that.
func (c *call) losing(resp *http.Response) error {
	if resp.StatusCode < 400 {
		return nil
	}
	e := c.read(resp)
	if !e.retryable {
		return nil
	}
	if c.t.pauses {
		c.hold(e)
	}
	return e
}

// discardAnswer closes an answer that came too late.
func discardAnswer(r resilience.Result) {
	if resp, ok := resilience.ResultOf[*http.Response](r); ok && resp != nil {
		_ = resp.Body.Close()
	}
}

// held returns a body that releases the context of its attempt once it was read or closed.
func held(body io.ReadCloser, release func()) io.ReadCloser {
	if _, upgraded := body.(io.Writer); upgraded { // the connection is the caller's for as long as the call's context lasts
		return body
	}
	return &heldBody{body, release}
}

type heldBody struct {
	io.ReadCloser
	release func()
}

// Read reads the answer.
func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

// Close closes the answer and ends the attempt.
func (b *heldBody) Close() error {
	err := b.ReadCloser.Close()
	b.release()
	return err
}
