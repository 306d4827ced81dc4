package suites_test

import (
	"net/http"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/suites"
	"brownout/suites/drive"
	"brownout/suites/trial"
)

// What the specs in virtual time show of connections, where RST and FIN are emulated, holds on loopback sockets. No scenario
// here makes anybody wait, so none depends on how fast the machine is.
var _ = DescribeTable("the bundled client on real sockets", Label("sockets"),
	func(ctx SpecContext, yaml string, options ...httpclient.Option) {
		s := scenario(yaml)
		atOnce := httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4, Backoff: resilience.NoBackoff()})
		result, err := trial.Run(ctx, trial.Config{
			Scenario: s,
			Journal:  filepath.Join(GinkgoT().TempDir(), "journal.ndjson"),
			Driver: &drive.InProcess{Steps: s.Drive, New: func() *http.Client {
				return bundled(append(options, atOnce)...)(&http.Transport{})
			}},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Verdict).To(suites.Pass())
		Expect(result.Log.Header.Emulated).To(BeFalse())
	},
	Entry("reads what it repeats, and keeps its connection", `
routes: [{match: GET /items/:id, answers: [{status: 503, size: 2KiB, times: 2}, {status: 200, size: 2KiB}]}]
drive: {request: GET /items/:call, calls: 50}
expect: [succeeds: all, attempts: {per_call: 3}, connections: {max: 1}]
`),
	Entry("asks again after a reset", `
routes: [{match: GET /items/:id, answers: [{reset: before-headers}, {status: 200}]}]
drive: {request: GET /items/:call}
expect: [succeeds: all]
`),
	Entry("asks again after an end", `
routes: [{match: GET /items/:id, answers: [{close: before-headers}, {status: 200}]}]
drive: {request: GET /items/:call}
expect: [succeeds: all]
`),
	Entry("asks again where a connection is reset as soon as it is made", `
routes: [{match: GET /items/:id, answers: [{status: 200}]}]
faults: [{reset: accept, when: {nth: 1..2}}]
drive: {request: GET /items/:call}
expect: [succeeds: all, connections: {max: 3}]
`),
	Entry("sends a POST of unknown fate once", `
routes: [{match: POST /orders, answers: [{reset: before-headers}, {status: 201, optional: true}]}]
drive: {request: POST /orders, calls: 3, json: {item: 1}}
expect: [succeeds: none, no_unsafe_retry, attempts: {per_call: 1}]
`),
	Entry("but again with its key", `
routes: [{match: POST /orders, answers: [{status: 504}, {status: 503}, {status: 201}]}]
drive: {request: POST /orders, calls: 3, json: {item: 1}}
expect: [succeeds: all, no_unsafe_retry, same_request, same_idempotency_key, distinct_idempotency_keys, key_from_first_attempt]
`, keys),
)
