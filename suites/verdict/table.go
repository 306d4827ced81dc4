package verdict

import (
	"reflect"
	"slices"

	"brownout/scenarios"
)

// Check is what judges one check of the grammar: one row of the table that [Checks] returns.
type Check struct {
	// Params is the parameter type whose checks this row judges, as a nil pointer of it.
	Params scenarios.Params
	Rules  []string // that the check serves
	Why    string   // their sources
	Sample int      // fewest calls, or waits, of which it can be said; 1 where one shows it

	byCall   bool // needs to know which attempts are one call's
	everyone bool // needs that of every call; else those that can be told apart may fail it
	requests bool // looks at requests alone: a connection cut at accept does not matter
	replays  replayRule
	settled  func(*call) bool // its word on a call is the same however attempts that look alike are shared out
	judge    func(*scope, scenarios.Params) opinion
}

// replayRule says what a transport replay is to a check.
type replayRule uint8

const (
	bothWays  replayRule = iota // it is judged with and without; where that makes the difference, it is inconclusive
	asAttempt                   // it is an attempt like any other
	leftOut                     // it is none
)

// row makes the row of the parameter type P.
func row[P scenarios.Params](c Check, judge func(*scope, P) opinion) Check {
	var none P
	c.Params = none
	c.judge = func(s *scope, p scenarios.Params) opinion { return judge(s, p.(P)) }
	return c
}

// Checks returns the table of what judges each check, a row for each parameter type of the grammar. The table may be
// read by several goroutines; the returned slice is the caller's.
func Checks() []Check { return slices.Clone(checks) }

var checks = []Check{
	row(Check{Rules: []string{"RETRY-001", "CB-004", "RL-002", "RL-003", "TIME-007"}, Sample: 1, byCall: true, settled: allWhole,
		Why: "Google Cloud retry strategy, AWS standard retry mode"}, succeeds),
	row(Check{Rules: []string{"RETRY-001", "RETRY-006", "RETRY-007", "TIME-007"}, Sample: 1, byCall: true,
		Why: "Site Reliability Engineering ch. 21, gRPC A6, Azure retry storm antipattern"}, attempts),
	row(Check{Rules: []string{"RETRY-002"}, Sample: 1, byCall: true,
		Why: "Google Cloud retry strategy, AWS standard retry mode, RFC 9110 §15.5.9"}, retriesOn),
	row(Check{Rules: []string{"RETRY-005"}, Sample: 1, byCall: true,
		Why: "Azure retry storm antipattern, googleapis storage retry conformance tests"}, neverRetries),
	row(Check{Rules: []string{"RETRY-003", "CONN-001"}, Sample: 1, byCall: true, replays: asAttempt,
		Why: "RFC 9110 §9.2.2"}, noUnsafeRetry),
	row(Check{Rules: []string{"RETRY-009", "IDEM-006"}, Sample: 1, byCall: true, requests: true,
		Why: "RFC 9110 §9.2.2, gRPC A6"}, sameRequest),
	row(Check{Rules: []string{"RA-001", "RA-002", "RA-003", "RA-006"}, Sample: 1, byCall: true,
		Why: "RFC 9110 §10.2.3, RFC 6585 §4"}, honoursRetryAfter),
	row(Check{Rules: []string{"RL-006"}, Sample: 1, byCall: true,
		Why: "GitHub REST API, secondary rate limits"}, waits),
	row(Check{Rules: []string{"BACKOFF-001", "BACKOFF-007", "RA-004", "IDEM-006"}, Sample: sampleLoop, byCall: true, replays: leftOut,
		Why: "Azure transient fault handling, Azure retry storm antipattern"}, noHotLoop),
	row(Check{Rules: []string{"BACKOFF-002"}, Sample: sampleGrow3, byCall: true, replays: leftOut,
		Why: "AWS Exponential Backoff And Jitter, gRPC A6"}, backoffGrows),
	row(Check{Rules: []string{"BACKOFF-004"}, Sample: sampleJitter, byCall: true, replays: leftOut,
		Why: "AWS Exponential Backoff And Jitter, Site Reliability Engineering ch. 22"}, backoffJitters),
	row(Check{Rules: []string{"RETRY-011"}, Sample: sampleBudget, byCall: true, everyone: true,
		Why: "Site Reliability Engineering ch. 21, gRPC A6 retry throttling"}, amplification),
	row(Check{Rules: []string{"IDEM-002", "IDEM-006"}, Sample: 1, byCall: true, requests: true,
		Why: "draft-ietf-httpapi-idempotency-key-header §2"}, sameIdempotencyKey),
	row(Check{Rules: []string{"IDEM-003"}, Sample: sampleDistinct, byCall: true, requests: true,
		Why: "draft-ietf-httpapi-idempotency-key-header §2.2"}, distinctIdempotencyKeys),
	row(Check{Rules: []string{"IDEM-001"}, Sample: 1, byCall: true, requests: true,
		Why: "draft-ietf-httpapi-idempotency-key-header §2.5"}, keyFromFirstAttempt),
	row(Check{Rules: []string{"CONN-006", "BACKOFF-007"}, Sample: 1,
		Why: "RFC 9112 §9.3, §9.4"}, connections),
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
