package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// benchRecord fills r with the i-th attempt of a run against 20 routes: a GET of a common client, one fault in
// three.
func benchRecord(r *AttemptRecord, i int) {
	ms := time.Duration(i) * 20 * time.Microsecond
	r.Seq, r.Conn, r.ConnRequest = uint64(i)+1, uint64(i%64)+1, i/64+1
	r.Route, r.Method, r.Host = benchRoutes[i%20], "GET", "127.0.0.1:8080"
	r.Call, r.Target = benchCalls[i%len(benchCalls)], benchTargets[i%len(benchTargets)]
	r.CallNo, r.N, r.Nth = i/3+1, i%3+1, i/20+1
	r.RawHeader = benchHeader
	r.BodySHA256, r.BodyWhole = emptyHash, true
	r.First, r.Read, r.Sent = ms, ms+15*time.Microsecond, ms+40*time.Microsecond
	r.Entry, r.Applied, r.Drawn, r.Reason, r.Status = 1, nil, nil, "answers[1]", 200
	if i%3 == 0 {
		r.Entry, r.Applied, r.Drawn, r.Reason, r.Status = -1, benchFault, benchFault, "chance 30%, faults[0]", 503
	}
}

var (
	benchFault   = []int{0}
	benchHeader  = []byte("Host: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nX-Request-Id: 7f3c9a\r\n\r\n")
	benchRoutes  = benchTexts(20, "GET /api/v1/res%d/{id}")
	benchCalls   = benchTexts(1000, "GET /api/v1/res7/%d #12")
	benchTargets = benchTexts(1000, "/api/v1/res7/%d")
)

func benchTexts(n int, format string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, i))
	}
	return list
}

func benchJournal(b testing.TB, o Options) *Journal {
	j, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Shut() })
	return j
}

// appendAll appends b.N attempts with their ends from as many goroutines as there are processors, with the header
// blocks in turn if there are any.
func appendAll(b *testing.B, j *Journal, headers [][]byte) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var r AttemptRecord
		var end EndRecord
		for i := 0; pb.Next(); i++ {
			benchRecord(&r, i)
			if headers != nil {
				r.RawHeader = headers[i%len(headers)]
			}
			end = EndRecord{Seq: r.Seq, Done: r.Sent + 30*time.Microsecond, BytesSent: 190, Whole: true}
			if err := j.Attempt(&r); err != nil {
				b.Fatal(err)
			}
			if err := j.End(&end); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAppend is an attempt and its end, two appends, into a ring that rolls.
func BenchmarkAppend(b *testing.B) {
	j := benchJournal(b, Options{})
	appendAll(b, j, nil)
}

// BenchmarkAppendVaried is BenchmarkAppend with header fields that differ from each attempt to the next.
func BenchmarkAppendVaried(b *testing.B) {
	j := benchJournal(b, Options{})
	blocks := benchTexts(1000, "Host: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nX-Request-Id: 7f3c9a%d\r\n\r\n")
	var headers [][]byte
	for _, text := range blocks {
		headers = append(headers, []byte(text))
	}
	appendAll(b, j, headers)
}

// BenchmarkAppendSecret is BenchmarkAppend with an Authorization field to hash.
func BenchmarkAppendSecret(b *testing.B) {
	j := benchJournal(b, Options{})
	secret := string(benchHeader[:len(benchHeader)-2]) + "Authorization: Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc\r\n"
	appendAll(b, j, [][]byte{[]byte(secret)})
}

// BenchmarkAppendFile is BenchmarkAppend with a file.
func BenchmarkAppendFile(b *testing.B) {
	j := benchJournal(b, Options{File: filepath.Join(b.TempDir(), "journal.ndjson")})
	appendAll(b, j, nil)
}

// BenchmarkLine is the encoding of one attempt's line.
func BenchmarkLine(b *testing.B) {
	e := &encoder{}
	var r AttemptRecord
	benchRecord(&r, 3)
	frame := e.attempt(&r)
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = appendLine(line[:0], frame)
	}
	b.ReportMetric(float64(len(line)), "B/line")
}

const million = 1_000_000

// millionJournal returns a journal with a million attempts in its ring, and what one takes.
func millionJournal(b *testing.B, file string) (*Journal, float64) {
	j := benchJournal(b, Options{MaxRecords: million, MaxBytes: 512 << 20, File: file})
	var r AttemptRecord
	for i := range million {
		benchRecord(&r, i)
		j.Attempt(&r)
		j.End(&EndRecord{Seq: r.Seq, Done: r.Sent + 30*time.Microsecond, BytesSent: 190, Whole: true})
	}
	return j, float64(j.ring.head-j.ring.tail) / million
}

// BenchmarkLog1M decodes a million attempts.
func BenchmarkLog1M(b *testing.B) {
	j, size := millionJournal(b, "")
	decodeMillion(b, j, size)
}

// BenchmarkLog1MUnordered decodes a million attempts that were delayed by up to 0.1 s, so that each is some 2,500
// places from where its first byte puts it.
func BenchmarkLog1MUnordered(b *testing.B) {
	j := benchJournal(b, Options{MaxRecords: million, MaxBytes: 512 << 20})
	var r AttemptRecord
	for i := range million {
		benchRecord(&r, i)
		r.First += time.Duration(i*7919%5000) * 20 * time.Microsecond
		j.Attempt(&r)
		j.End(&EndRecord{Seq: r.Seq, Done: r.Sent, BytesSent: 190, Whole: true})
	}
	decodeMillion(b, j, float64(j.ring.head-j.ring.tail)/million)
}

func decodeMillion(b *testing.B, j *Journal, size float64) {
	b.ReportAllocs()
	for b.Loop() {
		if n := len(j.Log().Attempts); n != million {
			b.Fatal(n)
		}
	}
	b.ReportMetric(size, "B/record")
}

// BenchmarkScan1M counts what has one route and one status among a million attempts.
func BenchmarkScan1M(b *testing.B) {
	j, _ := millionJournal(b, "")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		j.Scan(func(v *View) bool {
			if v.Status() == 503 && string(v.Route()) == benchRoutes[3] {
				n++
			}
			return true
		})
		if n == 0 {
			b.Fatal("none")
		}
	}
}

// BenchmarkRead1M reads the file of a million attempts.
func BenchmarkRead1M(b *testing.B) {
	path := filepath.Join(b.TempDir(), "journal.ndjson")
	millionJournal(b, path)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		l, err := ReadFile(path)
		if err != nil || len(l.Attempts) != million {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory1M appends a million attempts to a journal of the default size, and reports the memory that
// the process holds then, and what the next million adds.
func BenchmarkMemory1M(b *testing.B) {
	for b.Loop() {
		j := benchJournal(b, Options{})
		var r AttemptRecord
		var held [2]float64
		for round := range held {
			for i := range million {
				benchRecord(&r, round*million+i)
				j.Attempt(&r)
				j.End(&EndRecord{Seq: r.Seq, Done: r.Sent, BytesSent: 190, Whole: true})
			}
			runtime.GC()
			held[round] = resident(b)
		}
		b.ReportMetric(held[0], "MB")
		b.ReportMetric(held[1]-held[0], "MB-more")
		j.Shut()
	}
}

// resident returns the process's resident memory in MB.
func resident(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc: ", err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(text)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	b.Skip("no VmRSS")
	return 0
}

// BenchmarkWrite writes a Log of 10,000 attempts.
func BenchmarkWrite(b *testing.B) {
	j := benchJournal(b, Options{})
	var r AttemptRecord
	for i := range 10_000 {
		benchRecord(&r, i)
		j.Attempt(&r)
	}
	l := j.Log()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
