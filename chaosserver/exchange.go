package chaosserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/ledger"
	"brownout/chaosserver/plan"
	"brownout/chaosserver/quota"
)

// exchange is one attempt, from its request to the end of its answer. It is used again for the next attempt on its
// connection, so that its buffers are.
type exchange struct {
	s *Server

	run    *run
	c      *conn // nil where the request came past our own listener
	w      http.ResponseWriter
	r      *http.Request
	target target
	route  int // -1: none
	vars   []pathVar
	kase   int // index of the case that the path names; -1: none
	place  arrival
	body   received
	quotas limiting
	read   time.Time // the request was read

	id     ledger.ID     // of the attempt's key, where the route has one
	claims bool          // the attempt has claimed the key
	waited time.Time     // until when it waited for another with the key; zero where it did not
	values ledger.Answer // whose values the answer's templates take

	in       plan.Input
	decision plan.Decision
	record   journal.AttemptRecord
	end      journal.EndRecord
	answer   fault.Attempt
	written  fault.Written
	out      []byte
	over     bool // what is sent is a 2xx, and nothing has cut it short
	readsOn  bool // the rest of the request's body is read behind the answer
	left     bool // its last bytes have been left to the kernel
	unread   bool // it was decided about before its body was read

	fwd *forwarding // the part of it that goes on at an upstream; nil before there is one

	authorization, authorized string // the client's name by an Authorization, made once
	addr, addrHost            string // the host of an address, found once
}

func newExchange(s *Server) *exchange {
	x := &exchange{s: s}
	x.in.Header = func(name string) []string { return x.r.Header.Values(name) }
	x.answer.Var = x.variable
	x.answer.Bytes = x.seeded
	return x
}

// ServeHTTP plays the scenario for one attempt.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c := connOf(s, r); c != nil {
		run := s.run.Load() // before the look at the connection, which is in its record if it has not ended then
		told, how := c.standing()
		if how != journal.ClosedNot {
			run = s.runOfEnd(c)
		}
		if !told && byUs(how) { // the request had come before the end: as far as the client can tell it was never attempted
			c.answered()
			w.Header().Set("Connection", "close") // not sent; it makes net/http read no further
			return
		}
		if c.x == nil {
			c.x = newExchange(s)
		}
		if told {
			c.x.serveLate(run, c, w, r)
		} else {
			c.x.serve(run, c, w, r)
		}
		return
	}
	run := s.run.Load()
	if run == nil {
		http.Error(w, errNotStarted.Error(), http.StatusInternalServerError)
		return
	}
	x := s.bare.Get().(*exchange)
	x.serve(run, nil, w, r)
	s.bare.Put(x)
}

// serve carries the attempt through.
func (x *exchange) serve(run *run, c *conn, w http.ResponseWriter, r *http.Request) {
	x.begin(run, c, w, r)
	defer x.forget()
	if x.s.upstream != nil {
		x.serveProxied()
		return
	}
	if x.s.ahead {
		x.serveAhead()
		return
	}
	err := x.receive()
	x.identify()
	defer x.finish()
	switch {
	case err != nil:
		x.refuseBody(err)
	case c != nil && r.ProtoMajor != 1:
		x.refuseHTTP2()
	case c == nil && x.run.plan.StrikesConnections():
		x.cannot("the scenario has a fault of connections: " + needsListener)
	case c == nil && len(x.s.scenario.Server.Hosts) > 1:
		x.cannot("the scenario has several hosts: " + manyHosts)
	default:
		if err := x.decide(); err != nil {
			x.undecided(err)
		} else if x.commit(); x.wait() {
			x.carryOut()
		}
	}
}

// refuseHTTP2 answers what begins a connection of HTTP/2.
func (x *exchange) refuseHTTP2() {
	x.record.Reason = "HTTP/2 is not spoken"
	x.problem(http.StatusHTTPVersionNotSupported, "HTTP/2 is not spoken here; let the client speak HTTP/1.1")
}

// undecided ends an attempt that could not be decided about: the error is that of decide.
func (x *exchange) undecided(err error) {
	if errors.Is(err, errLeft) {
		x.gaveUp()
	} else {
		x.refuseBody(err)
	}
}

// finish lets go of the call. Should the server itself have failed, it records that first, since net/http would only end
// the connection.
func (x *exchange) finish() {
	failure := recover()
	if failure != nil {
		x.end.Failure = fmt.Sprintf("the server failed: %v", failure)
		if x.record.Sent == 0 {
			x.recordAttempt(time.Now())
		}
		x.over = false
		x.leaves()
		x.recordEnd(time.Now())
	}
	x.run.calls.done(x.place.call)
	if failure != nil {
		panic(failure)
	}
}

// begin takes the request up, for a run.
func (x *exchange) begin(run *run, c *conn, w http.ResponseWriter, r *http.Request) {
	x.run, x.c, x.w, x.r = run, c, w, r
	x.target = parseTarget(r)
	rec := &x.record // which is empty
	rec.Method, rec.Target, rec.Host, rec.Header, rec.Entry = r.Method, x.target.whole, r.Host, r.Header, -1
	if c == nil {
		rec.First = x.run.at(time.Now())
	} else {
		var first time.Time
		rec.Conn = c.id
		rec.ConnRequest, first, rec.RawHeader = c.take(r.Method, r.RequestURI)
		rec.First = x.run.at(first)
		if len(r.TransferEncoding) > 0 {
			c.inChunks()
		}
	}
	x.end = journal.EndRecord{}
	x.over, x.left, x.readsOn, x.claims, x.unread = false, false, false, false, false
	x.waited = time.Time{}
	x.quotas.tells, x.quotas.held = false, false
	if x.s.delivers {
		x.run.attemptBegins()
	}
}

// forget lets go of what belongs to the request: an idle connection keeps no text that its client sent, of which a single
// one may hold the whole header block in memory.
func (x *exchange) forget() {
	if x.s.delivers {
		x.run.attemptEnds()
	}
	x.w, x.r, x.vars, x.place.call = nil, nil, nil, nil
	x.target, x.record = target{}, journal.AttemptRecord{}
	x.in.Method, x.in.Path, x.in.Client, x.in.Body = "", "", "", nil
	x.answer.Now, x.answer.Prefix = time.Time{}, ""
	x.written.Release(keptBuffer)
	x.quotas.forget()
	x.body.release()
	if cap(x.out) > keptBuffer {
		x.out = nil
	}
}

// keptBuffer is the most that an idle connection keeps of each of its buffers.
const keptBuffer = 4 << 10

// identify finds the route and the call, and numbers the attempt.
func (x *exchange) identify() {
	x.route, x.vars = x.s.router.find(request{x.r.Method, x.target.path, x.r.Header, x.body.kept, x.hostName()})
	now := x.run.at(x.read)
	unknown := x.findCase()
	name, number, named := x.nameOf()
	if named {
		x.place = x.run.calls.arriveNamed(name, number, x.route, x.c, now)
	} else {
		x.place = x.run.calls.arrive(print{x.keepable(x.r.Method), x.keepable(x.target.whole), x.printOfBody(), x.hostName()}, x.route, x.c, now)
		// Of a body that broke off nobody knows which call's it would have been.
		x.place.ambiguous = x.place.ambiguous || !x.body.whole && !x.unread
	}
	if x.place.dropped {
		x.run.drop(now, "a live call left its table")
	}
	call := x.place.call
	rec := &x.record
	rec.Seq = x.run.seq.Add(1)
	rec.Call, rec.CallNo, rec.Naming = call.key.name, call.no, call.key.by
	rec.N, rec.Nth, rec.Ambiguous = x.place.n, x.place.nth, x.place.ambiguous
	x.values = ledger.Answer{Call: rec.CallNo, Attempt: rec.N, Nth: rec.Nth}
	rec.Client = x.clientOf()
	if x.route >= 0 {
		rec.Route = x.s.scenario.Routes[x.route].Name
		if event, ok := x.pathVar("event"); ok {
			rec.Event = x.keepable(event)
		}
	} else if unknown != "" {
		rec.Nearest = unknown
	} else if x.s.upstream == nil {
		rec.Nearest = nearest(x.s.scenario.Routes, request{method: x.r.Method, path: x.target.path, host: x.hostName()})
	}
}

// decide asks the plan, in its two steps, and between them what stands behind the gateway. The error is that of reading the
// request's body, which the ledger may need, or errLeft.
func (x *exchange) decide() error {
	call, rec, d := x.place.call, &x.record, &x.decision
	in := &x.in
	in.Route, in.Call, in.Nth = x.route, call.no, x.place.nth
	in.Attempt, in.Arrival, in.ConnRequest = rec.N, x.place.ordinal, rec.ConnRequest
	in.Elapsed = x.run.elapsed(rec.First)
	in.Method, in.Path, in.Client, in.Body, in.Host = x.r.Method, x.target.path, rec.Client, x.body.kept, x.hostName()

	in.Case = x.caseIndex(call.no)

	x.run.plan.Gateway(in, d)
	if d.Phase >= 0 {
		rec.Phase = x.s.scenario.Phases[d.Phase].Name
	}
	rec.Drawn, rec.Applied = d.Drawn, d.Applied
	if x.unread && x.comparesBodies() {
		if err := x.receiveAs(x.s.wires[d.Wire]); err != nil {
			return err
		}
	}
	answered, guard := x.turn(call, in.Case)
	in.Refused = 0
	if d.Fault < 0 && len(x.s.limits) > 0 {
		x.askLimits()
	}
	for x.askLedger() {
		guard.Unlock()
		if err := x.awaitKey(); err != nil {
			return err
		}
		answered, guard = x.turn(call, in.Case)
	}
	in.Entries = *answered
	x.run.plan.Behind(in, d)
	if d.Entry >= 0 {
		*answered++
	}
	guard.Unlock()
	rec.Entry, rec.Reason, rec.Delay, rec.Applied = d.Entry, d.Reason, d.Delay, d.Applied
	x.quotas.tells = x.quotas.tells || d.Answer.Quota != nil
	rec.Ledger = ledgerSaid(d, in.Ledger)
	return nil
}

// began is when the server began with the attempt: at the end of its request, unless another with its key had to end first.
func (x *exchange) began() time.Time {
	if x.waited.IsZero() {
		return x.read
	}
	return x.waited
}

// wait waits out the delay, counted from when the server began with the attempt, and then until the answer's gate opens. It reports false where the client, or the server's
// end, cut it short, which is then recorded.
func (x *exchange) wait() bool {
	d := &x.decision
	if d.Delay > 0 && x.clock().Wait(x.r.Context(), x.began(), d.Delay) != nil {
		x.gaveUp()
		return false
	}
	if d.Answer.Hold != nil && x.run.gates.of(d.Answer).wait(x.r.Context()) != nil {
		x.gaveUp()
		return false
	}
	return true
}

// clock is what delays are waited out by.
func (x *exchange) clock() *fault.Clock {
	if x.c == nil {
		return nil // a bare handler is there before the server has a clock
	}
	return x.s.clock
}

// hostName is the name of the host that the attempt came to. A bare handler is the first.
func (x *exchange) hostName() string {
	if x.c != nil {
		return x.c.port.host
	}
	if hosts := x.s.scenario.Server.Hosts; len(hosts) > 0 {
		return hosts[0]
	}
	return ""
}

// gaveUp records an attempt that its client gave up before it was answered, or whose connection was reset when its port was
// closed.
func (x *exchange) gaveUp() {
	if x.c != nil {
		if f := x.c.refusal(); f >= 0 {
			x.refusedBy(f)
		}
	}
	x.recordAttempt(time.Now())
	x.leaves()
	x.end.Closed = x.closer()
	if x.end.Closed == journal.ClosedNot {
		x.end.Closed = journal.ClosedByClientFIN // past our own listener nobody can tell how
		if x.s.ctx.Err() != nil {
			x.end.Closed = journal.ClosedByServerFIN // Close, which has not come to this connection yet
		}
	}
	x.hangUp()
	x.recordEnd(time.Now())
}

// refusedBy notes the fault that reset the connection when it closed the port.
func (x *exchange) refusedBy(f int) {
	rec, wire := &x.record, x.s.wires[x.s.scenario.Faults[f].Answer.Wire]
	rec.Drawn, rec.Applied = append([]int{f}, rec.Drawn...), append([]int{f}, rec.Applied...) // it goes before all others
	rec.Reason, rec.Wire, rec.Entry = x.run.plan.Reason(f), wire.text, -1
}

// recordAttempt records the attempt, as answered from now on.
func (x *exchange) recordAttempt(now time.Time) {
	x.record.Sent = x.run.at(now)
	x.run.attempt(&x.record)
}

// recordEnd records the end of the attempt.
func (x *exchange) recordEnd(now time.Time) {
	x.end.Seq, x.end.Done = x.record.Seq, x.run.at(now)
	x.run.end(&x.end)
}

// closer tells who ended the connection.
func (x *exchange) closer() journal.Closer {
	if x.c == nil {
		return journal.ClosedNot
	}
	return x.c.closer()
}

// variable is the value of a template's variable.
func (x *exchange) variable(name string) string {
	if v, ok := x.pathVar(name); ok {
		return v
	}
	switch name {
	case "call":
		return strconv.Itoa(x.values.Call)
	case "attempt":
		return strconv.Itoa(x.values.Attempt)
	case "nth":
		return strconv.Itoa(x.values.Nth)
	case "key":
		return x.r.Header.Get(x.keyHeader())
	case "seed":
		return strconv.FormatUint(x.s.scenario.Seed, 10)
	}
	v, _ := quota.Variable(name, x.quotas.pause)
	return v
}

func (x *exchange) pathVar(name string) (string, bool) {
	for _, v := range x.vars {
		if v.name == name {
			return v.value, true
		}
	}
	return "", false
}

// seeded returns the seeded bytes of the attempt's call.
func (x *exchange) seeded(size int64) io.Reader {
	b := x.run.plan.Body(x.route, x.values.Call, size)
	return &b
}
