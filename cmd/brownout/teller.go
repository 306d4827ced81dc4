package main

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/report"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// teller tells of a run while it goes on, and at its end: to people on stdout, or to programs there and to people on
// stderr.
type teller struct {
	cmd            *cobra.Command
	o              *runOptions
	stdout, stderr io.Writer
	people         io.Writer // where people read
	style          report.Style
	errStyle       report.Style
	amount         report.Amount

	unseen bool          // clients write to a terminal by themselves, so their last line may be open
	files  []string      // names of the journals in the run's folder
	tails  []*drive.Tail // what clients wrote, with --format json

	mu     sync.Mutex // guards what follows, and the writing
	trials []report.Trial
	ready  []bool // trials whose result is known
	told   int    // trials of which people have read, in order
	open   bool   // the last line on stderr is a client's, and not at its end
	err    error  // the first of writing
}

func newTeller(cmd *cobra.Command, o *runOptions) *teller {
	t := &teller{cmd: cmd, o: o, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	t.people = t.stdout
	if o.format == "json" {
		t.people = t.stderr
	}
	t.style, t.errStyle = styleOf(cmd, t.people), styleOf(cmd, t.stderr)
	switch {
	case o.quiet:
		t.amount = report.Quiet
	case o.verbose:
		t.amount = report.Verbose
	}
	return t
}

// keep keeps the first error of writing.
func (t *teller) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

// output returns where the i-th client's output goes.
func (t *teller) output(i int) io.Writer {
	if t.o.format == "json" {
		t.tails[i] = drive.NewTail(outputKept)
		return t.tails[i]
	}
	if f, ok := t.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.unseen = true
		return f // so that the client knows that it writes to a terminal
	}
	return clientOutput{t}
}

// clientOutput takes to stderr what a client writes.
type clientOutput struct{ t *teller }

func (o clientOutput) Write(b []byte) (int, error) {
	o.t.mu.Lock()
	defer o.t.mu.Unlock()
	if len(b) > 0 {
		o.t.open = b[len(b)-1] != '\n'
	}
	return o.t.stderr.Write(b)
}

// closeLine ends the line that a client has left open. It requires mu.
func (t *teller) closeLine() {
	if t.open {
		_, err := io.WriteString(t.stderr, "\n")
		t.keep(err)
		t.open = false
	}
}

// live returns what is called with each attempt and delivery of a scenario; nil where nobody wants to know.
func (t *teller) live(s *scenarios.Scenario) func(journal.Header, any) {
	json, people := t.o.format == "json", t.o.verbose
	if !json && !people {
		return nil
	}
	var live *report.Live
	var zero time.Time
	return func(h journal.Header, record any) {
		if live == nil || !zero.Equal(h.Start) { // a trial that is run again begins anew
			live, zero = report.NewLive(s, h.Start), h.Start
		}
		event, line := liveEvent(live, record, t.errStyle)
		if event == nil {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if json {
			t.keep(report.Line(t.stdout, event))
		}
		if people {
			t.closeLine()
			_, err := io.WriteString(t.stderr, line+"\n")
			t.keep(err)
		}
	}
}

// liveEvent is what there is to tell of a record, to programs and to people; nil where there is nothing.
func liveEvent(live *report.Live, record any, style report.Style) (event any, line string) {
	switch r := record.(type) {
	case *journal.Attempt:
		e := live.Event(r)
		return &e, style.Line(&e)
	case *journal.DeliveryRecord:
		live.Delivery(r)
	case *journal.DeliveryEnd:
		if e, known := live.Delivered(r); known {
			return &e, style.DeliveryLine(&e)
		}
	}
	return nil, ""
}

// begin tells that the run begins.
func (t *teller) begin(sources []source) {
	t.ready = make([]bool, len(sources))
	if t.o.format != "json" {
		return
	}
	e := report.StartEvent{Type: "start", Format: report.FormatVersion, Version: versionText(), Client: t.o.client}
	for i := range sources {
		e.Scenarios = append(e.Scenarios, sources[i].scenario.Name)
	}
	t.keep(report.Line(t.stdout, &e))
}

// done takes a trial's result. People read of trials in the order of the command line.
func (t *teller) done(i int, s *source, folder *trial.Folder, r *trial.Result) {
	shown := report.Trial{
		Verdict: r.Verdict, Source: s.scenario.Source, Again: t.o.again(s.name, s.scenario.Seed),
		Evidence: folder.Existing(journalName(r.Journal)), Rerun: r.Rerun,
	}
	if t.tails[i] != nil {
		shown.Output = t.tails[i].String()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trials[i], t.ready[i] = shown, true
	t.open = t.open || t.unseen
	if t.o.format == "json" {
		t.keep(report.Line(t.stdout, &report.TrialEvent{Type: "trial", TrialDoc: report.NewTrialDoc(&shown)}))
	}
	for ; t.told < len(t.ready) && t.ready[t.told]; t.told++ {
		t.closeLine()
		t.keep(report.TrialText(t.people, &t.trials[t.told], t.style, t.amount))
	}
}

// finish tells how the run ended, writes the reports, and returns its exit code as an error.
func (t *teller) finish(results []trial.Result, began time.Time, killed bool) error {
	outcome, code, problem := outcomeOf(results, killed)
	run := &report.Run{Version: versionText(), Start: began, Elapsed: time.Since(began), Outcome: outcome, Exit: code,
		Trials: t.trials, Problem: problem}
	return t.end(run)
}

// refuse tells that scenario files are invalid.
func (t *teller) refuse(sources []source, began time.Time) error {
	if err := drawProblems(t.stderr, sources, t.errStyle); err != nil {
		return err
	}
	run := &report.Run{Version: versionText(), Start: began, Elapsed: time.Since(began), Outcome: verdict.Error, Exit: exitInvalid,
		Problem: "A scenario file is invalid; nothing was started.", Problems: allProblems(sources)}
	return t.end(run)
}

// cannot tells why the run could not begin: programs and reports get a verdict all the same.
func (t *teller) cannot(err error, hint string, began time.Time) error {
	run := &report.Run{Version: versionText(), Start: began, Elapsed: time.Since(began), Outcome: verdict.Error, Exit: exitCouldNotRun,
		Problem: err.Error()}
	t.publish(run)
	return &failure{exitCouldNotRun, err, hint}
}

// end writes the reports and the last line, and returns the run's exit code as an error.
func (t *teller) end(run *report.Run) error {
	t.publish(run)
	t.keep(report.LastLine(t.people, run, t.style, t.amount))
	if t.err == nil {
		return exit(run.Exit)
	}
	code := run.Exit
	if code == exitPassed {
		code = exitCouldNotRun
	}
	return &failure{code, t.err, "see that the reports and the output can be written"}
}

// publish writes the reports, and the verdict where programs read. A report that cannot be written spoils a run that passed.
func (t *teller) publish(run *report.Run) {
	for _, target := range t.o.targets {
		err := target.Write(run)
		t.keep(err)
		if err != nil && run.Exit == exitPassed {
			run.Outcome, run.Exit = verdict.Error, exitCouldNotRun
		}
	}
	if t.o.format == "json" {
		t.keep(report.Line(t.stdout, report.NewDocument(run)))
	}
}

// journalName returns the name of a journal in the run's folder.
func journalName(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
}
