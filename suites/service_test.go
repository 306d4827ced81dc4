package suites_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A service is what a client calls where nothing of the wire matters: a RoundTripper that answers as a spec says, and keeps a
// record of what came.
type service struct {
	answer func(n int, req *http.Request) (*http.Response, error) // n is 1 for the first attempt; called by several goroutines
	takes  time.Duration                                          // how long each answer takes; cut short with the attempt's context
	began  time.Time

	mu       sync.Mutex
	arrivals []arrival // guarded by mu
	busy     int       // attempts under way; guarded by mu
	peak     int       // most of them at once; guarded by mu
}

// An arrival is one attempt as the service saw it.
type arrival struct {
	at   time.Duration // since the service was made
	host string
	path string
	key  string // Idempotency-Key
}

// newService makes a service; the bubble's clock is its own.
func newService(answer func(n int, req *http.Request) (*http.Response, error)) *service {
	return &service{answer: answer, began: time.Now()}
}

// RoundTrip implements http.RoundTripper.
func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.arrivals = append(s.arrivals, arrival{time.Since(s.began), req.URL.Host, req.URL.Path, req.Header.Get("Idempotency-Key")})
	n := len(s.arrivals)
	s.busy++
	s.peak = max(s.peak, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if s.takes > 0 && !sleep(req.Context(), s.takes) {
		return nil, req.Context().Err()
	}
	return s.answer(n, req)
}

// record returns what came so far.
func (s *service) record() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.arrivals...)
}

// within counts what came from one instant up to another, that one not included.
func (s *service) within(from, to time.Duration) int {
	n := 0
	for _, a := range s.record() {
		if a.at >= from && a.at < to {
			n++
		}
	}
	return n
}

// always answers every attempt with one status.
func always(status int) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, req *http.Request) (*http.Response, error) { return reply(req, status), nil }
}

// reply makes an answer with a small body and these header fields, names and values in turn.
func reply(req *http.Request, status int, fields ...string) *http.Response {
	const body = `{"ok":true}`
	h := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// today lets a bubble's time, which begins with the year 2000, come to a day of the years in which the headers are read.
func today() { time.Sleep(time.Until(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))) }

// sleep waits, and reports whether ctx did not end before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// An op is one call as its caller saw it.
type op struct {
	at     time.Duration // when it began, since the first
	took   time.Duration // with reading the answer's body
	status int           // 0 where there was no answer
	body   string
	err    error // of the call, or of reading the answer's body
	resp   *http.Response
}

// get makes one GET.
func get(ctx context.Context, client *http.Client, url string) op {
	return do(ctx, client, http.MethodGet, url, "")
}

// do makes one call.
func do(ctx context.Context, client *http.Client, method, url, content string) op {
	var body io.Reader
	if content != "" {
		body = strings.NewReader(content)
	}
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return op{err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return op{took: time.Since(began), err: err}
	}
	read, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	return op{took: time.Since(began), status: resp.StatusCode, body: string(read), err: err, resp: resp}
}

// load makes n calls, one every interval, whatever comes back; an interval of 0 begins all at once. It returns when all have
// ended.
func load(n int, every time.Duration, call func(i int) op) []op {
	ops := make([]op, n)
	began := time.Now()
	var running sync.WaitGroup
	for i := range ops {
		time.Sleep(time.Until(began.Add(time.Duration(i) * every)))
		running.Go(func() {
			at := time.Since(began)
			ops[i] = call(i)
			ops[i].at = at
		})
	}
	running.Wait()
	return ops
}

// count counts the calls for which is holds.
func count(ops []op, is func(op) bool) int {
	n := 0
	for _, o := range ops {
		if is(o) {
			n++
		}
	}
	return n
}

// good reports whether a call got a whole 2xx.
func (o op) good() bool { return o.err == nil && o.status/100 == 2 }
