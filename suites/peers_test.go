package suites_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// What libraries in wide use were seen to do wrong, each as a scenario in which the bundled library must do right. The comments name
// who fails, in the version measured: gobreaker 2.4.0, failsafe-go 0.9.8, go-retryablehttp 0.7.8, x/time 0.16.0, backoff 5.0.3,
// mercari 0.0.2, go-resiliency 1.7.0, goresilience 0.2.0, Watermill 1.5.1, fiber 3.1.0.
var _ = Describe("where peers fail", Label("peers"), func() {
	errDown := errors.New("down")
	tripped := func(s resilience.BreakerSettings) *resilience.Breaker {
		s.OpenFor = time.Second
		b := must(resilience.NewBreaker(s))
		b.Trip()
		return b
	}
	fine := func(context.Context) error { return nil }

	It("a half-open probe that never returns loses its place, and its late result counts nowhere: gobreaker", inVirtualTime(func() {
		b := tripped(resilience.BreakerSettings{ProbeLease: 5 * time.Second})
		time.Sleep(time.Second)
		hung := must(b.Acquire(context.Background()))
		Expect(b.Run(context.Background(), fine)).To(MatchError(resilience.ErrOpen))
		time.Sleep(5 * time.Second)
		Expect(b.Run(context.Background(), fine)).To(Succeed())
		hung.Done(resilience.OutcomeFailure)
		Expect(b.State()).To(Equal(resilience.StateClosed))
	}))

	DescribeTable("of 200 calls at a half-open breaker exactly the probes pass: mercari and go-resiliency let 200 through",
		func(probes int) {
			inVirtualTime(func() {
				b := tripped(resilience.BreakerSettings{Probes: probes})
				time.Sleep(time.Second)
				var passed atomic.Int32
				var all sync.WaitGroup
				for range 200 {
					all.Go(func() {
						_ = b.Run(context.Background(), func(context.Context) error {
							passed.Add(1)
							time.Sleep(time.Millisecond)
							return nil
						})
					})
				}
				all.Wait()
				Expect(passed.Load()).To(BeEquivalentTo(probes))
			})()
		},
		Entry("one", 1), Entry("seven", 7),
	)

	It("50 successes of calls from before the trip do not close it: failsafe-go", inVirtualTime(func() {
		b := must(resilience.NewBreaker(resilience.BreakerSettings{OpenFor: time.Second}))
		var early []resilience.Permit
		for range 50 {
			early = append(early, must(b.Acquire(context.Background())))
		}
		b.Trip()
		time.Sleep(time.Second)
		probe := must(b.Acquire(context.Background()))
		for _, p := range early {
			p.Done(resilience.OutcomeSuccess)
		}
		Expect(b.State()).To(Equal(resilience.StateHalfOpen))
		probe.Done(resilience.OutcomeSuccess)
		Expect(b.State()).To(Equal(resilience.StateClosed))
	}))

	It("callers who cancel do not open it: gobreaker and failsafe-go", inVirtualTime(func() {
		b := must(resilience.NewBreaker(resilience.BreakerSettings{ConsecutiveFailures: 5}))
		for range 6 {
			ctx, cancel := context.WithCancel(context.Background())
			Expect(b.Run(ctx, func(context.Context) error { cancel(); return ctx.Err() })).To(MatchError(context.Canceled))
		}
		Expect(b.State()).To(Equal(resilience.StateClosed))
		Expect(b.Counts().ConsecutiveFailures).To(BeZero())
	}))

	It("a quarter of failures does not open what opens at 90 %: goresilience", inVirtualTime(func() {
		b := must(resilience.NewBreaker(resilience.BreakerSettings{FailureRate: 0.9, MinCalls: 20}))
		for i := range 1000 {
			_ = b.Run(context.Background(), func(context.Context) error {
				if i%4 == 0 {
					return errDown
				}
				return nil
			})
			Expect(b.State()).To(Equal(resilience.StateClosed), "call %d", i+1)
		}
	}))

	It("the answers to failed attempts are read to their end and closed: failsafe-go leaks each", inVirtualTime(func() {
		var open atomic.Int32
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			resp := reply(req, map[bool]int{true: 503, false: 200}[n <= 3])
			open.Add(1)
			resp.Body = &countedBody{resp.Body, &open, n > 3} // the last one is the caller's, who need not read it
			return resp, nil
		})
		resp := must(bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4}))(s).Get("http://upstream.test/"))
		Expect(resp.StatusCode).To(Equal(200))
		Expect(open.Load()).To(BeEquivalentTo(1))
		Expect(resp.Body.Close()).To(Succeed())
		Expect(open.Load()).To(BeZero())
	}))

	It("a stream is kept within a bound or not repeated, and the caller's request stays as it was: failsafe-go and go-retryablehttp", inVirtualTime(func() {
		for _, limit := range []int64{1 << 10, 4} {
			var bodies []string
			s := newService(func(n int, req *http.Request) (*http.Response, error) {
				b := must(io.ReadAll(req.Body))
				Expect(req.Body.Close()).To(Succeed())
				bodies = append(bodies, string(b))
				return reply(req, map[bool]int{true: 503, false: 200}[n == 1]), nil
			})
			body := &closedOnce{Reader: strings.NewReader("a stream")}
			req := must(http.NewRequest(http.MethodPut, "http://upstream.test/", body))
			resp := must(must(httpclient.New(s, httpclient.WithBodyBuffer(limit))).RoundTrip(req))
			Expect(req.Body).To(BeIdenticalTo(body))
			Expect(body.closed).To(Equal(1))
			if limit > 8 {
				Expect(bodies).To(Equal([]string{"a stream", "a stream"}))
			} else {
				Expect(bodies).To(Equal([]string{"a stream"}))
				Expect(httpclient.Reason(resp)).To(MatchError(ContainSubstring("longer than the 4 bytes kept")))
			}
		}
	}))

	It("where there is a GetBody it is used, from the second attempt on: failsafe-go and go-retryablehttp copy", inVirtualTime(func() {
		var got []io.Reader
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			got = append(got, req.Body)
			return reply(req, map[bool]int{true: 503, false: 200}[n == 1]), nil
		})
		first, again := io.NopCloser(strings.NewReader("x")), io.NopCloser(strings.NewReader("x"))
		req := must(http.NewRequest(http.MethodPut, "http://upstream.test/", first))
		opened := 0
		req.GetBody = func() (io.ReadCloser, error) { opened++; return again, nil }
		must(must(httpclient.New(s)).RoundTrip(req))
		Expect(got).To(Equal([]io.Reader{first, again}))
		Expect(opened).To(Equal(1))
	}))

	It("a POST without a key is not sent again: failsafe-go and go-retryablehttp", inVirtualTime(func() {
		s := newService(always(503))
		resp := must(bundled()(s).Post("http://upstream.test/", "text/plain", strings.NewReader("x")))
		Expect(s.record()).To(HaveLen(1))
		Expect(httpclient.Reason(resp)).To(MatchError(resilience.ReasonUnrepeatable))
	}))

	DescribeTable("Retry-After is read in every form, and never makes a hot loop: failsafe-go and go-retryablehttp",
		func(field string, least, most time.Duration, attempts int) {
			inVirtualTime(func() {
				s := newService(func(n int, req *http.Request) (*http.Response, error) {
					return reply(req, map[bool]int{true: 503, false: 200}[n == 1], "Retry-After", field, "Date", "Sat, 01 Jan 2000 00:00:00 GMT"), nil
				})
				client := bundled(httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.ConstantBackoff(100 * time.Millisecond)}))
				must(client(s).Get("http://upstream.test/"))
				came := s.record()
				Expect(came).To(HaveLen(attempts))
				Expect(came[attempts-1].at).To(And(BeNumerically(">=", least), BeNumerically("<=", most)))
			})()
		},
		Entry("seconds", "3", 3*time.Second, 3300*time.Millisecond, 2),
		Entry("a date of RFC 850, beside a Date of its own", "Saturday, 01-Jan-00 00:00:03 GMT", 3*time.Second, 3300*time.Millisecond, 2),
		Entry("longer than a Duration", "9223372037", time.Duration(0), time.Duration(0), 1),
		Entry("negative", "-5", 100*time.Millisecond, 100*time.Millisecond, 2),
	)

	It("a wait beyond the deadline ends the call at once, with the last answer: failsafe-go and go-retryablehttp sleep and lose it", inVirtualTime(func() {
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			return reply(req, 503, "Retry-After", "60"), nil
		})
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		resp := must(must(httpclient.New(s)).RoundTrip(must(http.NewRequestWithContext(ctx, http.MethodGet, "http://upstream.test/", nil))))
		Expect(time.Since(s.began)).To(BeZero())
		Expect(resp.StatusCode).To(Equal(503))
		Expect(httpclient.Reason(resp)).To(And(MatchError(resilience.ReasonDeadline), HaveField("Delay", BeNumerically(">=", time.Minute))))
	}))

	It("with a context that is done nothing is tried: backoff", inVirtualTime(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := resilience.Do(ctx, func(context.Context) (int, error) { panic("called") }, must(resilience.NewRetry(resilience.RetrySettings{})))
		Expect(err).To(And(MatchError(context.Canceled), HaveField("Attempts", 0)))
	}))

	It("a server's delay beyond what is allowed is told in the error: backoff gives up and says nothing", inVirtualTime(func() {
		r := must(resilience.NewRetry(resilience.RetrySettings{MaxElapsed: 15 * time.Minute, MaxPushback: time.Hour}))
		err := r.Run(context.Background(), func(context.Context) error { return resilience.RetryAfter(errDown, 1000*time.Second) })
		Expect(err).To(And(MatchError(errDown), MatchError(resilience.ReasonElapsed), HaveField("Delay", BeNumerically(">=", 1000*time.Second))))
	}))

	It("when all fails a budget of 20 % lets 20 % more through, and its reserve: failsafe-go's lets 82 %", inVirtualTime(func() {
		budget := must(resilience.NewBudget(resilience.BudgetSettings{Tokens: 10}))
		r := must(resilience.NewRetry(resilience.RetrySettings{MaxAttempts: 4, Backoff: resilience.ConstantBackoff(time.Millisecond), Budget: budget}))
		const workers, calls = 64, 100
		var attempts atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range calls {
					_ = r.Run(context.Background(), func(context.Context) error {
						attempts.Add(1)
						time.Sleep(time.Millisecond)
						return errDown
					})
				}
			})
		}
		all.Wait()
		Expect(attempts.Load()).To(BeNumerically("<=", workers*calls*120/100+10))
	}))

	It("100 cancelled waiters cost the next caller one interval: x/time/rate 0.7 s, failsafe-go 2 s", inVirtualTime(func() {
		l := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: 100}))
		Expect(l.Wait(context.Background())).To(Succeed())
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _ = l.Wait(ctx) })
		}
		time.Sleep(time.Millisecond)
		cancel()
		all.Wait()
		start := time.Now()
		Expect(l.Wait(context.Background())).To(Succeed())
		Expect(time.Since(start)).To(BeNumerically("<=", 10*time.Millisecond))
	}))

	It("64 goroutines that try flat out never get more than the limit: x/time/rate 12 times as much", func() { // on the real clock: in a bubble time would stand still
		const rate, burst = 200_000, 100
		l := must(resilience.NewLimiter(resilience.LimiterSettings{Rate: rate, Burst: burst}))
		start := time.Now()
		var admitted atomic.Int64
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for range 5000 {
					if l.Allow() {
						admitted.Add(1)
					}
				}
			})
		}
		all.Wait()
		Expect(float64(admitted.Load())).To(BeNumerically("<=", burst+rate*time.Since(start).Seconds()))
	})

	It("an event whose handler failed is handled when it is delivered again: Watermill acknowledges it", inVirtualTime(func() {
		d := must(resilience.NewDedupe(resilience.DedupeSettings{}))
		Expect(d.Key("evt_1").Run(context.Background(), func(context.Context) error { return errDown })).To(MatchError(errDown))
		handled := 0
		for range 3 {
			_ = d.Key("evt_1").Run(context.Background(), func(context.Context) error { handled++; return nil })
		}
		Expect(handled).To(Equal(1))
	}))

	It("of 200,000 events with ids in sequence none is taken for another: Watermill drops 99.7 % of a million", func() {
		d := must(resilience.NewDedupe(resilience.DedupeSettings{}))
		for i := range 200_000 {
			c, err := d.Claim("evt_" + strconv.Itoa(i))
			if err != nil || c.Commit() != nil {
				Fail(text("event %d: %v", i, err))
			}
		}
	})

	It("a key with another body or another path is refused, and one of another account is another: fiber and idem replay", inVirtualTime(func() {
		once := must(httpserver.NewIdempotency(must(store.NewMemory(store.MemorySettings{})), httpserver.IdempotencySettings{
			Principal: func(r *http.Request) string { return r.Header.Get("Account") },
			Route:     func(*http.Request) string { return "payments" },
		}))
		ran := 0
		h := once.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ran++
			w.WriteHeader(http.StatusCreated)
		}))
		send := func(account, path, body string) int {
			r, w := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)), httptest.NewRecorder()
			r.Header.Set("Idempotency-Key", "k1")
			r.Header.Set("Account", account)
			h.ServeHTTP(w, r)
			return w.Code
		}
		Expect(send("a", "/payments/1", "10")).To(Equal(201))
		Expect(send("a", "/payments/1", "99")).To(Equal(422))
		Expect(send("a", "/payments/2", "10")).To(Equal(422))
		Expect(send("a", "/payments/1", "10")).To(Equal(201))
		Expect(ran).To(Equal(1))
		Expect(send("b", "/payments/1", "99")).To(Equal(201))
		Expect(ran).To(Equal(2))
	}))
})

// countedBody counts the bodies that were not closed, or not read to their end before.
type countedBody struct {
	io.ReadCloser
	open *atomic.Int32
	read bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read = b.read || err == io.EOF
	return n, err
}

func (b *countedBody) Close() error {
	if b.open != nil && b.read {
		b.open.Add(-1)
		b.open = nil
	}
	return b.ReadCloser.Close()
}

// closedOnce counts how often it is closed.
type closedOnce struct {
	io.Reader
	closed int
}

func (c *closedOnce) Close() error { c.closed++; return nil }
