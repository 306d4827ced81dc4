package journal

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What the parts of a Log are drawn from.
var (
	text    = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "answers[0]", "\xff\xed\xb2\x80", `"\`}), rapid.StringMatching(`[ -~]{0,20}`))
	whole   = rapid.Int()
	yes     = rapid.Bool()
	fields  = rapid.Custom(func(t *rapid.T) Field { return Field{text.Draw(t, "name"), text.Draw(t, "value")} })
	closer  = rapid.Custom(func(t *rapid.T) Closer { return Closer(rapid.IntRange(0, len(closerNames)-1).Draw(t, "closer")) })
	instant = rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "ns")) })
	digest  = rapid.Custom(func(t *rapid.T) (h [32]byte) {
		copy(h[:], rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "bytes"))
		return h
	})
	list = rapid.Custom(func(t *rapid.T) []int {
		if l := rapid.SliceOfN(whole, 0, 20).Draw(t, "list"); len(l) > 0 {
			return l
		}
		return nil
	})
)

// drawLog draws a Log as Log and Read give them.
func drawLog(t *rapid.T) *Log {
	l := &Log{Header: Header{
		Version: FormatVersion, Scenario: text.Draw(t, "scenario"), File: text.Draw(t, "file"), Seed: rapid.Uint64().Draw(t, "seed"),
		Start: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(), Salt: "s", Emulated: yes.Draw(t, "emulated"), Upstream: text.Draw(t, "upstream"),
	}}
	for i := range rapid.IntRange(0, 5).Draw(t, "conns") {
		c := Conn{ID: uint64(i)*uint64(i) + 1, Remote: text.Draw(t, "remote"), Accept: instant.Draw(t, "accept"), Drawn: list.Draw(t, "drawn"), Applied: list.Draw(t, "applied"), Reason: text.Draw(t, "reason"),
			Host: text.Draw(t, "host"), TLS: yes.Draw(t, "tls")}
		if c.Closed = closer.Draw(t, "closed"); c.Closed != ClosedNot {
			c.Close, c.Failure = instant.Draw(t, "close"), text.Draw(t, "failure")
		}
		l.Conns = append(l.Conns, c)
	}
	seqs := rapid.SliceOfNDistinct(rapid.OneOf(rapid.Uint64Range(1, 20), rapid.Uint64()), 0, 20, rapid.ID).Draw(t, "seqs")
	for _, seq := range seqs {
		l.Attempts = append(l.Attempts, drawAttempt(t, seq))
	}
	slices.SortFunc(l.Attempts, func(x, y Attempt) int {
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Seq, y.Seq))
	})
	for range rapid.IntRange(0, 3).Draw(t, "rest") {
		l.Late = append(l.Late, Lateness{instant.Draw(t, "at"), instant.Draw(t, "late")})
		l.Clients = append(l.Clients, Client{instant.Draw(t, "start"), instant.Draw(t, "stop"), whole.Draw(t, "call"), whole.Draw(t, "exit"), text.Draw(t, "signal"), yes.Draw(t, "out"), yes.Draw(t, "interrupted"), text.Draw(t, "error")})
		l.Results = append(l.Results, Result{Call: whole.Draw(t, "call"), OK: yes.Draw(t, "ok"), At: instant.Draw(t, "at"), Start: instant.Draw(t, "start"),
			Timed: yes.Draw(t, "timed"), Status: whole.Draw(t, "status"), HasBody: yes.Draw(t, "body"), BodyLen: rapid.Int64().Draw(t, "length"),
			BodySHA256: digest.Draw(t, "hash"), Error: text.Draw(t, "error"), Cancelled: instant.Draw(t, "cancelled"), HasCancel: yes.Draw(t, "cancel")})
		l.Effects = append(l.Effects, Effect{Seq: rapid.Uint64().Draw(t, "seq"), At: instant.Draw(t, "at"), Route: text.Draw(t, "route"),
			Call: text.Draw(t, "call"), Key: text.Draw(t, "key"), Event: text.Draw(t, "event")})
		l.Contents = append(l.Contents, Content{rapid.Uint64().Draw(t, "seq"), instant.Draw(t, "at"), rapid.Int64().Draw(t, "length"), digest.Draw(t, "hash")})
		l.Forwards = append(l.Forwards, Forward{rapid.Uint64().Draw(t, "seq"), whole.Draw(t, "copy"), instant.Draw(t, "sent"), instant.Draw(t, "done"), whole.Draw(t, "status"), text.Draw(t, "failure")})
		l.Ports = append(l.Ports, Port{instant.Draw(t, "at"), text.Draw(t, "host"), yes.Draw(t, "open"), whole.Draw(t, "fault")})
		l.Deliveries = append(l.Deliveries, drawDelivery(t, uint64(len(l.Deliveries))+1))
		l.Dropped = append(l.Dropped, Drop{instant.Draw(t, "at"), whole.Draw(t, "count"), text.Draw(t, "reason")})
	}
	for _, e := range l.events() {
		l.End = max(l.End, e.at)
	}
	if yes.Draw(t, "later") {
		l.End += 1 + instant.Draw(t, "end")
	}
	return l
}

// drawAttempt draws an attempt as Log and Read give them.
func drawAttempt(t *rapid.T, seq uint64) Attempt {
	a := Attempt{
		Seq: seq, Conn: rapid.Uint64().Draw(t, "conn"), ConnRequest: whole.Draw(t, "request"), Route: text.Draw(t, "route"), Nearest: text.Draw(t, "nearest"),
		Call: text.Draw(t, "call"), CallNo: whole.Draw(t, "no"), N: whole.Draw(t, "n"), Nth: whole.Draw(t, "nth"),
		Naming: Naming(rapid.IntRange(0, 3).Draw(t, "naming")), Ambiguous: yes.Draw(t, "ambiguous"), Client: text.Draw(t, "client"),
		Method: text.Draw(t, "method"), Target: text.Draw(t, "target"), Host: text.Draw(t, "host"), HeaderOrderLost: yes.Draw(t, "lost"),
		BodyLen: rapid.Int64().Draw(t, "length"), BodyWhole: yes.Draw(t, "whole"), First: instant.Draw(t, "first"), Read: instant.Draw(t, "read"),
		Sent: instant.Draw(t, "sent"), Phase: text.Draw(t, "phase"), Entry: rapid.IntRange(-1, 9).Draw(t, "entry"), Drawn: list.Draw(t, "drawn"),
		Applied: list.Draw(t, "applied"), Reason: text.Draw(t, "reason"), Status: whole.Draw(t, "status"), Wire: text.Draw(t, "wire"),
		RetryAfter: text.Draw(t, "retry"), HasDue: yes.Draw(t, "due"), Delay: time.Duration(rapid.Int64().Draw(t, "delay")), Ended: yes.Draw(t, "ended"),
	}
	if h := rapid.SliceOfN(fields, 0, 20).Draw(t, "headers"); len(h) > 0 {
		a.Headers = h
	}
	if b := rapid.SliceOf(rapid.Byte()).Draw(t, "body"); len(b) > 0 {
		a.Body = b
	}
	switch rapid.IntRange(0, 2).Draw(t, "hash") {
	case 1:
		a.BodySHA256 = emptyHash
	case 2:
		copy(a.BodySHA256[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	}
	if yes.Draw(t, "limits") {
		a.Limit, a.Charged, a.Told = text.Draw(t, "limit"), list.Draw(t, "charged"), drawQuotas(t)
	}
	a.Ledger, a.Event = Ledger(rapid.IntRange(0, len(ledgerNames)-1).Draw(t, "ledger")), text.Draw(t, "event")
	if a.HasDue {
		a.Due = time.Duration(rapid.Int64().Draw(t, "due"))
	}
	if a.Ended {
		a.Done, a.BytesSent, a.Whole, a.Closed, a.Failure = instant.Draw(t, "done"), rapid.Int64().Draw(t, "sent"), yes.Draw(t, "whole"), closer.Draw(t, "closed"), text.Draw(t, "failure")
	}
	return a
}

func drawQuotas(t *rapid.T) []Quota {
	var list []Quota
	for range rapid.IntRange(0, 3).Draw(t, "quotas") {
		q := Quota{Limit: rapid.IntRange(-1, 5).Draw(t, "limit"), Bucket: text.Draw(t, "bucket"), Remaining: rapid.Int64().Draw(t, "remaining"), HasReset: yes.Draw(t, "reset")}
		if q.HasReset {
			q.Reset = instant.Draw(t, "reset")
		}
		list = append(list, q)
	}
	return list
}

func drawDelivery(t *rapid.T, id uint64) Delivery {
	d := Delivery{DeliveryRecord: DeliveryRecord{ID: id, Entry: whole.Draw(t, "entry"), Event: text.Draw(t, "event"), N: whole.Draw(t, "n"), Copy: whole.Draw(t, "copy"),
		Retry: whole.Draw(t, "retry"), Bad: text.Draw(t, "bad"), Unjudged: yes.Draw(t, "unjudged"), Path: text.Draw(t, "path"), BodySHA256: digest.Draw(t, "hash"),
		Planned: instant.Draw(t, "planned"), Sent: instant.Draw(t, "sent")}, Ended: yes.Draw(t, "ended")}
	if h := rapid.SliceOfN(fields, 0, 5).Draw(t, "headers"); len(h) > 0 {
		d.Headers = h
	}
	if d.Ended {
		d.Written, d.Answered, d.Done, d.Status, d.Failure = instant.Draw(t, "written"), instant.Draw(t, "answered"), instant.Draw(t, "done"), whole.Draw(t, "status"), text.Draw(t, "failure")
	}
	return d
}

func TestWriteAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawLog(t)
		var file bytes.Buffer
		if err := want.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}
