package resilience_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"brownout/resilience"
)

const benchKeys = 1 << 20

// shuffledKeys returns as many keys of 20 bytes in random order.
func shuffledKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("evt_%016d", i)
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

// filled returns a Dedupe that knows the work of all keys to be done.
func filled(b *testing.B, keys []string) *resilience.Dedupe {
	d := mustDedupe(b, resilience.DedupeSettings{Max: 2 * len(keys)})
	for _, k := range keys {
		c, err := d.Claim(k)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return d
}

func BenchmarkDedupe(b *testing.B) {
	keys := shuffledKeys(benchKeys)
	b.Run("duplicate of 1M", func(b *testing.B) {
		d := filled(b, keys)
		again := shuffledKeys(benchKeys)
		rand.New(rand.NewPCG(3, 4)).Shuffle(benchKeys, func(i, j int) { again[i], again[j] = again[j], again[i] })
		var start atomic.Uint32
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			i := start.Add(benchKeys / 8)
			for pb.Next() {
				i++
				if _, err := d.Claim(again[i%benchKeys]); err != resilience.ErrDuplicate {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("claim and commit to 1M", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			filled(b, keys)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/key")
	})
	b.Run("garbage collection with 1M", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		empty := collections(b)
		d := filled(b, keys)
		runtime.GC()
		runtime.ReadMemStats(&after)
		full := collections(b)
		for b.Loop() {
			runtime.GC()
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchKeys, "B/key")
		b.ReportMetric(full.Seconds()/empty.Seconds(), "of-empty")
		runtime.KeepAlive(d)
	})
}

// collections returns the least time of nine garbage collections.
func collections(b *testing.B) time.Duration {
	b.Helper()
	var best time.Duration
	for range 9 {
		start := time.Now()
		runtime.GC()
		if d := time.Since(start); best == 0 || d < best {
			best = d
		}
	}
	return best
}
