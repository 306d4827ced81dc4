package suites_test

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
	"brownout/suites/verdict"
)

const secureUpstream = `
server: {tls: true}
routes:
  - match: GET /x/:case
    cases:
      answer: [{status: 503}, {status: 200}]
      lost: [{status: 200, reset: before-headers}, {status: 200}]
      cut: [{status: 200, size: 64KiB, close: body, after: 50%}, {status: 200}]
      sound: [{status: 200, size: 64KiB, framing: close}]
faults: [{name: handshake, reset: tls, when: {nth: 1}}]
drive: {request: GET /x/:case, calls: 2}
expect: [succeeds: {share: 70%}, attempts: {max: 4}]
`

var _ = Describe("an upstream over TLS", func() {
	It("is called by the bundled client as one in the clear", func() {
		backoff := must(resilience.NewBackoff(resilience.BackoffSettings{Base: 200 * time.Millisecond, Jitter: resilience.JitterEqual}))
		Expect(judged(secureUpstream, bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4, Backoff: backoff})))).To(suites.Pass())
	})
	It("is called by a sound client", func() {
		Expect(judged(secureUpstream, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("fails succeeds alone for a client that asks once", func() {
		shaken := strings.Replace(secureUpstream, "faults: [{name: handshake, reset: tls, when: {nth: 1}}]\n", "", 1)
		Expect(judged(shaken, broken(func(s *sketch) { s.attempts = 1 }))).To(suites.FailOnly("succeeds"))
	})
	It("names the handshakes of a client that does not trust it", func() {
		v := judged(secureUpstream, broken(func(s *sketch) { s.base.(*http.Transport).TLSClientConfig = nil }))
		Expect(v.Outcome).To(Equal(verdict.Inconclusive))
		last := v.Findings[len(v.Findings)-1]
		Expect(last.Sentence).To(HavePrefix("the client ended "))
		Expect(last.Sentence).To(HaveSuffix(" TLS handshakes: bad certificate, and so never called GET /x/:case."))
		Expect(last.Hint).To(ContainSubstring("SSL_CERT_FILE"))
	})
})

const silentHandshake = `
server: {tls: true}
routes: [{match: GET /x}]
faults: [{stall: tls, when: {nth: 1}}]
drive: {request: GET /x, calls: 2, deadline: 10s}
expect: [attempt_ends: 1s]
`

var _ = Describe("an upstream that falls silent behind the ClientHello", func() {
	It("is given up by a client with a timeout", func() {
		Expect(judged(silentHandshake, impatient(time.Second))).To(suites.Pass())
	})
	It("fails attempt_ends alone for a client without", func() {
		Expect(judged(silentHandshake, impatient(0))).To(suites.FailOnly("attempt_ends"))
	})
})

const severalHosts = `
server: {hosts: [a, b], tls: true}
routes:
  - {match: {path: /x/:id, host: a}, answers: [{status: 429, retry_after: 3s}, {status: 200}]}
  - {match: {path: /x/:id, host: b}, answers: [{status: 429, retry_after: 3s}, {status: 200}]}
faults: [{name: slow, delay: 10ms, when: {host: b}}]
drive:
  - {request: GET /x/:call, calls: 3}
  - {request: GET /x/:call, calls: 3, host: b}
expect:
  - succeeds: {share: all, host: a}
  - attempts: {per_call: 2, host: b}
  - honours_retry_after: {host: b}
`

// byHost takes each request to the client of its host.
type byHost struct{ a, b http.RoundTripper }

func (h byHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Host, "a.") {
		return h.a.RoundTrip(req)
	}
	return h.b.RoundTrip(req)
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (h byHost) CloseIdleConnections() {
	for _, t := range []http.RoundTripper{h.a, h.b} {
		t.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	}
}

var _ = Describe("an upstream of two hosts", func() {
	deaf := func(base http.RoundTripper) http.RoundTripper {
		s := sound(base)
		s.heedRetryAfter = false
		return s
	}
	It("is called by a sound client", func() {
		Expect(judged(severalHosts, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("is called by the bundled client", func() {
		Expect(judged(severalHosts, bundled())).To(suites.Pass())
	})
	It("fails a check of the one host for a client that is broken there", func() {
		Expect(judged(severalHosts, func(base http.RoundTripper) *http.Client {
			return &http.Client{Transport: byHost{a: sound(base), b: deaf(base)}}
		})).To(suites.FailOnly("honours_retry_after"))
	})
	It("does not for a client that is broken at the other", func() {
		Expect(judged(severalHosts, func(base http.RoundTripper) *http.Client {
			return &http.Client{Transport: byHost{a: deaf(base), b: sound(base)}}
		})).To(suites.Pass())
	})
})

const closedPort = `
routes: [{match: GET /items/:id}]
faults: [{name: down, refuse: accept, when: {elapsed: 2s..2500ms}}]
drive:
  - {request: GET /items/:call}
  - {request: GET /items/:call, calls: 3, concurrency: 3, wait: 2100ms}
expect: [succeeds: all]
`

var _ = Describe("an upstream whose port is closed for a while", func() {
	It("is reached again by a sound client", func() {
		Expect(judged(closedPort, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("is reached again by the bundled client", func() {
		backoff := must(resilience.NewBackoff(resilience.BackoffSettings{Base: 200 * time.Millisecond, Jitter: resilience.JitterEqual}))
		Expect(judged(closedPort, bundled(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4, Backoff: backoff})))).To(suites.Pass())
	})
	It("fails succeeds alone for a client that takes a refusal for an answer", func() {
		Expect(judged(closedPort, broken(func(s *sketch) { s.attempts = 1 }))).To(suites.FailOnly("succeeds"))
	})
})
