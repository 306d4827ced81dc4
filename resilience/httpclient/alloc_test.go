//go:build !race

package httpclient_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// What a call allocates beyond its base: nothing, or what a deadline takes.
func TestAllocations(t *testing.T) {
	four := []httpclient.Option{
		httpclient.WithBudget(resilience.BudgetSettings{}),
		httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5}),
		httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1e9, Burst: 1e6}),
	}
	six := append(four, httpclient.WithAttemptTimeout(time.Minute), httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 8}))
	count := func(rt http.RoundTripper, req *http.Request) float64 {
		return testing.AllocsPerRun(1000, func() {
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		})
	}
	for _, method := range []string{"GET", "POST"} {
		req := newRequest(t, method, strings.NewReader("payload"))
		bare := count(memory{}, req)
		for name, c := range map[string]struct {
			options []httpclient.Option
			more    float64
		}{"retry": {nil, 0}, "retry, budget, breaker, limiter": {four, 0}, "and bulkhead and timeout": {six, 1}} {
			if got := count(newTransport(t, memory{}, c.options...), req); got > bare+c.more {
				t.Errorf("%s with %s: %v allocations, want the base's %v and at most %v", method, name, got, bare, c.more)
			}
		}
	}
}
