package httpclient

import (
	"context"
	"errors"
	"net/http"
	"time"

	"brownout/resilience"
)

// Transport is an [http.RoundTripper] that makes another one resilient. Make it with [New]. It may be shared by goroutines.
type Transport struct {
	base        http.RoundTripper
	retry       *resilience.Retry
	keys        keys
	bodyBuffer  int64
	answers     int64 // how much of an answer is read before it counts as good; 0 = none
	quotas      []QuotaReader
	route       func(*http.Request) string // what a quota of routeQuotas belongs to
	routeQuotas []QuotaReader
	retryable   func(status int) bool
	pauses      bool // Retry-After holds back the host
	maxPause    time.Duration
	classify    func(error) resilience.Outcome // of the breakers; nil = the default
	watched     bool                           // it matters when a call began
	bare        bool                           // an attempt is nothing but the base's RoundTrip, unless the host is paused
	scope       func(*http.Request) string
	header      string // of the attempts' count; empty = none
	maxSent     int    // how often a call is sent at most, copies included
	hosts       hosts
}

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
	h := t.host(req)
	if ctx.Err() != nil {
		drop(req)
		a := t.retry.StartFor(h.name, h.budget)
		return nil, a.Begin(ctx)
	}
	b := newBody(req, t.bodyBuffer)
	var began time.Time
	if t.watched {
		began = time.Now()
	}
	var resp *http.Response
	var err error
	if h.hedge != nil && mayHedge(req, key != "") {
		c := t.newCall(h, req, key)
		if resp, err = c.hedged(req); err != nil || t.suspect(resp) {
			return c.again(&b, began, resp, err)
		}
	} else if resp, err = t.attempt(h, b.first(req)); err != nil || t.suspect(resp) {
		return t.newCall(h, req, key).again(&b, began, resp, err)
	}
	b.finish()
	if h.budget != nil {
		h.budget.Succeeded()
	}
	return resp, nil
}

// host returns what is kept of the host of req.
func (t *Transport) host(req *http.Request) *host {
	if t.scope != nil {
		return t.hosts.get(t.scope(req))
	}
	if req.URL == nil { // the base has the right words for it
		return t.hosts.get("")
	}
	return t.hosts.get(req.URL.Host)
}

// suspect reports whether an answer needs a closer look; all others are good.
func (t *Transport) suspect(resp *http.Response) bool {
	return resp.StatusCode >= 300 || len(t.quotas) > 0 || len(t.routeQuotas) > 0
}

// attempt sends req once: through the host's breaker, bulkhead, limiter or pause, and the timeout of an attempt. When it is
// refused the request's body is closed, as by any RoundTripper.
func (t *Transport) attempt(h *host, req *http.Request) (*http.Response, error) {
	if t.bare && !h.gate.closed() {
		return t.base.RoundTrip(req)
	}
	permit, err := t.admit(h, req)
	if err != nil {
		drop(req)
		return nil, err
	}
	return t.send(h, req, permit)
}

// admit waits until breaker, bulkhead, pause and limiter let an attempt through: a token is taken last, so that it is used
// at once. Who is admitted must send.
func (t *Transport) admit(h *host, req *http.Request) (permit resilience.Permit, err error) {
	ctx := req.Context()
	if h.breaker != nil {
		if permit, err = h.breaker.Acquire(ctx); err != nil {
			return permit, err
		}
	}
	if h.bulkhead != nil {
		if err := h.bulkhead.Acquire(ctx); err != nil {
			permit.Done(resilience.OutcomeNeutral)
			return permit, err
		}
	}
	if h.gate.closed() {
		err = h.gate.wait(ctx, h.name, t.retry.Draw)
	}
	if err == nil && h.routes != nil {
		if g := h.routes.Get(t.route(req)); g.closed() {
			err = g.wait(ctx, h.name, t.retry.Draw)
		}
	}
	if err == nil && h.limiter != nil {
		err = h.limiter.Wait(ctx)
	}
	if err != nil {
		h.dismiss(permit)
	}
	return permit, err
}

// send sends req for an attempt that was admitted.
func (t *Transport) send(h *host, req *http.Request, permit resilience.Permit) (resp *http.Response, err error) {
	if h.breaker == nil {
		return t.wire(h, req)
	}
	outcome := resilience.OutcomeFailure // of a panic
	defer func() { permit.Done(outcome) }()
	resp, err = t.wire(h, req)
	outcome = t.outcome(req, resp, err)
	return resp, err
}

// wire hands req to the base, with what has to end the attempt, and waits for the rest of an answer where that is asked for.
func (t *Transport) wire(h *host, req *http.Request) (resp *http.Response, err error) {
	if h.clock == nil && h.bulkhead == nil {
		resp, err = t.base.RoundTrip(req)
	} else {
		resp, err = newAttempt(req, h.clock, h.bulkhead).roundTrip(t.base)
	}
	if err != nil || t.answers == 0 {
		return resp, err
	}
	return bufferAnswer(resp, t.answers)
}

// outcome says what an attempt tells about the health of its host.
func (t *Transport) outcome(req *http.Request, resp *http.Response, err error) resilience.Outcome {
	switch {
	case t.classify != nil && !(err == nil && resp.StatusCode < 400) && req.Context().Err() != context.Canceled:
		if err == nil {
			err = &StatusError{Status: resp.StatusCode, Header: resp.Header}
		}
		return t.classify(err)
	case err == nil && (resp.StatusCode < 500 || !t.retryable(resp.StatusCode)):
		return resilience.OutcomeSuccess
	case err == nil:
		return resilience.OutcomeFailure
	case req.Context().Err() == context.Canceled, errors.Is(err, ErrPaused):
		return resilience.OutcomeNeutral
	}
	return resilience.ClassifyError(err)
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
