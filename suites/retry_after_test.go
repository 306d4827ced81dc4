package suites_test

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

var _ = rule("RA-001", func() {
	DescribeTable("no earlier, and not much later", func(options ...httpclient.Option) {
		Expect(judged(`
routes:
  - {match: GET /a/:id, answers: [{status: 503, retry_after: 2s}, {status: 200}]}
  - {match: GET /b/:id, answers: [{status: 429, retry_after: 2s}, {status: 200}]}
drive: {request: [GET /a/:call, GET /b/:call], calls: 6}
expect: [succeeds: all, honours_retry_after: {late: 1s}, attempts: {per_call: 2}]
`, bundled(options...))).To(suites.Pass())
	},
		Entry("with all calls to the host"),
		Entry("with the one call alone", httpclient.WithoutHostPause()),
		Entry("through the limiter", httpclient.WithLimiter(resilience.LimiterSettings{Rate: 100})),
	)

	It("in milliseconds too, as OpenAI sends it", func() {
		Expect(judged(`
routes: [{match: GET /a/:id, answers: [{status: 429, retry_after: {in: 2500ms, as: ms}}, {status: 200}]}]
drive: {request: GET /a/:call, calls: 3}
expect: [succeeds: all, honours_retry_after: {late: 1s}]
`, bundled())).To(suites.Pass())
	})
})

// asDate expects that a date of one form is waited for, by all calls to the host and by the one call alone.
func asDate(form string) func() {
	return func() {
		for _, client := range []suites.NewClient{bundled(), bundled(httpclient.WithoutHostPause())} {
			Expect(judged(`
routes:
  - {match: GET /a/:id, answers: [{status: 503, retry_after: {in: 3s, as: `+form+`}}, {status: 200}]}
  - {match: GET /b/:id, answers: [{status: 429, retry_after: {in: 3s, as: `+form+`}}, {status: 200}]}
drive: {request: [GET /a/:call, GET /b/:call], calls: 6}
expect: [succeeds: all, honours_retry_after: {late: 1s}]
`, client)).To(suites.Pass())
		}
	}
}

var _ = rule("RA-002", func() {
	It("no earlier, and not much later", asDate("date"))

	It("also where the clocks of server and client differ", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			if n > 1 {
				return reply(req, 200), nil
			}
			ahead := time.Now().UTC().Add(48 * time.Hour)
			resp := reply(req, 503, "Retry-After", ahead.Add(3*time.Second).Format(http.TimeFormat))
			resp.Header.Set("Date", ahead.Format(http.TimeFormat))
			return resp, nil
		})
		o := get(context.Background(), bundled()(s), "http://upstream.test/")
		Expect(o.good()).To(BeTrue())
		Expect(o.took).To(BeNumerically("~", 3*time.Second+150*time.Millisecond, 150*time.Millisecond))
	}))
})

var _ = rule("RA-003", func() {
	It("as RFC 850 had it", asDate("rfc850"))
	It("as C's asctime has it", asDate("asctime"))

	It("with a year of two digits that is long past", inVirtualTime(func() {
		today()
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			if n > 1 {
				return reply(req, 200), nil
			}
			return reply(req, 503, "Retry-After", "Sunday, 06-Nov-94 08:49:37 GMT"), nil
		})
		o := get(context.Background(), bundled()(s), "http://upstream.test/")
		Expect(o.good()).To(BeTrue())
		Expect(o.took).To(BeNumerically("<=", resilience.DefaultBackoffBase), "the client's own pause")
	}))
})

var _ = rule("RA-004", func() {
	DescribeTable("but the client's own backoff",
		func(in string) {
			Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 429, retry_after: `+in+`, times: 5}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 20, concurrency: 20}
expect: [succeeds: all, no_hot_loop: {mean: 100ms}]
`, bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 6, Seed: 2})))).To(suites.Pass())
		},
		Entry("of no seconds", "0s"),
		Entry("of a date that is over", "{in: -10s, as: date}"),
	)
})

var _ = rule("RA-005", func() {
	// gap returns how long the client waits after a 503 with these fields.
	gap := func(fields ...string) time.Duration {
		var waited time.Duration
		suites.InBubble(theT(), func() {
			s := newService(func(n int, req *http.Request) (*http.Response, error) {
				if n > 1 {
					return reply(req, 200), nil
				}
				return reply(req, 503, fields...), nil
			})
			client := bundled(httpclient.WithRetry(resilience.RetrySettings{Seed: 9}))(s)
			Expect(get(context.Background(), client, "http://upstream.test/").good()).To(BeTrue())
			waited = s.record()[1].at
		})
		return waited
	}
	DescribeTable("so that the pause is the one without the header",
		func(fields ...string) { Expect(gap(fields...)).To(Equal(gap())) },
		Entry("a word", "Retry-After", "abc"),
		Entry("a negative number", "Retry-After", "-3"),
		Entry("nothing", "Retry-After", ""),
		Entry("two of them", "Retry-After", "5", "Retry-After", "50"),
		Entry("25 digits", "Retry-After", digits(25)),
		Entry("4 KiB of digits", "Retry-After", digits(4096)),
		Entry("a date without a zone", "Retry-After", "Mon, 23 Nov 2026 12:00:00"),
		Entry("an unknown unit", "Retry-After", "2 minutes"),
	)

	It("but for a fraction, which Shopify sends", func() {
		Expect(gap("Retry-After", "2.5")).To(And(BeNumerically(">=", 2*time.Second), BeNumerically("<=", 3500*time.Millisecond)))
	})
})

// digits returns a number of so many digits.
func digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '9'
	}
	return string(b)
}

var _ = rule("RA-006", func() {
	DescribeTable("so the call ends at once, and tells the delay",
		func(value string, least time.Duration) {
			suites.InBubble(theT(), func() {
				s := newService(func(_ int, req *http.Request) (*http.Response, error) {
					return reply(req, 429, "Retry-After", value), nil
				})
				o := get(context.Background(), bundled()(s), "http://upstream.test/")
				Expect(o.status, o.err).To(Equal(429))
				Expect(o.took).To(BeZero())
				why := httpclient.Reason(o.resp)
				Expect(why).To(MatchError(resilience.ReasonDelay))
				Expect(why.Delay).To(BeNumerically(">=", least))
				time.Sleep(time.Hour)
				Expect(s.record()).To(HaveLen(1))
			})
		},
		Entry("an hour", "3600", time.Hour),
		Entry("longer than a time.Duration", "9223372037", 290*365*24*time.Hour),
		Entry("a date next year", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat), 364*24*time.Hour),
	)

	It("and waits it out below the ceiling", func() {
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 429, retry_after: 50s}, {status: 200}]}]
drive: {request: GET /items/:call}
expect: [succeeds: all, honours_retry_after]
`, bundled())).To(suites.Pass())
	})
})

var _ = rule("RA-007", func() {
	It("when the redirect stays with the server", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return reply(req, 307, "Location", "/there", "Retry-After", "2"), nil
			}
			return reply(req, 200), nil
		})
		Expect(get(context.Background(), bundled()(s), "http://upstream.test/here").good()).To(BeTrue())
		came := s.record()
		Expect(came).To(HaveLen(2))
		Expect(came[1].path).To(Equal("/there"))
		Expect(came[1].at).To(BeNumerically(">=", 2*time.Second))
	}))
})

var _ = rule("RA-008", func() {
	It("where RateLimit names an earlier time", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return reply(req, 429, "Retry-After", "3", "RateLimit", `"default";r=0;t=1`), nil
			}
			return reply(req, 200), nil
		})
		client := bundled(httpclient.WithQuota(httpclient.IETFQuota))(s)
		Expect(get(context.Background(), client, "http://upstream.test/").good()).To(BeTrue())
		Expect(s.record()[1].at).To(BeNumerically(">=", 3*time.Second))
	}))
})

var _ = rule("RA-009", func() {
	// others counts the attempts of other calls that came while the one that was told to wait waits, of about 60 that began.
	others := func(options ...httpclient.Option) int {
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 200}]}]
faults: [{name: throttled, when: {nth: 21}, status: 429, retry_after: 3s}]
drive: {request: GET /items/:call, rate: 20/s, for: 10s}
expect: [succeeds: all, honours_retry_after]
`, bundled(options...))
		Expect(r.Verdict).To(suites.Pass())
		told := r.Log.Attempts[20]
		Expect(told.HasDue).To(BeTrue())
		n := 0
		for _, a := range r.Log.Attempts {
			if a.First > told.Sent && a.First < told.Due {
				n++
			}
		}
		return n
	}

	It("so the host is left alone", func() { Expect(others()).To(BeZero()) })
	It("also behind a limiter", func() {
		Expect(others(httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1000}))).To(BeZero())
	})
	It("unless the client was told that others may go on", func() {
		Expect(others(httpclient.WithoutHostPause())).To(BeNumerically(">=", 55))
	})
})

var _ = rule("RA-010", func() {
	DescribeTable("with the last answer, or why there is none",
		func(calls int) {
			suites.InBubble(theT(), func() {
				s := newService(func(_ int, req *http.Request) (*http.Response, error) {
					return reply(req, 503, "Retry-After", "10"), nil
				})
				client := bundled()(s)
				for i := range calls {
					ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
					o := get(ctx, client, "http://upstream.test/")
					cancel()
					Expect(o.took).To(BeZero())
					if i == 0 {
						Expect(o.status, o.err).To(Equal(503))
						Expect(httpclient.Reason(o.resp)).To(MatchError(resilience.ReasonDeadline))
						continue
					}
					Expect(o.err).To(MatchError(httpclient.ErrPaused)) // the host was told on behalf of everyone
				}
				Expect(s.record()).To(HaveLen(1))
			})
		},
		Entry("the call that was told", 1),
		Entry("and those that come after it", 3),
	)
})
