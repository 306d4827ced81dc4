package plan

import (
	"slices"
	"testing"
	"time"
)

// TestCommit: what the two steps of a decision say of effects.
func TestCommit(t *testing.T) {
	const yaml = `
name: x
routes:
  - match: POST /pay
    commit: {key: Idempotency-Key, work: 3s, mismatch: 400}
    answers: [{status: 503}, {status: 201, delay: 1s, reset: before-headers}, {status: 504, commit: true}, {status: 201, commit: false}]
  - {match: GET /, answers: [{status: 200}]}
faults:
  - {name: slow, when: {call: 2}, delay: 1s}
  - {name: gateway, when: {call: 3}, status: 504, commit: true}
  - {name: down, when: {call: 4}, status: 503}
  - {name: rollback, when: {call: 5}, commit: false}
  - {name: cut, when: {call: 6}, reset: request-body}
`
	p := New(parse(t, yaml))
	const none, key = -1, "the key came with another request"
	for i, s := range []struct {
		in      Input
		commit  bool
		stored  int // with commit: what the key stands for; else the entry, none for none
		delay   time.Duration
		work    time.Duration
		status  int
		reaches bool
		reason  string
		why     string
	}{
		{Input{Call: 1, Entries: 0}, false, 0, 0, 0, 503, true, "answers[0]", "a failure is no effect"},
		{Input{Call: 1, Entries: 1}, true, 1, 4 * time.Second, 3 * time.Second, 201, true, "answers[1]", "a 2xx is, before its wire fault; the answer waits for the work"},
		{Input{Call: 1, Entries: 2}, true, 3, 3 * time.Second, 3 * time.Second, 504, true, "answers[2]", "what is no 2xx stands for the list's last"},
		{Input{Call: 1, Entries: 3}, false, 3, 0, 0, 201, true, "answers[3]", "and a 2xx may be none"},
		{Input{Call: 1, Entries: 3, Ledger: LedgerStored, Stored: 1}, false, 1, 0, 0, 201, true, "stored answers[1]", "a stored answer has no delay of its own"},
		{Input{Call: 2, Entries: 3, Ledger: LedgerStored, Stored: 1}, false, 1, time.Second, 0, 201, true, "slow, faults[0] over stored answers[1]", "but a fault's"},
		{Input{Call: 1, Ledger: LedgerMismatch}, false, none, 0, 0, 400, true, key, "a mismatch uses up no entry"},
		{Input{Call: 2, Ledger: LedgerMismatch}, false, none, time.Second, 0, 400, true, "slow, faults[0] over " + key, "and may be slow"},
		{Input{Call: 3, Entries: 1}, true, 3, 0, 3 * time.Second, 504, true, "gateway, faults[1]", "behind a gateway that does not wait"},
		{Input{Call: 3, Entries: 1, Ledger: LedgerStored, Stored: 1}, false, none, 0, 0, 504, true, "gateway, faults[1]", "once for each key"},
		{Input{Call: 4, Entries: 1}, false, none, 0, 0, 503, false, "down, faults[2]", "what a fault answers never came there"},
		{Input{Call: 5, Entries: 1}, false, 1, time.Second, 0, 201, true, "rollback, faults[3] over answers[1]", "a fault may keep the effect back"},
		{Input{Call: 6, Entries: 1}, false, 1, time.Second, 0, 201, false, "cut, faults[4] over answers[1]", "what is not read whole is no effect"},
		{Input{Route: 1, Call: 1}, false, 0, 0, 0, 200, true, "answers[0]", "a route without commit has none"},
	} {
		s.in.Attempt = 1
		var d Decision
		p.Gateway(&s.in, &d)
		if d.Reaches() != s.reaches {
			t.Errorf("step %d: it reaches the ledger: %v; %s", i, d.Reaches(), s.why)
		}
		p.Behind(&s.in, &d)
		stored := d.Entry
		if d.Commit {
			stored = d.Stored
		}
		if d.Commit != s.commit || stored != s.stored || d.Delay != s.delay || d.Work != s.work || d.Answer.Status != s.status || d.Reason != s.reason {
			t.Errorf("step %d: commit %v, stored %d, delay %v, work %v, status %d, %q; want %v, %d, %v, %v, %d, %q: %s", i,
				d.Commit, stored, d.Delay, d.Work, d.Answer.Status, d.Reason, s.commit, s.stored, s.delay, s.work, s.status, s.reason, s.why)
		}
	}
}

// TestStored: a stored answer is what the entry says, less what would make the client wait or lose it.
func TestStored(t *testing.T) {
	s := parse(t, `
name: x
routes:
  - match: POST /pay
    commit: {key: declared}
    answers: [{status: 201, headers: {X-A: a}, json: {id: "{call}"}, delay: 1s, body_delay: 1s, hold: {until: 2 attempts, at_most: 1s}, reset: before-headers}]
`)
	c, a := s.Routes[0].Commit, &s.Routes[0].Answers[0]
	got := c.Stored(a)
	if got.Delay != nil || got.BodyDelay != nil || got.Hold != nil || got.Wire != nil || got.Status != 201 || got.Body.Text.Text != a.Body.Text.Text {
		t.Errorf("stored: %+v", got)
	}
	var names []string
	for _, h := range got.Headers {
		names = append(names, h.Name)
	}
	if want := []string{"X-A", "Idempotent-Replayed"}; !slices.Equal(names, want) || len(a.Headers) != 1 {
		t.Errorf("headers %v, want %v; the entry itself has %d", names, want, len(a.Headers))
	}
	if c.ReplayHeader = ""; len(c.Stored(a).Headers) != 1 {
		t.Error("without a replay header there is one")
	}
}

// TestCommitIsDrawnByCall: how long an effect is at work is one and the same for an attempt, and differs between calls.
func TestCommitIsDrawnByCall(t *testing.T) {
	p := New(parse(t, "name: x\nroutes: [{match: POST /pay, commit: {key: X-Key, work: 1s..3s}}]"))
	seen := map[time.Duration]bool{}
	for call := 1; call <= 20; call++ {
		a, b := decide(p, Input{Call: call, Attempt: 1}), decide(p, Input{Call: call, Attempt: 1})
		if a.Work != b.Work || a.Work < time.Second || a.Work > 3*time.Second || a.Delay != a.Work {
			t.Errorf("call %d is at work for %v and %v, with delay %v", call, a.Work, b.Work, a.Delay)
		}
		seen[a.Work] = true
	}
	if len(seen) < 20 {
		t.Errorf("20 calls have %d times of work", len(seen))
	}
	if e := Explain(parse(t, "name: x\nroutes: [{match: POST /pay, commit: {key: X-Key, work: 1s..3s}}]")); e.Stretches[0].Routes[0].Every {
		t.Error("explain shows one time of work for every call")
	}
}
