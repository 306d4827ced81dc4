package suites_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
)

// sketchLimiter is the token bucket of many an article, and right as long as nobody has to wait. Who finds it empty works out
// when the next token comes, sleeps, and goes: but all that wait have worked out the same instant, so they leave together, on
// one token.
type sketchLimiter struct {
	base  http.RoundTripper
	rate  float64 // tokens a second
	burst float64

	mu     sync.Mutex
	tokens float64   // guarded by mu
	filled time.Time // guarded by mu
}

// RoundTrip implements http.RoundTripper.
func (l *sketchLimiter) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.wait(req.Context()); err != nil {
		return nil, err
	}
	return l.base.RoundTrip(req)
}

func (l *sketchLimiter) wait(ctx context.Context) error {
	l.mu.Lock()
	now := time.Now()
	l.tokens = min(l.burst, l.tokens+l.rate*now.Sub(l.filled).Seconds())
	l.filled = now
	missing := 1 - l.tokens
	if missing <= 0 {
		l.tokens--
	}
	l.mu.Unlock()
	if missing > 0 && !sleep(ctx, time.Duration(missing/l.rate*float64(time.Second))) {
		return ctx.Err()
	}
	return nil
}

var _ = Describe("the copied limiter", Label("sketch"), func() {
	const (
		rate  = 10.0
		burst = 5
	)
	sketched := func(base http.RoundTripper) *http.Client {
		return &http.Client{Transport: &sketchLimiter{base: base, rate: rate, burst: burst, tokens: burst, filled: time.Now()}}
	}
	counterpart := bundled(onceOnly, httpclient.WithLimiter(resilience.LimiterSettings{Rate: rate, Burst: burst}))

	// calls makes so many calls, one every interval, and returns what reached the upstream.
	calls := func(client suites.NewClient, n int, every time.Duration) (came []arrival) {
		suites.InBubble(theT(), func() {
			s := newService(always(200))
			getEvery(client(s), n, every)
			came = s.record()
		})
		return came
	}

	It("is right where nobody waits", func() {
		Expect(tooMany(calls(sketched, 100, 100*time.Millisecond), rate, burst)).To(BeZero())
	})

	It("lets all that wait leave together: RL-008", func() {
		came := calls(sketched, 50, 0)
		Expect(came).To(HaveLen(50))
		Expect(came[49].at).To(Equal(100*time.Millisecond), "45 calls on one token")
		Expect(tooMany(came, rate, burst)).To(Equal(43))

		came = calls(counterpart, 50, 0)
		Expect(came).To(HaveLen(50))
		Expect(came[49].at).To(Equal(4500*time.Millisecond), "one token a tenth of a second")
		Expect(tooMany(came, rate, burst)).To(BeZero())
	})
})
