package resilience

import (
	"context"
	"sync"
)

// eventQueue hands events to an observer in the order of the decisions, outside of the lock under which they were taken.
// One goroutine tells at a time; what others decide meanwhile, or the observer itself by calling the policy, is told by it.
type eventQueue struct {
	mu      sync.Mutex // guards the fields below
	waiting []queuedEvent
	telling bool
}

type queuedEvent struct {
	ctx context.Context
	e   Event
}

func (q *eventQueue) add(ctx context.Context, e Event) {
	q.mu.Lock()
	q.waiting = append(q.waiting, queuedEvent{ctx, e})
	q.mu.Unlock()
}

// tell hands out what is waiting, unless another call is at it.
func (q *eventQueue) tell(o Observer) {
	for {
		batch, ok := q.begin()
		if !ok {
			return
		}
		q.deliver(o, batch)
	}
}

func (q *eventQueue) begin() ([]queuedEvent, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.telling || len(q.waiting) == 0 {
		return nil, false
	}
	batch := q.waiting
	q.waiting, q.telling = nil, true
	return batch, true
}

func (q *eventQueue) deliver(o Observer, batch []queuedEvent) {
	defer func() { // an observer's panic must not silence the queue
		q.mu.Lock()
		q.telling = false
		q.mu.Unlock()
	}()
	for _, item := range batch {
		o.Observe(item.ctx, item.e)
	}
}
