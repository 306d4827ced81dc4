package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// A client of a service that counts by account, allows 100 requests a second and 8 at a time, and answers 404 for a moment after
// something was made.
func ExampleNew() {
	server := flaky(404, 503)
	defer server.Close()

	transport, err := httpclient.New(nil,
		httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}),
		httpclient.WithRetryableStatus(func(status int) bool { return status == 404 || httpclient.RetryableStatus(status) }),
		httpclient.WithScope(func(r *http.Request) string { return r.Header.Get("Account") }, 1000),
		httpclient.WithLimiter(resilience.LimiterSettings{Rate: 100, Burst: 10}),
		httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 8, MaxQueue: 100}),
		httpclient.WithAnswerBuffer(1<<20),
		httpclient.WithBodyBuffer(64<<10),
		httpclient.WithAttemptHeader("X-Attempt"),
		httpclient.WithObserver(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			fmt.Println(e.Kind, e.Key, e.Attempt)
		})),
	)
	if err != nil {
		panic(err)
	}
	req, _ := http.NewRequest("PUT", server.URL+"/things/1", io.MultiReader(strings.NewReader("a stream"))) // without GetBody
	req.Header.Set("Account", "acct_1")
	resp, err := transport.Client().Do(req)
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// retry acct_1 1
	// retry acct_1 2
	// recovered acct_1 3
	// 200
}

// A host that asks for a pause holds back the one call alone.
func ExampleWithoutHostPause() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil, httpclient.WithoutHostPause())
	for _, path := range []string{"/busy", "/"} {
		resp, err := transport.Client().Get(server.URL + path)
		if err != nil {
			panic(err)
		}
		_ = resp.Body.Close()
		fmt.Println(path, resp.StatusCode)
	}
	// Output:
	// /busy 429
	// / 200
}

// The styles in which services tell of their quotas.
func ExampleQuotaReader() {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, q := range []struct {
		name   string
		read   httpclient.QuotaReader
		header http.Header
	}{
		{"IETF", httpclient.IETFQuota, http.Header{"Ratelimit": {`"default";r=0;t=30`}}},
		{"GitHub", httpclient.GitHubQuota, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(now.Unix() + 60)}}},
		{"Discord", httpclient.DiscordQuota, http.Header{"X-Ratelimit-Global": {"true"}, "X-Ratelimit-Reset-After": {"1.5"}}},
		{"Discord's buckets", httpclient.DiscordBucket, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"0.5"}}},
		{"OpenAI", httpclient.OpenAIQuota, http.Header{"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {"6m0s"}}},
		{"Anthropic", httpclient.AnthropicQuota, http.Header{"Anthropic-Ratelimit-Requests-Remaining": {"0"}, "Anthropic-Ratelimit-Requests-Reset": {"2026-11-25T12:00:20Z"}}},
		{"Shopify", httpclient.ShopifyQuota, http.Header{"X-Shopify-Shop-Api-Call-Limit": {"40/40"}}},
		{"others", httpclient.GenericQuota, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"10"}}},
		{"not exhausted", httpclient.IETFQuota, http.Header{"Ratelimit": {`"default";r=5;t=30`}}},
	} {
		wait, exhausted := q.read(q.header, now)
		fmt.Println(q.name, exhausted, wait)
	}
	// Output:
	// IETF true 30s
	// GitHub true 1m0s
	// Discord true 1.5s
	// Discord's buckets true 500ms
	// OpenAI true 6m0s
	// Anthropic true 20s
	// Shopify true 500ms
	// others true 10s
	// not exhausted false 0s
}

// A client of Discord: a bucket that is exhausted holds back its own route, and the global limit all.
func ExampleWithRouteQuota() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset-After", "3600")
	}))
	defer server.Close()

	transport, _ := httpclient.New(nil, httpclient.WithQuota(httpclient.DiscordQuota), httpclient.WithRouteQuota(nil, httpclient.DiscordBucket))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, path := range []string{"/channels/1", "/channels/2", "/channels/1"} {
		req, _ := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			fmt.Println(path, "paused:", errors.Is(err, httpclient.ErrPaused))
			continue
		}
		_ = resp.Body.Close()
		fmt.Println(path, resp.StatusCode)
	}
	// Output:
	// /channels/1 200
	// /channels/2 200
	// /channels/1 paused: true
}

// A budget of one's own for what hedging may cost, in place of the one that each host has.
func ExampleHedgeBudget() {
	s := httpclient.HedgeBudget()
	s.Tokens = 50
	budget, err := resilience.NewBudget(s)
	if err != nil {
		panic(err)
	}
	_, err = httpclient.New(nil, httpclient.WithHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond, Budget: budget}))
	fmt.Println(budget.Tokens(), err)
	// Output: 50 <nil>
}

func ExampleNewKey() {
	a, b := httpclient.NewKey(), httpclient.NewKey()
	fmt.Println(len(a), a != b)
	// Output: 36 true
}
