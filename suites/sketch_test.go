package suites_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"brownout/suites/drive"
)

// A sketch is a retrying client as many a team writes it by hand: correct as sound returns it, and broken in one way for
// each field that is changed. It shares no code with package resilience, so that the suites do not judge the library by itself.
type sketch struct {
	base http.RoundTripper

	attempts       int
	backoff        func(status, retry int, draw float64) time.Duration // status 0: no answer
	retries        func(status int) bool
	safe           func(*http.Request) bool       // whether a request may be repeated
	key            func(call, attempt int) string // of a POST that the caller says may be repeated; "": none
	heedRetryAfter bool
	patience       time.Duration // the longest Retry-After that is waited out
	replayStream   bool          // a body without GetBody is kept for the next attempt
	dropBody       bool          // the next attempt has no body
	dropType       bool          // the next attempt lacks the Content-Type
	drain          bool          // answers that are not returned are read and closed
	deaf           bool          // goes on when its context has ended
	budget         float64
	saved          float64 // what each call adds to the budget, a retry costing 1

	mu    sync.Mutex
	rand  *rand.Rand // guarded by mu
	calls int        // guarded by mu
}

// sound returns a sketch without a fault.
func sound(base http.RoundTripper) *sketch {
	return &sketch{
		base:     base,
		attempts: 4,
		backoff: func(_, retry int, draw float64) time.Duration {
			ceiling := 200 * time.Millisecond << (retry - 1)
			return ceiling/2 + time.Duration(draw*float64(ceiling/2))
		},
		retries: func(status int) bool { return status == 429 || status >= 500 },
		safe: func(req *http.Request) bool {
			return req.Method != http.MethodPost || drive.Idempotent(req.Context())
		},
		key:            func(call, _ int) string { return text("call-%d", call) },
		heedRetryAfter: true,
		patience:       time.Minute,
		replayStream:   true,
		drain:          true,
		budget:         200,
		saved:          0.1,
		rand:           rand.New(rand.NewPCG(1, 2)),
	}
}

// broken returns a maker of sound clients that breakIt has changed. Each draws from a generator of its own.
func broken(breakIt func(*sketch)) func(http.RoundTripper) *http.Client {
	clients := uint64(0)
	return func(base http.RoundTripper) *http.Client {
		s := sound(base)
		clients++
		s.rand = rand.New(rand.NewPCG(clients, 2))
		breakIt(s)
		return &http.Client{Transport: s}
	}
}

// RoundTrip implements http.RoundTripper.
func (s *sketch) RoundTrip(req *http.Request) (*http.Response, error) {
	call := s.begin()
	if s.deaf {
		req = req.WithContext(context.WithoutCancel(req.Context()))
	}
	content, err := contentOf(req)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		attempt := req.Clone(req.Context())
		s.dress(attempt, call, n, content)
		resp, err := s.base.RoundTrip(attempt)
		if n == s.attempts || !s.again(req, resp, err) {
			return resp, err
		}
		if err := s.pause(req, resp, n); err != nil {
			return nil, err
		}
	}
}

// begin counts a call, and saves a little for retries.
func (s *sketch) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.budget += s.saved
	return s.calls
}

// dress gives an attempt its key and content.
func (s *sketch) dress(attempt *http.Request, call, n int, content []byte) {
	if attempt.Method == http.MethodPost && drive.Idempotent(attempt.Context()) {
		if key := s.key(call, n); key != "" {
			attempt.Header.Set("Idempotency-Key", key)
		}
	}
	if n > 1 && s.dropType {
		attempt.Header.Del("Content-Type")
	}
	if n > 1 && (s.dropBody || attempt.GetBody == nil && !s.replayStream) {
		content = nil
	}
	attempt.Body, attempt.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (s *sketch) CloseIdleConnections() {
	s.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// again reports whether a further attempt is due, and pays for it.
func (s *sketch) again(req *http.Request, resp *http.Response, err error) bool {
	if !s.safe(req) || req.Context().Err() != nil || err == nil && !s.retries(resp.StatusCode) {
		return false
	}
	if resp != nil && s.heedRetryAfter {
		if due, ok := retryAfter(resp); ok && due > s.patience {
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.budget < 1 {
		return false
	}
	s.budget--
	return true
}

// pause lets go of an answer and waits for the next attempt.
func (s *sketch) pause(req *http.Request, resp *http.Response, retry int) error {
	s.mu.Lock()
	draw := s.rand.Float64()
	s.mu.Unlock()
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	wait := s.backoff(status, retry, draw)
	if resp != nil && s.drain {
		_, _ = io.Copy(io.Discard, resp.Body) // the connection is used again only if it was read to its end
		_ = resp.Body.Close()
	}
	if resp != nil && s.heedRetryAfter {
		if due, ok := retryAfter(resp); ok {
			wait = max(wait, due)
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// retryAfter reads Retry-After, a date relative to the server's own.
func retryAfter(resp *http.Response) (time.Duration, bool) {
	field := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(field); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	until, err := http.ParseTime(field)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return max(0, until.Sub(now)), true
}

// contentOf reads the content of a request.
func contentOf(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}
