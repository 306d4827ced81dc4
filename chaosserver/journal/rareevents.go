package journal

import (
	"fmt"
	"time"
)

// Client is one process, or one in-process client, of the run.
type Client struct {
	Start, Stop time.Duration
	Call        int    // the call it was started for, with one process a call; 0
	Exit        int    // exit code; -1 where a signal ended it or, with Signal "", the run did as it was told to
	Signal      string // ""
	TimedOut    bool   // ended by the run's own time limit
	Interrupted bool   // ended by an interrupt of the run, so that what it did not do says nothing
	StartError  string // it could not be started
}

func (r *Client) visit(m members) {
	m.instant("start_ns", &r.Start)
	m.instant("stop_ns", &r.Stop)
	m.count("call", &r.Call)
	m.count("exit", &r.Exit)
	m.text("signal", &r.Signal)
	m.yes("timed_out", &r.TimedOut)
	m.yes("interrupted", &r.Interrupted)
	m.text("start_error", &r.StartError)
}

func (r *Client) instants() []time.Duration { return []time.Duration{r.Start, r.Stop} }

// Result is what a client said of one call.
type Result struct {
	Call int
	OK   bool
	At   time.Duration // the client said so

	// Start is when the client was told to make the call, and Timed that this is known.
	Start time.Duration
	Timed bool

	// Status is that of the answer that the client was given, 0 where it was given none. HasBody says that the length
	// and the hash of that answer's body, as the client read it, are known.
	Status     int
	HasBody    bool
	BodyLen    int64
	BodySHA256 [32]byte

	Error string // what the client said where the call is not OK; may be empty

	// Cancelled is when the client was told to cancel the call, and HasCancel that it was.
	Cancelled time.Duration
	HasCancel bool
}

func (r *Result) visit(m members) {
	m.count("call", &r.Call)
	m.yes("ok", &r.OK)
	m.instant("at_ns", &r.At)
	m.instant("start_ns", &r.Start)
	m.yes("timed", &r.Timed)
	m.count("status", &r.Status)
	m.yes("has_body", &r.HasBody)
	m.number("body_len", &r.BodyLen)
	m.hash("body_sha256", &r.BodySHA256)
	m.link("error", &r.Error)
	m.instant("cancelled_ns", &r.Cancelled)
	m.yes("has_cancel", &r.HasCancel)
}

func (r *Result) instants() []time.Duration { return []time.Duration{r.At, r.Start, r.Cancelled} }

// Drop says that records were let go of.
type Drop struct {
	At     time.Duration
	Count  int
	Reason string // such as "the ring rolled", "a live call left its table"
}

func (r *Drop) visit(m members) {
	m.instant("at_ns", &r.At)
	m.count("count", &r.Count)
	m.text("reason", &r.Reason)
}

func (r *Drop) instants() []time.Duration { return []time.Duration{r.At} }

// Effect is one side effect that the server committed in its ledger, such as one charge.
type Effect struct {
	Seq   uint64 // of the attempt that committed it
	At    time.Duration
	Route string // the route's name
	Call  string // the attempt's call, as in [Attempt].Call
	Key   string // the idempotency key under which it is kept, as sent or, where that is secret, hashed; "" without one
	Event string // the webhook event that it belongs to; ""
}

func (r *Effect) visit(m members) {
	m.id("seq", &r.Seq)
	m.instant("at_ns", &r.At)
	m.text("route", &r.Route)
	m.link("call", &r.Call)
	m.text("key", &r.Key)
	m.link("event_id", &r.Event)
}

func (r *Effect) instants() []time.Duration { return []time.Duration{r.At} }

// Content is a body as a client may take it for the result of its call. It is recorded where a check asks for results.
type Content struct {
	Seq    uint64 // of the attempt whose answer carries it
	At     time.Duration
	Len    int64
	SHA256 [32]byte
}

func (r *Content) visit(m members) {
	m.id("seq", &r.Seq)
	m.instant("at_ns", &r.At)
	m.number("len", &r.Len)
	m.hash("sha256", &r.SHA256)
}

func (r *Content) instants() []time.Duration { return []time.Duration{r.At} }

// DeliveryRecord is what is known of a delivery before its first byte is sent.
type DeliveryRecord struct {
	ID    uint64 // 1-based ordinal of the delivery in the run
	Entry int    // index of the entry of deliveries
	Event string // id of the event
	N     int    // 1-based ordinal among the deliveries of its event
	Copy  int    // 1-based, among the copies that are sent at one instant
	Retry int    // how many deliveries of this copy went before, each of which failed; 0 for the first

	// Bad says why a consumer has to refuse it, such as "wrong-secret" or "timestamp 10m off"; "": it is good.
	Bad string
	// Unjudged: its timestamp is so far off that consumers may take it or refuse it.
	Unjudged bool

	Path       string // at the consumer
	Headers    []Field
	BodySHA256 [32]byte
	Planned    time.Duration // when it was due
	Sent       time.Duration // before the write of its first byte
}

func (r *DeliveryRecord) visit(m members) {
	m.id("id", &r.ID)
	m.count("entry", &r.Entry)
	m.link("event_id", &r.Event)
	m.count("n", &r.N)
	m.count("copy", &r.Copy)
	m.count("retry", &r.Retry)
	m.text("bad", &r.Bad)
	m.yes("unjudged", &r.Unjudged)
	m.link("path", &r.Path)
	m.fields("headers", &r.Headers)
	m.hash("body_sha256", &r.BodySHA256)
	m.instant("planned_ns", &r.Planned)
	m.instant("sent_ns", &r.Sent)
}

func (r *DeliveryRecord) instants() []time.Duration { return []time.Duration{r.Planned, r.Sent} }

// DeliveryEnd is the end of a delivery.
type DeliveryEnd struct {
	ID       uint64        // of the delivery
	Written  time.Duration // its last byte was handed to the kernel; 0 where it was not
	Answered time.Duration // the status line was read; 0 where none came
	Done     time.Duration // the answer was read whole, or the delivery given up
	Status   int           // 0 where no answer came
	Failure  string        // why no whole answer came, such as "no answer within 3s"; ""
}

func (r *DeliveryEnd) visit(m members) {
	m.id("id", &r.ID)
	m.instant("written_ns", &r.Written)
	m.instant("answered_ns", &r.Answered)
	m.instant("done_ns", &r.Done)
	m.count("status", &r.Status)
	m.link("failure", &r.Failure)
}

func (r *DeliveryEnd) instants() []time.Duration {
	return []time.Duration{r.Written, r.Answered, r.Done}
}

// Delivery is one webhook request sent to a consumer, and what became of it.
type Delivery struct {
	DeliveryRecord

	// What the end record says, but for its ID; Ended false means that the record was cut off.
	Ended    bool
	Written  time.Duration
	Answered time.Duration
	Done     time.Duration
	Status   int
	Failure  string
}

// end is the delivery's end record.
func (d *Delivery) end() *DeliveryEnd {
	return &DeliveryEnd{ID: d.ID, Written: d.Written, Answered: d.Answered, Done: d.Done, Status: d.Status, Failure: d.Failure}
}

// Forward is one request that a proxy sent to its upstream for an attempt.
type Forward struct {
	Seq        uint64 // of the attempt
	Copy       int    // 1-based: an attempt that is duplicated has several
	Sent, Done time.Duration
	Status     int    // of the upstream's answer; 0 where none came
	Failure    string // why none came, or not all of it; ""
}

func (r *Forward) visit(m members) {
	m.id("seq", &r.Seq)
	m.count("copy", &r.Copy)
	m.instant("sent_ns", &r.Sent)
	m.instant("done_ns", &r.Done)
	m.count("status", &r.Status)
	m.link("failure", &r.Failure)
}

func (r *Forward) instants() []time.Duration { return []time.Duration{r.Sent, r.Done} }

// Port says that a port was closed, or opened again.
type Port struct {
	At    time.Duration
	Host  string // name of the host in the scenario; "" the only one
	Open  bool
	Fault int // index of the fault that closes it
}

func (r *Port) visit(m members) {
	m.instant("at_ns", &r.At)
	m.text("host", &r.Host)
	m.yes("open", &r.Open)
	m.count("fault", &r.Fault)
}

func (r *Port) instants() []time.Duration { return []time.Duration{r.At} }

// addRare adds a rare event to the record. An error says that an end lacks its delivery, or that one is there twice.
func (b *builder) addRare(r rare) error {
	for _, t := range r.instants() {
		b.until(t)
	}
	l := &b.log
	switch r := r.(type) {
	case *Client:
		l.Clients = append(l.Clients, *r)
	case *Result:
		l.Results = append(l.Results, *r)
	case *Drop:
		l.Dropped = append(l.Dropped, *r)
	case *Effect:
		l.Effects = append(l.Effects, *r)
	case *Content:
		l.Contents = append(l.Contents, *r)
	case *DeliveryRecord:
		if b.deliveries.find(r.ID) >= 0 {
			return fmt.Errorf("delivery %d is there already", r.ID)
		}
		b.deliveries.put(r.ID, len(l.Deliveries))
		l.Deliveries = append(l.Deliveries, Delivery{DeliveryRecord: *r})
	case *DeliveryEnd:
		return b.addDeliveryEnd(r)
	case *Forward:
		l.Forwards = append(l.Forwards, *r)
	case *Port:
		l.Ports = append(l.Ports, *r)
	}
	return nil
}

func (b *builder) addDeliveryEnd(r *DeliveryEnd) error {
	i := b.deliveries.find(r.ID)
	if i < 0 {
		return fmt.Errorf("an end without its delivery %d", r.ID)
	}
	d := &b.log.Deliveries[i]
	if d.Ended {
		return fmt.Errorf("delivery %d has ended already", r.ID)
	}
	d.Ended, d.Written, d.Answered, d.Done, d.Status, d.Failure = true, r.Written, r.Answered, r.Done, r.Status, r.Failure
	return nil
}

// Client records one process, or one in-process client, once it has stopped. The error is that of
// [Journal.Attempt].
func (j *Journal) Client(r Client) error { return j.rare(kindClient, &r) }

// Result records what a client said of one call. The error is that of [Journal.Attempt].
func (j *Journal) Result(r Result) error { return j.rare(kindResult, &r) }

// Drop records that the server had to let go of something that a verdict would need. What rolls out of the ring
// is counted by the journal itself. The error is that of [Journal.Attempt].
func (j *Journal) Drop(r Drop) error { return j.rare(kindDrop, &r) }

// Effect records that an attempt committed an effect. The error is that of [Journal.Attempt].
func (j *Journal) Effect(r Effect) error { return j.rare(kindEffect, &r) }

// Content records a body that an answer carries. Call it before the first byte is sent. The error is that of
// [Journal.Attempt].
func (j *Journal) Content(r Content) error { return j.rare(kindContent, &r) }

// Delivery records a delivery. Call it before its first byte is sent. The error is that of [Journal.Attempt].
func (j *Journal) Delivery(r DeliveryRecord) error { return j.rare(kindDelivery, &r) }

// Delivered records how a delivery ended. The error is that of [Journal.Attempt].
func (j *Journal) Delivered(r DeliveryEnd) error { return j.rare(kindDelivered, &r) }

// Forward records a request of a proxy to its upstream, once that has ended. The error is that of [Journal.Attempt].
func (j *Journal) Forward(r Forward) error { return j.rare(kindForward, &r) }

// Port records that a port was closed or opened again. The error is that of [Journal.Attempt].
func (j *Journal) Port(r Port) error { return j.rare(kindPort, &r) }

func (j *Journal) rare(k kind, r rare) error {
	e := j.encoder()
	e.rare(k, r)
	return j.commit(e, false)
}
