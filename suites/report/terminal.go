package report

import (
	"fmt"
	"io"
	"strings"

	"brownout/suites/verdict"
)

// Amount is how much a report for people tells.
type Amount int

// The amounts.
const (
	Normal  Amount = iota
	Quiet          // only trials that did not pass, and the last line
	Verbose        // every finding in full, with every attempt of its proof
)

// Terminal writes the report of a run for people: every trial in its order, and the last line, such as
//
//	1 failed, 6 passed, 0 inconclusive in 9.8s      (exit 1)
//
// It writes no control character but newlines and, with Style.Color, colours. The error is the writer's.
func Terminal(w io.Writer, run *Run, s Style, amount Amount) error {
	var b strings.Builder
	for i := range run.Trials {
		_ = TrialText(&b, &run.Trials[i], s, amount) // a strings.Builder takes everything
	}
	_ = LastLine(&b, run, s, amount)
	_, err := io.WriteString(w, b.String())
	return err
}

// TrialText writes the page of one trial, with an empty line after one that did not pass. Quiet writes nothing
// of a trial that passed or was skipped.
func TrialText(w io.Writer, t *Trial, s Style, amount Amount) error {
	if amount == Quiet && t.Outcome <= verdict.Info {
		return nil
	}
	page := Page(t, s, amount == Verbose)
	if t.Outcome > verdict.Info {
		page += "\n"
	}
	_, err := io.WriteString(w, page)
	return err
}

// LastLine writes the counts of the run, how long it took, and its exit code, after an empty line where the last trial's page
// has none.
func LastLine(w io.Writer, run *Run, s Style, amount Amount) error {
	c := Count(run.Trials)
	colour := green
	switch {
	case c.Failed+c.Errors > 0:
		colour = alarm
	case run.Exit != 0:
		colour = yellow
	}
	if n := len(run.Trials); n > 0 && run.Trials[n-1].Outcome <= verdict.Info && amount != Quiet {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	if run.Problem != "" {
		if _, err := fmt.Fprintln(w, s.text(run.Problem)); err != nil {
			return err
		}
	}
	line := fmt.Sprintf("%s in %s", c, elapsed(run.Elapsed))
	_, err := fmt.Fprintf(w, "%s      (exit %d)\n", s.paint(colour, line), run.Exit)
	return err
}
