package suites_test

import (
	"errors"
	"io"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
)

// keyed adds an idempotency key to each request that passes, as a middleware does. What is wrong is where it stands and what it
// is given: see keyPerAttempt and keyPerProcess.
type keyed struct {
	base http.RoundTripper
	key  func() string
}

// RoundTrip implements http.RoundTripper.
func (k keyed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Idempotency-Key", k.key())
	return k.base.RoundTrip(req)
}

// persistent repeats what failed, whatever it was: sound behind a key that stays, and only there.
type persistent struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p persistent) RoundTrip(req *http.Request) (*http.Response, error) {
	for n := 0; ; n++ {
		attempt := req.Clone(req.Context())
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			attempt.Body = body
		}
		resp, err := p.base.RoundTrip(attempt)
		if n == 3 || err == nil && resp.StatusCode < 500 {
			return resp, err
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		if !sleep(req.Context(), 200*time.Millisecond<<n) {
			return nil, errors.Join(err, req.Context().Err())
		}
	}
}

// keyPerAttempt is a client whose key is made within the retry loop: each attempt is another payment to the server.
func keyPerAttempt(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: persistent{keyed{base, httpclient.NewKey}}}
}

// keyPerProcess is a client whose key was made once, when the program began: the second payment is the first one again to the
// server, which answers it so and takes no money.
func keyPerProcess(base http.RoundTripper) *http.Client {
	key := httpclient.NewKey()
	return &http.Client{Transport: keyed{persistent{base}, func() string { return key }}}
}

// keyPerCall is neither: the key stands outside the loop, and is made for each call.
func keyPerCall(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: keyed{persistent{base}, httpclient.NewKey}}
}

var _ = Describe("the copied idempotency key", Label("sketch"), func() {
	keyedPost := func(client suites.NewClient) (failed []string) {
		return suites.Unmet(suites.JudgedBy(theT(), must(scenarios.Builtin("retry/keyed-post")), client))
	}

	It("is made per attempt: same_idempotency_key, IDEM-002", func() {
		Expect(keyedPost(keyPerAttempt)).To(Equal([]string{"same_idempotency_key"}))
	})

	It("or once per process: distinct_idempotency_keys, IDEM-003", func() {
		Expect(keyedPost(keyPerProcess)).To(Equal([]string{"distinct_idempotency_keys"}))
	})

	It("unlike the bundled client's, and one that is made per call", func() {
		Expect(keyedPost(bundled(fourAttempts, keys))).To(BeEmpty())
		Expect(keyedPost(keyPerCall)).To(BeEmpty())
	})

	// made pays 50 times, and each first answer is lost after the payment was made.
	made := func(client suites.NewClient) (effects, ok int) {
		suites.InBubble(theT(), func() { effects, ok = pay(lost["in a gateway"], client) })
		return effects, ok
	}

	It("so that customers are charged again and again, or never: IDEM-008", func() {
		effects, _ := made(keyPerAttempt)
		Expect(effects).To(Equal(4 * 50))

		effects, ok := made(keyPerProcess)
		Expect(effects).To(Equal(1))
		Expect(ok).To(Equal(50), "and each is told that its payment was made")

		effects, ok = made(bundled(keys))
		Expect(effects).To(Equal(50))
		Expect(ok).To(Equal(50))
	})
})
