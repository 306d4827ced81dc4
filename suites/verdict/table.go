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
	bothWays replayRule = iota // it is judged with and without; where that makes the difference, it is inconclusive
	counted                    // it is an attempt like any other
	leftOut                    // it is none
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
		Why: "a transient failure is worth another try: Google Cloud retry strategy, AWS standard retry mode"}, succeeds),
	row(Check{Rules: []string{"RETRY-001", "RETRY-006", "RETRY-007", "TIME-007"}, Sample: 1, byCall: true,
		Why: "attempts are bounded, since nested retries multiply: SRE book ch. 21, gRPC A6"}, attempts),
	row(Check{Rules: []string{"RA-001", "RA-002", "RA-003", "RA-006"}, Sample: 1, byCall: true,
		Why: "RFC 9110 §10.2.3, RFC 6585 §4"}, honoursRetryAfter),
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
