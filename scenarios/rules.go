package scenarios

import "slices"

// Rule is one entry of the catalogue of rules: what a resilient client does, and who says so.
type Rule struct {
	ID     string
	Level  string // of the source: MUST, MUST NOT, SHOULD, SHOULD NOT, MAY, or practice
	Source string
	Text   string // the rule, in a sentence without a final stop
}

// Rules returns the catalogue of rules. The slice is the caller's.
func Rules() []Rule { return slices.Clone(ruleTable) }

// RuleNamed returns the rule of an id.
func RuleNamed(id string) (Rule, bool) {
	for _, r := range ruleTable {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// ruleID is the codec of a rule's id.
var ruleID = scalars(Type{Name: "rule id", Example: "RETRY-001"}, func(s string) (string, *flaw) {
	if _, ok := RuleNamed(s); ok {
		return s, nil
	}
	ids := make([]string, len(ruleTable))
	for i, r := range ruleTable {
		ids[i] = r.ID
	}
	hint := "a rule has an id such as RETRY-001"
	if near := Suggest(s, ids); near != "" {
		hint = "did you mean " + quote(near) + "?"
	}
	return "", &flaw{"unknown rule " + quote(s), hint}
}, func(s string) string { return s })

var ruleTable = []Rule{
	{"RETRY-001", "practice", "GCS retry-strategy; AWS standard mode; curl --retry",
		"A transient failure of an idempotent request is retried"},
	{"RETRY-002", "practice", "GCS, AWS and curl retry sets; RFC 9110 §15.5.9",
		"The declared retryable-status set equals the observed one"},
	{"RETRY-003", "SHOULD NOT", "RFC 9110 §9.2.2",
		"A non-idempotent request with unknown outcome is not repeated unless the client knows it is safe (idempotency key, declared idempotent, precondition)"},
	{"RETRY-004", "MAY", "RFC 9113 §8.7; RFC 9110 §9.2.2, §15.5.20; gRPC A6 transparent retries",
		"A request provably not processed may be repeated whatever its method"},
	{"RETRY-005", "practice", "Azure retry-storm antipattern; GCS retry conformance tests, scenarios 5 and 6",
		"Definitive errors end the call, also mid-sequence"},
	{"RETRY-006", "MUST", "RFC 9110 §15",
		"An unrecognised status is handled as x00 of its class"},
	{"RETRY-007", "practice", "SRE ch. 21; gRPC A6; Azure",
		"Attempts per call are finite and equal the declared maximum"},
	{"RETRY-008", "SHOULD NOT", "RFC 9110 §9.2.2",
		"After a connection failure, an automatic retry that itself fails is not automatically retried (for information: mainstream clients do)"},
	{"RETRY-009", "practice", "gRPC A6; RFC 9110 §9.2.2",
		"A repeat is the same request: method, target, body bytes, content headers"},
	{"RETRY-010", "practice", "Stripe and OpenAI SDKs; gRPC A6",
		"An explicit server \"do not retry\" wins over status heuristics"},
	{"RETRY-011", "practice", "SRE ch. 21; AWS; gRPC A6; Envoy; Finagle",
		"Under total outage retries are a small fraction of traffic, and return after recovery"},
	{"RETRY-012", "practice", "gRPC A6 success/hedge rules",
		"No attempt is sent after the call has succeeded; losing hedges are cancelled"},
	{"RETRY-013", "SHOULD", "RFC 9110 §10.1.1",
		"After 417 repeat without the expectation; do not wait for 100 forever; never send Expect: 100-continue without content"},
	{"RETRY-014", "MUST", "RFC 8470 §4, §5.2",
		"A 425 to a request sent in TLS early data is retried, not in early data; unsafe methods never go in early data"},
	{"BACKOFF-001", "practice", "Azure, transient fault handling and retry-storm antipattern",
		"No hot loop"},
	{"BACKOFF-002", "practice", "AWS, Exponential Backoff And Jitter; gRPC A6; Smithy retry guide",
		"Delays grow with attempt number"},
	{"BACKOFF-003", "practice", "AWS; gRPC maxBackoff; Envoy; curl",
		"Delays are capped"},
	{"BACKOFF-004", "practice", "AWS, Exponential Backoff And Jitter; SRE ch. 22; Google Cloud",
		"Delays are randomised"},
	{"BACKOFF-005", "practice", "AWS, Exponential Backoff And Jitter; SRE ch. 22; draft-ietf-httpapi-ratelimit-headers §8.5",
		"Clients that fail together do not return together, across processes too"},
	{"BACKOFF-006", "practice", "AWS retry behaviour, 2026 update",
		"Throttling answers are backed off at least as long as transient ones"},
	{"BACKOFF-007", "practice", "Azure; SRE ch. 22",
		"Connection-level failures back off too"},
	{"RA-001", "SHOULD", "RFC 9110 §10.2.3; RFC 6585 §4",
		"A Retry-After in seconds is a lower bound for the next attempt, on 503 and on 429"},
	{"RA-002", "SHOULD", "RFC 9110 §10.2.3",
		"A Retry-After as an HTTP-date (IMF-fixdate) is honoured"},
	{"RA-003", "MUST", "RFC 9110 §5.6.7",
		"A Retry-After in the rfc850 and asctime date forms is honoured, and a 2-digit year more than 50 years ahead is read as past"},
	{"RA-004", "practice", "RFC 9110 §10.2.3",
		"A Retry-After of 0 or of a past date means \"no extra wait\", not \"no backoff\""},
	{"RA-005", "practice", "RFC 9110 §10.2.3; draft-ietf-httpapi-ratelimit-headers §7",
		"A malformed Retry-After is ignored in favour of the client's own backoff"},
	{"RA-006", "practice", "draft-ietf-httpapi-ratelimit-headers §8.5.1",
		"A Retry-After above the client's ceiling means give up, or wait it out, never retry early"},
	{"RA-007", "SHOULD", "RFC 9110 §10.2.3",
		"A redirect with Retry-After is followed no earlier"},
	{"RA-008", "MUST", "draft-ietf-httpapi-ratelimit-headers §7",
		"With both, Retry-After takes precedence over the t of RateLimit"},
	{"RA-009", "practice", "GitHub REST best practices; Azure",
		"Retry-After pauses other requests to the same quota scope, not only the failed call"},
	{"RA-010", "practice", "gRPC A6 deadline spans attempts; Envoy route timeout includes retries",
		"If Retry-After exceeds the remaining deadline the call fails at once, without a pointless sleep"},
	{"CB-001", "practice", "Azure Circuit Breaker pattern",
		"Sustained failure opens the circuit: calls fail locally"},
	{"CB-002", "practice", "Azure Circuit Breaker pattern",
		"Open means fast: local rejection < 50 ms, no socket opened, pending retries abandoned"},
	{"CB-003", "practice", "Azure Circuit Breaker pattern",
		"After open_time only a limited probe set passes; a failed probe re-opens for the full period"},
	{"CB-004", "practice", "Azure Circuit Breaker pattern",
		"Recovery: successes close it and throughput returns"},
	{"CB-005", "practice", "gRPC A6",
		"Client errors (400, 401, 404, 422) do not trip the circuit"},
	{"CB-006", "practice", "Azure Circuit Breaker pattern",
		"One sick upstream does not block a healthy one"},
	{"CB-007", "practice", "Polly; resilience4j",
		"Sporadic failures below the threshold do not trip it; timeouts do count"},
	{"RL-001", "SHOULD NOT", "draft-ietf-httpapi-ratelimit-headers §7",
		"A client does not exceed r before t elapses; r=0 means stop until t"},
	{"RL-002", "MUST", "draft-ietf-httpapi-ratelimit-headers §7",
		"Malformed RateLimit fields are ignored: no crash, no stall"},
	{"RL-003", "MUST NOT", "draft-ietf-httpapi-ratelimit-headers §4.1, §7, §8.3",
		"No assumption that fields persist, that r>0 guarantees service, or that t restores the full quota"},
	{"RL-004", "practice", "draft-ietf-httpapi-ratelimit-headers §4",
		"With several policies the tightest governs"},
	{"RL-005", "practice", "vendor documentation",
		"Vendor reset formats are read with the right unit"},
	{"RL-006", "practice", "GitHub secondary limits",
		"A throttle without any hint waits a floor (GitHub ≥ 60 s), then grows, then errors"},
	{"RL-007", "practice", "GitHub; Shopify; Salesforce",
		"A throttle not spelled 429 is recognised by its headers/body per profile"},
	{"RL-008", "practice", "Envoy; RFC 9113 §5.1.2",
		"Self-imposed rate and concurrency hold"},
	{"RL-009", "practice", "Discord rate limits; draft-ietf-httpapi-ratelimit-headers",
		"An exhausted bucket does not stall others; a global one stalls all"},
	{"IDEM-001", "SHOULD", "draft-ietf-httpapi-idempotency-key-header §2.5",
		"Unsafe requests that may be retried carry a key from the first attempt"},
	{"IDEM-002", "practice", "draft-ietf-httpapi-idempotency-key-header §2; Stripe",
		"All attempts of one call share one key"},
	{"IDEM-003", "MUST NOT", "draft-ietf-httpapi-idempotency-key-header §2.2",
		"Different calls get different keys; a key is never reused with another payload"},
	{"IDEM-004", "MUST", "draft-ietf-httpapi-idempotency-key-header §2.1",
		"The idempotency key is a structured field string"},
	{"IDEM-005", "SHOULD", "draft-ietf-httpapi-idempotency-key-header §2.2, §5",
		"Idempotency keys are unguessable"},
	{"IDEM-006", "SHOULD", "draft-ietf-httpapi-idempotency-key-header §2.7",
		"A 409 for a request in progress is followed by the same key and body, after backoff"},
	{"IDEM-007", "MUST", "draft-ietf-httpapi-idempotency-key-header §2.7",
		"A 400 for a missing key and a 422 for a reused one are not resent unchanged"},
	{"IDEM-008", "practice", "RFC 9110 §9.2.2; Stripe",
		"A lost response leaves exactly one effect, and the replayed answer is taken as the result"},
	{"DELIV-001", "practice", "Standard Webhooks; Stripe; GitHub; Shopify; CloudEvents",
		"The same delivery id twice has one effect and both are acknowledged"},
	{"DELIV-002", "practice", "Standard Webhooks",
		"Concurrent duplicates have one effect"},
	{"DELIV-003", "practice", "Stripe; SQS",
		"Out-of-order events converge"},
	{"DELIV-004", "practice", "GitHub; Slack; Shopify; Standard Webhooks",
		"A delivery is acknowledged within the sender's limit though processing is slow"},
	{"DELIV-005", "practice", "Standard Webhooks",
		"What is not durable is answered with a non-2xx, and a failed first try does not poison the dedupe store"},
	{"DELIV-006", "practice", "Slack; Standard Webhooks",
		"Retry markers, timestamps and signatures are not dedupe keys"},
	{"DELIV-007", "practice", "CloudEvents: uniqueness is source+id",
		"Same id from another source or endpoint is a different event"},
	{"DELIV-008", "practice", "Standard Webhooks; GitHub; Stripe",
		"Missing, wrong, truncated or unknown-scheme signatures: 4xx, no effect"},
	{"DELIV-009", "practice", "Standard Webhooks; Stripe",
		"Verification uses raw bytes"},
	{"DELIV-010", "practice", "Standard Webhooks; Stripe; Slack",
		"Stale or future timestamps are refused; a retry with a fresh timestamp and the same id is fine"},
	{"DELIV-011", "SHOULD", "Standard Webhooks",
		"Of several signatures any valid one suffices"},
	{"DELIV-012", "practice", "GitHub; Standard Webhooks",
		"Unknown types and fields are acknowledged and ignored"},
	{"DSEND-001", "MUST", "CloudEvents http-webhook §2.2; Standard Webhooks",
		"A webhook sender takes only 2xx for success, does not follow 3xx, stops at 410 and observes the Retry-After of 429"},
	{"TIME-001", "practice", "AWS Builders' Library",
		"Every attempt ends: no answer, TLS-hello stall, header stall"},
	{"TIME-002", "practice", "AWS Builders' Library",
		"Stalled or dripping bodies are bounded too"},
	{"TIME-003", "practice", "gRPC A6: deadline spans attempts; Envoy route timeout includes retries and backoff",
		"The overall deadline bounds everything; no attempt starts after it"},
	{"TIME-004", "practice", "gRPC A6",
		"Cancellation stops retries, also during a backoff sleep"},
	{"TIME-005", "practice", "SRE ch. 22",
		"A timed-out attempt is cancelled on the wire before or when the next starts"},
	{"TIME-006", "practice", "gRPC A6",
		"Hedging: only idempotent calls, at most the declared copies, after at least the declared delay"},
	{"TIME-007", "practice", "RFC 9110 §9.2.2",
		"Slow but legal answers are not aborted"},
	{"CONN-001", "MAY", "RFC 9110 §9.2.2; RFC 9112 §9.3.1, §9.5",
		"A keep-alive connection closed under a request: idempotent requests recover on a new connection; POST is not silently replayed"},
	{"CONN-002", "MUST", "RFC 9112 §9.6",
		"After Connection: close no further request on that connection"},
	{"CONN-003", "MUST", "RFC 9112 §8, §9.8",
		"An incomplete response is not a success"},
	{"CONN-004", "MUST NOT", "RFC 9112 §9.2",
		"Bytes on an idle connection are not the answer to the next request"},
	{"CONN-005", "SHOULD", "RFC 9112 §9.5",
		"An early final status during upload stops the upload"},
	{"CONN-006", "MUST", "RFC 9112 §9.3, §9.4",
		"Errors neither leak connections nor storm them"},
	{"CONN-007", "MUST NOT", "RFC 9113 §6.8",
		"After GOAWAY no new streams there; streams above last-id may be retried on a new connection, POST at or below it may not"},
	{"CONN-008", "MAY", "RFC 9113 §8.7; RFC 9114 §4.1.1",
		"REFUSED_STREAM is retryable for any method; other reset codes follow RETRY-003; retries are bounded"},
	{"CONN-009", "MUST NOT", "RFC 9457 §3.1, §3.2",
		"Broken or odd problem+json never changes the verdict of the status line"},
}
