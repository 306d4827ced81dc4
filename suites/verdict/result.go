package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// Outcome is what a check, a trial or a run came to. Greater outcomes outrank smaller ones, but for Skip and
// Info, which change nothing.
type Outcome uint8

// The outcomes.
const (
	Pass Outcome = iota + 1
	Skip
	Info
	Warn
	Inconclusive
	Fail
	Error
)

// String returns the outcome's word in reports.
func (o Outcome) String() string {
	switch o {
	case Pass:
		return "pass"
	case Skip:
		return "skip"
	case Info:
		return "info"
	case Warn:
		return "warn"
	case Inconclusive:
		return "inconclusive"
	case Fail:
		return "fail"
	case Error:
		return "error"
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// Verdict is the outcome of one trial, with everything a report shows of it.
type Verdict struct {
	Scenario string
	File     string
	Seed     uint64
	Outcome  Outcome
	Findings []Finding // in the order of expect, then what must have happened, then errors
	Attempts int       // on the wire
	Calls    int
	Elapsed  time.Duration
	Reason   string // why a trial was skipped or could not run; "" otherwise
}

// Finding is what one check says.
type Finding struct {
	Check   string // name; "must have happened", "upstream", "client" or "journal" for what holds unwritten
	Outcome Outcome
	// Sentence says what the client did, with a number: "The client retried 1.797s too early."
	Sentence string
	// Summary says a passed check in short: "attempts = 4".
	Summary string
	Expect  Note   // the expectation's line, and what it came to: "1 of 2 pauses was too short"
	Cause   *Note  // the line that made the server do it: "the server asked for a 2s pause here"
	Hint    string // what to do so that it can be judged: "name calls with --per-call"
	Rules   []string
	Why     string   // sources: "RFC 9110 §10.2.3, RFC 6585 §4"
	Proof   *Proof   // the call that shows it best; nil where there is none
	Others  []string // calls that show it too
	Pattern string   // stated only where the data shows it
	// Lateness: the machine's own lateness alone made the finding inconclusive; worth another run.
	Lateness bool
}

// Note points at a line of the scenario.
type Note struct {
	Pos  scenarios.Pos
	Text string
}

// Proof is one call, attempt by attempt.
type Proof struct {
	Call    string
	Request string // "POST /v1/charges"
	Key     string // idempotency key; ""
	Agent   string // User-Agent; ""
	Webhook bool   // the rows are the deliveries of an event, and not the attempts of a call
	Rows    []Row
}

// Row is one attempt of a proof.
type Row struct {
	Seq     uint64        // of the attempt in the journal; 0 for a connection that was cut at accept or tls
	N       int           // 1-based ordinal in the call
	At      time.Duration // first request byte, since the call's first
	Sent    time.Duration // of the answer, since the call's first
	Done    time.Duration // of the answer's end, since the call's first
	Answer  string        // "429 RA=2s", "reset", "201"
	Waited  time.Duration // from Sent to the next attempt; -1 after the last
	Allowed string        // "≥ 2s", "any"; "" after the last, and where the check judges no waits
	Due     time.Duration // before it the next attempt was too early, since the call's first; 0 none
	Good    bool          // Allowed was kept
	Bad     bool          // it is one of the attempts that prove the finding
}
