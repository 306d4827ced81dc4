package main

import (
	"errors"
	"strings"
	"testing"
)

// deaf is a writer that nobody reads from.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestServeEndsUnheard(t *testing.T) {
	var errs strings.Builder
	if code := run(t.Context(), []string{"serve", "--addr", "127.0.0.1:0"}, nil, deaf{}, &errs); code != exitCouldNotRun {
		t.Errorf("exit %d, want %d", code, exitCouldNotRun)
	}
	if want := "brownout: broken pipe\n  see that the output can be written\n"; errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}

// Whatever cannot be written is no success.
func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"validate", "retry/two-503s"}, {"list"}, {"explain", "retry/two-503s"}, {"explain", "attempts"},
		{"version"}, {"completion", "bash"}} {
		var errs strings.Builder
		if code := run(t.Context(), args, nil, deaf{}, &errs); code != exitCouldNotRun || !strings.Contains(errs.String(), "broken pipe") {
			t.Errorf("%q: exit %d, want %d; %q", args, code, exitCouldNotRun, errs.String())
		}
	}
}

func TestWatcherExample(t *testing.T) {
	for name, want := range map[string]string{"retry/two-503s": "/items/1", "retry/unsafe-post": "-X POST /orders"} {
		s, err := loadBuiltin(name)
		if err != nil {
			t.Fatal(err)
		}
		method, path := (&watcher{source: &s}).example()
		if method+path != want {
			t.Errorf("%s: %q, want %q", name, method+path, want)
		}
	}
}
