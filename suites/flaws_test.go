package suites_test

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
)

// everyCheck expects every check that is built. Where a client that is broken in one way could not but fail two checks, they
// look at different routes.
const everyCheck = `
routes:
  - {match: GET /items/:id, name: items, answers: [{status: 503, times: 3}, {status: 200}]}
  - {match: GET /busy/:id, name: busy, answers: [{status: 429, times: 2}, {status: 200}]}
  - {match: GET /conflict/:id, name: conflict, answers: [{status: 409, optional: true}, {status: 200}]}
  - {match: GET /gone/:id, name: gone, answers: [{status: 404, optional: true}]}
  - {match: PUT /files/:id, name: files, answers: [{status: 503}, {status: 200}]}
  - {match: POST /orders, name: orders, answers: [{status: 504, optional: true}, {status: 201}]}
  - {match: POST /payments, name: payments, answers: [{status: 429, retry_after: 2s}, {status: 503}, {status: 201}]}
  - {match: POST /refunds, name: refunds, answers: [{status: 503}, {status: 201}]}
  - {match: GET /never/:id, answers: [{status: 503}]}
  - {match: GET /down/:id, name: down, answers: [{status: 503}]}
  - {match: GET /brief/:id, name: brief, answers: [{status: 503}]}
drive:
  - {request: GET /items/:call, calls: 20, concurrency: 20}
  - {request: GET /busy/:call, calls: 20, concurrency: 20}
  - {request: [GET /conflict/:call, GET /gone/:call]}
  - {request: PUT /files/:call, calls: 3, text: once and again}
  - {request: PUT /files/:call, calls: 3, text: a stream, stream: true}
  - {request: POST /orders, calls: 3, json: {item: 1}}
  - {request: POST /payments, calls: 5, concurrency: 5, json: {amount: 4999}, idempotent: true}
  - {request: POST /refunds, calls: 3, json: {amount: 4999}, idempotent: true}
  - {request: GET /brief/:call, calls: 3, concurrency: 3, deadline: 300ms}
  - {request: GET /never/:call, calls: 3, concurrency: 3}
  - {request: GET /down/:call, calls: 600, rate: 50/s}
expect:
  - succeeds: {share: all, route: items}
  - attempts: {max: 4}
  - retries_on: {exactly: 503, route: conflict}
  - never_retries
  - no_unsafe_retry
  - same_request
  - honours_retry_after
  - waits: {at_least: 100ms, after: 503}
  - no_hot_loop: {route: busy}
  - backoff_grows: {route: items}
  - backoff_jitters: {route: items}
  - amplification: {route: down}
  - same_idempotency_key: {route: payments}
  - distinct_idempotency_keys
  - key_from_first_attempt: {route: refunds}
  - connections: {open: 5}
  - keeps_deadline: {route: brief}
`

const circuits = "circuit_test.go: it takes an upstream that is down, and calls that go on"

// elsewhere are the checks that are built and have a scenario of their own, with a client that fails them alone.
var elsewhere = map[string]string{
	"attempt_ends":         "ends_test.go: it takes an upstream that falls silent",
	"circuit_stays_closed": circuits,
	"clients_differ":       "seeds_test.go: it takes several clients",
	"closes_circuit":       circuits,
	"ends":                 "cancel_test.go: it takes calls that have an end",
	"fails_fast":           circuits,
	"half_open_probes":     circuits,
	"in_flight":            "hedge_test.go: it takes an upstream that answers late",
	"leaves_connection":    "ends_test.go: it takes an upstream that ends connections",
	"opens_circuit":        circuits,
	"retries_return":       "recovery_test.go: it takes an upstream that was down",
	"same_as":              "cases_test.go: it compares the cases of a route",
	"spreads_out":          "herd_test.go: it takes fifty connections at once, and waits of a second",
	"stops_after_success":  "hedge_test.go: it takes an upstream that answers late",
	"effects":              "charges_test.go: it takes a route with effects",
	"not_resent_unchanged": "charges_test.go: it takes a ledger that refuses keys",
	"truthful":             "charges_test.go: it takes a route with effects",
	"right_result":         "charges_test.go: it takes bodies that are cut",
	"stops_when_cancelled": "cancel_test.go: it takes calls that are cancelled",
	"limits_itself":        "quota_test.go: it takes a client with limits of its own",
	"pauses_others":        "quota_test.go: it takes many calls while one was told to wait",
	"within_quota":         "quota_test.go: it takes an upstream that tells what remains",
	"acknowledges":         "consumers_test.go: it judges consumers of webhooks",
	"refuses":              "consumers_test.go: it judges consumers of webhooks",
	"final_effect":         "consumers_test.go: it judges consumers of webhooks",
}

// A flaw is one way in which a client can be broken, and the check that is about it.
type flaw struct {
	check, text string
	breakIt     func(*sketch)
	// but is an expectation of everyCheck that is left out, since the flaw cannot but fail it too; "": none.
	but string
}

// flaws are one or more for each check that is built.
var flaws = []flaw{
	{check: "succeeds", text: "gives up one attempt too early", breakIt: func(s *sketch) { s.attempts = 3 }},
	{check: "attempts", text: "does not know when to stop", breakIt: func(s *sketch) { s.attempts = 9 }},
	{check: "never_retries", text: "asks again for what is not there", breakIt: func(s *sketch) {
		s.retries = func(status int) bool { return status == 404 || status == 429 || status >= 500 }
	}},
	{check: "retries_on", text: "takes a conflict for a failure that passes", breakIt: func(s *sketch) {
		s.retries = func(status int) bool { return status == 409 || status == 429 || status >= 500 }
	}},
	{check: "no_unsafe_retry", text: "repeats a POST without a key", breakIt: func(s *sketch) {
		s.safe = func(*http.Request) bool { return true }
	}},
	{check: "same_request", text: "sends what is left of a stream", breakIt: func(s *sketch) { s.replayStream = false }},
	{check: "same_request", text: "forgets the content's type", breakIt: func(s *sketch) { s.dropType = true }},
	{check: "honours_retry_after", text: "ignores Retry-After", breakIt: func(s *sketch) { s.heedRetryAfter = false }},
	{check: "waits", text: "waits anything from nothing up", breakIt: func(s *sketch) {
		s.backoff = func(_, retry int, draw float64) time.Duration {
			return time.Duration(draw * float64(200*time.Millisecond<<(retry-1)))
		}
	}},
	{check: "no_hot_loop", text: "does not wait where it is throttled", breakIt: func(s *sketch) {
		wait := s.backoff
		s.backoff = func(status, retry int, draw float64) time.Duration {
			if status == http.StatusTooManyRequests {
				return 0
			}
			return wait(status, retry, draw)
		}
	}},
	{check: "backoff_grows", text: "waits about the same every time", breakIt: func(s *sketch) {
		s.backoff = func(_, _ int, draw float64) time.Duration {
			return 200*time.Millisecond + time.Duration(draw*float64(100*time.Millisecond))
		}
	}},
	{check: "backoff_jitters", text: "waits without jitter", breakIt: func(s *sketch) {
		s.backoff = func(_, retry int, _ float64) time.Duration { return 200 * time.Millisecond << (retry - 1) }
	}},
	{check: "amplification", text: "has no budget", breakIt: func(s *sketch) { s.saved = float64(s.attempts) }},
	{check: "same_idempotency_key", text: "makes a key for each attempt", breakIt: func(s *sketch) {
		s.key = func(call, attempt int) string { return text("call-%d-%d", call, attempt) }
	}},
	{check: "distinct_idempotency_keys", text: "has one key for all calls", breakIt: func(s *sketch) {
		s.key = func(int, int) string { return "the-key" }
	}},
	{check: "key_from_first_attempt", text: "thinks of the key when it repeats", breakIt: func(s *sketch) {
		s.key = func(call, attempt int) string {
			if attempt == 1 {
				return ""
			}
			return text("call-%d", call)
		}
	}, but: "same_idempotency_key"}, // a call whose first attempt lacks the key has not one key
	{check: "keeps_deadline", text: "goes on when its time is up", breakIt: func(s *sketch) { s.deaf = true }},
	{check: "connections", text: "neither reads nor closes what it repeats", breakIt: func(s *sketch) { s.drain = false }},
}

var _ = Describe("the scenario of every check", func() {
	It("is passed by a sound client", func() {
		Expect(judged(everyCheck, broken(func(*sketch) {}))).To(suites.Pass())
	})

	It("is passed by the bundled client", func() {
		backoff := must(resilience.NewBackoff(resilience.BackoffSettings{Base: 200 * time.Millisecond, Jitter: resilience.JitterEqual}))
		retry := resilience.RetrySettings{MaxAttempts: 4, Backoff: backoff, Budget: must(resilience.NewBudget(resilience.BudgetSettings{Tokens: 200}))}
		Expect(judged(everyCheck, keyedWhereTold(httpclient.KeySettings{}, httpclient.WithRetry(retry), httpclient.WithoutHostPause()))).To(suites.Pass())
	})

	for _, f := range flaws {
		It("fails "+f.check+" alone for a client that "+f.text, func() {
			Expect(judged(without(everyCheck, f.but), broken(f.breakIt))).To(suites.FailOnly(f.check))
		})
	}

	It("expects every check that is built, and a client is broken for each", func() {
		expected := map[string]bool{}
		for _, x := range scenario(everyCheck).Expect {
			expected[x.Name] = true
		}
		caught := map[string]bool{}
		for check := range elsewhere {
			expected[check], caught[check] = true, true
		}
		for _, f := range flaws {
			caught[f.check] = true
		}
		var missing []string
		for _, c := range scenarios.Checks() {
			if !c.Unbuilt && !expected[c.Name] {
				missing = append(missing, c.Name+": add it to everyCheck")
			}
			if !c.Unbuilt && !caught[c.Name] {
				missing = append(missing, c.Name+": add a client that fails it alone to flaws")
			}
		}
		Expect(strings.Join(missing, "\n")).To(BeEmpty())
	})
})

// without returns a scenario without an expectation; "" leaves it as it is.
func without(yaml, expectation string) string {
	if expectation == "" {
		return yaml
	}
	var lines []string
	for line := range strings.Lines(yaml) {
		if !strings.HasPrefix(line, "  - "+expectation) {
			lines = append(lines, line)
		}
	}
	Expect(strings.Join(lines, "")).NotTo(Equal(yaml), "nothing expects %s", expectation)
	return strings.Join(lines, "")
}
