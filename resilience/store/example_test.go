package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"brownout/resilience/store"
	"brownout/resilience/store/storetest"
)

// A job that may be handed out twice is done once.
func ExampleStore() {
	ctx := context.Background()
	var jobs store.Store
	jobs, err := store.NewMemory(store.MemorySettings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := store.KeyOf("invoices", "2026-11")
	for range 2 {
		claim, err := jobs.Claim(ctx, key, store.Terms{Lease: 30 * time.Second, Keep: 24 * time.Hour})
		if err != nil {
			fmt.Println("not known whether it was done, so leave it:", err)
			return
		}
		fmt.Printf("%v %q\n", claim.State, claim.Record)
		if claim.State == store.Won {
			if err := jobs.Commit(ctx, key, claim.Token, "42 invoices sent", 24*time.Hour); err != nil {
				fmt.Println(err)
			}
		}
	}
	// Output:
	// won ""
	// done "42 invoices sent"
}

// A bounded store refuses new keys rather than forget one that is alive.
func ExampleNewMemory() {
	m, err := store.NewMemory(store.MemorySettings{MaxKeys: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"a", "b"} {
		_, err = m.Claim(context.Background(), store.KeyOf(name), store.Terms{Lease: time.Minute})
		fmt.Println(name, err)
	}
	// Output:
	// a <nil>
	// b store: full
}

// The parts are kept apart, so that keys cannot be made to meet by moving a boundary.
func ExampleKeyOf() {
	fmt.Println(store.KeyOf("ab", "c") == store.KeyOf("a", "bc"))
	fmt.Println(store.KeyOf("acct_1", "POST", "/payments", "k1"))
	// Output:
	// false
	// a06e96b2998e4236aea02fe9d17fef4d
}

// An implementation of one's own is held to the same tests.
func Example_conformance() {
	_ = func(t *testing.T) {
		storetest.Run(t, storetest.Harness{
			Open: func(t *testing.T) store.Store {
				s, err := store.NewMemory(store.MemorySettings{}) // yours
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
		})
	}
}

// A fingerprint tells whether a key was used for another payload, and what a store of one's own checks.
func ExampleSum() {
	memory, _ := store.NewMemory(store.MemorySettings{})
	for _, payload := range []string{`{"amount":1}`, `{"amount":2}`} {
		claim, err := memory.Claim(context.Background(), store.KeyOf("k1"), store.Terms{Fingerprint: store.Sum([]byte(payload)), Lease: time.Second})
		fmt.Println(claim.State, err)
	}
	fmt.Println(store.CheckKeep(0))
	// Output:
	// won <nil>
	// mismatch <nil>
	// keep: got 0s, want 1ms to 876000h0m0s
}
