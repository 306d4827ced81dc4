package suites_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/chaosserver/journal"
	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

var _ = rule("TIME-001", func() {
	timeout := httpclient.WithAttemptTimeout(time.Second)

	It("without an answer", func() {
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 1h}]}]
drive: {request: GET /items/:call}
expect: [succeeds: none, attempts: {per_call: 3}]
`, bundled(timeout))
		Expect(r.Verdict).To(suites.Pass())
		for _, a := range r.call(1) {
			Expect(a.Closed).To(Equal(journal.ClosedByClientFIN))
			Expect(a.Done - a.First).To(Equal(time.Second))
		}
	})

	DescribeTable("with a part of one",
		func(part string) {
			suites.InBubble(theT(), func() {
				u := newUpstream(func(w http.ResponseWriter, _ *http.Request) { quiet(w, part) })
				base := u.base()
				defer u.stop(base)
				o := get(context.Background(), bundled(onceOnly, timeout)(base), "http://upstream.test/")
				Expect(o.err).To(MatchError(resilience.ErrTimeout))
				Expect(o.took).To(Equal(time.Second))
			})
		},
		Entry("half a status line", "HTTP/1.1 20"),
		Entry("half a header", "HTTP/1.1 200 OK\r\nContent-Le"),
		Entry("headers without an end", "HTTP/1.1 200 OK\r\nA: b\r\n"),
	)
})

var _ = rule("TIME-002", func() {
	DescribeTable("by the same timeout",
		func(answer func(http.ResponseWriter)) {
			suites.InBubble(theT(), func() {
				u := newUpstream(func(w http.ResponseWriter, _ *http.Request) { answer(w) })
				base := u.base()
				defer u.stop(base)
				o := get(context.Background(), bundled(httpclient.WithAttemptTimeout(3500*time.Millisecond))(base), "http://upstream.test/")
				Expect(o.status).To(Equal(200))
				Expect(o.err).To(MatchError(resilience.ErrTimeout))
				Expect(o.took).To(Equal(3500 * time.Millisecond))
			})
		},
		Entry("a byte a second", func(w http.ResponseWriter) { drip(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") }),
		Entry("half of it", func(w http.ResponseWriter) { quiet(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde") }),
	)
})

var _ = rule("TIME-003", func() {
	It("whatever fails", func() {
		r := observed(`
routes:
  - {match: GET /a/:id, answers: [{status: 503}]}
  - {match: GET /b/:id, answers: [{status: 503, delay: 1s}]}
  - {match: GET /c/:id, answers: [{status: 200, delay: 1h}]}
drive: {request: [GET /a/:call, GET /b/:call, GET /c/:call], calls: 30, concurrency: 30, deadline: 3s, settle: 1m}
expect: [succeeds: none]
`, bundled(httpclient.WithAttemptTimeout(2*time.Second), httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1000})))
		Expect(r.Verdict).To(suites.Pass())
		began := r.Log.Attempts[0].First
		for _, a := range r.Log.Attempts {
			Expect(a.First-began).To(BeNumerically("<", 3*time.Second), "an attempt that began after the deadline")
			Expect(a.Done-began).To(BeNumerically("<=", 3*time.Second), "an attempt that outlived the deadline")
		}
		for _, said := range r.Results {
			Expect(said.At - began).To(BeNumerically("<=", 3*time.Second))
		}
		Expect(len(r.call(1))).To(BeNumerically(">", 3), "the time was used")
	})
})

var _ = rule("TIME-004", func() {
	It("in flight and between attempts", func() {
		constant := httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.ConstantBackoff(10 * time.Second)})
		r := observed(`
routes:
  - {match: GET /pause/:id, name: pause, answers: [{status: 503}]}
  - {match: GET /stall/:id, name: stall, answers: [{status: 200, delay: 1h}]}
drive: {request: [GET /pause/:call, GET /stall/:call], calls: 6, concurrency: 6, cancel_after: 500ms, settle: 1m}
expect: [succeeds: none, attempts: {per_call: 1}]
`, bundled(constant))
		Expect(r.Verdict).To(suites.Pass())
		began := r.Log.Attempts[0].First
		for _, said := range r.Results {
			Expect(said.At - began).To(Equal(500 * time.Millisecond))
		}
		for _, a := range r.on("stall") {
			Expect(a.Closed).To(Equal(journal.ClosedByClientFIN))
			Expect(a.Done - a.First).To(Equal(500 * time.Millisecond))
		}
	})

	It("and while the host asks for a pause", inVirtualTime(func() {
		s := newService(func(_ int, req *http.Request) (*http.Response, error) {
			return reply(req, 429, "Retry-After", "30"), nil
		})
		client := bundled()(s)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(500*time.Millisecond, cancel)
		for _, o := range load(3, 100*time.Millisecond, func(int) op { return get(ctx, client, "http://upstream.test/") }) {
			Expect(o.err).To(MatchError(context.Canceled))
			Expect(o.at + o.took).To(Equal(500 * time.Millisecond))
		}
		Expect(s.record()).To(HaveLen(1))
	}))
})

var _ = rule("TIME-005", func() {
	It("one after the other", func() {
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 5s}]}]
drive: {request: GET /items/:call, calls: 3, concurrency: 3, settle: 1m}
expect: [attempts: {per_call: 3}]
`, bundled(httpclient.WithAttemptTimeout(time.Second)))
		Expect(r.Verdict).To(suites.Pass())
		for call := 1; call <= 3; call++ {
			atts := r.call(call)
			for k := range atts[1:] {
				Expect(atts[k].Done).To(BeNumerically("<=", atts[k+1].First))
			}
		}
	})
})

var _ = rule("TIME-006", func() {
	It("so many copies, and no sooner", inVirtualTime(func() {
		hedge := must(resilience.NewHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond, MaxCopies: 2}))
		began := time.Now()
		starts := make(chan time.Duration, 10)
		_, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
			starts <- time.Since(began)
			if !sleep(ctx, time.Second) {
				return 0, ctx.Err()
			}
			return 1, nil
		}, hedge)
		Expect(err).NotTo(HaveOccurred())
		close(starts)
		var at []time.Duration
		for t := range starts {
			at = append(at, t)
		}
		Expect(at).To(Equal([]time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}))
	}))

	client := bundled(httpclient.WithHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond, MaxCopies: 2}),
		httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}))

	It("a slow GET is sent up to three times, and all but the winner are given up", func() {
		r := observed(`
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 10s}, {status: 200, delay: 10s}, {status: 200, delay: 10ms}]}]
drive: {request: GET /items/:call, calls: 3, settle: 1m}
expect: [succeeds: all, attempts: {per_call: 3}]
`, client)
		Expect(r.Verdict).To(suites.Pass())
		for call := 1; call <= 3; call++ {
			atts := r.call(call)
			for k, a := range atts {
				Expect(a.First-atts[0].First).To(Equal(time.Duration(k)*100*time.Millisecond), "request %d", k+1)
				Expect(a.Whole).To(Equal(k == 2), "request %d", k+1)
			}
		}
	})

	It("a slow POST once, unless it has a key that all copies share", func() {
		const slow = `
routes: [{match: POST /payments, answers: [{status: 201, delay: 350ms}]}]
drive: {request: POST /payments, calls: 3, json: {amount: 1}, settle: 1m}
`
		Expect(judged(slow+"expect: [succeeds: all, attempts: {per_call: 1}]", client)).To(suites.Pass())
		keyed := bundled(httpclient.WithHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond}), httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))
		Expect(judged(slow+"expect: [succeeds: all, attempts: {per_call: 2}, same_idempotency_key]", keyed)).To(suites.Pass())
	})

	It("and none for an answer in time", inVirtualTime(func() {
		hedge := must(resilience.NewHedge(resilience.HedgeSettings{Delay: 100 * time.Millisecond}))
		var runs atomic.Int32
		_, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
			runs.Add(1)
			sleep(ctx, 99*time.Millisecond)
			return 1, nil
		}, hedge)
		Expect(err).NotTo(HaveOccurred())
		time.Sleep(time.Minute)
		Expect(runs.Load()).To(BeEquivalentTo(1))
	}))
})

var _ = rule("TIME-007", func() {
	It("within four fifths of the timeout", func() {
		Expect(judged(`
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 2s}]}]
drive: {request: GET /items/:call, calls: 3}
expect: [succeeds: all, attempts: {per_call: 1}]
`, bundled(httpclient.WithAttemptTimeout(2500*time.Millisecond)))).To(suites.Pass())
	})

	It("after a 103", inVirtualTime(func() {
		u := newUpstream(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			time.Sleep(2 * time.Second)
			w.WriteHeader(http.StatusOK)
		})
		base := u.base()
		defer u.stop(base)
		o := get(context.Background(), bundled(httpclient.WithAttemptTimeout(2500*time.Millisecond))(base), "http://upstream.test/")
		Expect(o.good()).To(BeTrue())
		Expect(o.took).To(Equal(2 * time.Second))
	}))
})
