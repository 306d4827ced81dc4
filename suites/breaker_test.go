package suites_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

const openFor = 5 * time.Second

// breaking is a client whose breaker opens after five failures in a row, for five seconds, with one probe.
func breaking(options ...httpclient.Option) func(http.RoundTripper) *http.Client {
	return bundled(append(options, httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 5, OpenFor: openFor}))...)
}

// onceOnly switches retries off, so that a call is an attempt.
var onceOnly = httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1})

// rejected reports whether the breaker refused the call.
func rejected(o op) bool { return errors.Is(o.err, resilience.ErrOpen) }

// getEvery makes n GETs, one every interval.
func getEvery(client *http.Client, n int, every time.Duration) []op {
	return load(n, every, func(int) op { return get(context.Background(), client, "http://upstream.test/items") })
}

var _ = rule("CB-001", func() {
	// A failing upstream answers 503; one that is gone does not answer at all.
	gone := func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") }
	DescribeTable("when the server answers", func(answer func(int, *http.Request) (*http.Response, error)) {
		suites.InBubble(theT(), func() {
			s := newService(answer)
			ops := getEvery(breaking(onceOnly)(s), 300, 50*time.Millisecond)

			// Five failures open it, and then one probe in each five seconds does.
			Expect(s.within(0, 250*time.Millisecond)).To(Equal(5))
			Expect(s.within(250*time.Millisecond, 5*time.Second)).To(BeZero())
			Expect(s.within(5*time.Second, 10*time.Second)).To(Equal(1))
			Expect(s.within(10*time.Second, 15*time.Second)).To(Equal(1))
			Expect(count(ops, rejected)).To(Equal(300 - 7))
		})
	},
		Entry("with 503", always(503)),
		Entry("not at all", gone),
	)

	It("also by a share of failures among successes", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			return reply(req, map[bool]int{true: 503, false: 200}[n%3 != 0]), nil // two in three fail, never three in a row
		})
		client := bundled(onceOnly, httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5, MinCalls: 20, OpenFor: openFor}))(s)
		ops := getEvery(client, 100, 50*time.Millisecond)
		Expect(s.record()).To(HaveLen(20))
		Expect(count(ops, rejected)).To(Equal(80))
	}))
})

var _ = rule("CB-002", func() {
	It("a call is refused at once, and told when to come back", inVirtualTime(func() {
		s := newService(always(503))
		s.takes = 20 * time.Millisecond
		client := breaking(onceOnly)(s)
		getEvery(client, 5, 50*time.Millisecond)
		sent := len(s.record())
		for _, o := range getEvery(client, 50, 10*time.Millisecond) {
			Expect(rejected(o)).To(BeTrue())
			Expect(o.took).To(BeZero())
			open, _ := errors.AsType[*resilience.OpenError](o.err)
			Expect(open.State).To(Equal(resilience.StateOpen))
		}
		Expect(s.record()).To(HaveLen(sent))
	}))

	It("a retry that is due while it is open is given up", inVirtualTime(func() {
		s := newService(always(503))
		retry := httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4, Backoff: resilience.ConstantBackoff(time.Second)})
		ops := getEvery(breaking(retry)(s), 6, 100*time.Millisecond)
		Expect(s.record()).To(HaveLen(5), "the first attempts of five calls, and nothing of the sixth")
		for _, o := range ops[:5] {
			Expect(rejected(o)).To(BeTrue())
			Expect(o.took).To(Equal(time.Second))
		}
		Expect(rejected(ops[5])).To(BeTrue())
		Expect(ops[5].took).To(BeZero())
	}))
})

var _ = rule("CB-003", func() {
	// waves opens a breaker, has 20 callers wait at each instant at which it might let probes through, and returns how many it
	// let through at each of them. The first probes fail, the next succeed.
	waves := func(probes int) (first, between, second, after int) {
		var healthy atomic.Bool
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			if healthy.Load() {
				return reply(req, 200), nil
			}
			return reply(req, 503), nil
		})
		client := bundled(onceOnly, httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 5, OpenFor: openFor, Probes: probes}))(s)
		crowd := func() int {
			before := len(s.record())
			load(20, 0, func(int) op { return get(context.Background(), client, "http://upstream.test/items") })
			return len(s.record()) - before
		}
		getEvery(client, 5, 0)
		s.takes = 100 * time.Millisecond
		time.Sleep(openFor)
		first = crowd() // fails, 100 ms later
		time.Sleep(openFor - time.Millisecond)
		between = crowd()
		healthy.Store(true)
		time.Sleep(time.Millisecond)
		second = crowd()
		return first, between, second, crowd()
	}

	DescribeTable("at most as many as declared",
		func(declared, probes int) {
			suites.InBubble(theT(), func() {
				first, between, second, after := waves(declared)
				Expect(first).To(Equal(probes))
				Expect(between).To(BeZero(), "a failed probe opens it for the whole time again")
				Expect(second).To(Equal(probes))
				Expect(after).To(Equal(20), "it is closed")
			})
		},
		Entry("one by default", 0, 1),
		Entry("three", 3, 3),
	)

	// hung opens a breaker, and returns once its first probe hangs; the probe fails when it is let go.
	hung := func(s resilience.BreakerSettings) (client *http.Client, letGo func()) {
		s.ConsecutiveFailures, s.OpenFor = 5, openFor
		hangs := make(chan struct{})
		client = bundled(onceOnly, httpclient.WithBreaker(s))(newService(func(n int, req *http.Request) (*http.Response, error) {
			if n == 6 {
				<-hangs
			}
			return reply(req, map[bool]int{true: 503, false: 200}[n <= 6]), nil
		}))
		getEvery(client, 5, 0)
		time.Sleep(openFor)
		probe := make(chan []op, 1)
		go func() { probe <- getEvery(client, 1, 0) }()
		synctest.Wait()
		return client, func() {
			close(hangs)
			Expect((<-probe)[0].status).To(Equal(503))
		}
	}

	It("one that never ends does not hold the place for ever", inVirtualTime(func() {
		client, letGo := hung(resilience.BreakerSettings{})
		time.Sleep(openFor - time.Millisecond)
		Expect(rejected(getEvery(client, 1, 0)[0])).To(BeTrue())
		time.Sleep(time.Millisecond)
		Expect(getEvery(client, 1, 0)[0].good()).To(BeTrue())
		letGo()
		Expect(getEvery(client, 1, 0)[0].good()).To(BeTrue(), "what comes of the old probe counts nowhere")
	}))

	It("one that fails after another has closed the circuit does not open it", inVirtualTime(func() {
		client, letGo := hung(resilience.BreakerSettings{Probes: 2, ProbeSuccesses: 1})
		Expect(getEvery(client, 1, 0)[0].good()).To(BeTrue())
		letGo()
		Expect(getEvery(client, 1, 0)[0].good()).To(BeTrue())
	}))
})

var _ = rule("CB-004", func() {
	It("but not by answers to calls from before it opened", inVirtualTime(func() {
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			switch req.URL.Path {
			case "/slow":
				sleep(req.Context(), 6*time.Second)
			case "/hung":
				<-req.Context().Done()
				return nil, req.Context().Err()
			case "/down":
				return reply(req, 503), nil
			}
			return reply(req, 200), nil
		})
		client := breaking(onceOnly)(s)
		call := func(ctx context.Context, path string) op { return get(ctx, client, "http://upstream.test"+path) }
		slow := make(chan []op, 1)
		go func() { slow <- load(50, 0, func(int) op { return call(context.Background(), "/slow") }) }()
		load(5, time.Millisecond, func(int) op { return call(context.Background(), "/down") })
		time.Sleep(openFor)
		ctx, cancel := context.WithCancel(context.Background())
		probe := make(chan op, 1)
		go func() { probe <- call(ctx, "/hung") }()
		Expect(count(<-slow, op.good)).To(Equal(50))
		Expect(rejected(call(context.Background(), "/items"))).To(BeTrue(), "the probe is still under way")
		cancel()
		<-probe
		Expect(call(context.Background(), "/items").good()).To(BeTrue(), "a probe that its caller gave up is none")
	}))

	It("soon, and it stays so", inVirtualTime(func() {
		s := newService(nil)
		const healthyFrom = 12 * time.Second
		s.answer = func(_ int, req *http.Request) (*http.Response, error) {
			return reply(req, map[bool]int{true: 503, false: 200}[time.Since(s.began) < healthyFrom]), nil
		}
		ops := getEvery(breaking(onceOnly)(s), 500, 50*time.Millisecond)
		for _, o := range ops {
			if o.at >= healthyFrom+openFor {
				Expect(o.good()).To(BeTrue(), "at %s", o.at)
			}
		}
		Expect(ops[499].at).To(BeNumerically(">", healthyFrom+openFor+5*time.Second))
	}))
})

var _ = rule("CB-005", func() {
	for _, status := range []int{400, 401, 404, 422, 429} {
		It(text("%d", status), inVirtualTime(func() {
			s := newService(always(status))
			getEvery(breaking(onceOnly)(s), 100, 10*time.Millisecond)
			Expect(s.record()).To(HaveLen(100))
		}))
	}

	It("nor does a caller who gives up", inVirtualTime(func() {
		s := newService(always(200))
		s.takes = time.Minute
		client := breaking(onceOnly)(s)
		load(100, 10*time.Millisecond, func(int) op {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(5*time.Millisecond, cancel)
			return get(ctx, client, "http://upstream.test/items")
		})
		Expect(s.record()).To(HaveLen(100))
	}))
})

var _ = rule("CB-006", func() {
	It("each host for itself", inVirtualTime(func() {
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			return reply(req, map[bool]int{true: 503, false: 200}[req.URL.Host == "a.test"]), nil
		})
		client := breaking(onceOnly)(s)
		ops := load(200, 10*time.Millisecond, func(i int) op {
			return get(context.Background(), client, []string{"http://a.test/", "http://b.test/"}[i%2])
		})
		Expect(count(ops, op.good)).To(Equal(100))
		Expect(count(ops, rejected)).To(Equal(95))
	}))
})

var _ = rule("CB-007", func() {
	It("by rate, with a minimum of calls", inVirtualTime(func() {
		var stalls atomic.Bool
		s := newService(nil)
		s.answer = func(n int, req *http.Request) (*http.Response, error) {
			if stalls.Load() {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return reply(req, map[bool]int{true: 503, false: 200}[n%20 == 1]), nil // the very first fails, and 5 % of all
		}
		client := bundled(onceOnly, httpclient.WithAttemptTimeout(time.Second),
			httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5, MinCalls: 20, Window: 10 * time.Second, OpenFor: openFor}))(s)
		Expect(count(getEvery(client, 200, 50*time.Millisecond), rejected)).To(BeZero())
		stalls.Store(true)
		ops := getEvery(client, 300, 50*time.Millisecond)
		Expect(count(ops, rejected)).To(BeNumerically(">", 50))
		Expect(rejected(ops[299])).To(BeTrue())
	}))
})
