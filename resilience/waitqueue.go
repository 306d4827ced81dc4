package resilience

// waiter is a caller who waits for its turn in a [Limiter] or a [Bulkhead]. Its policy's mutex guards it.
type waiter struct {
	at      stretch // of a Limiter
	granted bool
	ready   chan struct{} // has room for the one signal it gets

	prev, next *waiter // in the queue
}

func newWaiter() *waiter { return &waiter{ready: make(chan struct{}, 1)} }

// grant gives w its turn.
func (w *waiter) grant() {
	w.granted = true
	w.ready <- struct{}{}
}

// waitQueue is a list of waiters in the order of their arrival.
type waitQueue struct{ first, last *waiter }

func (q *waitQueue) append(w *waiter) {
	w.prev, w.next = q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *waitQueue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}
