package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/verdict"
)

func at(seq uint64, call string, n int, first time.Duration, status int) *journal.Attempt {
	return &journal.Attempt{
		Seq: seq, Call: call, N: n, Method: "GET", Target: "/hello", Route: "GET /hello", First: first, Sent: first, Status: status,
		Reason: "answers[0]", Headers: []journal.Field{{Name: "User-Agent", Value: "curl/7.88 (x)"}},
	}
}

func asks(a *journal.Attempt, pause time.Duration, field string) *journal.Attempt {
	a.RetryAfter, a.Due, a.HasDue = field, a.Sent+pause, pause > 0
	return a
}

func by(a *journal.Attempt, reason string) *journal.Attempt {
	a.Entry, a.Reason = -1, reason
	return a
}

func TestLive(t *testing.T) {
	s := &scenarios.Scenario{Name: "demo", Routes: []scenarios.Route{{Name: "GET /hello",
		Answers: []scenarios.Answer{{Status: 503, Times: 2}, {Status: 200, Times: 1}}}}}
	live := NewLive(s, time.Date(2026, 3, 1, 12, 4, 11, 0, time.UTC))
	reset := by(at(7, "c", 1, 3*time.Second, 0), "cut, faults[0]")
	reset.Wire = "rst before-headers"
	hostile := at(8, "d", 1, 4*time.Second, 404)
	hostile.Target, hostile.Route = "/\x1b[2J"+strings.Repeat("x", 60), ""
	hostile = by(hostile, "no route")
	var lines []string
	for _, a := range []*journal.Attempt{
		asks(at(1, "a", 1, 20*ms, 503), time.Second, "Retry-After: 1"),
		asks(at(2, "a", 2, 1024*ms, 503), time.Second, "Retry-After: 1"),
		at(3, "b", 1, 1100*ms, 503),
		asks(at(4, "a", 3, 1600*ms, 503), 0, "Retry-After: soon"),
		by(at(5, "b", 2, 1700*ms, 500), "outage, faults[1]"),
		at(6, "a", 4, 2029*ms, 200),
		reset,
		hostile,
	} {
		e := live.Event(a)
		lines = append(lines, Style{}.Line(&e))
	}
	want := []string{
		"12:04:11.020  #1 GET /hello  503 RA=1s   curl/7.88   demo step 1/3",
		"12:04:12.024  #2 GET /hello  503 RA=1s   waited 1.004s ok   step 2/3",
		"12:04:12.100  #3 GET /hello  503         curl/7.88   demo step 1/3",
		"12:04:12.600  #4 GET /hello  503 RA=soon  waited 0.576s early by 0.424s   step 3/3",
		"12:04:12.700  #5 GET /hello  500         waited 0.600s   outage, faults[1]",
		"12:04:13.029  #6 GET /hello  200         waited 0.429s   step 3/3",
		"12:04:14.000  #7 GET /hello  rst before-headers  curl/7.88   demo cut, faults[0]",
		`12:04:15.000  #8 GET /\x1b[2Jxxxxxxxxxxxxxxxxxxxxxxxxxxx…  404         curl/7.88   demo no route`,
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("got  %q\nwant %q", lines[i], want[i])
		}
	}
}

func TestLiveForgets(t *testing.T) {
	live := NewLive(&scenarios.Scenario{}, time.Time{})
	for i := range liveCalls + 10 {
		live.Event(at(uint64(i), strings.Repeat("x", i%7)+string(rune(0x100+i)), 1, 0, 200))
	}
	if len(live.calls) > liveCalls {
		t.Errorf("%d calls are remembered, at most %d", len(live.calls), liveCalls)
	}
}

func TestEventsAreJSON(t *testing.T) {
	live := NewLive(&scenarios.Scenario{Name: "demo"}, time.Time{})
	live.Event(asks(at(1, "a", 1, 0, 503), time.Second, "Retry-After: 1"))
	e := live.Event(at(2, "a", 2, 1500*ms, 200))
	var b strings.Builder
	if err := Line(&b, &e); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got["waited_ms"] != 1500.0 || got["late_ms"] != 500.0 || got["early_ms"] != nil || got["type"] != "attempt" || got["at_ms"] != 1500.0 {
		t.Errorf("%s", b.String())
	}
}

func TestVerdictLine(t *testing.T) {
	good, bad := passed(), tooEarly()
	for _, c := range []struct {
		v    verdict.Verdict
		want string
	}{
		{good.Verdict, "verdict: PASS  succeeds: 1 of 1 · attempts = 3"},
		{bad.Verdict, "verdict: FAIL  The client retried 1.797s too early"},
	} {
		if got := (Style{}).VerdictLine(&c.v); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
