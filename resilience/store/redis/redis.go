// Package redis is a [store.Store] in a Redis or Valkey server (Redis 5 or later), shared by many processes. Every step is one
// script on one key, so it is atomic, and works with a cluster. Time is the server's, one clock for all.
//
// A step that the client library sends again after a broken connection has the same outcome as the first: the token of a
// claim is drawn before it is sent, so the server knows it again.
//
// # What the server must be set to
//
//   - maxmemory-policy noeviction, the default: with another policy a full server forgets keys that are alive, and their
//     work is done again. With it, a full server refuses new claims, and they fail with [store.ErrFull].
//   - appendonly yes and appendfsync always, where what was acknowledged must survive the crash of the server. With
//     appendfsync everysec the last second may be lost, with neither everything since the last snapshot.
//   - Replicas get writes after they are acknowledged, so a failover may forget the last of them.
//
// # Contexts
//
// A step does not begin once its context is done. One that waits for the server ends with the client's ReadTimeout, and with
// the context's deadline if the client was made with ContextTimeoutEnabled. When it failed so, the key may be
// claimed, until the lease ends, although an error came back.
package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"brownout/resilience"
	"brownout/resilience/store"
)

// DefaultPrefix stands before the keys of a [Store] whose settings name no other.
const DefaultPrefix = "brownout:claim:"

// Settings say where claims are kept. The zero value will do.
type Settings struct {
	// Prefix stands before every key, which follows as 32 hexadecimal digits. Empty means [DefaultPrefix].
	// Stores with the same prefix on the same server are one.
	Prefix string
}

// Store is a [store.Store]; see the package comment. It may be used by several goroutines.
type Store struct {
	client goredis.Scripter
	prefix string
}

var _ store.Store = (*Store)(nil)

// New returns a Store on client: a *redis.Client, *redis.ClusterClient or *redis.Ring of go-redis, which the caller makes and
// closes. It does not connect.
func New(client goredis.Scripter, s Settings) (*Store, error) {
	if client == nil {
		return nil, &resilience.SettingError{Field: "client", Value: "nil", Want: "a client of go-redis"}
	}
	if s.Prefix == "" {
		s.Prefix = DefaultPrefix
	}
	return &Store{client: client, prefix: s.Prefix}, nil
}

// Claim is described at [store.Store].
func (r *Store) Claim(ctx context.Context, key store.Key, terms store.Terms) (store.Claim, error) {
	terms, err := terms.Check()
	if err != nil {
		return store.Claim{}, err
	}
	token := newToken()
	reply, err := r.run(ctx, claimScript, key, terms.Fingerprint[:], format(token), millis(terms.Lease), millis(terms.Keep))
	if err != nil {
		return store.Claim{}, fmt.Errorf("redis: claim: %w", err)
	}
	if len(reply) != 2 {
		return store.Claim{}, fmt.Errorf("redis: claim: reply %v of the script cannot be read", reply)
	}
	value, _ := reply[1].(string)
	switch reply[0] {
	case "won":
		return store.Claim{State: store.Won, Token: token, Reclaimed: value == "reclaimed"}, nil
	case "in flight":
		left, err := strconv.ParseInt(value, 10, 64)
		if err == nil {
			return store.Claim{State: store.InFlight, Lease: time.Duration(left) * time.Millisecond}, nil
		}
	case "done":
		return store.Claim{State: store.Done, Record: value}, nil
	case "mismatch":
		return store.Claim{State: store.Mismatch}, nil
	}
	return store.Claim{}, fmt.Errorf("redis: claim: reply %v of the script cannot be read", reply)
}

// Renew is described at [store.Store].
func (r *Store) Renew(ctx context.Context, key store.Key, token store.Token, lease time.Duration) error {
	if _, err := (store.Terms{Lease: lease}).Check(); err != nil {
		return err
	}
	return r.end(ctx, "renew", renewScript, key, format(token), millis(lease))
}

// Commit is described at [store.Store].
func (r *Store) Commit(ctx context.Context, key store.Key, token store.Token, record string, keep time.Duration) error {
	if err := store.CheckKeep(keep); err != nil {
		return err
	}
	return r.end(ctx, "commit", commitScript, key, format(token), record, millis(keep))
}

// Release is described at [store.Store].
func (r *Store) Release(ctx context.Context, key store.Key, token store.Token) error {
	return r.end(ctx, "release", releaseScript, key, format(token))
}

// end runs a script that says whether the token holds the claim.
func (r *Store) end(ctx context.Context, what string, script *goredis.Script, key store.Key, args ...any) error {
	reply, err := r.run(ctx, script, key, args...)
	switch {
	case err != nil:
		return fmt.Errorf("redis: %s: %w", what, err)
	case len(reply) != 1 || reply[0] != "held":
		return store.ErrLost
	}
	return nil
}

func (r *Store) run(ctx context.Context, script *goredis.Script, key store.Key, args ...any) ([]any, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	reply, err := script.Run(ctx, r.client, []string{r.prefix + key.String()}, args...).Slice()
	if err != nil && strings.HasPrefix(err.Error(), "OOM ") {
		err = fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	if errors.Is(err, goredis.Nil) {
		err = errors.New("the script had no reply")
	}
	return reply, err
}

// newToken draws a token. Two of the same key are alike with a probability of 2^-64.
func newToken() store.Token {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails: it crashes the program instead
		if token := binary.BigEndian.Uint64(b[:]); token != 0 {
			return store.Token(token)
		}
	}
}

// format writes a token as text: as a number it would lose digits in Lua.
func format(t store.Token) string { return strconv.FormatUint(uint64(t), 16) }

func millis(d time.Duration) int64 { return int64(d / time.Millisecond) }
