package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience/store"
)

// modelEntry is what a plain model of a store knows of a key.
type modelEntry struct {
	print        store.Fingerprint
	token        store.Token
	lease, until time.Time
	done         bool
	reclaimed    bool
	record       string
}

// A Memory does what a map would that forgets what is over, whatever is asked of it, with keys that meet in one shard and in one
// place of its index, and neighbours of theirs.
func TestMemoryFollowsItsModel(t *testing.T) {
	for range 2 {
		rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, checkMemoryAgainstModel) })
	}
}

func checkMemoryAgainstModel(t *rapid.T) {
	const most = 24
	m, err := store.NewMemory(store.MemorySettings{MaxKeys: most})
	if err != nil {
		t.Fatal(err)
	}
	model := map[store.Key]*modelEntry{}
	var tokens []store.Token // given out, also of others and of long ago
	alive := func(k store.Key) *modelEntry {
		if e := model[k]; e != nil && e.until.After(time.Now()) {
			return e
		}
		delete(model, k)
		return nil
	}
	for range rapid.IntRange(1, 120).Draw(t, "steps") {
		k := meetingKey(rapid.IntRange(0, 39).Draw(t, "key"))
		e, now := alive(k), time.Now()
		token := store.Token(0)
		if e != nil && rapid.Bool().Draw(t, "own") {
			token = e.token
		} else if len(tokens) > 0 {
			token = rapid.SampledFrom(tokens).Draw(t, "token")
		}
		owned := e != nil && e.token == token
		long := time.Duration(rapid.IntRange(1, 50).Draw(t, "long")) * time.Second
		switch op := rapid.IntRange(0, 7).Draw(t, "op"); op {
		case 0, 1, 2:
			terms := store.Terms{Lease: long, Keep: long * time.Duration(rapid.IntRange(1, 3).Draw(t, "keep"))}
			terms.Fingerprint[3] = byte(rapid.IntRange(0, 5).Draw(t, "print") / 5)
			for other := range model {
				alive(other)
			}
			got, err := m.Claim(t.Context(), k, terms)
			want := modelClaim(e, terms, now)
			if e == nil && len(model) >= most {
				if !errors.Is(err, store.ErrFull) {
					t.Fatalf("claim of key %d of %d: %+v, %v; want ErrFull", len(model)+1, most, got, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("claim beside %d of %d keys: %v", len(model), most, err)
			}
			if want.State == store.Won {
				if got.Token == 0 || e != nil && got.Token == e.token {
					t.Fatalf("token %d, after %+v", got.Token, e)
				}
				want.Token = got.Token
				tokens = append(tokens, got.Token)
				model[k] = &modelEntry{print: terms.Fingerprint, token: got.Token, lease: now.Add(terms.Lease), until: now.Add(terms.Keep), reclaimed: want.Reclaimed}
			}
			if got != want {
				t.Fatalf("claim of %x: %+v, want %+v", k, got, want)
			}
		case 3, 4:
			record := ""
			if op == 4 {
				record = fmt.Sprint("record ", long)
			}
			err := m.Commit(t.Context(), k, token, record, long)
			if (err == nil) != owned {
				t.Fatalf("commit: %v, owned %t", err, owned)
			}
			if owned && !e.done {
				e.done, e.record, e.until = true, record, now.Add(long)
			}
		case 5:
			err := m.Renew(t.Context(), k, token, long)
			if (err == nil) != (owned && !e.done) {
				t.Fatalf("renew: %v, owned %t", err, owned)
			}
			if err == nil {
				e.lease = now.Add(long)
				if e.until.Before(e.lease) {
					e.until = e.lease
				}
			}
		case 6:
			err := m.Release(t.Context(), k, token)
			if (err == nil) != (e == nil || owned && !e.done) {
				t.Fatalf("release: %v, owned %t", err, owned)
			}
			switch {
			case err != nil || e == nil:
			case e.reclaimed:
				e.lease = now
			default:
				delete(model, k)
			}
		case 7:
			time.Sleep(long)
		}
		for other := range model {
			alive(other)
		}
		if m.Len() < len(model) || m.Len() > most {
			t.Fatalf("%d keys are remembered, of which %d are alive and %d allowed", m.Len(), len(model), most)
		}
	}
}

// modelClaim is what a claim of a key with the entry e, nil for none, comes to.
func modelClaim(e *modelEntry, terms store.Terms, now time.Time) store.Claim {
	switch {
	case e == nil:
		return store.Claim{State: store.Won}
	case e.print != terms.Fingerprint:
		return store.Claim{State: store.Mismatch}
	case e.done:
		return store.Claim{State: store.Done, Record: e.record}
	case e.lease.After(now):
		return store.Claim{State: store.InFlight, Lease: e.lease.Sub(now)}
	}
	return store.Claim{State: store.Won, Reclaimed: true}
}

// meetingKey returns one of keys that are in one shard; most begin their search at one of a few places, some at the end of the
// index, from where it goes on at its front, and some have more in common than that.
func meetingKey(n int) (k store.Key) {
	k[1] = byte(n)
	k[7] = byte(n % 3)
	binary.BigEndian.PutUint64(k[8:], []uint64{0, 1 << 59, ^uint64(0), ^uint64(0), 7 << 60}[n%5])
	return k
}
