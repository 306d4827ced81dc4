package drive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// InProcess makes the calls of the scenario's drive with a Go client in this process, on real time or in a bubble of
// virtual time. A call is ok when its answer is a 2xx whose body could be read to its end; its result says
// when it began and was cancelled, and what status and body it was given.
type InProcess struct {
	// New makes a client that shares nothing with another: it is called once for each client that the drive asks for.
	New func() *http.Client
	// Steps is what the clients are asked to do; at least one.
	Steps []scenarios.Step
	// Settle is how long the run goes on after the last call, to see attempts that come late.
	Settle time.Duration
}

var _ Driver = (*InProcess)(nil)

type idempotentKey struct{}

// Idempotent reports whether the call that a request belongs to may be repeated, and shall carry the client's idempotency
// key, as the drive's step says: how a client in process is told what a caller would know.
func Idempotent(ctx context.Context) bool {
	may, _ := ctx.Value(idempotentKey{}).(bool)
	return may
}

// Run implements Driver. Once the calls have ended the clients close their idle connections, and are recorded as one client
// that stopped then. Its error is the recorder's, or says that a request could not be made as the drive describes it.
func (p *InProcess) Run(ctx context.Context, site Site, rec Recorder) error {
	if len(p.Steps) == 0 {
		return ErrNoSteps
	}
	r := &inProcessRun{InProcess: p, site: site, rec: rec}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	start := rec.Now()
	runSteps(r.ctx, p.Steps, r.begin)
	for _, c := range r.all {
		c.CloseIdleConnections()
	}
	if cause := context.Cause(r.ctx); ctx.Err() == nil && cause != nil {
		return cause
	}
	if err := rec.Client(journal.Client{Start: start, Stop: rec.Now(), Interrupted: ctx.Err() != nil}); err != nil {
		return err
	}
	pause(ctx, p.Settle)
	return nil
}

type inProcessRun struct {
	*InProcess
	ctx  context.Context
	stop context.CancelCauseFunc
	site Site
	rec  Recorder

	all     []*http.Client // every client made
	clients []*http.Client // those of the step
}

// begin gets the clients of a step, which share its calls in turn.
func (r *inProcessRun) begin(s *scenarios.Step) callFunc {
	if s.Fresh {
		r.clients = nil
	}
	for len(r.clients) < max(1, s.Clients) {
		c := r.New()
		r.clients, r.all = append(r.clients, c), append(r.all, c)
	}
	clients := r.clients[:max(1, s.Clients)]
	return func(o order) { r.call(clients[o.inStep%len(clients)], o) }
}

// call makes one call and records what the client said of it.
func (r *inProcessRun) call(client *http.Client, o order) {
	result := journal.Result{Call: o.number, Start: r.rec.Now(), Timed: true}
	ctx, cancelled, end := r.callContext(o.step)
	defer end()
	req, err := r.request(ctx, o)
	if err != nil {
		r.stop(fmt.Errorf("call %d cannot be made: %w", o.number, err))
		return
	}
	err = read(client, req, &result)
	result.At = r.rec.Now()
	result.OK = err == nil && result.Status/100 == 2
	if err != nil {
		result.Error = err.Error()
	}
	if at := cancelled.Load(); at != nil && *at <= result.At {
		result.Cancelled, result.HasCancel = *at, true
	}
	if err := r.rec.Result(result); err != nil {
		r.stop(err)
	}
}

// read sends a request, and reads its answer to the end. The result gets the answer's status and, where that was read whole,
// its body's length and digest.
func read(client *http.Client, req *http.Request, result *journal.Result) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	digest := sha256.New()
	n, err := io.Copy(digest, resp.Body)
	err = errors.Join(err, resp.Body.Close())
	result.Status = resp.StatusCode
	if err == nil {
		result.HasBody, result.BodyLen = true, n
		digest.Sum(result.BodySHA256[:0])
	}
	return err
}

// callContext returns the context of a call: its deadline, its cancellation, and whether it may be repeated. The instant at
// which it was cancelled is there before the context ends; nil where it was not.
func (r *inProcessRun) callContext(s *scenarios.Step) (ctx context.Context, cancelled *atomic.Pointer[time.Duration], end func()) {
	ctx = context.WithValue(r.ctx, idempotentKey{}, s.Idempotent)
	var ends []func()
	if s.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Deadline)
		ends = append(ends, cancel)
	}
	ctx, cancel := context.WithCancel(ctx)
	ends = append(ends, cancel)
	cancelled = new(atomic.Pointer[time.Duration])
	if s.CancelAfter > 0 {
		t := time.AfterFunc(s.CancelAfter, func() {
			at := r.rec.Now()
			cancelled.Store(&at)
			cancel()
		})
		ends = append(ends, func() { t.Stop() })
	}
	return ctx, cancelled, func() {
		for _, end := range ends {
			end()
		}
	}
}

// request makes the request of a call as its step describes it.
func (r *inProcessRun) request(ctx context.Context, o order) (*http.Request, error) {
	var body io.Reader
	if data := content(o.step, o.number, r.site.Seed); len(data) > 0 {
		body = bytes.NewReader(data)
		if o.step.Stream {
			body = io.MultiReader(body) // cannot be read twice
		}
	}
	req, err := http.NewRequestWithContext(ctx, o.request.Method, r.site.CallURL(o.step.Host, o.number)+target(o.request, o.number, o.variant), body)
	if err != nil {
		return nil, err
	}
	if o.step.Body.Kind == scenarios.BodyJSON {
		req.Header.Set("Content-Type", "application/json")
	}
	value := variable(o.number, r.site.Seed)
	for _, h := range o.step.Headers {
		req.Header.Add(h.Name, string(h.Value.Append(nil, value)))
	}
	return req, nil
}
