package bench

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"brownout/resilience"
	"brownout/resilience/store"
)

const (
	dedupeKeys = 1 << 20
	dedupeTTL  = time.Hour
)

// deduper remembers keys: remember reports whether a key is new, and remembers it.
type deduper struct {
	name     string
	remember func(key string) bool
}

func brownout() deduper {
	d := must(resilience.NewDedupe(resilience.DedupeSettings{Max: 2 * dedupeKeys, TTL: dedupeTTL}))
	return deduper{"lib=brownout", func(key string) bool {
		c, err := d.Claim(key)
		return err == nil && c.Commit() == nil
	}}
}

func xsyncMap() deduper {
	m := xsync.NewMap[string, int64]()
	return deduper{"lib=xsync-map", func(key string) bool {
		now := time.Now().UnixNano()
		until, loaded := m.LoadOrStore(key, now+int64(dedupeTTL))
		return !loaded || until < now
	}}
}

func syncMap() deduper {
	var m sync.Map
	return deduper{"lib=sync-map", func(key string) bool {
		now := time.Now().UnixNano()
		until, loaded := m.LoadOrStore(key, now+int64(dedupeTTL))
		return !loaded || until.(int64) < now
	}}
}

func mutexMaps() deduper {
	type shard struct {
		mu sync.Mutex
		m  map[string]int64
		_  [48]byte
	}
	shards := make([]shard, 64)
	for i := range shards {
		shards[i].m = map[string]int64{}
	}
	seed := maphash.MakeSeed()
	return deduper{"lib=64-maps-by-hand", func(key string) bool {
		s := &shards[maphash.String(seed, key)%64]
		now := time.Now().UnixNano()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.m[key] > now {
			return false
		}
		s.m[key] = now + int64(dedupeTTL)
		return true
	}}
}

// someKeys returns keys of 20 bytes, in an order and in a memory of their own.
func someKeys(order uint64) []string {
	keys := make([]string, dedupeKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("evt_%016d", i)
	}
	rand.New(rand.NewPCG(order, 0)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

// An event arrives again, of a million that are known; its key is not the string that was stored.
func BenchmarkDedupeDuplicate(b *testing.B) {
	first, again := someKeys(1), someKeys(2)
	for _, make := range []func() deduper{brownout, xsyncMap, syncMap, mutexMaps} {
		d := make()
		for _, k := range first {
			if !d.remember(k) {
				b.Fatalf("%s is taken for a duplicate", k)
			}
		}
		var start atomic.Uint32
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				i := start.Add(dedupeKeys / 8)
				for pb.Next() {
					i++
					if d.remember(again[i%dedupeKeys]) {
						b.Error("a duplicate is taken for new")
						return
					}
				}
			})
		})
	}
}

// A million new events, from nothing; and what they leave on the heap, beside the keys themselves.
func BenchmarkDedupeFill(b *testing.B) {
	keys := someKeys(1)
	for _, make := range []func() deduper{brownout, xsyncMap, syncMap, mutexMaps} {
		b.Run(make().name, func(b *testing.B) {
			fill(b, func() (any, func()) {
				d := make()
				return &d, func() {
					for _, k := range keys {
						d.remember(k)
					}
				}
			})
		})
	}
	b.Run("lib=empty", emptyHeap)
	runtime.KeepAlive(keys) // they are on the heap of all
}

// A million keys that a server keeps, claimed and committed, without the answers.
func BenchmarkStoreFill(b *testing.B) {
	ctx := b.Context()
	names, keys := someKeys(1), make([]store.Key, dedupeKeys)
	for i := range keys {
		keys[i] = store.KeyOf(names[i])
	}
	b.Run("lib=brownout", func(b *testing.B) {
		fill(b, func() (any, func()) {
			m := must(store.NewMemory(store.MemorySettings{}))
			return m, func() {
				for _, k := range keys {
					if err := m.Commit(ctx, k, must(m.Claim(ctx, k, store.Terms{Lease: time.Minute})).Token, "", dedupeTTL); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	})
	b.Run("lib=empty", emptyHeap)
	runtime.KeepAlive(names) // on the heap of both, as above
}

// fill measures what make returns: what is filled, and the function that does it.
func fill(b *testing.B, make func() (any, func())) {
	var used, collect float64
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		filled, do := make()
		do()
		b.StopTimer()
		used = float64(heap()-before) / dedupeKeys
		collect = collection().Seconds() * 1000
		runtime.KeepAlive(filled)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/dedupeKeys, "ns/key")
	b.ReportMetric(used, "B/key")
	b.ReportMetric(collect, "ms/gc")
}

// emptyHeap measures a garbage collection where nothing but the keys is on the heap.
func emptyHeap(b *testing.B) {
	for b.Loop() {
	}
	b.ReportMetric(collection().Seconds()*1000, "ms/gc")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// collection returns the least time of nine garbage collections.
func collection() time.Duration {
	least := time.Duration(1 << 62)
	for range 9 {
		start := time.Now()
		runtime.GC()
		least = min(least, time.Since(start))
	}
	return least
}
