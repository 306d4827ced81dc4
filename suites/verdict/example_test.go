package verdict_test

import (
	"fmt"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/verdict"
)

const throttled = `name: throttled once
routes:
  - match: POST /v1/charges
    answers: [{status: 429, retry_after: 2s}, {status: 201}]
expect:
  - succeeds: all
  - honours_retry_after
`

// A client that was asked to wait for 2 s, and came back after 0.2 s.
func ExampleJudge() {
	s, err := scenarios.Parse("throttled.yaml", []byte(throttled))
	if err != nil {
		fmt.Println(err)
		return
	}
	const ms = time.Millisecond
	first := journal.Attempt{Seq: 1, Call: "1", CallNo: 1, N: 1, Route: "POST /v1/charges", Method: "POST", Target: "/v1/charges",
		Entry: 0, Status: 429, RetryAfter: "Retry-After: 2", Due: 2000 * ms, HasDue: true, Done: ms, Ended: true, Whole: true}
	second := first
	second.Seq, second.N, second.Entry, second.Status, second.HasDue = 2, 2, 1, 201, false
	second.First, second.Sent, second.Done = 203*ms, 203*ms, 204*ms

	v := verdict.Judge(s, &journal.Log{Attempts: []journal.Attempt{first, second}, End: 204 * ms})
	for _, f := range v.Findings {
		fmt.Printf("%s: %s %s%s\n", f.Check, f.Outcome, f.Summary, f.Sentence)
	}
	fmt.Println(v.Outcome)
	// Output:
	// succeeds: pass succeeds: 1 of 1
	// honours_retry_after: fail The client retried 1.797s too early.
	// fail
}
