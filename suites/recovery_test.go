package suites_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
)

// downUpstream is down for so long that a budget of retries is spent, and then fails now and then.
const downUpstream = `
phases: [{name: outage, for: 20s}, {name: recovery, for: 20s}, {name: after}]
faults:
  - {name: down, when: {phase: outage}, status: 503}
  - {name: flaky, when: {phase: after}, chance: 5%, status: 503}
drive: {request: GET /items/:call, rate: 50/s, for: 50s}
expect: [amplification: {phase: outage}, retries_return: {phase: after}]
`

var _ = Describe("an upstream that was down", func() {
	It("has its failures tried again by a client whose budget fills", func() {
		Expect(judged(downUpstream, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("has its failures tried again by the bundled client", func() {
		Expect(judged(downUpstream, reference(&scenarios.Profile{}))).To(suites.Pass())
	})
	It("fails retries_return alone for a client whose budget never fills", func() {
		Expect(judged(downUpstream, broken(func(s *sketch) { s.saved = 0 }))).To(suites.FailOnly("retries_return"))
	})
})
