package journal

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// fillRing records n attempts with their ends, a lateness after each tenth, and a body of the given size.
func fillRing(t *testing.T, j *Journal, n, body int) (records int) {
	t.Helper()
	var r AttemptRecord
	text := []byte(strings.Repeat("b", body))
	for i := range n {
		benchRecord(&r, i)
		r.Body = text
		if err := j.Attempt(&r); err != nil {
			t.Fatal(err)
		}
		if err := j.End(&EndRecord{Seq: r.Seq, Done: r.Sent, BytesSent: int64(r.Seq)}); err != nil {
			t.Fatal(err)
		}
		if records++; i%10 == 9 {
			if err := j.Late(Lateness{At: r.Sent, Late: 1}); err != nil {
				t.Fatal(err)
			}
			records++
		}
	}
	return records
}

func TestRingRolls(t *testing.T) {
	for _, s := range []struct {
		name        string
		o           Options
		n, body     int
		least, most int // attempts that the ring holds afterwards
	}{
		{"nothing rolls below the bounds", Options{MaxRecords: 1000}, 1000, 0, 1000, 1000},
		{"one too many lets one segment go", Options{MaxRecords: 100}, 101, 0, 100, 100},
		{"count", Options{MaxRecords: 1000}, 10_000, 0, 1000 - 1000/ringParts, 1000},
		{"a count of one", Options{MaxRecords: 1}, 50, 0, 1, 1},
		{"bytes", Options{MaxBytes: leastBytes, KeepBody: 1000}, 1000, 1000, leastBytes*9/10/1300 - 1, leastBytes / 1200},
		{"bytes of records that fill the ring almost", Options{MaxBytes: leastBytes, KeepBody: 8000}, 100, 8000, 6, 7},
	} {
		t.Run(s.name, func(t *testing.T) {
			j := benchJournal(t, s.o)
			records := fillRing(t, j, s.n, s.body)
			if used := int(j.ring.head - j.ring.tail); used > len(j.ring.slab) {
				t.Errorf("%d bytes in a slab of %d", used, len(j.ring.slab))
			}
			l := j.Log()
			if n := len(l.Attempts); n < s.least || n > s.most {
				t.Errorf("%d attempts, want %d to %d", n, s.least, s.most)
			}
			dropped := 0
			for _, d := range l.Dropped {
				dropped += d.Count
				if d.Reason != ReasonRolled || d.At != l.End {
					t.Errorf("drop %+v in a record that ends at %v", d, l.End)
				}
			}
			if got := dropped + len(l.Attempts) + len(l.Late); got != records {
				t.Errorf("%d dropped and %d + %d kept are %d records, want %d", dropped, len(l.Attempts), len(l.Late), got, records)
			}
			for i, a := range l.Attempts {
				if want := uint64(s.n - len(l.Attempts) + i + 1); a.Seq != want || !a.Ended || a.BytesSent != int64(want) || len(a.Body) != s.body {
					t.Fatalf("the %d-th attempt kept is %+v, want number %d, whole", i, a, want)
				}
			}
		})
	}
}

func TestEndsOfRolledRecordsArePassedOver(t *testing.T) {
	j := benchJournal(t, Options{MaxRecords: 2})
	if err := j.Open(OpenRecord{ID: 7}); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(4) {
		if err := j.Attempt(&AttemptRecord{Seq: seq + 1}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range uint64(4) {
		if err := j.End(&EndRecord{Seq: seq + 1, BytesSent: 9}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(CloseRecord{ID: 7, Closed: ClosedByClientFIN}); err != nil {
		t.Fatal(err)
	}
	l := j.Log()
	if len(l.Attempts) != 2 || l.Attempts[0].Seq != 3 || !l.Attempts[0].Ended || !l.Attempts[1].Ended || len(l.Conns) != 0 {
		t.Errorf("attempts %+v, conns %+v; want 3 and 4 with their ends, and no connection", l.Attempts, l.Conns)
	}
	if len(l.Dropped) != 1 || l.Dropped[0].Count != 3 {
		t.Errorf("dropped %+v, want 3 records: a connection and 2 attempts", l.Dropped)
	}
}

func TestFrameLongerThanTheRing(t *testing.T) {
	j := benchJournal(t, Options{MaxBytes: leastBytes})
	long := AttemptRecord{Seq: 2, RawHeader: []byte("X-Long: " + strings.Repeat("x", leastBytes))}
	for _, r := range []*AttemptRecord{{Seq: 1}, &long, {Seq: 3}} {
		if err := j.Attempt(r); err != nil {
			t.Fatal(err)
		}
	}
	l := j.Log()
	if len(l.Attempts) != 1 || l.Attempts[0].Seq != 3 || len(l.Dropped) != 1 || l.Dropped[0].Count != 2 {
		t.Errorf("attempts %+v, dropped %+v; want attempt 3, and 2 dropped", l.Attempts, l.Dropped)
	}
	ev, err := j.Follow(0).Next(t.Context())
	if err != nil || ev.Seq != 3 || ev.Missed != 2 {
		t.Errorf("the first event is %+v, %v; want event 3, 2 missed", ev, err)
	}
}

// TestReaderOutrun lets the ring roll over a reader between two chunks.
func TestReaderOutrun(t *testing.T) {
	j := benchJournal(t, Options{MaxBytes: 4 * chunkSize, MaxRecords: 1 << 30})
	total := fillRing(t, j, 4*chunkSize/250, 0)
	rd := j.ring.read()
	seen := 0
	for range 100 {
		if _, k, _ := rd.next(); k.begins() {
			seen++
		}
	}
	var r AttemptRecord
	for i := range 4 * chunkSize / 100 {
		benchRecord(&r, i)
		if err := j.Attempt(&r); err != nil {
			t.Fatal(err)
		}
		total++
	}
	for {
		_, k, _ := rd.next()
		if k == 0 {
			break
		}
		if k.begins() {
			seen++
		}
	}
	if rd.lost == 0 {
		t.Fatal("the reader was not outrun")
	}
	if seen+int(rd.lost) != total {
		t.Errorf("%d seen and %d lost are not the %d recorded", seen, rd.lost, total)
	}
}

func TestFrameLongerThanAChunk(t *testing.T) {
	j := benchJournal(t, Options{KeepBody: 3 * chunkSize})
	fillRing(t, j, 10, 3*chunkSize)
	for i, a := range j.Log().Attempts {
		if len(a.Body) != 3*chunkSize || a.Seq != uint64(i)+1 {
			t.Errorf("attempt %d has %d bytes of body", a.Seq, len(a.Body))
		}
	}
}

func TestShutGivesTheSlabBack(t *testing.T) {
	for _, n := range []int{0, 10, 10_000} {
		j := benchJournal(t, Options{})
		fillRing(t, j, n, 0)
		if err := j.Shut(); err != nil {
			t.Fatal(err)
		}
		if used := int(j.ring.head - j.ring.tail); used < 1<<20 && len(j.ring.slab) != used {
			t.Errorf("after %d attempts, %d bytes, the slab is still of %d", n, used, len(j.ring.slab))
		}
		l := j.Log()
		if len(l.Attempts) != n || len(l.Dropped) != 0 {
			t.Errorf("after Shut the ring holds %d attempts, want %d", len(l.Attempts), n)
		}
		if _, err := j.Follow(0).Next(t.Context()); n > 0 && err != nil {
			t.Errorf("after Shut the first event is %v", err)
		}
	}
}

// TestForgottenJournals makes more journals than the address space would take, were they not given back.
func TestForgottenJournals(t *testing.T) {
	for range 20 {
		j, err := New(Options{MaxBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		fillRing(t, j, 100, 0)
		runtime.GC()
	}
}

func TestScan(t *testing.T) {
	j := benchJournal(t, Options{})
	fillRing(t, j, 1000, 0)
	var count, status503, whole int
	j.Scan(func(v *View) bool {
		count++
		if v.Status() == 503 {
			status503++
		}
		a := v.Attempt()
		if a.Seq == v.Seq() && a.First == v.First() && a.N == v.N() && a.Route == string(v.Route()) && a.Call == string(v.Call()) &&
			a.Method == string(v.Method()) && a.Target == string(v.Target()) && a.Status == v.Status() && len(a.Headers) == 4 {
			whole++
		}
		return true
	})
	if count != 1000 || status503 != 334 || whole != 1000 {
		t.Errorf("%d attempts, %d with 503, %d that decode to what the view says; want 1000, 334, 1000", count, status503, whole)
	}
	count = 0
	j.Scan(func(*View) bool { count++; return count < 10 })
	if count != 10 {
		t.Errorf("Scan went on to %d after false at 10", count)
	}
}

// TestRecordAndReadTogether is for the race detector, and holds every Log taken on the way to be consistent.
func TestRecordAndReadTogether(t *testing.T) {
	j := benchJournal(t, Options{MaxRecords: 500, MaxBytes: leastBytes})
	const writers, each = 4, 2000
	done := make(chan struct{}, writers)
	for w := range writers {
		go func() {
			defer func() { done <- struct{}{} }()
			var r AttemptRecord
			for i := range each {
				benchRecord(&r, i)
				r.Seq = uint64(w*each+i) + 1
				if err := j.Attempt(&r); err != nil {
					t.Error(err)
				}
				if err := j.End(&EndRecord{Seq: r.Seq, BytesSent: int64(r.Seq)}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	followed := make(chan uint64)
	go func() {
		var events uint64
		for c := j.Follow(0); ; {
			ev, err := c.Next(t.Context())
			if err != nil {
				break
			}
			events += 1 + ev.Missed
			if ev.Seq != events {
				t.Errorf("event %d after %d", ev.Seq, events)
			}
		}
		followed <- events
	}()
	for running := writers; running > 0; {
		select {
		case <-done:
			running--
		default:
		}
		l := j.Log()
		last := time.Duration(-1)
		for _, a := range l.Attempts {
			if a.Ended && a.BytesSent != int64(a.Seq) || a.First < last {
				t.Fatalf("attempt %d has the end of %d, or is out of order", a.Seq, a.BytesSent)
			}
			last = a.First
		}
		j.Scan(func(v *View) bool { return v.Status() != 0 })
	}
	if err := j.Shut(); err != nil {
		t.Fatal(err)
	}
	// The stop is an event that a cursor passes over.
	if events := <-followed; events != 2*writers*each {
		t.Errorf("the cursor accounts for %d events, want %d", events, 2*writers*each)
	}
	l := j.Log()
	if got := len(l.Attempts) + l.Dropped[0].Count; got != writers*each {
		t.Errorf("%d attempts kept or dropped, want %d", got, writers*each)
	}
}
