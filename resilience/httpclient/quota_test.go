package httpclient_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"brownout/resilience/httpclient"
)

func TestQuotaReaders(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // epoch 1795435200
	const never = -1
	for _, c := range []struct {
		name string
		read httpclient.QuotaReader
		head []string
		want time.Duration // never: not exhausted, or not to be understood
	}{
		{"list", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=30`}, 30 * time.Second},
		{"list, some left", httpclient.IETFQuota, []string{"RateLimit", `"default";r=50;t=30`}, never},
		{"tightest governs", httpclient.IETFQuota, []string{"RateLimit", `"min";r=5;t=2,"day";r=0;t=4, "hour";r=0;t=3`}, 4 * time.Second},
		{"two fields", httpclient.IETFQuota, []string{"RateLimit", `"min";r=0;t=2`, "RateLimit", `"day";r=0;t=4`}, 4 * time.Second},
		{"partition key", httpclient.IETFQuota, []string{"RateLimit", `"a\"b";pk=:Zm9v:;r=0;t=7;qu="requests";x=tok`}, 7 * time.Second},
		{"no t", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0`}, never},
		{"negative r", httpclient.IETFQuota, []string{"RateLimit", `"default";r=-1;t=5`}, never},
		{"t is no number", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=x`}, never},
		{"key not quoted", httpclient.IETFQuota, []string{"RateLimit", `default;r=0;t=5`}, never},
		{"string without end", httpclient.IETFQuota, []string{"RateLimit", `"default;r=0;t=5`}, never},
		{"bad escape", httpclient.IETFQuota, []string{"RateLimit", `"de\fault";r=0;t=5`}, never},
		{"trailing comma", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=5,`}, never},
		{"rest after an item", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=5 x`}, never},
		{"16 digits", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=9999999999999999`}, never},
		{"15 digits", httpclient.IETFQuota, []string{"RateLimit", `"default";r=0;t=999999999999999`}, math.MaxInt64},
		{"8 KiB", httpclient.IETFQuota, []string{"RateLimit", strings.Repeat("a", 8192)}, never},
		{"dictionary", httpclient.IETFQuota, []string{"RateLimit", "limit=100, remaining=0, reset=30"}, 30 * time.Second},
		{"dictionary, some left", httpclient.IETFQuota, []string{"RateLimit", "limit=100, remaining=1, reset=30"}, never},
		{"dictionary of one", httpclient.IETFQuota, []string{"RateLimit", "limit=10"}, never},
		{"three fields", httpclient.IETFQuota, []string{"RateLimit-Limit", "10", "RateLimit-Remaining", "0", "RateLimit-Reset", "9"}, 9 * time.Second},
		{"three fields, no reset", httpclient.IETFQuota, []string{"RateLimit-Remaining", "0"}, never},
		{"github", httpclient.GitHubQuota, []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "1795435260"}, time.Minute},
		{"github, past", httpclient.GitHubQuota, []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "1372700873"}, 0},
		{"github, by the server's clock", httpclient.GitHubQuota, []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "1795435260", "Date", "Mon, 23 Nov 2026 12:00:50 GMT"}, 10 * time.Second},
		{"github, negative", httpclient.GitHubQuota, []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "-5"}, never},
		{"discord, global", httpclient.DiscordQuota, []string{"X-RateLimit-Global", "true", "X-RateLimit-Reset-After", "1.25"}, 1250 * time.Millisecond},
		{"discord, a bucket", httpclient.DiscordQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "1.25"}, never},
		{"openai", httpclient.OpenAIQuota, []string{"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "12ms", "x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "6m0s"}, 6 * time.Minute},
		{"openai, tokens left", httpclient.OpenAIQuota, []string{"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "1s", "x-ratelimit-remaining-tokens", "9", "x-ratelimit-reset-tokens", "6m0s"}, time.Second},
		{"openai on azure", httpclient.OpenAIQuota, []string{"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "7"}, 7 * time.Second},
		{"openai, -1 left", httpclient.OpenAIQuota, []string{"x-ratelimit-remaining-requests", "-1", "x-ratelimit-reset-requests", "7"}, never},
		{"anthropic", httpclient.AnthropicQuota, []string{"anthropic-ratelimit-input-tokens-remaining", "0", "anthropic-ratelimit-input-tokens-reset", "2026-11-23T12:00:15Z"}, 15 * time.Second},
		{"anthropic, later reset", httpclient.AnthropicQuota, []string{"anthropic-ratelimit-requests-remaining", "0", "anthropic-ratelimit-requests-reset", "2026-11-23T12:00:15Z", "anthropic-ratelimit-tokens-remaining", "0", "anthropic-ratelimit-tokens-reset", "2026-11-23T12:00:40Z"}, 40 * time.Second},
		{"shopify, full", httpclient.ShopifyQuota, []string{"X-Shopify-Shop-Api-Call-Limit", "40/40"}, 500 * time.Millisecond},
		{"shopify", httpclient.ShopifyQuota, []string{"X-Shopify-Shop-Api-Call-Limit", "32/40"}, never},
		{"shopify, malformed", httpclient.ShopifyQuota, []string{"X-Shopify-Shop-Api-Call-Limit", "40"}, never},
		{"generic, delta", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "60"}, time.Minute},
		{"generic, epoch", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795435260"}, time.Minute},
		{"generic, epoch in ms", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795435260000"}, time.Minute},
		{"generic, other spelling", httpclient.GenericQuota, []string{"X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "2"}, 2 * time.Second},
		{"generic, date", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "Mon, 23 Nov 2026 12:00:03 GMT"}, 3 * time.Second},
		{"generic, RFC 3339", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-23T12:00:04Z"}, 4 * time.Second},
		{"generic, nonsense", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon"}, never},
		{"generic, NaN", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "NaN"}, never},
		{"generic, Inf", httpclient.GenericQuota, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "Inf"}, math.MaxInt64},
	} {
		h := http.Header{}
		for i := 0; i < len(c.head); i += 2 {
			h.Add(c.head[i], c.head[i+1])
		}
		wait, exhausted := c.read(h, now)
		if want := c.want != never; exhausted != want || want && wait != c.want {
			t.Errorf("%s: %v, %t; want %v", c.name, wait, exhausted, c.want)
		}
	}
}
