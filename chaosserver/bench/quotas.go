package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"brownout/chaosserver/quota"
	"brownout/scenarios"
)

// quotas measures one check of a quota where 100,000 keys are known, in an order that no cache foresees, and the memory that
// a key takes. It needs no server.
func quotas(int) error {
	const keys, checks = 100_000, 1_000_000
	fmt.Printf("\na check of a token bucket with %d keys, median of %d rounds\n", keys, rounds)
	s, err := scenarios.Parse("bench.yaml", []byte("name: bench\nlimits: [{rate: 1000000/s, burst: 1000000, by: header X-Key}]\n"))
	if err != nil {
		return err
	}
	names := make([]string, keys)
	for i := range names {
		names[i] = strings.Clone(fmt.Sprint("key-", i))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(keys, func(i, j int) { names[i], names[j] = names[j], names[i] })
	var each, memory []float64
	for range rounds {
		before := heap()
		buckets := quota.New(s.Limits, keys)
		var grants []quota.Grant
		claim := []quota.Claim{{}}
		ask := func(i int) {
			claim[0].Key = names[i%keys]
			grants, _ = buckets.Ask(time.Duration(i), claim, grants[:0])
		}
		for i := range keys {
			ask(i)
		}
		memory = append(memory, float64(heap()-before)/keys)
		start := time.Now()
		for i := range checks {
			ask(i)
		}
		each = append(each, float64(time.Since(start).Nanoseconds())/checks)
		runtime.KeepAlive(buckets)
	}
	fmt.Printf("%.0f ns a check, %.0f bytes a key\n", quantile(each, 0.5), quantile(memory, 0.5))
	return nil
}

// heap is the live heap in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
