package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

func get(t *testing.T, tr http.RoundTripper, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr.RoundTrip(req)
}

// Retry-After holds back every call to the host, and no call to another.
func TestRetryAfterPausesTheHost(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []httpclient.Option
		other   time.Duration // when the other call reaches the host
	}{
		{"by default", nil, 3 * time.Second},
		{"switched off", []httpclient.Option{httpclient.WithoutHostPause()}, time.Second},
		{"with a limiter", []httpclient.Option{httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1000, Burst: 10})}, 3 * time.Second},
		{"one scope a route", []httpclient.Option{httpclient.WithScope(func(r *http.Request) string { return r.URL.Path }, 0)}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var mu sync.Mutex
				at := map[string][]time.Duration{}
				base := roundTripper(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					key := req.URL.Host + req.URL.Path
					at[key] = append(at[key], time.Since(start))
					if len(at) == 1 && len(at[key]) == 1 {
						return answer(429, "Retry-After", "3"), nil
					}
					return answer(200), nil
				})
				tr := newTransport(t, base, append(c.options, noJitter())...)
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = get(t, tr, "http://a.test/told") })
				time.Sleep(time.Second)
				wg.Go(func() { _, _ = get(t, tr, "http://a.test/other") })
				wg.Go(func() { _, _ = get(t, tr, "http://b.test/other") })
				wg.Wait()
				if told := at["a.test/told"]; len(told) != 2 || told[1] < 3*time.Second || told[1] > 3100*time.Millisecond {
					t.Errorf("told at %v, want 0 and 3s", told)
				}
				// Those held back leave up to a tenth of their wait apart.
				if other := at["a.test/other"]; len(other) != 1 || other[0] < c.other || other[0] > c.other+200*time.Millisecond {
					t.Errorf("the host was called again at %v, want %v", other, c.other)
				}
				if other := at["b.test/other"]; len(other) != 1 || other[0] != time.Second {
					t.Errorf("another host was called at %v, want 1s", other)
				}
			})
		})
	}
}

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: http.NoBody}
}

// A pause beyond a call's deadline refuses it at once; a pause of years lasts a minute.
func TestPauseAndDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503, header: http.Header{"Retry-After": {"9999999999"}}}, {status: 200}}}
		tr := newTransport(t, u)
		if resp, err := get(t, tr, "http://a.test/"); err != nil || resp.StatusCode != 503 {
			t.Fatalf("got %v, %v; want the 503", resp, err)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Errorf("another host: %v", err)
		}
		req, _ := http.NewRequestWithContext(ctx, "PUT", "http://a.test/", &source{Reader: strings.NewReader("x")})
		_, err = tr.RoundTrip(req)
		var paused *httpclient.PausedError
		if !errors.As(err, &paused) || !errors.Is(err, httpclient.ErrPaused) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 0 {
			t.Fatalf("got %v after %v, want a refusal at once", err, time.Since(start))
		}
		if want := "host a.test asked not to be called for another 1m0s, which is past the deadline"; paused.Error() != want {
			t.Errorf("Error() = %q, want %q", paused, want)
		}
		if closed := req.Body.(*source).closed; closed != 1 {
			t.Errorf("the body of the refused request was closed %d times, want 1", closed)
		}
		if resp, err := get(t, tr, "http://a.test/"); err != nil || resp.StatusCode != 200 || time.Since(start) < time.Minute || time.Since(start) > 66*time.Second {
			t.Errorf("got %v, %v after %v; want 200 after 60s to 66s", resp, err, time.Since(start))
		}
	})
}

func TestBreakerPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]int{}
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			calls[req.URL.Host]++
			if req.URL.Host == "bad.test" {
				return answer(503), nil
			}
			return answer(404), nil
		})
		var log []string
		tr := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}),
			httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 3, OpenFor: time.Minute}),
			httpclient.WithObserver(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
				if e.Kind == resilience.EventStateChange {
					log = append(log, fmt.Sprintf("%s %s->%s", e.Key, e.From, e.To))
				}
			})))
		for i := range 10 {
			_, err := get(t, tr, "http://bad.test/")
			if open := errors.Is(err, resilience.ErrOpen); open != (i >= 3) {
				t.Errorf("call %d: %v", i+1, err)
			}
			if _, err := get(t, tr, "http://good.test/"); err != nil {
				t.Errorf("a healthy host that answers 404: %v", err)
			}
		}
		if calls["bad.test"] != 3 || calls["good.test"] != 10 {
			t.Errorf("calls %v, want 3 and 10", calls)
		}
		if got := strings.Join(log, " "); got != "bad.test closed->open" {
			t.Errorf("events %q", got)
		}
	})
}

// An open breaker ends a call's retries: whoever is told to go away should not come back at once.
func TestOpenBreakerIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}}}
		tr := newTransport(t, u, httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 2}),
			httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 5}))
		_, err := get(t, tr, "http://a.test/")
		if !errors.Is(err, resilience.ErrOpen) || !errors.Is(err, resilience.ReasonPermanent) || len(u.seen) != 2 {
			t.Errorf("got %v after %d attempts, want the open breaker after 2", err, len(u.seen))
		}
	})
}

// A 429 says that the server works, and a cancelled call says nothing.
func TestBreakerOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 429
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if status == 0 {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return answer(status), nil
		})
		tr := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}),
			httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 1}))
		for _, status = range []int{429, 400, 501, 408} {
			if _, err := get(t, tr, "http://a.test/"); err != nil {
				t.Errorf("%d: %v", status, err)
			}
		}
		status = 0
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
			if !errors.Is(err, context.Canceled) || errors.Is(err, resilience.ErrOpen) {
				t.Errorf("a cancelled call: %v", err)
			}
		}
		status = 200
		if _, err := get(t, tr, "http://a.test/"); err != nil {
			t.Errorf("the breaker opened: %v", err)
		}
	})
}

// A panic of the base passes through, and leaves the breaker's probe free.
func TestPanicReleasesThePermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		base := roundTripper(func(*http.Request) (*http.Response, error) {
			if broken {
				panic("boom")
			}
			return answer(200), nil
		})
		tr := newTransport(t, base, httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 1, OpenFor: time.Second, ProbeLease: time.Hour}),
			httpclient.WithAttemptTimeout(time.Minute))
		for range 3 {
			func() {
				defer func() {
					if got := recover(); got != "boom" {
						t.Errorf("recovered %v, want boom", got)
					}
				}()
				_, _ = get(t, tr, "http://a.test/")
			}()
			time.Sleep(2 * time.Second)
		}
		broken = false
		if _, err := get(t, tr, "http://a.test/"); err != nil {
			t.Errorf("after the panics: %v", err)
		}
	})
}

// Retries take tokens of the limiter like first attempts.
func TestLimiterCountsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{{status: 503}}}
		tr := newTransport(t, u, httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}),
			httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1, Burst: 1}))
		for range 2 {
			_, _ = get(t, tr, "http://a.test/")
		}
		for i, s := range u.seen {
			if want := time.Duration(i) * time.Second; s.at.Sub(start) != want {
				t.Errorf("attempt %d at %v, want %v", i+1, s.at.Sub(start), want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		before := time.Now()
		_, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil && time.Since(before) != 0 {
			t.Errorf("refused after %v, want at once", time.Since(before))
		}
	})
}

func TestBudgetPerHost(t *testing.T) {
	u := &upstream{steps: []step{{status: 503}}}
	tr := newTransport(t, u, httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}),
		httpclient.WithBudget(resilience.BudgetSettings{Tokens: 4, PerCall: 0.001}))
	for range 4 {
		_, _ = get(t, tr, "http://a.test/")
	}
	if len(u.seen) != 8 {
		t.Errorf("%d attempts to one host, want 4 calls and 4 retries", len(u.seen))
	}
	resp, err := get(t, tr, "http://a.test/")
	if err != nil || reason(t, resp).Reason != resilience.ReasonBudget {
		t.Errorf("got %v, %v; want the 503 and the budget for a reason", resp, err)
	}
	u.seen = nil
	_, _ = get(t, tr, "http://b.test/")
	if len(u.seen) != 3 {
		t.Errorf("%d attempts to another host, want 3", len(u.seen))
	}
}

func TestHostsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := true
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if bad && req.URL.Host == "bad.test" {
				return answer(503), nil
			}
			return answer(200), nil
		})
		tr := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}), httpclient.WithScope(nil, 3),
			httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 1, OpenFor: time.Hour}))
		_, _ = get(t, tr, "http://bad.test/")
		for i := range 100 {
			if _, err := get(t, tr, fmt.Sprintf("http://host%d.test/", i)); err != nil {
				t.Fatal(err)
			}
		}
		bad = false
		if _, err := get(t, tr, "http://bad.test/"); !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("got %v: a host whose breaker is open was forgotten while others could go", err)
		}
	})
}

func TestQuotaHeadersPauseTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{
			{status: 200, header: http.Header{"Ratelimit": {`"default";r=1;t=5`}}},
			{status: 200, header: http.Header{"Ratelimit": {`"default";r=0;t=5`}}},
			{status: 200, header: http.Header{"Ratelimit": {"nonsense"}}},
			{status: 200},
		}}
		tr := newTransport(t, u, httpclient.WithQuota(httpclient.IETFQuota))
		for range 4 {
			if _, err := get(t, tr, "http://a.test/"); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []time.Duration{0, 0, 5 * time.Second, 5 * time.Second} {
			if got := u.seen[i].at.Sub(start); got < want || got > want*11/10 {
				t.Errorf("call %d at %v, want %v to a tenth more", i+1, got, want)
			}
		}
	})
}

func TestQuotaOnRefusal(t *testing.T) {
	github := http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"946684830"}} // 30 s into a bubble's time
	for _, c := range []struct {
		status   int
		header   http.Header
		attempts int
		gap      time.Duration
		why      string
	}{
		{403, github, 2, 30 * time.Second, "GitHub's throttle"},
		{403, http.Header{}, 1, 0, "a plain 403"},
		{429, github, 2, 30 * time.Second, "the reset is the wait"},
		{429, merge(github, "Retry-After", "2"), 2, 2 * time.Second, "Retry-After takes precedence"},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{{status: c.status, header: c.header}, {status: 200}}}
			_, err := get(t, newTransport(t, u, noJitter(), httpclient.WithQuota(httpclient.GitHubQuota)), "http://a.test/")
			if err != nil || len(u.seen) != c.attempts {
				t.Fatalf("%s: %d attempts, %v; want %d", c.why, len(u.seen), err, c.attempts)
			}
			if c.attempts == 2 {
				if gap := u.seen[1].at.Sub(u.seen[0].at); gap != c.gap {
					t.Errorf("%s: waited %v, want %v", c.why, gap, c.gap)
				}
			}
		})
	}
}

func merge(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

func TestRedirectAfterRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{
			{status: 302, header: http.Header{"Location": {"/elsewhere"}, "Retry-After": {"2"}}},
			{status: 200},
			{status: 302, header: http.Header{"Location": {"/elsewhere"}, "Retry-After": {"3600"}}},
			{status: 200},
		}}
		client := newTransport(t, u).Client()
		for i, want := range []time.Duration{2 * time.Second, 2 * time.Second} {
			resp, err := client.Get("http://a.test/")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if time.Since(start) != want {
				t.Errorf("call %d ended after %v, want %v", i+1, time.Since(start), want)
			}
		}
	})
}

func TestAttemptHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}}}
		_, _ = get(t, newTransport(t, u, httpclient.WithAttemptHeader("x-attempt")), "http://a.test/")
		var got []string
		for _, s := range u.seen {
			got = append(got, s.header.Get("X-Attempt"))
		}
		if want := "|attempt=2; max=3|attempt=3; max=3"; strings.Join(got, "|") != want {
			t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
		}
	})
}

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		option httpclient.Option
		want   string
	}{
		{httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: -1}), "httpclient: RetrySettings.MaxAttempts: got -1, want 0 (the default), or 1 or more"},
		{httpclient.WithAttemptTimeout(-1), "httpclient: WithAttemptTimeout: got -1ns, want 0 (no bound) or more"},
		{httpclient.WithScope(nil, -1), "httpclient: WithScope: max: got -1, want 0 (the default) or more"},
		{httpclient.WithBudget(resilience.BudgetSettings{Tokens: -1}), "httpclient: BudgetSettings.Tokens: got -1, want 0 (the default), or 0.001 to 1000000"},
	} {
		if _, err := httpclient.New(nil, c.option); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := httpclient.New(nil, httpclient.WithBreaker(resilience.BreakerSettings{OpenFor: -1})); err == nil {
		t.Error("a breaker that cannot be made was accepted")
	}
}

func TestAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{{delay: time.Hour}, {status: 200, body: "fine"}}}
		resp, err := get(t, newTransport(t, u, noJitter(), httpclient.WithAttemptTimeout(time.Second)), "http://a.test/")
		if err != nil || len(u.seen) != 2 || time.Since(start) != 1100*time.Millisecond || read(t, resp) != "fine" {
			t.Errorf("got %v, %v after %d attempts and %v; want 200 after 2 and 1.1s", resp, err, len(u.seen), time.Since(start))
		}
		u = &upstream{steps: []step{{delay: time.Hour}}}
		_, err = get(t, newTransport(t, u, noJitter(), httpclient.WithRetry(resilience.RetrySettings{AttemptTimeout: time.Second})), "http://a.test/")
		if !errors.Is(err, resilience.ErrTimeout) || !errors.Is(err, resilience.ReasonAttempts) || len(u.seen) != 3 {
			t.Errorf("got %v after %d attempts, want three timeouts", err, len(u.seen))
		}
	})
}

// stalling is a body that ends only with its request's context.
type stalling struct {
	ctx    context.Context
	closed bool
}

func (s *stalling) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (s *stalling) Close() error { s.closed = true; return nil }

// The answer's body is under the attempt's timeout until it is closed, and no longer.
func TestAttemptTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body *stalling
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			body = &stalling{ctx: req.Context()}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
		})
		tr := newTransport(t, base, httpclient.WithAttemptTimeout(time.Second))
		start := time.Now()
		resp, err := get(t, tr, "http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		var timeout *resilience.TimeoutError
		if !errors.As(err, &timeout) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want a timeout after 1s", err, time.Since(start))
		}
		if err := resp.Body.Close(); err != nil || !body.closed {
			t.Errorf("Close: %v, closed %t", err, body.closed)
		}

		resp, err = get(t, tr, "http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if body.ctx.Err() != context.Canceled {
			t.Errorf("the context of a closed answer: %v, want canceled", body.ctx.Err())
		}

		ctx, cancel := context.WithCancel(t.Context())
		resp, err = tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err = io.ReadAll(resp.Body); err != context.Canceled {
			t.Errorf("the caller's own cancellation: %v, want canceled itself", err)
		}
		_ = resp.Body.Close()
	})
}

// The attempt's context keeps the promises of package context, also towards contexts made from it.
func TestAttemptContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var derived context.Context
		cancelDerived := func() {}
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			ctx := req.Context()
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != time.Second || ctx.Value(key{}) != "v" || ctx.Err() != nil {
				t.Errorf("deadline in %v, value %v, error %v", time.Until(d), ctx.Value(key{}), ctx.Err())
			}
			derived, cancelDerived = context.WithCancel(ctx)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &stalling{ctx: ctx}}, nil
		})
		tr := newTransport(t, base, httpclient.WithAttemptTimeout(time.Second))
		ctx := context.WithValue(t.Context(), key{}, "v")
		resp, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if derived.Err() != nil {
			t.Errorf("a derived context ended early: %v", derived.Err())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if derived.Err() != context.DeadlineExceeded || context.Cause(derived) != context.DeadlineExceeded {
			t.Errorf("a derived context: %v, cause %v; want the deadline", derived.Err(), context.Cause(derived))
		}
		_ = resp.Body.Close()
		cancelDerived()

		resp, err = tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		stop := context.AfterFunc(derived, func() { ran = true })
		if !stop() {
			t.Error("a function that had not run could not be stopped")
		}
		_ = resp.Body.Close()
		synctest.Wait()
		if derived.Err() == nil || ran {
			t.Errorf("after the body was closed: %v, a stopped function ran: %t", derived.Err(), ran)
		}
		cancelDerived()
	})
}
