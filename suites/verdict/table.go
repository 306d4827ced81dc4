package verdict

import (
	"reflect"
	"slices"

	"brownout/scenarios"
)

// Check is what judges one check of the grammar: one row of the table that [Checks] returns. What the grammar itself
// says of a check, such as its rules and its sample, stands in [scenarios.Checks].
type Check struct {
	// Params is the parameter type whose checks this row judges, as a nil pointer of it.
	Params scenarios.Params
	Why    string // the sources of the rules that it serves, in short

	everyone bool // needs to tell apart the attempts of every call; else those of some may fail it
	requests bool // looks at requests alone: a connection cut at accept or tls does not matter
	replays  replayRule
	settled  func(*call) bool // its word on a call is the same however attempts that look alike are shared out
	judge    func(*scope, scenarios.Params) *opinion
}

// replayRule says what a transport replay is to a check.
type replayRule uint8

const (
	bothWays  replayRule = iota // it is judged with and without; where that makes the difference, it is inconclusive
	asAttempt                   // it is an attempt like any other
	leftOut                     // it is none
)

// row makes the row of the parameter type P.
func row[P scenarios.Params](c Check, judge func(*scope, P) *opinion) Check {
	var none P
	c.Params = none
	c.judge = func(s *scope, p scenarios.Params) *opinion { return judge(s, p.(P)) }
	return c
}

// Checks returns the table of what judges each check, a row for each parameter type of the grammar. The returned slice
// is the caller's.
func Checks() []Check { return slices.Clone(checks) }

var checks = []Check{
	row(Check{settled: allWhole, Why: "Google Cloud retry strategy, AWS standard retry mode"}, succeeds),
	row(Check{Why: "Site Reliability Engineering ch. 21, gRPC A6, Azure retry storm antipattern"}, attempts),
	row(Check{Why: "Google Cloud retry strategy, AWS standard retry mode, RFC 9110 §15.5.9"}, retriesOn),
	row(Check{Why: "Azure retry storm antipattern, googleapis storage retry conformance tests"}, neverRetries),
	row(Check{replays: asAttempt, Why: "RFC 9110 §9.2.2"}, noUnsafeRetry),
	row(Check{requests: true, Why: "RFC 9110 §9.2.2, gRPC A6"}, sameRequest),
	row(Check{Why: "RFC 9110 §10.2.3, RFC 6585 §4"}, honoursRetryAfter),
	row(Check{Why: "GitHub REST API, secondary rate limits"}, waits),
	row(Check{replays: leftOut, Why: "Azure transient fault handling, Azure retry storm antipattern"}, noHotLoop),
	row(Check{replays: leftOut, Why: "AWS Exponential Backoff And Jitter, gRPC A6"}, backoffGrows),
	row(Check{replays: leftOut, Why: "AWS Exponential Backoff And Jitter, Site Reliability Engineering ch. 22"}, backoffJitters),
	row(Check{replays: asAttempt, Why: "RFC 9112 §9.2, §9.3.1, §9.6"}, leavesConnection),
	row(Check{replays: asAttempt, Why: "Amazon Builders' Library, Timeouts, retries and backoff with jitter"}, attemptEnds),
	row(Check{Why: "RFC 9110 §15, RFC 9110 §10.2.3"}, sameAs),
	row(Check{replays: leftOut, Why: "AWS Exponential Backoff And Jitter, draft-ietf-httpapi-ratelimit-headers §8.5"}, spreadsOut),
	row(Check{everyone: true, Why: "Site Reliability Engineering ch. 21, gRPC A6 retry throttling"}, amplification),
	row(Check{requests: true, Why: "gRPC A6, retries and hedging"}, stopsAfterSuccess),
	row(Check{replays: asAttempt, requests: true, Why: "Amazon Builders' Library, Timeouts, retries and backoff with jitter; gRPC A6 hedging"}, inFlight),
	row(Check{everyone: true, replays: leftOut, Why: "Site Reliability Engineering ch. 21, gRPC A6 retry throttling"}, retriesReturn),
	row(Check{replays: leftOut, Why: "AWS Exponential Backoff And Jitter, draft-ietf-httpapi-ratelimit-headers §8.5"}, clientsDiffer),
	row(Check{Why: "gRPC A6, Envoy route timeouts"}, keepsDeadline),
	row(Check{replays: asAttempt, Why: "gRPC A6, Envoy route timeouts; draft-ietf-httpapi-ratelimit-headers §8.5"}, ends),
	row(Check{replays: asAttempt, Why: "Amazon Builders' Library, Timeouts, retries and backoff with jitter"}, stopsWhenCancelled),
	row(Check{replays: asAttempt, Why: "Azure Circuit Breaker pattern, Envoy outlier detection"}, opensCircuit),
	row(Check{replays: asAttempt, Why: "gRPC A6, Azure Circuit Breaker pattern"}, circuitStaysClosed),
	row(Check{replays: asAttempt, Why: "Azure Circuit Breaker pattern"}, failsFast),
	row(Check{replays: asAttempt, Why: "Azure Circuit Breaker pattern, half-open state"}, halfOpenProbes),
	row(Check{replays: asAttempt, Why: "Azure Circuit Breaker pattern"}, closesCircuit),
	row(Check{requests: true, Why: "draft-ietf-httpapi-idempotency-key-header §2"}, sameIdempotencyKey),
	row(Check{requests: true, Why: "draft-ietf-httpapi-idempotency-key-header §2.2"}, distinctIdempotencyKeys),
	row(Check{requests: true, Why: "draft-ietf-httpapi-idempotency-key-header §2.5"}, keyFromFirstAttempt),
	row(Check{Why: "GitHub REST API best practices, Azure retry pattern, Discord rate limits"}, pausesOthers),
	row(Check{Why: "draft-ietf-httpapi-ratelimit-headers §7"}, withinQuota),
	row(Check{Why: "Envoy, RFC 9113 §5.1.2"}, limitsItself),
	row(Check{Why: "RFC 9112 §9.3, §9.4"}, connections),
	row(Check{Why: "draft-ietf-httpapi-idempotency-key-header §2.7"}, notResentUnchanged),
	row(Check{replays: asAttempt, requests: true, Why: "RFC 9110 §9.2.2, Stripe API, Standard Webhooks"}, effects),
	row(Check{replays: asAttempt, requests: true, Why: "RFC 9110 §9.2.2, Stripe API"}, truthful),
	row(Check{replays: asAttempt, requests: true, Why: "RFC 9112 §8, §9.2"}, rightResult),
	row(Check{replays: asAttempt, Why: "Standard Webhooks 1.0.0, GitHub, Slack and Shopify webhooks documentation"}, acknowledges),
	row(Check{replays: asAttempt, Why: "Standard Webhooks 1.0.0, Verifying webhook authenticity; GitHub, Stripe"}, refuses),
	row(Check{replays: asAttempt, Why: "Stripe, Event ordering; Amazon SQS at-least-once delivery"}, finalEffect),
}

// lookup returns the row of a check's parameters; nil where there is none.
func lookup(p scenarios.Params) *Check {
	want := reflect.TypeOf(p)
	for i := range checks {
		if reflect.TypeOf(checks[i].Params) == want {
			return &checks[i]
		}
	}
	return nil
}
