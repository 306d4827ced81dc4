package verdict

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// The language in which tests write journals and scenarios:
//
//	record(
//		made("POST /v1/charges", at(0, 429, ra(2*sec)), at(2006*ms, 201)),
//		made("GET /items/1", at(0, reset), at(300*ms, 200)),
//	)
//
// Attempts take 1 ms each on one connection a call, unless they say otherwise.

const (
	ms  = time.Millisecond
	sec = time.Second
)

// option changes one attempt.
type option func(*journal.Attempt)

// calls is one call as a test writes it.
type calls []*journal.Attempt

// at is an attempt at an instant. Beside options it takes a status.
func at(t time.Duration, got ...any) *journal.Attempt {
	a := &journal.Attempt{ConnRequest: 1, First: t, Read: t, Sent: t, Done: t + ms, Entry: 0,
		Ended: true, Whole: true, BodyWhole: true, BytesSent: 100, BodySHA256: sha256.Sum256(nil)}
	for _, g := range got {
		switch g := g.(type) {
		case int:
			a.Status = g
		case option:
			g(a)
		case func(*journal.Attempt):
			g(a)
		default:
			panic(fmt.Sprintf("at: what is %T?", g))
		}
	}
	return a
}

// reset is an answer lost by a RST before its headers.
func reset(a *journal.Attempt) { broken(a, "rst before-headers", journal.ClosedByServerRST) }

// hungUp is an answer lost by a FIN before its headers.
func hungUp(a *journal.Attempt) { broken(a, "fin before-headers", journal.ClosedByServerFIN) }

func broken(a *journal.Attempt, wire string, closed journal.Closer) {
	a.Status, a.Wire, a.Closed, a.Whole, a.BytesSent, a.Done = 0, wire, closed, false, 0, a.Sent
}

// abandoned is an answer that the client did not wait for.
func abandoned(after time.Duration) option {
	return func(a *journal.Attempt) {
		a.Status, a.Whole, a.BytesSent, a.Closed, a.Done = 200, false, 0, journal.ClosedByClientFIN, a.First+after
	}
}

// noEnd is an attempt whose record was cut off.
func noEnd(a *journal.Attempt) { a.Ended, a.Whole, a.Done, a.BytesSent = false, false, 0, 0 }

// ra asks for a pause in seconds.
func ra(in time.Duration) option {
	return func(a *journal.Attempt) {
		a.RetryAfter, a.Due, a.HasDue = fmt.Sprintf("Retry-After: %d", int(in.Seconds())), a.Sent+in, true
	}
}

// raDate asks for a pause by a date of the form, due after in.
func raDate(form string, in time.Duration) option {
	return func(a *journal.Attempt) {
		when := time.Date(2026, 11, 8, 8, 49, 37, 0, time.UTC).Add(in)
		text := strings.Replace(when.Format(form), "UTC", "GMT", 1)
		a.RetryAfter, a.Due, a.HasDue = "Retry-After: "+text, a.Sent+in, true
	}
}

// conn is the attempt's connection, and its ordinal on it.
func conn(id uint64, request int) option {
	return func(a *journal.Attempt) { a.Conn, a.ConnRequest = id, request }
}

// header adds a field.
func header(name, value string) option {
	return func(a *journal.Attempt) { a.Headers = append(a.Headers, journal.Field{Name: name, Value: value}) }
}

// key adds an idempotency key.
func key(k string) option { return header("Idempotency-Key", k) }

// body gives the request a body.
func body(text string) option {
	return func(a *journal.Attempt) {
		a.Body, a.BodyLen, a.BodySHA256 = []byte(text), int64(len(text)), sha256.Sum256([]byte(text))
	}
}

// took is how long the answer took.
func took(d time.Duration) option {
	return func(a *journal.Attempt) { a.Sent = a.First + d; a.Done = a.Sent + ms }
}

func entry(i int) option            { return func(a *journal.Attempt) { a.Entry = i } }
func phase(name string) option      { return func(a *journal.Attempt) { a.Phase = name } }
func looksAlike(a *journal.Attempt) { a.Ambiguous = true }

// fault says which faults were drawn, and the last of them answered.
func fault(drawn ...int) option {
	return func(a *journal.Attempt) { a.Drawn, a.Applied, a.Entry = drawn, drawn[len(drawn)-1:], -1 }
}

// byPrint is a call that is known by what its requests look like.
func byPrint(a *journal.Attempt) { a.Naming = journal.NamedByPrint }

// made is a call with its attempts, on the route that is named like its request; options hold for every attempt.
func made(request string, parts ...any) calls {
	method, target, _ := strings.Cut(request, " ")
	var all []option
	var cs calls
	for _, p := range parts {
		switch p := p.(type) {
		case *journal.Attempt:
			cs = append(cs, p)
		case option:
			all = append(all, p)
		case func(*journal.Attempt):
			all = append(all, p)
		}
	}
	for i, a := range cs {
		a.Method, a.Target, a.Route, a.N, a.Naming = method, target, request, i+1, journal.NamedByPrefix
		for _, o := range all {
			o(a)
		}
	}
	return cs
}

// recorded is a journal as a test builds it.
type recorded struct{ journal.Log }

// record makes a journal of calls: it numbers calls and attempts and gives each call a connection of its own.
func record(all ...calls) *recorded {
	r := &recorded{}
	r.Header = journal.Header{Version: 1, Seed: 1}
	r.End = time.Second
	for i, cs := range all {
		for _, a := range cs {
			if a.Call == "" {
				a.Call, a.CallNo = strconv.Itoa(i+1), i+1
			}
			if a.Conn == 0 {
				a.Conn = uint64(1000 + i)
			}
			r.Attempts = append(r.Attempts, *a)
			r.End = max(r.End, a.First, a.Done)
		}
	}
	slices.SortStableFunc(r.Attempts, func(a, b journal.Attempt) int { return int(a.First - b.First) })
	for i := range r.Attempts {
		r.Attempts[i].Seq = uint64(i + 1)
	}
	return r
}

// exits adds a process that made all calls.
func (r *recorded) exits(code int) *recorded {
	r.Clients = append(r.Clients, journal.Client{Stop: r.End, Exit: code})
	return r
}

// exitOf adds a process that made one call.
func (r *recorded) exitOf(no, code int) *recorded {
	r.Clients = append(r.Clients, journal.Client{Stop: r.End, Exit: code, Call: no})
	return r
}

// says adds what the client said of a call.
func (r *recorded) says(no int, ok bool) *recorded {
	r.Results = append(r.Results, journal.Result{Call: no, OK: ok, At: r.End})
	return r
}

// late adds a tick that came late.
func (r *recorded) late(at, by time.Duration) *recorded {
	r.Log.Late = append(r.Log.Late, journal.Lateness{At: at, Late: by})
	return r
}

// drops says that records were let go of.
func (r *recorded) drops(n int, reason string) *recorded {
	r.Dropped = append(r.Dropped, journal.Drop{Count: n, Reason: reason})
	return r
}

// until sets when the record ended.
func (r *recorded) until(end time.Duration) *recorded {
	r.End = end
	return r
}

// cutAt adds a connection that fault i of the scenario cut at accept.
func (r *recorded) cutAt(t time.Duration, i int) *recorded {
	r.Conns = append(r.Conns, journal.Conn{ID: uint64(len(r.Conns) + 1), Accept: t, Close: t, Closed: journal.ClosedByServerRST,
		Drawn: []int{i}, Applied: []int{i}, Reason: "cut"})
	r.End = max(r.End, t)
	return r
}

// opens adds a connection that the client closed; until 0: it stays open.
func (r *recorded) opens(id uint64, from, until time.Duration) *recorded {
	c := journal.Conn{ID: id, Accept: from}
	if until > 0 {
		c.Close, c.Closed = until, journal.ClosedByClientFIN
		r.End = max(r.End, until)
	}
	r.Conns = append(r.Conns, c)
	return r
}

// part is a part of a scenario that a test is about.
type part func(*scenarios.Scenario)

// scene makes a scenario of routes, faults and expectations.
func scene(parts ...part) *scenarios.Scenario {
	s := &scenarios.Scenario{Name: "test", Seed: 1}
	for _, p := range parts {
		p(s)
	}
	return s
}

// route adds a route whose answers have these statuses; its lines are 10, 11 ...
func route(match string, answers ...scenarios.Answer) part {
	return func(s *scenarios.Scenario) {
		method, path, _ := strings.Cut(match, " ")
		r := scenarios.Route{Index: len(s.Routes), Name: match, Pos: scenarios.Pos{Line: 10, Column: 5}}
		r.Match = []scenarios.Match{{Method: method, Path: pathOf(path)}}
		for i, a := range answers {
			a.Index, a.Pos = i, scenarios.Pos{Line: 11 + i, Column: 9}
			a.StatusPos = scenarios.Pos{Line: 11 + i, Column: 10}
			if a.RetryAfter != nil {
				a.RetryAfter.Pos = scenarios.Pos{Line: 11 + i, Column: 24}
			}
			if a.Wire != nil {
				a.Wire.Pos = scenarios.Pos{Line: 11 + i, Column: 24}
			}
			r.Answers = append(r.Answers, a)
		}
		s.Routes = append(s.Routes, r)
	}
}

func pathOf(text string) scenarios.Path {
	p := scenarios.Path{Text: text}
	for _, seg := range strings.Split(strings.TrimPrefix(text, "/"), "/") {
		if v, ok := strings.CutPrefix(seg, ":"); ok {
			p.Segments = append(p.Segments, scenarios.Segment{Var: v})
		} else if seg == "*" {
			p.Rest = true
		} else {
			p.Segments = append(p.Segments, scenarios.Segment{Literal: seg})
		}
	}
	return p
}

// answer is one scripted answer.
func answer(status int, changes ...func(*scenarios.Answer)) scenarios.Answer {
	a := scenarios.Answer{Status: status, Times: 1}
	for _, c := range changes {
		c(&a)
	}
	return a
}

func asking(in time.Duration) func(*scenarios.Answer) {
	return func(a *scenarios.Answer) { a.RetryAfter = &scenarios.RetryAfter{In: in} }
}

func resetting(w scenarios.WireAt) func(*scenarios.Answer) {
	return func(a *scenarios.Answer) { a.Wire = &scenarios.WireFault{Do: scenarios.WireRST, At: w} }
}

func optional(a *scenarios.Answer) { a.Optional = true }

// broke adds a fault at line 30, 31 ...
func broke(name string, a scenarios.Answer, changes ...func(*scenarios.Fault)) part {
	return func(s *scenarios.Scenario) {
		i := len(s.Faults)
		f := scenarios.Fault{Index: i, Name: name, Answer: a, Pos: scenarios.Pos{Line: 30 + i, Column: 5}}
		f.Answer.Pos, f.Answer.StatusPos = f.Pos, f.Pos
		for _, c := range changes {
			c(&f)
		}
		s.Faults = append(s.Faults, f)
	}
}

// names of the checks in tests, as the grammar has them.
func nameOf(p scenarios.Params) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", p), "*scenarios.")
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// expect adds an expectation at line 40, 41 ...
func expect(p scenarios.Params, changes ...func(*scenarios.Expectation)) part {
	return func(s *scenarios.Scenario) {
		x := scenarios.Expectation{Name: nameOf(p), Params: p, Pos: scenarios.Pos{Line: 40 + len(s.Expect), Column: 5}}
		for _, c := range changes {
			c(&x)
		}
		s.Expect = append(s.Expect, x)
	}
}

func onRoute(name string) func(*scenarios.Expectation) {
	return func(x *scenarios.Expectation) { x.Route = name }
}

func inPhase(name string) func(*scenarios.Expectation) {
	return func(x *scenarios.Expectation) { x.Phase = name }
}

func level(l scenarios.Level) func(*scenarios.Expectation) {
	return func(x *scenarios.Expectation) { x.Level = l }
}

func n(i int) *scenarios.Count { return &scenarios.Count{N: i} }

func declaredCount() *scenarios.Count { return &scenarios.Count{Declared: true} }

// intTime lets an int multiply a duration.
func intTime(i int) time.Duration { return time.Duration(i) }

func ptr[T any](v T) *T { return &v }

// said is what a test expects of a finding; empty texts are not compared, "-" is the empty text.
type said struct {
	outcome  Outcome
	sentence string // or the summary of a passed check
	note     string
	cause    string
	hint     string
}

// judged is one case: a journal, judged by one check.
type judged struct {
	name string
	s    *scenarios.Scenario
	log  *recorded
	want said
}

func (j judged) run(t *testing.T) {
	t.Helper()
	t.Run(j.name, func(t *testing.T) {
		t.Helper()
		v := Judge(j.s, &j.log.Log)
		f := v.Findings[0]
		compare(t, "outcome", f.Outcome.String(), j.want.outcome.String())
		text := f.Sentence
		if f.Outcome == Pass {
			text = f.Summary
		}
		compare(t, "sentence", text, j.want.sentence)
		if j.want.note != "" {
			compare(t, "note", f.Expect.Text, j.want.note)
		}
		if j.want.hint != "" {
			compare(t, "hint", f.Hint, j.want.hint)
		}
		if j.want.cause != "" {
			got := "-"
			if f.Cause != nil {
				got = fmt.Sprintf("%d:%d %s", f.Cause.Pos.Line, f.Cause.Pos.Column, f.Cause.Text)
			}
			compare(t, "cause", got, j.want.cause)
		}
	})
}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// table draws a proof for comparison, a line a row.
func table(p *Proof) string {
	var b strings.Builder
	for _, r := range p.Rows {
		mark := " "
		if r.Bad {
			mark = "!"
		}
		waited := "-"
		if r.Waited >= 0 {
			waited = measured(r.Waited)
		}
		good := "✓"
		if !r.Good {
			good = "✗"
		}
		fmt.Fprintf(&b, "%s %d %s [%s] %s %s %s due %s\n", mark, r.N, measured(r.At), r.Answer, waited, r.Allowed, good, short(r.Due))
	}
	return b.String()
}
