// Package bolt is a [store.Store] in one file of the local disk, made with go.etcd.io/bbolt. What was claimed or committed
// survives the crash of the process, kill -9 included, and, as far as the disk keeps its word about fsync, the loss of power.
//
// One process opens the file at a time. Claims and commits of many goroutines share a transaction, and so its fsync: those
// that arrive while one is written go into the next. What is known already is answered without a write.
//
// Time is the wall clock, so that it goes on while the process is down; a clock that is set back makes leases and records
// last longer by as much. Keys whose time is over make room as new ones come in; the file does not shrink.
//
// # Work in the same database
//
// Where the work itself is written with bbolt, [New] takes that database and [Store.CommitTx] commits the claim in the
// transaction of the work, so that either both are there after a crash or neither.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.etcd.io/bbolt"

	"brownout/resilience"
	"brownout/resilience/store"
)

// Defaults of [Settings].
const (
	DefaultBucket      = "brownout.claims"
	DefaultLockTimeout = 5 * time.Second
	DefaultMode        = fs.FileMode(0o600)
)

// Settings say where in the file claims are kept, and how it is opened. The zero value will do.
type Settings struct {
	// Bucket is the name of the top-level bucket. Empty means [DefaultBucket].
	Bucket string
	// LockTimeout is how long [Open] waits for another process to close the file. 0 means [DefaultLockTimeout].
	LockTimeout time.Duration
	// Mode are the permissions of a file that [Open] makes. 0 means [DefaultMode]: records hold what handlers answered.
	Mode fs.FileMode
}

// Store is a [store.Store]; see the package comment. It may be used by several goroutines.
type Store struct {
	db     *bbolt.DB
	bucket []byte
	owned  bool // Close closes db
	group  group
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, and makes it if there is none. Close it after use. The error wraps bbolt's, such as
// errors.ErrTimeout of go.etcd.io/bbolt/errors where another process has the file open.
func Open(path string, s Settings) (*Store, error) {
	if s.LockTimeout == 0 {
		s.LockTimeout = DefaultLockTimeout
	}
	if s.Mode == 0 {
		s.Mode = DefaultMode
	}
	if s.LockTimeout < 0 {
		return nil, &resilience.SettingError{Field: "Settings.LockTimeout", Value: s.LockTimeout, Want: "0 (the default, 5s) or more"}
	}
	db, err := bbolt.Open(path, s.Mode, &bbolt.Options{
		Timeout:      s.LockTimeout,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
	})
	if err != nil {
		return nil, fmt.Errorf("bolt: opening %s: %w", path, err)
	}
	opened, err := New(db, s)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	opened.owned = true
	return opened, nil
}

// New returns a Store in a bucket of a database that the caller has open and closes. Of the settings, Bucket alone counts.
// A database opened with NoSync loses what it acknowledged when the machine goes down.
func New(db *bbolt.DB, s Settings) (*Store, error) {
	if db == nil {
		return nil, &resilience.SettingError{Field: "db", Value: "nil", Want: "an open database"}
	}
	if s.Bucket == "" {
		s.Bucket = DefaultBucket
	}
	b := &Store{db: db, bucket: []byte(s.Bucket)}
	b.group.update = func(all func(table) error) error {
		return db.Update(func(tx *bbolt.Tx) error { return all(b.table(tx)) })
	}
	err := db.Update(func(tx *bbolt.Tx) error {
		root, err := tx.CreateBucketIfNotExists(b.bucket)
		if err != nil {
			return err
		}
		for _, name := range [][]byte{keysBucket, untilBucket} {
			if _, err := root.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("bolt: making bucket %q: %w", s.Bucket, err)
	}
	return b, nil
}

// Close closes the file that [Open] opened, once what is being written is written. Of a Store made by [New] it does nothing.
func (b *Store) Close() error {
	if !b.owned {
		return nil
	}
	return b.db.Close()
}

// DB returns the database, for work that is written in the same file and for backups.
func (b *Store) DB() *bbolt.DB { return b.db }

// Claim is described at [store.Store]. Once its write has begun it is not called off: when ctx ends then, the key may be
// claimed, until the lease ends, although an error came back.
func (b *Store) Claim(ctx context.Context, key store.Key, terms store.Terms) (store.Claim, error) {
	terms, err := terms.Check()
	if err != nil {
		return store.Claim{}, err
	}
	if ctx.Err() != nil {
		return store.Claim{}, context.Cause(ctx)
	}
	claim, err := b.look(key, terms)
	if err != nil || claim.State != store.Won {
		return claim, err
	}
	won := new(store.Claim)
	err = b.group.do(ctx, func(t table) (err error) {
		*won, err = t.claim(key, terms, time.Now())
		return err
	})
	if err != nil {
		return store.Claim{}, fmt.Errorf("bolt: claim: %w", err)
	}
	return *won, nil
}

// look answers a claim without a write where nothing has to be written. A claim that it says is won is none yet.
func (b *Store) look(key store.Key, terms store.Terms) (claim store.Claim, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		var e entry
		claim, _, e, err = b.table(tx).look(key, terms, time.Now())
		claim.Record = string(e.record)
		return err
	})
	if err != nil {
		return store.Claim{}, fmt.Errorf("bolt: claim: %w", err)
	}
	return claim, nil
}

// Renew is described at [store.Store].
func (b *Store) Renew(ctx context.Context, key store.Key, token store.Token, lease time.Duration) error {
	if _, err := (store.Terms{Lease: lease}).Check(); err != nil {
		return err
	}
	return b.write(ctx, "renew", func(t table) (bool, error) { return t.renew(key, token, lease, time.Now()) })
}

// Commit is described at [store.Store].
func (b *Store) Commit(ctx context.Context, key store.Key, token store.Token, record string, keep time.Duration) error {
	if err := store.CheckKeep(keep); err != nil {
		return err
	}
	return b.write(ctx, "commit", func(t table) (bool, error) { return t.commit(key, token, record, keep, time.Now()) })
}

// CommitTx is [Store.Commit] within a transaction of the caller's on the database that the Store was made with, so that the
// claim is committed with the work, or not at all. An error means that the transaction must be rolled back.
// A Commit with the same token afterwards is no error and changes nothing.
func (b *Store) CommitTx(tx *bbolt.Tx, key store.Key, token store.Token, record string, keep time.Duration) error {
	if err := store.CheckKeep(keep); err != nil {
		return err
	}
	if tx.DB() != b.db || !tx.Writable() {
		return errors.New("bolt: CommitTx with a transaction that is read-only or of another database; give it one of db.Update")
	}
	held, err := b.table(tx).commit(key, token, record, keep, time.Now())
	if err != nil {
		return fmt.Errorf("bolt: commit: %w", err)
	}
	if !held {
		return store.ErrLost
	}
	return nil
}

// Release is described at [store.Store].
func (b *Store) Release(ctx context.Context, key store.Key, token store.Token) error {
	return b.write(ctx, "release", func(t table) (bool, error) { return t.release(key, token, time.Now()) })
}

// write runs a step that needs the claim to be held.
func (b *Store) write(ctx context.Context, what string, step func(table) (held bool, err error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	held := new(bool)
	err := b.group.do(ctx, func(t table) (err error) {
		*held, err = step(t)
		return err
	})
	if err != nil {
		return fmt.Errorf("bolt: %s: %w", what, err)
	}
	if !*held {
		return store.ErrLost
	}
	return nil
}
