package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"brownout/chaosserver"
	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// ErrNotStarted is what Run gives when its context had ended before it began.
var ErrNotStarted = errors.New("the run had ended before the trial began")

// errQuiet ends the client once nothing has come for as long as was asked for.
var errQuiet = fmt.Errorf("%w: nothing came any more", drive.ErrEnough)

// errUnrecorded ends the client once the journal can record no more of what it does.
var errUnrecorded = fmt.Errorf("%w: the journal's file has failed", drive.ErrEnough)

// errBroken ends the client once the server cannot go on as the scenario says; the server says why when it is closed.
var errBroken = fmt.Errorf("%w: the server cannot go on", drive.ErrEnough)

// Config says how one trial is run.
type Config struct {
	Scenario *scenarios.Scenario // required
	Driver   drive.Driver        // required
	// Journal is the path of the journal's file, which must not exist. Required. A scenario with TLS has the certificate that
	// clients have to trust beside it; see CertificateFile.
	Journal string
	// Timeout is the trial's time limit; 0 is that of DefaultTimeout.
	Timeout time.Duration
	// Quiet ends the trial once there was an attempt and nothing has come for so long, any Retry-After that is pending not
	// counted; it has to be longer than the scenario's own delays. 0: the client's own end is waited for.
	Quiet time.Duration
	// Server is what the chaos server is told beside its journal, such as chaosserver.WithUpstream; nil: nothing.
	Server []chaosserver.Option
	// Webhook is the base URL of a consumer that runs already, to which the scenario's deliveries are sent; "": the driver
	// says where it is. Remote allows a host that is not this machine.
	Webhook string
	Remote  bool
	// Live is called with each attempt when its answer begins (*journal.Attempt), each delivery when it begins and when it
	// ends (*journal.DeliveryRecord, *journal.DeliveryEnd), and with the head of the journal, from one goroutine of the
	// trial; nil: nobody looks on.
	Live func(h journal.Header, record any)
}

// Result is what became of a trial.
type Result struct {
	Verdict verdict.Verdict
	Log     *journal.Log // what was judged; nil where the trial could not run
	Journal string       // path of the journal's file; "" where none was made
	Start   time.Time    // wall clock
	Elapsed time.Duration
	// Interrupted: the trial's context ended before the client did.
	Interrupted bool
	// Rerun says why the trial was run a second time; "" where it was not.
	Rerun string
}

// Run runs a trial and judges it. The error says that the trial could not be run: the server, its journal or the driver
// failed; that a client misbehaved is in the verdict. A scenario that needs values which its profile does not declare is
// skipped, and nothing is started.
func Run(ctx context.Context, c Config) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, ErrNotStarted
	}
	if len(c.Scenario.Undeclared) > 0 { // a skip, whatever the client would do
		nothing := &journal.Log{Header: journal.Header{Seed: c.Scenario.Seed}}
		return Result{Verdict: verdict.Judge(c.Scenario, nothing), Start: time.Now()}, nil
	}
	r := Result{Start: time.Now()}
	srv, err := c.serve()
	if err != nil {
		return r, err
	}
	r.Journal = c.Journal
	timedOut, err := c.drive(ctx, srv)
	r.Elapsed = time.Since(r.Start)
	if err != nil {
		return r, err
	}
	if r.Log, err = journal.ReadFile(c.Journal); err != nil {
		return r, fmt.Errorf("the journal could not be read: %w", err)
	}
	r.Interrupted = ctx.Err() != nil
	r.Verdict = verdict.Judge(c.Scenario, r.Log)
	r.Verdict.Elapsed = r.Elapsed
	if timedOut {
		noteTimeout(&r, c.timeout())
	}
	return r, nil
}

// serve starts the server, whose journal is in the file.
func (c Config) serve() (*chaosserver.Server, error) {
	keep := journal.Options{File: c.Journal, KeepBody: chaosserver.DefaultJournalBody}
	srv, err := chaosserver.New(c.Scenario, append(slices.Clip(c.Server), chaosserver.WithJournal(keep))...)
	if err != nil {
		return nil, fmt.Errorf("the chaos server could not be made: %w", err)
	}
	if err := srv.Start(); err != nil {
		return nil, fmt.Errorf("the chaos server could not be started: %w", err)
	}
	return srv, nil
}

// drive lets the client work, and closes the server; timedOut says that the time limit ended it. A journal that fails ends
// the client, for nothing that it does from then on could be judged.
func (c Config) drive(ctx context.Context, srv *chaosserver.Server) (timedOut bool, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, c.timeout(), drive.ErrTimedOut)
	defer cancel()
	ending, end := context.WithCancelCause(limited)
	defer end(nil)
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(srv.Journal(), end) }) // until the server is closed, which shuts the journal
	watching.Go(func() {
		select {
		case <-srv.Journal().Failed():
			end(errUnrecorded)
		case <-srv.Broken():
			end(errBroken)
		case <-ending.Done():
		}
	})
	err = c.work(ending, srv)
	timedOut = errors.Is(context.Cause(ending), drive.ErrTimedOut)
	closing := srv.Close()
	end(nil)
	watching.Wait()
	if closing != nil { // what the driver says may have come of it
		err = closing
	}
	return timedOut, err
}

// siteOf tells clients where a server is.
func siteOf(srv *chaosserver.Server, s *scenarios.Scenario) drive.Site {
	return drive.Site{URL: srv.URL(), URLs: srv.URLs(), Hosts: s.Server.Hosts, CallURL: srv.HostCallURL, Scenario: s.Name, Seed: s.Seed}
}

// KeepCertificate writes the certificate that clients have to trust beside the journal, and returns the file's whole path;
// "" where the server speaks no TLS.
func KeepCertificate(srv *chaosserver.Server, journal string) (string, error) {
	text := srv.CertificatePEM()
	if text == nil {
		return "", nil
	}
	path, err := filepath.Abs(CertificateFile(journal))
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("the certificate that clients have to trust could not be written: %w", err)
	}
	return path, nil
}

// CertificateFile is the path of the certificate beside a journal.
func CertificateFile(journal string) string {
	return strings.TrimSuffix(journal, filepath.Ext(journal)) + ".ca.pem"
}

// work lets the client work, and waits for the deliveries where there are any.
func (c *Config) work(ctx context.Context, srv *chaosserver.Server) error {
	site := siteOf(srv, c.Scenario)
	var err error
	if site.CA, err = KeepCertificate(srv, c.Journal); err != nil {
		return err
	}
	hooks, err := webhooks(c.Scenario, srv, c.Remote)
	if err != nil {
		return err
	}
	site.Webhooks = hooks
	if c.Webhook != "" {
		if err := srv.Deliver(delivery.Consumer{URL: c.Webhook, Remote: c.Remote}); err != nil {
			return err
		}
	}
	if err := c.Driver.Run(ctx, site, srv.Journal()); err != nil || c.Webhook == "" {
		return err
	}
	if err := hooks.Settle(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout(c.Scenario)
}

// noteTimeout makes a trial an error that the time limit ended between two processes, of which none says so.
func noteTimeout(r *Result, limit time.Duration) {
	for _, c := range r.Log.Clients {
		if c.TimedOut {
			return
		}
	}
	r.Verdict.Findings = append(r.Verdict.Findings, verdict.Finding{Check: "client", Outcome: verdict.Error,
		Sentence: fmt.Sprintf("The client had calls left to make when the time limit of %s ended it.", limit)})
	r.Verdict.Outcome = verdict.Worst(r.Verdict.Outcome, verdict.Error)
}

// again returns the configuration of the trial's second run, whose journal lies beside the first.
func (c Config) again() Config {
	ext := filepath.Ext(c.Journal)
	c.Journal = strings.TrimSuffix(c.Journal, ext) + ".again" + ext
	return c
}

// lateAlone reports whether nothing but the machine's lateness keeps the verdict from being a pass or a failure.
func lateAlone(v *verdict.Verdict) bool {
	if v.Outcome != verdict.Inconclusive {
		return false
	}
	late := false
	for i := range v.Findings {
		if f := &v.Findings[i]; f.Outcome == verdict.Inconclusive {
			if !f.Lateness {
				return false
			}
			late = true
		}
	}
	return late
}
