package journal

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Write writes the Log as the file of a journal, which [Read] reads back as it was: events in the order of their
// instants, and a stop where the record ends later than its last event. Nothing is redacted: what a journal
// recorded is so already. What Log does not promise is not kept: a Close with ClosedNot, a Due without HasDue, the
// end of an attempt that is not Ended, an End before the last event, and Torn; empty lists come back nil. An error
// is that of w.
func (l *Log) Write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	e := &encoder{keepBody: math.MaxInt}
	if _, err := b.Write(appendHeaderLine(nil, &l.Header)); err != nil {
		return fmt.Errorf("the journal's header: %w", err)
	}
	for _, ev := range l.events() {
		e.json = appendLine(e.json[:0], ev.frame(e))
		if _, err := b.Write(e.json); err != nil {
			return fmt.Errorf("the journal's events: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("the journal's events: %w", err)
	}
	return nil
}

// logEvent is one event that a Log was made of.
type logEvent struct {
	at    time.Duration
	frame func(*encoder) []byte
}

// events takes the records of a Log apart, in the order of their instants.
func (l *Log) events() []logEvent {
	var list []logEvent
	add := func(at time.Duration, frame func(*encoder) []byte) { list = append(list, logEvent{at, frame}) }
	for i := range l.Conns {
		c := &l.Conns[i]
		add(c.Accept, func(e *encoder) []byte {
			return e.open(&OpenRecord{ID: c.ID, Remote: c.Remote, Accept: c.Accept, Drawn: c.Drawn, Applied: c.Applied, Reason: c.Reason, Host: c.Host, TLS: c.TLS})
		})
		if c.Closed != ClosedNot {
			add(max(c.Accept, c.Close), func(e *encoder) []byte {
				return e.close(&CloseRecord{ID: c.ID, Closed: c.Closed, Close: c.Close, Failure: c.Failure})
			})
		}
	}
	for i := range l.Attempts {
		a := &l.Attempts[i]
		add(max(a.First, a.Read, a.Sent), a.frame)
		if a.Ended {
			add(max(a.First, a.Read, a.Sent, a.Done), func(e *encoder) []byte {
				return e.end(&EndRecord{Seq: a.Seq, Done: a.Done, BytesSent: a.BytesSent, Whole: a.Whole, Closed: a.Closed, Failure: a.Failure})
			})
		}
	}
	addList(&list, l.Late, func(r Lateness) time.Duration { return r.At }, (*encoder).late)
	addRares(&list, kindClient, l.Clients)
	addRares(&list, kindResult, l.Results)
	addRares(&list, kindEffect, l.Effects)
	addRares(&list, kindContent, l.Contents)
	l.addDeliveries(&list)
	addRares(&list, kindForward, l.Forwards)
	addRares(&list, kindPort, l.Ports)
	addRares(&list, kindDrop, l.Dropped)
	l.addStop(&list)
	return list
}

// addList adds the records of a list that Log keeps in the order of recording: none before the one that it follows.
func addList[T any](events *[]logEvent, list []T, instant func(T) time.Duration, frame func(*encoder, T) []byte) {
	var at time.Duration
	for _, r := range list {
		at = max(at, instant(r))
		*events = append(*events, logEvent{at, func(e *encoder) []byte { return frame(e, r) }})
	}
}

// addRares is addList for the lists of rare events.
func addRares[T any, P interface {
	*T
	rare
}](events *[]logEvent, k kind, list []T) {
	addList(events, list, func(r T) time.Duration { return slices.Max(P(&r).instants()) },
		func(e *encoder, r T) []byte { return e.rare(k, P(&r)) })
}

// addDeliveries adds the deliveries, which Log keeps in the order of their begins, and their ends.
func (l *Log) addDeliveries(events *[]logEvent) {
	var at time.Duration
	for i := range l.Deliveries {
		d := &l.Deliveries[i]
		at = max(at, d.Planned, d.Sent)
		*events = append(*events, logEvent{at, func(e *encoder) []byte { return e.rare(kindDelivery, &d.DeliveryRecord) }})
		if d.Ended {
			*events = append(*events, logEvent{max(at, d.Written, d.Answered, d.Done), func(e *encoder) []byte { return e.rare(kindDelivered, d.end()) }})
		}
	}
}

// addStop sorts the events and adds the end of the record, where it comes later than all of them.
func (l *Log) addStop(list *[]logEvent) {
	slices.SortStableFunc(*list, func(x, y logEvent) int { return cmp.Compare(x.at, y.at) })
	if n := len(*list); l.End > 0 && (n == 0 || (*list)[n-1].at < l.End) {
		*list = append(*list, logEvent{l.End, func(e *encoder) []byte { return e.stop(l.End) }})
	}
}

// frame makes the frame of an attempt whose secrets were replaced when it was recorded.
func (a *Attempt) frame(e *encoder) []byte {
	e.block, e.plainRaw = e.block[:0], e.plainRaw[:0]
	for _, f := range a.Headers {
		e.block = appendString(appendString(e.block, f.Name), f.Value)
	}
	return e.attemptWith(&AttemptRecord{
		Seq: a.Seq, Conn: a.Conn, ConnRequest: a.ConnRequest,
		Route: a.Route, Nearest: a.Nearest, Call: a.Call, CallNo: a.CallNo, N: a.N, Nth: a.Nth,
		Naming: a.Naming, Ambiguous: a.Ambiguous, Client: a.Client,
		Method: a.Method, Target: a.Target, Host: a.Host,
		BodyLen: a.BodyLen, BodySHA256: a.BodySHA256, Body: a.Body, BodyWhole: a.BodyWhole,
		First: a.First, Read: a.Read, Sent: a.Sent,
		Phase: a.Phase, Entry: a.Entry, Drawn: a.Drawn, Applied: a.Applied, Reason: a.Reason,
		Status: a.Status, Wire: a.Wire, RetryAfter: a.RetryAfter, Due: a.Due, HasDue: a.HasDue, Delay: a.Delay,
		Limit: a.Limit, Charged: a.Charged, Told: a.Told, Ledger: a.Ledger, Event: a.Event,
	}, a.HeaderOrderLost)
}
