package delivery

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// MaxOpen is how many connections to the consumer are open at once.
const MaxOpen = 128

// Recorder takes down what is sent. It is called from several goroutines.
type Recorder interface {
	// At turns an instant into one of the record's.
	At(t time.Time) time.Duration
	// Delivery is called before the first byte of a delivery is sent.
	Delivery(r journal.DeliveryRecord)
	// Delivered is called once a delivery has ended.
	Delivered(r journal.DeliveryEnd)
}

// Effect is an effect that the server committed, which may make an event.
type Effect struct {
	Route string // name
	Call  int    // number of the call
	Key   string // idempotency key; ""
}

// Engine plays the deliveries of a scenario to a consumer. Its methods may be called from several goroutines.
type Engine struct {
	seed    uint64
	entries []*entry
	target  *target
	record  Recorder
	slots   *slots
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	work    sync.WaitGroup
	ids     atomic.Uint64
	release sync.Mutex // held while the copies of one group leave

	mu      sync.Mutex     // guards what follows, and the effects of entries
	numbers map[string]int // deliveries so far, by event
	pending int            // deliveries that are due or under way, and who makes them
	idle    chan struct{}  // closed once pending is 0; nil while it is
}

// New makes an engine for a scenario's deliveries, which must not change afterwards. The error says what is wrong
// with the consumer's address, or with an entry.
func New(s *scenarios.Scenario, to Consumer, record Recorder) (*Engine, error) {
	if len(s.Deliveries) == 0 {
		return nil, errors.New("delivery: the scenario has no deliveries")
	}
	t, err := to.look()
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	e := &Engine{seed: s.Seed, target: t, record: record, slots: newSlots(MaxOpen), numbers: make(map[string]int)}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		sender, err := Named(d.Sender)
		if err != nil {
			return nil, fmt.Errorf("deliveries[%d]: %w", i, err)
		}
		e.entries = append(e.entries, &entry{Delivery: d, sender: sender, secrets: d.SigningSecrets(), within: d.AnswerWithin(),
			waits: d.Redeliveries(), bad: d.Bad()})
		if _, err := sender.Request((&occasion{entry: e.entries[i], id: d.EventID(1)}).message(t, 0, "")); err != nil {
			return nil, fmt.Errorf("deliveries[%d]: %w", i, err)
		}
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e, nil
}

// Start begins: time 0 of the deliveries is now. It is called once.
func (e *Engine) Start() {
	due := e.schedule(time.Now())
	e.add(1)
	e.work.Go(func() {
		defer e.done()
		e.dispatch(due)
	})
}

// Effect makes the events that wait for an effect of its route.
func (e *Engine) Effect(x Effect) {
	now := time.Now()
	for _, n := range e.entries {
		if n.When.Effect == "" || n.When.Effect != x.Route {
			continue
		}
		e.mu.Lock()
		n.effects++
		o := &occasion{entry: n, id: n.EventID(n.effects), nth: n.effects, seed: e.seed, call: x.Call, key: x.Key}
		e.mu.Unlock()
		e.add(1)
		e.work.Go(func() {
			defer e.done()
			e.dispatch(o.sends(now))
		})
	}
}

// Wait waits until nothing is due and nothing under way. Its error is that of ctx, should that end first.
func (e *Engine) Wait(ctx context.Context) error {
	for {
		e.mu.Lock()
		idle := e.idle
		e.mu.Unlock()
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends what is under way and waits for it. Nothing is sent afterwards.
func (e *Engine) Close() {
	e.cancel()
	e.work.Wait()
}

func (e *Engine) add(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pending == 0 {
		e.idle = make(chan struct{})
	}
	e.pending += n
}

func (e *Engine) done() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending--
	if e.pending == 0 {
		close(e.idle)
		e.idle = nil
	}
}

// send is one offset of an occasion: its copies at one instant.
type send struct {
	*occasion
	due time.Time
}

// schedule returns what time alone decides about, in the order in which it is due.
func (e *Engine) schedule(zero time.Time) []send {
	var all []send
	for _, n := range e.entries {
		if n.When.Effect != "" {
			continue
		}
		for k := 1; k <= n.Events; k++ {
			o := &occasion{entry: n, id: n.EventID(k), nth: k, seed: e.seed}
			all = append(all, o.sends(zero.Add(n.When.Elapsed))...)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].due.Before(all[j].due) })
	return all
}

// sends are the offsets of an occasion after an instant.
func (o *occasion) sends(after time.Time) []send {
	all := make([]send, len(o.Send))
	for i, offset := range o.Send {
		all[i] = send{o, after.Add(offset)}
	}
	return all
}

// dispatch begins each send when it is due, and goes on to the next.
func (e *Engine) dispatch(sends []send) {
	for _, s := range sends {
		if !wait(e.ctx, time.Until(s.due)) || !e.slots.take(e.ctx, s.Copies) {
			return
		}
		e.add(1)
		e.work.Go(func() {
			defer e.done()
			e.group(s)
		})
	}
}

// wait waits, and reports false where ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// number returns the ordinal among the deliveries of its event for the first of n more.
func (e *Engine) number(event string, n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := e.numbers[event] + 1
	e.numbers[event] += n
	return first
}
