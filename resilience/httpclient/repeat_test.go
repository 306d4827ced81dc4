package httpclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

func reason(t *testing.T, resp *http.Response) *resilience.RetryError {
	t.Helper()
	why := httpclient.Reason(resp)
	if why == nil {
		t.Fatalf("the %d tells no reason", resp.StatusCode)
	}
	return why
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func TestStatuses(t *testing.T) {
	retried := map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true, 529: true, 599: true}
	for _, status := range []int{200, 204, 299, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 413, 415, 422, 425, 429, 451, 471,
		500, 501, 502, 503, 504, 505, 506, 508, 510, 511, 529, 599} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{{status: status}, {status: 200}}}
			if _, err := newTransport(t, u).RoundTrip(newRequest(t, "GET", nil)); err != nil {
				t.Fatal(err)
			}
			if got := len(u.seen) == 2; got != retried[status] {
				t.Errorf("%d: retried %t, want %t", status, got, retried[status])
			}
		})
	}
}

func TestOnlyWhatMayBeRepeatedIsRepeated(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	reset := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	keyed := http.Header{"Idempotency-Key": {`"k"`}}
	for _, c := range []struct {
		method   string
		header   http.Header
		first    step
		attempts int
		why      string
	}{
		{"GET", nil, step{status: 503}, 2, "idempotent"},
		{"PUT", nil, step{err: reset}, 2, "idempotent"},
		{"DELETE", nil, step{status: 502}, 2, "idempotent"},
		{"QUERY", nil, step{status: 503}, 2, "idempotent"},
		{"POST", nil, step{status: 503}, 1, "no key"},
		{"PATCH", nil, step{err: reset}, 1, "no key, outcome unknown"},
		{"POST", nil, step{err: dial}, 2, "never sent"},
		{"POST", keyed, step{status: 503}, 2, "keyed"},
		{"POST", keyed, step{err: reset}, 2, "keyed"},
		{"POST", keyed, step{status: 409}, 2, "the first attempt is still at work"},
		{"POST", keyed, step{status: 422}, 1, "key used for another payload"},
		{"POST", keyed, step{status: 400}, 1, "definitive"},
		{"GET", nil, step{status: 409}, 1, "a conflict of its own"},
		{"PUT", keyed, step{status: 409}, 2, "keyed by the caller"},
		{"PUT", nil, step{status: 413, header: http.Header{"Retry-After": {"1"}}}, 2, "a condition that passes"},
		{"GET", nil, step{err: context.Canceled}, 1, "somebody wants it to end"},
		{"GET", nil, step{err: http.ErrSchemeMismatch}, 1, "would come again"},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{c.first, {status: 200}}}
			req := newRequest(t, c.method, strings.NewReader("payload"))
			for k, v := range c.header {
				req.Header[k] = v
			}
			resp, err := newTransport(t, u).RoundTrip(req)
			if len(u.seen) != c.attempts {
				t.Errorf("%s %+v: %d attempts, want %d: %s", c.method, c.first, len(u.seen), c.attempts, c.why)
			}
			if c.attempts == 2 && (err != nil || resp.StatusCode != 200) {
				t.Errorf("%s %+v: got %v, %v; want 200", c.method, c.first, resp, err)
			}
			for i, s := range u.seen {
				if s.body != "payload" || s.resend != i {
					t.Errorf("%s attempt %d: body %q, resend count %d", c.method, i+1, s.body, s.resend)
				}
			}
		})
	}
}

func TestUnrepeatableSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503, body: "no"}}}
		resp, err := newTransport(t, u).RoundTrip(newRequest(t, "POST", strings.NewReader("x")))
		if err != nil {
			t.Fatal(err)
		}
		want := "gave up after 1 attempt: cannot be repeated (POST without an idempotency key): server answered 503 Service Unavailable"
		if got := reason(t, resp).Error(); got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
	})
}

func TestAttemptsExhaustedReturnsLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503, body: "one"}, {status: 502, body: "two"}, {status: 504, body: "three"}}}
		resp, err := newTransport(t, u).RoundTrip(newRequest(t, "GET", nil))
		if err != nil || resp.StatusCode != 504 || read(t, resp) != "three" {
			t.Fatalf("got %v, %v; want the last answer, unread", resp, err)
		}
		if why := reason(t, resp); why.Reason != resilience.ReasonAttempts || why.Attempts != 3 || len(why.Causes) != 3 {
			t.Errorf("reason %+v, want 3 attempts and causes", why)
		}
		if u.closed != 3 || u.drained != 3 {
			t.Errorf("%d bodies closed, %d drained; want 3", u.closed, u.drained)
		}
	})
}

func TestTransportErrorsAreWrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := errors.New("connection reset by peer")
		u := &upstream{steps: []step{{err: reset}}}
		_, err := newTransport(t, u).RoundTrip(newRequest(t, "GET", nil))
		if !errors.Is(err, reset) || !errors.Is(err, resilience.ReasonAttempts) || len(u.seen) != 3 {
			t.Errorf("got %v after %d attempts, want 3 and the reset", err, len(u.seen))
		}
	})
}

// A seeker without GetBody is kept in memory while it is sent; the source is closed once.
func TestBodyWithoutGetBody(t *testing.T) {
	for _, c := range []struct {
		name     string
		length   int64 // ContentLength of the request
		size     int
		limit    int64
		attempts int
	}{
		{"unknown length", 0, 1000, 1000, 3},
		{"unknown length, -1", -1, 1000, 1000, 3},
		{"known length", 1000, 1000, 1000, 3},
		{"longer than kept", -1, 1001, 1000, 1},
		{"known to be longer", 1001, 1001, 1000, 1},
		{"nothing kept", -1, 10, -1, 1},
		{"default", -1, 1 << 20, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				payload := bytes.Repeat([]byte("p"), c.size)
				src := &source{Reader: bytes.NewReader(payload)}
				u := &upstream{steps: []step{{status: 503}, {status: 503}, {status: 200}}}
				req := newRequest(t, "PUT", src)
				req.ContentLength = c.length
				resp, err := newTransport(t, u, httpclient.WithBodyBuffer(c.limit)).RoundTrip(req)
				if err != nil || len(u.seen) != c.attempts {
					t.Fatalf("%d attempts, %v; want %d", len(u.seen), err, c.attempts)
				}
				for i, s := range u.seen {
					if s.body != string(payload) {
						t.Errorf("attempt %d: %d bytes, want the payload's %d", i+1, len(s.body), c.size)
					}
				}
				if src.closed != 1 {
					t.Errorf("the caller's body was closed %d times, want 1", src.closed)
				}
				if req.Body != src {
					t.Error("the caller's request was modified")
				}
				if c.attempts == 1 && !strings.Contains(reason(t, resp).Detail, "stream without GetBody") {
					t.Errorf("detail %q does not say that the body is a stream", reason(t, resp).Detail)
				}
			})
		})
	}
}

// An answer before the whole body was read: the next attempt gets the part kept and the rest of the source.
func TestBodyReadInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{Reader: bytes.NewReader([]byte("0123456789"))}
		var bodies []string
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			defer func() { _ = req.Body.Close() }()
			if len(bodies) == 0 {
				part := make([]byte, 4)
				_, err := io.ReadFull(req.Body, part)
				bodies = append(bodies, string(part))
				return &http.Response{StatusCode: 503, Body: http.NoBody, Header: http.Header{}}, err
			}
			all, err := io.ReadAll(req.Body)
			bodies = append(bodies, string(all))
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, err
		})
		resp, err := newTransport(t, base).RoundTrip(newRequest(t, "PUT", src))
		if err != nil || resp.StatusCode != 200 || strings.Join(bodies, " ") != "0123 0123456789" || src.closed != 1 {
			t.Errorf("got %v, %v, bodies %v, closed %d times", resp, err, bodies, src.closed)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// source is a body that counts how often it is closed, and hides that it could seek.
type source struct {
	io.Reader
	closed int
}

func (s *source) Close() error {
	s.closed++
	return nil
}

func TestGetBodyIsUsedAndTheOriginalSentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}, {status: 200}}}
		req := newRequest(t, "PUT", strings.NewReader("payload"))
		opened := 0
		get := req.GetBody
		req.GetBody = func() (io.ReadCloser, error) { opened++; return get() }
		if _, err := newTransport(t, u).RoundTrip(req); err != nil || opened != 1 || len(u.seen) != 2 {
			t.Errorf("GetBody called %d times for %d attempts, %v; want 1 for 2", opened, len(u.seen), err)
		}
	})
}

var quotedUUID = regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`)

func TestKeysStableOverAttemptsDistinctOverCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}, {err: errors.New("reset")}, {status: 201}}}
		tr := newTransport(t, u, httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))
		req := newRequest(t, "POST", strings.NewReader("{}"))
		if _, err := tr.RoundTrip(req); err != nil || len(u.seen) != 3 {
			t.Fatalf("%v after %d attempts, want 3", err, len(u.seen))
		}
		if _, err := tr.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
		key := u.seen[0].header.Get("Idempotency-Key")
		if !quotedUUID.MatchString(key) {
			t.Errorf("key %s, want a quoted UUID of version 4", key)
		}
		for i, s := range u.seen[:3] {
			if got := s.header.Get("Idempotency-Key"); got != key {
				t.Errorf("attempt %d: key %s, want %s", i+1, got, key)
			}
		}
		if u.seen[3].header.Get("Idempotency-Key") == key {
			t.Error("two calls share a key")
		}
		if len(req.Header) != 0 {
			t.Errorf("the caller's request was given %v", req.Header)
		}
	})
}

func TestKeySources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		custom := httpclient.WithIdempotencyKeys(httpclient.KeySettings{Header: "x-request-key", Bare: true, New: func() string { return "made" }})
		for _, c := range []struct {
			method, header, context string
			option                  httpclient.Option
			name, want              string
		}{
			{"POST", "mine", "theirs", custom, "X-Request-Key", "mine"},
			{"POST", "", "theirs", custom, "X-Request-Key", "theirs"},
			{"POST", "", "", custom, "X-Request-Key", "made"},
			{"PATCH", "", "", custom, "X-Request-Key", "made"},
			{"PUT", "", "", custom, "X-Request-Key", ""},
			{"POST", "", "theirs", noJitter(), "Idempotency-Key", "theirs"},
			{"POST", "", "", noJitter(), "Idempotency-Key", ""},
		} {
			u := &upstream{steps: []step{{status: 200}}}
			req := newRequest(t, c.method, strings.NewReader("{}"))
			if c.header != "" {
				req.Header.Set(c.name, c.header)
			}
			if c.context != "" {
				req = req.WithContext(httpclient.ContextWithKey(req.Context(), c.context))
			}
			if _, err := newTransport(t, u, c.option).RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			if got := u.seen[0].header.Get(c.name); got != c.want {
				t.Errorf("%s header %q context %q: key %q, want %q", c.method, c.header, c.context, got, c.want)
			}
		}
	})
}

func TestCancelledBeforeFirstAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := &source{Reader: strings.NewReader("x")}
	u := &upstream{steps: []step{{status: 200}}}
	_, err := newTransport(t, u).RoundTrip(newRequest(t, "PUT", src).WithContext(ctx))
	if !errors.Is(err, context.Canceled) || len(u.seen) != 0 || src.closed != 1 {
		t.Errorf("got %v after %d attempts, body closed %d times; want canceled, none, once", err, len(u.seen), src.closed)
	}
}

func TestCancelEndsTheWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		u := &upstream{steps: []step{{status: 503, header: http.Header{"Retry-After": {"30"}}}}}
		start := time.Now()
		time.AfterFunc(5*time.Second, cancel)
		_, err := newTransport(t, u, noJitter()).RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if !errors.Is(err, context.Canceled) || time.Since(start) != 5*time.Second || len(u.seen) != 1 {
			t.Errorf("got %v after %v and %d attempts; want canceled after 5s and 1", err, time.Since(start), len(u.seen))
		}
		var status *httpclient.StatusError
		if !errors.As(err, &status) || status.Status != 503 {
			t.Errorf("%v does not tell the last answer", err)
		}
	})
}

// A redirect that keeps the method keeps the key: it is the same operation.
func TestRedirectKeepsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{
			{status: 307, header: http.Header{"Location": {"/elsewhere"}}}, {status: 503}, {status: 201},
			{status: 303, header: http.Header{"Location": {"/see"}}}, {status: 200},
		}}
		client := newTransport(t, u, httpclient.WithIdempotencyKeys(httpclient.KeySettings{})).Client()
		for range 2 {
			resp, err := client.Post("http://a.test/charge", "text/plain", strings.NewReader("10"))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		var keys []string
		for _, s := range u.seen {
			keys = append(keys, s.header.Get("Idempotency-Key"))
		}
		if len(keys) != 5 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] || keys[3] == keys[0] || keys[4] != "" {
			t.Errorf("keys %q: want one for the first three, another, and none for the GET", keys)
		}
	})
}

// 417 says that the expectation was refused, and nothing else: without it the request is sent again, a POST too.
func TestExpectationFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 417}, {status: 200}, {status: 417}, {status: 417}}}
		tr := newTransport(t, u)
		req := newRequest(t, "POST", strings.NewReader("payload"))
		req.Header.Set("Expect", "100-continue")
		resp, err := tr.RoundTrip(req)
		if err != nil || resp.StatusCode != 200 || len(u.seen) != 2 || u.seen[1].header.Get("Expect") != "" || u.seen[1].body != "payload" {
			t.Errorf("got %v, %v after %+v", resp, err, u.seen)
		}
		if req.Header.Get("Expect") == "" {
			t.Error("the caller's request was modified")
		}
		if _, err := tr.RoundTrip(req); err != nil || len(u.seen) != 4 {
			t.Errorf("a second 417: %v after %d attempts, want 2 more and no third", err, len(u.seen)-2)
		}
		u = &upstream{steps: []step{{status: 417}, {status: 503}, {status: 200}}}
		if resp, err := newTransport(t, u).RoundTrip(req); err != nil || resp.StatusCode != 503 || len(u.seen) != 2 {
			t.Errorf("a POST that failed without its expectation: %v, %v after %d attempts; want the 503 after 2", resp, err, len(u.seen))
		}
	})
}
