package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"brownout/resilience/store"
	"brownout/resilience/store/redis"
	"brownout/resilience/store/storetest"
)

func TestConformance(t *testing.T) {
	client := startServer(t).client(t, goredis.Options{})
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T) store.Store { return fresh(t, client) },
		// The server's clock cannot be moved, so every deadline is moved towards it instead.
		Advance: func(t *testing.T, _ store.Store, d time.Duration) {
			if err := shift.Run(t.Context(), client, nil, d.Milliseconds()).Err(); err != nil {
				t.Fatalf("moving the deadlines: %v", err)
			}
		},
	})
}

var shift = goredis.NewScript(`
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key) - ARGV[1]
  if left <= 0 then
    redis.call('DEL', key)
  else
    redis.call('PEXPIRE', key, left)
    local lease = redis.call('HGET', key, 'l')
    if lease then redis.call('HSET', key, 'l', string.format('%.0f', lease - ARGV[1])) end
  end
end
return 'moved'
`)

// fresh returns a store on a server without any keys.
func fresh(t testing.TB, client *goredis.Client) *redis.Store {
	t.Helper()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	s, err := redis.New(client, redis.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var terms = store.Terms{Lease: time.Minute, Keep: time.Hour}

func claim(t testing.TB, s store.Store, name string) store.Claim {
	t.Helper()
	c, err := s.Claim(context.Background(), store.KeyOf(name), terms)
	if err != nil {
		t.Fatalf("Claim of %s: %v", name, err)
	}
	return c
}

func newStore(t testing.TB, client goredis.Scripter, prefix string) *redis.Store {
	t.Helper()
	s, err := redis.New(client, redis.Settings{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Several processes have a client each. They share what has the same prefix, and nothing else.
func TestShared(t *testing.T) {
	server := startServer(t)
	a := newStore(t, server.client(t, goredis.Options{}), "")
	b := newStore(t, server.client(t, goredis.Options{}), "")
	other := newStore(t, server.client(t, goredis.Options{}), "other:")
	if c := claim(t, a, "k"); c.State != store.Won {
		t.Fatalf("the first: %v", c.State)
	}
	if c := claim(t, b, "k"); c.State != store.InFlight {
		t.Errorf("another process: %v, want in flight", c.State)
	}
	if c := claim(t, other, "k"); c.State != store.Won {
		t.Errorf("another prefix: %v, want won", c.State)
	}
}

// Every key expires by itself, so that the server forgets what is over.
func TestKeysExpire(t *testing.T) {
	client := startServer(t).client(t, goredis.Options{})
	s := newStore(t, client, "")
	c := claim(t, s, "k")
	key := redis.DefaultPrefix + store.KeyOf("k").String()
	ttl := func() time.Duration { return client.PTTL(t.Context(), key).Val() }
	if d := ttl(); d <= terms.Keep-time.Minute || d > terms.Keep {
		t.Errorf("a claim expires in %v, want %v", d, terms.Keep)
	}
	if err := s.Commit(t.Context(), store.KeyOf("k"), c.Token, "", 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	if d := ttl(); d <= 47*time.Hour || d > 48*time.Hour {
		t.Errorf("a record expires in %v, want 48h", d)
	}
}

// A reply that is lost makes the client send the step again. The second time must have the outcome of the first.
func TestLostReplies(t *testing.T) {
	server := startServer(t)
	proxy := newProxy(t, server.addr())
	client := goredis.NewClient(&goredis.Options{Addr: proxy.addr(), PoolSize: 1, MaxRetries: 3, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	s := newStore(t, client, "")
	claim(t, s, "loads the scripts")
	lose := func(what string, step func() error) {
		t.Helper()
		before := proxy.dropped.Load()
		proxy.drop.Store(true)
		if err := step(); err != nil {
			t.Errorf("%s sent twice: %v", what, err)
		}
		if n := proxy.dropped.Load() - before; n != 1 {
			t.Errorf("%d replies to %s were lost, want 1", n, what)
		}
	}
	var c store.Claim
	k := store.KeyOf("k")
	lose("claim", func() error { c = claim(t, s, "k"); return nil })
	if c.State != store.Won || c.Reclaimed {
		t.Fatalf("claim sent twice: %+v, want won, not reclaimed", c)
	}
	lose("renew", func() error { return s.Renew(t.Context(), k, c.Token, time.Minute) })
	lose("commit", func() error { return s.Commit(t.Context(), k, c.Token, "done", time.Hour) })
	if c := claim(t, s, "k"); c.State != store.Done || c.Record != "done" {
		t.Errorf("after the commit: %+v", c)
	}
	c = claim(t, s, "other")
	lose("release", func() error { return s.Release(t.Context(), store.KeyOf("other"), c.Token) })
}

// A full server refuses new claims and forgets nothing.
func TestFull(t *testing.T) {
	client := startServer(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction").client(t, goredis.Options{})
	s := newStore(t, client, "")
	record := strings.Repeat("x", 64<<10)
	var done []string
	for i := 0; ; i++ {
		name := fmt.Sprint(i)
		c, err := s.Claim(t.Context(), store.KeyOf(name), terms)
		if err == nil {
			err = s.Commit(t.Context(), store.KeyOf(name), c.Token, record, time.Hour)
		}
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil || i > 100 {
			t.Fatalf("key %d of 64 KiB in 3 MiB: error %v, want ErrFull", i, err)
		}
		done = append(done, name)
	}
	for _, name := range done {
		if n := client.Exists(t.Context(), redis.DefaultPrefix+store.KeyOf(name).String()).Val(); n != 1 {
			t.Errorf("key %s of %d was forgotten", name, len(done))
		}
	}
}

func TestServerGone(t *testing.T) {
	server := startServer(t)
	s := newStore(t, server.client(t, goredis.Options{MaxRetries: -1, DialerRetries: 1}), "")
	c := claim(t, s, "k")
	server.kill()
	for what, err := range map[string]error{
		"Claim":   func() error { _, err := s.Claim(t.Context(), store.KeyOf("k"), terms); return err }(),
		"Renew":   s.Renew(t.Context(), store.KeyOf("k"), c.Token, time.Minute),
		"Commit":  s.Commit(t.Context(), store.KeyOf("k"), c.Token, "", time.Hour),
		"Release": s.Release(t.Context(), store.KeyOf("k"), c.Token),
	} {
		if err == nil || errors.Is(err, store.ErrLost) || errors.Is(err, store.ErrFull) {
			t.Errorf("%s without a server: error %v; want one that says nothing about the claim", what, err)
		}
	}
}

func TestForeignKeyIsAnError(t *testing.T) {
	client := startServer(t).client(t, goredis.Options{})
	s := newStore(t, client, "")
	if err := client.Set(t.Context(), redis.DefaultPrefix+store.KeyOf("k").String(), "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Claim(t.Context(), store.KeyOf("k"), terms); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Claim of a key that is a string: %+v, %v", c, err)
	}
}

func TestNewRefusesNoClient(t *testing.T) {
	if _, err := redis.New(nil, redis.Settings{}); err == nil || err.Error() != "client: got nil, want a client of go-redis" {
		t.Errorf("New(nil): %v", err)
	}
}
