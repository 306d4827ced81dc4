package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
	"brownout/resilience/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Harness{Open: func(t *testing.T) store.Store { return newMemory(t, store.MemorySettings{}) }})
}

func newMemory(t testing.TB, s store.MemorySettings) *store.Memory {
	t.Helper()
	m, err := store.NewMemory(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func claim(t testing.TB, s store.Store, name string, terms store.Terms) store.Claim {
	t.Helper()
	c, err := s.Claim(context.Background(), store.KeyOf(name), terms)
	if err != nil {
		t.Fatalf("Claim of %s: %v", name, err)
	}
	return c
}

func TestMemoryRefusesRatherThanForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemorySettings{MaxKeys: 100})
		terms := store.Terms{Lease: time.Minute, Keep: time.Hour}
		for i := range 100 {
			c := claim(t, m, fmt.Sprint(i), terms)
			if i%2 == 0 {
				if err := m.Commit(t.Context(), store.KeyOf(fmt.Sprint(i)), c.Token, "", 2*time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := m.Claim(t.Context(), store.KeyOf("one more"), terms); !errors.Is(err, store.ErrFull) {
			t.Fatalf("key 101 of 100: error %v, want ErrFull", err)
		}
		if c := claim(t, m, "0", terms); c.State != store.Done {
			t.Errorf("a full store answers %v for what it knows, want done", c.State)
		}
		time.Sleep(time.Hour) // the abandoned claims are over, the committed ones are not
		for i := range 50 {
			claim(t, m, fmt.Sprint("new", i), terms)
		}
		if _, err := m.Claim(t.Context(), store.KeyOf("one more"), terms); !errors.Is(err, store.ErrFull) {
			t.Fatalf("key 51 in the room of 50: error %v, want ErrFull", err)
		}
		for i := 0; i < 100; i += 2 {
			if c := claim(t, m, fmt.Sprint(i), terms); c.State != store.Done {
				t.Fatalf("key %d is %v, want done: it was committed for two hours", i, c.State)
			}
		}
	})
}

func TestMemoryBoundsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemorySettings{MaxBytes: 1000})
		terms := store.Terms{Lease: time.Minute}
		a, b := claim(t, m, "a", terms), claim(t, m, "b", terms)
		for name, c := range map[string]store.Claim{"a": a, "b": b} {
			if err := m.Commit(t.Context(), store.KeyOf(name), c.Token, string(make([]byte, 600)), time.Hour); err != nil {
				t.Fatalf("Commit of %s, claimed while there was room: %v", name, err)
			}
		}
		if _, err := m.Claim(t.Context(), store.KeyOf("c"), terms); !errors.Is(err, store.ErrFull) {
			t.Fatalf("Claim beside 1,200 of 1,000 bytes: error %v, want ErrFull", err)
		}
		time.Sleep(time.Hour)
		claim(t, m, "c", terms)
		if n := m.Len(); n > 3 {
			t.Errorf("%d keys remembered", n)
		}
	})
}

// What is over must not pile up, although no goroutine removes it.
func TestMemoryForgetsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemorySettings{})
		for i := range 20_000 {
			claim(t, m, fmt.Sprint(i), store.Terms{Lease: time.Second})
			time.Sleep(time.Millisecond)
		}
		if n := m.Len(); n > 1500 {
			t.Errorf("%d keys remembered; 1,000 are alive, and each shard drops two for each that comes in", n)
		}
	})
}

func TestMemorySettings(t *testing.T) {
	for _, c := range []struct {
		settings store.MemorySettings
		want     string
	}{
		{store.MemorySettings{MaxKeys: -1}, "MemorySettings.MaxKeys: got -1, want 0 (the default, 1048576) to 536870912"},
		{store.MemorySettings{MaxBytes: -1}, "MemorySettings.MaxBytes: got -1, want 0 (the default, 256 MiB) or more"},
	} {
		_, err := store.NewMemory(c.settings)
		var setting *resilience.SettingError
		if !errors.As(err, &setting) || err.Error() != c.want {
			t.Errorf("%+v: error %q, want %q", c.settings, err, c.want)
		}
	}
}

func TestMemoryHash(t *testing.T) {
	m, n := newMemory(t, store.MemorySettings{}), newMemory(t, store.MemorySettings{})
	a := m.Hash([]byte("abc"))
	if a != m.Hash([]byte("abc")) {
		t.Error("the same data has two hashes")
	}
	if a == n.Hash([]byte("abc")) {
		t.Error("two stores hash alike, so the key is not theirs alone")
	}
	if a == m.Hash([]byte("abc\x00")) || a == m.Hash([]byte("abd")) {
		t.Error("other data has the same hash")
	}
}

func TestMemoryDoesNotAllocateOnDuplicates(t *testing.T) {
	m := newMemory(t, store.MemorySettings{})
	terms := store.Terms{Lease: time.Hour}
	k := store.KeyOf("k")
	c := claim(t, m, "k", terms)
	if err := m.Commit(t.Context(), k, c.Token, "record", time.Hour); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 512)
	if n := testing.AllocsPerRun(1000, func() { _, _ = m.Claim(t.Context(), k, terms); m.Hash(data) }); n != 0 {
		t.Errorf("%v allocations for a duplicate, want 0", n)
	}
}

// A million keys stay below 60 bytes each, all told: 48 for what is known, and what it takes to find it.
func TestMemoryOfAMillionKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("a million keys take two seconds")
	}
	before := heap()
	m := newMemory(t, store.MemorySettings{})
	fill(t, m, 1<<20)
	used := heap() - before
	t.Logf("%d keys, %.0f bytes each", m.Len(), float64(used)/(1<<20))
	if m.Len() != 1<<20 {
		t.Fatalf("%d keys remembered, want %d", m.Len(), 1<<20)
	}
	if used > 60<<20 {
		t.Errorf("%d bytes for %d keys, want at most 60 each", used, m.Len())
	}
	if _, err := m.Claim(t.Context(), store.KeyOf("one more"), store.Terms{Lease: time.Hour}); !errors.Is(err, store.ErrFull) {
		t.Errorf("one key above the bound: error %v, want ErrFull", err)
	}
	runtime.KeepAlive(m)
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// fill claims and commits n keys without a record.
func fill(t testing.TB, m *store.Memory, n int) {
	ctx := context.Background()
	for i := range n {
		k := numbered(i)
		c, err := m.Claim(ctx, k, store.Terms{Lease: time.Hour})
		if err == nil {
			err = m.Commit(ctx, k, c.Token, "", time.Hour)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// numbered returns keys that are spread as hashes are, without the time a hash takes: splitmix64.
func numbered(i int) (k store.Key) {
	for at := range k {
		z := (uint64(2*i+at/8) + 1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		k[at] = byte((z ^ z>>31) >> (8 * (at % 8)))
	}
	return k
}
