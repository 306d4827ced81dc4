package plan

import (
	"net/http"
	"testing"
	"time"

	"brownout/scenarios"
)

// path makes a template of segments; a segment with a colon is a variable, a last * the rest.
func path(segments ...string) scenarios.Path {
	p := scenarios.Path{}
	for _, s := range segments {
		switch {
		case s == "*":
			p.Rest = true
		case s != "" && s[0] == ':':
			p.Segments = append(p.Segments, scenarios.Segment{Var: s[1:]})
		default:
			p.Segments = append(p.Segments, scenarios.Segment{Literal: s})
		}
	}
	return p
}

// TestTriggers holds each trigger at its edges, and that all must hold.
func TestTriggers(t *testing.T) {
	sec := time.Second
	items := path("items", ":id")
	contains := func(s string) *scenarios.TextMatch { return &scenarios.TextMatch{Text: s, Contains: s} }
	beta := []scenarios.HeaderMatch{{Name: "X-Tier", TextMatch: *contains("beta")}}
	tiers := func(values ...string) func(string) []string { return http.Header{"X-Tier": values}.Values }
	for _, c := range []struct {
		why  string
		when scenarios.When
		in   Input
		want bool
	}{
		{"no triggers", scenarios.When{}, Input{}, true},
		{"attempt in range", scenarios.When{Attempt: rangeOf(2, 4)}, Input{Attempt: 4}, true},
		{"attempt beyond", scenarios.When{Attempt: rangeOf(2, 4)}, Input{Attempt: 5}, false},
		{"attempt in an open range", scenarios.When{Attempt: rangeOf(3, 0)}, Input{Attempt: 99}, true},
		{"call in range", scenarios.When{Call: rangeOf(1, 2)}, Input{Call: 2}, true},
		{"call beyond", scenarios.When{Call: rangeOf(1, 2)}, Input{Call: 3}, false},
		{"attempt holds, call does not", scenarios.When{Attempt: rangeOf(1, 1), Call: rangeOf(2, 2)}, Input{Attempt: 1, Call: 1}, false},
		{"nth in range", scenarios.When{Nth: rangeOf(5, 9)}, Input{Nth: 5}, true},
		{"nth before", scenarios.When{Nth: rangeOf(5, 9)}, Input{Nth: 4}, false},
		{"every third", scenarios.When{Every: 3}, Input{Nth: 6}, true},
		{"not the third", scenarios.When{Every: 3}, Input{Nth: 7}, false},
		{"every, of an unknown ordinal", scenarios.When{Every: 3}, Input{}, false},
		{"second on its connection", scenarios.When{ConnRequest: rangeOf(2, 0)}, Input{ConnRequest: 2}, true},
		{"first on its connection", scenarios.When{ConnRequest: rangeOf(2, 0)}, Input{ConnRequest: 1}, false},
		{"ordinal on its connection unknown", scenarios.When{ConnRequest: rangeOf(0, 5)}, Input{}, false},
		{"before the window", scenarios.When{Elapsed: &scenarios.Window{From: 2 * sec, To: 3 * sec}}, Input{Elapsed: 2*sec - 1}, false},
		{"at the window's start", scenarios.When{Elapsed: &scenarios.Window{From: 2 * sec, To: 3 * sec}}, Input{Elapsed: 2 * sec}, true},
		{"at the window's end", scenarios.When{Elapsed: &scenarios.Window{From: 2 * sec, To: 3 * sec}}, Input{Elapsed: 3 * sec}, false},
		{"in an open window", scenarios.When{Elapsed: &scenarios.Window{From: 2 * sec}}, Input{Elapsed: time.Hour}, true},
		{"before the first period", scenarios.When{Elapsed: &scenarios.Window{From: 5 * sec, Every: 20 * sec, For: sec}}, Input{Elapsed: 0}, false},
		{"in the third period", scenarios.When{Elapsed: &scenarios.Window{From: 5 * sec, Every: 20 * sec, For: sec}}, Input{Elapsed: 45 * sec}, true},
		{"after the third spell", scenarios.When{Elapsed: &scenarios.Window{From: 5 * sec, Every: 20 * sec, For: sec}}, Input{Elapsed: 46 * sec}, false},
		{"in the phase", scenarios.When{Phase: []string{"x", "bad"}}, Input{Elapsed: 2 * sec}, true},
		{"in another phase", scenarios.When{Phase: []string{"bad"}}, Input{Elapsed: sec}, false},
		{"after all phases", scenarios.When{Phase: []string{"bad"}}, Input{Elapsed: 9 * sec}, false},
		{"one of the methods", scenarios.When{Method: []string{"PUT", "POST"}}, Input{Method: "POST"}, true},
		{"another method", scenarios.When{Method: []string{"PUT", "POST"}}, Input{Method: "GET"}, false},
		{"path fits", scenarios.When{Path: &items}, Input{Path: "/items/7"}, true},
		{"path does not fit", scenarios.When{Path: &items}, Input{Path: "/items"}, false},
		{"one of the fields fits", scenarios.When{Header: beta}, Input{Header: tiers("free", "beta-2")}, true},
		{"no field fits", scenarios.When{Header: beta}, Input{Header: tiers("free")}, false},
		{"no fields", scenarios.When{Header: beta}, Input{Header: tiers()}, false},
		{"fields not given", scenarios.When{Header: beta}, Input{}, false},
		{"body contains", scenarios.When{Body: contains(`"amount":0`)}, Input{Body: []byte(`{"amount":0}`)}, true},
		{"body does not contain", scenarios.When{Body: contains(`"amount":0`)}, Input{Body: []byte(`{"amount":1}`)}, false},
		{"client fits", scenarios.When{Client: contains("10.0.0.")}, Input{Client: "10.0.0.7"}, true},
		{"one of the hosts", scenarios.When{Host: []string{"a", "b"}}, Input{Host: "b"}, true},
		{"another host", scenarios.When{Host: []string{"a"}}, Input{Host: "b"}, false},
		{"client does not fit", scenarios.When{Client: contains("10.0.0.")}, Input{Client: "10.0.1.7"}, false},
	} {
		s := healthy(scenarios.Fault{Name: "f", Answer: status(503), When: c.when})
		s.Phases = []scenarios.Phase{{Name: "good", For: 2 * sec}, {Name: "bad", For: 3 * sec}}
		if d := decide(New(s), c.in); (d.Fault == 0) != c.want || (len(d.Drawn) == 1) != c.want {
			t.Errorf("%s: fault %d, drawn %v; want it to strike: %v", c.why, d.Fault, d.Drawn, c.want)
		}
	}
}

func TestMatchPath(t *testing.T) {
	for _, c := range []struct {
		path scenarios.Path
		text string
		want bool
	}{
		{path(), "/", true},
		{path(""), "/", true},
		{path(""), "/a", false},
		{path(), "", false},
		{path(), "/a", false},
		{path("a"), "/a", true},
		{path("a"), "/a/", false},
		{path("a"), "/ab", false},
		{path("a"), "a", false},
		{path("a", ""), "/a/", true},
		{path("a", ""), "/a", false},
		{path("a", ":id", "b"), "/a/7/b", true},
		{path("a", ":id", "b"), "/a//b", false},
		{path("a", ":id", "b"), "/a/7/8/b", false},
		{path("a", ":id"), "/a/7/b", false},
		{path("*"), "/", true},
		{path("*"), "/any/where", true},
		{path("static", "*"), "/static/", true},
		{path("static", "*"), "/static/css/a.css", true},
		{path("static", "*"), "/static", false},
		{path("static", "*"), "/statics/a", false},
	} {
		if got := matchPath(&c.path, c.text); got != c.want {
			t.Errorf("matchPath(%+v, %q) = %v, want %v", c.path, c.text, got, c.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	p := New(healthy(scenarios.Fault{Answer: status(503), When: scenarios.When{Attempt: rangeOf(1, 1)}}))
	if p.Needs() != (Needs{}) || p.StrikesConnections() {
		t.Errorf("a fault that looks at the attempt's number alone needs %+v", p.Needs())
	}
	p = New(healthy(
		scenarios.Fault{Answer: status(503), When: scenarios.When{Header: []scenarios.HeaderMatch{{Name: "A"}}}},
		scenarios.Fault{Answer: status(503), When: scenarios.When{Body: &scenarios.TextMatch{}}},
		scenarios.Fault{Answer: scenarios.Answer{Wire: reset(scenarios.AtAccept)}},
	))
	if p.Needs() != (Needs{Header: true, Body: true}) || !p.StrikesConnections() {
		t.Errorf("needs %+v, strikes connections %v; want all of it", p.Needs(), p.StrikesConnections())
	}
}
