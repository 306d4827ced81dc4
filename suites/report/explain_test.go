package report

import (
	"strings"
	"testing"

	"brownout/chaosserver/plan"
	"brownout/scenarios"
)

const everyKind = `name: everything
summary: An outage, a slow tail, connections that are cut, and calls that differ.
seed: 7
phases: [{name: healthy, for: 10s}, {name: outage, for: 30s}, {name: after}]
routes:
  - match: GET /items/:id
    answers: [{status: 503, retry_after: 2s, times: 2}, {status: 200, delay: 100ms..400ms}]
  - {name: pay, match: POST /pay, answers: [{reset: before-headers}, {status: 201}], commit: {key: Idempotency-Key, work: 3s}}
faults:
  - {name: down, when: {phase: outage}, status: 503}
  - {name: flaky, chance: 30%, when: {elapsed: 45s..}, status: 500}
  - {name: cut, reset: accept, when: {nth: 2}, optional: true}
drive:
  - {request: "GET /items/:call", calls: 20, concurrency: 4}
  - {request: POST /pay, rate: 5/s, for: 50s}
expect:
  - succeeds: {share: 99%, phase: after}
  - attempts: {max: 4, route: pay}
  - honours_retry_after: {level: warn}
`

func TestExplainGolden(t *testing.T) {
	s, err := scenarios.Parse("everything.yaml", []byte(everyKind))
	if err != nil {
		t.Fatal(err)
	}
	e := plan.Explain(s)
	for name, style := range map[string]Style{"explain.txt": {}, "explain_80_ascii.txt": {Width: 80, ASCII: true}} {
		var b strings.Builder
		if err := Explain(&b, &e, style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		for l := range strings.Lines(b.String()) {
			if n := columns(strings.TrimSuffix(l, "\n")); n > style.width() {
				t.Errorf("%s: a line of %d columns: %q", name, n, l)
			}
		}
	}
}

// Every check that can be judged has a page that says what to do, and no page is about a check that is not there.
func TestEveryCheckHasAPage(t *testing.T) {
	known := make(map[string]bool)
	for _, c := range scenarios.Checks() {
		var b strings.Builder
		if err := CheckPage(&b, &CheckInfo{Check: c}, Style{}); err != nil {
			t.Fatal(err)
		}
		if c.Unbuilt {
			continue
		}
		known[c.Name] = true
		if len(advice[c.Name]) == 0 || c.Doc == "" || !strings.Contains(b.String(), "How to meet it") {
			t.Errorf("%s has no advice", c.Name)
		}
	}
	for name := range advice {
		if !known[name] {
			t.Errorf("there is advice on %s, which is no check", name)
		}
	}
}

func TestCheckPageGolden(t *testing.T) {
	c, _ := scenarios.CheckNamed("honours_retry_after")
	rule, _ := scenarios.RuleNamed("RA-001")
	unbuilt := scenarios.Check{Name: "effects", Unbuilt: true, Doc: "Not built yet."} // as another version may say
	var b strings.Builder
	for _, info := range []*CheckInfo{{Check: c, Why: "RFC 9110 §10.2.3, RFC 6585 §4", Rules: []scenarios.Rule{rule},
		Scenarios: []string{"retry-after/date", "retry-after/seconds"}}, {Check: unbuilt}} {
		if err := CheckPage(&b, info, Style{}); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "check.txt", b.String())
}
