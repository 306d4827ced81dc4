package plan

import (
	"slices"
	"testing"
	"time"
)

// TestBeforeUpstream: who answers in front of an upstream, and which faults have a part in it.
func TestBeforeUpstream(t *testing.T) {
	s := parse(t, `name: x
routes:
  - {match: GET /plain}
  - {match: GET /stub, answers: [{status: 201}]}
  - {match: GET /cases, cases: {a: [{status: 202}]}}
faults:
  - {name: twice, duplicate: {copies: 3, after: 5ms}}
  - {name: slow, delay: 1s, duplicate: 2, when: {attempt: 2}}
  - {name: down, status: 503, when: {attempt: 3}}
`)
	for _, row := range []struct {
		route, attempt int
		forward        bool
		status, copies int
		applied        []int
		reason         string
	}{
		{-1, 1, true, 0, 3, []int{0}, "twice, faults[0] over upstream"},
		{0, 1, true, 0, 3, []int{0}, "twice, faults[0] over upstream"},
		{0, 2, true, 0, 3, []int{0, 1}, "twice, faults[0] + slow, faults[1] over upstream"},
		{0, 3, false, 503, 0, []int{2}, "down, faults[2]"},
		{1, 1, false, 201, 0, nil, "answers[0]"},
		{1, 2, false, 201, 0, []int{1}, "slow, faults[1] over answers[0]"},
		{2, 1, false, 202, 0, nil, "cases.a[0]"},
	} {
		var d Decision
		New(s, BeforeUpstream()).Attempt(&Input{Route: row.route, Call: 1, Attempt: row.attempt}, &d)
		if d.Forward != row.forward || d.Answer.Status != row.status || d.Copies != row.copies || !slices.Equal(d.Applied, row.applied) ||
			d.Reason != row.reason || d.Forward && (d.Entry != -1 || d.CopyAfter != 5*time.Millisecond) {
			t.Errorf("route %d, attempt %d: %+v, status %d", row.route, row.attempt, d, d.Answer.Status)
		}
	}
	var d Decision
	if New(s).Attempt(&Input{Route: -1, Call: 1, Attempt: 1}, &d); d.Forward || d.Copies != 0 || d.Answer.Status != 404 {
		t.Errorf("without an upstream: %+v", d)
	}
}

// TestExplainUpstream: a scenario that needs an upstream is explained as in front of one.
func TestExplainUpstream(t *testing.T) {
	e := Explain(parse(t, "name: x\nroutes: [{match: GET /stub, answers: [{status: 201}]}]\nfaults: [{name: twice, duplicate: 2, when: {attempt: 1}}]"))
	if n := len(e.Stretches[0].Routes); n != 2 {
		t.Fatalf("%d tables", n)
	}
	other := e.Stretches[0].Routes[1]
	if got := lines(other); other.Name != "every other path" || got != "1.1 0 twice, faults[0] over upstream\n1.2 0 upstream, repeats\n" {
		t.Errorf("%s: %q", other.Name, got)
	}
	if does := e.Faults[0].Does; does != "sends 2 copies to the upstream" {
		t.Errorf("%s", does)
	}
}
