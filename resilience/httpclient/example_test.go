package httpclient_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// flaky answers as it is told, and 200 after that.
func flaky(statuses ...int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(statuses) > 0 {
			w.WriteHeader(statuses[0])
			statuses = statuses[1:]
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s: fine", r.Method, r.URL.Path)
	}))
}

func Example() {
	server := flaky(503, 503)
	defer server.Close()

	transport, err := httpclient.New(nil,
		httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.ConstantBackoff(time.Millisecond)}),
		httpclient.WithAttemptTimeout(5*time.Second),
		httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5}),
		httpclient.WithBudget(resilience.BudgetSettings{}),
	)
	if err != nil {
		panic(err)
	}
	resp, err := transport.Client().Get(server.URL + "/items/1")
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(text))
	// Output: 200 GET /items/1: fine
}

func ExampleReason() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil)
	resp, err := transport.Client().Get(server.URL)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if why := httpclient.Reason(resp); why != nil {
		fmt.Println(resp.StatusCode, "come back in", why.Delay)
		fmt.Println(why)
	}
	// Output:
	// 429 come back in 1h0m0s
	// gave up after 1 attempt: the server asked for a longer wait than allowed (wait 1h0m0s): server answered 429 Too Many Requests
}

func ExampleWithIdempotencyKeys() {
	keys := map[string]int{}
	var attempts int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")]++
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil,
		httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}),
		httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))
	resp, err := transport.Client().Post(server.URL+"/payments", "application/json", strings.NewReader(`{"amount": 4999}`))
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, "after", attempts, "attempts with", len(keys), "key")
	// Output: 200 after 2 attempts with 1 key
}

func ExampleContextWithKey() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.Header.Get("Idempotency-Key"))
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil)
	req, _ := http.NewRequest("POST", server.URL+"/payments", strings.NewReader(`{"amount": 4999}`))
	req = req.WithContext(httpclient.ContextWithKey(req.Context(), `"order-8471-payment-1"`))
	resp, err := transport.Client().Do(req)
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	// Output: POST "order-8471-payment-1"
}

// A base that counts what is sent again, as a tracer would.
func ExampleResendCount() {
	server := flaky(503, 503)
	defer server.Close()
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		if n := httpclient.ResendCount(req.Context()); n > 0 {
			fmt.Println(httpclient.AttrResendCount, n)
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	transport, _ := httpclient.New(base, httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}))
	resp, err := transport.Client().Get(server.URL)
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	// Output:
	// http.request.resend_count 1
	// http.request.resend_count 2
}

// A second request is sent when the first takes longer than 19 in 20 did lately; until that is known, after half a second.
func ExampleWithHedge() {
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := n.Add(1)
		if number == 1 { // it hangs
			<-r.Context().Done()
			return
		}
		_, _ = fmt.Fprint(w, "answer to request ", number)
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil, httpclient.WithHedge(resilience.HedgeSettings{Quantile: 0.95, Delay: 500 * time.Millisecond}))
	resp, err := transport.Client().Get(server.URL)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(string(text))
	// Output: answer to request 2
}

func ExampleWithQuota() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("RateLimit", `"burst";r=0;t=1`)
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil, httpclient.WithQuota(httpclient.IETFQuota, httpclient.GitHubQuota))
	client := transport.Client()
	start := time.Now()
	for range 2 {
		resp, err := client.Get(server.URL)
		if err != nil {
			panic(err)
		}
		_ = resp.Body.Close()
	}
	fmt.Println("waited for the quota:", time.Since(start) >= time.Second)
	// Output: waited for the quota: true
}
