package httpclient_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// memory answers without a wire; it allocates one Response, as any base must, and sends a body back to nowhere.
type memory struct{}

func (memory) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
}

func BenchmarkRoundTrip(b *testing.B) {
	budget := httpclient.WithBudget(resilience.BudgetSettings{})
	breaker := httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5})
	limiter := httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e6})
	for _, c := range []struct {
		name    string
		options []httpclient.Option
	}{
		{"bare", nil},
		{"retry", []httpclient.Option{}},
		{"retry+budget+breaker+limiter", []httpclient.Option{budget, breaker, limiter}},
		{"retry+budget+breaker+limiter+timeout", []httpclient.Option{budget, breaker, limiter, httpclient.WithAttemptTimeout(time.Minute)}},
	} {
		for _, method := range []string{"GET", "POST"} {
			b.Run(c.name+"/"+method, func(b *testing.B) {
				var rt http.RoundTripper = memory{}
				if c.options != nil {
					t, err := httpclient.New(rt, c.options...)
					if err != nil {
						b.Fatal(err)
					}
					rt = t
				}
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				payload := strings.Repeat("x", 1024)
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					req, _ := http.NewRequestWithContext(ctx, method, "http://upstream.test/things/1", nil)
					if method == "POST" {
						req, _ = http.NewRequestWithContext(ctx, method, "http://upstream.test/things/1", strings.NewReader(payload))
					}
					for pb.Next() {
						resp, err := rt.RoundTrip(req)
						if err != nil {
							b.Error(err)
							return
						}
						_ = resp.Body.Close()
					}
				})
			})
		}
	}
}
