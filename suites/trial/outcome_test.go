package trial

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

func TestOverall(t *testing.T) {
	const (
		pass, skip, warn    = verdict.Pass, verdict.Skip, verdict.Warn
		inconclusive, fails = verdict.Inconclusive, verdict.Fail
		cannot              = verdict.Error
	)
	for _, c := range []struct {
		of   []verdict.Outcome
		want verdict.Outcome
		why  string
	}{
		{[]verdict.Outcome{pass, fails, cannot, inconclusive}, fails, "a failure comes first"},
		{[]verdict.Outcome{pass, cannot, inconclusive}, cannot, "then what could not run"},
		{[]verdict.Outcome{pass, inconclusive, warn}, inconclusive, "then what could not be judged"},
		{[]verdict.Outcome{warn, skip}, pass, "a warning passes"},
		{[]verdict.Outcome{skip, pass}, pass, "a skip changes nothing"},
		{[]verdict.Outcome{skip, skip}, inconclusive, "nothing but skips is no pass"},
		{nil, inconclusive, "nor is nothing"},
	} {
		if got := Overall(c.of...); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}

func TestDefaultTimeout(t *testing.T) {
	settle := 5 * time.Second
	for _, c := range []struct {
		s    scenarios.Scenario
		want time.Duration
		why  string
	}{
		{scenarios.Scenario{}, 2 * time.Minute, "nothing named"},
		{scenarios.Scenario{Phases: []scenarios.Phase{{For: 10 * time.Second}, {For: 30 * time.Second}, {}}}, 160 * time.Second, "phases add up"},
		{scenarios.Scenario{Phases: []scenarios.Phase{{For: time.Second}}, Drive: []scenarios.Step{{For: time.Minute, Wait: 2 * time.Second}, {Settle: &settle}}},
			187 * time.Second, "steps add up, and are longer"},
		{scenarios.Scenario{Phases: []scenarios.Phase{{Attempts: 500}}}, 2 * time.Minute, "attempts are no time"},
	} {
		if got := DefaultTimeout(&c.s); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}

func TestFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	first, err := NewFolder(time.Date(2026, 3, 1, 12, 4, 11, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	write(t, first.Path("a.ndjson"))
	if got := first.Existing("a.ndjson", "b.ndjson", ""); !slices.Equal(got, []string{filepath.Join(RunsFolder, "last", "a.ndjson")}) {
		t.Errorf("files that exist: %q", got)
	}
	second, err := NewFolder(time.Date(2026, 3, 1, 12, 4, 12, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if got := first.Shown("a.ndjson"); got != first.Path("a.ndjson") {
		t.Errorf("once last points elsewhere the file is %q", got)
	}
	if got := second.Shown("a.ndjson"); got != filepath.Join(RunsFolder, "last", "a.ndjson") {
		t.Errorf("the last run's file is %q", got)
	}
	ignore, err := os.ReadFile(filepath.Join(RunsFolder, ".gitignore"))
	if err != nil || string(ignore) != "*\n" {
		t.Errorf(".gitignore: %q, %v", ignore, err)
	}
	write(t, RunsFolder+"/../file")
	if _, err := OpenFolder(filepath.Join(".brownout", "file")); err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestFresh(t *testing.T) {
	f, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path("a.ndjson"))
	for _, c := range []struct {
		stem  string
		taken []string
		want  string
		why   string
	}{
		{"b", nil, "b.ndjson", "nothing of the name"},
		{"a", nil, "a-2.ndjson", "it lies in the folder"},
		{"b", []string{"b.ndjson", "b-2.ndjson"}, "b-3.ndjson", "other trials of the run will write them"},
	} {
		if got := f.Fresh(c.stem, ".ndjson", c.taken); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{"retry/two-503s": "retry-two-503s", "Charge survives 50 %!": "charge-survives-50", "日本": "scenario",
		"": "scenario", "-a--b-": "a-b"} {
		if got := Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}
