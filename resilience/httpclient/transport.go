package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"brownout/resilience"
)

// Transport is an [http.RoundTripper] that makes another one resilient. Make it with [New]. It may be shared by goroutines.
type Transport struct {
	base       http.RoundTripper
	retry      *resilience.Retry
	keys       keys
	bodyBuffer int64
}

var _ http.RoundTripper = (*Transport)(nil)

// Client returns an [http.Client] that uses t. Its Timeout bounds a call with all its attempts.
func (t *Transport) Client() *http.Client { return &http.Client{Transport: t} }

// CloseIdleConnections closes the idle connections of the base, if it can; [http.Client.CloseIdleConnections] calls it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip makes one call: as many attempts as its policies allow. It returns the first good answer; or the last bad one,
// whose [Reason] tells why there was no other; or the error of the last attempt in a [*resilience.RetryError].
//
// The caller's request is not modified, its Body is closed once, and the Body of every answer that is not returned is
// drained and closed, so that the connection can be used again.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	key, missing := t.keys.of(req)
	if missing {
		req = withHeader(req, t.keys.header, key)
	}
	b := newBody(req, t.bodyBuffer)
	a := t.retry.Start()
	if err := a.Begin(ctx); err != nil {
		drop(req)
		return nil, err
	}
	resp, err := t.base.RoundTrip(b.first(req))
	if err == nil && !suspect(resp) {
		b.finish()
		a.Succeeded(ctx)
		return resp, nil
	}
	return t.again(req, &b, &a, key != "", resp, err)
}

// suspect reports whether an answer needs a closer look; all others are good.
func suspect(resp *http.Response) bool {
	return resp.StatusCode >= 400
}

// again goes on after a first attempt that may have failed.
func (t *Transport) again(req *http.Request, b *body, a *resilience.Attempts, keyed bool, resp *http.Response, err error) (*http.Response, error) {
	defer b.finish()
	ctx := req.Context()
	for {
		failure, failed := t.judge(req, b, keyed, resp, err)
		if !failed {
			a.Succeeded(ctx)
			return resp, nil
		}
		delay, stop := a.Failed(ctx, failure)
		if stop != nil {
			return last(resp, stop)
		}
		next, stop := b.again()
		if stop != nil {
			return last(resp, &resilience.RetryError{
				Attempts: a.Number(), Reason: resilience.ReasonUnrepeatable,
				Detail: "GetBody: " + stop.Error(), Err: failure.Err,
			})
		}
		if stop = t.pause(ctx, a, resp, delay); stop == nil {
			stop = a.Begin(ctx)
		}
		if stop != nil {
			if next != nil {
				_ = next.Close()
			}
			return nil, stop
		}
		resp, err = t.base.RoundTrip(resend(req, next, a.Number()-1))
	}
}

// judge says whether an attempt failed, and what that means for another one.
func (t *Transport) judge(req *http.Request, b *body, keyed bool, resp *http.Response, err error) (resilience.Failure, bool) {
	if err == nil {
		e := newStatusError(resp, keyed)
		switch {
		case e.refused:
			return resilience.Failure{Err: e, Stop: resilience.ReasonRefused}, true
		case !e.retryable:
			return resilience.Failure{}, false
		}
		err = e
	} else if hopeless(err) {
		return resilience.Failure{Err: err, Stop: resilience.ReasonPermanent}, true
	}
	f := t.retry.Classify(err)
	if f.Stop != 0 {
		return f, true
	}
	switch why := b.stuck(); {
	case !keyed && !idempotentMethod(req.Method) && !neverSent(err):
		f.Stop, f.Detail = resilience.ReasonUnrepeatable, req.Method+" without an idempotency key"
	case why != "":
		f.Stop, f.Detail = resilience.ReasonUnrepeatable, why
	}
	return f, true
}

// newStatusError reads what an answer says about another attempt.
func newStatusError(resp *http.Response, keyed bool) *StatusError {
	e := &StatusError{Status: resp.StatusCode, Header: resp.Header, push: readPushback(resp.Header, time.Now())}
	switch {
	case resp.StatusCode < 400:
		return e
	case e.push.retry == yes:
		e.retryable = true
		return e
	case e.Status == http.StatusConflict:
		e.retryable = keyed // the first attempt is still at work: draft-ietf-httpapi-idempotency-key-header section 2.7
	case e.Status == http.StatusRequestEntityTooLarge:
		e.retryable = e.push.delayed // a condition that passes: RFC 9110 section 15.5.14
	default:
		e.retryable = RetryableStatus(e.Status)
	}
	if e.push.retry == no {
		e.retryable, e.refused = false, e.retryable
	}
	return e
}

// last returns what the caller gets when no further attempt is made.
func last(resp *http.Response, stop error) (*http.Response, error) {
	if resp == nil {
		return nil, stop
	}
	if why, ok := errors.AsType[*resilience.RetryError](stop); ok {
		resp.Body = &reasoned{resp.Body, why}
	}
	return resp, nil
}

// pause gives an answer's connection back and waits until the next attempt is due.
func (t *Transport) pause(ctx context.Context, a *resilience.Attempts, resp *http.Response, delay time.Duration) error {
	if resp == nil {
		return a.Wait(ctx, delay)
	}
	start := time.Now()
	drain(resp)
	return a.Wait(ctx, delay-time.Since(start))
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

// resend returns the request of attempt number n+1, with the caller's context marked by n.
func resend(req *http.Request, body io.ReadCloser, n int) *http.Request {
	r := req.WithContext(context.WithValue(req.Context(), resendContext{}, n))
	r.Body = body
	return r
}

// withHeader returns a copy of req with a header set.
func withHeader(req *http.Request, name, value string) *http.Request {
	r := req.WithContext(req.Context())
	r.Header = req.Header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header[name] = []string{value}
	return r
}
