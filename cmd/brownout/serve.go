package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brownout/chaosserver"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/report"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// defaultAddr is where serve listens unless told otherwise; taken, any free port does.
const defaultAddr = "127.0.0.1:7070"

// demo is what serve plays where no scenario is given.
//
//go:embed demo.yaml
var demo []byte

type serveOptions struct {
	addr    string
	seed    string
	format  string
	journal string
}

func newServe() *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve [FILE|NAME]",
		Short: "Play a scenario to whoever calls, and tell of every attempt",
		Long: `Play a scenario to whoever calls, and tell of every attempt as it is answered; without a FILE a demo, 503, 503, then 200 on
any path. An interrupt (Ctrl-C) ends it with a verdict.`,
		Example: `  brownout serve
  brownout serve payments.brownout.yaml
  brownout serve retry-after/seconds --addr 127.0.0.1:0`,
		Annotations:       map[string]string{codesKey: "0 1 2 3 4 5"},
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("write brownout serve FILE", "one scenario is wanted, got %s", count(len(args), "word"))
			}
			if err := checkFormat(o.format); err != nil {
				return err
			}
			return serve(cmd, args, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", defaultAddr, "`HOST:PORT` to listen on; port 0 takes a free one")
	f.StringVar(&o.seed, "seed", "", "seed of all chance: a number, or random")
	f.StringVar(&o.format, "format", "text", "text, or json for a line for each attempt and the verdict at last")
	f.StringVar(&o.journal, "journal", "", "`DIR` for the journal; none is kept unless given")
	return cmd
}

// served returns the scenario that serve plays.
func served(args []string) (source, error) {
	if len(args) == 0 {
		s, err := scenarios.Parse("demo", demo)
		return read("demo", s, err)
	}
	sources, err := loadAll(args)
	if err != nil {
		return source{}, err
	}
	if len(sources) != 1 {
		return source{}, usage("give one of its files", "%s holds %s, and one is wanted", args[0], count(len(sources), "scenario"))
	}
	return sources[0], nil
}

func serve(cmd *cobra.Command, args []string, o *serveOptions) error {
	src, err := served(args)
	if err != nil {
		return err
	}
	sources := []source{src}
	if err := reseed(sources, o.seed); err != nil {
		return err
	}
	if err := drawProblems(cmd.ErrOrStderr(), sources, styleOf(cmd, cmd.ErrOrStderr())); err != nil {
		return err
	}
	if invalid(sources) {
		return exit(exitInvalid)
	}
	ctx, _, stop := interruptible(cmd.Context())
	defer stop()
	began := time.Now()
	srv, path, err := o.start(cmd, sources[0].scenario, began)
	if err != nil {
		return &failure{exitCouldNotRun, err, "choose another address with --addr 127.0.0.1:0, or another folder with --journal DIR"}
	}
	w := newWatcher(cmd, &sources[0], o.format == "json", srv, began)
	w.opening()
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		w.follow() // until the server is closed
	}()
	<-ctx.Done()
	closing := srv.Close()
	<-followed
	if closing != nil {
		return &failure{exitCouldNotRun, closing, "see that the journal can be written"}
	}
	return w.closing(path)
}

// start starts the server, and returns it with the path of its journal's file.
func (o *serveOptions) start(cmd *cobra.Command, s *scenarios.Scenario, began time.Time) (*chaosserver.Server, string, error) {
	keep := journal.Options{KeepBody: chaosserver.DefaultJournalBody}
	if o.journal != "" {
		folder, err := trial.OpenFolder(o.journal)
		if err != nil {
			return nil, "", err
		}
		keep.File = folder.Path(folder.Fresh(trial.Slug(report.Group(s.File)), ".ndjson", nil))
	}
	srv, err := startAt(s, o.addr, keep)
	if errors.Is(err, syscall.EADDRINUSE) && !cmd.Flags().Changed("addr") {
		srv, err = startAt(s, "127.0.0.1:0", keep)
	}
	return srv, keep.File, err
}

func startAt(s *scenarios.Scenario, addr string, keep journal.Options) (*chaosserver.Server, error) {
	srv, err := chaosserver.New(s, chaosserver.WithAddr(addr), chaosserver.WithJournal(keep))
	if err != nil {
		return nil, err
	}
	if err := srv.Start(); err != nil {
		_ = srv.Close() // it did not start; the reason is err
		return nil, err
	}
	return srv, nil
}

// closing tells the verdict on what was served, and returns its exit code as an error.
func (w *watcher) closing(path string) error {
	s := w.source.scenario
	if len(s.Expect) == 0 && w.err == nil {
		w.say("%s expects nothing, so nothing was judged.", s.Name)
		return nil
	}
	t := report.Trial{Verdict: verdict.Judge(s, w.srv.Journal().Log()), Source: s.Source}
	if path != "" {
		t.Evidence = []string{path}
	}
	run := &report.Run{Version: versionText(), Start: w.began, Elapsed: time.Since(w.began), Outcome: trial.Overall(t.Outcome),
		Trials: []report.Trial{t}}
	run.Exit = exitOf(run.Outcome)
	if w.json {
		w.keep(report.Line(w.out, report.NewDocument(run)))
	}
	w.say("")
	w.keep(report.TrialText(w.people, &t, w.style, report.Normal))
	w.keep(report.LastLine(w.people, run, w.style, report.Normal))
	if w.err != nil {
		return &failure{exitCouldNotRun, w.err, "see that the output can be written"}
	}
	return exit(run.Exit)
}

// idle is how long nothing comes before the verdict so far is told.
const idle = 150 * time.Millisecond

// liveJudged is how many attempts are judged while the server goes on; beyond them the verdict comes at the end.
const liveJudged = 2000

// follow tells of every attempt until the journal is shut, and of the verdict so far whenever a call has ended well and
// nothing else comes, at the end too.
func (w *watcher) follow() {
	events := w.srv.Journal().Follow(0)
	for {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if w.ended {
			ctx, cancel = context.WithTimeout(ctx, idle)
		}
		e, err := events.Next(ctx)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			w.ended = false
			w.soFar()
		case err != nil:
			if w.ended {
				w.soFar()
			}
			return
		default:
			w.event(e.Record)
		}
	}
}

// event tells of an attempt, and notes when one has ended well.
func (w *watcher) event(record any) {
	switch r := record.(type) {
	case *journal.Attempt:
		e := w.live.Event(r)
		w.attempts++
		w.good = r.Status >= 200 && r.Status < 300
		if w.json {
			w.keep(report.Line(w.out, &e))
		}
		w.say("%s", w.style.Line(&e))
	case *journal.EndRecord:
		w.ended = w.ended || w.good && r.Whole
	}
}

// soFar tells the verdict so far, where it says more than the last time.
func (w *watcher) soFar() {
	s := w.source.scenario
	if len(s.Expect) == 0 || w.attempts > liveJudged {
		return
	}
	v := verdict.Judge(s, w.srv.Journal().Log())
	line := w.style.VerdictLine(&v)
	if v.Outcome == verdict.Inconclusive || line == w.told {
		return
	}
	w.told = line
	w.say("%s%s", timeColumn, line)
}

// timeColumn stands where an attempt's line has its time.
const timeColumn = "              "

// opening tells where the server is and what it plays.
func (w *watcher) opening() {
	s := w.source.scenario
	url := w.srv.URL()
	if w.json {
		w.keep(report.Line(w.out, &report.ServeEvent{Type: "serve", Format: report.FormatVersion, Version: versionText(), URL: url,
			Scenario: s.Name, File: s.File, Seed: s.Seed}))
	}
	about := s.Summary
	if about != "" {
		about = ": " + about
	}
	w.say("chaos    %s    point your client here", url)
	w.say("scenario %s%s   seed %d", s.Name, about, s.Seed)
	w.say("Try:     curl -s --retry 3 %s%s", url, w.example())
}

// example returns a path that the scenario answers.
func (w *watcher) example() string {
	s := w.source.scenario
	if len(s.Routes) == 0 || len(s.Routes[0].Match) == 0 {
		return "/hello"
	}
	path := ""
	for _, segment := range s.Routes[0].Match[0].Path.Segments {
		if segment.Var != "" {
			path += "/1"
		} else {
			path += "/" + segment.Literal
		}
	}
	switch {
	case s.Routes[0].Match[0].Path.Rest:
		return path + "/hello"
	case path == "":
		return "/"
	}
	return path
}

func (w *watcher) say(format string, args ...any) {
	_, err := fmt.Fprintf(w.people, format+"\n", args...)
	w.keep(err)
}
