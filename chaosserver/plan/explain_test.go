package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"

	"pgregory.net/rapid"
)

// parse loads a scenario written in a test.
func parse(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines writes the rows of a table, one a line.
func lines(t RouteTable) string {
	var b strings.Builder
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "%d.%d %d", r.Call, r.Attempt, r.Status)
		if r.Delay > 0 {
			fmt.Fprintf(&b, " after %v", r.Delay.Round(time.Millisecond))
		}
		for _, s := range []string{r.Wire, r.RetryAfter} {
			if s != "" {
				fmt.Fprintf(&b, " [%s]", s)
			}
		}
		fmt.Fprintf(&b, " %s", r.Reason)
		if len(r.May) > 0 {
			fmt.Fprintf(&b, ", may: %v", r.May)
		}
		if r.Repeats {
			b.WriteString(", repeats")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestExplainRows(t *testing.T) {
	for _, c := range []struct{ why, scenario, want string }{
		{"entries in turn; the last repeats", `
name: x
routes:
  - match: GET /items/:id
    answers: [{status: 503, times: 2, retry_after: 2s}, {status: 429, retry_after: {in: 3s, as: rfc850}}, {status: 200, delay: 50ms}]
`, `
1.1 503 [2s] answers[0]
1.2 503 [2s] answers[0]
1.3 429 [3s as an rfc850 date] answers[1]
1.4 200 after 50ms answers[2], repeats
`}, {"a fault uses up the attempt, not the entry", `
name: x
routes: [{match: GET /, answers: [{status: 503}, {status: 200}]}]
faults: [{name: cut, when: {attempt: 2}, reset: before-headers}, {name: down, when: {attempt: "..1"}, status: 502}]
`, `
1.1 502 down, faults[1]
1.2 503 [rst before-headers] cut, faults[0] over answers[0]
1.3 200 answers[1], repeats
`}, {"a field written by hand", `
name: x
routes: [{match: GET /, answers: [{status: 503, headers: {retry-after: abc}}, {status: 200}]}]
`, `
1.1 503 ["abc"] answers[0]
1.2 200 answers[1], repeats
`}, {"without routes", `
name: x
faults: [{name: down, status: 503}]
`, `
1.1 503 down, faults[0], repeats
`}, {"calls differ by their number", `
name: x
routes: [{match: GET /, answers: [{status: 200}]}]
faults: [{name: sixth, when: {call: 6}, status: 503}]
`, `
1.1 200 answers[0], repeats
2.1 200 answers[0], repeats
3.1 200 answers[0], repeats
4.1 200 answers[0], repeats
5.1 200 answers[0], repeats
6.1 503 sixth, faults[0], repeats
7.1 200 answers[0], repeats
8.1 200 answers[0], repeats
`}, {"what cannot be known beforehand is not guessed", `
name: x
routes: [{match: GET /items/:id, answers: [{status: 200}]}]
faults:
  - {name: nth, when: {nth: 3}, status: 500}
  - {name: header, when: {header: {X-Tier: free}}, status: 429}
  - {name: one, when: {path: /items/1}, status: 410}
  - {name: other, when: {path: /orders/:id}, status: 410}
  - {name: post, when: {method: POST}, status: 409}
  - {name: never, when: {nth: 3}, chance: 0%, status: 500}
`, `
1.1 200 answers[0], may: [0 1 2], repeats
`}} {
		e := Explain(parse(t, c.scenario))
		if len(e.Stretches) != 1 || len(e.Stretches[0].Routes) != 1 {
			t.Errorf("%s: %d stretches, want one of one route: %+v", c.why, len(e.Stretches), e)
			continue
		}
		if got := lines(e.Stretches[0].Routes[0]); got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s: rows are\n%swant%s", c.why, got, c.want)
		}
	}
}

// TestExplainStretches cuts time where phases and windows begin or end.
func TestExplainStretches(t *testing.T) {
	s := parse(t, `
name: x
phases: [{name: healthy, for: 10s}, {name: outage, for: 30s}, {name: after}]
routes: [{match: GET /, answers: [{status: 200}]}]
faults:
  - {name: down, when: {phase: outage}, status: 503}
  - {name: slow, when: {elapsed: 30s..45s}, delay: 1s}
  - {name: tick, when: {elapsed: {every: 20s, for: 1s, from: 50s}}, status: 500}
  - {name: heal, when: {phase: after, elapsed: 45s..60s}, chance: 50% -> 0%, status: 502}
`)
	var got strings.Builder
	for _, st := range Explain(s).Stretches {
		fmt.Fprintf(&got, "%s %v-%v: %s", st.Name, st.From, st.To, lines(st.Routes[0]))
	}
	want := `healthy 0s-10s: 1.1 200 answers[0], repeats
outage 10s-30s: 1.1 503 down, faults[0], repeats
outage 30s-40s: 1.1 503 after 1s down, faults[0] + slow, faults[1], repeats
after 40s-45s: 1.1 200 after 1s slow, faults[1] over answers[0], repeats
after 45s-50s: 1.1 200 answers[0], may: [3], repeats
after 50s-1m0s: 1.1 200 answers[0], may: [2 3], repeats
after 1m0s-0s: 1.1 200 answers[0], may: [2], repeats
`
	if got.String() != want {
		t.Errorf("stretches are\n%swant\n%s", got.String(), want)
	}
}

// TestExplainPhasesInAttempts: from the first phase in attempts on nothing is known of the time.
func TestExplainPhasesInAttempts(t *testing.T) {
	s := parse(t, `
name: x
phases: [{name: quiet, for: 5s}, {name: busy, for: 50 attempts}, {name: late, for: 5s}]
routes: [{match: GET /, answers: [{status: 200}]}]
faults:
  - {name: down, when: {phase: busy}, status: 503}
  - {name: slow, when: {elapsed: 2s..}, delay: 1s}
`)
	var got []string
	for _, st := range Explain(s).Stretches {
		got = append(got, fmt.Sprint(st.Phase, st.Name, st.From, st.To, st.Attempts, st.Timed, st.Routes[0].Rows[0].Reason, st.Routes[0].Rows[0].May))
	}
	want := []string{
		"0 quiet 0s 2s 0 true answers[0] []",
		"0 quiet 2s 5s 0 true slow, faults[1] over answers[0] []",
		"1 busy 0s 0s 50 false down, faults[0] [1]",
		"2 late 0s 0s 0 false answers[0] [1]",
		"-1  0s 0s 0 false answers[0] [1]",
	}
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], " ", "")
	}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], " ", "")
	}
	if !slices.Equal(got, want) {
		t.Errorf("stretches are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExplainConnections(t *testing.T) {
	s := parse(t, `
name: x
faults:
  - {name: seventh, when: {nth: 7}, reset: accept}
  - {name: window, when: {elapsed: {every: 10s, for: 1s}}, close: accept}
`)
	rows := Explain(s).Stretches[0].Connections
	if len(rows) != 8 {
		t.Fatalf("%d connections, want one more than the one that is named: %+v", len(rows), rows)
	}
	for i, r := range rows {
		want := ConnRow{Ordinal: i + 1, May: []int{1}}
		if i == 6 {
			want = ConnRow{Ordinal: 7, Wire: "rst accept", Reason: "seventh, faults[0]"}
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("connection %d: %+v, want %+v", i+1, r, want)
		}
	}
	if rows := Explain(parse(t, "name: x")).Stretches[0].Connections; rows != nil {
		t.Errorf("connections of a scenario without faults: %+v", rows)
	}
}

// TestExplainMore: a table ends, and says so.
func TestExplainMore(t *testing.T) {
	table := Explain(parse(t, `
name: x
routes: [{match: GET /, answers: [{status: 503, times: 50}, {status: 200}]}]
`)).Stretches[0].Routes[0]
	if !table.More || !table.Every || len(table.Rows) != attemptsShown {
		t.Errorf("more %v, every %v, %d rows", table.More, table.Every, len(table.Rows))
	}
}

func TestExplainWords(t *testing.T) {
	e := Explain(parse(t, `
name: x
summary: all kinds of words
seed: 9
phases: [{name: healthy, for: 10s}, {name: outage}]
routes: [{match: POST /orders, name: orders}]
faults:
  - {status: 503, retry_after: 90s}
  - {name: slow, delay: {p50: 20ms, p99: 1s, max: 2s}, chance: 12.5%}
  - {name: near, delay: 100ms..400ms, when: {attempt: 2.., call: 3, nth: ..4}}
  - {name: burst, delay: {mean: 1s, sd: 200ms}, when: {burst: {bad: 2s, good: 15s}}}
  - {name: streak, reset: before-headers, when: {burst: {bad: 2 attempts, good: 15 attempts}, every: 3}}
  - {name: ramp, status: 500, chance: 80% -> 0%, when: {phase: healthy}}
  - {name: tick, close: accept, when: {elapsed: {every: 20s, for: 1s, from: 5s}, nth: 2..9}}
  - {name: picky, status: 400, when: {method: [PUT, POST], path: /orders, header: {X-Tier: free}, body: /amount.*0/, conn_request: 2.., elapsed: 30s..}}
drive:
  - {request: POST /orders, calls: 20, concurrency: 4, idempotent: true, deadline: 3s, wait: 1s}
  - {request: [GET /a, GET /b], rate: 50/s, for: 2m, clients: 3, fresh: true, cancel_after: 500ms}
  - {request: GET /a, rate: 80/1m, calls: 3}
expect:
  - succeeds: 99%
  - attempts: {max: 4, min: 2, route: orders}
  - no_hot_loop: {phase: outage, level: warn}
  - connections: {max: 4, after_stop: 0}
`))
	var got []string
	for _, f := range e.Faults {
		got = append(got, strings.TrimSuffix(f.Name+": "+f.Does+"; "+f.When+"; "+f.Chance, "; "))
	}
	got = append(got, e.Drive...)
	for _, x := range e.Expect {
		got = append(got, strings.TrimSuffix(x.Check+": "+x.Words+"; "+x.Scope, "; "))
	}
	want := []string{
		"faults[0]: answers 503, asks for a pause of 1m30s; always",
		"slow: delays by p50 20ms, p99 1s, at most 2s; always; 12.5%",
		"near: delays by 100ms..400ms; on attempt 2.., of call 3, on attempt 1..4 of the route",
		"burst: delays by 1s ± 200ms; in bad spells of 2s on average, after good ones of 15s",
		"streak: cuts the connection: rst before-headers; on every 3rd attempt of the route, in bad spells of 2 attempts on average, after good ones of 15",
		"ramp: answers 500; in phase healthy; 80% -> 0%",
		"tick: cuts the connection: fin accept; for 1s every 20s from 5s on, on connection 2..9",
		`picky: answers 400; from 30s on, on request 2.. of its connection, where the method is PUT or POST, where the path is /orders, where X-Tier contains "free", where the body matches /amount.*0/`,
		"20 × POST /orders, 4 at once, idempotent, deadline 3s, after a wait of 1s",
		"GET /a, GET /b in turn for 2m at 50/s, by 3 clients, by a fresh client, cancelled after 500ms",
		"3 × GET /a at 80/1m",
		"succeeds: at least 99% of the calls succeed",
		"attempts: attempts of each call: at least 2, at most 4; of orders",
		"no_hot_loop: from the second on, gaps average 10ms, after a 429 100ms; begun in phase outage",
		"connections: connections: at most 4, left open at most 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("words are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if e.Name != "x" || e.Summary != "all kinds of words" || e.Seed != 9 || e.File != "test.yaml" {
		t.Errorf("head is %q %q %q %d", e.File, e.Name, e.Summary, e.Seed)
	}
}

func TestOrdinal(t *testing.T) {
	var got []string
	for _, n := range []int{1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111, 112} {
		got = append(got, ordinal(n))
	}
	if want := "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th 112th"; strings.Join(got, " ") != want {
		t.Errorf("ordinals are %v, want %s", got, want)
	}
}

// TestExplainEveryCheck: each check of the grammar is put into words.
func TestExplainEveryCheck(t *testing.T) {
	for _, c := range scenarios.Checks() {
		if c.Unbuilt {
			continue
		}
		text := map[string]string{
			"attempts":     "attempts: {per_call: declared}",
			"connections":  "connections: {open: 1, per_call: 2}",
			"in_flight":    "in_flight: {per_call: 1, total: declared}",
			"effects":      "effects: {per_call: 1, per_event: 0..1, total: 2..}",
			"waits":        "waits: {at_least: 1s, after: [429, 503]}",
			"retries_on":   "retries_on: {exactly: [429, 503]}",
			"same_as":      "same_as: known\nroutes: [{match: /, cases: {known: [{}], other: [{}]}}]",
			"final_effect": "final_effect: {object: order_1, json: {status: shipped}}",
		}[c.Name]
		if text == "" {
			text = c.Name
		}
		e := Explain(parse(t, "name: x\nexpect:\n  - "+text))
		if w := e.Expect[0].Words; w == "" || w == c.Name || strings.HasSuffix(w, ": ") {
			t.Errorf("%s is put into words as %q", text, w)
		}
	}
}

// TestExplainAgreesWithAttempt: where nothing is left open, a row is the decision that the server takes.
func TestExplainAgreesWithAttempt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := healthy()
		s.Seed = rapid.Uint64().Draw(t, "seed")
		s.Routes[0].Answers = nil
		for i := range rapid.IntRange(1, 4).Draw(t, "answers") {
			s.Routes[0].Answers = append(s.Routes[0].Answers, scenarios.Answer{Index: i, Status: 500 + i,
				Times: rapid.IntRange(1, 3).Draw(t, "times"), Delay: &scenarios.Delay{Kind: scenarios.DelayUniform, To: time.Second}})
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "faults") {
			f := scenarios.Fault{Index: i, Name: fmt.Sprintf("f%d", i), Answer: status(rapid.SampledFrom([]int{0, 503}).Draw(t, "status")),
				Chance: share1(rapid.Float64Range(0, 1).Draw(t, "chance"))}
			f.Answer.Delay = fixed(time.Duration(i))
			if from := rapid.IntRange(0, 4).Draw(t, "from"); from > 0 {
				f.When.Attempt = rangeOf(from, from+rapid.IntRange(0, 3).Draw(t, "span"))
			}
			s.Faults = append(s.Faults, f)
		}
		p, entries := New(s), 0
		for _, row := range Explain(s).Stretches[0].Routes[0].Rows {
			if row.Attempt == 1 {
				entries = 0
			}
			d := decide(p, Input{Call: row.Call, Attempt: row.Attempt, Entries: entries})
			if d.Fault < 0 {
				entries++
			}
			if d.Answer.Status != row.Status || d.Delay != row.Delay || d.Reason != row.Reason {
				t.Fatalf("call %d, attempt %d: row %+v, decision %+v", row.Call, row.Attempt, row, d)
			}
		}
	})
}
