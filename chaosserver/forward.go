package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
	"brownout/scenarios"
)

// forwarding is the part of an exchange that goes on at the upstream.
type forwarding struct {
	conn     *proxy.Conn
	request  proxy.Request
	message  []byte // the request's header block, and its body where that is known
	upload   *upload
	stop     func() bool // with a bare handler: see letGo
	sent     time.Time   // before the first byte of the request
	awaited  bool        // the delay has been waited for
	waits    bool        // the client awaits leave to send its body
	status   int         // of the final answer; 0 before it
	received bool        // the answer came whole
	noted    bool        // the end of the upload is noted
	relay    relay       // of the final answer
}

// serveProxied carries the attempt through where there is an upstream behind the scenario.
func (x *exchange) serveProxied() {
	x.read = time.Now()
	x.startBody()
	var err error
	if x.readsFirst() {
		err = x.receiveRest()
	}
	x.unread = !x.body.ended && err == nil
	x.identify()
	defer x.finish()
	switch {
	case err != nil:
		x.refuseBody(err)
		return
	case x.c != nil && x.r.ProtoMajor != 1:
		x.refuseHTTP2()
		return
	case x.c == nil && x.run.plan.StrikesConnections():
		x.cannot("the scenario has a fault of connections: " + needsListener)
		return
	case x.c == nil && len(x.s.scenario.Server.Hosts) > 1:
		x.cannot("the scenario has several hosts: " + manyHosts)
		return
	case x.c == nil && x.s.ahead:
		x.cannot("the scenario has a fault at request-body, or an early answer: " + needsListener)
		return
	}
	if err := x.decide(); err != nil {
		x.undecided(err)
		return
	}
	if !x.decision.Forward {
		x.carryOutAhead()
		return
	}
	x.forward()
	if x.c != nil && !x.body.ended { // nobody reads what the client still sends
		_ = x.c.CloseWrite()
		x.c.readOut()
	}
}

// readsFirst reports whether the request's body is to be read before the attempt is decided about: where something looks
// into it, where it has come already, and where it is short and nothing but its hash names the call. A client that awaits
// leave to send it gets that from the upstream.
func (x *exchange) readsFirst() bool {
	length := x.r.ContentLength
	switch {
	case x.body.ended, x.s.looks, x.c == nil:
		return true
	case x.s.ahead, length < 0, length > int64(x.s.config.maxBody), x.expects():
		return false
	}
	return !x.isNamed() || x.c.hasCome(length)
}

// expects reports whether the client awaits leave to send its body.
func (x *exchange) expects() bool {
	return !x.body.ended && strings.EqualFold(x.r.Header.Get("Expect"), "100-continue")
}

// isNamed reports whether something else than its print names the call; see nameOf.
func (x *exchange) isNamed() bool {
	id := &x.s.scenario.Identity
	return x.target.id != "" || id.By == "path" || id.By == "header" && x.r.Header.Get(id.Header) != ""
}

// forward lets the upstream answer.
func (x *exchange) forward() {
	w := x.s.wires[x.decision.Wire]
	if w != nil && w.At == scenarios.AtRequestBody && w.Do != scenarios.WireDrip {
		x.strikeUpload(w)
		return
	}
	if x.decision.Copies > 0 && !x.body.ended {
		if err := x.receiveRest(); err != nil {
			x.refuseBody(err)
			return
		}
	}
	if why := x.unforwardable(w); why != "" {
		x.cannot(why)
		return
	}
	if x.r.Method == http.MethodConnect {
		x.problem(http.StatusNotImplemented, "CONNECT is not forwarded: the upstream is "+x.s.upstream.String()+" for every request")
		return
	}
	f := x.forwarding()
	defer x.forwarded(f)
	if err := x.ask(f); err != nil {
		x.unanswered(f, err)
		return
	}
	x.await(f, w)
}

// unforwardable says why an attempt cannot go to the upstream as the scenario says; "" where it can.
func (x *exchange) unforwardable(w *wire) string {
	switch {
	case x.body.ended && x.body.len > int64(len(x.body.kept)):
		return x.tooLong()
	case w != nil && w.At == scenarios.AtIdle && x.c == nil:
		return w.text + ": " + needsListener
	case x.decision.Copies > 0 && proxy.UpgradeOf(x.r.Header) != "":
		return "duplicate: a request for another protocol cannot be sent twice"
	}
	return ""
}

// tooLong says why a body has to be kept whole that cannot.
func (x *exchange) tooLong() string {
	limit := fmt.Sprintf("the request's body has more than %d bytes", x.s.config.maxBody)
	switch {
	case x.decision.Copies > 0:
		return "duplicate: " + limit + ", and is kept whole to be sent again: let the fault strike shorter ones, or set WithMaxBody"
	case x.s.looks:
		return limit + ", and is kept whole since the scenario looks into bodies: match by method, path or header, or set WithMaxBody"
	}
	return limit + ", and is kept whole by a bare handler: use Start or StartMemory"
}

// forwarding begins the part of the exchange that goes on at the upstream.
func (x *exchange) forwarding() *forwarding {
	if x.fwd == nil {
		x.fwd = new(forwarding)
	}
	f := x.fwd
	*f = forwarding{message: f.message[:0]}
	f.request = proxy.Request{
		Method: x.r.Method, Target: originForm(x.target), Host: x.r.Host, Raw: x.record.RawHeader, Header: x.r.Header,
		Length: x.r.ContentLength, Client: x.host(), Secure: x.secure(), Upgrade: proxy.UpgradeOf(x.r.Header),
	}
	if x.body.ended && x.r.ContentLength >= 0 {
		f.request.Length = x.body.len
	}
	return f
}

// secure reports whether the client came over TLS.
func (x *exchange) secure() bool { return x.r.TLS != nil || x.c != nil && x.c.secure != nil }

// originForm is the path and query of a target, whatever host it names.
func originForm(t target) string {
	if t.whole == "*" {
		return "*"
	}
	at := strings.Index(t.whole, t.path)
	if i := strings.Index(t.whole, "://"); i >= 0 && !strings.HasPrefix(t.whole, "/") {
		host := t.whole[i+3:]
		at = strings.IndexAny(host, "/?")
		if at < 0 {
			return "/"
		}
		if host[at] == '?' {
			return "/" + host[at:]
		}
		return host[at:]
	}
	return t.whole[max(at, 0):]
}

// ask sends the request to the upstream. A body that has not come goes in a goroutine of its own.
func (x *exchange) ask(f *forwarding) error {
	if x.s.upstream.Looped(x.r.Header.Values("Via")) {
		return errLoop
	}
	if x.decision.Copies > 0 {
		return x.askSeveral(f)
	}
	conn, err := x.s.upstream.Acquire(x.r.Context())
	if err != nil {
		return err
	}
	x.hold(f, conn)
	f.waits = x.expects()
	f.request.Expect = f.waits
	x.compose(f)
	f.sent = time.Now()
	if _, err := conn.Write(f.message); err != nil {
		return err
	}
	if !x.body.ended && !f.waits {
		x.startUpload(f)
	}
	return nil
}

// hold makes a connection that of the exchange: it ends when the client does.
func (x *exchange) hold(f *forwarding, conn *proxy.Conn) {
	f.conn = conn
	if x.c != nil {
		x.c.endsToo(conn)
	} else {
		f.stop = context.AfterFunc(x.r.Context(), conn.Close)
	}
}

// letGo takes back that the connection to the upstream ends with the client's, and reports whether that has not ended.
func (x *exchange) letGo(f *forwarding) bool {
	if x.c != nil {
		return x.c.endsAlone()
	}
	return f.stop()
}

// compose writes the request: its header block, and its body where that has come.
func (x *exchange) compose(f *forwarding) {
	f.message = x.s.upstream.AppendHead(f.message[:0], &f.request)
	switch {
	case !x.body.ended:
	case f.request.Length >= 0:
		f.message = append(f.message, x.body.kept...)
	default:
		if len(x.body.kept) > 0 {
			f.message = fmt.Appendf(f.message, "%x\r\n", len(x.body.kept))
			f.message = append(append(f.message, x.body.kept...), "\r\n"...)
		}
		f.message = appendLastChunk(f.message, x.r.Trailer)
	}
}

// expectFor is how long a client that awaits leave to send its body is left without, where the upstream says nothing: it
// may not know the expectation (RFC 9110, section 10.1.1).
const expectFor = time.Second

// await reads what the upstream answers, up to the final answer, and passes it on.
func (x *exchange) await(f *forwarding, w *wire) {
	patience := x.s.config.upstream.AnswerTimeout
	if patience > 0 {
		f.conn.SetAnswerDeadline(f.sent.Add(patience))
	}
	if f.waits {
		f.conn.SetAnswerDeadline(f.sent.Add(expectFor))
	}
	for {
		res, err := f.conn.ReadHead(x.r.Method)
		switch {
		case err != nil && f.waits && proxy.TimedOut(err):
			x.letUpload(f)
			f.conn.SetAnswerDeadline(end(f.sent, patience))
		case err != nil:
			x.unanswered(f, err)
			return
		case res.Status == http.StatusContinue:
			if f.waits {
				x.letUpload(f)
				f.conn.SetAnswerDeadline(end(f.sent, patience))
			}
		case res.Status/100 == 1 && res.Status != http.StatusSwitchingProtocols:
			if !x.passInterim(f, res, w) {
				return
			}
		default:
			if patience > 0 || f.waits {
				f.conn.SetAnswerDeadline(time.Time{})
			}
			f.status = res.Status
			x.pass(f, res, w)
			return
		}
	}
}

// end is the end of a bound; the zero time for none.
func end(since time.Time, bound time.Duration) time.Time {
	if bound <= 0 {
		return time.Time{}
	}
	return since.Add(bound)
}

// letUpload gives the client leave to send its body.
func (x *exchange) letUpload(f *forwarding) {
	f.waits = false
	x.w.WriteHeader(http.StatusContinue)
	x.startUpload(f)
}

// passInterim passes an interim answer on, but to a client of HTTP/1.0 (RFC 9110, section 15.2) and where nothing is to be
// sent. It reports false where the client has gone.
func (x *exchange) passInterim(f *forwarding, res *proxy.Response, w *wire) bool {
	if w != nil && w.At == scenarios.AtBeforeHeaders || x.c == nil || !x.r.ProtoAtLeast(1, 1) {
		return true
	}
	if !x.delayed(f) {
		return false
	}
	x.out = res.AppendHead(x.out[:0], &proxy.Outward{})
	_, _ = x.c.send(x.out) // a client that has gone is met again by what follows
	return true
}

// delayed waits out the delay, once, from now on. It reports false where the client, or the server's end, cut it short,
// which is then recorded.
func (x *exchange) delayed(f *forwarding) bool {
	if f.awaited {
		return true
	}
	f.awaited = true
	if d := x.decision.Delay; d > 0 && x.clock().Wait(x.r.Context(), time.Now(), d) != nil {
		x.noteUpload(f)
		x.gaveUp()
		return false
	}
	return true
}

// gone reports whether the client, or the end of the server, has ended the exchange, so that nothing that fails is the
// upstream's fault.
func (x *exchange) gone(f *forwarding) bool {
	return x.r.Context().Err() != nil || x.closer() != journal.ClosedNot || f.upload != nil && f.upload.broke()
}

// unanswered ends an attempt that the upstream gave no answer to.
func (x *exchange) unanswered(f *forwarding, err error) {
	x.noteUpload(f)
	if f.upload != nil && f.upload.readErr != nil {
		x.recordForward(f, "")
		x.refuseBody(f.upload.readErr)
		return
	}
	if x.gone(f) {
		x.recordForward(f, "")
		x.gaveUp()
		return
	}
	x.recordForward(f, err.Error())
	status := http.StatusBadGateway
	switch {
	case proxy.TimedOut(err), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	case errors.Is(err, errLoop):
		status = http.StatusLoopDetected
	}
	x.record.Wire = ""
	x.problem(status, "the upstream "+x.s.upstream.String()+" gave no answer: "+err.Error())
}

// recordForward records the request to the upstream, which has ended.
func (x *exchange) recordForward(f *forwarding, failure string) {
	now := time.Now()
	if f.sent.IsZero() {
		f.sent = now
	}
	x.run.forward(journal.Forward{
		Seq: x.record.Seq, Copy: 1, Sent: x.run.at(f.sent), Done: x.run.at(now), Status: f.status, Failure: failure,
	})
}

// forwarded lets go of what the exchange had at the upstream.
func (x *exchange) forwarded(f *forwarding) {
	sent := true
	if u := f.upload; u != nil {
		if !f.received {
			f.conn.Close()
			x.stopUpload(f)
		}
		<-u.done
		sent = u.sent()
		if !f.noted && sent {
			x.requestEnds(x.r.ContentLength)
		}
	}
	if c := f.conn; c != nil {
		if x.letGo(f) && f.received {
			c.Release(sent)
		} else {
			c.Close()
		}
	}
	f.request, f.upload, f.conn, f.stop = proxy.Request{}, nil, nil, nil
	if cap(f.message) > keptBuffer {
		f.message = nil
	}
}
