package scenarios

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden reads the files of a folder, draws what is wrong with each, and compares that with the .out beside it.
func golden(t *testing.T, folder string, least int, problems func(*testing.T, *Scenario, error) Errors) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) < least {
		t.Fatalf("%d files in testdata/%s, want at least %d; %v", len(files), folder, least, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(filepath.Base(file), src)
			got := problems(t, s, err).Draw()
			out := strings.TrimSuffix(file, ".yaml") + ".out"
			if *update {
				if err := os.WriteFile(out, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestWrongFiles holds the drawn errors of wrong files to their golden output.
func TestWrongFiles(t *testing.T) {
	golden(t, "err", 60, func(t *testing.T, _ *Scenario, err error) Errors {
		var es Errors
		if !errors.As(err, &es) {
			t.Fatalf("the error is %T %v, want Errors", err, err)
		}
		checkErrors(t, es)
		return es
	})
}

// TestWarnings holds the warnings of files that can be used to their golden output.
func TestWarnings(t *testing.T) {
	golden(t, "warn", 10, func(t *testing.T, s *Scenario, err error) Errors {
		if err != nil {
			t.Fatalf("the file cannot be used: %v", err)
		}
		if len(s.Warnings) == 0 {
			t.Fatal("there are no warnings")
		}
		checkErrors(t, s.Warnings)
		return s.Warnings
	})
}

// checkErrors checks what holds for every list of problems.
func checkErrors(t *testing.T, es Errors) {
	t.Helper()
	for i, e := range es {
		if e.Line < 1 || e.Column < 1 || e.End <= e.Column {
			t.Errorf("%v: the place is %d:%d to %d", e, e.Line, e.Column, e.End)
		}
		if e.Msg == "" || strings.HasSuffix(e.Msg, ".") || strings.Contains(e.Error(), "scenarios.") || strings.Contains(e.Error(), "yaml.") {
			t.Errorf("the message is %q", e.Msg)
		}
		if i > 0 && (es[i-1].Line > e.Line || es[i-1].Line == e.Line && es[i-1].Column > e.Column) {
			t.Errorf("%v stands after %v", e, es[i-1])
		}
	}
}
