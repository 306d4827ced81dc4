package chaosserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
	"brownout/scenarios"
)

// relay takes an answer of the upstream to the client, piece by piece as it comes, with what the scenario lays over it.
type relay struct {
	x   *exchange
	f   *forwarding
	res *proxy.Response
	w   *wire // nil for none
	to  io.Writer
	ctx context.Context // ends with the client

	out     proxy.Outward
	closing bool  // the end of the connection is the end of the body
	cut     int64 // the wire fault strikes behind so much of the content; -1 for none
	slow    int64 // from there on it drips; -1 for no drip
	content int64 // passed on so far
	sent    int64 // bytes on the wire
	drip    *fault.Drip
	sum     hash.Hash // of the content; nil where nobody asks for it
}

// pass passes the final answer on to the client.
func (x *exchange) pass(f *forwarding, res *proxy.Response, w *wire) {
	if w != nil && w.At == scenarios.AtBeforeHeaders {
		x.lose(f, w)
		return
	}
	r := &f.relay
	*r = relay{x: x, f: f, res: res, w: w, cut: -1, slow: -1}
	x.noteUpload(f)
	if res.Status == http.StatusSwitchingProtocols {
		if w != nil || x.decision.Body > 0 {
			x.refuseToPass(f, http.StatusNotImplemented, "the upstream changes to another protocol, of which the scenario's fault has no part to strike")
			return
		}
		x.tunnel(r)
		return
	}
	if why := r.prepare(); why != "" {
		x.refuseToPass(f, http.StatusInternalServerError, why)
		return
	}
	if x.delayed(f) {
		r.run()
	} else {
		x.recordForward(f, "")
	}
}

// lose lets a wire fault strike before anything of the answer is sent.
func (x *exchange) lose(f *forwarding, w *wire) {
	if !x.delayed(f) {
		x.recordForward(f, "")
		return
	}
	f.conn.Close()
	x.stopUpload(f)
	x.noteUpload(f)
	x.recordForward(f, "")
	x.strike(w)
}

// refuseToPass answers in place of the upstream, whose answer cannot be passed on as the scenario says.
func (x *exchange) refuseToPass(f *forwarding, status int, why string) {
	f.conn.Close()
	x.recordForward(f, "")
	x.end.Failure, x.record.Wire = why, ""
	x.quotas.tells = false
	x.problem(status, why)
}

// prepare finds out how the answer goes to the client, and where a wire fault strikes it; or why it cannot.
func (r *relay) prepare() string {
	x, res := r.x, r.res
	r.out = proxy.Outward{Host: x.r.Host, Secure: x.secure(), Connection: x.connection()}
	if x.target.id != "" {
		r.out.Prefix = prefix + x.target.id
	}
	switch {
	case res.Bodiless || res.Length >= 0:
	case x.r.ProtoAtLeast(1, 1):
		r.out.Chunked = true
	default:
		r.closing, r.out.Connection = true, "close"
	}
	if x.c == nil {
		r.out.Connection = "close"
	}
	if r.w == nil {
		return ""
	}
	if why := r.aim(); why != "" {
		return r.w.text + ": " + why
	}
	return ""
}

// aim finds where the wire fault strikes, or says why it cannot.
func (r *relay) aim() string {
	w, res := r.w, r.res
	switch w.At {
	case scenarios.AtIdle:
		if r.out.Connection == "close" {
			return "the connection ends with the answer, so that it is never idle"
		}
	case scenarios.AtBody:
		if res.Bodiless || res.Length == 0 {
			return "the answer has no body"
		}
		if w.After.IsShare && res.Length < 0 && (w.After.Share > 0 || w.Do == scenarios.WireDrip) {
			return "a share of a body is not known where the upstream does not say how long it is"
		}
		n := w.After.Of(max(res.Length, 0))
		if res.Length >= 0 && n >= res.Length {
			return fmt.Sprintf("the body has only %d bytes", res.Length)
		}
		if w.Do == scenarios.WireDrip {
			r.slow = n
		} else {
			r.cut = n
		}
	}
	return ""
}

// recipient is what a relayed answer is written to, and what its wire faults strike.
func (x *exchange) recipient() (victim, error) {
	if x.c == nil {
		return x.victim()
	}
	x.c.answered()
	return onWire{x.c}, nil
}

// run sends the answer.
func (r *relay) run() {
	x, w := r.x, r.w
	target, err := x.recipient()
	if err != nil {
		x.refuseToPass(r.f, http.StatusInternalServerError, err.Error())
		return
	}
	r.to, r.ctx = target, target.gone(x.r.Context())
	now := time.Now()
	r.out.Now = now
	if x.quotas.tells {
		x.tellQuotas(now)
		r.out.Fields = x.answer.Fields
	}
	if x.s.contents && r.res.Status/100 == 2 && r.res.Field("Content-Encoding") == "" { // a client may take what it decodes
		r.sum = sha256.New()
	}
	x.out = r.res.AppendHead(x.out[:0], &r.out)
	head := len(x.out)
	if w != nil && w.At == scenarios.AtHeaders && w.Do != scenarios.WireDrip {
		head = int(w.After.Of(int64(head)))
	}
	x.noteAnswer(r.res, now, head < len(x.out) || w != nil && w.At == scenarios.AtHeaders && w.Do != scenarios.WireDrip)
	cut := head < len(x.out) || r.cut >= 0
	x.over, x.left = !cut && r.res.Status/100 == 2, false
	if x.c != nil && !cut {
		r.keepOrClose()
	}
	if w != nil && w.At == scenarios.AtIdle { // before the answer goes: net/http may be idle before this returns
		x.c.armIdle(w, x.garbage(w))
	}
	switch {
	case head < len(x.out):
		x.out = x.out[:head]
		err = r.write(x.out)
	default:
		err = r.all()
	}
	r.ended(target, cut, err)
}

// keepOrClose tells net/http whether the connection ends behind the answer.
func (r *relay) keepOrClose() {
	x := r.x
	if r.out.Connection == "close" && !x.r.Close {
		x.w.Header().Set("Connection", "close") // not sent; it makes net/http close the connection
	}
	if !x.r.ProtoAtLeast(1, 1) {
		x.w.WriteHeader(http.StatusNoContent) // not sent; it lets net/http keep a connection of HTTP/1.0 open
	}
}

// noteAnswer records the attempt with the upstream's answer, as answered from now on. Where its header block does not go
// whole, the client sees no status.
func (x *exchange) noteAnswer(res *proxy.Response, now time.Time, blind bool) {
	rec := &x.record
	if !blind {
		rec.Status = res.Status
		if x.quotas.tells {
			rec.Told = x.quotas.told
		}
		if v := res.Field("Retry-After"); v != "" {
			rec.RetryAfter = "Retry-After: " + v
			if wait, ok := retryAfterOf(v, now); ok {
				rec.Due, rec.HasDue = x.run.at(now)+wait, true
			}
		}
	}
	x.recordAttempt(now)
}

// retryAfterOf reads the value of a Retry-After field of the upstream, in seconds or as a date by its own clock
// (RFC 9110, section 10.2.3).
func retryAfterOf(value string, now time.Time) (time.Duration, bool) {
	const mostSeconds = 1 << 31
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(n, mostSeconds)) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now.Round(0))), true
	}
	return 0, false
}

// broken is an answer that the upstream did not bring to its end.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

func isBroken(err error) bool {
	var b broken
	return errors.As(err, &b)
}

// brokenBy is how the upstream failed.
func brokenBy(err error) string {
	var b broken
	_ = errors.As(err, &b)
	return b.Error()
}

// errStruck ends a relay where its wire fault strikes.
var errStruck = errors.New("the wire fault strikes")

// all sends the header block, and the content as it comes. It returns errStruck where the wire fault is to strike, and a
// broken where the upstream failed.
func (r *relay) all() error {
	x := r.x
	slowHead := r.w != nil && r.w.At == scenarios.AtHeaders
	pause := x.decision.Body > 0 && !r.res.Bodiless
	if r.cut == 0 || slowHead || pause {
		if err := r.writeHead(slowHead); err != nil {
			return err
		}
	}
	if pause {
		if err := x.clock().Wait(r.ctx, time.Now(), x.decision.Body); err != nil {
			return err
		}
	}
	if r.cut == 0 {
		return errStruck
	}
	buf := x.s.buffers.Get().(*[]byte)
	defer x.s.buffers.Put(buf)
	for {
		whole, err := r.piece(*buf)
		if whole || err != nil {
			return err
		}
	}
}

// writeHead sends the header block, from where a drip at headers begins at its pace.
func (r *relay) writeHead(slowly bool) error {
	head := r.x.out
	if slowly {
		from := min(int(r.w.After.Of(int64(len(head)))), len(head))
		if err := r.write(head[:from]); err != nil {
			return err
		}
		for head = head[from:]; len(head) > 0; {
			n, err := r.pace(int64(len(head)))
			if err != nil {
				return err
			}
			if err := r.write(head[:n]); err != nil {
				return err
			}
			head = head[n:]
		}
	} else if err := r.write(head); err != nil {
		return err
	}
	r.x.out = r.x.out[:0]
	return nil
}

// pace waits until a drip lets more go, and returns how much.
func (r *relay) pace(left int64) (int64, error) {
	if r.drip == nil {
		r.drip = fault.NewDrip(r.w.Rate)
	}
	return r.drip.Next(r.ctx, left)
}

// piece sends what there is of the content, behind the header block where that has not gone yet, and reports whether that was
// the last.
func (r *relay) piece(buf []byte) (whole bool, err error) {
	x := r.x
	room := int64(len(buf) - chunkHead - chunkTail)
	switch {
	case r.cut >= 0:
		room = min(room, r.cut-r.content)
	case r.slow >= 0 && r.content < r.slow:
		room = min(room, r.slow-r.content)
	case r.slow >= 0:
		if err := r.flushHead(); err != nil {
			return false, err
		}
		if room, err = r.pace(room); err != nil {
			return false, err
		}
	}
	var n int
	if into := buf[chunkHead : chunkHead+room]; len(x.out) > 0 {
		n, err = r.res.ReadReady(into)
	} else {
		n, err = r.res.Read(into)
	}
	r.content += int64(n)
	if r.sum != nil {
		r.sum.Write(buf[chunkHead : chunkHead+n])
	}
	end := errors.Is(err, io.EOF)
	if err != nil && !end {
		return false, errors.Join(r.frame(buf, n, false), broken{err})
	}
	if r.cut >= 0 && r.content == r.cut && !(end && r.closing) {
		if err := r.frame(buf, n, false); err != nil {
			return false, err
		}
		return false, errStruck
	}
	if end {
		r.f.received = true
		r.recordContent()
		x.leaves()
	}
	return end, r.frame(buf, n, end)
}

// recordContent records what the client may take for the answer's body, where a check asks for that.
func (r *relay) recordContent() {
	if r.sum == nil {
		return
	}
	c := journal.Content{Seq: r.x.record.Seq, At: r.x.run.at(time.Now()), Len: r.content}
	r.sum.Sum(c.SHA256[:0])
	r.x.run.content(c)
}

// flushHead sends the header block, if it has not gone yet.
func (r *relay) flushHead() error {
	if len(r.x.out) == 0 {
		return nil
	}
	return r.writeHead(false)
}

// frame sends the n bytes of content that stand chunkHead bytes into buf, in the framing of the answer, behind the header
// block where that has not gone yet.
func (r *relay) frame(buf []byte, n int, end bool) error {
	x := r.x
	p := buf[chunkHead : chunkHead+n]
	if r.out.Chunked {
		p = framed16(buf, n)
		if end {
			p = append(append(append(p, "0\r\n"...), r.res.Trailer()...), "\r\n"...)
		}
	}
	if len(x.out) > 0 {
		x.out = append(x.out, p...)
		p = x.out
	}
	if len(p) == 0 {
		return nil
	}
	err := r.write(p)
	x.out = x.out[:0]
	return err
}

func (r *relay) write(p []byte) error {
	n, err := r.to.Write(p)
	r.sent += int64(n)
	return err
}

// ended ends the attempt: with the wire fault, if that strikes, and with the end of the connection where the upstream broke
// off, so that no client takes what it has got for the whole.
func (r *relay) ended(target victim, cut bool, err error) {
	x, f, w := r.x, r.f, r.w
	upstreamFailed := err != nil && isBroken(err) && !x.gone(f)
	struck := errors.Is(err, errStruck) || err == nil && cut && r.cut < 0
	switch {
	case upstreamFailed:
		x.recordForward(f, brokenBy(err))
	default:
		x.recordForward(f, "")
	}
	x.end.BytesSent = r.sent
	switch {
	case struck:
		f.conn.Close()
		x.strikeRelayed(f, target, w)
		return
	case upstreamFailed:
		x.over = false
		x.leaves()
		r.breakOff(target)
		return
	case err == nil && cut: // the answer was whole before the fault could strike
		x.end.Whole = true
		x.end.Failure = fmt.Sprintf("%s: the body has only %d bytes", w.text, r.content)
	case err == nil && r.slow >= 0 && r.content <= r.slow:
		x.sent(r.sent, nil)
		x.end.Failure = fmt.Sprintf("%s: the body has only %d bytes", w.text, r.content)
	case err == nil && w != nil && w.At == scenarios.AtEnd:
		x.sent(r.sent, nil)
		x.strikeRelayed(f, target, w)
		return
	default:
		x.sent(r.sent, err)
	}
	x.leaves()
	x.recordEnd(time.Now())
	if x.c == nil { // the connection was taken from its server
		_ = target.CloseWrite()
		target.linger(x.r.Context())
	}
}

// strikeRelayed lets the wire fault strike.
func (x *exchange) strikeRelayed(f *forwarding, target victim, w *wire) {
	x.stopUpload(f)
	if x.c != nil && !x.body.ended {
		target = sending{onWire{x.c}}
	}
	x.strikeOn(target, w)
}

// breakOff ends the connection of a client whose answer broke off: with a RST where a FIN would look like its end.
func (r *relay) breakOff(target victim) {
	if r.closing {
		_ = target.Reset()
	} else {
		_ = target.CloseWrite()
	}
	x := r.x
	x.end.Closed = target.closer()
	x.recordEnd(time.Now())
	x.stopUpload(r.f)
	if x.c != nil && !x.body.ended {
		target = sending{onWire{x.c}}
	}
	target.linger(x.r.Context())
}
