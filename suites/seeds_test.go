package suites_test

import (
	"math/rand/v2"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
)

// twoClients meet the same failures, each for itself.
const twoClients = `
routes: [{match: GET /items/:id, answers: [{status: 503, times: 3}, {status: 200}]}]
drive: {request: GET /items/:call, calls: 6, clients: 2}
expect: [succeeds: all, clients_differ]
`

var _ = Describe("two clients", func() {
	It("pass where each has a seed of its own", func() {
		Expect(judged(twoClients, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("pass where they are bundled ones", func() {
		Expect(judged(twoClients, reference(&scenarios.Profile{}))).To(suites.Pass())
	})
	It("fail clients_differ alone where all have one seed", func() {
		Expect(judged(twoClients, broken(func(s *sketch) { s.rand = rand.New(rand.NewPCG(1, 2)) }))).To(suites.FailOnly("clients_differ"))
	})
})
