package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brownout/chaosserver"
	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/report"
	"brownout/suites/trial"
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
	webhook string // base URL of a consumer of its deliveries
	remote  bool   // which may be on another machine

	upstream upstreamOptions
}

// through is what serve plays where no scenario is given, but an upstream.
//
//go:embed through.yaml
var through []byte

func newServe() *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve [FILE|NAME]",
		Short: "Play a scenario to whoever calls, and tell of every attempt",
		Long: `Play a scenario to whoever calls, and tell of every attempt as it is answered; without a FILE a demo, 503, 503, then 200 on
any path. An interrupt (Ctrl-C) ends it with a verdict. With --upstream it stands in front of a real server: what no route
scripts is that server's answer, with the scenario's faults over it; without a FILE then every answer as it is.`,
		Example: `  brownout serve
  brownout serve payments.brownout.yaml
  brownout serve retry-after/seconds --addr 127.0.0.1:0
  brownout serve faults.brownout.yaml --upstream http://127.0.0.1:8080`,
		Annotations:       map[string]string{codesKey: "0 1 2 3 4 5"},
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("write brownout serve FILE", "one scenario is wanted, got %s", count(len(args), "word"))
			}
			if err := checkFormat(o.format); err != nil {
				return err
			}
			if err := o.upstream.take(); err != nil {
				return err
			}
			if err := checkWebhook(o.webhook, o.remote); err != nil {
				return err
			}
			return serve(cmd, args, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", defaultAddr, "`HOST:PORT` to listen on, further hosts behind it; port 0 takes free ones")
	f.StringVar(&o.seed, "seed", "", "seed of all chance: a number, or random")
	f.StringVar(&o.format, "format", "text", "text, or json for a line for each attempt and the verdict at last")
	f.StringVar(&o.webhook, "webhook", "", "`URL` of a consumer, to which the scenario's deliveries are sent at once")
	f.BoolVar(&o.remote, "allow-remote", false, "let --webhook name another machine")
	f.StringVar(&o.journal, "journal", "", "`DIR` for the journal; none is kept unless given")
	o.upstream.add(f)
	return cmd
}

// served returns the scenario that serve plays.
func (o *serveOptions) served(args []string) (source, error) {
	if len(args) == 0 && o.upstream.to != nil {
		s, err := scenarios.Parse("upstream", through)
		return read("upstream", s, err)
	}
	if len(args) == 0 {
		s, err := scenarios.Parse("demo", demo)
		return read("demo", s, err)
	}
	sources, err := loadAll(args, o.upstream.reading()...)
	if err != nil {
		return source{}, err
	}
	if len(sources) != 1 {
		return source{}, usage("give one of its files", "%s holds %s, and one is wanted", args[0], count(len(sources), "scenario"))
	}
	return sources[0], nil
}

func serve(cmd *cobra.Command, args []string, o *serveOptions) error {
	src, err := o.checked(cmd, args)
	if err != nil {
		return err
	}
	interrupted, _, stop := interruptible(cmd.Context())
	defer stop()
	ctx, cancel := context.WithCancel(interrupted)
	defer cancel()
	began := time.Now()
	srv, path, err := o.start(cmd, src.scenario, began)
	if err != nil {
		return &failure{exitCouldNotRun, err, "choose another address with --addr 127.0.0.1:0, or another folder with --journal DIR"}
	}
	ca, forget, err := keepCertificate(srv, path)
	if err != nil {
		_ = srv.Close() // nobody has used it
		return &failure{exitCouldNotRun, err, "name a folder that can be written with --journal DIR"}
	}
	defer forget()
	w := newWatcher(cmd, &src, o.format == "json", srv, began)
	w.ca = ca
	w.unheard = cancel
	w.opening(o.upstream.url)
	w.webhooks(o.webhook)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		w.follow() // until the server is closed
	}()
	delivering := error(nil)
	if o.webhook != "" {
		delivering = srv.Deliver(delivery.Consumer{URL: o.webhook, Remote: o.remote})
	}
	if delivering != nil {
		cancel()
	}
	select {
	case <-ctx.Done():
	case <-srv.Journal().Failed(): // it says why when it is closed
	case <-srv.Broken(): // it says why when it is closed
	}
	closing := srv.Close()
	<-followed
	if delivering != nil {
		return &failure{exitCouldNotRun, delivering, "choose another consumer with --webhook URL"}
	}
	if closing != nil {
		return &failure{exitCouldNotRun, closing, "make room for the journal, or choose another folder with --journal DIR; see that nobody takes a port that is closed"}
	}
	return w.closing(path)
}

// checked is the scenario that is served, once its file and the flags beside it were found good.
func (o *serveOptions) checked(cmd *cobra.Command, args []string) (source, error) {
	src, err := o.served(args)
	if err != nil {
		return src, err
	}
	sources := []source{src}
	if err := reseed(sources, o.seed); err != nil {
		return src, err
	}
	if err := drawProblems(cmd.ErrOrStderr(), sources, styleOf(cmd, cmd.ErrOrStderr())); err != nil {
		return src, err
	}
	if invalid(sources) {
		return src, exit(exitInvalid)
	}
	if err := o.upstream.fits(sources); err != nil {
		return src, err
	}
	if o.webhook != "" && len(src.scenario.Deliveries) == 0 {
		return src, usage("take --webhook out, or add deliveries", "%s sends no webhooks", src.name)
	}
	return sources[0], nil
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
	srv, err := startAt(s, o.addr, keep, o.upstream.options()...)
	if errors.Is(err, syscall.EADDRINUSE) && !cmd.Flags().Changed("addr") {
		srv, err = startAt(s, "127.0.0.1:0", keep, o.upstream.options()...)
	}
	return srv, keep.File, err
}

// keepCertificate writes what clients have to trust into a file beside the journal, or where there is none, into one that
// forget removes; "" where the server speaks no TLS.
func keepCertificate(srv *chaosserver.Server, journal string) (path string, forget func(), err error) {
	forget = func() {}
	text := srv.CertificatePEM()
	if text == nil {
		return "", forget, nil
	}
	if journal == "" {
		folder, err := os.MkdirTemp("", "brownout-")
		if err != nil {
			return "", forget, fmt.Errorf("no folder for the certificate: %w", err)
		}
		forget = func() { _ = os.RemoveAll(folder) }
		journal = filepath.Join(folder, "brownout")
	}
	path, err = trial.KeepCertificate(srv, journal)
	return path, forget, err
}

func startAt(s *scenarios.Scenario, addr string, keep journal.Options, opts ...chaosserver.Option) (*chaosserver.Server, error) {
	srv, err := chaosserver.New(s, append(opts, chaosserver.WithAddr(addr), chaosserver.WithJournal(keep))...)
	if err != nil {
		return nil, err
	}
	if err := srv.Start(); err != nil {
		_ = srv.Close() // it did not start; the reason is err
		return nil, err
	}
	return srv, nil
}
