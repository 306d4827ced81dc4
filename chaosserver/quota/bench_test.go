package quota

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
)

// BenchmarkAsk is one check of one limit, by the number of keys that it knows. The buckets are asked for in an order that no
// cache can foresee; the keys themselves are at hand, as those of a request are.
func BenchmarkAsk(b *testing.B) {
	for _, kind := range []struct {
		name  string
		limit scenarios.Limit
	}{
		{"rate", scenarios.Limit{Rate: perSecond(1e6), Burst: 1e6}},
		{"window", scenarios.Limit{Window: perSecond(1e9)}},
		{"concurrency", scenarios.Limit{Concurrency: 1}},
	} {
		for _, keys := range []int{1, 1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/keys=%d", kind.name, keys), func(b *testing.B) {
				buckets := New([]scenarios.Limit{kind.limit}, keys)
				names := keyNames(keys)
				rand.Shuffle(keys, func(i, j int) { names[i], names[j] = names[j], names[i] })
				for i, name := range names {
					names[i] = strings.Clone(name) // one behind the other in memory
				}
				var grants []Grant
				claim := make([]Claim, 1)
				once := func(at time.Duration, name string) {
					claim[0] = Claim{0, name}
					grants, _ = buckets.Ask(at, claim, grants[:0])
					if kind.limit.Concurrency > 0 {
						buckets.Release(grants)
					}
				}
				for _, i := range rand.Perm(keys) {
					once(0, names[i])
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					once(time.Duration(i), names[i%keys])
				}
			})
		}
	}
}

// BenchmarkMemory reports what a key costs with 100,000 of them.
func BenchmarkMemory(b *testing.B) {
	const keys = 100_000
	names := keyNames(keys)
	for range b.N {
		before := heap()
		buckets := New([]scenarios.Limit{{Rate: perSecond(1)}}, keys)
		var grants []Grant
		for _, name := range names {
			grants, _ = buckets.Ask(0, []Claim{{0, name}}, grants[:0])
		}
		b.ReportMetric(float64(heap()-before)/keys, "B/key")
		runtime.KeepAlive(buckets)
	}
	runtime.KeepAlive(names)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func keyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "10.0." + strconv.Itoa(1_000_000+i)
	}
	return names
}
