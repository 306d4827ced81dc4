package bolt_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"brownout/resilience/store"
	"brownout/resilience/store/bolt"
)

// A duplicate of work that is done: no write.
func BenchmarkDuplicate(b *testing.B) {
	s := open(b, bolt.Settings{})
	k := store.KeyOf("k")
	c := claim(b, s, "k")
	if err := s.Commit(b.Context(), k, c.Token, string(make([]byte, 512)), time.Hour); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if c, err := s.Claim(context.Background(), k, terms); err != nil || c.State != store.Done {
				b.Errorf("Claim: %+v, %v", c, err)
				return
			}
		}
	})
}

// New work, claimed and committed: two waits for the disk, shared by those who work at the same time.
func BenchmarkClaimCommit(b *testing.B) {
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			s := open(b, bolt.Settings{})
			var number atomic.Int64
			b.SetParallelism(goroutines)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					k := store.KeyOf(fmt.Sprint(number.Add(1)))
					c, err := s.Claim(context.Background(), k, terms)
					if err == nil {
						err = s.Commit(context.Background(), k, c.Token, "record", time.Hour)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
