package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"brownout/resilience/store"
	"brownout/resilience/store/bolt"
)

// What was committed is there after a restart.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, key := context.Background(), store.KeyOf("invoices", "2026-11")
	for range 2 {
		s, err := bolt.Open(filepath.Join(dir, "claims.db"), bolt.Settings{})
		if err != nil {
			fmt.Println(err)
			return
		}
		claim, err := s.Claim(ctx, key, store.Terms{Lease: 30 * time.Second, Keep: 24 * time.Hour})
		fmt.Println(claim.State, claim.Record, err)
		if claim.State == store.Won {
			err = s.Commit(ctx, key, claim.Token, "42 invoices sent", 24*time.Hour)
		}
		if err != nil || s.Close() != nil {
			fmt.Println("not closed")
		}
	}
	// Output:
	// won  <nil>
	// done 42 invoices sent <nil>
}

// Work and claim are written in one transaction: after a crash both are there, or neither.
func ExampleStore_CommitTx() {
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := bolt.Open(filepath.Join(dir, "app.db"), bolt.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx, key := context.Background(), store.KeyOf("charge", "k1")
	claim, err := s.Claim(ctx, key, store.Terms{Lease: 30 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.DB().Update(func(tx *bbolt.Tx) error {
		charges, err := tx.CreateBucketIfNotExists([]byte("charges"))
		if err != nil {
			return err
		}
		if err := charges.Put([]byte("k1"), []byte("49.99")); err != nil {
			return err
		}
		return s.CommitTx(tx, key, claim.Token, "charged 49.99", 24*time.Hour)
	})
	again, _ := s.Claim(ctx, key, store.Terms{Lease: 30 * time.Second})
	fmt.Println(err, again.State, again.Record)
	// Output:
	// <nil> done charged 49.99
}

// A store in a database that is used for other things as well.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "claims")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := bbolt.Open(filepath.Join(dir, "all.db"), 0o600, nil)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	s, err := bolt.New(db, bolt.Settings{})
	if err != nil {
		panic(err)
	}
	claim, err := s.Claim(context.Background(), store.KeyOf("invoices"), store.Terms{Lease: time.Minute})
	fmt.Println(claim.State, err, s.Close())
	// Output: won <nil> <nil>
}
