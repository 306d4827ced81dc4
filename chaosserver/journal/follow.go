package journal

import (
	"context"
	"io"
)

// Event is one event of a journal, as [Cursor.Next] gives it.
type Event struct {
	Seq    uint64 // the event's ordinal in the journal, from 1; not that of an attempt
	Missed uint64 // events right before this one that had rolled out of the ring before they were read

	// Record is what was recorded: *OpenRecord, *CloseRecord, *Attempt (without its end), *EndRecord, *Lateness,
	// *Client, *Result, *Drop, *Effect, *DeliveryRecord, *DeliveryEnd, *Forward or *Port. It is the receiver's to keep.
	Record any
}

// Cursor reads the events of a journal as they come. It is not for several goroutines at once, holds nothing that
// must be released, and never holds up those who record: one that is too slow misses events, and says how many.
type Cursor struct {
	rd    *reader
	after uint64
}

// Follow returns a cursor on the events that follow the one with the ordinal after: 0 begins with the oldest in
// the ring, and the Seq of an Event goes on where that one was read.
func (j *Journal) Follow(after uint64) *Cursor { return &Cursor{rd: j.ring.read(), after: after} }

// Next returns the next event, and waits for one where there is none yet. Its error is that of ctx, or io.EOF once
// the journal is shut and every event was read.
func (c *Cursor) Next(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		seq, k, payload := c.rd.next()
		if k == 0 {
			if err := c.wait(ctx); err != nil {
				return Event{}, err
			}
			continue
		}
		if seq <= c.after || k == kindStop {
			continue
		}
		ev := Event{Seq: seq, Missed: seq - c.after - 1, Record: decodeRecord(k, payload)}
		c.after = seq
		return ev, nil
	}
}

// wait waits until the reader has something to read.
func (c *Cursor) wait(ctx context.Context) error {
	more, shut := c.rd.r.waiter(c.rd.at)
	if shut {
		return io.EOF
	}
	if more == nil {
		return nil
	}
	select {
	case <-more:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// decodeRecord decodes a frame of any kind but a stop.
func decodeRecord(k kind, payload []byte) any {
	var a arena
	switch k {
	case kindOpen:
		c := a.conn(payload)
		return &OpenRecord{ID: c.ID, Remote: c.Remote, Accept: c.Accept, Drawn: c.Drawn, Applied: c.Applied, Reason: c.Reason, Host: c.Host, TLS: c.TLS}
	case kindClose:
		r := decodeClose(payload)
		return &r
	case kindAttempt:
		var v View
		v.a.glance(payload)
		return v.Attempt()
	case kindEnd:
		r, failure := decodeEnd(payload)
		r.Failure = string(failure)
		return &r
	case kindLate:
		r := decodeLate(payload)
		return &r
	}
	return decodeRare(k, payload)
}
