package suites_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
)

// cancelledCalls are cancelled while the client waits for its next attempt, and while one is under way.
const cancelledCalls = `
routes:
  - {match: GET /down/:id, answers: [{status: 503}]}
  - {match: GET /slow/:id, answers: [{status: 200, delay: 3s}]}
drive: {request: [GET /down/:call, GET /slow/:call], calls: 6, concurrency: 6, cancel_after: 500ms}
expect: [stops_when_cancelled]
`

// endlessPause asks for a pause that nobody waits out.
const endlessPause = `
routes: [{match: GET /items/:id, answers: [{status: 503, retry_after: 3600s}]}]
drive: {request: GET /items/:call, calls: 3, concurrency: 3}
expect: [honours_retry_after, ends: 10s]
`

var _ = Describe("calls that are cancelled", func() {
	It("end for a sound client", func() {
		Expect(judged(cancelledCalls, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("end for the bundled client", func() {
		Expect(judged(cancelledCalls, reference(&scenarios.Profile{}))).To(suites.Pass())
	})
	It("fail stops_when_cancelled alone for a client that goes on", func() {
		Expect(judged(cancelledCalls, broken(func(s *sketch) { s.deaf = true }))).To(suites.FailOnly("stops_when_cancelled"))
	})
})

var _ = Describe("a pause that nobody waits out", func() {
	It("ends the calls of a sound client", func() {
		Expect(judged(endlessPause, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("ends the calls of the bundled client", func() {
		Expect(judged(endlessPause, bundled(httpclient.WithoutHostPause()))).To(suites.Pass())
	})
	It("fails ends alone for a client that waits it out", func() {
		Expect(judged(endlessPause, broken(func(s *sketch) { s.patience = 24 * time.Hour }))).To(suites.FailOnly("ends"))
	})
})
