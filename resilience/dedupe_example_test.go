package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brownout/resilience"
)

// An event is delivered three times: the first handling fails, the second works, and the third is recognised.
func ExampleDedupe_Claim() {
	dedupe, err := resilience.NewDedupe(resilience.DedupeSettings{TTL: 24 * time.Hour, Lease: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	receive := func(event string, handle func() error) error {
		claim, err := dedupe.Claim(event)
		if err != nil {
			return err
		}
		if err := handle(); err != nil {
			claim.Release() // so that a redelivery is handled
			return err
		}
		return claim.Commit()
	}
	fmt.Println(receive("evt_1", func() error { return errors.New("database is down") }))
	fmt.Println(receive("evt_1", func() error { return nil }))
	fmt.Println(errors.Is(receive("evt_1", func() error { return nil }), resilience.ErrDuplicate))
	// Output:
	// database is down
	// <nil>
	// true
}

// As a policy: claiming, committing and releasing are its business.
func ExampleDedupe_Key() {
	dedupe, err := resilience.NewDedupe(resilience.DedupeSettings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	charge := func(context.Context) (string, error) { return "charged", nil }
	for range 2 {
		receipt, err := resilience.Do(context.Background(), charge, dedupe.Key("order 17"))
		fmt.Printf("%q %v\n", receipt, err)
	}
	// Output:
	// "charged" <nil>
	// "" duplicate: the work is done already
}

// A peek without a claim, for what is cheap to do twice but need not be.
func ExampleDedupe_Seen() {
	dedupe, err := resilience.NewDedupe(resilience.DedupeSettings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	claim, err := dedupe.Claim("evt_1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(dedupe.Seen("evt_1"), claim.Commit(), dedupe.Seen("evt_1"))
	// Output: false <nil> true
}
