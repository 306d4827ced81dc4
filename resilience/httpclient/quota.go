package httpclient

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The chaos server writes these headers with code of its own; see retryafter.go for why the two stay apart.

// QuotaReader reads the quota headers of one style. It reports whether a quota is exhausted, and then how long until it is
// restored; with several quotas the one restored last governs. What is missing or malformed says nothing: then it
// returns false. It must be safe for use by several goroutines.
type QuotaReader func(h http.Header, now time.Time) (wait time.Duration, exhausted bool)

var (
	_ QuotaReader = IETFQuota
	_ QuotaReader = GitHubQuota
	_ QuotaReader = DiscordQuota
	_ QuotaReader = DiscordBucket
	_ QuotaReader = OpenAIQuota
	_ QuotaReader = AnthropicQuota
	_ QuotaReader = ShopifyQuota
	_ QuotaReader = GenericQuota
)

// IETFQuota reads draft-ietf-httpapi-ratelimit-headers: RateLimit as a list since revision 08 ("default";r=50;t=30), as a
// dictionary in 07 (limit=100, remaining=50, reset=30), and the three fields RateLimit-Limit, -Remaining and -Reset before.
// All times are seconds from now.
func IETFQuota(h http.Header, _ time.Time) (time.Duration, bool) {
	if values := h["Ratelimit"]; len(values) > 0 {
		field := strings.Join(values, ", ")
		if items, ok := parseList(field); ok {
			return tightest(items)
		}
		if dict, ok := parseDictionary(field); ok {
			return dict.exhausted("remaining", "reset")
		}
		return 0, false
	}
	return resetHeader(h, "Ratelimit-Remaining", "Ratelimit-Reset", seconds)
}

// GitHubQuota reads x-ratelimit-remaining and x-ratelimit-reset, which is seconds since 1970.
func GitHubQuota(h http.Header, now time.Time) (time.Duration, bool) {
	return resetHeader(h, "X-Ratelimit-Remaining", "X-Ratelimit-Reset", epochSeconds(serverTime(h, now)))
}

// DiscordQuota reads X-RateLimit-Reset-After, seconds with a fraction, where the limit is X-RateLimit-Global. An exhausted
// bucket of one route says nothing about others: see [DiscordBucket].
func DiscordQuota(h http.Header, _ time.Time) (time.Duration, bool) {
	if h.Get("X-Ratelimit-Global") != "true" {
		return 0, false
	}
	return seconds(h.Get("X-Ratelimit-Reset-After"))
}

// DiscordBucket reads X-RateLimit-Remaining and X-RateLimit-Reset-After of the bucket of one route, for [WithRouteQuota]; of a global
// limit it says nothing.
func DiscordBucket(h http.Header, _ time.Time) (time.Duration, bool) {
	if h.Get("X-Ratelimit-Global") == "true" {
		return 0, false
	}
	return resetHeader(h, "X-Ratelimit-Remaining", "X-Ratelimit-Reset-After", seconds)
}

// OpenAIQuota reads x-ratelimit-remaining-requests and -tokens with x-ratelimit-reset-requests and -tokens, which are
// durations such as 6m0s; Azure's service has whole seconds there.
func OpenAIQuota(h http.Header, _ time.Time) (wait time.Duration, exhausted bool) {
	duration := func(s string) (time.Duration, bool) {
		if d, ok := seconds(s); ok {
			return d, true
		}
		d, err := time.ParseDuration(s)
		return d, err == nil && d >= 0
	}
	for _, what := range [...]string{"Requests", "Tokens"} {
		if d, ok := resetHeader(h, "X-Ratelimit-Remaining-"+what, "X-Ratelimit-Reset-"+what, duration); ok {
			wait, exhausted = max(wait, d), true
		}
	}
	return wait, exhausted
}

// AnthropicQuota reads anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-remaining and -reset, a time of RFC 3339.
func AnthropicQuota(h http.Header, now time.Time) (wait time.Duration, exhausted bool) {
	now = serverTime(h, now)
	for _, what := range [...]string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"} {
		prefix := "Anthropic-Ratelimit-" + what
		if d, ok := resetHeader(h, prefix+"-Remaining", prefix+"-Reset", rfc3339(now)); ok {
			wait, exhausted = max(wait, d), true
		}
	}
	return wait, exhausted
}

// shopifyLeak is how long Shopify's bucket of a standard plan takes to restore one call: 2 a second.
const shopifyLeak = 500 * time.Millisecond

// ShopifyQuota reads X-Shopify-Shop-Api-Call-Limit, such as 40/40: a full bucket has room for a call after 500 ms.
func ShopifyQuota(h http.Header, _ time.Time) (time.Duration, bool) {
	used, size, ok := strings.Cut(h.Get("X-Shopify-Shop-Api-Call-Limit"), "/")
	u, errUsed := strconv.ParseUint(used, 10, 32)
	n, errSize := strconv.ParseUint(size, 10, 32)
	return shopifyLeak, ok && errUsed == nil && errSize == nil && n > 0 && u >= n
}

// GenericQuota reads X-RateLimit-Remaining and -Reset, also spelled X-Rate-Limit. Vendors disagree about the reset: a date
// or a time of RFC 3339 is taken as such; of numbers, those from 10^9 on as seconds since 1970, from 10^11 on as
// milliseconds since 1970, and smaller ones as seconds from now. Use the vendor's own reader where there is one.
func GenericQuota(h http.Header, now time.Time) (time.Duration, bool) {
	now = serverTime(h, now)
	guess := func(s string) (time.Duration, bool) {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			switch {
			case n >= 1e11:
				return epoch(now, n/1e3)
			case n >= 1e9:
				return epoch(now, n)
			}
			return seconds(s)
		}
		if at, err := http.ParseTime(s); err == nil {
			return max(0, at.Sub(now)), true
		}
		return rfc3339(now)(s)
	}
	for _, prefix := range [...]string{"X-Ratelimit-", "X-Rate-Limit-"} {
		if wait, ok := resetHeader(h, prefix+"Remaining", prefix+"Reset", guess); ok {
			return wait, true
		}
	}
	return 0, false
}

// resetHeader reads a pair of headers: exhausted where the first is 0 and the second can be read.
func resetHeader(h http.Header, remaining, reset string, parse func(string) (time.Duration, bool)) (time.Duration, bool) {
	left, err := strconv.ParseFloat(h.Get(remaining), 64)
	if err != nil || left != 0 {
		return 0, false
	}
	return parse(h.Get(reset))
}

func seconds(s string) (time.Duration, bool) { return number(s, time.Second) }

func epochSeconds(now time.Time) func(string) (time.Duration, bool) {
	return func(s string) (time.Duration, bool) {
		if _, ok := number(s, 1); !ok {
			return 0, false
		}
		at, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, false
		}
		return epoch(now, at)
	}
}

// epoch returns how long from now until so many seconds since 1970; a time that has passed is 0.
func epoch(now time.Time, at float64) (time.Duration, bool) {
	d := at*float64(time.Second) - float64(now.UnixNano())
	switch {
	case math.IsNaN(d):
		return 0, false
	case d >= math.MaxInt64:
		return math.MaxInt64, true
	}
	return time.Duration(max(0, d)), true
}

func rfc3339(now time.Time) func(string) (time.Duration, bool) {
	return func(s string) (time.Duration, bool) {
		at, err := time.Parse(time.RFC3339, s)
		return max(0, at.Sub(now)), err == nil
	}
}

// serverTime returns the answer's Date, or now where it has none.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}
