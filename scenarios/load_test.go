package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOK reads every good file, prints it, and reads it again.
func TestOK(t *testing.T) {
	files, err := filepath.Glob("testdata/ok/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/ok: %v", err)
	}
	for _, f := range files {
		s, err := Load(f)
		if err != nil {
			t.Errorf("Load(%s):\n%v", f, err)
			continue
		}
		if s.File != f {
			t.Errorf("the file is %q", s.File)
		}
		checkStable(t, s)
	}
}

func TestLoadReadErrors(t *testing.T) {
	var es Errors
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) || errors.As(err, &es) {
		t.Errorf("Load of a file that is not there: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil || errors.As(err, &es) {
		t.Errorf("Load of a folder: %v", err)
	}
}

// TestSizeBound reads a file at the bound, and refuses ones above it before anything is parsed.
func TestSizeBound(t *testing.T) {
	text := "name: x\n#" + strings.Repeat("x", MaxFile-len("name: x\n#"))
	if _, err := Parse("large.yaml", []byte(text)); err != nil {
		t.Errorf("a file of %d bytes: %v", len(text), err)
	}
	const want = "large.yaml:1:1: the file is larger than 1MiB; a scenario needs no more; make large bodies with size: 64KiB"
	for _, over := range []string{"x", strings.Repeat("[", 9*MaxFile)} {
		if _, err := Parse("large.yaml", []byte(text+over)); err == nil || err.Error() != want {
			t.Errorf("a file of %d bytes: %.200v", len(text+over), err)
		}
	}
	path := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 10*MaxFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than 1MiB") {
		t.Errorf("Load: %v", err)
	}
}

// TestManyProblems bounds the problems that are kept of one file.
func TestManyProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: x\nroutes:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - {match: GET /a%d, bad: 1}\n", i)
	}
	_, err := Parse("many.yaml", []byte(b.String()))
	var es Errors
	if !errors.As(err, &es) || len(es) != maxErrors+1 || es[maxErrors].Msg != "the file was given up after 200 problems" {
		t.Errorf("%d problems, the last is %v", len(es), es[len(es)-1])
	}
}

const withUnits = `name: x
profile: {attempt_timeout: 2s, client_rate: 10/s}
routes:
  - match: GET /a
    answers:
      - {delay: 1.5 attempt_timeout}
      - {delay: 1 base..2 base}
      - {status: 503, retry_after: {in: 2 open_time}}
drive: {request: GET /a, rate: 3 client_rate, calls: 3}
expect: [attempts: {max: declared}, retries_on, connections: declared]
`

// TestProfileUnits resolves units with the file's profile, and with one that overrules it key by key.
func TestProfileUnits(t *testing.T) {
	s, err := Parse("units.yaml", []byte(withUnits))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"base", "max_attempts", "open_time", "pool", "retries_on"}; !slices.Equal(s.Undeclared, want) {
		t.Errorf("undeclared: %v, want %v", s.Undeclared, want)
	}
	if got := s.Routes[0].Answers[0].Delay.Fixed; got != 3*time.Second {
		t.Errorf("1.5 attempt_timeout is %v", got)
	}
	if got := *s.Drive[0].Rate; got != (Rate{30, time.Second}) {
		t.Errorf("3 client_rate is %v", got)
	}
	checkStable(t, s)

	base, open, timeout, n := 100*time.Millisecond, 5*time.Second, 4*time.Second, 3
	over := Profile{Base: &base, OpenTime: &open, AttemptTimeout: &timeout, MaxAttempts: &n}
	s, err = Parse("units.yaml", []byte(withUnits), WithProfile(Profile{Pool: &n}), WithProfile(over), WithProfile(Profile{RetriesOn: []int{503}}))
	if err != nil {
		t.Fatal(err)
	}
	a := s.Routes[0].Answers
	if len(s.Undeclared) != 0 || a[0].Delay.Fixed != 6*time.Second || a[1].Delay.Fixed != base || a[1].Delay.To != 2*base || a[2].RetryAfter.In != 10*time.Second {
		t.Errorf("undeclared %v, delays %+v %+v, retry_after %+v", s.Undeclared, a[0].Delay, a[1].Delay, a[2].RetryAfter)
	}
	if *s.Profile.Pool != 3 || *s.Profile.ClientRate != (Rate{10, time.Second}) || s.Profile.RetriesOn[0] != 503 {
		t.Errorf("the profile is %+v", s.Profile)
	}
	if !strings.Contains(string(s.Format()), "delay: 1 base..2 base") {
		t.Errorf("units are not printed as written:\n%s", s.Format())
	}
	checkStable(t, s)
}

// TestPositions checks the places that findings point at.
func TestPositions(t *testing.T) {
	src := `name: x
seed: 7
routes:
  - match: GET /überall/:id
    answers:
      - { status: 429, retry_after: 2s, times: 2 } # wait
      - status: 503
        delay:
          {p50: 1s, p99: 2s}
      - &last {json: "日本", reset: before-headers}
      - *last
faults:
  - name: outage
    when: {elapsed: 1s..2s}
    chance: 10% # rare
    status: 503
expect:
  - honours_retry_after: {tolerance: 100ms}
  - attempts: 'declared'
`
	s, err := Parse("positions.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	a := s.Routes[0].Answers
	for what, c := range map[string]struct {
		at   Pos
		want string
	}{
		"seed":        {s.SeedPos, "seed: 7"},
		"route":       {s.Routes[0].Pos, "match: GET /überall/:id"},
		"match":       {s.Routes[0].Match[0].Pos, "GET /überall/:id"},
		"answer":      {a[0].Pos, "{ status: 429, retry_after: 2s, times: 2 }"},
		"status":      {a[0].StatusPos, "status: 429"},
		"retry_after": {a[0].RetryAfter.Pos, "retry_after: 2s"},
		"block":       {a[1].Pos, "status: 503"},
		"delay":       {a[1].Delay.Pos, "delay"},
		"anchored":    {a[2].Pos, `&last {json: "日本", reset: before-headers}`},
		"wire":        {a[2].Wire.Pos, "reset: before-headers"},
		"aliased":     {a[3].Pos, "*last"},
		"fault":       {s.Faults[0].Pos, "name: outage"},
		"when":        {s.Faults[0].When.Pos, "when: {elapsed: 1s..2s}"},
		"elapsed":     {s.Faults[0].When.Elapsed.Pos, "1s..2s"},
		"chance":      {s.Faults[0].Chance.Pos, "chance: 10%"},
		"check":       {s.Expect[0].Pos, "honours_retry_after"},
		"count":       {s.Expect[1].Params.(*Attempts).PerCall.Pos, "'declared'"},
	} {
		line := []rune(strings.Split(src, "\n")[c.at.Line-1])
		if got := string(line[c.at.Column-1 : c.at.End-1]); got != c.want {
			t.Errorf("%s: the place %+v is %q, want %q", what, c.at, got, c.want)
		}
	}
}

// TestReuse reads anchors, aliases and merges, and ignores keys that begin with x-.
func TestReuse(t *testing.T) {
	s, err := Parse("reuse.yaml", []byte(`name: x
x-busy: &busy {status: 503, retry_after: 2s}
x-any: [1, {deep: [true]}]
routes:
  - match: GET /a
    answers: &flaky [*busy, {status: 200}]
  - {match: GET /b, answers: *flaky}
  - match: GET /c
    answers:
      - {<<: *busy, status: 500}
      - {<<: [{status: 502, text: a}, *busy]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.Routes {
		for _, a := range r.Answers {
			got = append(got, fmt.Sprintf("%d %t %s", a.Status, a.RetryAfter != nil, a.Body.Text.Text))
		}
	}
	if want := []string{"503 true ", "200 false ", "503 true ", "200 false ", "500 true ", "502 true a"}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	checkStable(t, s)
}

func TestDefaults(t *testing.T) {
	s, err := Parse("defaults.yaml", []byte("name: x\nroutes: [{match: /a}]\nfaults: [{delay: 1s}]\ndrive: {request: [GET /a, GET /b]}\nexpect: [amplification, honours_retry_after, succeeds]\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, f, d := s.Routes[0], s.Faults[0], s.Drive[0]
	if s.Seed != 1 || s.Identity.Quiet != time.Minute || r.Name != "/a" || len(r.Answers) != 1 || r.Answers[0].Status != 200 || r.Answers[0].Times != 1 {
		t.Errorf("%+v", s)
	}
	if f.Name != "faults[0]" || f.Answer.Status != 0 || f.Answer.Times != 0 || f.Chance.Set || d.Calls != 2 || d.Concurrency != 1 || d.Clients != 1 {
		t.Errorf("%+v %+v", f, d)
	}
	if p := s.Expect[0].Params.(*Amplification); p.Max != 1.3 || p.After != 0.5 {
		t.Errorf("%+v", p)
	}
	if p := s.Expect[1].Params.(*HonoursRetryAfter); p.Tolerance != 25*time.Millisecond || p.Late != nil {
		t.Errorf("%+v", p)
	}
	if p := s.Expect[2].Params.(*Succeeds); p.Share != 1 || p.None {
		t.Errorf("%+v", p)
	}
}

func TestWithSeed(t *testing.T) {
	s, err := Builtin("retry/two-503s")
	if err != nil {
		t.Fatal(err)
	}
	other := s.WithSeed(42)
	if other.Seed != 42 || s.Seed != 1 || other.Name != s.Name || &other.Routes[0] != &s.Routes[0] {
		t.Errorf("%+v", other)
	}
}

// TestBuiltins holds every built-in scenario to no warning, to an own name, and to canonical printing.
func TestBuiltins(t *testing.T) {
	names := map[string]string{}
	for _, id := range BuiltinNames() {
		s, err := Builtin(id)
		if err != nil {
			t.Errorf("%s:\n%v", id, err)
			continue
		}
		if len(s.Warnings) > 0 || s.File != id || names[s.Name] != "" || len(s.Expect) == 0 {
			t.Errorf("%s: warnings %v, file %q, name %q as in %q, %d checks", id, s.Warnings, s.File, s.Name, names[s.Name], len(s.Expect))
		}
		names[s.Name] = id
		checkStable(t, s)
	}
	for _, name := range []string{"retry/two-503", "testdata/ok/charged", "../x", "retry", ""} {
		if _, err := Builtin(name); !errors.Is(err, ErrNoBuiltin) {
			t.Errorf("Builtin(%q): %v", name, err)
		}
	}
	_, err := Builtin("retry/two-503")
	if want := `no such built-in scenario: "retry/two-503"; did you mean "retry/two-503s"?`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestFormatInMemory prints a scenario that no file was read for.
func TestFormatInMemory(t *testing.T) {
	s := &Scenario{
		Name: "made in memory", Seed: 1, Identity: Identity{Quiet: DefaultQuiet},
		Routes: []Route{{Match: []Match{{Method: "GET", Path: Path{Text: "/a"}}}, Answers: []Answer{
			{Status: 503, Times: 2, RetryAfter: &RetryAfter{In: time.Second, As: FormDate}, Wire: &WireFault{Do: WireRST, At: AtBeforeHeaders}}, {Status: 200, Times: 1}}}},
		Expect: []Expectation{{Name: "attempts", Params: &Attempts{Max: &Count{N: 3}}}, {Name: "succeeds"}, {Name: "no such"}, {Name: "effects"}},
	}
	const want = `name: made in memory
routes:
  - match: GET /a
    answers:
      - {status: 503, retry_after: {in: 1s, as: date}, reset: before-headers, times: 2}
      - {status: 200}
expect:
  - attempts: {max: 3}
  - succeeds
  - no such
  - effects
`
	if got := string(s.Format()); got != want {
		t.Errorf("Format:\n%s\nwant\n%s", got, want)
	}
	for got, want := range map[string]string{
		WireFIN.String(): "fin", WireDo(9).String(): "unknown(9)", WireAt(0).String(): "unknown(0)", AtAccept.String(): "accept",
		FormASCTime.String(): "asctime", RetryAfterForm(77).String(): "unknown(77)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := Parse("bad.yaml", []byte("nam: x\n"))
	var e *Error
	if !errors.As(err, &e) || e.Line != 1 || err.Error() != `bad.yaml:1:1: unknown key "nam" in a scenario; did you mean "name"?` {
		t.Errorf("%v", err)
	}
}
