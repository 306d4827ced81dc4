package ledger

import (
	"crypto/sha256"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkFirst is what a request with a new key costs, from its key to the end of its answer.
func BenchmarkFirst(b *testing.B) {
	l, sum := NewLedger(b.N), sha256.Sum256([]byte("5"))
	keys := make([]string, b.N)
	for i := range keys {
		keys[i] = "0d4b1c5e-6f0a-4d7e-9c3b-" + strconv.Itoa(1e12+i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		id, print := IDOf(0, keys[i]), PrintOf("POST", "/v1/charges", sum)
		if said, _ := l.Ask(id, &print, 0); said != New {
			b.Fatal(said)
		}
		l.Commit(id, Answer{Call: i}, 0, 0)
		l.End(id)
	}
}

// BenchmarkStored is what a request with a known key costs, beside a hundred thousand others.
func BenchmarkStored(b *testing.B) {
	const known = 100_000
	l, sum := filled(known), sha256.Sum256([]byte("5"))
	keys := make([]string, known)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id, print := IDOf(0, keys[i%known]), PrintOf("POST", "/v1/charges", sum)
		if said, _ := l.Ask(id, &print, time.Second); said != Stored {
			b.Fatal(said)
		}
	}
}

// BenchmarkMemory reports what a key costs in memory.
func BenchmarkMemory(b *testing.B) {
	const known = 1 << 18
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := filled(known)
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(l)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/known, "B/key")
}

func filled(n int) *Ledger {
	l, sum := NewLedger(n), sha256.Sum256([]byte("5"))
	for i := range n {
		id, print := IDOf(0, strconv.Itoa(i)), PrintOf("POST", "/v1/charges", sum)
		l.Ask(id, &print, 0)
		l.Commit(id, Answer{Call: i}, 0, 0)
		l.End(id)
	}
	return l
}
