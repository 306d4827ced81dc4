package suites_test

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
	"brownout/scenarios"
	"brownout/suites"
	"brownout/suites/trial"
)

// webhookScenarios are the built-in scenarios that judge a consumer of webhooks.
func webhookScenarios() []string {
	var names []string
	for _, name := range scenarios.BuiltinNames() {
		if len(must(scenarios.Builtin(name)).Deliveries) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// behindAnswers are the scenarios whose consumer has to work behind its answers.
var behindAnswers = []string{"webhook/slow-handler"}

// bundledReceiver is a consumer with the bundled receiver: its handler commits the effect of an event, before it returns or, where it
// works behind, at its leisure.
func bundledReceiver(behind bool) suites.NewConsumer {
	return func(up *trial.Upstream) http.Handler {
		work := &hook{up: up, newest: true, versions: map[string]float64{}, knows: soundHook(up).knows}
		handle := func(_ context.Context, d httpserver.Delivery) error {
			event := work.read(&http.Request{Header: d.Header}, d.Body)
			switch {
			case !work.knows(event.kind):
				return nil
			case behind:
				go func() { _ = work.work(event) }() // its upstream is slow, and does not fail
				return nil
			}
			return work.work(event)
		}
		receivers := map[string]http.Handler{}
		for _, s := range []sender{standard, slack} {
			name := map[string]string{standard.name: "standard", slack.name: "slack"}[s.name]
			if secret := up.Secret(name); secret != "" {
				receivers[s.field] = must(httpserver.NewWebhook(must(store.NewMemory(store.MemorySettings{})),
					httpserver.WebhookSettings{Source: name, Verifier: s.verifier(secret), Handle: handle}))
			}
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			field := standard.field
			if r.Header.Get("X-Slack-Request-Timestamp") != "" {
				field = slack.field
			}
			receivers[field].ServeHTTP(w, r)
		})
	}
}

var _ = Describe("the built-in scenarios of webhooks", func() {
	for _, name := range webhookScenarios() {
		behind := name == behindAnswers[0]
		It("are passed by the bundled receiver: "+name, func() {
			Expect(suites.ConsumerJudgedBy(theT(), must(scenarios.Builtin(name)), bundledReceiver(behind))).To(suites.Pass())
		})
		It("are passed by a sound consumer written by hand: "+name, func() {
			Expect(suites.ConsumerJudgedBy(theT(), must(scenarios.Builtin(name)), consuming(func(h *hook) { h.behind = behind }))).To(suites.Pass())
		})
	}
})

var _ = DescribeTable("a consumer broken in one way fails just the check of a built-in scenario that is about it",
	func(name, check string, breakIt func(*hook)) {
		v := suites.ConsumerJudgedBy(theT(), must(scenarios.Builtin(name)), consuming(func(h *hook) {
			h.behind = name == behindAnswers[0]
			breakIt(h)
		}))
		Expect(v).To(suites.FailOnly(check))
	},
	Entry("DELIV-001: remembers nothing", "webhook/duplicate", "effects", func(h *hook) { h.marks = "never" }),
	Entry("DELIV-001: refuses duplicates", "webhook/duplicate", "acknowledges", func(h *hook) { h.duplicate = http.StatusConflict }),
	Entry("DELIV-002: checks, then acts", "webhook/concurrent", "effects", func(h *hook) { h.locks = false }),
	Entry("DELIV-003: applies what comes last", "webhook/out-of-order", "final_effect", func(h *hook) { h.newest = false }),
	Entry("DELIV-004: works before it answers", "webhook/slow-handler", "acknowledges", func(h *hook) { h.behind = false }),
	Entry("DELIV-005: remembers an event before its work is done", "webhook/failed-first-try", "effects", func(h *hook) { h.marks = "before" }),
	Entry("DELIV-006: takes a retry marker for a duplicate", "webhook/retry-markers", "effects", func(h *hook) { h.dropsAgain = true }),
	Entry("DELIV-006: tells events by their signature", "webhook/late-redelivery", "effects", func(h *hook) {
		h.key = func(d *hookDelivery) string { return d.header.Get("webhook-signature") }
	}),
	Entry("DELIV-006: tells events by their timestamp", "webhook/late-redelivery", "effects", func(h *hook) {
		h.key = func(d *hookDelivery) string { return d.header.Get("webhook-timestamp") }
	}),
	Entry("DELIV-008: verifies nothing", "webhook/tampered", "refuses", func(h *hook) { h.verifies = false }),
	Entry("DELIV-008: answers what is not genuine with 500", "webhook/tampered", "refuses", func(h *hook) { h.refusal = http.StatusInternalServerError }),
	Entry("DELIV-009: verifies what its parser makes of the body", "webhook/raw-bytes", "acknowledges", func(h *hook) { h.reprints = true }),
	Entry("DELIV-010: takes any timestamp", "webhook/stale", "refuses", func(h *hook) { h.tolerance = 0 }),
	Entry("DELIV-011: looks at the first signature alone", "webhook/rotated-secret", "acknowledges", func(h *hook) { h.everySig = false }),
	Entry("DELIV-012: refuses types that it does not know", "webhook/unknown-type", "acknowledges", func(h *hook) { h.strict = true }),
	Entry("Slack: drops what is marked as a retry", "vendors/slack-redelivery", "effects", func(h *hook) { h.dropsAgain = true }),
)
