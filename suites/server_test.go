package suites_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpclient"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// payments is an API whose handler is behind the bundled middleware, and what it did.
type payments struct {
	handler http.Handler
	takes   time.Duration // how long a payment is at work
	made    atomic.Int32
}

func newPayments(s httpserver.IdempotencySettings) *payments {
	p := &payments{}
	s.Principal = httpserver.NoPrincipal
	guard := must(httpserver.NewIdempotency(must(store.NewMemory(store.MemorySettings{})), s))
	p.handler = guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !sleep(req.Context(), p.takes) {
			return // nobody is there, and nothing was paid
		}
		n := p.made.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, text("pay_%d", n))
	}))
	return p
}

// losing passes requests on, and loses the first answer to each key: the payment was made, and the client cannot know.
type losing struct {
	base http.RoundTripper

	mu   sync.Mutex
	seen map[string]bool // keys; guarded by mu
}

// RoundTrip implements http.RoundTripper.
func (l *losing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if key := req.Header.Get("Idempotency-Key"); err == nil && !l.seen[key] {
		l.seen[key] = true
		_ = resp.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return resp, err
}

// payingAt runs a spec against a server in memory.
func payingAt(p *payments, spec func(base *http.Transport)) {
	u := newUpstream(p.handler.ServeHTTP)
	base := u.base()
	defer u.stop(base)
	spec(base)
}

const paymentsURL = "http://upstream.test/payments"

var _ = rule("IDEM-008", func() {
	It("between the bundled client and the bundled server", inVirtualTime(func() {
		p := newPayments(httpserver.IdempotencySettings{Required: true})
		payingAt(p, func(base *http.Transport) {
			client := bundled(keys)(&losing{base: base, seen: map[string]bool{}})
			ops := load(50, 10*time.Millisecond, func(int) op {
				return do(context.Background(), client, http.MethodPost, paymentsURL, "amount=4999")
			})
			Expect(p.made.Load()).To(BeEquivalentTo(50))
			told := map[string]bool{}
			for _, o := range ops {
				Expect(o.good()).To(BeTrue())
				Expect(o.resp.Header.Get(httpserver.ReplayedHeader)).To(Equal("true"))
				told[o.body] = true
			}
			Expect(told).To(HaveLen(50), "each got the answer to its own payment")
		})
	}))
})

var _ = rule("IDEM-006", func() {
	It("between the bundled client, which gives up on an attempt, and the bundled server, which goes on", inVirtualTime(func() {
		p := newPayments(httpserver.IdempotencySettings{Detach: true})
		p.takes = 2500 * time.Millisecond
		payingAt(p, func(base *http.Transport) {
			o := do(context.Background(), bundled(fourAttempts, keys, httpclient.WithAttemptTimeout(time.Second))(base),
				http.MethodPost, paymentsURL, "amount=4999")
			Expect(o.good()).To(BeTrue())
			Expect(o.body).To(Equal("pay_1"))
			Expect(p.made.Load()).To(BeEquivalentTo(1))
			Expect(o.took).To(BeNumerically(">=", p.takes))
		})
	}))

	It("ten at once under one key: the server makes one payment, and all are told of it", inVirtualTime(func() {
		p := newPayments(httpserver.IdempotencySettings{})
		p.takes = 500 * time.Millisecond
		payingAt(p, func(base *http.Transport) {
			client := bundled(fourAttempts)(base)
			ctx := httpclient.ContextWithKey(context.Background(), "order-17")
			ops := load(10, 0, func(int) op { return do(ctx, client, http.MethodPost, paymentsURL, "amount=4999") })
			Expect(count(ops, func(o op) bool { return o.good() && o.body == "pay_1" })).To(Equal(10))
			Expect(p.made.Load()).To(BeEquivalentTo(1))
		})
	}))
})

var _ = rule("IDEM-007", func() {
	It("and the bundled server says so at once", inVirtualTime(func() {
		p := newPayments(httpserver.IdempotencySettings{Required: true})
		payingAt(p, func(base *http.Transport) {
			client := bundled()(base)
			Expect(do(context.Background(), client, http.MethodPost, paymentsURL, "amount=4999").status).To(Equal(400), "no key")

			ctx := httpclient.ContextWithKey(context.Background(), "order-17")
			Expect(do(ctx, client, http.MethodPost, paymentsURL, "amount=4999").status).To(Equal(201))
			Expect(do(ctx, client, http.MethodPost, paymentsURL, "amount=1").status).To(Equal(422), "another body")
			Expect(do(ctx, client, http.MethodPost, paymentsURL+"?dry=run", "amount=4999").status).To(Equal(422), "another query")
			Expect(p.made.Load()).To(BeEquivalentTo(1))
		})
	}))
})
