package suites_test

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

// badDeliveries are refused by whoever verifies, and good ones beside them are not.
const badDeliveries = `
routes: [{match: POST /effects/:event}]
deliveries:
  - {event: good, json: {amount: 1}}
  - {event: edge, skew: -4m}
  - {event: rotated, secret: [whsec_dGhlIHNlY3JldCBvZiBsYXN0IHllYXIsIDMyIGJ5dA==, whsec_YnJvd25vdXQtdGVzdC1zZWNyZXQtMjQtYnl0ZXM=]}
  - {event: unknown, type: zz.unknown}
  - {event: none, tamper: no-signature}
  - {event: empty, tamper: empty-signature}
  - {event: truncated, tamper: truncated-signature}
  - {event: scheme, tamper: unknown-scheme}
  - {event: public, tamper: public-key-only}
  - {event: alien, tamper: wrong-secret}
  - {event: body, tamper: body-plus-one}
  - {event: swapped, tamper: id-swapped}
  - {event: garbage, tamper: garbage-timestamp}
  - {event: stale, skew: -10m}
  - {event: future, skew: 10m}
expect: [acknowledges, refuses]
`

// rawBytes are signed as they are, however a parser would print them.
const rawBytes = `
routes: [{match: POST /effects/:event}]
deliveries:
  - {event: space, text: "{{ \"n\" : 1 }}\n"}
  - {event: order, text: "{{\"z\":1,\"a\":2}}"}
  - {event: escape, text: "{{\"name\":\"caf\\u00e9\"}}"}
  - {event: number, text: "{{\"n\":1e2,\"m\":1.0}}"}
  - {event: alien, tamper: wrong-secret}
expect: [acknowledges, refuses]
`

// slowWork is more than a sender waits for.
const slowWork = `
routes: [{match: POST /effects/:event, answers: [{status: 200, delay: 6s}]}]
deliveries: [{event: a, events: 20, sender: slack}]
expect: [acknowledges]
`

// A consumerFlaw is one way in which a consumer can be broken, and the check that is about it.
type consumerFlaw struct {
	check, text, scenario string
	breakIt               func(*hook)
}

var consumerFlaws = []consumerFlaw{
	{"refuses", "verifies nothing", badDeliveries, func(h *hook) { h.verifies = false }},
	{"refuses", "answers what is not genuine with 500", badDeliveries, func(h *hook) { h.refusal = http.StatusInternalServerError }},
	{"refuses", "takes any timestamp", badDeliveries, func(h *hook) { h.tolerance = 0 }},
	{"acknowledges", "verifies what its parser makes of the body", rawBytes, func(h *hook) { h.reprints = true }},
	{"acknowledges", "looks at the first signature alone", badDeliveries, func(h *hook) { h.everySig = false }},
	{"acknowledges", "refuses types that it does not know", badDeliveries, func(h *hook) { h.strict = true }},
	{"acknowledges", "works before it answers", slowWork, func(h *hook) { h.behind = false }},
}

var _ = Describe("a consumer of webhooks", func() {
	It("that is sound refuses what is bad and takes what is good", func() {
		Expect(suites.ConsumerJudgedBy(theT(), scenario(badDeliveries), consuming(func(*hook) {}))).To(suites.Pass())
	})
	It("that verifies raw bytes takes them as they are", func() {
		Expect(suites.ConsumerJudgedBy(theT(), scenario(rawBytes), consuming(func(*hook) {}))).To(suites.Pass())
	})
	It("that works behind its answers acknowledges in time", func() {
		Expect(suites.ConsumerJudgedBy(theT(), scenario(slowWork), consuming(func(h *hook) { h.behind = true }))).To(suites.Pass())
	})
	for _, f := range consumerFlaws {
		It("fails "+f.check+" alone where it "+f.text, func() {
			Expect(suites.ConsumerJudgedBy(theT(), scenario(f.scenario), consuming(func(h *hook) {
				h.behind = f.scenario == slowWork
				f.breakIt(h)
			}))).To(suites.FailOnly(f.check))
		})
	}
})
