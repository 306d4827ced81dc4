package suites_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

// tooMany returns the most attempts by which a record exceeds burst + rate·t in any stretch of time: the limit of RL-008, with
// the one attempt of tolerance that it has. 0: it holds.
func tooMany(came []arrival, rate float64, burst int) int {
	worst := 0
	for i := range came {
		for j := i; j < len(came); j++ {
			allowed := burst + int(rate*(came[j].at-came[i].at).Seconds()+1e-9) + 1
			worst = max(worst, j-i+1-allowed)
		}
	}
	return worst
}

// A quota is an upstream's: so many calls in a window, told in the headers of the draft.
type quota struct {
	limit  int
	window time.Duration

	mu      sync.Mutex
	left    int            // guarded by mu
	ends    time.Time      // of the window; guarded by mu
	refused int            // guarded by mu
	empty   [][2]time.Time // from each answer with r=0 to the end of its window; guarded by mu
}

func (q *quota) answer(_ int, req *http.Request) (*http.Response, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !time.Now().Before(q.ends) {
		q.left, q.ends = q.limit, time.Now().Add(q.window)
	}
	until := int((time.Until(q.ends) + time.Second - 1) / time.Second)
	if q.left == 0 {
		q.refused++
		return reply(req, 429, "RateLimit", text(`"default";r=0;t=%d`, until)), nil
	}
	if q.left--; q.left == 0 {
		q.empty = append(q.empty, [2]time.Time{time.Now(), q.ends})
	}
	return reply(req, 200, "RateLimit", text(`"default";r=%d;t=%d`, q.left, until)), nil
}

var _ = rule("RL-001", func() {
	for _, workers := range []int{1, 4} {
		It(text("with %d at a time", workers), inVirtualTime(func() {
			q := &quota{limit: 5, window: 3 * time.Second}
			s := newService(q.answer)
			s.takes = 10 * time.Millisecond
			client := bundled(httpclient.WithQuota(httpclient.IETFQuota))(s)
			var running sync.WaitGroup
			for range workers {
				running.Go(func() {
					for range 20 / workers {
						get(context.Background(), client, "http://upstream.test/")
					}
				})
			}
			running.Wait()
			Expect(len(q.empty)).To(BeNumerically(">=", 3), "windows that were used up")
			for _, stretch := range q.empty {
				from, to := stretch[0].Sub(s.began), stretch[1].Sub(s.began)
				Expect(s.within(from+1, to)).To(BeZero(), "attempts between %s, when r=0 was told, and %s", from, to)
			}
			if workers == 1 {
				Expect(q.refused).To(BeZero())
			}
		}))
	}

	It("which is not so for a client that was not told to read it", inVirtualTime(func() {
		q := &quota{limit: 5, window: 3 * time.Second}
		getEvery(bundled(onceOnly)(newService(q.answer)), 20, time.Millisecond)
		Expect(q.refused).To(Equal(15))
	}))
})

var _ = rule("RL-002", func() {
	DescribeTable("such as", func(field string) {
		suites.InBubble(theT(), func() {
			s := newService(func(_ int, req *http.Request) (*http.Response, error) {
				return reply(req, 200, "RateLimit", field), nil
			})
			client := bundled(httpclient.WithQuota(httpclient.IETFQuota))(s)
			for range 20 {
				o := get(context.Background(), client, "http://upstream.test/")
				Expect(o.good()).To(BeTrue())
				Expect(o.took).To(BeZero())
			}
		})
	},
		Entry("half a dictionary of draft 07", "limit=10"),
		Entry("a negative count", `"d";r=-1;t=x`),
		Entry("a name without quotes", "default;r=0;t=5"),
		Entry("an endless field", `"d";r=0;t=`+digits(8<<10)),
		Entry("a count beyond all counts", `"d";r=1000000000000000;t=5`),
		Entry("a time without a number", `"d";r=0;t=`),
		Entry("no structured field", `;;;=,"`),
	)
})

var _ = rule("RL-003", func() {
	// quotas makes 20 calls, one after another, and returns what reached the server and what the caller saw.
	quotas := func(answer func(n int, req *http.Request) *http.Response) ([]arrival, []op) {
		s := newService(func(n int, req *http.Request) (*http.Response, error) { return answer(n, req), nil })
		client := bundled(httpclient.WithQuota(httpclient.IETFQuota))(s)
		var ops []op
		for range 20 {
			ops = append(ops, get(context.Background(), client, "http://upstream.test/"))
		}
		return s.record(), ops
	}

	It("the fields vanish", inVirtualTime(func() {
		came, ops := quotas(func(n int, req *http.Request) *http.Response {
			if n > 3 {
				return reply(req, 200)
			}
			return reply(req, 200, "RateLimit", text(`"d";r=%d;t=60`, 4-n))
		})
		Expect(count(ops, op.good)).To(Equal(20))
		Expect(came[19].at).To(BeZero())
	}))

	It("a 429 with calls left", inVirtualTime(func() {
		came, ops := quotas(func(n int, req *http.Request) *http.Response {
			if n == 5 {
				return reply(req, 429, "RateLimit", `"d";r=50;t=60`)
			}
			return reply(req, 200, "RateLimit", `"d";r=50;t=60`)
		})
		Expect(count(ops, op.good)).To(Equal(20))
		Expect(came).To(HaveLen(21))
		Expect(came[5].at).To(And(BeNumerically(">", came[4].at), BeNumerically("<=", time.Second)), "the client's own backoff")
	}))

	It("a reset that restores one call of ten", inVirtualTime(func() {
		came, ops := quotas(func(_ int, req *http.Request) *http.Response {
			return reply(req, 200, "RateLimit", `"d";r=0;t=2`)
		})
		Expect(count(ops, op.good)).To(Equal(20))
		for k := range came[1:] {
			Expect(came[k+1].at-came[k].at).To(BeNumerically(">=", 2*time.Second), "no burst at the reset")
		}
	}))
})

// nextAfter returns how long after an answer with these fields, which fields makes, the next call goes out.
func nextAfter(status int, reader httpclient.QuotaReader, fields func(now time.Time) []string) time.Duration {
	today() // seconds since 1970 had one digit less when a bubble's time begins
	s := newService(func(n int, req *http.Request) (*http.Response, error) {
		if n > 1 {
			return reply(req, 200), nil
		}
		return reply(req, status, fields(time.Now())...), nil
	})
	client := bundled(httpclient.WithQuota(reader))(s)
	get(context.Background(), client, "http://upstream.test/")
	get(context.Background(), client, "http://upstream.test/")
	return s.record()[1].at
}

var _ = rule("RL-004", func() {
	It("of one list", inVirtualTime(func() {
		wait := nextAfter(200, httpclient.IETFQuota, func(time.Time) []string {
			return []string{"RateLimit", `"minute";r=5;t=2, "day";r=0;t=4`}
		})
		Expect(wait).To(And(BeNumerically(">=", 4*time.Second), BeNumerically("<=", 5*time.Second)))
	}))

	It("of requests and tokens", inVirtualTime(func() {
		wait := nextAfter(200, httpclient.OpenAIQuota, func(time.Time) []string {
			return []string{"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "1s",
				"x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "4s"}
		})
		Expect(wait).To(And(BeNumerically(">=", 4*time.Second), BeNumerically("<=", 5*time.Second)))
	}))
})

var _ = rule("RL-005", func() {
	const restored = 20 * time.Second
	epoch := func(now time.Time) string { return strconv.FormatInt(now.Add(restored).Unix(), 10) }
	for _, style := range []struct {
		name   string
		status int
		reader httpclient.QuotaReader
		fields func(now time.Time) []string
		reset  time.Duration
	}{
		{"IETF, seconds from now", 200, httpclient.IETFQuota, func(time.Time) []string {
			return []string{"RateLimit-Remaining", "0", "RateLimit-Reset", "20"}
		}, restored},
		{"IETF of draft 07", 200, httpclient.IETFQuota, func(time.Time) []string {
			return []string{"RateLimit", "limit=100, remaining=0, reset=20"}
		}, restored},
		{"GitHub, seconds since 1970", 403, httpclient.GitHubQuota, func(now time.Time) []string {
			return []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", epoch(now)}
		}, restored},
		{"Discord, seconds with a fraction", 429, httpclient.DiscordQuota, func(time.Time) []string {
			return []string{"X-RateLimit-Global", "true", "X-RateLimit-Reset-After", "20.500"}
		}, restored + 500*time.Millisecond},
		{"OpenAI, a duration", 429, httpclient.OpenAIQuota, func(time.Time) []string {
			return []string{"x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "0m20s"}
		}, restored},
		{"OpenAI, milliseconds", 200, httpclient.OpenAIQuota, func(time.Time) []string {
			return []string{"x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "250ms"}
		}, 250 * time.Millisecond},
		{"Anthropic, a time of RFC 3339", 429, httpclient.AnthropicQuota, func(now time.Time) []string {
			return []string{"anthropic-ratelimit-requests-remaining", "0", "anthropic-ratelimit-requests-reset", now.Add(restored).UTC().Format(time.RFC3339)}
		}, restored},
		{"Shopify, a full bucket", 200, httpclient.ShopifyQuota, func(time.Time) []string {
			return []string{"X-Shopify-Shop-Api-Call-Limit", "40/40"}
		}, 500 * time.Millisecond},
		{"generic, seconds since 1970", 429, httpclient.GenericQuota, func(now time.Time) []string {
			return []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", epoch(now)}
		}, restored},
		{"generic, milliseconds since 1970", 429, httpclient.GenericQuota, func(now time.Time) []string {
			return []string{"X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", epoch(now) + "000"}
		}, restored},
		{"generic, seconds from now", 429, httpclient.GenericQuota, func(time.Time) []string {
			return []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "20"}
		}, restored},
	} {
		It(style.name, inVirtualTime(func() {
			wait := nextAfter(style.status, style.reader, style.fields)
			Expect(wait).To(And(BeNumerically(">=", style.reset), BeNumerically("<=", style.reset*3/2)))
		}))
	}

	It("and a bucket that is not full does not hold back", inVirtualTime(func() {
		Expect(nextAfter(200, httpclient.ShopifyQuota, func(time.Time) []string {
			return []string{"X-Shopify-Shop-Api-Call-Limit", "32/40"}
		})).To(BeZero())
	}))
})

var _ = rule("RL-006", func() {
	It("as the client is set", func() {
		floor := func(base http.RoundTripper) *http.Client {
			throttled := resilience.BackoffSettings{Base: 2 * time.Minute, Max: time.Hour, Jitter: resilience.JitterEqual}
			return bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 5, ThrottleBackoff: must(resilience.NewBackoff(throttled)), Seed: 1}))(base)
		}
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 429, text: slow down}]}]
drive: {request: GET /items/:call, calls: 20, concurrency: 20}
expect: [waits: {at_least: 60s, after: 429}, backoff_grows, attempts: {per_call: 5}]
`, floor)).To(suites.Pass())
	})
})

var _ = rule("RL-007", func() {
	It("GitHub's 403 without calls left, and no other 403", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			switch n {
			case 1:
				return reply(req, 403, "x-ratelimit-remaining", "0", "x-ratelimit-reset", strconv.FormatInt(time.Now().Add(5*time.Second).Unix(), 10)), nil
			case 2:
				return reply(req, 200), nil
			}
			return reply(req, 403, "x-ratelimit-remaining", "7", "x-ratelimit-reset", strconv.FormatInt(time.Now().Add(5*time.Second).Unix(), 10)), nil
		})
		client := bundled(httpclient.WithQuota(httpclient.GitHubQuota))(s)
		Expect(get(context.Background(), client, "http://upstream.test/").good()).To(BeTrue())
		Expect(s.record()[1].at).To(BeNumerically(">=", 5*time.Second))
		Expect(get(context.Background(), client, "http://upstream.test/").status).To(Equal(403))
		Expect(s.record()).To(HaveLen(3))
	}))
})

var _ = rule("RL-008", func() {
	const (
		rate        = 50.0
		burst       = 5
		concurrency = 4
	)
	// overload makes ten times as many calls as may be made, for ten seconds, of which every third attempt fails and is repeated.
	overload := func(options ...httpclient.Option) (*service, []op) {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			return reply(req, map[bool]int{true: 503, false: 200}[n%3 == 0]), nil
		})
		s.takes = 20 * time.Millisecond
		retry := resilience.RetrySettings{Backoff: resilience.NoBackoff()}
		return s, getEvery(bundled(append(options, httpclient.WithRetry(retry))...)(s), 5000, 2*time.Millisecond)
	}

	It("the rate, retries too", inVirtualTime(func() {
		s, ops := overload(httpclient.WithLimiter(resilience.LimiterSettings{Rate: rate, Burst: burst, MaxWait: 2 * time.Second}))
		came := s.record()
		Expect(tooMany(came, rate, burst)).To(BeZero())
		// Nothing is lost either: from the first attempt to the last, what the rate allows is used.
		Expect(float64(len(came))).To(BeNumerically(">=", 0.99*(burst+rate*came[len(came)-1].at.Seconds())))
		Expect(count(ops, op.good)).To(BeNumerically(">=", 300))
		for _, o := range ops {
			Expect(o.took).To(BeNumerically("<", 10*time.Second), "nobody starves")
		}
	}))

	It("the rate, for those who come when the last that waited has gone", inVirtualTime(func() {
		s := newService(always(200))
		client := bundled(httpclient.WithLimiter(resilience.LimiterSettings{Rate: rate, Burst: burst}))(s)
		for range 3 {
			Expect(count(getEvery(client, 25, 0), op.good)).To(Equal(25)) // five go, twenty wait
		}
		Expect(tooMany(s.record(), rate, burst)).To(BeZero())
		Expect(s.record()).To(HaveLen(75))
	}))

	It("the concurrency, retries too", inVirtualTime(func() {
		s, ops := overload(httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: concurrency, MaxQueue: 100, MaxWait: 2 * time.Second}))
		Expect(s.peak).To(Equal(concurrency))
		Expect(len(s.record())).To(BeNumerically(">=", 1900), "four places of 20 ms for ten seconds")
		Expect(count(ops, op.good)).To(BeNumerically(">=", 1000))
	}))

	It("which is not so without", inVirtualTime(func() {
		s, _ := overload()
		Expect(tooMany(s.record()[:1000], rate, burst)).To(BeNumerically(">", 100))
		Expect(s.peak).To(BeNumerically(">", concurrency))
	}))
})

var _ = rule("RL-009", func() {
	// Discord has a bucket for each route, and one for all.
	others := func(global string) (came []arrival) {
		suites.InBubble(theT(), func() {
			s := newService(func(n int, req *http.Request) (*http.Response, error) {
				if n == 1 {
					return reply(req, 200, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "5.000", "X-RateLimit-Global", global), nil
				}
				return reply(req, 200), nil
			})
			client := bundled(httpclient.WithQuota(httpclient.DiscordQuota))(s)
			get(context.Background(), client, "http://upstream.test/channels/1/messages")
			for range 10 {
				get(context.Background(), client, "http://upstream.test/users/1")
			}
			came = s.record()[1:]
		})
		return came
	}

	It("a bucket of its own", func() {
		for _, a := range others("false") {
			Expect(a.at).To(BeZero())
		}
	})

	It("and its own is left alone", inVirtualTime(func() {
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			return reply(req, 200, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset-After", "5.000"), nil
		})
		client := bundled(httpclient.WithQuota(httpclient.DiscordQuota), httpclient.WithRouteQuota(nil, httpclient.DiscordBucket))(s)
		for _, path := range []string{"/channels/1", "/channels/2", "/channels/1"} {
			get(context.Background(), client, "http://upstream.test"+path)
		}
		came := s.record()
		Expect(came[1].at).To(BeZero())
		Expect(came[2].at).To(BeNumerically(">=", 5*time.Second))
	}))

	It("the one of all", func() {
		for _, a := range others("true") {
			Expect(a.at).To(BeNumerically(">=", 5*time.Second))
		}
	})
})
