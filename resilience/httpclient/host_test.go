package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: http.NoBody}
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

// What counts as a failure is a function, where one is given.
func TestBreakerClassify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 0
		var asked []string
		tr := newTransport(t, roundTripper(func(*http.Request) (*http.Response, error) {
			if status == 0 {
				return nil, errors.New("reset")
			}
			return answer(status), nil
		}), httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}), httpclient.WithBreaker(resilience.BreakerSettings{
			ConsecutiveFailures: 1, OpenFor: time.Minute,
			Classify: func(err error) resilience.Outcome {
				asked = append(asked, err.Error())
				if e, ok := errors.AsType[*httpclient.StatusError](err); ok && e.Status == 429 {
					return resilience.OutcomeFailure
				}
				return resilience.OutcomeSuccess
			},
		}))
		for _, status = range []int{200, 302, 503, 404, 0, 429} {
			if _, err := get(t, tr, "http://a.test/"); errors.Is(err, resilience.ErrOpen) {
				t.Fatalf("open before %d", status)
			}
		}
		if _, err := get(t, tr, "http://a.test/"); !errors.Is(err, resilience.ErrOpen) {
			t.Errorf("after a 429: %v", err)
		}
		const want = "server answered 503 Service Unavailable, server answered 404 Not Found, reset, server answered 429 Too Many Requests"
		if got := strings.Join(asked, ", "); got != want {
			t.Errorf("asked about %s; want %s", got, want)
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

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		option httpclient.Option
		want   string
	}{
		{httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: -1}), "httpclient: RetrySettings.MaxAttempts: got -1, want 0 (the default), or 1 or more"},
		{httpclient.WithAttemptTimeout(-1), "httpclient: WithAttemptTimeout: got -1ns, want 0 (no bound) or more"},
		{httpclient.WithAnswerBuffer(-1), "httpclient: WithAnswerBuffer: got -1, want 0 (off) or more"},
		{httpclient.WithScope(nil, -1), "httpclient: GroupSettings.Max: got -1, want 0 (the default) to 10000000"},
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

// A place is held until the answer's body was closed, and given back once, whatever becomes of the attempt.
func TestBulkheadPerHost(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{{status: 200, body: "x"}, {err: errors.New("reset")}, {status: 503}, {status: 200, body: "y"}}}
			tr := newTransport(t, u, noJitter(), httpclient.WithAttemptTimeout(timeout),
				httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 1}))
			first, err := get(t, tr, "http://a.test/")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := get(t, tr, "http://a.test/"); !errors.Is(err, resilience.ErrBulkheadFull) {
				t.Errorf("while an answer is read: %v, want the bulkhead full", err)
			}
			if got := read(t, first); got != "x" {
				t.Errorf("body %q, want x", got)
			}
			_ = first.Body.Close()
			second, err := get(t, tr, "http://a.test/")
			if err != nil || second.StatusCode != 200 {
				t.Fatalf("after a reset and a 503: %v, %v; want 200", second, err)
			}
			if _, err := get(t, tr, "http://a.test/"); !errors.Is(err, resilience.ErrBulkheadFull) {
				t.Errorf("a place was given back twice: %v", err)
			}
			_ = second.Body.Close()
		})
	}
}
