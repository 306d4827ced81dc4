package suites_test

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

// everyCircuitCheck has an upstream that is down for a while, and one that only says that nothing is there.
const everyCircuitCheck = `
profile: {breaker_after: 5, open_time: 5s, half_open_max: 1, max_attempts: 1}
phases: [{name: healthy, for: 5s}, {name: outage, for: 12s}, {name: after}]
routes:
  - {match: GET /items/:id, name: items}
  - {match: GET /gone/:id, name: gone, answers: [{status: 404}]}
faults: [{name: down, when: {phase: outage, path: /items/:id}, status: 503, delay: 200ms}]
drive:
  - {request: GET /gone/:call, calls: 120, rate: 50/s}
  - {request: GET /items/:call, rate: 20/s, for: 40s}
expect:
  - circuit_stays_closed: {route: gone}
  - opens_circuit: {route: items}
  - fails_fast
  - half_open_probes
  - closes_circuit: {phase: after}
  - ends: 1s
`

var _ = Describe("an upstream that is down for a while", func() {
	It("is left alone by a sound breaker", func() {
		Expect(judged(everyCircuitCheck, fused(func(*fuse) {}))).To(suites.Pass())
	})
	It("is left alone by the bundled client", func() {
		s := scenario(everyCircuitCheck)
		Expect(suites.JudgedBy(theT(), s, reference(&s.Profile))).To(suites.Pass())
	})
	DescribeTable("finds a breaker that is broken in one way", func(check string, breakIt func(*fuse), leaveOut ...string) {
		yaml := everyCircuitCheck
		for _, expectation := range leaveOut {
			yaml = without(yaml, expectation)
		}
		Expect(judged(yaml, fused(breakIt))).To(suites.FailOnly(check))
	},
		Entry("counts client errors", "circuit_stays_closed", func(f *fuse) {
			f.failure = func(resp *http.Response, err error) bool { return err != nil || resp.StatusCode >= 400 }
		}),
		Entry("opens too late", "opens_circuit", func(f *fuse) { f.after = 15 }),
		// What is never open is never half open, and need not close.
		Entry("counts errors alone, and never opens", "opens_circuit", func(f *fuse) {
			f.failure = func(_ *http.Response, err error) bool { return err != nil }
		}, "fails_fast", "half_open_probes", "closes_circuit"),
		Entry("is open for too short a time", "opens_circuit", func(f *fuse) {
			f.openFor, f.reopens = 3*time.Second, 3*time.Second
		}, "half_open_probes"),
		Entry("takes its time to refuse", "fails_fast", func(f *fuse) { f.refuse = 80 * time.Millisecond }),
		Entry("connects before it refuses", "fails_fast", func(f *fuse) { f.dials = true }),
		Entry("lets a herd through", "half_open_probes", func(f *fuse) { f.probes = 100 }),
		Entry("tries on when a probe has failed", "half_open_probes", func(f *fuse) { f.reopens = time.Second }),
		Entry("never closes", "closes_circuit", func(f *fuse) { f.sticks = true }),
	)
})
