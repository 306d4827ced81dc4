package store_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"brownout/resilience/store"
)

// A duplicate of work that is done, among a million keys.
func BenchmarkMemoryDuplicate(b *testing.B) {
	m := newMemory(b, store.MemorySettings{})
	fill(b, m, 1<<20)
	ctx, terms := context.Background(), store.Terms{Lease: time.Minute}
	var start atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(start.Add(1 << 16)); pb.Next(); i++ {
			if c, err := m.Claim(ctx, numbered(i%(1<<20)), terms); err != nil || c.State != store.Done {
				b.Errorf("Claim: %+v, %v", c, err)
				return
			}
		}
	})
}

// New work, claimed and committed.
func BenchmarkMemoryClaimCommit(b *testing.B) {
	m := newMemory(b, store.MemorySettings{MaxKeys: 1 << 29})
	ctx, terms := context.Background(), store.Terms{Lease: time.Minute}
	var start atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(start.Add(1<<32)) + b.N; pb.Next(); i++ {
			k := numbered(i)
			c, err := m.Claim(ctx, k, terms)
			if err == nil {
				err = m.Commit(ctx, k, c.Token, "", time.Hour)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// A full garbage collection beside a million keys; "none" is the cost of an empty heap.
func BenchmarkMemoryCollection(b *testing.B) {
	for _, c := range []struct {
		name string
		keys int
	}{{"none", 0}, {"million", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			m := newMemory(b, store.MemorySettings{})
			fill(b, m, c.keys)
			for b.Loop() {
				runtime.GC()
			}
			runtime.KeepAlive(m)
		})
	}
}

func BenchmarkHash512(b *testing.B) {
	m := newMemory(b, store.MemorySettings{})
	data := make([]byte, 512)
	for b.Loop() {
		m.Hash(data)
	}
}
