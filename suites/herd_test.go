package suites_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
)

// herdScenario fails fifty calls at one instant. It is none of the library, for it judges clients that wait for a second
// or more alone.
const herdScenario = `
name: herd
routes:
  - match: GET /feed/:call
    answers: [{status: 503, hold: {until: 50 attempts, at_most: 10s}}, {status: 200}]
drive: {request: GET /feed/:call, calls: 50, concurrency: 50}
expect: [spreads_out, no_hot_loop, succeeds: all]
`

var _ = Describe("clients that failed together", func() {
	patient := func(jitter float64) func(*sketch) {
		return func(s *sketch) {
			s.backoff = func(_, _ int, draw float64) time.Duration {
				return 2*time.Second + time.Duration(jitter*draw*float64(2*time.Second))
			}
		}
	}
	It("pass where they draw their waits", func() {
		Expect(suites.JudgedBy(suiteT, must(scenarios.Parse("herd.yaml", []byte(herdScenario))), broken(patient(1)))).To(suites.Pass())
	})
	It("fail spreads_out alone where they all wait as long", func() {
		Expect(suites.JudgedBy(suiteT, must(scenarios.Parse("herd.yaml", []byte(herdScenario))), broken(patient(0)))).To(suites.FailOnly("spreads_out"))
	})
})
