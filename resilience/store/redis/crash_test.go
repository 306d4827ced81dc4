package redis_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"brownout/resilience/store/redis"
	"brownout/resilience/store/storetest"
)

// A server that syncs its log before it answers is killed at random points. No key that was committed is lost, and
// none is committed twice.
func TestKill(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 10
	}
	const seed = 1
	chance := rand.New(rand.NewPCG(seed, 0))
	server := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	var ledger storetest.Ledger
	for kill := range kills {
		worked(t, server, &ledger, chance.IntN(6), time.Duration(chance.IntN(3000))*time.Microsecond)
		server.start(t)
		if kill%20 == 19 || kill == kills-1 {
			client := server.client(t, goredis.Options{})
			s, err := redis.New(client, redis.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			ledger.Check(t, s)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", kill+1)
		}
	}
	t.Logf("%d kills (seed %d): %d claims won, %d commits returned", kills, seed, ledger.Won, ledger.Committed)
	if ledger.Committed < kills || ledger.Won == ledger.Committed {
		t.Errorf("%d claims won and %d commits in %d rounds: too few were caught between them to show anything", ledger.Won, ledger.Committed, kills)
	}
}

// worked works on the server until it was killed: some while after so many commits.
func worked(t *testing.T, server *server, ledger *storetest.Ledger, commits int, extra time.Duration) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: server.addr(), MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	s, err := redis.New(client, redis.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var kill *time.Timer
	var lines []string
	before, done := ledger.Committed, 0
	killed := make(chan struct{})
	err = storetest.Work(ctx, s, max(0, ledger.Next-10), func(line string) {
		lines = append(lines, line)
		if strings.HasPrefix(line, "committed") {
			done++
		}
		if kill == nil && done >= commits {
			kill = time.AfterFunc(extra, func() {
				server.kill()
				close(killed)
			})
		}
	})
	if ctx.Err() != nil || kill == nil {
		t.Fatalf("the work ended before the server was killed: %v", err)
	}
	<-killed
	for _, line := range lines {
		ledger.Read(t, line)
	}
	if ledger.Committed-before < commits {
		t.Fatalf("%d commits before the kill, want %d", ledger.Committed-before, commits)
	}
}
