package bolt

import (
	"context"
	"errors"
	"sync"
	"time"
)

// group runs the writes of many goroutines in shared transactions: those that come while one is being written wait and make
// up the next. There is no delay to wait for company and no goroutine: the first to come runs the transaction of all,
// and then hands the lead to one that waits.
type group struct {
	update func(all func(table) error) error

	mu      sync.Mutex // guards what follows, and lead of every write
	queue   []*write
	running bool // some write has the lead, or was given it
}

// write is one write and whom to tell.
type write struct {
	step func(table) error
	done chan error    // gets the outcome of the transaction; holds 1
	wake chan struct{} // gets a signal along with the lead; holds 1
	lead bool
}

// maxGroup bounds a transaction, so that none of its writes waits for too many others.
const maxGroup = 1000

// do runs step in a transaction and returns once that is on disk. When ctx ends before the transaction has begun, step does
// not run; after that it may have run although an error is returned.
func (g *group) do(ctx context.Context, step func(table) error) error {
	w := &write{step: step, done: make(chan error, 1), wake: make(chan struct{}, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, w)
	if !g.running {
		g.running, w.lead = true, true
		w.wake <- struct{}{}
	}
	g.mu.Unlock()
	select {
	case <-w.wake:
		g.run()
		return <-w.done
	case err := <-w.done:
		return err
	case <-ctx.Done():
		g.leave(w)
		return context.Cause(ctx)
	}
}

// leave takes w out of the queue, and passes on the lead if w was given it. Of a write that runs already, only the outcome is lost.
func (g *group) leave(w *write) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.queue {
		if q == w {
			g.queue = append(g.queue[:i:i], g.queue[i+1:]...)
			break
		}
	}
	if w.lead {
		g.next()
	}
}

// next hands the lead to the first in the queue, if any. It requires mu.
func (g *group) next() {
	if len(g.queue) == 0 {
		g.running = false
		return
	}
	w := g.queue[0]
	w.lead = true
	w.wake <- struct{}{}
}

// errAborted is what the others of a transaction get whose leader panicked.
var errAborted = errors.New("the transaction was aborted by a panic")

// run writes what is in the queue, first of all the caller's, which has the lead.
func (g *group) run() {
	g.mu.Lock()
	batch := g.queue[:min(len(g.queue), maxGroup)]
	g.queue = append([]*write(nil), g.queue[len(batch):]...)
	g.mu.Unlock()
	err := errAborted
	defer func() {
		g.mu.Lock()
		g.next()
		g.mu.Unlock()
		for _, w := range batch {
			w.done <- err
		}
	}()
	err = g.update(func(t table) error {
		if err := t.purge(time.Now(), 2*len(batch)); err != nil {
			return err
		}
		for _, w := range batch {
			if err := w.step(t); err != nil {
				return err
			}
		}
		return nil
	})
}
