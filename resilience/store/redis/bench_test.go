package redis_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"brownout/resilience/store"
)

// A duplicate of work that is done, and new work claimed and committed, by 64 goroutines. "ping" is the way to the server and back.
func BenchmarkRedis(b *testing.B) {
	client := startServer(b).client(b, goredis.Options{})
	s := newStore(b, client, "")
	ctx := context.Background()
	var number atomic.Int64
	k := store.KeyOf("k")
	if err := s.Commit(ctx, k, claim(b, s, "k").Token, string(make([]byte, 512)), time.Hour); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		step func() error
	}{
		{"ping", func() error { return client.Ping(ctx).Err() }},
		{"duplicate", func() error { _, err := s.Claim(ctx, k, terms); return err }},
		{"claim and commit", func() error {
			k := store.KeyOf(fmt.Sprint(number.Add(1)))
			c, err := s.Claim(ctx, k, terms)
			if err != nil {
				return err
			}
			return s.Commit(ctx, k, c.Token, "record", time.Hour)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.step(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
