package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/report"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// outputKept is how much of a client's output a report keeps, in bytes.
const outputKept = 16 << 10

// runScenarios runs what the command line says.
func runScenarios(cmd *cobra.Command, o *runOptions) error {
	began := time.Now()
	sources, err := loadAll(o.words, o.upstream.reading()...)
	if err != nil {
		return err
	}
	if err := reseed(sources, o.seed); err != nil {
		return err
	}
	checkRunnable(sources)
	t := newTeller(cmd, o)
	if invalid(sources) {
		return t.refuse(sources, began)
	}
	if sources, err = o.choose(sources); err != nil {
		return err
	}
	if err := o.upstream.fits(sources); err != nil {
		return err
	}
	if !o.quiet {
		if err := drawProblems(t.stderr, sources, t.errStyle); err != nil {
			return err
		}
		o.warnOfPlaceholders(t.stderr)
	}
	folder, err := o.folder(began)
	if err != nil {
		return t.cannot(err, "choose another folder with --journal DIR", began)
	}
	return t.run(cmd.Context(), sources, folder, began)
}

// checkRunnable adds what keeps scenarios that can be read from being run.
func checkRunnable(sources []source) {
	first := make(map[string]string)
	for i := range sources {
		s := &sources[i]
		if s.scenario == nil {
			continue
		}
		if len(s.scenario.Expect) == 0 {
			s.problem("it expects nothing, so there is nothing to judge", "add expect, or play it with brownout serve")
		}
		if other, taken := first[s.scenario.Name]; taken {
			s.problem(fmt.Sprintf("its name %q is that of %s too", s.scenario.Name, other), "names are unique in a run")
		} else {
			first[s.scenario.Name] = s.name
		}
	}
}

// choose returns the sources whose scenarios fit --only, and checks that they can be driven as the command line says.
func (o *runOptions) choose(sources []source) ([]source, error) {
	var names []string
	for i := range sources {
		names = append(names, report.Quote(sources[i].scenario.Name))
	}
	sources = slices.DeleteFunc(sources, func(s source) bool { return !o.fits(s.scenario.Name) })
	if len(sources) == 0 {
		return nil, usage("the names are "+strings.Join(names, ", "), "no scenario's name fits --only %s", report.Quote(o.only))
	}
	for i := range sources {
		if err := o.checkConsumer(&sources[i]); err != nil {
			return nil, err
		}
		if o.perCall && len(sources[i].scenario.Drive) == 0 {
			return nil, usage("add drive to it, or leave --per-call out", "--per-call runs the client once for each call of drive, and %s has no drive", sources[i].name)
		}
	}
	return sources, nil
}

// warnOfPlaceholders says which placeholders of the client's command will not be filled in.
func (o *runOptions) warnOfPlaceholders(w io.Writer) {
	if o.perCall {
		return
	}
	all := strings.Join(append(slices.Clone(o.client), o.env...), " ")
	for _, p := range drive.CallPlaceholders {
		if strings.Contains(all, p) {
			fmt.Fprintf(w, "brownout: %s is filled in with --per-call only\n", p)
		}
	}
}

// folder returns where the run keeps its journals.
func (o *runOptions) folder(began time.Time) (*trial.Folder, error) {
	if o.journal != "" {
		return trial.OpenFolder(o.journal)
	}
	return trial.NewFolder(began)
}

// driver returns what makes the client work on a scenario.
func (o *runOptions) driver(s *scenarios.Scenario, stdin *os.File, output io.Writer, kill <-chan struct{}) drive.Driver {
	p := drive.Process{Args: o.client, Env: o.env, Stdin: stdin, Output: output, Kill: kill}
	switch {
	case o.perCall:
		return &drive.PerCall{Process: p, Steps: s.Drive}
	case len(o.client) == 0:
		return drive.Nobody{}
	case len(s.Deliveries) > 0 && o.webhook == "":
		return &drive.Consumer{Process: p}
	}
	return &drive.Command{Process: p}
}

// clientStdin returns what the client reads: this command's input, unless that is a terminal, which a client in a process
// group of its own cannot read, or several clients would share it.
func clientStdin(in io.Reader, trials int) *os.File {
	f, ok := in.(*os.File)
	if !ok || trials > 1 || term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}

// run plays the scenarios and tells what came of them.
func (t *teller) run(parent context.Context, sources []source, folder *trial.Folder, began time.Time) error {
	ctx, kill, stop := interruptible(parent)
	defer stop()
	configs := make([]trial.Config, len(sources))
	t.trials = make([]report.Trial, len(sources))
	t.files = make([]string, len(sources))
	t.tails = make([]*drive.Tail, len(sources))
	stdin := clientStdin(t.cmd.InOrStdin(), len(sources))
	for i := range sources {
		s := sources[i].scenario
		t.files[i] = folder.Fresh(trial.Slug(report.Group(s.File)), ".ndjson", t.files[:i])
		configs[i] = trial.Config{
			Scenario: s, Driver: t.o.driver(s, stdin, t.output(i), kill), Journal: folder.Path(t.files[i]),
			Timeout: t.o.timeout, Quiet: t.o.quietFor, Live: t.live(s), Server: t.o.upstream.options(),
		}
		if len(s.Deliveries) > 0 {
			configs[i].Webhook, configs[i].Remote = t.o.webhook, t.o.remote
		}
	}
	t.begin(sources)
	results := trial.RunAll(ctx, configs, t.o.jobs, func(i int, r trial.Result) { t.done(i, &sources[i], folder, &r) })
	return t.finish(results, began, isClosed(kill))
}

// outcomeOf returns the outcome and the exit code of a run.
func outcomeOf(results []trial.Result, killed bool) (verdict.Outcome, int, string) {
	var judged []verdict.Outcome
	ended := 0
	for i := range results {
		if results[i].Verdict.Reason == trial.NotStarted {
			continue
		}
		judged = append(judged, results[i].Verdict.Outcome)
		if results[i].Interrupted {
			ended++
		}
	}
	outcome := trial.Overall(judged...)
	code := exitOf(outcome)
	missing := len(results) - len(judged)
	problem := ""
	switch {
	case missing > 0:
		problem = fmt.Sprintf("Interrupted: %d of %s not started.", missing, count(len(results), "scenario"))
	case ended > 0:
		problem = "Interrupted: the client was ended before it was done."
	}
	if killed || missing > 0 && code != exitFailed {
		code = exitInterrupted
	}
	return outcome, code, problem
}
