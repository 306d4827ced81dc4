package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"brownout/resilience/store"
	"brownout/resilience/store/bolt"
	"brownout/resilience/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{Open: func(t *testing.T) store.Store { return open(t, bolt.Settings{}) }})
}

func open(t testing.TB, s bolt.Settings) *bolt.Store {
	t.Helper()
	b, err := bolt.Open(filepath.Join(t.TempDir(), "claims.db"), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
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

func TestCommitInTheTransactionOfTheWork(t *testing.T) {
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "app.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := bolt.New(db, bolt.Settings{Bucket: "claims"})
	if err != nil {
		t.Fatal(err)
	}
	charge := func(c store.Claim, fail error) error {
		return db.Update(func(tx *bbolt.Tx) error {
			work, err := tx.CreateBucketIfNotExists([]byte("charges"))
			if err != nil {
				return err
			}
			if err := work.Put([]byte("k"), []byte("4999")); err != nil {
				return err
			}
			if err := s.CommitTx(tx, store.KeyOf("k"), c.Token, "charged", time.Hour); err != nil {
				return err
			}
			return fail
		})
	}
	c := claim(t, s, "k")
	crash := errors.New("rolled back")
	if err := charge(c, crash); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	if got := claim(t, s, "k"); got.State != store.InFlight {
		t.Fatalf("after the rollback: %v, want in flight: the work is not there, so the commit is not either", got.State)
	}
	if err := charge(c, nil); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, "k"); got.State != store.Done || got.Record != "charged" {
		t.Fatalf("after the commit of the work: %+v", got)
	}
	if err := s.Commit(t.Context(), store.KeyOf("k"), c.Token, "", time.Hour); err != nil {
		t.Errorf("Commit after CommitTx: %v; want nil, so that a receiver may commit once more", err)
	}
	if err := charge(store.Claim{Token: c.Token + 1}, nil); !errors.Is(err, store.ErrLost) {
		t.Errorf("CommitTx by another: error %v, want ErrLost", err)
	}
	err = db.View(func(tx *bbolt.Tx) error { return s.CommitTx(tx, store.KeyOf("k"), c.Token, "", time.Hour) })
	if err == nil || errors.Is(err, store.ErrLost) {
		t.Errorf("CommitTx in a read-only transaction: error %v", err)
	}
}

func TestReopened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "claims.db")
	s, err := bolt.Open(file, bolt.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	done, under := claim(t, s, "done"), claim(t, s, "under way")
	if err := s.Commit(t.Context(), store.KeyOf("done"), done.Token, "record", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(file, bolt.Settings{LockTimeout: time.Millisecond}); !errors.Is(err, berrors.ErrTimeout) {
		t.Errorf("opening a file that is open: error %v, want bbolt's ErrTimeout", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), store.KeyOf("x"), terms); !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		t.Errorf("Claim after Close: error %v, want bbolt's ErrDatabaseNotOpen", err)
	}
	if s, err = bolt.Open(file, bolt.Settings{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if c := claim(t, s, "done"); c.State != store.Done || c.Record != "record" {
		t.Errorf("what was committed is %+v after Open", c)
	}
	if c := claim(t, s, "under way"); c.State != store.InFlight {
		t.Errorf("what was under way is %v after Open, want in flight until the lease ends", c.State)
	}
	if err := s.Commit(t.Context(), store.KeyOf("under way"), under.Token, "late", time.Hour); err != nil {
		t.Errorf("Commit with a token from before: %v", err)
	}
	if c := claim(t, s, "new"); c.Token <= under.Token {
		t.Errorf("token %d after token %d: they must rise over restarts", c.Token, under.Token)
	}
}

// What is over must not pile up in the file.
func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.Settings{})
		for i := range 300 {
			claim(t, s, fmt.Sprint(i))
			time.Sleep(terms.Keep / 100)
		}
		keys := 0
		err := s.DB().View(func(tx *bbolt.Tx) error {
			root := tx.Bucket([]byte(bolt.DefaultBucket))
			keys = root.Bucket([]byte("keys")).Stats().KeyN
			if n := root.Bucket([]byte("until")).Stats().KeyN; n != keys {
				t.Errorf("%d keys and %d times to forget them", keys, n)
			}
			return nil
		})
		if err != nil || keys < 99 || keys > 101 {
			t.Errorf("%d keys in the file, error %v; want the 100 that are alive", keys, err)
		}
	})
}

// Goroutines that write at the same time share a transaction: with one write held up, all that come meanwhile go into the next.
func TestWritesShareATransaction(t *testing.T) {
	s := open(t, bolt.Settings{})
	before := transactions(t, s)
	release := holdLock(t, s)
	var all sync.WaitGroup
	all.Go(func() { claim(t, s, "first") })
	waiting(s, 0)
	for i := range 100 {
		all.Go(func() { claim(t, s, fmt.Sprint(i)) })
	}
	waiting(s, 100)
	release()
	all.Wait()
	if n := transactions(t, s) - before; n != 3 {
		t.Errorf("101 claims and the transaction that held them up took %d transactions, want 3", n)
	}
}

// holdLock keeps the database's write lock, as a long transaction of the application would, until the function it returns is called.
func holdLock(t *testing.T, s *bolt.Store) (release func()) {
	hold, held, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.DB().Update(func(*bbolt.Tx) error {
			close(held)
			<-hold
			return nil
		})
	}()
	<-held
	return func() {
		close(hold)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// waiting returns once one write runs, or tries to, and so many others wait for it.
func waiting(s *bolt.Store, n int) {
	for !s.Running() || s.Waiting() != n {
		runtime.Gosched()
	}
}

func transactions(t *testing.T, s *bolt.Store) (id int) {
	t.Helper()
	if err := s.DB().View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestContextEndsTheWaitForOthers(t *testing.T) {
	s := open(t, bolt.Settings{})
	release := holdLock(t, s)
	var all sync.WaitGroup
	all.Go(func() { claim(t, s, "first") })
	waiting(s, 0)
	gone := errors.New("the caller is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	var cancelled sync.WaitGroup
	for i := range 20 {
		cancelled.Go(func() {
			if _, err := s.Claim(ctx, store.KeyOf(fmt.Sprint(i)), terms); !errors.Is(err, gone) {
				t.Errorf("a cancelled claim: error %v", err)
			}
		})
	}
	all.Go(func() { claim(t, s, "last") })
	waiting(s, 21)
	cancel(gone)
	cancelled.Wait() // while the lock is still held
	release()
	all.Wait()
	for i := range 20 {
		if c := claim(t, s, fmt.Sprint(i)); c.State != store.Won || c.Reclaimed {
			t.Errorf("a claim that was cancelled before its transaction is %+v", c)
		}
	}
}

// The lead passes on when whoever is given it leaves at that moment, and when the one that has it panics.
func TestLeadIsPassedOn(t *testing.T) {
	s := open(t, bolt.Settings{})
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() { _, _ = s.Claim(ctx, store.KeyOf("left", fmt.Sprint(i)), store.Terms{Lease: time.Millisecond}) })
		}
		all.Go(cancel)
		all.Wait()
		cancel()
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		_ = s.Do(t.Context(), func() error { panic("a bug") })
	}()
	claim(t, s, "later")
}

func TestDamagedEntriesAreErrors(t *testing.T) {
	for name, spoil := range map[string]func(root *bbolt.Bucket) error{
		"an entry too short": func(root *bbolt.Bucket) error {
			k := store.KeyOf("k")
			return root.Bucket([]byte("keys")).Put(k[:], []byte("x"))
		},
		"the keys are gone": func(root *bbolt.Bucket) error { return root.DeleteBucket([]byte("keys")) },
		"a strange time": func(root *bbolt.Bucket) error {
			return root.Bucket([]byte("until")).Put([]byte("\x00"), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, bolt.Settings{})
			err := s.DB().Update(func(tx *bbolt.Tx) error { return spoil(tx.Bucket([]byte(bolt.DefaultBucket))) })
			if err != nil {
				t.Fatal(err)
			}
			if c, err := s.Claim(t.Context(), store.KeyOf("k"), terms); err == nil {
				t.Errorf("Claim: %+v, want an error", c)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	if _, err := bolt.Open("unused", bolt.Settings{LockTimeout: -1}); err == nil ||
		err.Error() != "Settings.LockTimeout: got -1ns, want 0 (the default, 5s) or more" {
		t.Errorf("negative LockTimeout: %v", err)
	}
	if _, err := bolt.New(nil, bolt.Settings{}); err == nil || err.Error() != "db: got nil, want an open database" {
		t.Errorf("no database: %v", err)
	}
	if _, err := bolt.Open(filepath.Join(t.TempDir(), "no", "such", "folder"), bolt.Settings{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "claims.db")
	s, err := bolt.Open(file, bolt.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&^bolt.DefaultMode != 0 {
		t.Errorf("the file has mode %v, error %v; nobody else may read it", info.Mode(), err)
	}
}
