package chaosserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// onWire is a connection of ours as a wire fault sees it: what is written goes past net/http.
type onWire struct{ *conn }

func (w onWire) Write(p []byte) (int, error) { return w.send(p) }

// gone ends when the client has ended the connection, or the server is closed.
func (onWire) gone(request context.Context) context.Context { return request }

// sending is a connection on which the client still sends its request, which nobody reads.
type sending struct{ onWire }

func (s sending) linger(context.Context) { s.readOut() }

// unfit says why an answer cannot be sent to the client as the scenario says; "" where it can.
func (x *exchange) unfit(a *fault.Answer, w *wire) string {
	if what := a.NeedsHTTP11(); what != "" && !x.r.ProtoAtLeast(1, 1) {
		return what + " cannot be sent to a client of " + x.r.Proto
	}
	if w != nil && w.At == scenarios.AtIdle && x.c == nil {
		return w.text + ": " + needsListener
	}
	return ""
}

// strike carries out a wire fault that leaves no answer.
func (x *exchange) strike(w *wire) {
	target, err := x.victim()
	if err != nil {
		x.cannot(w.text + ": " + err.Error())
		return
	}
	x.record.Wire = w.text
	x.over, x.left = false, false
	x.recordAttempt(time.Now())
	x.strikeOn(target, w)
}

// strikeOn lets a wire fault strike the connection, and records the end of the attempt.
func (x *exchange) strikeOn(target victim, w *wire) {
	if w.Do != scenarios.WireStall { // else the attempt is under way until the client gives it up
		x.leaves()
	}
	ctx := target.gone(x.r.Context())
	err := w.strike(ctx, fault.Strike{Conn: target, Garbage: x.garbage(w)})
	x.leaves()
	x.end.Closed = target.closer()
	if err != nil && !errors.Is(err, net.ErrClosed) && !x.clientFirst() { // else the connection had ended before
		x.end.Failure = w.text + ": " + err.Error()
	}
	x.recordEnd(time.Now())
	target.linger(x.r.Context())
}

// clientFirst reports whether the client has ended the connection.
func (x *exchange) clientFirst() bool {
	return x.end.Closed == journal.ClosedByClientFIN || x.end.Closed == journal.ClosedByClientRST
}

// garbage returns what makes the bytes of garbage: those of an attempt are the same each time it is played.
func (x *exchange) garbage(w *wire) func() io.Reader {
	route, call := x.route, x.record.CallNo
	plan := x.run.plan
	return func() io.Reader {
		if w.Bytes.Text != "" {
			return bytes.NewReader([]byte(w.Bytes.Text))
		}
		size := w.Bytes.Size
		if size == 0 {
			size = scenarios.DefaultGarbage
		}
		b := plan.Body(route, call, size)
		return &b
	}
}

// parts is how much of an answer goes over the wire, in bytes, and which of them go slowly.
type parts struct {
	head, body       int64
	slowFrom, slowTo int64 // counted from the first byte of all
}

// partsOf returns how much of the answer in x.written goes where a wire fault strikes it, or why the fault cannot strike.
func (x *exchange) partsOf(w *wire) (parts, string) {
	a := &x.written
	p := parts{head: int64(len(a.Head)), body: x.bodySize()}
	before := int64(len(a.Interim))
	switch w.At {
	case scenarios.AtHeaders:
		n := w.After.Of(p.head)
		switch {
		case n >= p.head:
			return p, fmt.Sprintf("the header block has only %d bytes", p.head)
		case w.Do == scenarios.WireDrip:
			p.slowFrom, p.slowTo = before+n, before+p.head
		default:
			p.head, p.body = n, 0
		}
	case scenarios.AtBody:
		n := w.After.Of(a.Content)
		switch {
		case a.Content <= 0:
			return p, "the answer has no body"
		case n > a.Content || n == a.Content && (a.Offset(n) == p.body || w.Do == scenarios.WireDrip):
			return p, fmt.Sprintf("the body has only %d bytes", a.Content)
		case w.Do == scenarios.WireDrip:
			p.slowFrom, p.slowTo = before+p.head+a.Offset(n), before+p.head+p.body
		default:
			p.body = a.Offset(n)
		}
	case scenarios.AtIdle:
		if a.Closes {
			return p, "the connection ends with the answer, so that it is never idle"
		}
	}
	return p, ""
}

// sendStruck sends an answer that a wire fault strikes from its header block on.
func (x *exchange) sendStruck(a *fault.Answer, w *wire) {
	now := x.write(a)
	p, why := x.partsOf(w)
	if why != "" {
		x.cannot(w.text + ": " + why)
		return
	}
	target, err := x.victim()
	if err != nil {
		x.cannot(w.text + ": " + err.Error())
		return
	}
	whole := p.head == int64(len(x.written.Head))
	if whole {
		x.recordAnswer(now)
	} else {
		x.recordAttempt(now) // the client sees no status
	}
	cut := !whole || p.body < x.bodySize()
	x.over, x.left = !cut && x.written.Status/100 == 2, false
	if x.c != nil && !cut {
		x.closeBehind(&x.written)
	}
	if w.At == scenarios.AtIdle { // before the answer goes: net/http may be idle before this returns
		x.c.armIdle(w, x.garbage(w))
	}
	n, err := x.sendParts(target.gone(x.r.Context()), target, w, p)
	switch {
	case err != nil:
		x.sent(n, err)
	case cut:
		x.end.BytesSent = n
		x.strikeOn(target, w)
		return
	default:
		x.sent(n, nil)
		if w.At == scenarios.AtEnd {
			x.strikeOn(target, w)
			return
		}
	}
	x.leaves()
	x.recordEnd(time.Now())
	if x.c == nil { // the connection was taken from its server
		_ = target.CloseWrite()
		target.linger(x.r.Context())
	}
}

// sendParts sends so much of the answer in x.written, with the pause between header block and body that was decided, and
// at the pace of a drip. The wire fault is nil for none.
func (x *exchange) sendParts(ctx context.Context, to io.Writer, w *wire, p parts) (int64, error) {
	a := &x.written
	s := sender{x: x, ctx: ctx, to: to, parts: p, total: int64(len(a.Interim)) + p.head + p.body}
	s.stall = w != nil && w.Do == scenarios.WireStall
	if w != nil {
		s.rate = w.Rate
	}
	x.out = append(append(x.out[:0], a.Interim...), a.Head[:p.head]...)
	if err := s.send(x.out); err != nil || p.head < int64(len(a.Head)) {
		return s.sent, err
	}
	if x.decision.Body > 0 && a.Content >= 0 {
		if err := x.clock().Wait(ctx, time.Now(), x.decision.Body); err != nil {
			return s.sent, err
		}
	}
	if a.Rest == nil {
		err := s.send(a.Body[:p.body])
		return s.sent, err
	}
	buf := x.s.buffers.Get().(*[]byte)
	defer x.s.buffers.Put(buf)
	for left := p.body; left > 0; {
		piece := (*buf)[:min(left, int64(len(*buf)))]
		if _, err := io.ReadFull(a.Rest, piece); err != nil {
			return s.sent, err
		}
		left -= int64(len(piece))
		if err := s.send(piece); err != nil {
			return s.sent, err
		}
	}
	return s.sent, nil
}

// sender sends the bytes of one answer, some of them slowly.
type sender struct {
	x   *exchange
	ctx context.Context
	to  io.Writer
	parts
	rate        int64 // of the slow ones
	drip        *fault.Drip
	sent, total int64
	stall       bool // the last of them are not the end of the attempt
}

func (s *sender) send(p []byte) error {
	for len(p) > 0 {
		n := int64(len(p))
		switch {
		case s.sent < s.slowFrom:
			n = min(n, s.slowFrom-s.sent)
		case s.sent < s.slowTo:
			if s.drip == nil {
				s.drip = fault.NewDrip(s.rate)
			}
			var err error
			if n, err = s.drip.Next(s.ctx, min(n, s.slowTo-s.sent)); err != nil {
				return err
			}
		}
		if s.sent+n == s.total && !s.stall {
			s.x.leaves()
		}
		k, err := s.to.Write(p[:n])
		s.sent += int64(k)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// serveLate records a request that came on a connection behind the answer that was said to be its last, or behind the end
// that a fault had given it. It gets no answer.
func (x *exchange) serveLate(run *run, c *conn, w http.ResponseWriter, r *http.Request) {
	x.begin(run, c, w, r)
	defer x.forget()
	_ = x.receive() // whether it was whole is in the record
	x.identify()
	defer x.finish()
	x.record.Reason = "behind the end of its connection"
	x.over, x.left = false, false
	x.recordAttempt(time.Now())
	x.leaves()
	_ = c.sayEnd()
	c.answered()
	w.Header().Set("Connection", "close") // not sent; it makes net/http read no further
	x.end.Closed = c.closer()
	x.recordEnd(time.Now())
	onWire{c}.linger(r.Context())
}
