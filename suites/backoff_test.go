package suites_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

// backingOff is a client of so many attempts whose pauses after a 429 begin at a second, with this jitter.
func backingOff(attempts int, jitter resilience.Jitter) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		throttled := must(resilience.NewBackoff(resilience.BackoffSettings{Base: time.Second, Jitter: jitter}))
		retry := resilience.RetrySettings{MaxAttempts: attempts, ThrottleBackoff: throttled, Seed: 11}
		return bundled(httpclient.WithRetry(retry))(base)
	}
}

// jittered are the kinds of jitter that there are, but for none.
var jittered = []TableEntry{
	Entry("full jitter", resilience.JitterFull),
	Entry("equal jitter", resilience.JitterEqual),
	Entry("decorrelated jitter", resilience.JitterDecorrelated),
	Entry("20 % of spread", resilience.JitterSpread),
}

var _ = rule("BACKOFF-001", func() {
	It("by default", func() {
		Expect(judged(`
routes:
  - {match: GET /a/:id, name: unavailable, answers: [{status: 503}]}
  - {match: GET /b/:id, name: throttled, answers: [{status: 429}]}
drive:
  - {request: GET /a/:call, calls: 20, concurrency: 20}
  - {request: GET /b/:call, calls: 20, concurrency: 20}
expect:
  - no_hot_loop: {route: unavailable}
  - no_hot_loop: {route: throttled}
  - attempts: {per_call: 6}
`, bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 6})))).To(suites.Pass())
	})
})

var _ = rule("BACKOFF-002", func() {
	const exhausted = `
routes: [{match: GET /items/:id, answers: [{status: 429}]}]
drive: {request: GET /items/:call, calls: 40, concurrency: 40}
expect: [backoff_grows]
`
	DescribeTable("with", func(jitter resilience.Jitter) {
		Expect(judged(exhausted, backingOff(5, jitter))).To(suites.Pass())
	}, jittered)

	It("which is not so where the backoff is constant", func() {
		constant := resilience.RetrySettings{MaxAttempts: 5, Backoff: resilience.ConstantBackoff(time.Second)}
		Expect(judged(exhausted, bundled(httpclient.WithRetry(constant)))).To(suites.FailOnly("backoff_grows"))
	})
})

var _ = rule("BACKOFF-003", func() {
	DescribeTable("with", func(jitter resilience.Jitter) {
		longest := resilience.BackoffSettings{Base: 500 * time.Millisecond, Max: 3 * time.Second, Jitter: jitter} // no power of 2 between them
		newClient := func(base http.RoundTripper) *http.Client {
			return bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 100, Backoff: must(resilience.NewBackoff(longest)), Seed: 5}))(base)
		}
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 503}]}]
drive: {request: GET /items/:call}
expect: [attempts: {per_call: 100}]
`, newClient)
		Expect(r.Verdict).To(suites.Pass())
		most := slices.Max(r.gaps(1))
		Expect(most).To(BeNumerically("<=", longest.Max*5/4))
		Expect(most).To(BeNumerically(">=", longest.Max*3/4), "and they get there")
	}, jittered)
})

var _ = rule("BACKOFF-004", func() {
	const once = `
routes: [{match: GET /items/:id, answers: [{status: 429}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 20}
expect: [backoff_jitters]
`
	DescribeTable("with", func(jitter resilience.Jitter) {
		Expect(judged(once, backingOff(3, jitter))).To(suites.Pass())
	}, jittered)

	It("which is not so without jitter", func() {
		Expect(judged(once, backingOff(3, resilience.JitterNone))).To(suites.FailOnly("backoff_jitters"))
	})
})

var _ = rule("BACKOFF-005", func() {
	const herd = `
routes: [{match: GET /items/:id, answers: [{status: 429}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 50, concurrency: 50, clients: 50}
expect: [succeeds: all]
`
	It("each client for itself", func() {
		// Nothing is seeded: chance is what keeps 50 new clients apart. That 45 of them meet in a tenth of a second is less
		// likely than 1e-30.
		throttled := must(resilience.NewBackoff(resilience.BackoffSettings{Base: 2 * time.Second}))
		r := observed(herd, bundled(httpclient.WithRetry(resilience.RetrySettings{ThrottleBackoff: throttled})))
		Expect(r.Verdict).To(suites.Pass())
		var returns []time.Duration
		for call := 1; call <= 50; call++ {
			returns = append(returns, r.gaps(call)[0])
		}
		Expect(together(returns, 100*time.Millisecond)).To(BeNumerically("<", 45))
	})

	It("which is not so for clients of one seed", func() {
		r := observed(herd, backingOff(3, resilience.JitterFull))
		var returns []time.Duration
		for call := 1; call <= 50; call++ {
			returns = append(returns, r.gaps(call)[0])
		}
		Expect(together(returns, 100*time.Millisecond)).To(Equal(50))
	})
})

// together returns the most instants that lie within one window.
func together(instants []time.Duration, window time.Duration) int {
	slices.Sort(instants)
	most, from := 0, 0
	for to := range instants {
		for instants[to]-instants[from] > window {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

var _ = rule("BACKOFF-006", func() {
	It("by default", func() {
		r := observed(`
routes:
  - {match: GET /a/:id, answers: [{status: 500}, {status: 200}]}
  - {match: GET /b/:id, answers: [{status: 429}, {status: 200}]}
drive: {request: [GET /a/:call, GET /b/:call], calls: 60}
expect: [succeeds: all]
`, bundled(httpclient.WithRetry(resilience.RetrySettings{Seed: 3})))
		Expect(r.Verdict).To(suites.Pass())
		var transient, throttled time.Duration
		for call := 1; call <= 60; call += 2 {
			transient += r.gaps(call)[0]
			throttled += r.gaps(call + 1)[0]
		}
		Expect(throttled).To(BeNumerically(">=", transient/2), "the rule")
		Expect(throttled).To(BeNumerically(">=", 10*transient), "the default, of 1 s instead of 50 ms")
	})
})

var _ = rule("BACKOFF-007", func() {
	It("where connections are reset as soon as they are made", func() {
		r := observed(`
faults: [{reset: accept}]
drive: {request: GET /items/:call, calls: 20, rate: 1/3s} # one at a time: a cut connection names no call
expect: [succeeds: none, no_hot_loop, connections: {max: 80}]
`, bundled(fourAttempts))
		Expect(r.Verdict).To(suites.Pass())
	})

	It("where the port is closed", inVirtualTime(func() {
		var dials []time.Time
		base := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials = append(dials, time.Now())
			return nil, &net.OpError{Op: "dial", Net: "memory", Err: errors.New("connection refused")}
		}}
		var second time.Duration
		for range 20 {
			dials = nil
			Expect(get(context.Background(), bundled(fourAttempts)(base), "http://upstream.test/").err).To(HaveOccurred())
			Expect(dials).To(HaveLen(4))
			second += dials[2].Sub(dials[1])
		}
		Expect(second / 20).To(BeNumerically(">=", 10*time.Millisecond))
	}))
})
