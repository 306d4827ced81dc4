package suites_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

// unknownStatus has a status that no client knows beside one that all do.
const unknownStatus = `
routes:
  - match: GET /x/:case
    cases:
      known: [{status: 500, optional: true}, {status: 200}]
      unknown: [{status: 599, optional: true}, {status: 200}]
drive: {request: GET /x/:case, calls: 5}
expect: [same_as: known]
`

var _ = Describe("a status that nobody knows", func() {
	It("is as x00 of its class to a sound client", func() {
		Expect(judged(unknownStatus, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("fails same_as alone for a client that retries what it knows", func() {
		Expect(judged(unknownStatus, broken(func(s *sketch) {
			s.retries = func(status int) bool { return status == 429 || status >= 500 && status <= 504 }
		}))).To(suites.FailOnly("same_as"))
	})
})
