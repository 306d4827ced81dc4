package suites_test

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
	"brownout/suites/drive"
)

// reference returns a maker of bundled clients that do what a scenario's profile declares, with a budget and one more attempt
// than the default where it declares nothing. They add a key to a call that the caller says may be repeated, as an application
// does that knows which of its calls the server takes a key for. Each client has another seed, in the order in which they are made.
func reference(p *scenarios.Profile) suites.NewClient {
	seed := uint64(6)
	return func(base http.RoundTripper) *http.Client {
		seed++
		options := append(policies(p), httpclient.WithRetry(retries(p, seed)))
		return keyedWhereTold(httpclient.KeySettings{Header: p.KeyHeader}, options...)(base)
	}
}

// retries are the retry settings that the profile declares.
func retries(p *scenarios.Profile, seed uint64) resilience.RetrySettings {
	return resilience.RetrySettings{
		MaxAttempts:     declared(p.MaxAttempts, 4),
		AttemptTimeout:  declared(p.AttemptTimeout, 0),
		MaxPushback:     declared(p.RetryAfterMax, 0),
		Backoff:         backoff(declared(p.Base, resilience.DefaultBackoffBase), p.Cap),
		ThrottleBackoff: backoff(max(declared(p.Base, 0), resilience.DefaultThrottleBase), p.Cap),
		Budget:          must(resilience.NewBudget(resilience.BudgetSettings{})),
		Seed:            seed,
	}
}

// backoff grows from the base, or from the longest wait where that is less.
func backoff(base time.Duration, longest *time.Duration) resilience.Backoff {
	most := declared(longest, resilience.DefaultBackoffMax)
	return must(resilience.NewBackoff(resilience.BackoffSettings{Base: min(base, most), Max: most}))
}

// policies are those beside retries that the profile declares.
func policies(p *scenarios.Profile) []httpclient.Option {
	var options []httpclient.Option
	if p.RetriesOn != nil {
		listed := make(map[int]bool)
		for _, status := range p.RetriesOn {
			listed[status] = true
		}
		options = append(options, httpclient.WithRetryableStatus(func(status int) bool { return listed[status] }))
	}
	if p.BreakerAfter != nil || p.OpenTime != nil || p.HalfOpenMax != nil {
		options = append(options, httpclient.WithBreaker(resilience.BreakerSettings{
			ConsecutiveFailures: declared(p.BreakerAfter, 0), OpenFor: declared(p.OpenTime, 0), Probes: declared(p.HalfOpenMax, 0),
		}))
	}
	if r := p.ClientRate; r != nil {
		options = append(options, httpclient.WithLimiter(resilience.LimiterSettings{
			Rate: r.Events / r.Per.Seconds(), Burst: declared(p.ClientBurst, 0),
		}))
	}
	if p.ClientConcurrency != nil {
		options = append(options, httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: *p.ClientConcurrency, MaxQueue: 100_000}))
	}
	if p.HedgeAfter != nil && declared(p.HedgeMax, 2) > 1 {
		options = append(options, httpclient.WithHedge(resilience.HedgeSettings{Delay: *p.HedgeAfter, MaxCopies: declared(p.HedgeMax, 2) - 1}))
	}
	if read := quotaReaders[p.QuotaDialect]; read != nil {
		options = append(options, httpclient.WithQuota(read))
	}
	if p.QuotaDialect == "discord" {
		options = append(options, httpclient.WithRouteQuota(channelOf, httpclient.DiscordBucket))
	}
	if p.PauseScope == "call" || p.PauseScope == "none" {
		options = append(options, httpclient.WithoutHostPause())
	}
	return options
}

// declared is a declared value, or else another.
func declared[T any](v *T, or T) T {
	if v == nil {
		return or
	}
	return *v
}

// quotaReaders read the dialects of a profile's quota_dialect.
var quotaReaders = map[string]httpclient.QuotaReader{
	"ietf": httpclient.IETFQuota, "ietf-07": httpclient.IETFQuota, "ietf-06": httpclient.IETFQuota,
	"github": httpclient.GitHubQuota, "discord": httpclient.DiscordQuota, "openai": httpclient.OpenAIQuota,
	"anthropic": httpclient.AnthropicQuota, "shopify": httpclient.ShopifyQuota, "x-ratelimit": httpclient.GenericQuota,
}

// channelOf names what a bucket of Discord's is for: the method, and the path up to the resource that it begins with.
func channelOf(req *http.Request) string {
	parts := strings.SplitN(req.URL.Path, "/", 5) // "", the call's prefix, its name, channels, the rest
	return req.Method + " " + parts[len(parts)-1]
}

// keyedWhereTold returns a maker of bundled clients that add a key to a call of which the driver says that it may be repeated.
func keyedWhereTold(keys httpclient.KeySettings, options ...httpclient.Option) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		plain := must(httpclient.New(base, options...))
		keyed := must(httpclient.New(base, append(options[:len(options):len(options)], httpclient.WithIdempotencyKeys(keys))...))
		return &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if drive.Idempotent(req.Context()) {
				return keyed.RoundTrip(req)
			}
			return plain.RoundTrip(req)
		})}
	}
}

// The bundled client passes every scenario of the library, set as its profile declares.
var _ = Describe("the bundled client", func() {
	for _, name := range scenarios.BuiltinNames() {
		if len(must(scenarios.Builtin(name)).Deliveries) > 0 {
			continue // it judges consumers; see webhooks_test.go
		}
		It("passes "+name, Label("scenario:"+strings.ReplaceAll(name, "/", ".")), func() {
			s := must(scenarios.Builtin(name))
			Expect(suites.JudgedBy(theT(), s, reference(&s.Profile))).To(suites.Pass())
		})
	}
})
