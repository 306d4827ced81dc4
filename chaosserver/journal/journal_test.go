package journal

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// recordAll records one event of every kind, and attempts that use every field between them.
func recordAll(t *testing.T, j *Journal) {
	t.Helper()
	const ms = time.Millisecond
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(j.Open(OpenRecord{ID: 1, Remote: "127.0.0.1:50001", Accept: 1 * ms}))
	do(j.Open(OpenRecord{ID: 2, Remote: "127.0.0.1:50002", Accept: 2 * ms, Drawn: []int{0, 2}, Applied: []int{2}, Reason: "flaky, faults[2]"}))
	do(j.Close(CloseRecord{ID: 2, Closed: ClosedByServerRST, Close: 3 * ms}))
	do(j.Attempt(&AttemptRecord{
		Seq: 1, Conn: 1, ConnRequest: 1, Route: "POST /payments", Call: "POST /payments a1b2", CallNo: 1, N: 1, Nth: 1,
		Naming: NamedByPrefix, Client: "checkout", Method: "POST", Target: "/payments?token=tok_1&page=2", Host: "127.0.0.1:8080",
		RawHeader: []byte("Host: 127.0.0.1:8080\r\nauthorization:  Bearer one \r\nX-Odd: \"\x01\xff\\\xe2\x82\xac\r\n\r\n"),
		BodyLen:   15, BodySHA256: [32]byte{0: 0xab, 31: 0xcd}, Body: []byte(`{"amount":4999}`), BodyWhole: true,
		First: 4 * ms, Read: 5 * ms, Sent: 6 * ms, Phase: "warm", Entry: -1, Drawn: []int{0, 1}, Applied: []int{1},
		Reason: "throttle, faults[1]", Status: 429, RetryAfter: "Retry-After: 2", Due: 2006 * ms, HasDue: true, Delay: 1 * ms,
	}))
	do(j.End(&EndRecord{Seq: 1, Done: 7 * ms, BytesSent: 120, Whole: true}))
	do(j.Attempt(&AttemptRecord{
		Seq: 2, Nearest: "GET /payments/{id}", Call: "GET /payment", CallNo: 1, N: 1, Nth: 1, Ambiguous: true, Method: "GET", Target: "/payment",
		Host: "127.0.0.1", Header: map[string][]string{"Cookie": {"a=1", "b=2"}, "Accept": {"*/*"}},
		BodyWhole: true, BodySHA256: emptyHash, Body: []byte{0xff, 0}, First: 8 * ms, Read: 8 * ms, Sent: 9 * ms, Entry: 0, Reason: "answers[0]",
		Wire: "rst before-headers",
	}))
	do(j.End(&EndRecord{Seq: 2, Done: 10 * ms, Closed: ClosedByClientRST, Failure: "the client has gone"}))
	do(j.Attempt(&AttemptRecord{Seq: 3, Conn: 1, ConnRequest: 2, Naming: NamedByHeader, Call: "k", Method: "GET", Target: "/", First: 11 * ms, Read: 11 * ms, Sent: 11 * ms, Entry: 1, Status: 200}))
	do(j.Late(Lateness{At: 12 * ms, Late: 5 * ms}))
	do(j.Client(Client{Start: 0, Stop: 13 * ms, Call: 1, Exit: -1, Signal: "killed", TimedOut: true, Interrupted: true}))
	do(j.Client(Client{StartError: `exec: "crul": not found`}))
	do(j.Result(Result{Call: 1, OK: true, At: 14 * ms}))
	do(j.Drop(Drop{At: 15 * ms, Count: 2, Reason: "a live call left its table"}))
	do(j.Close(CloseRecord{ID: 1, Closed: ClosedByClientFIN, Close: 16 * ms}))
}

var testOptions = Options{Scenario: "charged once", ScenarioFile: "charged.yaml", Seed: 1<<64 - 1, Emulated: true, KeepBody: 100, Salt: []byte("salt")}

// writerCloser collects what is written.
type writerCloser struct {
	bytes.Buffer
	writes int
}

func (w *writerCloser) Write(b []byte) (int, error) { w.writes++; return w.Buffer.Write(b) }
func (w *writerCloser) Close() error                { return nil }

// goldenFile returns the file of a journal with every kind of event, made in virtual time.
func goldenFile(t *testing.T) (file []byte, log *Log) {
	var w writerCloser
	synctest.Test(t, func(t *testing.T) {
		j, err := newJournal(testOptions, &w)
		if err != nil {
			t.Fatal(err)
		}
		recordAll(t, j)
		time.Sleep(20 * time.Millisecond)
		if err := j.Shut(); err != nil {
			t.Fatal(err)
		}
		log = j.Log()
	})
	if lines := bytes.Count(w.Bytes(), []byte("\n")); w.writes != lines {
		t.Errorf("%d lines took %d writes, want one each", lines, w.writes)
	}
	return w.Bytes(), log
}

func TestGolden(t *testing.T) {
	got, _ := goldenFile(t)
	path := filepath.Join("testdata", "golden.ndjson")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("line %d differs\n got %q\nwant %q", i+1, gotLines[min(i, len(gotLines)-1)], wantLines[min(i, len(wantLines)-1)])
		}
	}
}

func TestRingAndFileGiveTheSameLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	o := testOptions
	o.File = path
	j, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	recordAll(t, j)
	for _, when := range []string{"before Shut", "after Shut"} {
		got, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := j.Log(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the file gives\n%+v\nthe ring\n%+v", when, got, want)
		}
		if err := j.Shut(); err != nil {
			t.Fatal(err)
		}
	}
	if got := j.Log(); got.End < 16*time.Millisecond {
		t.Errorf("the record ends at %v, before its last event", got.End)
	}
}

func TestLogJoins(t *testing.T) {
	_, l := goldenFile(t)
	if l.End != 20*time.Millisecond {
		t.Errorf("End = %v, want the instant of Shut, 20ms", l.End)
	}
	if n := len(l.Attempts); n != 3 {
		t.Fatalf("%d attempts, want 3", n)
	}
	a := l.Attempts[0]
	if !a.Ended || a.BytesSent != 120 || !a.Whole || a.Closed != ClosedNot || a.Done != 7*time.Millisecond {
		t.Errorf("the end of attempt 1 is %+v", a)
	}
	if l.Attempts[2].Ended {
		t.Error("attempt 3 has no end, and says Ended")
	}
	if !l.Attempts[1].HeaderOrderLost || l.Attempts[0].HeaderOrderLost {
		t.Error("HeaderOrderLost is true of a header given as a map, and of no other")
	}
	want := []Conn{
		{ID: 1, Remote: "127.0.0.1:50001", Accept: time.Millisecond, Closed: ClosedByClientFIN, Close: 16 * time.Millisecond},
		{ID: 2, Remote: "127.0.0.1:50002", Accept: 2 * time.Millisecond, Closed: ClosedByServerRST, Close: 3 * time.Millisecond,
			Drawn: []int{0, 2}, Applied: []int{2}, Reason: "flaky, faults[2]"},
	}
	if !reflect.DeepEqual(l.Conns, want) {
		t.Errorf("conns\n%+v\nwant\n%+v", l.Conns, want)
	}
	if got := l.Attempts[0].Headers[2]; got != (Field{"X-Odd", "\"\x01\xff\\€"}) {
		t.Errorf("the odd field came back as %q", got)
	}
}

func TestLogIsInOrderOfTheFirstByte(t *testing.T) {
	j := benchJournal(t, Options{})
	for i, first := range []time.Duration{5, 1, 4, 4, 9, 0} {
		if err := j.Attempt(&AttemptRecord{Seq: uint64(i) + 1, First: first, Entry: -1}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		if err := j.End(&EndRecord{Seq: uint64(i) + 1, BytesSent: int64(i) + 1}); err != nil {
			t.Fatal(err)
		}
	}
	var order []uint64
	for _, a := range j.Log().Attempts {
		order = append(order, a.Seq)
		if a.BytesSent != int64(a.Seq) {
			t.Errorf("attempt %d has the end of %d", a.Seq, a.BytesSent)
		}
	}
	if want := []uint64{6, 2, 3, 4, 1, 5}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %d, want %d", order, want)
	}
}

func TestOptions(t *testing.T) {
	exists := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(exists, []byte("evidence"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		o    Options
		want string
	}{
		{Options{MaxRecords: -1}, "MaxRecords is -1; allowed is 1 or more, or 0 for 65536"},
		{Options{MaxBytes: 1}, "MaxBytes is 1; allowed is 65536 to 2147483648, or 0 for 67108864"},
		{Options{MaxBytes: 1 << 16, KeepBody: 1 << 14}, "KeepBody is 16384; allowed is 0 to 8192, an eighth of MaxBytes"},
		{Options{KeepBody: -1}, "KeepBody is -1; allowed is 0 to 8388608, an eighth of MaxBytes"},
		{Options{File: exists}, "the journal's file: open " + exists + ": file exists"},
	} {
		j, err := New(s.o)
		if err == nil || err.Error() != s.want {
			t.Errorf("New(%+v) = %v, %v; want the error %q", s.o, j, err, s.want)
		}
	}
	if b, _ := os.ReadFile(exists); string(b) != "evidence" {
		t.Error("the file that was there is overwritten")
	}
	bad := filepath.Join(t.TempDir(), "new")
	if _, err := New(Options{File: bad, KeepBody: -1}); err == nil {
		t.Error("no error for a KeepBody of -1")
	}
	if _, err := os.Stat(bad); !errors.Is(err, os.ErrNotExist) {
		t.Error("a journal that did not start left a file")
	}
}

func TestShut(t *testing.T) {
	j := benchJournal(t, Options{})
	if err := j.Late(Lateness{At: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Shut(); err != nil {
			t.Errorf("Shut: %v", err)
		}
	}
	if err := j.Attempt(&AttemptRecord{Seq: 1}); !errors.Is(err, ErrShut) {
		t.Errorf("Attempt after Shut: %v, want %v", err, ErrShut)
	}
	if l := j.Log(); len(l.Late) != 1 || len(l.Attempts) != 0 {
		t.Errorf("after Shut the ring holds %+v", l)
	}
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector sync.Pool lets go of things at random")
	}
	j := benchJournal(t, Options{})
	r := AttemptRecord{RawHeader: []byte("Host: h\r\nAuthorization: Bearer x\r\nReferer: http://a/?q=1&token=2\r\n"), Call: "c", Target: "/a?key=1&b=2", Host: "h"}
	asMap := AttemptRecord{Header: map[string][]string{"Authorization": {"Bearer x"}, "Accept": {"a", "b"}}}
	end := EndRecord{Failure: "gone"}
	for _, s := range []struct {
		what   string
		record func() error
	}{
		{"an attempt", func() error { return j.Attempt(&r) }},
		{"an attempt with a map", func() error { return j.Attempt(&asMap) }},
		{"an end", func() error { return j.End(&end) }},
		{"an open", func() error { return j.Open(OpenRecord{Remote: "a", Reason: "b", Drawn: []int{1}}) }},
		{"a close", func() error { return j.Close(CloseRecord{}) }},
		{"a lateness", func() error { return j.Late(Lateness{}) }},
	} {
		if n := testing.AllocsPerRun(200, func() {
			if err := s.record(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", s.what, n)
		}
	}
}

func TestRecordSize(t *testing.T) {
	j := benchJournal(t, Options{})
	const n = 1000
	for i := range n {
		var r AttemptRecord
		benchRecord(&r, million+i)
		r.Method, r.BodySHA256, r.BodyLen = "POST", [32]byte{1}, 1<<20
		r.RawHeader = append(r.RawHeader[:len(r.RawHeader):len(r.RawHeader)], "Idempotency-Key: 2f1c6b0e-5a0e-4f59-9a2e-8d0c6f2f5b11\r\n"...)
		r.RetryAfter, r.HasDue, r.Due = "Retry-After: 2", true, r.Sent+2*time.Second
		if err := errors.Join(j.Attempt(&r), j.End(&EndRecord{Seq: r.Seq, Done: r.Sent, BytesSent: 1 << 20})); err != nil {
			t.Fatal(err)
		}
	}
	if size := (j.ring.head - j.ring.tail) / n; size > 400 {
		t.Errorf("a POST with its end takes %d bytes, at most 400 are allowed", size)
	}
}
