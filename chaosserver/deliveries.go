package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
)

// webhooks are the deliveries of a server's runs.
type webhooks struct {
	mu     sync.Mutex // guards what follows, and one engine following another
	to     *delivery.Consumer
	closed bool

	engine atomic.Pointer[delivery.Engine] // of the current run; nil: none. Written under mu
}

// The errors of [Server.Deliver].
var (
	errDelivering    = errors.New("chaosserver: the deliveries have begun; begin anew with Reset")
	errNoMoreSending = errors.New("chaosserver: the server is closed")
)

// Deliver begins to send the scenario's deliveries to a consumer, whose port is open: the scenario's time is 0 now. It does
// not wait for them; [Server.Settle] does. What the consumer does for an event comes to the server as calls. Close ends them.
//
// The error says that the scenario has no deliveries, that they have begun, or what is wrong with the consumer's address:
// [delivery.IsRemote] tells whether it is that of another machine.
func (s *Server) Deliver(to delivery.Consumer) error {
	r := s.run.Load()
	if r == nil {
		return errNotStarted
	}
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	if s.webhooks.to != nil {
		return errDelivering
	}
	if err := s.deliverIn(r, &to); err != nil {
		return err
	}
	s.webhooks.to = &to
	return nil
}

// deliverIn begins the deliveries of a run. It requires webhooks.mu.
func (s *Server) deliverIn(r *run, to *delivery.Consumer) error {
	if s.webhooks.closed {
		return errNoMoreSending
	}
	e, err := delivery.New(s.scenario, *to, deliveryRecorder{r})
	if err != nil {
		return fmt.Errorf("chaosserver: %w", err)
	}
	s.webhooks.engine.Store(e)
	r.startAt(time.Now())
	e.Start()
	return nil
}

// deliverAnew ends the deliveries of the run before, and begins those of this one, if there were any.
func (s *Server) deliverAnew(r *run) error {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	if s.webhooks.to == nil {
		return nil
	}
	s.webhooks.engine.Load().Close()
	return s.deliverIn(r, s.webhooks.to)
}

// happened makes the events that wait for an effect.
func (s *Server) happened(x delivery.Effect) {
	if e := s.webhooks.engine.Load(); e != nil {
		e.Effect(x)
	}
}

// stopSending ends the deliveries for good, and waits for those under way.
func (s *Server) stopSending() {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	s.webhooks.closed = true
	if e := s.webhooks.engine.Load(); e != nil {
		e.Close()
	}
}

// Settle waits until every delivery is done, no attempt is under way, and nothing has come for as long as quiet says: until
// what a consumer does for its events is done as far as anybody can tell. Its error is that of ctx, should that end first,
// or says that the server was closed.
func (s *Server) Settle(ctx context.Context, quiet time.Duration) error {
	for {
		if e := s.webhooks.engine.Load(); e != nil {
			if err := e.Wait(ctx); err != nil {
				return err
			}
		}
		r := s.run.Load()
		if r == nil {
			return errNotStarted
		}
		left := r.restless(quiet)
		if left <= 0 {
			return nil
		}
		pause := time.NewTimer(left)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-s.ctx.Done():
			pause.Stop()
			return errClosed
		}
	}
}

// deliveryRecorder records the deliveries of a run.
type deliveryRecorder struct{ *run }

var _ delivery.Recorder = deliveryRecorder{}

// At implements delivery.Recorder.
func (s deliveryRecorder) At(t time.Time) time.Duration { return s.at(t) }

// Delivery implements delivery.Recorder.
func (s deliveryRecorder) Delivery(d journal.DeliveryRecord) {
	_ = s.journal.Delivery(d)
	s.stir()
	s.tell()
}

// Delivered implements delivery.Recorder.
func (s deliveryRecorder) Delivered(d journal.DeliveryEnd) {
	_ = s.journal.Delivered(d)
	s.stir()
	s.tell()
}

// unrest says whether anything goes on in a run that has deliveries.
type unrest struct {
	underway atomic.Int64 // attempts
	last     atomic.Int64 // instant at which one began or ended, or a delivery did
}

func (r *run) stir() { r.unrest.last.Store(int64(r.at(time.Now()))) }

// attemptBegins and attemptEnds are called for each attempt where the scenario has deliveries.
func (r *run) attemptBegins() {
	r.unrest.underway.Add(1)
	r.stir()
}

func (r *run) attemptEnds() {
	r.unrest.underway.Add(-1)
	r.stir()
}

// restless is how long to wait before it can be said that nothing has gone on for as long as quiet; 0 or less: it has not.
func (r *run) restless(quiet time.Duration) time.Duration {
	if r.unrest.underway.Load() > 0 {
		return max(quiet, time.Millisecond)
	}
	return time.Duration(r.unrest.last.Load()) + quiet - r.at(time.Now())
}

// startAt lets the scenario's time begin at an instant.
func (r *run) startAt(t time.Time) {
	if r.zero.Swap(int64(r.at(t))+1) == 0 {
		close(r.begun)
	}
}
