package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/resilience/store"
)

// Work claims and commits numbered keys from first on until the store fails or ctx ends, and returns that error. It tells
// emit of every step, one line each, from one goroutine at a time: "won KEY", "committed KEY RECORD" once a commit
// returned, and "seen KEY RECORD" for one that was done already. It is what runs while a process is killed; [Ledger] reads
// the lines.
//
// Four goroutines share the keys, and their leases last about as long as a few writes, so that claims are also lost and taken over.
func Work(ctx context.Context, s store.Store, first int, emit func(line string)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	var out sync.Mutex
	for g := range 4 {
		w := worker{store: s, chance: rand.New(rand.NewPCG(uint64(first), uint64(g))), emit: func(format string, args ...any) {
			out.Lock()
			defer out.Unlock()
			emit(fmt.Sprintf(format, args...))
		}}
		all.Go(func() {
			for at := first; ; at++ {
				if err := w.step(ctx, at); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

type worker struct {
	store  store.Store
	chance *rand.Rand
	emit   func(format string, args ...any)
}

const workLease = 100 * time.Millisecond

// step claims one key and, if it is won, commits it, or releases it once in ten times.
func (w *worker) step(ctx context.Context, number int) error {
	key := crashKey(number)
	c, err := w.store.Claim(ctx, key, store.Terms{Lease: workLease, Keep: keep})
	switch {
	case err != nil:
		return err
	case c.State == store.Done:
		w.emit("seen %d %s", number, c.Record)
		return nil
	case c.State != store.Won:
		return nil
	}
	w.emit("won %d", number)
	record := strconv.FormatUint(w.chance.Uint64(), 36) + "/" + strconv.FormatUint(uint64(c.Token), 10)
	if w.chance.IntN(10) == 0 {
		err = w.store.Release(ctx, key, c.Token)
	} else if err = w.store.Commit(ctx, key, c.Token, record, keep); err == nil {
		w.emit("committed %d %s", number, record)
	}
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	return err
}

func crashKey(number int) store.Key { return store.KeyOf("crash", strconv.Itoa(number)) }

// Ledger is what is known of the work that killed processes did. The zero value is empty. It is not for several goroutines.
type Ledger struct {
	Next      int // the number after the highest that was won
	Won       int // claims that were won
	Committed int // commits that returned before the crash

	records map[int]string
}

// Read takes one line of [Work] and fails t if it shows that a key was committed twice.
func (l *Ledger) Read(t *testing.T, line string) {
	t.Helper()
	f := strings.Fields(line)
	if len(f) < 2 {
		t.Fatalf("line %q of the work is not whole", line)
	}
	number, err := strconv.Atoi(f[1])
	if err != nil {
		t.Fatalf("line %q of the work: %v", line, err)
	}
	if f[0] == "won" {
		l.Won++
		l.Next = max(l.Next, number+1)
		return
	}
	if f[0] == "committed" {
		l.Committed++
	}
	l.know(t, number, f[2])
}

func (l *Ledger) know(t *testing.T, number int, record string) {
	t.Helper()
	if l.records == nil {
		l.records = make(map[int]string)
	}
	if have, known := l.records[number]; known && have != record {
		t.Errorf("key %d was committed as %s and as %s", number, have, record)
	}
	l.records[number] = record
}

// Check fails t if a key that was committed is not done in s with the same record, and remembers those that turn out to be
// done although the crash came before the commit returned.
func (l *Ledger) Check(t *testing.T, s store.Store) {
	t.Helper()
	for number := range l.Next {
		want, committed := l.records[number]
		c, err := s.Claim(t.Context(), crashKey(number), store.Terms{Lease: workLease, Keep: keep})
		switch {
		case err != nil:
			t.Fatalf("key %d after the restart: %v", number, err)
		case committed && (c.State != store.Done || c.Record != want):
			t.Errorf("key %d was committed as %s, and is %v with %q after the restart", number, want, c.State, c.Record)
		case c.State == store.Done:
			l.know(t, number, c.Record)
		}
	}
}
