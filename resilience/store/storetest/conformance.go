// Package storetest holds the tests that every [store.Store] must pass, ours and yours: call [Run] from a test of the
// implementation.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
)

// Harness says how stores of one kind are made and how time passes for them.
type Harness struct {
	// Open returns a new store without any keys, which is closed when the test ends. Required.
	Open func(t *testing.T) store.Store
	// Advance makes time pass for the store. Nil means that the store uses package time: its tests then run in a
	// testing/synctest bubble, where sleeping is instant.
	Advance func(t *testing.T, s store.Store, d time.Duration)
}

// The times that the tests use are so long that what passes on a real clock while a test runs does not matter.
const (
	lease = time.Hour
	keep  = 24 * time.Hour
	tick  = time.Minute
)

// Run runs all tests as subtests of t.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"a key is won, committed and replayed", (*suite).replay},
		{"a claim excludes all others while its lease lasts", (*suite).exclusion},
		{"another fingerprint is a mismatch in every state", (*suite).mismatch},
		{"a released key is free", (*suite).release},
		{"a crash between claim and commit ends with the lease", (*suite).crash},
		{"a stale owner changes nothing", (*suite).stale},
		{"a late owner whom nobody replaced commits", (*suite).late},
		{"a renewed lease lasts", (*suite).renew},
		{"what was abandoned stays so when released", (*suite).abandoned},
		{"a record is forgotten when its time is over, not before", (*suite).ttl},
		{"a commit may be repeated", (*suite).repeated},
		{"records hold any bytes", (*suite).bytes},
		{"keys do not meet", (*suite).keys},
		{"terms that cannot be kept are refused", (*suite).terms},
		{"a context that is done stops every method", (*suite).cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { h.inTime(t, c.test) })
	}
	t.Run("64 goroutines claim the same 1,000 keys", func(t *testing.T) { contention(t, h.Open(t)) })
	t.Run("a key under contention passes from owner to owner", func(t *testing.T) { handover(t, h.Open(t)) })
}

// inTime runs a test in a bubble, or where Advance moves the time.
func (h Harness) inTime(t *testing.T, test func(*suite)) {
	if h.Advance != nil {
		s := h.Open(t)
		test(&suite{T: t, store: s, sleep: func(d time.Duration) { h.Advance(t, s, d) }})
		return
	}
	synctest.Test(t, func(t *testing.T) {
		test(&suite{T: t, store: h.Open(t), sleep: time.Sleep})
	})
}

// suite is a store under test, and the words that the tests are written in.
type suite struct {
	*testing.T
	store store.Store
	sleep func(time.Duration)
}

var (
	key   = store.KeyOf("acct_1", "POST", "/payments", "k1")
	print = store.Fingerprint(store.Sum([]byte(`{"amount":4999}`)))
	other = store.Fingerprint(store.Sum([]byte(`{"amount":1}`)))
)

func (s *suite) claim(k store.Key, p store.Fingerprint) store.Claim {
	s.Helper()
	c, err := s.store.Claim(context.Background(), k, store.Terms{Fingerprint: p, Lease: lease, Keep: keep})
	if err != nil {
		s.Fatalf("Claim: %v", err)
	}
	if (c.Token != 0) != (c.State == store.Won) {
		s.Fatalf("Claim: %v with token %d; a token comes with a claim that is won, and with no other", c.State, c.Token)
	}
	return c
}

// win claims key and fails unless it is won, fresh or reclaimed as told.
func (s *suite) win(reclaimed bool) store.Token {
	s.Helper()
	c := s.claim(key, print)
	if c.State != store.Won || c.Reclaimed != reclaimed {
		s.Fatalf("Claim: %v, reclaimed %t; want won, reclaimed %t", c.State, c.Reclaimed, reclaimed)
	}
	return c.Token
}

// expect claims key and fails unless the answer is the one told.
func (s *suite) expect(p store.Fingerprint, state store.State, record string) store.Claim {
	s.Helper()
	c := s.claim(key, p)
	if c.State != state || c.Record != record {
		s.Fatalf("Claim: %v with record %.40q; want %v with %.40q", c.State, c.Record, state, record)
	}
	return c
}

func (s *suite) commit(token store.Token, record string, want error) {
	s.Helper()
	s.is("Commit", s.store.Commit(context.Background(), key, token, record, keep), want)
}

func (s *suite) is(call string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		s.Fatalf("%s: error %v, want %v", call, err, want)
	}
}

func (s *suite) replay() {
	token := s.win(false)
	s.commit(token, "201 created", nil)
	for range 3 {
		s.expect(print, store.Done, "201 created")
	}
}

func (s *suite) exclusion() {
	token := s.win(false)
	c := s.expect(print, store.InFlight, "")
	if c.Lease <= lease-tick || c.Lease > lease {
		s.Errorf("the lease is said to last %v more, want %v", c.Lease, lease)
	}
	s.sleep(lease - tick)
	c = s.expect(print, store.InFlight, "")
	if c.Lease <= 0 || c.Lease > tick {
		s.Errorf("the lease is said to last %v more, want %v", c.Lease, tick)
	}
	s.commit(token, "done", nil)
	s.expect(print, store.Done, "done")
}

func (s *suite) mismatch() {
	token := s.win(false)
	s.expect(other, store.Mismatch, "")
	s.commit(token, "done", nil)
	s.expect(other, store.Mismatch, "")
	s.expect(print, store.Done, "done")
	s.sleep(keep)
	s.win(false)
	s.sleep(lease)
	s.expect(other, store.Mismatch, "")
	s.win(true)
}

func (s *suite) release() {
	ctx := context.Background()
	s.is("Release of a key nobody claimed", s.store.Release(ctx, key, 7), nil)
	first := s.win(false)
	s.is("Release", s.store.Release(ctx, key, first), nil)
	s.is("Release once more", s.store.Release(ctx, key, first), nil)
	s.commit(first, "late", store.ErrLost)
	second := s.claim(key, other) // with another payload: nothing is left of the first
	if second.State != store.Won || second.Reclaimed || second.Token == first {
		s.Fatalf("after Release: %+v after token %d; want won by a new token, not reclaimed", second, first)
	}
	s.is("Release of another's claim", s.store.Release(ctx, key, first), store.ErrLost)
	s.commit(second.Token, "done", nil)
	s.is("Release of what is committed", s.store.Release(ctx, key, second.Token), store.ErrLost)
	s.is("Renew of what is committed", s.store.Renew(ctx, key, second.Token, lease), store.ErrLost)
	s.expect(other, store.Done, "done")
}

func (s *suite) crash() {
	s.win(false)
	s.sleep(lease - tick)
	s.expect(print, store.InFlight, "")
	s.sleep(tick)
	token := s.win(true)
	s.expect(print, store.InFlight, "")
	s.commit(token, "done by the second", nil)
	s.expect(print, store.Done, "done by the second")
	s.sleep(keep)
	s.win(false)
	s.sleep(keep) // nobody asked while the abandoned claim was kept
	s.win(false)
}

func (s *suite) stale() {
	ctx := context.Background()
	first := s.win(false)
	s.sleep(lease)
	second := s.win(true)
	if first == second {
		s.Fatalf("both owners have token %d", first)
	}
	s.commit(first, "by the first", store.ErrLost)
	s.is("Renew", s.store.Renew(ctx, key, first, 10*lease), store.ErrLost)
	s.is("Release", s.store.Release(ctx, key, first), store.ErrLost)
	if c := s.expect(print, store.InFlight, ""); c.Lease > lease {
		s.Errorf("the lease lasts %v more, so the stale owner renewed it", c.Lease)
	}
	s.commit(second, "by the second", nil)
	s.commit(first, "by the first", store.ErrLost)
	s.expect(print, store.Done, "by the second")
}

func (s *suite) late() {
	ctx := context.Background()
	token := s.win(false)
	s.sleep(2 * lease)
	s.is("Renew", s.store.Renew(ctx, key, token, lease), nil)
	s.expect(print, store.InFlight, "")
	s.sleep(2 * lease)
	s.commit(token, "late", nil)
	s.expect(print, store.Done, "late")
}

func (s *suite) renew() {
	ctx := context.Background()
	token := s.win(false)
	for range 5 {
		s.sleep(lease - tick)
		s.is("Renew", s.store.Renew(ctx, key, token, lease), nil)
	}
	s.sleep(lease - tick)
	s.expect(print, store.InFlight, "")
	s.is("Renew beyond the time to keep", s.store.Renew(ctx, key, token, 2*keep), nil)
	s.sleep(2*keep - tick)
	s.expect(print, store.InFlight, "")
	s.is("Renew", s.store.Renew(ctx, key, token, 2*tick), nil)
	s.sleep(2*tick - tick/2)
	s.expect(print, store.InFlight, "")
	s.commit(token, "done", nil)
	s.is("Renew of a key nobody claimed", s.store.Renew(ctx, store.KeyOf("none"), token, lease), store.ErrLost)
}

func (s *suite) abandoned() {
	s.win(false)
	s.sleep(lease)
	token := s.win(true)
	s.is("Release", s.store.Release(context.Background(), key, token), nil)
	s.commit(s.win(true), "done", nil)
	s.expect(print, store.Done, "done")
}

func (s *suite) ttl() {
	s.commit(s.win(false), "done", nil)
	s.sleep(keep - tick)
	s.expect(print, store.Done, "done")
	s.sleep(tick)
	c := s.claim(key, other)
	if c.State != store.Won || c.Reclaimed {
		s.Fatalf("after the time to keep: %+v; want won, not reclaimed", c)
	}
	s.is("Release", s.store.Release(context.Background(), key, c.Token), nil)
	token := s.win(false)
	s.sleep(keep)
	s.commit(token, "after the claim was forgotten", store.ErrLost)
}

func (s *suite) repeated() {
	token := s.win(false)
	s.commit(token, "done", nil)
	s.commit(token, "done", nil)
	s.commit(token, "otherwise", nil)
	s.expect(print, store.Done, "done")
}

func (s *suite) bytes() {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, record := range []string{"", "\x00", string(all), strings.Repeat(string(all), 4096)} {
		k := store.KeyOf("bytes", fmt.Sprint(i))
		c := s.claim(k, store.Fingerprint(all[:16]))
		s.is("Commit", s.store.Commit(context.Background(), k, c.Token, record, keep), nil)
		if got := s.claim(k, store.Fingerprint(all[:16])); got.State != store.Done || got.Record != record {
			s.Errorf("record %d of %d bytes came back as %v with %d bytes", i, len(record), got.State, len(got.Record))
		}
	}
}

func (s *suite) keys() {
	var zero, last store.Key
	last[15] = 1
	for _, k := range []store.Key{zero, last} {
		c := s.claim(k, store.Fingerprint{})
		if c.State != store.Won {
			s.Fatalf("key %v: %v, want won", k, c.State)
		}
		s.is("Commit", s.store.Commit(context.Background(), k, c.Token, k.String(), keep), nil)
	}
	if c := s.claim(zero, store.Fingerprint{}); c.State != store.Done || c.Record != zero.String() {
		s.Errorf("key %v: %+v", zero, c)
	}
}

func (s *suite) terms() {
	ctx := context.Background()
	for _, terms := range []store.Terms{
		{},
		{Lease: -lease},
		{Lease: time.Microsecond},
		{Lease: lease, Keep: tick},
		{Lease: lease, Keep: store.MaxKeep + 1},
	} {
		var setting *resilience.SettingError
		if _, err := s.store.Claim(ctx, key, terms); !errors.As(err, &setting) {
			s.Errorf("Claim with %+v: error %v, want a SettingError", terms, err)
		}
	}
	token := s.win(false)
	var setting *resilience.SettingError
	if err := s.store.Commit(ctx, key, token, "", 0); !errors.As(err, &setting) {
		s.Errorf("Commit to keep for 0s: error %v, want a SettingError", err)
	}
	if err := s.store.Renew(ctx, key, token, 0); !errors.As(err, &setting) {
		s.Errorf("Renew for 0s: error %v, want a SettingError", err)
	}
	s.is("Commit for ever", s.store.Commit(ctx, key, token, "", store.MaxKeep), nil)
	s.sleep(1000 * keep)
	s.expect(print, store.Done, "")
}

func (s *suite) cancelled() {
	gone := errors.New("the caller is gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	owned := func(err error) bool { return errors.Is(err, gone) || errors.Is(err, context.Canceled) }
	token := s.win(false)
	if _, err := s.store.Claim(ctx, store.KeyOf("free"), store.Terms{Lease: lease}); !owned(err) {
		s.Errorf("Claim: error %v", err)
	}
	if err := s.store.Renew(ctx, key, token, 100*lease); !owned(err) {
		s.Errorf("Renew: error %v", err)
	}
	if err := s.store.Commit(ctx, key, token, "", keep); !owned(err) {
		s.Errorf("Commit: error %v", err)
	}
	if err := s.store.Release(ctx, key, token); !owned(err) {
		s.Errorf("Release: error %v", err)
	}
	if c := s.expect(print, store.InFlight, ""); c.Lease > lease {
		s.Errorf("the lease lasts %v more, so it was renewed", c.Lease)
	}
}

// contention lets 64 goroutines claim the same 1,000 keys. Each key has exactly one winner, and whoever asks later gets
// what that one committed.
func contention(t *testing.T, s store.Store) {
	const goroutines, keys = 64, 1000
	type win struct{ key, by int }
	wins := make(chan win, goroutines*keys)
	var all sync.WaitGroup
	start := make(chan struct{})
	for g := range goroutines {
		all.Go(func() {
			<-start
			for n := range keys {
				i := (n + g%16) % keys // 16 fronts of four, each a key behind the next
				k := store.KeyOf("contention", fmt.Sprint(i))
				c, err := s.Claim(t.Context(), k, store.Terms{Lease: lease, Keep: keep})
				if err != nil {
					t.Errorf("key %d: %v", i, err)
					return
				}
				switch {
				case c.State == store.Won && !c.Reclaimed:
					wins <- win{i, g}
					if err := s.Commit(t.Context(), k, c.Token, fmt.Sprintf("key %d", i), keep); err != nil {
						t.Errorf("commit of key %d by its winner: %v", i, err)
					}
				case c.State == store.Done && c.Record != fmt.Sprintf("key %d", i), c.State == store.Mismatch, c.Reclaimed:
					t.Errorf("key %d: %+v", i, c)
				}
			}
		})
	}
	close(start)
	all.Wait()
	close(wins)
	winner := make(map[int]int)
	for w := range wins {
		if by, twice := winner[w.key]; twice {
			t.Errorf("key %d was won by goroutines %d and %d", w.key, by, w.by)
		}
		winner[w.key] = w.by
	}
	if len(winner) != keys {
		t.Errorf("%d keys of %d have a winner", len(winner), keys)
	}
}

// handover lets goroutines win and release one key in turn. At no time are there two owners.
func handover(t *testing.T, s store.Store) {
	const goroutines, turns = 8, 5
	k := store.KeyOf("handover")
	var owner sync.Mutex
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for won := 0; won < turns; {
				c, err := s.Claim(t.Context(), k, store.Terms{Lease: lease, Keep: keep})
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}
				if c.State != store.Won {
					runtime.Gosched()
					continue
				}
				won++
				if !owner.TryLock() {
					t.Error("two owners at a time")
					return
				}
				owner.Unlock()
				if err := s.Release(t.Context(), k, c.Token); err != nil {
					t.Errorf("Release by the owner: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}
