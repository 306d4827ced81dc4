package suites_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A sketch is a retrying client as many a team writes it by hand: correct as sound returns it, and broken in one way for
// each field that is changed. It shares no code with package resilience, so that the suites do not judge the library by itself.
type sketch struct {
	base http.RoundTripper

	attempts       int
	backoff        func(retry int, draw float64) time.Duration
	retries        func(method string, status int) bool
	heedRetryAfter bool
	replayBody     bool

	mu   sync.Mutex
	rand *rand.Rand // guarded by mu
}

// sound returns a sketch without a fault.
func sound(base http.RoundTripper) *sketch {
	return &sketch{
		base:     base,
		attempts: 4,
		backoff: func(retry int, draw float64) time.Duration {
			ceiling := 200 * time.Millisecond << (retry - 1)
			return ceiling/2 + time.Duration(draw*float64(ceiling/2))
		},
		retries: func(method string, status int) bool {
			return method != http.MethodPost && (status == 429 || status >= 500)
		},
		heedRetryAfter: true,
		replayBody:     true,
		rand:           rand.New(rand.NewPCG(1, 2)),
	}
}

// broken returns a maker of sound clients that break has changed.
func broken(breakIt func(*sketch)) func(http.RoundTripper) *http.Client {
	return func(base http.RoundTripper) *http.Client {
		s := sound(base)
		breakIt(s)
		return &http.Client{Transport: s}
	}
}

// RoundTrip implements http.RoundTripper.
func (s *sketch) RoundTrip(req *http.Request) (*http.Response, error) {
	content, err := contentOf(req)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		attempt := req.Clone(req.Context())
		if n == 1 || s.replayBody {
			attempt.Body, attempt.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		} else {
			attempt.Body, attempt.ContentLength = nil, 0
		}
		resp, err := s.base.RoundTrip(attempt)
		if n == s.attempts || !s.again(req, resp, err) {
			return resp, err
		}
		if err := s.pause(req, resp, n); err != nil {
			return nil, err
		}
	}
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (s *sketch) CloseIdleConnections() {
	s.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// again reports whether a further attempt is due.
func (s *sketch) again(req *http.Request, resp *http.Response, err error) bool {
	if err != nil {
		return req.Method != http.MethodPost && req.Context().Err() == nil
	}
	return s.retries(req.Method, resp.StatusCode)
}

// pause lets go of an answer and waits for the next attempt.
func (s *sketch) pause(req *http.Request, resp *http.Response, retry int) error {
	s.mu.Lock()
	draw := s.rand.Float64()
	s.mu.Unlock()
	wait := s.backoff(retry, draw)
	if resp != nil {
		if due, ok := retryAfter(resp); ok && s.heedRetryAfter {
			wait = max(wait, due)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // the connection is used again only if it was read to its end
		_ = resp.Body.Close()
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
