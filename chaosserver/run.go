package chaosserver

import (
	"sync"
	"sync/atomic"
	"time"

	"brownout/chaosserver/journal"
	"brownout/chaosserver/ledger"
	"brownout/chaosserver/plan"
	"brownout/chaosserver/quota"
)

// run is what a server knows of one run: a reset replaces it.
type run struct {
	journal *journal.Journal
	base    time.Time // instant 0 of the journal
	plan    *plan.Plan
	calls   *calls
	buckets *quota.Buckets // of the limits; nil where there are none
	gates   gates
	ledger  *ledger.Ledger
	lists   lists
	seq     *atomic.Uint64 // of the journal's attempts; runs that share a journal share it
	accepts atomic.Int64   // connections accepted in this run
	unrest  unrest
	zero    atomic.Int64  // instant at which the scenario's time began, plus 1; 0 while it has not
	begun   chan struct{} // closed with it
	over    chan struct{} // closed once another run has followed

	waiters atomic.Int32 // those who watch
	mu      sync.Mutex   // guards changed
	changed chan struct{}
}

func (s *Server) newRun(emulated bool) (*run, error) {
	o := s.config.journal
	o.Scenario, o.ScenarioFile, o.Seed, o.Emulated = s.scenario.Name, s.scenario.File, s.scenario.Seed, emulated
	if s.upstream != nil {
		o.Upstream = s.upstream.String()
	}
	j, err := journal.New(o)
	if err != nil {
		return nil, err
	}
	return s.runWith(j, new(atomic.Uint64)), nil
}

// runWith begins a run that the journal records; seq is the last attempt that is in it.
func (s *Server) runWith(j *journal.Journal, seq *atomic.Uint64) *run {
	now := time.Now()
	quiet := s.scenario.Identity.Quiet
	if quiet <= 0 {
		quiet = defaultQuiet
	}
	r := &run{
		journal: j,
		base:    now.Add(-j.Now()),
		seq:     seq,
		plan:    plan.New(s.scenario, s.placed()...),
		ledger:  ledger.NewLedger(s.config.maxKeys),
		calls:   newCalls(len(s.scenario.Routes), quiet, s.config.maxCalls),
		changed: make(chan struct{}),
		begun:   make(chan struct{}),
		over:    make(chan struct{}),
	}
	if len(s.scenario.Limits) > 0 {
		r.buckets = quota.New(s.scenario.Limits, s.config.maxBuckets)
	}
	return r
}

// defaultQuiet is how long a call by print must be quiet to be over, where the scenario says nothing.
const defaultQuiet = time.Minute

// at turns an instant into one of the journal's. What was before the run, behind a reset, is its beginning.
func (r *run) at(t time.Time) time.Duration { return max(0, t.Sub(r.base)) }

// elapsed is the scenario's time at an instant: it begins with the first that is asked for.
func (r *run) elapsed(at time.Duration) time.Duration {
	zero := r.zero.Load()
	if zero == 0 {
		if r.zero.CompareAndSwap(0, int64(at)+1) {
			close(r.begun)
		}
		zero = r.zero.Load()
	}
	return max(0, at-time.Duration(zero-1))
}

// The errors of the journal's file are not looked at where records are made: the first is final, and
// [journal.Journal.Shut] gives it again when the server is closed.

func (r *run) open(rec journal.OpenRecord) {
	_ = r.journal.Open(rec)
	r.tell()
}

func (r *run) close(rec journal.CloseRecord) {
	_ = r.journal.Close(rec)
	r.tell()
}

func (r *run) attempt(rec *journal.AttemptRecord) {
	_ = r.journal.Attempt(rec)
	r.tell()
}

func (r *run) end(rec *journal.EndRecord) {
	_ = r.journal.End(rec)
	r.tell()
}

func (r *run) drop(at time.Duration, reason string) {
	_ = r.journal.Drop(journal.Drop{At: at, Count: 1, Reason: reason})
	r.tell()
}

func (r *run) late(l journal.Lateness) {
	_ = r.journal.Late(l)
	r.tell()
}

func (r *run) effect(e journal.Effect) {
	_ = r.journal.Effect(e)
	r.tell()
}

func (r *run) content(c journal.Content) {
	_ = r.journal.Content(c)
	r.tell()
}

func (r *run) forward(f journal.Forward) {
	_ = r.journal.Forward(f)
	r.tell()
}

func (r *run) port(p journal.Port) {
	_ = r.journal.Port(p)
	r.tell()
}

// tell wakes those who await a condition.
func (r *run) tell() {
	if r.waiters.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// watch returns a channel that is closed by the next event, until stop is called.
func (r *run) watch() (changed <-chan struct{}, stop func()) {
	r.waiters.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed, func() { r.waiters.Add(-1) }
}
