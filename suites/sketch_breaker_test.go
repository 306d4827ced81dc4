package suites_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

// errSketchOpen is what the copied breaker refuses a call with.
var errSketchOpen = errors.New("circuit open")

// sketchBreaker is the three-state breaker of many an article. Two things are wrong with it.
//
// It counts errors, and an HTTP client that gets a 503 has none: around such a client it stays closed for ever, however long
// the upstream is down.
//
// And once the break is over it lets everybody through until the first one has come back: the whole backlog falls on an
// upstream that has just begun to recover.
type sketchBreaker struct {
	base      http.RoundTripper
	threshold int
	openFor   time.Duration

	mu       sync.Mutex
	failures int       // guarded by mu
	opened   time.Time // zero: closed; guarded by mu
}

// RoundTrip implements http.RoundTripper.
func (b *sketchBreaker) RoundTrip(req *http.Request) (*http.Response, error) {
	b.mu.Lock()
	if !b.opened.IsZero() && time.Since(b.opened) < b.openFor {
		b.mu.Unlock()
		return nil, errSketchOpen
	}
	b.mu.Unlock() // closed, or half open

	resp, err := b.base.RoundTrip(req)

	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failures, b.opened = 0, time.Time{}
		return resp, nil
	}
	if b.failures++; b.failures >= b.threshold {
		b.opened = time.Now()
	}
	return nil, err
}

// answering makes a service of what it answers now, which a spec changes as it goes on.
type answering struct {
	atomic.Pointer[func(int, *http.Request) (*http.Response, error)]
}

func (a *answering) set(answer func(int, *http.Request) (*http.Response, error)) { a.Store(&answer) }

func (a *answering) answer(n int, req *http.Request) (*http.Response, error) {
	return (*a.Load())(n, req)
}

// cutOff answers with an error of the transport.
func cutOff(int, *http.Request) (*http.Response, error) {
	return nil, errors.New("connection reset by peer")
}

var _ = Describe("the copied breaker", Label("sketch"), func() {
	sketched := func(base http.RoundTripper) *http.Client {
		return &http.Client{Transport: &sketchBreaker{base: base, threshold: 5, openFor: openFor}}
	}
	counterpart := breaking(onceOnly)

	// sustained returns how many of 300 calls in 15 s reached an upstream that fails all of them.
	sustained := func(client suites.NewClient, answer func(int, *http.Request) (*http.Response, error)) (reached int) {
		suites.InBubble(theT(), func() {
			s := newService(answer)
			getEvery(client(s), 300, 50*time.Millisecond)
			reached = len(s.record())
		})
		return reached
	}

	It("never opens around a client that does not fail on 5xx: CB-001", func() {
		Expect(sustained(sketched, always(503))).To(Equal(300))
		Expect(sustained(counterpart, always(503))).To(Equal(7))
	})

	It("but does where the client fails", func() {
		Expect(sustained(sketched, cutOff)).To(BeNumerically("<=", 8))
	})

	// herd returns how many of 100 callers that come at once, when the break is over, reach the upstream.
	herd := func(client suites.NewClient) (reached int) {
		suites.InBubble(theT(), func() {
			var now answering
			now.set(cutOff)
			s := newService(now.answer)
			s.takes = 100 * time.Millisecond
			c := client(s)
			getEvery(c, 5, 0)
			time.Sleep(openFor)
			now.set(always(200))
			before := len(s.record())
			getEvery(c, 100, 0)
			reached = len(s.record()) - before
		})
		return reached
	}

	It("lets a herd through when it is half open: CB-003", func() {
		Expect(herd(sketched)).To(Equal(100))
		Expect(herd(counterpart)).To(Equal(resilience.DefaultProbes))
	})

	It("unlike the bundled one with three probes, which lets three through", func() {
		three := resilience.BreakerSettings{ConsecutiveFailures: 5, OpenFor: openFor, Probes: 3}
		Expect(herd(bundled(onceOnly, httpclient.WithBreaker(three)))).To(Equal(3))
	})
})
