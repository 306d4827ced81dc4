package journal

import (
	"context"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := benchJournal(t, Options{KeepBody: 100})
		var got []Event
		done := make(chan error)
		go func() {
			c := j.Follow(0)
			for {
				ev, err := c.Next(t.Context())
				if err != nil {
					done <- err
					return
				}
				got = append(got, ev)
			}
		}()
		synctest.Wait() // it waits for the first event
		recordAll(t, j)
		synctest.Wait() // it waits for more
		if len(got) != 14 {
			t.Errorf("%d events before Shut, want 14", len(got))
		}
		if err := j.Shut(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != io.EOF {
			t.Errorf("after Shut: %v, want %v", err, io.EOF)
		}
		log := j.Log()
		for i, ev := range got {
			if ev.Seq != uint64(i)+1 || ev.Missed != 0 {
				t.Errorf("event %d is %d, %d missed", i+1, ev.Seq, ev.Missed)
			}
			if a, ok := ev.Record.(*Attempt); ok {
				want := log.Attempts[a.Seq-1]
				want.Ended, want.Done, want.BytesSent, want.Whole, want.Closed, want.Failure = false, 0, 0, false, 0, ""
				if !reflect.DeepEqual(*a, want) {
					t.Errorf("event %d is %+v, the Log has %+v", i+1, *a, want)
				}
			}
		}
		for i, want := range map[int]any{
			1:  &OpenRecord{ID: 2, Remote: "127.0.0.1:50002", Accept: 2 * time.Millisecond, Drawn: []int{0, 2}, Applied: []int{2}, Reason: "flaky, faults[2]"},
			2:  &CloseRecord{ID: 2, Closed: ClosedByServerRST, Close: 3 * time.Millisecond},
			6:  &EndRecord{Seq: 2, Done: 10 * time.Millisecond, Closed: ClosedByClientRST, Failure: "the client has gone"},
			8:  &log.Late[0],
			9:  &log.Clients[0],
			11: &log.Results[0],
			12: &log.Dropped[0],
		} {
			if !reflect.DeepEqual(got[i].Record, want) {
				t.Errorf("event %d is %+v, want %+v", i+1, got[i].Record, want)
			}
		}
	})
}

func TestFollowGoesOn(t *testing.T) {
	j := benchJournal(t, Options{MaxRecords: 10})
	for i := range 20 {
		if err := j.Attempt(&AttemptRecord{Seq: uint64(i) + 1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []struct {
		after, seq, missed uint64
		why                string
	}{
		{0, 11, 10, "from the oldest in the ring, which is not the first"},
		{5, 11, 5, "what rolled out since event 5 is told"},
		{10, 11, 0, "right behind what rolled out nothing is missed"},
		{15, 16, 0, "in the middle"},
	} {
		c := j.Follow(s.after)
		ev, err := c.Next(t.Context())
		if err != nil || ev.Seq != s.seq || ev.Missed != s.missed || ev.Record.(*Attempt).Seq != s.seq {
			t.Errorf("%s: after %d came %+v, %v; want %d, %d missed", s.why, s.after, ev, err, s.seq, s.missed)
		}
		if ev, err = c.Next(t.Context()); err != nil || ev.Seq != s.seq+1 || ev.Missed != 0 {
			t.Errorf("%s: then came %+v, %v; want %d", s.why, ev, err, s.seq+1)
		}
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := benchJournal(t, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if _, err := j.Follow(0).Next(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v; want %v after a minute", time.Since(start), err, context.DeadlineExceeded)
		}
		if err := j.Late(Lateness{}); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Follow(0).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with an event there: %v; want %v", err, context.DeadlineExceeded)
		}
	})
}
