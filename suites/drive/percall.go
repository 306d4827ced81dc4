package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
	for i := range p.Steps {
		if !pause(r.ctx, p.Steps[i].Wait) {
			break
		}
		r.step(&p.Steps[i])
	}
	if cause := context.Cause(r.ctx); ctx.Err() == nil && cause != nil && !errors.Is(cause, errNoStart) {
		return cause
	}
	return nil
}

// errNoStart ends the calls once the command cannot be started; the record says why.
var errNoStart = errors.New("the command cannot be started")

type callRun struct {
	*PerCall
	ctx   context.Context
	stop  context.CancelCauseFunc
	site  Site
	rec   Recorder
	dir   string
	calls atomic.Int64 // begun so far
}

// pause waits, and reports whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// step runs the calls of one step and waits for them.
func (r *callRun) step(s *scenarios.Step) {
	began := time.Now()
	var slots chan struct{}
	if s.Concurrency > 0 {
		slots = make(chan struct{}, s.Concurrency)
	}
	var running sync.WaitGroup
	defer running.Wait()
	for k := 0; s.For > 0 || k < s.Calls; k++ {
		if s.Rate != nil && !pause(r.ctx, time.Until(began.Add(startOf(k, s.Rate)))) {
			return
		}
		if slots != nil {
			select {
			case slots <- struct{}{}:
			case <-r.ctx.Done():
				return
			}
		}
		if r.ctx.Err() != nil || s.For > 0 && time.Since(began) >= s.For {
			return
		}
		number := int(r.calls.Add(1))
		running.Go(func() {
			r.call(s, &s.Requests[k%len(s.Requests)], number)
			if slots != nil {
				<-slots
			}
		})
	}
}

// startOf is when the k-th call of a step begins at that rate, after the step's own beginning.
func startOf(k int, rate *scenarios.Rate) time.Duration {
	return time.Duration(float64(k) * float64(rate.Per) / rate.Events)
}

// call runs one call and records its outcome.
func (r *callRun) call(s *scenarios.Step, req *scenarios.Request, number int) {
	body := filepath.Join(r.dir, "call-"+strconv.Itoa(number))
	if err := os.WriteFile(body, content(s, number, r.site.Seed), 0o600); err != nil {
		r.stop(fmt.Errorf("the content of call %d could not be written: %w", number, err))
		return
	}
	defer os.Remove(body)
	base := r.site.CallURL(number)
	fill := strings.NewReplacer(append(placeholders(base), "{call}", strconv.Itoa(number), "{method}", req.Method,
		"{path}", target(req, number), "{body_file}", body)...)
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
