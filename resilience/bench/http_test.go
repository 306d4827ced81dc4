package bench

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// memory answers without a wire. It reads the request's body, as a wire would, and allocates a Response.
type memory struct{}

func (memory) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
}

// guarded is a RoundTripper with gobreaker and x/time/rate around every attempt, by hand.
type guarded struct {
	base    http.RoundTripper
	breaker *gobreaker.CircuitBreaker[*http.Response]
	limiter *rate.Limiter
}

func (g *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	return g.breaker.Execute(func() (*http.Response, error) {
		if err := g.limiter.Wait(req.Context()); err != nil {
			return nil, err
		}
		return g.base.RoundTrip(req)
	})
}

func retryable(base http.RoundTripper) http.RoundTripper {
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.HTTPClient = &http.Client{Transport: base}
	return &retryablehttp.RoundTripper{Client: c}
}

func four(extra ...httpclient.Option) http.RoundTripper {
	return must(httpclient.New(memory{}, append([]httpclient.Option{
		httpclient.WithBudget(resilience.BudgetSettings{}),
		httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5}),
		httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e6}),
	}, extra...)...))
}

func failsafePolicies() []failsafe.Policy[*http.Response] {
	return []failsafe.Policy[*http.Response]{
		failsafehttp.NewRetryPolicyBuilder().WithBudget(budget.New()).Build(),
		circuitbreaker.NewBuilder[*http.Response]().WithFailureRateThreshold(0.5, 20, 10*time.Second).Build(),
		ratelimiter.NewSmooth[*http.Response](1_000_000_000, time.Second),
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
	}{
		{"with=none/lib=bare", memory{}},
		{"with=retry/lib=brownout", must(httpclient.New(memory{}))},
		{"with=retry/lib=retryablehttp", retryable(memory{})},
		{"with=retry/lib=failsafehttp", failsafehttp.NewRoundTripper(memory{}, failsafehttp.NewRetryPolicyBuilder().Build())},
		{"with=four/lib=brownout", four()},
		{"with=four/lib=retryablehttp-gobreaker-x-time", retryable(&guarded{memory{}, gobreaker.NewCircuitBreaker[*http.Response](rollingRate()), rate.NewLimiter(1e9, 1e6)})},
		{"with=four/lib=failsafehttp", failsafehttp.NewRoundTripper(memory{}, failsafePolicies()...)},
		{"with=six/lib=brownout", four(httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 64}), httpclient.WithAttemptTimeout(time.Minute))},
		{"with=six/lib=failsafehttp", failsafehttp.NewRoundTripper(memory{}, append(failsafePolicies(),
			bulkhead.New[*http.Response](64), timeout.New[*http.Response](time.Minute))...)},
	} {
		for _, method := range []string{"GET", "POST"} {
			ctx, cancel := context.WithCancel(b.Context())
			parallel(b, c.name+"/"+method, func() func() {
				payload := strings.NewReader(strings.Repeat("x", 1024))
				req := must(http.NewRequestWithContext(ctx, method, "http://upstream.test/things/1", nil))
				return func() {
					if method == "POST" {
						req.ContentLength = 1024
						req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(payload), nil }
						_, _ = payload.Seek(0, io.SeekStart)
						req.Body = io.NopCloser(payload)
					}
					resp, err := c.rt.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					_ = resp.Body.Close()
				}
			})
			cancel()
		}
	}
}
