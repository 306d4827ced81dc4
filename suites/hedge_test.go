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

// lateUpstream answers the first attempt of each call late, and the next in time.
const lateUpstream = `
profile: {hedge_max: 2}
routes: [{match: GET /items/:id, answers: [{status: 200, delay: 5s}, {status: 200, delay: 500ms}]}]
drive: {request: GET /items/:call, calls: 3}
`

// oneByOne and twoAtOnce are what a client must show there that waits for one attempt at a time, and one that hedges.
const (
	oneByOne  = lateUpstream + "expect: [succeeds: all, stops_after_success, in_flight: {per_call: 1}]\n"
	twoAtOnce = lateUpstream + "expect: [succeeds: all, stops_after_success, in_flight: {per_call: declared}]\n"
)

// racer sends an attempt, and a second one where no answer came within a second. The first answer is the call's.
type racer struct {
	base     http.RoundTripper
	overlaps bool // the first attempt goes on beside the second
	keeps    bool // and further on when the second has its answer
	more     bool // one more is sent behind the answer
}

// raced is what came of one attempt.
type raced struct {
	resp *http.Response
	err  error
}

func (r *racer) RoundTrip(req *http.Request) (*http.Response, error) {
	first, end := r.send(req)
	select {
	case got := <-first:
		return got.resp, got.err
	case <-time.After(time.Second):
	}
	if !r.overlaps {
		end()
	}
	second, _ := r.send(req) // whose context ends with the call's
	got := <-second
	if r.keeps {
		time.AfterFunc(10*time.Second, end)
	} else {
		end()
	}
	if lost := <-first; lost.err == nil {
		_ = lost.resp.Body.Close()
	}
	if r.more {
		time.Sleep(100 * time.Millisecond)
		third, _ := r.send(req)
		if again := <-third; again.err == nil {
			_ = again.resp.Body.Close()
		}
	}
	return got.resp, got.err
}

// send begins an attempt, which end gives up.
func (r *racer) send(req *http.Request) (result <-chan raced, end func()) {
	ctx, end := context.WithCancel(req.Context())
	ended := make(chan raced, 1)
	go func() {
		resp, err := r.base.RoundTrip(req.Clone(ctx))
		ended <- raced{resp, err}
	}()
	return ended, end
}

func racing(r racer) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		r := r
		r.base = base
		return &http.Client{Transport: &r}
	}
}

var _ = Describe("an upstream that answers late", func() {
	It("is asked again by a client that ends the attempt before", func() {
		Expect(judged(oneByOne, racing(racer{}))).To(suites.Pass())
	})
	It("is asked again by the bundled client", func() {
		Expect(judged(oneByOne, bundled(httpclient.WithAttemptTimeout(time.Second)))).To(suites.Pass())
	})
	It("is asked twice at once by a client that hedges", func() {
		Expect(judged(twoAtOnce, racing(racer{overlaps: true}))).To(suites.Pass())
	})
	It("is hedged by the bundled policy", func() {
		hedge := must(resilience.NewHedge(resilience.HedgeSettings{Delay: time.Second}))
		Expect(judged(twoAtOnce, hedging(hedge))).To(suites.Pass())
	})
	It("fails in_flight alone for a client that leaves what timed out under way", func() {
		Expect(judged(oneByOne, racing(racer{overlaps: true}))).To(suites.FailOnly("in_flight"))
	})
	It("fails stops_after_success alone for a client that lets the loser run on", func() {
		Expect(judged(twoAtOnce, racing(racer{overlaps: true, keeps: true}))).To(suites.FailOnly("stops_after_success"))
	})
	It("fails stops_after_success alone for a client that asks once more", func() {
		Expect(judged(oneByOne, racing(racer{more: true}))).To(suites.FailOnly("stops_after_success"))
	})
})

// hedging is a client of the bundled hedge around the transport.
func hedging(h *resilience.Hedge) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		return &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			return resilience.Do(req.Context(), func(ctx context.Context) (*http.Response, error) {
				return base.RoundTrip(req.Clone(ctx))
			}, h)
		})}
	}
}
