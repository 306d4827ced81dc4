package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// PerCall runs the client once for each call of the scenario's drive, and takes its exit code for the call's outcome: 0 is
// success. Each call is a process, and so a client, of its own.
type PerCall struct {
	Process
	Steps []scenarios.Step // at least one
}

var _ Driver = (*PerCall)(nil)

// ErrNoSteps is what PerCall gives when the scenario asks for no calls.
var ErrNoSteps = errors.New("the scenario has no drive, which says what calls there are")

// Run implements Driver. The calls of all steps are numbered from 1. It ends early, without an error, when the command
// cannot be started.
func (p *PerCall) Run(ctx context.Context, site Site, rec Recorder) error {
	if len(p.Steps) == 0 {
		return ErrNoSteps
	}
	dir, err := os.MkdirTemp("", "brownout-call-")
	if err != nil {
		return fmt.Errorf("no folder for the contents of calls: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &callRun{PerCall: p, site: site, rec: rec, dir: dir}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	runSteps(r.ctx, p.Steps, func(s *scenarios.Step) callFunc { return r.call })
	if cause := context.Cause(r.ctx); ctx.Err() == nil && cause != nil && !errors.Is(cause, errNoStart) {
		return cause
	}
	return nil
}

// errNoStart ends the calls once the command cannot be started; the record says why.
var errNoStart = errors.New("the command cannot be started")

type callRun struct {
	*PerCall
	ctx  context.Context
	stop context.CancelCauseFunc
	site Site
	rec  Recorder
	dir  string
}

// call runs one call and records its outcome.
func (r *callRun) call(o order) {
	s, req, number := o.step, o.request, o.number
	body := filepath.Join(r.dir, "call-"+strconv.Itoa(number))
	if err := os.WriteFile(body, content(s, number, r.site.Seed), 0o600); err != nil {
		r.stop(fmt.Errorf("the content of call %d could not be written: %w", number, err))
		return
	}
	defer os.Remove(body)
	base := r.site.CallURL(s.Host, number)
	fill := strings.NewReplacer(append(r.site.placeholders(base), "{call}", strconv.Itoa(number), "{method}", req.Method,
		"{path}", target(req, number, o.variant), "{body_file}", body)...)
	client, err := r.run(r.ctx, fill, nil, base, r.site, r.rec, number)
	switch {
	case err != nil:
		r.stop(err)
	case client.StartError != "":
		r.stop(errNoStart)
	case client.Signal != "" || client.TimedOut || client.Exit < 0: // it said nothing of the call
	default:
		if err := r.rec.Result(journal.Result{Call: number, OK: client.Exit == 0, At: r.rec.Now()}); err != nil {
			r.stop(err)
		}
	}
}
