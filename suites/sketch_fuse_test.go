package suites_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// errFused is what a fuse refuses a call with.
var errFused = errors.New("the circuit is open")

// A fuse is a circuit breaker as a careful team writes it by hand, without code of package resilience: sound as newFuse returns
// it, and broken in one way for each field that is changed.
type fuse struct {
	base    http.RoundTripper
	after   int // failures in a row
	openFor time.Duration
	probes  int

	failure func(resp *http.Response, err error) bool
	refuse  time.Duration // how long it takes to refuse a call
	dials   bool          // makes a connection before it looks
	reopens time.Duration // for how long a failed probe opens it again
	sticks  bool          // a probe's success changes nothing

	mu      sync.Mutex
	failed  int       // in a row; guarded by mu
	until   time.Time // open till then; zero while closed; guarded by mu
	probing int       // guarded by mu
}

func newFuse(base http.RoundTripper) *fuse {
	return &fuse{base: base, after: 5, openFor: openFor, probes: 1, reopens: openFor,
		failure: func(resp *http.Response, err error) bool {
			return err != nil && !errors.Is(err, context.Canceled) || err == nil && resp.StatusCode >= 500
		}}
}

// fused returns a maker of clients with a fuse that breakIt has changed, and without retries.
func fused(breakIt func(*fuse)) func(http.RoundTripper) *http.Client {
	return func(base http.RoundTripper) *http.Client {
		f := newFuse(base)
		breakIt(f)
		return &http.Client{Transport: f}
	}
}

// RoundTrip implements http.RoundTripper.
func (f *fuse) RoundTrip(req *http.Request) (*http.Response, error) {
	probe, ok := f.enter()
	if !ok {
		if f.dials {
			f.dial(req)
		}
		time.Sleep(f.refuse)
		return nil, errFused
	}
	resp, err := f.base.RoundTrip(req)
	f.leave(probe, f.failure(resp, err))
	return resp, err
}

// dial makes a connection that nothing is sent on.
func (f *fuse) dial(req *http.Request) {
	conn, err := f.base.(*http.Transport).DialContext(req.Context(), "tcp", req.URL.Host)
	if err == nil {
		_ = conn.Close()
	}
}

// enter reports whether a call may pass, and whether it is a probe.
func (f *fuse) enter() (probe, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.until.IsZero():
		return false, true
	case time.Now().Before(f.until) || f.probing >= f.probes:
		return false, false
	}
	f.probing++
	return true, true
}

// leave takes note of how a call ended.
func (f *fuse) leave(probe, failed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if probe {
		f.probing--
		switch {
		case failed:
			f.until = time.Now().Add(f.reopens)
		case f.sticks:
			f.until = time.Now().Add(f.openFor)
		default:
			f.until, f.failed = time.Time{}, 0
		}
		return
	}
	if !failed {
		f.failed = 0
		return
	}
	if f.failed++; f.failed >= f.after && f.until.IsZero() {
		f.until = time.Now().Add(f.openFor)
	}
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (f *fuse) CloseIdleConnections() {
	f.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}
