package chaosserver

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
)

// copyGrace is how long [Server.Close] waits for answers to the copies of requests that are still at the upstream: the client
// that got the first is often gone before the others come, and their statuses are evidence.
const copyGrace = 2 * time.Second

// pending counts what is under way and can be waited for. It may be shared by goroutines.
type pending struct {
	mu    sync.Mutex // guards what follows
	n     int
	empty chan struct{} // closed when n is 0 again; nil where nothing is under way
}

func (p *pending) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; p.n == 1 {
		p.empty = make(chan struct{})
	}
}

func (p *pending) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n--; p.n == 0 {
		close(p.empty)
		p.empty = nil
	}
}

// wait waits until nothing is under way, at most so long.
func (p *pending) wait(most time.Duration) {
	p.mu.Lock()
	empty := p.empty
	p.mu.Unlock()
	if empty == nil {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
}

// askSeveral sends the request to the upstream several times, each on a connection of its own: once all are open. The answer
// to the first is that of the exchange; the others are read in the background, and recorded.
func (x *exchange) askSeveral(f *forwarding) error {
	x.compose(f)
	conns, err := x.connections(x.decision.Copies)
	if err != nil {
		return err
	}
	x.hold(f, conns[0])
	message := slices.Clone(f.message)
	volley := fault.NewVolley(x.decision.CopyAfter)
	for i, c := range conns[1:] {
		k := copied{run: x.run, conn: c, seq: x.record.Seq, n: i + 2, method: x.r.Method, message: message}
		x.s.copies.enter()
		x.s.goroutine(func() {
			defer x.s.copies.leave()
			k.send(x.s.ctx, volley)
		})
	}
	f.sent = time.Now()
	volley.Fire()
	_, err = f.conn.Write(f.message)
	return err
}

// connections returns so many connections to the upstream.
func (x *exchange) connections(n int) ([]*proxy.Conn, error) {
	conns := make([]*proxy.Conn, 0, n)
	for range n {
		c, err := x.s.upstream.Acquire(x.r.Context())
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil, fmt.Errorf("copy %d of the request: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// copied is a further copy of a request.
type copied struct {
	run     *run
	conn    *proxy.Conn
	seq     uint64 // of the attempt
	n       int    // of the copy
	method  string
	message []byte
}

// send sends the copy in its turn, reads its answer, and records both.
func (k *copied) send(ctx context.Context, volley *fault.Volley) {
	stop := context.AfterFunc(ctx, k.conn.Close)
	rec := journal.Forward{Seq: k.seq, Copy: k.n}
	err := volley.Wait(ctx, k.n)
	sent := time.Now()
	if err == nil {
		_, err = k.conn.Write(k.message)
	}
	if err == nil {
		rec.Status, err = k.answer()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		rec.Failure = "it had not answered when the run ended"
	case err != nil:
		rec.Failure = err.Error()
	}
	if stop() && err == nil {
		k.conn.Release(true)
	} else {
		k.conn.Close()
	}
	rec.Sent, rec.Done = k.run.at(sent), k.run.at(time.Now())
	k.run.forward(rec)
}

// answer reads the answer to its end, and returns its status.
func (k *copied) answer() (int, error) {
	for {
		res, err := k.conn.ReadHead(k.method)
		if err != nil {
			return 0, err
		}
		if res.Status/100 == 1 {
			continue
		}
		status := res.Status
		_, err = io.Copy(io.Discard, res)
		return status, err
	}
}
