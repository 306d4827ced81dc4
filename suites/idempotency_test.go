package suites_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpclient"
	"brownout/suites"
)

// keys makes the client add a key to each POST.
var keys = httpclient.WithIdempotencyKeys(httpclient.KeySettings{})

// madeKeys returns the keys of so many calls of one client.
func madeKeys(n int, settings httpclient.KeySettings) []string {
	var made []string
	suites.InBubble(theT(), func() {
		s := newService(always(201))
		client := bundled(httpclient.WithIdempotencyKeys(settings))(s)
		for range n {
			do(context.Background(), client, http.MethodPost, "http://upstream.test/payments", "amount=4999")
		}
		for _, a := range s.record() {
			made = append(made, a.key)
		}
	})
	return made
}

var _ = rule("IDEM-001", func() {
	for _, method := range []string{"POST", "PATCH"} {
		It(method, func() {
			Expect(judged(`
routes: [{match: /payments, answers: [{status: 503}, {status: 201}]}]
drive: {request: `+method+` /payments, calls: 3, json: {amount: 4999}}
expect: [succeeds: all, key_from_first_attempt]
`, bundled(keys))).To(suites.Pass())
		})
	}

	It("under the name that the server has for it", func() {
		Expect(judged(`
profile: {key_header: X-Request-Token}
routes: [{match: /payments, answers: [{status: 503}, {status: 201}]}]
drive: {request: POST /payments, calls: 3, json: {amount: 4999}}
expect: [succeeds: all, key_from_first_attempt, same_idempotency_key]
`, bundled(httpclient.WithIdempotencyKeys(httpclient.KeySettings{Header: "X-Request-Token"})))).To(suites.Pass())
	})
})

var _ = rule("IDEM-002", func() {
	It("after a lost answer, a 503 and a 429", func() {
		Expect(judged(`
routes: [{match: POST /payments, answers: [{reset: before-headers}, {status: 503}, {status: 429, retry_after: 2s}, {status: 201}]}]
drive: {request: POST /payments, calls: 10, concurrency: 5, json: {amount: 4999}}
expect: [succeeds: all, same_idempotency_key, same_request]
`, bundled(fourAttempts, keys))).To(suites.Pass())
	})

	It("also the one that the caller has in its context", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			return reply(req, map[bool]int{true: 503, false: 201}[n < 3]), nil
		})
		ctx := httpclient.ContextWithKey(context.Background(), "order-17")
		Expect(do(ctx, bundled()(s), http.MethodPost, "http://upstream.test/payments", "amount=4999").good()).To(BeTrue())
		came := s.record()
		Expect(came).To(HaveLen(3))
		for _, a := range came {
			Expect(a.key).To(Equal("order-17"))
		}
	}))

	It("and the request that a 307 asks for", inVirtualTime(func() {
		s := newService(func(n int, req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/here" {
				return reply(req, 307, "Location", "/there"), nil
			}
			return reply(req, map[bool]int{true: 503, false: 201}[n < 3]), nil
		})
		Expect(do(context.Background(), bundled(keys)(s), http.MethodPost, "http://upstream.test/here", "amount=4999").good()).To(BeTrue())
		came := s.record()
		Expect(came).To(HaveLen(3))
		Expect(came[0].key).NotTo(BeEmpty())
		Expect([]string{came[1].key, came[2].key}).To(Equal([]string{came[0].key, came[0].key}))
	}))
})

var _ = rule("IDEM-003", func() {
	It("1000 calls of four clients, all alike", func() {
		Expect(judged(`
routes: [{match: POST /payments, answers: [{status: 201}]}]
faults: [{chance: 10%, status: 503}]
drive: {request: POST /payments, calls: 1000, clients: 4, concurrency: 20, json: {amount: 4999}}
expect: [distinct_idempotency_keys]
`, bundled(keys))).To(suites.Pass())
	})
})

var _ = rule("IDEM-004", func() {
	It("quoted, as the draft has it", func() {
		for _, key := range madeKeys(10, httpclient.KeySettings{}) {
			Expect(key).To(MatchRegexp(`^"[ !#-\[\]-~]{1,255}"$`))
		}
	})

	It("or bare, for the servers that want it so", func() {
		for _, key := range madeKeys(10, httpclient.KeySettings{Bare: true}) {
			Expect(key).To(MatchRegexp(`^[!#-\[\]-~]{1,255}$`))
		}
	})
})

var _ = rule("IDEM-005", func() {
	It("1000 keys have nothing in common", func() {
		made := madeKeys(1000, httpclient.KeySettings{})
		at := make([]map[byte]bool, 64) // the symbols at each position
		seen := map[string]bool{}
		for _, key := range made {
			seen[key] = true
			for i := range key {
				if at[i] == nil {
					at[i] = map[byte]bool{}
				}
				at[i][key[i]] = true
			}
		}
		Expect(seen).To(HaveLen(1000))
		varied := 0
		for _, symbols := range at {
			if len(symbols) >= 10 {
				varied++
			}
		}
		Expect(varied).To(BeNumerically(">=", 16))
	})
})

var _ = rule("IDEM-006", func() {
	It("and its answer, once it is there, is the result", func() {
		Expect(judged(`
routes:
  - match: POST /payments
    answers:
      - {status: 201, delay: 1m} # read and at work when the client gives up
      - {status: 409, times: 2}
      - {status: 201, headers: {Idempotent-Replayed: "true"}}
drive: {request: POST /payments, calls: 20, concurrency: 20, json: {amount: 4999}}
expect: [succeeds: all, attempts: {per_call: 4}, same_idempotency_key, same_request, no_hot_loop]
`, bundled(fourAttempts, keys, httpclient.WithAttemptTimeout(time.Second)))).To(suites.Pass())
	})

	It("but without a key a 409 is a conflict", func() {
		Expect(judged(`
routes: [{match: /payments, answers: [{status: 409}, {status: 201, optional: true}]}]
drive: {request: [POST /payments, PUT /payments], json: {amount: 4999}}
expect: [succeeds: none, never_retries: {status: 409}]
`, bundled())).To(suites.Pass())
	})
})

var _ = rule("IDEM-007", func() {
	It("neither is sent twice", func() {
		Expect(judged(`
routes:
  - {match: POST /a, answers: [{status: 400, json: {title: Idempotency-Key is missing}}, {status: 201, optional: true}]}
  - {match: POST /b, answers: [{status: 422, json: {title: Idempotency-Key is already used}}, {status: 201, optional: true}]}
  - {match: POST /c, name: later, answers: [{status: 503}, {status: 422}, {status: 201, optional: true}]}
drive: {request: [POST /a, POST /b, POST /c], json: {amount: 4999}, settle: 1m}
expect: [never_retries: {status: [400, 422]}, attempts: {per_call: 2, route: later}]
`, bundled(keys))).To(suites.Pass())
	})
})

// A ledger is a payment API that commits each payment once for its key, and whose first answer is lost in some way.
type ledger struct {
	lose func(req *http.Request) (*http.Response, error)

	mu      sync.Mutex
	stored  map[string]bool // answered keys; guarded by mu
	effects int             // guarded by mu
}

func (l *ledger) answer(_ int, req *http.Request) (*http.Response, error) {
	key := req.Header.Get("Idempotency-Key")
	l.mu.Lock()
	known := key != "" && l.stored[key]
	if !known {
		l.effects++
		l.stored[key] = true
	}
	l.mu.Unlock()
	if known {
		return reply(req, 201, "Idempotent-Replayed", "true"), nil
	}
	return l.lose(req)
}

// lost are the ways in which an answer is lost after the payment was made.
var lost = map[string]func(req *http.Request) (*http.Response, error){
	"with the connection": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") },
	"in a gateway":        func(req *http.Request) (*http.Response, error) { return reply(req, 504), nil },
	"in the middle": func(req *http.Request) (*http.Response, error) {
		resp := reply(req, 201)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"ok`), failing{}))
		return resp, nil
	},
	"by being late": func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	},
}

// failing is a reader whose connection is gone.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// pay makes 50 payments whose first answers are lost, and returns how many were made and how many calls were told so.
func pay(lose func(*http.Request) (*http.Response, error), client func(http.RoundTripper) *http.Client) (effects, ok int) {
	l := &ledger{lose: lose, stored: map[string]bool{}}
	c := client(newService(l.answer))
	ops := load(50, 10*time.Millisecond, func(int) op {
		return do(context.Background(), c, http.MethodPost, "http://upstream.test/payments", "amount=4999")
	})
	return l.effects, count(ops, op.good)
}

var _ = rule("IDEM-008", func() {
	for _, how := range slices.Sorted(maps.Keys(lost)) {
		It("lost "+how, inVirtualTime(func() {
			effects, ok := pay(lost[how], bundled(keys, httpclient.WithAttemptTimeout(time.Second), httpclient.WithAnswerBuffer(64<<10)))
			Expect(effects).To(Equal(50))
			Expect(ok).To(Equal(50))
		}))
	}

	It("and without a key no payment is made twice, and none is said to be made", inVirtualTime(func() {
		for _, lose := range lost {
			effects, ok := pay(lose, bundled(httpclient.WithAttemptTimeout(time.Second), httpclient.WithAnswerBuffer(64<<10)))
			Expect(effects).To(Equal(50))
			Expect(ok).To(BeZero())
		}
	}))
})
