package verdict

import (
	"strings"
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// before says that the run was in front of an upstream, and what went there.
func (r *recorded) before(all ...journal.Forward) *recorded {
	r.Header.Upstream = "http://up.test"
	r.Forwards = append(r.Forwards, all...)
	return r
}

// byUpstream is an attempt that the upstream answered.
func byUpstream(a *journal.Attempt) { a.Entry, a.Route = -1, "" }

// TestUpstreamIsNotTheClient: where the upstream failed, no failure is the client's, and the verdict names the upstream;
// where it did not, the same record fails.
func TestUpstreamIsNotTheClient(t *testing.T) {
	s := scene(expect(&scenarios.Succeeds{Share: 1}), expect(&scenarios.Attempts{Max: n(3)}))
	for _, row := range []struct {
		failure string
		want    []Outcome // of succeeds, attempts, and the verdict
		says    string
	}{
		{"", []Outcome{Fail, Pass, Fail}, ""},
		{"it could not be reached", []Outcome{Inconclusive, Pass, Inconclusive}, "the upstream http://up.test failed on 1 attempt, first on attempt 2: it could not be reached."},
	} {
		r := record(made("GET /a", at(0, 502, byUpstream), at(sec, 502, byUpstream))).before(
			journal.Forward{Seq: 1, Copy: 1, Status: 502}, journal.Forward{Seq: 2, Copy: 1, Failure: row.failure})
		v := Judge(s, &r.Log)
		if v.Findings[0].Outcome != row.want[0] || v.Findings[1].Outcome != row.want[1] || v.Outcome != row.want[2] {
			t.Errorf("%q: %+v", row.failure, v)
		}
		if row.says != "" && (v.Findings[2].Sentence != row.says || !strings.Contains(v.Findings[0].Sentence, "the upstream failed on attempt 2 (it could not be reached)")) {
			t.Errorf("%q: %+v", row.failure, v.Findings)
		}
	}
}

// TestUpstreamOfOtherCalls: a failure of the upstream on one route says nothing of the calls on another.
func TestUpstreamOfOtherCalls(t *testing.T) {
	s := scene(route("GET /a"), route("GET /b"), expect(&scenarios.Succeeds{Share: 1}, onRoute("GET /a")))
	r := record(made("GET /a", at(0, 500)), made("GET /b", at(sec, 502))).before(
		journal.Forward{Seq: 1, Copy: 1, Status: 500}, journal.Forward{Seq: 2, Copy: 1, Failure: "it closed the connection without an answer"})
	if v := Judge(s, &r.Log); v.Findings[0].Outcome != Fail {
		t.Errorf("%+v", v.Findings[0])
	}
}

// TestCallsBehindNoRoute: in front of an upstream what no route matches is a call like any other.
func TestCallsBehindNoRoute(t *testing.T) {
	s := scene(route("GET /stub"), expect(&scenarios.Succeeds{Share: 1}))
	r := record(made("GET /other", at(0, 200, byUpstream)))
	r.Attempts[0].Route = ""
	if v := Judge(s, &r.Log); v.Outcome != Inconclusive || v.Calls != 0 {
		t.Errorf("without an upstream: %+v", v)
	}
	if v := Judge(s, &r.before(journal.Forward{Seq: 1, Copy: 1, Status: 200}).Log); v.Outcome != Pass || v.Calls != 1 {
		t.Errorf("with one: %+v", v)
	}
}

// TestCopiesThatDiffer are told, once for each fault, and change nothing; copies that do not differ are not.
func TestCopiesThatDiffer(t *testing.T) {
	s := scene(expect(&scenarios.Succeeds{Share: 1}))
	s.Faults = []scenarios.Fault{{Name: "twice", Duplicate: &scenarios.Duplicate{Pos: scenarios.Pos{Line: 7, Column: 5}, Copies: 2}}}
	twice := func(a *journal.Attempt) { byUpstream(a); a.Applied = []int{0} }
	r := record(made("POST /pay", at(0, 201, twice)), made("POST /pay", at(sec, 201, twice)), made("POST /pay", at(2*sec, 201, twice))).before(
		journal.Forward{Seq: 3, Copy: 2, Failure: "it closed the connection without an answer"}, journal.Forward{Seq: 3, Copy: 1, Status: 201},
		journal.Forward{Seq: 1, Copy: 2, Status: 201}, journal.Forward{Seq: 1, Copy: 1, Status: 201},
		journal.Forward{Seq: 2, Copy: 2, Status: 409}, journal.Forward{Seq: 2, Copy: 1, Status: 201})
	v := Judge(s, &r.Log)
	var told []Finding
	for _, f := range v.Findings {
		if f.Outcome == Info {
			told = append(told, f)
		}
	}
	want := "the upstream answered the 2 copies of POST /pay (attempt 2) with 201 and 409, and likewise those of 1 attempt more."
	if v.Outcome != Pass || len(told) != 1 || told[0].Sentence != want || told[0].Expect.Pos.Line != 7 {
		t.Errorf("%v, %+v", v.Outcome, told)
	}
}

// TestDuplicateThatNeverStruck: a fault that duplicates and met no request makes the run inconclusive, by name.
func TestDuplicateThatNeverStruck(t *testing.T) {
	s := scene(expect(&scenarios.Succeeds{Share: 1}))
	s.Faults = []scenarios.Fault{{Name: "twice", Duplicate: &scenarios.Duplicate{Copies: 2}}}
	r := record(made("GET /a", at(0, 200, byUpstream))).before(journal.Forward{Seq: 1, Copy: 1, Status: 200})
	v := Judge(s, &r.Log)
	if v.Outcome != Inconclusive || v.Findings[1].Sentence != "twice never struck: none of 1 attempt met its when." {
		t.Errorf("%+v", v)
	}
}
