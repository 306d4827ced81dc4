package suites_test

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

// thrifty is a client that lets nothing go while the server has said that nothing remains, or asked for a pause. It reads the
// three fields of ietf-06, and shares no code with package resilience.
type thrifty struct {
	base http.RoundTripper

	blind  bool          // does not read what remains
	unit   time.Duration // of the reset
	pauses bool          // Retry-After holds back all calls

	mu    sync.Mutex
	until time.Time // guarded by mu
}

// RoundTrip implements http.RoundTripper.
func (c *thrifty) RoundTrip(req *http.Request) (*http.Response, error) {
	for {
		c.mu.Lock()
		wait := time.Until(c.until)
		c.mu.Unlock()
		if wait <= 0 {
			break
		}
		time.Sleep(wait)
	}
	resp, err := c.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	rest := time.Duration(0)
	if reset, err := strconv.Atoi(resp.Header.Get("RateLimit-Reset")); err == nil && !c.blind && resp.Header.Get("RateLimit-Remaining") == "0" {
		rest = time.Duration(reset) * c.unit
	}
	if due, ok := retryAfter(resp); ok && c.pauses {
		rest = due
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(rest); rest > 0 && until.After(c.until) {
		c.until = until
	}
	return resp, nil
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (c *thrifty) CloseIdleConnections() {
	c.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// saving returns a maker of sound retrying clients around a thrifty one that breakIt has changed.
func saving(breakIt func(*thrifty)) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		c := &thrifty{base: base, unit: time.Second, pauses: true}
		breakIt(c)
		return broken(func(*sketch) {})(c)
	}
}

const countedUpstream = `
limits: [{window: 10/5s, dialect: ietf-06}]
profile: {quota_dialect: ietf-06}
drive: {request: GET /items/:call, calls: 25}
expect: [succeeds: all, within_quota: {late: 50%}]
`

var _ = Describe("an upstream that tells what remains", func() {
	It("is asked for no more by a sound client", func() {
		Expect(judged(countedUpstream, saving(func(*thrifty) {}))).To(suites.Pass())
	})
	It("is asked for no more by the bundled client", func() {
		Expect(judged(countedUpstream, reference(&scenario(countedUpstream).Profile))).To(suites.Pass())
	})
	DescribeTable("fails within_quota alone for a client that", func(breakIt func(*thrifty)) {
		Expect(judged(countedUpstream, saving(breakIt))).To(suites.FailOnly("within_quota"))
	},
		Entry("does not read the fields", func(c *thrifty) { c.blind = true }),
		Entry("takes the reset for milliseconds", func(c *thrifty) { c.unit = time.Millisecond }),
		Entry("takes the reset for minutes, and sleeps on", func(c *thrifty) { c.unit = time.Minute }),
	)
})

// pacer is a client's own limiter and bulkhead, as simple as they can be.
type pacer struct {
	base  http.RoundTripper
	burst int
	slots chan struct{}

	mu   sync.Mutex
	full time.Time // guarded by mu: when the bucket is full again
}

// interval is what a token takes at 10/s.
const interval = 100 * time.Millisecond

// RoundTrip implements http.RoundTripper.
func (p *pacer) RoundTrip(req *http.Request) (*http.Response, error) {
	p.slots <- struct{}{}
	p.mu.Lock()
	now := time.Now()
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(interval)
	at := p.full.Add(-time.Duration(p.burst) * interval)
	p.mu.Unlock()
	time.Sleep(time.Until(at))
	resp, err := p.base.RoundTrip(req)
	if err != nil {
		<-p.slots
		return nil, err
	}
	resp.Body = &slotBody{resp.Body, sync.OnceFunc(func() { <-p.slots })}
	return resp, nil
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (p *pacer) CloseIdleConnections() {
	p.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// slotBody gives a slot back when it is closed.
type slotBody struct {
	io.ReadCloser
	free func()
}

func (b *slotBody) Close() error {
	b.free()
	return b.ReadCloser.Close()
}

const overloadedUpstream = `
routes: [{match: GET /items/:id, answers: [{status: 503, delay: 300ms}, {status: 200, delay: 300ms}]}]
profile: {client_rate: 10/s, client_burst: 5, client_concurrency: 4}
drive: {request: GET /items/:call, calls: 60, concurrency: 40}
expect: [succeeds: all, limits_itself]
`

var _ = Describe("an upstream that is asked for more than its client may send", func() {
	// paced makes clients with limits of their own: around every attempt, or around calls alone.
	paced := func(burst, slots int, calls bool) suites.NewClient {
		return func(base http.RoundTripper) *http.Client {
			p := &pacer{base: base, burst: burst, slots: make(chan struct{}, slots)}
			if !calls {
				return broken(func(*sketch) {})(p)
			}
			p.base = broken(func(*sketch) {})(base).Transport
			return &http.Client{Transport: p}
		}
	}
	It("is spared by a sound client", func() {
		Expect(judged(overloadedUpstream, paced(5, 4, false))).To(suites.Pass())
	})
	It("is spared by the bundled client", func() {
		Expect(judged(overloadedUpstream, reference(&scenario(overloadedUpstream).Profile))).To(suites.Pass())
	})
	DescribeTable("fails limits_itself alone for a client that", func(client suites.NewClient) {
		Expect(judged(overloadedUpstream, client)).To(suites.FailOnly("limits_itself"))
	},
		Entry("sends too many at first", paced(20, 40, false)),
		Entry("lets retries past its limiter", paced(5, 40, true)),
		Entry("has no bound on what is under way", paced(5, 40, false)),
	)
})

const throttlingUpstream = `
routes: [{match: GET /items/:id}]
faults: [{name: throttled, when: {nth: 21}, status: 429, retry_after: 3s}]
drive: {request: GET /items/:call, rate: 20/s, for: 10s}
expect: [succeeds: all, honours_retry_after, pauses_others: origin]
`

var _ = Describe("an upstream that asks for a pause", func() {
	It("is left alone by a sound client", func() {
		Expect(judged(throttlingUpstream, saving(func(*thrifty) {}))).To(suites.Pass())
	})
	It("is left alone by the bundled client", func() {
		Expect(judged(throttlingUpstream, reference(&scenario(throttlingUpstream).Profile))).To(suites.Pass())
	})
	It("fails pauses_others alone for a client that holds back the one call", func() {
		Expect(judged(throttlingUpstream, saving(func(c *thrifty) { c.pauses = false }))).To(suites.FailOnly("pauses_others"))
	})
})
