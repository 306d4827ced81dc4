package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brownout/chaosserver"
	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
	"brownout/suites/drive"
	"brownout/suites/report"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// watcher tells of what a server does: to people on stdout, or to programs there and to people on stderr. It is for one
// goroutine at a time.
type watcher struct {
	source *source
	srv    *chaosserver.Server
	live   *report.Live
	began  time.Time
	ca     string // file with the certificate that clients have to trust; "" without TLS
	json   bool
	out    io.Writer // where programs read
	people io.Writer
	style  report.Style
	// unheard is called once nothing can be written any more.
	unheard func()

	attempts int
	good     bool   // the last attempt was answered by a 2xx
	ended    bool   // a call has ended well since the verdict was last told
	told     string // the verdict so far
	err      error  // the first of writing
}

func newWatcher(cmd *cobra.Command, src *source, json bool, srv *chaosserver.Server, began time.Time) *watcher {
	w := &watcher{source: src, srv: srv, began: began, json: json, out: cmd.OutOrStdout(), people: cmd.OutOrStdout(),
		live: report.NewLive(src.scenario, srv.Journal().Header().Start)}
	if json {
		w.people = cmd.ErrOrStderr()
	}
	w.style = styleOf(cmd, w.people)
	return w
}

// keep keeps the first error of writing, and ends the serving by it.
func (w *watcher) keep(err error) {
	if err != nil && w.err == nil {
		w.err = err
		w.unheard()
	}
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
		return written(w.err)
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

// event tells of an attempt or a delivery, of a port that was closed or opened, and of a handshake that failed, and notes when
// an attempt or a delivery has ended well.
func (w *watcher) event(record any) {
	if event, line := liveEvent(w.live, record, w.style); event != nil {
		if w.json {
			w.keep(report.Line(w.out, event))
		}
		w.say("%s", line)
	}
	switch r := record.(type) {
	case *journal.Attempt:
		w.attempts++
		w.good = r.Status >= 200 && r.Status < 300
	case *journal.EndRecord:
		w.ended = w.ended || w.good && r.Whole
	case *journal.Port:
		what := "port closed"
		if r.Open {
			what = "port open again"
		}
		if r.Host != "" {
			what = r.Host + ": " + what
		}
		w.note(r.At, what+"   "+w.source.scenario.Faults[r.Fault].Name)
	case *journal.CloseRecord:
		if r.Failure != "" {
			w.note(r.Close, "TLS handshake failed: "+r.Failure)
		}
	}
}

// note tells people of what is no attempt.
func (w *watcher) note(at time.Duration, text string) {
	w.say("%s  %s", w.srv.Journal().Header().Start.Add(at).Format("15:04:05.000"), text)
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
func (w *watcher) opening(upstream string) {
	s := w.source.scenario
	url := w.srv.URL()
	if w.json {
		w.keep(report.Line(w.out, &report.ServeEvent{Type: "serve", Format: report.FormatVersion, Version: versionText(), URL: url,
			Hosts: w.hosts(), CA: w.ca, Scenario: s.Name, File: s.File, Seed: s.Seed}))
	}
	about := s.Summary
	if about != "" {
		about = ": " + about
	}
	w.where()
	if upstream != "" {
		w.say("upstream %s    answers what the scenario does not", upstream)
	}
	w.say("scenario %s%s   seed %d", s.Name, about, s.Seed)
	method, path := w.example()
	if w.ca != "" {
		method = "--cacert " + report.Quote(w.ca) + " " + method
	}
	w.say("Try:     curl -s --retry 3 %s%s%s", method, url, path)
}

// hosts are the scenario's hosts and where they are; nil where it names none.
func (w *watcher) hosts() []report.ServedHost {
	var all []report.ServedHost
	for _, name := range w.source.scenario.Server.Hosts {
		all = append(all, report.ServedHost{Name: name, URL: w.srv.HostURL(name)})
	}
	return all
}

// where tells where the server is, and what a client has to trust.
func (w *watcher) where() {
	hosts := w.hosts()
	if len(hosts) == 0 {
		w.say("chaos    %s    point your client here", w.srv.URL())
	}
	for i, h := range hosts {
		if i == 0 {
			w.say("chaos    %s    %s    point your client here", h.URL, h.Name)
		} else {
			w.say("         %s    %s", h.URL, h.Name)
		}
	}
	if w.ca != "" {
		w.say("trust    %s    for a client name it in %s", w.ca, strings.Join(drive.TrustVariables, " "))
	}
}

// webhooks tells where the scenario's deliveries go, and what verifies them.
func (w *watcher) webhooks(url string) {
	deliveries := w.source.scenario.Deliveries
	if len(deliveries) == 0 {
		return
	}
	if url == "" {
		w.say("webhook  its deliveries are not sent; give a consumer with --webhook URL")
		return
	}
	secret := ""
	if secrets := deliveries[0].SigningSecrets(); len(secrets) > 0 {
		secret = ", signed with " + delivery.PublicKey(secrets[len(secrets)-1])
	}
	w.say("webhook  deliveries go to %s%s", url, secret)
}

// example returns a path that the scenario answers, with curl's option for its method.
func (w *watcher) example() (method, path string) {
	s := w.source.scenario
	if len(s.Routes) == 0 || len(s.Routes[0].Match) == 0 {
		return "", "/hello"
	}
	m := &s.Routes[0].Match[0]
	if m.Method != "" && m.Method != "GET" {
		method = "-X " + m.Method + " "
	}
	for _, segment := range m.Path.Segments {
		if segment.Var != "" {
			path += "/1"
		} else {
			path += "/" + segment.Literal
		}
	}
	switch {
	case m.Path.Rest:
		return method, path + "/hello"
	case path == "":
		return method, "/"
	}
	return method, path
}

func (w *watcher) say(format string, args ...any) {
	_, err := fmt.Fprintf(w.people, format+"\n", args...)
	w.keep(err)
}
