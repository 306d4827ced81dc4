package suites_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

// fourAttempts is a client with one attempt more than the default, which scenarios with three failures need.
var fourAttempts = httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4})

var _ = rule("RETRY-001", func() {
	It("after two 503s", func() {
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 503, times: 2}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 3, concurrency: 3}
expect: [succeeds: all, attempts: {per_call: 3}]
`, bundled())).To(suites.Pass())
	})

	It("after a connection that is reset before any byte", func() {
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{reset: before-headers, times: 2}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 1}
expect: [succeeds: all, attempts: {per_call: 3}]
`, bundled())).To(suites.Pass())
	})
})

var _ = rule("RETRY-002", func() {
	It("by the documented set", func() {
		var yaml strings.Builder
		var requests, exactly []string
		yaml.WriteString("routes:\n")
		for status := 400; status < 600; status++ {
			if http.StatusText(status) == "" {
				continue
			}
			yaml.WriteString(text("  - {match: GET /s%d/:id, answers: [{status: %d}, {status: 200, optional: true}]}\n", status, status))
			requests = append(requests, text("GET /s%d/:call", status))
			switch status {
			case 408, 425, 429, 500, 502, 503, 504, 507:
				exactly = append(exactly, text("%d", status))
			}
		}
		yaml.WriteString("drive: {request: [" + strings.Join(requests, ", ") + "], concurrency: 8}\n")
		yaml.WriteString("expect: [retries_on: {exactly: [" + strings.Join(exactly, ", ") + "]}]\n")
		Expect(judged(yaml.String(), bundled())).To(suites.Pass())
	})

	It("by a set of the caller's own", func() {
		only503 := httpclient.WithRetryableStatus(func(status int) bool { return status == 503 })
		Expect(judged(`
profile: {retries_on: [503]}
routes:
  - {match: GET /a/:id, answers: [{status: 503}, {status: 200}]}
  - {match: GET /b/:id, answers: [{status: 500}, {status: 200, optional: true}]}
  - {match: GET /c/:id, answers: [{status: 429}, {status: 200, optional: true}]}
drive: {request: [GET /a/:call, GET /b/:call, GET /c/:call]}
expect: [retries_on]
`, bundled(only503))).To(suites.Pass())
	})
})

var _ = rule("RETRY-003", func() {
	const unknownOutcomes = `
routes:
  - {match: /500, answers: [{status: 500}, {status: 201, optional: true}]}
  - {match: /502, answers: [{status: 502}, {status: 201, optional: true}]}
  - {match: /504, answers: [{status: 504}, {status: 201, optional: true}]}
  - {match: /reset, answers: [{reset: before-headers}, {status: 201, optional: true}]}
  - {match: /stall, answers: [{status: 201, delay: 1m}, {status: 201, optional: true}]}
`
	requests := func(method string) string {
		var list []string
		for _, path := range []string{"/500", "/502", "/504", "/reset", "/stall"} {
			list = append(list, method+" "+path)
		}
		return strings.Join(list, ", ")
	}
	timeout := httpclient.WithAttemptTimeout(time.Second)

	for _, method := range []string{"POST", "PATCH"} {
		It("is not: "+method+" without a key", func() {
			Expect(judged(unknownOutcomes+`
drive: {request: [`+requests(method)+`], json: {item: 1}}
expect: [no_unsafe_retry, attempts: {per_call: 1}]
`, bundled(timeout))).To(suites.Pass())
		})

		It("is: "+method+" with a key that stays", func() {
			Expect(judged(unknownOutcomes+`
drive: {request: [`+requests(method)+`], json: {item: 1}}
expect: [succeeds: all, no_unsafe_retry, same_idempotency_key, attempts: {per_call: 2}]
`, onFreshConnections(bundled(timeout, httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))))).To(suites.Pass())
		})
	}
})

var _ = rule("RETRY-004", func() {
	It("is a POST whose connection was never made", inVirtualTime(func() {
		dials := 0
		base := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, &net.OpError{Op: "dial", Net: "memory", Err: errors.New("connection refused")}
		}}
		o := do(context.Background(), bundled()(base), http.MethodPost, "http://upstream.test/orders", "item=1")
		Expect(o.err).To(MatchError(resilience.ReasonAttempts))
		Expect(dials).To(Equal(resilience.DefaultMaxAttempts))
	}))
})

var _ = rule("RETRY-005", func() {
	It("at once, and in the middle", func() {
		Expect(judged(`
routes:
  - {match: GET /400, answers: [{status: 400}]}
  - {match: GET /401, answers: [{status: 401}]}
  - {match: GET /403, answers: [{status: 403}]}
  - {match: GET /404, answers: [{status: 404}]}
  - {match: GET /405, answers: [{status: 405}]}
  - {match: GET /406, answers: [{status: 406}]}
  - {match: GET /410, answers: [{status: 410}]}
  - {match: GET /411, answers: [{status: 411}]}
  - {match: GET /413, answers: [{status: 413}]}
  - {match: GET /415, answers: [{status: 415}]}
  - {match: GET /422, answers: [{status: 422}]}
  - {match: GET /451, answers: [{status: 451}]}
  - {match: GET /later, name: later, answers: [{status: 503}, {status: 400}]}
drive:
  request: [GET /400, GET /401, GET /403, GET /404, GET /405, GET /406, GET /410, GET /411, GET /413, GET /415, GET /422, GET /451, GET /later]
  settle: 1m
expect: [never_retries, attempts: {per_call: 2, route: later}]
`, bundled())).To(suites.Pass())
	})
})

var _ = rule("RETRY-006", func() {
	It("471 like 400, 599 like 500, 299 like 200", func() {
		r := observed(`
routes:
  - {match: GET /a/:id, name: "400", answers: [{status: 400}, {status: 200, optional: true}]}
  - {match: GET /b/:id, name: "471", answers: [{status: 471}, {status: 200, optional: true}]}
  - {match: GET /c/:id, name: "500", answers: [{status: 500}, {status: 200, optional: true}]}
  - {match: GET /d/:id, name: "599", answers: [{status: 599}, {status: 200, optional: true}]}
  - {match: GET /e/:id, name: "299", answers: [{status: 299}]}
drive: {request: [GET /a/:call, GET /b/:call, GET /c/:call, GET /d/:call, GET /e/:call]}
expect: [attempts: {max: 2}]
`, bundled())
		Expect(r.Verdict).To(suites.Pass())
		Expect(r.on("400")).To(HaveLen(1))
		Expect(r.on("471")).To(HaveLen(1))
		Expect(r.on("500")).To(HaveLen(2))
		Expect(r.on("599")).To(HaveLen(2))
		Expect(r.on("299")).To(HaveLen(1))
		Expect([]bool{r.ok(1), r.ok(2), r.ok(3), r.ok(4), r.ok(5)}).To(Equal([]bool{false, false, true, true, true}))
	})
})

var _ = rule("RETRY-007", func() {
	DescribeTable("as many as declared, however an attempt fails",
		func(answer string) {
			Expect(judged(`
profile: {max_attempts: 4}
routes: [{match: GET /items/:id, answers: [`+answer+`]}]
drive: {request: GET /items/:call, calls: 2, fresh: true, settle: 5m}
expect: [succeeds: none, attempts: {per_call: declared}]
`, bundled(fourAttempts, httpclient.WithAttemptTimeout(time.Second)))).To(suites.Pass())
		},
		Entry("with a status", "{status: 503}"),
		Entry("throttled", "{status: 429}"),
		Entry("too late", "{status: 200, delay: 1m}"),
	)

	It("and no more in two layers", inVirtualTime(func() {
		s := newService(always(503))
		inner := must(httpclient.New(s))
		outer := must(resilience.NewRetry(resilience.RetrySettings{}))
		_, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
			o := get(ctx, inner.Client(), "http://upstream.test/")
			if o.err != nil {
				return 0, o.err
			}
			return o.status, httpclient.Reason(o.resp)
		}, outer)
		Expect(err).To(MatchError(resilience.ReasonAttempts))
		Expect(s.record()).To(HaveLen(resilience.DefaultMaxAttempts))
	}))
})

var _ = rule("RETRY-009", func() {
	const twice = `
routes:
  - {match: PUT /a/:id, answers: [{status: 503, times: 2}, {status: 200}]}
  - {match: PUT /b/:id, answers: [{reset: before-headers, times: 2}, {status: 200}]}
`
	It("with a long body", func() {
		Expect(judged(twice+`
drive: {request: [PUT /a/:call, PUT /b/:call], size: 3MiB, headers: {Content-Type: application/octet-stream, Authorization: Bearer t}}
expect: [succeeds: all, same_request, attempts: {per_call: 3}]
`, onFreshConnections(bundled()))).To(suites.Pass())
	})

	It("with a stream that is short enough to be kept", func() {
		Expect(judged(twice+`
drive: {request: [PUT /a/:call, PUT /b/:call], size: 1MiB, stream: true}
expect: [succeeds: all, same_request, attempts: {per_call: 3}]
`, onFreshConnections(bundled()))).To(suites.Pass())
	})

	It("or none at all, with a stream that is longer", func() {
		r := observed(`
routes: [{match: PUT /a/:id, answers: [{status: 503}, {status: 200, optional: true}]}]
drive: {request: PUT /a/:call, size: 1MiB, stream: true}
expect: [succeeds: none, attempts: {per_call: 1}]
`, bundled(httpclient.WithBodyBuffer(64<<10)))
		Expect(r.Verdict).To(suites.Pass())
		Expect(r.call(1)[0].BodyLen).To(BeEquivalentTo(1 << 20))
	})
})

var _ = rule("RETRY-010", func() {
	DescribeTable("what the server says of a retry wins over the status",
		func(header string) {
			r := observed(`
routes:
  - {match: GET /no, answers: [{status: 503, headers: {`+header+`: "false"}}, {status: 200, optional: true}]}
  - {match: GET /yes, answers: [{status: 400, headers: {`+header+`: "true"}}, {status: 200}]}
drive: {request: [GET /no, GET /yes]}
expect: [attempts: {max: 2}]
`, bundled())
			Expect(r.Verdict).To(suites.Pass())
			Expect(r.call(1)).To(HaveLen(1))
			Expect(r.call(2)).To(HaveLen(2))
		},
		Entry("as OpenAI has it", "X-Should-Retry"),
		Entry("as Stripe has it", "Stripe-Should-Retry"),
	)
})

var _ = rule("RETRY-011", func() {
	// 500 calls of outage, 500 in which the budget fills again, 500 of which one in twenty fails.
	const outage = `
phases: [{name: outage, for: 10s}, {name: recovery, for: 10s}, {name: after}]
routes: [{match: GET /items/:id, answers: [{status: 200}]}]
faults:
  - {name: down, when: {phase: outage}, status: 503}
  - {name: now and then, when: {phase: after}, chance: 5%, status: 503}
drive: {request: GET /items/:call, rate: 50/s, for: 30s}
expect: [amplification: {max: 1.3x, phase: outage}, succeeds: {share: 98%, phase: after}]
`
	DescribeTable("with a budget",
		func(budget resilience.BudgetSettings) {
			r := observed(outage, bundled(fourAttempts, httpclient.WithBudget(budget)))
			Expect(r.Verdict).To(suites.Pass())
			retries := 0
			for _, a := range r.Log.Attempts {
				if a.Phase == "after" && a.N > 1 {
					retries++
				}
			}
			Expect(retries).To(BeNumerically(">=", 10), "retries that came back after the outage")
		},
		Entry("of 20 % of the calls", resilience.BudgetSettings{}),
		Entry("of the SRE book", resilience.SREBudget()),
		Entry("of gRPC", resilience.GRPCBudget()),
		Entry("of the AWS SDKs", resilience.AWSBudget()),
	)

	It("which is not so without one", func() {
		Expect(judged(outage, bundled(fourAttempts))).To(suites.FailOnly("amplification"))
	})
})

var _ = rule("RETRY-012", func() {
	It("when the answer to a given-up attempt is still to come", func() {
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 3s}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 3, settle: 1m}
expect: [succeeds: all, attempts: {per_call: 2}]
`, bundled(httpclient.WithAttemptTimeout(time.Second)))
		Expect(r.Verdict).To(suites.Pass())
		for call := 1; call <= 3; call++ {
			late, won := r.call(call)[0], r.call(call)[1]
			Expect(late.Whole).To(BeFalse())
			Expect(late.Done).To(BeNumerically("<=", won.First), "the late one was given up before the next began")
		}
	})

	It("when a hedge has won", inVirtualTime(func() {
		hedge := must(resilience.NewHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond}))
		began := time.Now()
		var lost time.Duration
		copies := make(chan int, 2) // numbers the runs
		copies <- 1
		copies <- 2
		got, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
			n := <-copies
			if n == 1 {
				<-ctx.Done()
				lost = time.Since(began)
				return 0, ctx.Err()
			}
			return n, nil
		}, hedge)
		Expect(got, err).To(Equal(2))
		Expect(lost).To(Equal(100 * time.Millisecond))
	}))
})

var _ = rule("RETRY-013", func() {
	It("once, and without a second guess", inVirtualTime(func() {
		var expects []string
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			expects = append(expects, req.Header.Get("Expect"))
			return reply(req, map[bool]int{true: 417, false: 200}[req.Header.Get("Expect") != ""]), nil
		})
		req := must(http.NewRequest(http.MethodPost, "http://upstream.test/", strings.NewReader("content")))
		req.Header.Set("Expect", "100-continue")
		resp := must(bundled()(s).Do(req))
		Expect(resp.Body.Close()).To(Succeed())
		Expect(resp.StatusCode).To(Equal(200))
		Expect(expects).To(Equal([]string{"100-continue", ""}))
	}))
})

// The status that ends the attempts is the caller's to see: not an error in its place, and not nothing.
var _ = Describe("the last answer", func() {
	It("is returned, with the reason why there was no other", inVirtualTime(func() {
		o := get(context.Background(), bundled()(newService(always(503))), "http://upstream.test/")
		Expect(o.status, o.err).To(Equal(503))
		why := httpclient.Reason(o.resp)
		Expect(why).To(MatchError(resilience.ReasonAttempts))
		Expect(why.Attempts).To(Equal(resilience.DefaultMaxAttempts))
	}))
})
