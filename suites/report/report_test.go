package report

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const payments = `# yaml-language-server: $schema=./.brownout/scenario.v1.json
name: charge survives rate limit and a dropped reply
routes:
  - match: POST /v1/charges
    answers:                                 # one per attempt of a call; the last repeats
      - { status: 429, retry_after: 2s, times: 2 }
      - { status: 201, reset: before-headers }
      - { status: 201, json: { id: ch_1 } }
expect:
  - attempts: { per_call: 4 }
  - honours_retry_after: { tolerance: 100ms }
  - same_idempotency_key
`

const ms = time.Millisecond

// tooEarly is the failed trial of the design's model page.
func tooEarly() Trial {
	return Trial{
		Verdict: verdict.Verdict{
			Scenario: "charge survives rate limit and a dropped reply", File: "payments.brownout.yaml",
			Seed: 42, Outcome: verdict.Fail, Attempts: 4, Calls: 1, Elapsed: 2611 * ms,
			Findings: []verdict.Finding{
				{Check: "attempts", Outcome: verdict.Pass, Summary: "attempts = 4"},
				{
					Check: "honours_retry_after", Outcome: verdict.Fail,
					Sentence: "The client retried 1.797s too early.",
					Expect:   verdict.Note{Pos: scenarios.Pos{Line: 11, Column: 5, End: 24}, Text: "1 of 2 pauses was too short"},
					Cause:    &verdict.Note{Pos: scenarios.Pos{Line: 6, Column: 24, End: 39}, Text: "the server asked for a 2s pause here"},
					Rules:    []string{"RA-001"}, Why: "RFC 9110 §10.2.3, RFC 6585 §4",
					Pattern: "waits 2.006s, 0.203s, 0.402s. From attempt 2 on they double from 0.2s, as a backoff that ignores the header.",
					Proof: &verdict.Proof{
						Call: "POST /v1/charges #1", Request: "POST /v1/charges", Key: "7f3a…", Agent: "python-requests/2.32",
						Rows: []verdict.Row{
							{Seq: 1, N: 1, At: 0, Sent: 0, Done: ms, Answer: "429 RA=2s", Waited: 2006 * ms, Allowed: "≥ 2s", Due: 2000 * ms, Good: true},
							{Seq: 2, N: 2, At: 2006 * ms, Sent: 2006 * ms, Done: 2007 * ms, Answer: "429 RA=2s", Waited: 203 * ms, Allowed: "≥ 2s", Due: 4006 * ms, Bad: true},
							{Seq: 3, N: 3, At: 2209 * ms, Sent: 2209 * ms, Done: 2209 * ms, Answer: "reset", Waited: 402 * ms, Allowed: "any", Good: true, Bad: true},
							{Seq: 4, N: 4, At: 2611 * ms, Sent: 2611 * ms, Done: 2612 * ms, Answer: "201", Waited: -1},
						},
					},
				},
				{Check: "same_idempotency_key", Outcome: verdict.Pass},
			},
		},
		Source:   []byte(payments),
		Again:    []string{"brownout", "run", "payments.brownout.yaml", "--only", "charge survives*", "--seed", "42", "--", "python", "pay.py"},
		Evidence: []string{".brownout/runs/last/report.html", ".brownout/runs/last/charge.har"},
	}
}

// neverCalled is a trial whose client called another path.
func neverCalled() Trial {
	return Trial{
		Verdict: verdict.Verdict{
			Scenario: "charge survives rate limit and a dropped reply", File: "testdata/payments.brownout.yaml",
			Seed: 1, Outcome: verdict.Inconclusive, Attempts: 1, Elapsed: 21 * ms,
			Findings: []verdict.Finding{{
				Check: "must have happened", Outcome: verdict.Inconclusive,
				Sentence: "the client never called POST /v1/charges. Seen instead: POST /v1/charge (1×).",
				Hint:     "Did you mean path: /v1/charge?",
				Expect:   verdict.Note{Pos: scenarios.Pos{Line: 4, Column: 12, End: 28}, Text: "no request came here"},
			}, {
				Check: "honours_retry_after", Outcome: verdict.Inconclusive, Sentence: "no answer asked for a pause.",
				Expect: verdict.Note{Pos: scenarios.Pos{Line: 11, Column: 5, End: 24}},
			}},
		},
		Source: []byte(payments), Again: []string{"brownout", "run", "testdata/payments.brownout.yaml", "--", "./pay"},
	}
}

func passed() Trial {
	return Trial{Verdict: verdict.Verdict{
		Scenario: "two 503s, then fine", File: "retry/two-503s", Seed: 1, Outcome: verdict.Pass, Attempts: 3, Calls: 1, Elapsed: 3012 * ms,
		Findings: []verdict.Finding{
			{Check: "succeeds", Outcome: verdict.Pass, Summary: "succeeds: 1 of 1"},
			{Check: "attempts", Outcome: verdict.Pass, Summary: "attempts = 3"},
			{Check: "backoff_jitters", Outcome: verdict.Skip, Sentence: "saw 1 call, needs 20"},
		},
	}}
}

// crowded is a trial in which everything is longer than the page.
func crowded() Trial {
	t := tooEarly()
	f := t.Findings[1]
	p := *f.Proof
	p.Rows = nil
	for i := range 40 {
		at := time.Duration(i) * 250 * ms
		r := verdict.Row{N: i + 1, At: at, Sent: at + ms, Done: at + 90*ms, Answer: "503", Waited: 249 * ms, Allowed: "any", Good: true}
		if i == 25 {
			r.Answer, r.Allowed, r.Due, r.Good = "429 RA=Wed, 21 Oct 2026 07:28:00 GMT", "≥ 2s", at+2*time.Second, false
		}
		p.Rows = append(p.Rows, r)
	}
	f.Proof, f.Others = &p, []string{"2", "3", "5", "8", "13", "21", "34", "55"}
	f.Sentence = strings.Repeat("The client retried long before it was due, and then it did so again. ", 3)
	t.Findings[1] = f
	for _, name := range []string{"never_retries", "same_request", "no_hot_loop", "backoff_grows", "no_unsafe_retry", "waits"} {
		f := f
		f.Check, f.Sentence = name, "The client did what "+name+" rules out, "+strings.Repeat("and more ", 12)+"in 3 of 4 calls."
		t.Findings = append(t.Findings, f)
	}
	for _, name := range []string{"backoff_jitters", "connections", "amplification", "retries_on"} {
		t.Findings = append(t.Findings, verdict.Finding{Check: name, Outcome: verdict.Inconclusive,
			Sentence: "the attempts of 3 calls cannot be told apart, since their requests look alike."})
	}
	t.Again = append(t.Again, "--idempotency-key", strings.Repeat("x", 30), "--url={url}", strings.Repeat("y", 40), "it's")
	t.Findings[len(t.Findings)-1].Outcome = verdict.Skip
	return t
}

func brokenClient() Trial {
	return Trial{
		Verdict: verdict.Verdict{
			Scenario: "two 503s, then fine", File: "retry/two-503s", Outcome: verdict.Error, Attempts: 1, Calls: 1, Elapsed: 10 * ms,
			Findings: []verdict.Finding{{Check: "client", Outcome: verdict.Error, Sentence: "The client was ended by signal SEGV."}},
		},
		Output: "starting\n\x1b[31mpanic\x1b[0m: bad \u202etrick\r\n",
		Again:  []string{"brownout", "run", "retry/two-503s", "--", "./client", "--base={url}"},
	}
}

func run(trials ...Trial) *Run {
	return &Run{Version: "test", Elapsed: 9800 * ms, Exit: 1, Trials: trials}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestTerminalGolden(t *testing.T) {
	noFindings := Trial{Verdict: verdict.Verdict{Scenario: "x", File: "a/x.yaml", Outcome: verdict.Error, Elapsed: ms,
		Reason: "could not listen on 127.0.0.1:7070: address already in use"}}
	warned := passed()
	warned.Outcome = verdict.Warn
	warned.Findings = append(warned.Findings, verdict.Finding{Check: "no_hot_loop", Outcome: verdict.Warn,
		Sentence: "The second retry came after 2ms on average.", Why: "AWS Builders' Library"})
	attemptsOnly := tooEarly()
	attemptsOnly.Findings = attemptsOnly.Findings[1:2:2]
	attemptsOnly.Findings[0].Check, attemptsOnly.Findings[0].Sentence = "attempts", "The client made 4 attempts, at most 3 are allowed."
	p := *attemptsOnly.Findings[0].Proof
	p.Rows = append([]verdict.Row(nil), p.Rows...)
	for i := range p.Rows {
		p.Rows[i].Allowed, p.Rows[i].Due, p.Rows[i].Bad = "", 0, i == 3
	}
	attemptsOnly.Findings[0].Proof = &p
	for _, c := range []struct {
		name   string
		run    *Run
		style  Style
		amount Amount
		why    string
	}{
		{"too_early.txt", run(tooEarly()), Style{}, Normal, "the design's model page"},
		{"too_early_80.txt", run(tooEarly()), Style{Width: 80}, Normal, "below 90 columns the waterfall goes first"},
		{"too_early_ascii.txt", run(tooEarly()), Style{ASCII: true}, Normal, "a locale without UTF-8"},
		{"too_early_color.txt", run(tooEarly()), Style{Color: true}, Normal, "colours stand around the same text"},
		{"attempts_only.txt", run(attemptsOnly), Style{}, Normal, "a check that allows no pauses marks the rows themselves"},
		{"never_called.txt", run(neverCalled()), Style{}, Normal, "inconclusive is worded differently"},
		{"crowded.txt", run(crowded()), Style{}, Normal, "too much for a page"},
		{"crowded_verbose.txt", run(crowded()), Style{}, Verbose, "and everything of it"},
		{"mixed.txt", run(passed(), warned, brokenClient(), noFindings, Trial{Verdict: verdict.Verdict{Scenario: "s", File: "s.yaml",
			Outcome: verdict.Skip, Reason: "the profile declares no attempt_timeout"}}), Style{}, Normal, "all other outcomes"},
		{"mixed_quiet.txt", run(passed(), warned), Style{}, Quiet, "what passed is not told"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := Terminal(&b, c.run, c.style, c.amount); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name, b.String())
		})
	}
}

func TestPageFits(t *testing.T) {
	for _, trial := range []Trial{tooEarly(), neverCalled(), passed(), crowded(), brokenClient()} {
		for width := minWidth; width <= MaxWidth; width++ {
			for _, style := range []Style{{Width: width}, {Width: width, ASCII: true}} {
				page := Page(&trial, style, false)
				lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
				if len(lines) > PageLines && width >= 80 {
					t.Errorf("%s at width %d takes %d lines, at most %d:\n%s", trial.Title(), width, len(lines), PageLines, page)
				}
				for _, l := range lines {
					longWord := strings.Contains(l, "xxxx") || strings.Contains(l, "yyyy") // a word of a command is never cut
					if columns(l) > width && !longWord {
						t.Errorf("%s at width %d has a line of %d columns: %q", trial.Title(), width, columns(l), l)
					}
				}
				if i := strings.IndexFunc(page, func(r rune) bool { return r != '\n' && unprintable(r) }); i >= 0 {
					t.Errorf("%s at width %d has a control character at %d", trial.Title(), width, i)
				}
			}
		}
	}
}

func TestASCIIIsASCII(t *testing.T) {
	for _, trial := range []Trial{tooEarly(), neverCalled(), passed(), crowded()} {
		for i, r := range Page(&trial, Style{ASCII: true}, false) {
			if r > 0x7e {
				t.Fatalf("%s: %q at %d", trial.Title(), r, i)
			}
		}
	}
}

func TestColourChangesNoText(t *testing.T) {
	for _, trial := range []Trial{tooEarly(), neverCalled(), passed(), crowded(), brokenClient()} {
		for width := minWidth; width <= MaxWidth; width += 5 {
			coloured := Page(&trial, Style{Color: true, Width: width}, false)
			bare := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured, "")
			trimmed := regexp.MustCompile(` +\n`).ReplaceAllString(bare, "\n")
			if want := Page(&trial, Style{Width: width}, false); trimmed != want {
				t.Errorf("%s at width %d: with the colours taken away it reads\n%s\nwant\n%s", trial.Title(), width, trimmed, want)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	utf8 := map[string]string{"LANG": "en_US.UTF-8"}
	with := func(pairs ...string) map[string]string {
		env := maps.Clone(utf8)
		for i := 0; i < len(pairs); i += 2 {
			env[pairs[i]] = pairs[i+1]
		}
		return env
	}
	for _, c := range []struct {
		env          map[string]string
		tty, noColor bool
		color, ascii bool
		why          string
	}{
		{utf8, true, false, true, false, "a terminal"},
		{utf8, false, false, false, false, "a pipe"},
		{utf8, true, true, false, false, "--no-color"},
		{with("NO_COLOR", "1"), true, false, false, false, "NO_COLOR"},
		{with("NO_COLOR", ""), true, false, true, false, "an empty NO_COLOR says nothing"},
		{with("TERM", "dumb"), true, false, false, false, "a dumb terminal"},
		{with("FORCE_COLOR", "1"), false, false, true, false, "FORCE_COLOR into a pipe"},
		{with("FORCE_COLOR", "1", "TERM", "dumb"), true, false, true, false, "FORCE_COLOR overrules the terminal's name"},
		{with("FORCE_COLOR", "0"), false, false, false, false, "FORCE_COLOR=0 says nothing"},
		{with("FORCE_COLOR", "1", "NO_COLOR", "1"), true, false, false, false, "who refuses colour is heard first"},
		{with("FORCE_COLOR", "1"), true, true, false, false, "so is --no-color"},
		{nil, true, false, true, true, "no locale is not UTF-8"},
		{map[string]string{"LANG": "C"}, false, false, false, true, "the C locale"},
		{map[string]string{"LANG": "C.utf8"}, false, false, false, false, "utf8 without a hyphen"},
		{with("LC_ALL", "POSIX"), false, false, false, true, "LC_ALL comes before LANG"},
		{with("LC_CTYPE", "de_DE.ISO-8859-1"), false, false, false, true, "LC_CTYPE comes before LANG"},
	} {
		got := Detect(func(name string) string { return c.env[name] }, c.tty, 80, c.noColor)
		if got.Color != c.color || got.ASCII != c.ascii {
			t.Errorf("%s: color %v, ascii %v; want %v, %v", c.why, got.Color, got.ASCII, c.color, c.ascii)
		}
	}
}

func TestWrapAndClip(t *testing.T) {
	if got := wrap("日本語の名前 ab", 5); strings.Join(got, "|") != "日本|語の|名前|ab" {
		t.Errorf("wrap of wide characters: %q", got)
	}
	for _, c := range []struct{ text, want string }{{"abcdef", "abcdef"}, {"abcdefg", "abcde…"}, {"日本語の", "日本…"}} {
		if got := (Style{}).clip(c.text, 6); got != c.want {
			t.Errorf("clip(%q, 6) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a-b": "a-b", "": "''", "it's": `'it'\''s'`, "{url}/x?a=b": `'{url}/x?a=b'`, "a*": "'a*'",
		"--base={url}": "--base={url}", "ä": "'ä'", "$HOME": "'$HOME'", "~": "'~'"} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		last time.Duration
		tick time.Duration
		why  string
	}{
		{2611 * ms, time.Second, "the model page"},
		{90 * ms, 50 * ms, "a fast call"},
		{0, time.Microsecond, "nothing to show"},
		{30 * time.Second, 10 * time.Second, "an outage"},
		{93 * time.Minute, 30 * time.Minute, "a long one"},
		{1000 * time.Hour, 0, "longer than any tick"},
	} {
		sc := newScale(c.last, 44, notesFit(nil))
		if c.tick != 0 && sc.tick != c.tick {
			t.Errorf("%s: a tick of %v for %v, want %v", c.why, sc.tick, c.last, c.tick)
		}
		if sc.column(c.last) > 44 {
			t.Errorf("%s: the end stands in column %d", c.why, sc.column(c.last))
		}
		if len(sc.axis()) > 44 {
			t.Errorf("%s: axis %q is too long", c.why, sc.axis())
		}
	}
}

func TestProblemsGolden(t *testing.T) {
	long := "  - status: 0503   " + strings.Repeat("# ", 60)
	problems := scenarios.Errors{
		{File: "pay.yaml", Line: 5, Column: 1, End: 8, Source: "respnod:", Msg: `unknown key "respnod"`, Hint: `did you mean "routes"?`},
		{File: "pay.yaml", Line: 6, Column: 13, End: 17, Source: long, Path: "respond[0].status", Msg: "0503 is octal in YAML 1.1 and means 323", Hint: "write 503"},
		{File: "pay.yaml", Line: 7, Column: 110, End: 114, Source: strings.Repeat("- ", 54) + " 0503 and more", Msg: "far out", Hint: "write 503"},
		{File: "pay.yaml", Line: 4, Column: 14, End: 29, Source: "    answers: [{status: 503}]", Msg: "this can never fire", Warning: true},
		{File: "pay.yaml", Line: 1, Column: 1, End: 2, Source: "name: demo", Msg: "no expect", Hint: strings.Repeat("a file without expect can be served, not run; ", 4)},
		{File: "pay.yaml", Line: 40, Column: 1, End: 2, Msg: "past the end", Hint: "close the quote"},
	}
	var b strings.Builder
	if err := Problems(&b, problems, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "problems.txt", b.String())
}

func TestJSONGolden(t *testing.T) {
	r := run(tooEarly(), passed())
	r.Start, r.Outcome = time.Date(2026, 3, 1, 12, 4, 11, 0, time.UTC), verdict.Fail
	r.Problems = scenarios.Errors{{File: "a.yaml", Line: 1, Column: 2, End: 3, Msg: "m", Hint: "h"}}
	var b strings.Builder
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "run.json", b.String())
	var d Document
	dec := json.NewDecoder(strings.NewReader(b.String()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&d, NewDocument(r)) {
		t.Error("the document reads back differently")
	}
}

func TestTargetWrite(t *testing.T) {
	dir := t.TempDir()
	target, err := ParseTarget("json=" + filepath.Join(dir, "new", "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over the first
		if err := target.Write(run(passed())); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "new"))
	if len(entries) != 1 {
		t.Errorf("%d files, want the report alone", len(entries))
	}
	data, _ := os.ReadFile(target.Path)
	if !json.Valid(data) {
		t.Errorf("not JSON: %s", data)
	}
	if err := (Target{"json", filepath.Join(target.Path, "x")}).Write(run()); err == nil {
		t.Error("a file below a file could be written")
	}
	for _, bad := range []string{"json", "json=", "junitt=x"} {
		if _, err := ParseTarget(bad); err == nil {
			t.Errorf("ParseTarget(%q) has no error", bad)
		}
	}
}
