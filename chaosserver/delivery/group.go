package delivery

import (
	"context"
	"crypto/sha256"
	"net"
	"sync"
	"time"

	"brownout/chaosserver/journal"
)

// group sends the copies of one delivery at one instant: the connections are made first, then all are written to together.
// Each copy is then sent again by itself where it fails. It holds a slot for each of them.
func (e *Engine) group(s send) {
	out, err := e.prepare(s.occasion, 0, "")
	if err != nil { // New has looked through what can be wrong
		e.slots.give(s.Copies)
		return
	}
	first := e.number(s.id, s.Copies)
	if s.Copies == 1 {
		e.carry(s.occasion, out, e.connect(s.within), place{first, 1, 0, s.due, func() {}})
		return
	}
	var connected, leaving, sent sync.WaitGroup
	release := make(chan struct{})
	connected.Add(s.Copies)
	leaving.Add(s.Copies)
	for i := range s.Copies {
		sent.Go(func() {
			c := e.connect(s.within)
			connected.Done()
			<-release // which comes, since connect ends in time
			e.carry(s.occasion, out, c, place{first + i, i + 1, 0, s.due, leaving.Done})
		})
	}
	connected.Wait()
	// One group at a time, so that nobody else's deliveries come between the copies of this one.
	e.release.Lock()
	close(release)
	leaving.Wait()
	e.release.Unlock()
	sent.Wait()
}

// place says which delivery it is.
type place struct {
	n, copy, retry int
	due            time.Time
	leaves         func() // called before the first byte is written
}

// outgoing is a request made ready.
type outgoing struct {
	*Request
	wire   []byte
	digest [sha256.Size]byte
}

// prepare makes the request of a delivery before which so many failed.
func (e *Engine) prepare(o *occasion, retry int, reason string) (*outgoing, error) {
	r, err := o.sender.Request(o.message(e.target, retry, reason))
	if err != nil {
		return nil, err
	}
	return &outgoing{r, r.bytes(e.target), sha256.Sum256(r.Body)}, nil
}

// connection is a connection, or why there is none.
type connection struct {
	net.Conn
	err error
}

// connect makes a connection in the time that the sender has for an answer.
func (e *Engine) connect(within time.Duration) connection {
	ctx, cancel := context.WithTimeout(e.ctx, within)
	defer cancel()
	c, err := e.target.connect(ctx)
	return connection{c, err}
}

// carry sends one copy, for which it holds a slot, and sends it again while it fails.
func (e *Engine) carry(o *occasion, out *outgoing, c connection, p place) {
	for {
		a := e.send(o, out, c, p)
		e.slots.give(1)
		if !a.failed() || a.stop || p.retry >= len(o.waits) {
			return
		}
		p.due = time.Now().Add(o.waits[p.retry])
		if !wait(e.ctx, o.waits[p.retry]) || !e.slots.take(e.ctx, 1) {
			return
		}
		p.retry, p.leaves = p.retry+1, func() {}
		p.n = e.number(o.id, 1)
		var err error
		if out, err = e.prepare(o, p.retry, a.reason); err != nil { // as in group
			e.slots.give(1)
			return
		}
		c = e.connect(o.within)
	}
}

// send sends one copy, and records it.
func (e *Engine) send(o *occasion, out *outgoing, c connection, p place) answer {
	now := time.Now()
	if c.err != nil && e.ctx.Err() != nil {
		p.leaves()
		return answer{failure: stopped, stop: true} // nothing was sent, and nothing will be
	}
	id := e.ids.Add(1)
	e.record.Delivery(journal.DeliveryRecord{
		ID: id, Entry: o.Index, Event: o.id, N: p.n, Copy: p.copy, Retry: p.retry, Bad: o.bad, Unjudged: o.Unjudged(),
		Path: e.target.path + out.Path, Headers: out.Header, BodySHA256: out.digest, Planned: e.record.At(p.due), Sent: e.record.At(now),
	})
	p.leaves()
	var a answer
	if c.err != nil {
		a.failure, a.reason = "no connection: "+why(c.err), reasonConnect
	} else {
		a = exchange(e.ctx, c.Conn, out.wire, o.within)
	}
	end := journal.DeliveryEnd{ID: id, Done: e.record.At(time.Now()), Status: a.status, Failure: a.failure}
	if !a.written.IsZero() {
		end.Written = e.record.At(a.written)
	}
	if !a.answered.IsZero() {
		end.Answered = e.record.At(a.answered)
	}
	e.record.Delivered(end)
	return a
}
