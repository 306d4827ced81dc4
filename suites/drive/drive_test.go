//go:build unix

package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestCommandIsTold(t *testing.T) {
	t.Setenv("http_proxy", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "intern.example")
	t.Setenv("CURL_CA_BUNDLE", "")
	out := &watch{}
	c := &Command{Process{Args: self("print", "{url}/items", "port={port}", "{call} {path} %{http_code}"),
		Env: []string{"STRIPE_API_BASE={url}/v1"}, Output: out}}
	rec := newRecord()
	if err := c.Run(t.Context(), site, rec); err != nil {
		t.Fatal(err)
	}
	want := "http://127.0.0.1:7070/items\nport=7070\n{call} {path} %{http_code}\nBROWNOUT_URL=http://127.0.0.1:7070\n" +
		"BROWNOUT_URLS=http://127.0.0.1:7070\nCURL_CA_BUNDLE=\nBROWNOUT_CA=\n" +
		"BROWNOUT_SCENARIO=two 503s\nBROWNOUT_SEED=42\nSTRIPE_API_BASE=http://127.0.0.1:7070/v1\n" +
		"NO_PROXY=intern.example,127.0.0.1,localhost\nto stderr\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if got := rec.only(t); got.Exit != 0 || got.Stop < got.Start || got.Call != 0 {
		t.Errorf("recorded %+v", got)
	}
}

// TestHostsAreTold: a client is told the base URLs of all hosts and what to trust, with one command for each call the ones
// that name the call, and the step's host first.
func TestHostsAreTold(t *testing.T) {
	hosts := Site{
		URL: "https://127.0.0.1:1", URLs: []string{"https://127.0.0.1:1", "https://127.0.0.1:2", "https://127.0.0.1:3"}, Hosts: []string{"a", "b", "c"}, CA: "/run/x.ca.pem",
		CallURL: func(host string, k int) string {
			return fmt.Sprintf("https://127.0.0.1:%d/~%d", strings.Index("abc", host)+1, k)
		},
	}
	told := func(d func(out *watch) Driver) string {
		out := &watch{}
		if err := d(out).Run(t.Context(), hosts, newRecord()); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		return strings.Join(lines[:6], " ")
	}
	process := func(out *watch) Process { return Process{Args: self("print", "{url}", "{port}", "{ca}"), Output: out} }
	got := told(func(out *watch) Driver { return &Command{process(out)} })
	want := "https://127.0.0.1:1 1 /run/x.ca.pem BROWNOUT_URL=https://127.0.0.1:1 BROWNOUT_URLS=https://127.0.0.1:1,https://127.0.0.1:2,https://127.0.0.1:3 CURL_CA_BUNDLE=/run/x.ca.pem"
	if got != want {
		t.Errorf("one command is told\n%s, want\n%s", got, want)
	}
	for host, want := range map[string]string{
		"":  "https://127.0.0.1:1/~1 1 /run/x.ca.pem BROWNOUT_URL=https://127.0.0.1:1/~1 BROWNOUT_URLS=https://127.0.0.1:1/~1,https://127.0.0.1:2/~1,https://127.0.0.1:3/~1 CURL_CA_BUNDLE=/run/x.ca.pem",
		"b": "https://127.0.0.1:2/~1 2 /run/x.ca.pem BROWNOUT_URL=https://127.0.0.1:2/~1 BROWNOUT_URLS=https://127.0.0.1:1/~1,https://127.0.0.1:2/~1,https://127.0.0.1:3/~1 CURL_CA_BUNDLE=/run/x.ca.pem",
	} {
		steps := []scenarios.Step{{Requests: []scenarios.Request{{Method: "GET"}}, Calls: 1, Host: host}}
		if got := told(func(out *watch) Driver { return &PerCall{process(out), steps} }); got != want {
			t.Errorf("for a call to %q it is told\n%s, want\n%s", host, got, want)
		}
	}
}

func TestHowAProcessEnds(t *testing.T) {
	for _, c := range []struct {
		args []string
		want journal.Client
		why  string
	}{
		{self("exit", "0"), journal.Client{}, "success"},
		{self("exit", "3"), journal.Client{Exit: 3}, "failure"},
		{self("exit", "127"), journal.Client{Exit: 127}, "a shell that found no command"},
		{self("die", "9"), journal.Client{Exit: -1, Signal: "SIGKILL"}, "a crash"},
		{self("die", "15"), journal.Client{Exit: -1, Signal: "SIGTERM"}, "a TERM that is not ours"},
		{[]string{"brownout-no-such-command"}, journal.Client{Exit: -1,
			StartError: "brownout-no-such-command: executable file not found in $PATH"}, "no such command"},
		{[]string{"/etc/passwd"}, journal.Client{Exit: -1, StartError: "fork/exec /etc/passwd: permission denied"}, "not a program"},
	} {
		rec := newRecord()
		if err := (&Command{Process{Args: c.args}}).Run(t.Context(), site, rec); err != nil {
			t.Fatal(err)
		}
		got := rec.only(t)
		got.Start, got.Stop = 0, 0
		if got != c.want {
			t.Errorf("%s: recorded %+v, want %+v", c.why, got, c.want)
		}
	}
}

// endings are the ways in which the run ends a client.
func TestTheRunEndsAClient(t *testing.T) {
	enough := fmt.Errorf("%w: quiet for 5s", ErrEnough)
	interrupt := errors.New("interrupted")
	for _, c := range []struct {
		args  []string
		cause error
		grace time.Duration
		kill  bool
		want  journal.Client
		why   string
	}{
		{self("wait", "0"), ErrTimedOut, time.Hour, false, journal.Client{Exit: 0, TimedOut: true}, "it heeds TERM in its own way"},
		{self("wait", "7"), enough, time.Hour, false, journal.Client{Exit: -1}, "what it exits with says nothing"},
		{self("wait", "0"), interrupt, time.Hour, false, journal.Client{Exit: -1, Interrupted: true}, "it was not done"},
		{self("stubborn"), ErrTimedOut, 20 * time.Millisecond, false, journal.Client{Exit: -1, TimedOut: true, Signal: "SIGKILL"},
			"the grace ends"},
		{self("stubborn"), interrupt, time.Hour, true, journal.Client{Exit: -1, Interrupted: true}, "a second interrupt ends the grace"},
		{self("stopped"), ErrTimedOut, time.Hour, false, journal.Client{Exit: -1, TimedOut: true, Signal: "SIGTERM"},
			"a stopped process is woken, to take its TERM"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		kill := make(chan struct{})
		out := &watch{text: "ready", do: func() {
			cancel(c.cause)
			if c.kill {
				close(kill)
			}
		}}
		rec := newRecord()
		command := &Command{Process{Args: c.args, Output: out, Grace: c.grace, Kill: kill}}
		if err := command.Run(ctx, site, rec); err != nil {
			t.Fatal(err)
		}
		got := rec.only(t)
		got.Start, got.Stop = 0, 0
		if got != c.want {
			t.Errorf("%s: recorded %+v, want %+v", c.why, got, c.want)
		}
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	for _, how := range []string{"exit", "stay"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		out := &watch{text: "ready", do: func() { cancel(ErrTimedOut) }}
		rec := newRecord()
		command := &Command{Process{Args: self("parent", how), Output: out, Grace: 20 * time.Millisecond}}
		if err := command.Run(ctx, site, rec); err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(out.String(), "grandchild ")
		if !found {
			t.Fatalf("%s: the client said %q", how, out)
		}
		pid, _ := strconv.Atoi(strings.Fields(after)[0])
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !bytes.Contains(stat, []byte(") Z ")) {
			t.Errorf("%s: grandchild %d still runs: %s", how, pid, stat)
		}
		if got := rec.only(t); got.TimedOut != (how == "stay") {
			t.Errorf("%s: recorded %+v", how, got)
		}
		cancel(nil)
	}
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrTimedOut)
	rec := newRecord()
	if err := (&Command{Process{Args: self("exit", "0")}}).Run(ctx, site, rec); err != nil {
		t.Fatal(err)
	}
	if len(rec.clients) != 0 {
		t.Errorf("recorded %+v", rec.clients)
	}
}

func step(method, path string, calls, concurrency int) scenarios.Step {
	p := scenarios.Path{Text: path}
	for s := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if name, isVar := strings.CutPrefix(s, ":"); isVar {
			p.Segments = append(p.Segments, scenarios.Segment{Var: name})
		} else if s != "" {
			p.Segments = append(p.Segments, scenarios.Segment{Literal: s})
		}
	}
	return scenarios.Step{Requests: []scenarios.Request{{Method: method, Path: p}}, Calls: calls, Concurrency: concurrency, Clients: 1}
}

func TestPerCallPlaceholders(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // where nobody else leaves a body file
	get := step("GET", "/", 1, 1)
	post := step("POST", "/orders/:call", 2, 1)
	post.Requests[0].Query = "a=1"
	post.Body = scenarios.Body{Kind: scenarios.BodyJSON, Text: scenarios.Template{JSON: true,
		Parts: []scenarios.Part{{Literal: `{"n":"`}, {Var: "call"}, {Literal: `"}`}}}}
	out := &watch{}
	p := &PerCall{Process{Args: self("body", "{body_file}", "{call}", "{method}", "{url}{path}"), Output: out},
		[]scenarios.Step{get, post}}
	rec := newRecord()
	if err := p.Run(t.Context(), site, rec); err != nil {
		t.Fatal(err)
	}
	want := "1 GET http://127.0.0.1:7070/~1/ \n" +
		"2 POST http://127.0.0.1:7070/~2/orders/2?a=1 {\"n\":\"2\"}\n" +
		"3 POST http://127.0.0.1:7070/~3/orders/3?a=1 {\"n\":\"3\"}\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if len(rec.results) != 3 || len(rec.clients) != 3 || !rec.results[2].OK || rec.results[2].Call != 3 || rec.clients[2].Call != 3 {
		t.Errorf("recorded %+v and %+v", rec.results, rec.clients)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "brownout-call-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPerCallOutcomes(t *testing.T) {
	for _, c := range []struct {
		args    []string
		calls   int
		clients int
		results []journal.Result
		why     string
	}{
		{self("exit", "0"), 2, 2, []journal.Result{{Call: 1, OK: true}, {Call: 2, OK: true}}, "exit 0 is success"},
		{self("exit", "1"), 1, 1, []journal.Result{{Call: 1}}, "any other exit is failure"},
		{self("die", "9"), 2, 2, nil, "a crash says nothing of the call"},
		{[]string{"brownout-no-such-command"}, 5, 1, nil, "what cannot be started once is not tried again"},
	} {
		rec := newRecord()
		p := &PerCall{Process{Args: c.args}, []scenarios.Step{step("GET", "/", c.calls, 1)}}
		if err := p.Run(t.Context(), site, rec); err != nil {
			t.Fatal(err)
		}
		for i := range rec.results {
			rec.results[i].At = 0
		}
		if len(rec.clients) != c.clients || !slices.Equal(rec.results, c.results) {
			t.Errorf("%s: %d clients and %+v, want %d and %+v", c.why, len(rec.clients), rec.results, c.clients, c.results)
		}
	}
	if err := (&PerCall{}).Run(t.Context(), site, newRecord()); !errors.Is(err, ErrNoSteps) {
		t.Errorf("without steps: %v", err)
	}
}

func TestPerCallConcurrency(t *testing.T) {
	dir := t.TempDir()
	p := &PerCall{Process{Args: self("barrier", dir, "3", "{call}")}, []scenarios.Step{step("GET", "/", 9, 3)}}
	rec := newRecord()
	if err := p.Run(t.Context(), site, rec); err != nil { // at concurrency 2 no third would come, and none would end
		t.Fatal(err)
	}
	type edge struct {
		at time.Duration
		by int
	}
	var edges []edge
	for _, c := range rec.clients {
		edges = append(edges, edge{c.Start, 1}, edge{c.Stop, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.by - b.by
	})
	running, most := 0, 0
	for _, e := range edges {
		running += e.by
		most = max(most, running)
	}
	if most != 3 || len(rec.results) != 9 {
		t.Errorf("at most %d at once, %d results; want 3 and 9", most, len(rec.results))
	}
}

func TestPerCallRate(t *testing.T) {
	s := step("GET", "/", 5, 0)
	s.Rate = &scenarios.Rate{Events: 50, Per: time.Second}
	rec := newRecord()
	if err := (&PerCall{Process{Args: self("exit", "0")}, []scenarios.Step{s}}).Run(t.Context(), site, rec); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rec.clients, func(a, b journal.Client) int { return a.Call - b.Call })
	for k, c := range rec.clients {
		if due := startOf(k, s.Rate); c.Start < due {
			t.Errorf("call %d began at %v, before it was due at %v", c.Call, c.Start, due)
		}
	}
	for k, want := range map[int]time.Duration{0: 0, 1: 15 * time.Second / 20, 40: 30 * time.Second} {
		if got := startOf(k, &scenarios.Rate{Events: 80, Per: time.Minute}); got != want {
			t.Errorf("startOf(%d) at 80/1m = %v, want %v", k, got, want)
		}
	}
}

func TestPerCallFor(t *testing.T) {
	s := step("GET", "/", 0, 1)
	s.For = 30 * time.Millisecond
	rec := newRecord()
	if err := (&PerCall{Process{Args: self("exit", "0")}, []scenarios.Step{s}}).Run(t.Context(), site, rec); err != nil {
		t.Fatal(err)
	}
	for _, c := range rec.clients {
		if c.Call > 1 && c.Start > rec.clients[0].Start+s.For+rec.clients[0].Stop {
			t.Errorf("call %d began at %v, after the step's %v", c.Call, c.Start, s.For)
		}
	}
	if len(rec.clients) == 0 {
		t.Error("no call was begun")
	}
}

func TestPerCallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	out := &watch{text: "ready", do: func() { cancel(ErrTimedOut) }}
	rec := newRecord()
	p := &PerCall{Process{Args: self("wait", "0"), Output: out}, []scenarios.Step{step("GET", "/", 100, 2)}}
	if err := p.Run(ctx, site, rec); err != nil {
		t.Fatal(err)
	}
	if n := len(rec.clients); n == 0 || n > 2 {
		t.Errorf("%d clients were started, at most 2 can have been", n)
	}
	if len(rec.results) != 0 {
		t.Errorf("results of calls that were cut off: %+v", rec.results)
	}
}

func TestContentIsSeeded(t *testing.T) {
	s := &scenarios.Step{Body: scenarios.Body{Kind: scenarios.BodySize, Size: 100}}
	a, same, call, seed := content(s, 1, 7), content(s, 1, 7), content(s, 2, 7), content(s, 1, 8)
	if len(a) != 100 || !bytes.Equal(a, same) || bytes.Equal(a, call) || bytes.Equal(a, seed) {
		t.Error("bytes must depend on seed and call, and on nothing else")
	}
	if got := content(&scenarios.Step{}, 1, 1); len(got) != 0 {
		t.Errorf("a step without content sends %q", got)
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct {
		writes []string
		want   string
		why    string
	}{
		{[]string{"abc"}, "abc", "less than the limit"},
		{[]string{"line one\n", "line two\n"}, "line two\n", "it begins with a whole line"},
		{[]string{"0123456789abcdef"}, "6789abcdef", "one long line is cut"},
		{[]string{"xx\n", "123456789\n"}, "123456789\n", "exactly the limit"},
		{[]string{"ééééééé"}, "ééééé", "no half of a character at the start"},
		{[]string{"\xff\xfe"}, "\ufffd", "what is no text"},
	} {
		tail := NewTail(10)
		for _, w := range c.writes {
			if n, err := tail.Write([]byte(w)); n != len(w) || err != nil {
				t.Errorf("%s: Write = %d, %v", c.why, n, err)
			}
		}
		if got := tail.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}
