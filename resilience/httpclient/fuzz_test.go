package httpclient

import (
	"net/http"
	"testing"
	"time"
)

// Whatever a server sends, no delay is negative, and what is not understood says nothing.
func FuzzPushback(f *testing.F) {
	for _, s := range []string{"", "0", "120", "2.5", "-5", "1e9", "9223372037", "9999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "NaN", "0x10", "12,13", "\x00"} {
		f.Add(s, "Sun, 06 Nov 1994 08:49:30 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		for _, name := range []string{"Retry-After", "Retry-After-Ms", "X-Amz-Retry-After"} {
			h := http.Header{name: {value}, "Date": {date}}
			if p := readPushback(h, time.Unix(1e9, 0)); p.delay < 0 || !p.delayed && p.delay != 0 {
				t.Errorf("%s: %q is a delay of %v, %t", name, value, p.delay, p.delayed)
			}
		}
	})
}

func FuzzQuota(f *testing.F) {
	for _, s := range []string{`"default";r=0;t=30`, `"a";r=0;t=1,"b";pk=:Zm9v:;r=0;t=2`, "limit=100, remaining=0, reset=30", `"`, `"\`, "=", ";", ",",
		"0", "1795435260", "1795435260000", "6m0s", "2026-11-23T12:00:15Z", "40/40", "Inf", "-Inf", "NaN", "1e300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, h := range []http.Header{
			{"Ratelimit": {value}},
			{"Ratelimit-Remaining": {"0"}, "Ratelimit-Reset": {value}},
			{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {value}},
			{"X-Ratelimit-Global": {"true"}, "X-Ratelimit-Reset-After": {value}},
			{"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {value}},
			{"Anthropic-Ratelimit-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Tokens-Reset": {value}},
			{"X-Shopify-Shop-Api-Call-Limit": {value}},
		} {
			for _, read := range []QuotaReader{IETFQuota, GitHubQuota, DiscordQuota, OpenAIQuota, AnthropicQuota, ShopifyQuota, GenericQuota} {
				if wait, exhausted := read(h, time.Unix(1e9, 0)); exhausted && wait < 0 {
					t.Errorf("%v waits %v", h, wait)
				}
			}
		}
	})
}
