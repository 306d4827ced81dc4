package chaosserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/plan"
	"brownout/scenarios"
)

// carryOut does what was decided.
func (x *exchange) carryOut() {
	if x.in.Ledger == plan.LedgerFull {
		x.keyFull()
		return
	}
	w := x.s.wires[x.decision.Wire] // nil where there is none
	if w != nil {
		x.record.Wire = w.text
	}
	a := x.ready()
	if why := x.unfit(a, w); why != "" {
		x.cannot(why)
		return
	}
	switch {
	case w == nil:
		x.send(a)
	case w.At == scenarios.AtBeforeHeaders:
		x.strike(w)
	default:
		x.sendStruck(a, w)
	}
}

// ready returns the answer that was decided, made ready.
func (x *exchange) ready() *fault.Answer {
	switch d := &x.decision; {
	case d.Fault >= 0:
		return x.s.answers.faults[d.Fault]
	case d.Limit >= 0:
		return x.s.answers.limits[d.Limit]
	case x.in.Ledger != plan.LedgerNone:
		return x.fromLedger()
	case x.route >= 0:
		return x.s.answers.routes[x.route][d.Entry]
	case x.r.Method == http.MethodConnect:
		return problemAnswer(http.StatusNotImplemented, "this is no proxy, and opens no tunnel to "+x.keepable(x.target.path)+
			"; give the client its address as a base URL")
	case len(x.s.scenario.Routes) > 0:
		return problemAnswer(http.StatusNotFound, "no route matches "+x.r.Method+" "+x.target.path+"; "+x.record.Nearest)
	}
	return x.s.answers.plain
}

// cannot answers an attempt that cannot be played as the scenario says: with a 500 that says why, so that nobody takes
// a missing fault for a healthy upstream.
func (x *exchange) cannot(why string) {
	x.end.Failure, x.record.Wire = why, ""
	x.quotas.tells = false
	x.problem(http.StatusInternalServerError, why)
}

// problem answers with a problem description.
func (x *exchange) problem(status int, detail string) { x.send(problemAnswer(status, detail)) }

// problemAnswer is an answer with a problem description (RFC 9457).
func problemAnswer(status int, detail string) *fault.Answer {
	text, err := json.Marshal(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, detail})
	if err != nil {
		panic(err) // strings and an int always marshal
	}
	return fault.Prepare(&scenarios.Answer{
		Status:  status,
		Headers: []scenarios.Header{{Name: "Content-Type", Value: literal("application/problem+json")}},
		Body:    scenarios.Body{Kind: scenarios.BodyText, Text: literal(string(text) + "\n")},
	})
}

// literal is a template without variables.
func literal(text string) scenarios.Template {
	return scenarios.Template{Text: text, Parts: []scenarios.Part{{Literal: text}}}
}

// send sends an answer, and records the attempt before it and its end behind it.
func (x *exchange) send(a *fault.Answer) {
	now := x.write(a)
	w := &x.written
	out, why := x.outlet(w)
	if why != "" {
		x.cannot(why)
		return
	}
	x.recordAnswer(now)
	x.over = w.Status/100 == 2
	out(x, w)
	x.leaves()
	x.recordEnd(time.Now())
}

// write writes an answer into x.written, as at the instant that it returns.
func (x *exchange) write(a *fault.Answer) time.Time {
	at := &x.answer
	now := time.Now()
	at.Now, at.Head, at.Connection = now, x.r.Method == http.MethodHead, x.connection()
	at.Prefix, at.Fields, at.Asked = "", nil, fault.Asked{}
	if x.quotas.tells {
		x.tellQuotas(now)
	}
	if x.target.id != "" {
		at.Prefix = prefix + x.target.id
	}
	a.Write(at, &x.written)
	if x.s.contents && x.written.Status/100 == 2 {
		x.recordContents(a)
	}
	return now
}

// recordContents records what the client may take for the answer's body.
func (x *exchange) recordContents(a *fault.Answer) {
	for _, c := range a.Contents(&x.answer) {
		x.run.content(journal.Content{Seq: x.record.Seq, At: x.run.at(x.answer.Now), Len: c.Len, SHA256: c.SHA256})
	}
}

// recordAnswer records the attempt with the answer in x.written, as answered from now on.
func (x *exchange) recordAnswer(now time.Time) {
	w, rec := &x.written, &x.record
	rec.Status, rec.RetryAfter = w.Status, w.RetryAfter
	if x.quotas.tells {
		rec.Told = x.quotas.told
	}
	if w.HasDue {
		rec.Due, rec.HasDue = x.run.at(now)+w.Due, true
	}
	x.recordAttempt(now)
}

// outlet returns what sends the answer: a method of the exchange, or why there is none.
func (x *exchange) outlet(w *fault.Written) (func(*exchange, *fault.Written), string) {
	switch {
	case x.c != nil && x.decision.Body > 0:
		return (*exchange).sendPaused, ""
	case x.c != nil:
		return (*exchange).sendWire, ""
	}
	if sendable(w) {
		return (*exchange).sendBare, ""
	}
	if _, ok := x.w.(http.Hijacker); ok {
		return (*exchange).sendTaken, ""
	}
	return nil, "a field of the answer cannot be sent as written by a bare handler; use Start or StartMemory"
}

// leaves says that the last bytes of the answer are about to be sent; see [calls.answering]. It may be called again.
func (x *exchange) leaves() {
	if x.left {
		return
	}
	x.left = true
	x.letGoOfKey()
	if x.quotas.held {
		x.releaseLimits()
	}
	x.run.calls.answering(x.place.call, x.over, x.record.Due, x.record.Sent)
}

// sent notes how much of the answer was sent, and why no more.
func (x *exchange) sent(n int64, err error) {
	x.end.BytesSent, x.end.Whole = n, err == nil
	if err == nil {
		return
	}
	x.end.Closed = x.closer()
	if x.end.Closed == journal.ClosedNot {
		x.end.Failure = err.Error()
	}
	if x.over && x.left {
		x.run.calls.cutShort(x.place.call, x.run.at(time.Now()))
	}
	x.over = false
}

// sendWire writes the answer to our own connection, past net/http.
func (x *exchange) sendWire(w *fault.Written) {
	x.c.answered()
	x.closeBehind(w)
	x.out = append(append(append(x.out[:0], w.Interim...), w.Head...), w.Body...)
	if w.Rest == nil {
		x.leaves()
		n, err := x.c.send(x.out)
		x.sent(int64(n), err)
		return
	}
	x.sent(x.stream(w, x.c.send))
}

// sendPaused writes the answer to our own connection, with the pause between header block and body that was decided.
func (x *exchange) sendPaused(w *fault.Written) {
	x.c.answered()
	x.closeBehind(w)
	x.sent(x.sendParts(x.r.Context(), onWire{x.c}, nil, parts{head: int64(len(w.Head)), body: x.bodySize()}))
}

// closeBehind tells net/http whether the connection ends behind the answer.
func (x *exchange) closeBehind(w *fault.Written) {
	switch {
	case w.Closes && w.Linger > 0 && !x.r.Close:
		x.c.lingerOn(w.Linger)
	case w.Closes && !x.r.Close:
		x.w.Header().Set("Connection", "close") // not sent; it makes net/http close the connection
	}
	if !x.r.ProtoAtLeast(1, 1) {
		x.w.WriteHeader(http.StatusNoContent) // not sent; it lets net/http keep a connection of HTTP/1.0 open
	}
}

// bodySize is how many bytes the body in x.written takes on the wire.
func (x *exchange) bodySize() int64 {
	if x.written.Rest != nil {
		return x.written.Size
	}
	return int64(len(x.written.Body))
}

// stream sends what is in x.out and then the seeded bytes, in pieces.
func (x *exchange) stream(w *fault.Written, send func([]byte) (int, error)) (int64, error) {
	buf := x.s.buffers.Get().(*[]byte)
	defer x.s.buffers.Put(buf)
	n, err := send(x.out)
	total := int64(n)
	for left := w.Size; left > 0 && err == nil; {
		piece := (*buf)[:min(left, int64(len(*buf)))]
		if _, err = io.ReadFull(w.Rest, piece); err != nil {
			return total, err
		}
		left -= int64(len(piece))
		if left == 0 {
			x.leaves()
		}
		n, err = send(piece)
		total += int64(n)
	}
	return total, err
}

// hangUp ends the connection without an answer.
func (x *exchange) hangUp() {
	if x.c != nil {
		x.c.answered()
		_ = x.c.Close()
		return
	}
	if h, ok := x.w.(http.Hijacker); ok {
		if nc, _, err := h.Hijack(); err == nil {
			_ = nc.Close()
		}
	}
}

// connection is the Connection field that the request asks for.
func (x *exchange) connection() string {
	switch {
	case x.r.Close, !x.body.whole && !x.readsOn, x.framedTwice():
		return "close"
	case !x.r.ProtoAtLeast(1, 1):
		return "keep-alive"
	}
	return ""
}

// framedTwice reports whether the request says both how long its body is and that it comes in chunks. Who passed it on may
// have believed the one, and we the other, so that the connection has to end behind the answer (RFC 9112, section 6.1).
// Where its header block was too long to be kept nobody knows, and it ends too.
func (x *exchange) framedTwice() bool {
	if x.c == nil || len(x.r.TransferEncoding) == 0 {
		return false
	}
	fields := x.record.RawHeader
	if fields == nil {
		return true
	}
	for line := range bytes.Lines(fields) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			return true
		}
	}
	return false
}
