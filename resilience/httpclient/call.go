package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"brownout/resilience"
)

// call is one call whose first attempt was not simply good.
type call struct {
	t     *Transport
	req   *http.Request // with the idempotency key
	h     *host
	keyed bool
	wary  bool         // the request has an Expect
	plain atomic.Bool  // the server does not meet the request's Expect: send it without
	sent  atomic.Int32 // how often it was sent
}

// newCall returns a call that was sent once, or is about to be.
func (t *Transport) newCall(h *host, req *http.Request, key string) *call {
	c := &call{t: t, req: req, h: h, keyed: key != "" || len(req.Header[t.keys.header]) > 0}
	c.wary = req.Header.Get("Expect") != ""
	c.sent.Store(1)
	return c
}

// again looks at the first attempt, and makes the others.
func (c *call) again(b *body, began time.Time, resp *http.Response, err error) (*http.Response, error) {
	defer b.finish()
	a := c.t.retry.ResumeFor(c.h.name, c.h.budget, began)
	ctx := c.req.Context()
	for {
		failure, failed := c.judge(b, resp, err)
		if !failed {
			a.Succeeded(ctx)
			return c.good(resp)
		}
		delay, stop := a.Failed(ctx, failure)
		if stop != nil {
			return c.last(resp, stop)
		}
		next, stop := b.again()
		if stop != nil {
			return c.last(resp, &resilience.RetryError{
				Attempts: a.Number(), Reason: resilience.ReasonUnrepeatable,
				Detail: "GetBody: " + stop.Error(), Err: failure.Err,
			})
		}
		if stop = pause(ctx, &a, resp, delay); stop == nil {
			stop = a.Begin(ctx)
		}
		if stop != nil {
			if next != nil {
				_ = next.Close()
			}
			return nil, stop
		}
		resp, err = c.attempt(c.resend(ctx, next))
	}
}

// attempt sends req once, with copies of it if it may be hedged.
func (c *call) attempt(req *http.Request) (*http.Response, error) {
	if c.h.hedge != nil && mayHedge(c.req, c.keyed) {
		return c.hedged(req)
	}
	return c.t.attempt(c.h, req)
}

// judge says whether an attempt failed, and what that means for another one. It lets the host rest when it asks for that.
func (c *call) judge(b *body, resp *http.Response, err error) (resilience.Failure, bool) {
	unsent := neverSent(err)
	if err == nil {
		expecting := !c.plain.Load()
		e := c.status(resp)
		unsent = expecting && c.plain.Load() // refused for the expectation alone, just now
		if c.t.pauses {
			c.hold(e)
		}
		switch {
		case e.refused:
			return resilience.Failure{Err: e, Stop: resilience.ReasonRefused}, true
		case !e.retryable:
			return resilience.Failure{}, false
		}
		err = e
	} else if hopeless(err) {
		return resilience.Failure{Err: err, Stop: resilience.ReasonPermanent, Neutral: true}, true
	}
	f := c.t.retry.Classify(err)
	f.Neutral = f.Neutral || errors.Is(err, ErrPaused)
	if f.Stop != 0 {
		return f, true
	}
	switch why := b.stuck(); {
	case !c.keyed && !unsent && !idempotentMethod(c.req.Method):
		f.Stop, f.Detail = resilience.ReasonUnrepeatable, c.req.Method+" without an idempotency key"
	case why != "":
		f.Stop, f.Detail = resilience.ReasonUnrepeatable, why
	}
	return f, true
}

// status reads what an answer says about another attempt, and remembers it where it is about the request.
func (c *call) status(resp *http.Response) *StatusError {
	e := c.read(resp)
	if e.Status == http.StatusExpectationFailed && e.retryable && c.expects() {
		c.plain.Store(true)
	}
	return e
}

// expects reports whether the request is sent with an Expect.
func (c *call) expects() bool { return c.wary && !c.plain.Load() }

// read reads what an answer says about another attempt.
func (c *call) read(resp *http.Response) *StatusError {
	now := time.Now()
	e := &StatusError{Status: resp.StatusCode, Header: resp.Header, push: readPushback(resp.Header, now)}
	for _, read := range c.t.routeQuotas {
		if wait, exhausted := read(resp.Header, now); exhausted {
			e.exhausted, e.route, e.restored = true, true, max(e.restored, wait)
		}
	}
	for _, read := range c.t.quotas {
		if wait, exhausted := read(resp.Header, now); exhausted {
			e.exhausted, e.route, e.restored = true, false, max(e.restored, wait) // where both are, that of all governs
		}
	}
	if e.exhausted && !e.push.delayed {
		e.push.delay, e.push.delayed = e.restored, true
	}
	if e.Status == http.StatusForbidden && e.push.delayed && len(c.t.quotas) > 0 {
		e.exhausted = true // GitHub's secondary limits tell of no quota but when to come back
	}
	switch {
	case e.Status < 400:
		return e
	case e.push.retry == yes:
		e.retryable = true
		return e
	case e.Status == http.StatusConflict:
		e.retryable = c.keyed || c.t.retryable(e.Status) // the first attempt is still at work: draft-ietf-httpapi-idempotency-key-header section 2.7
	case e.Status == http.StatusRequestEntityTooLarge:
		e.retryable = e.push.delayed || c.t.retryable(e.Status) // a condition that passes: RFC 9110 section 15.5.14
	case e.Status == http.StatusExpectationFailed && c.expects():
		e.retryable = true // RFC 9110 section 10.1.1
	case e.Status == http.StatusForbidden:
		e.retryable = e.exhausted || c.t.retryable(e.Status) // GitHub's way to say 429
	default:
		e.retryable = c.t.retryable(e.Status)
	}
	if e.push.retry == no {
		e.retryable, e.refused = false, e.retryable
	}
	return e
}

// hold lets the host rest as long as the answer asks for it, but not longer than a call would wait: a server that names
// a date far away by mistake is asked again after that.
func (c *call) hold(e *StatusError) {
	asked := e.push.delayed && (e.retryable || e.refused || e.exhausted)
	if !asked || e.push.delay <= 0 {
		return
	}
	d := min(e.push.delay, c.t.maxPause)
	if e.route {
		c.h.routes.Get(c.t.route(c.req)).pause(d)
		return
	}
	if c.h.limiter != nil {
		c.h.limiter.PauseUntil(time.Now().Add(d))
		return
	}
	c.h.gate.pause(d)
}

// good returns a good answer. A redirect that asks for patience is handed on after it, as the redirected request is sent by
// whoever called RoundTrip (RFC 9110 section 10.2.3); where the wait is too long it is handed on as it is.
func (c *call) good(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode < 300 || resp.StatusCode > 399 || resp.Header.Get("Location") == "" {
		return resp, nil
	}
	if resp.Request == nil {
		resp.Request = c.req // the redirected request takes the idempotency key from it
	}
	d, ok := retryAfter(resp.Header, time.Now())
	ctx := c.req.Context()
	if deadline, limited := ctx.Deadline(); !ok || d <= 0 || d > c.t.maxPause || limited && time.Until(deadline) <= d {
		return resp, nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return resp, nil
	case <-ctx.Done():
		_ = resp.Body.Close()
		return nil, ctx.Err()
	}
}

// resend returns the request sent once more under ctx, which then tells how often it was sent before.
func (c *call) resend(ctx context.Context, body io.ReadCloser) *http.Request {
	number := int(c.sent.Add(1))
	r := c.req.WithContext(context.WithValue(ctx, resendContext{}, number-1))
	if name := c.t.header; name != "" {
		r = withHeader(r, name, fmt.Sprintf("attempt=%d; max=%d", number, c.t.maxSent))
	}
	if c.plain.Load() {
		r.Header = r.Header.Clone()
		r.Header.Del("Expect")
	}
	r.Body = body
	return r
}

// pause gives the connection of an answer back and waits until the next attempt is due.
func pause(ctx context.Context, a *resilience.Attempts, resp *http.Response, delay time.Duration) error {
	if resp == nil {
		return a.Wait(ctx, delay)
	}
	start := time.Now()
	drain(resp)
	return a.Wait(ctx, delay-time.Since(start))
}

// last returns what the caller gets when no further attempt is made.
func (c *call) last(resp *http.Response, stop error) (*http.Response, error) {
	if resp == nil {
		return nil, stop
	}
	if why, ok := errors.AsType[*resilience.RetryError](stop); ok {
		withReason(c.req, resp, why)
	}
	return resp, nil
}

// Bounds of draining an answer that is not returned: beyond them a new connection is cheaper than the rest of the body.
const (
	maxDrain     = 64 << 10
	maxDrainTime = 200 * time.Millisecond
)

// drain reads an answer to its end, within bounds, and closes it: only then is its connection used again.
func drain(resp *http.Response) {
	if resp.ContentLength <= maxDrain {
		cut := time.AfterFunc(maxDrainTime, func() { _ = resp.Body.Close() })
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain+1)
		cut.Stop()
	}
	_ = resp.Body.Close()
}
