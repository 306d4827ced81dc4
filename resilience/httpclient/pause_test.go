package httpclient_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

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
		{403, http.Header{"Retry-After": {"7"}}, 2, 7 * time.Second, "GitHub's secondary limit"},
		{403, http.Header{"Retry-After": {"soon"}}, 1, 0, "a Retry-After that says nothing"},
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

// A quota of one route holds back that route alone: other paths, and the same path of other hosts, go on. That of all routes
// holds back all.
func TestRouteQuota(t *testing.T) {
	exhausted := func(extra ...string) http.Header {
		h := http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"5.5"}}
		for i := 0; i < len(extra); i += 2 {
			h.Set(extra[i], extra[i+1])
		}
		return h
	}
	for _, c := range []struct {
		why    string
		first  step
		same   time.Duration // when the next request of the same route is sent, and of others
		others time.Duration
	}{
		{"a good answer that was the last", step{status: 200, header: exhausted()}, 5500 * time.Millisecond, 0},
		{"a refusal", step{status: 429, header: exhausted("Retry-After", "7")}, 7 * time.Second, 0},
		{"the limit of all", step{status: 429, header: exhausted("X-Ratelimit-Global", "true")}, 5500 * time.Millisecond, 5500 * time.Millisecond},
		{"calls are left", step{status: 200, header: http.Header{"X-Ratelimit-Remaining": {"3"}, "X-Ratelimit-Reset-After": {"5.5"}}}, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{c.first, {status: 200}}}
			tr := newTransport(t, u, httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1, PushbackJitter: -1}),
				httpclient.WithQuota(httpclient.DiscordQuota), httpclient.WithRouteQuota(nil, httpclient.DiscordBucket))
			send := func(url string) time.Duration {
				start := time.Now()
				if _, err := get(t, tr, url); err != nil {
					t.Fatalf("%s: %v", c.why, err)
				}
				return time.Since(start)
			}
			send("http://a.test/channels/1")
			if took := send("http://b.test/channels/1"); took != 0 {
				t.Errorf("%s: another host waited %v", c.why, took)
			}
			if took := send("http://a.test/channels/2"); took < c.others || took > c.others*11/10 {
				t.Errorf("%s: another route waited %v, want %v", c.why, took, c.others)
			}
			if took := send("http://a.test/channels/1"); took < c.same-c.others || took > (c.same-c.others)*11/10 {
				t.Errorf("%s: the route waited %v, want %v", c.why, took, c.same-c.others)
			}
		})
	}
}
