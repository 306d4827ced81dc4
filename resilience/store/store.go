package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"brownout/resilience"
)

var (
	// ErrLost says that a claim is no longer its caller's: the lease ended and another owner took it, it was committed by
	// another owner, or it was forgotten.
	ErrLost = errors.New("store: the claim is lost")

	// ErrFull says that the store refuses a new claim because its bound is reached by keys that are alive. It never makes
	// room by forgetting one of those.
	ErrFull = errors.New("store: full")
)

// Store remembers, per key, who is at the work and what came of it. Every method is one atomic step and may be called by
// several goroutines. It does not begin once ctx is done, and returns ctx's cause then; a wait within it ends with ctx as far
// as the means of the store allow. Another error wraps what kept the store from being reached or used: what
// happened is then unknown, so the caller must not do the work.
//
// An implementation must pass package storetest.
type Store interface {
	// Claim asks for the right to do the work of key. In this order:
	//
	//  1. A key that is not known, or whose time to be kept is over, is won.
	//  2. Another fingerprint is a [Mismatch], whether the work is done, under way or abandoned.
	//  3. Work that is done is [Done], with its record.
	//  4. A claim whose lease has not ended is [InFlight].
	//  5. What remains was abandoned by its owner: it is won, and Reclaimed is set.
	//
	// It returns [ErrFull] where the store is bounded, and a [*resilience.SettingError] for terms it cannot accept.
	Claim(ctx context.Context, key Key, terms Terms) (Claim, error)

	// Renew makes the lease of a claim last for lease from now. It returns [ErrLost] unless token still owns the claim and
	// the claim is not committed; a lease that has ended is renewed as long as nobody took the claim.
	Renew(ctx context.Context, key Key, token Token, lease time.Duration) error

	// Commit ends a claim: the work is done, and record is what came of it, remembered for keep from now. It returns
	// [ErrLost], and changes nothing, unless token owns the claim; a lease that has ended does not matter as long as nobody
	// took the claim. To commit again what the same token committed is no error and changes nothing.
	Commit(ctx context.Context, key Key, token Token, record string, keep time.Duration) error

	// Release ends a claim as if it had never been made: the key is free again, or abandoned again if the claim was a
	// reclaimed one, since what the earlier owner did is still unknown. It returns [ErrLost] if the key is claimed or
	// committed by another token, or committed by this one; that nobody holds the key is no error.
	Release(ctx context.Context, key Key, token Token) error
}

// Terms are the conditions of a claim.
type Terms struct {
	// Fingerprint is what the work was asked with; see [Sum]. The zero value is as good as any other: it matches itself.
	Fingerprint Fingerprint
	// Lease is how long the claim holds unless renewed. Required, at least 1 ms.
	Lease time.Duration
	// Keep is how long the claim is remembered if it is neither committed nor released, so that whoever asks in that time is
	// told that the outcome is unknown. At least Lease, at most [MaxKeep]; 0 means Lease.
	Keep time.Duration
}

// Check returns the terms with their defaults, or a [*resilience.SettingError] for those that no store accepts.
func (t Terms) Check() (Terms, error) {
	if t.Keep == 0 {
		t.Keep = t.Lease
	}
	switch {
	case t.Lease < MinLease:
		return t, &resilience.SettingError{Field: "Terms.Lease", Value: t.Lease, Want: "at least " + MinLease.String()}
	case t.Keep < t.Lease || t.Keep > MaxKeep:
		return t, &resilience.SettingError{Field: "Terms.Keep", Value: t.Keep, Want: "0, or from the lease, " + t.Lease.String() + ", to " + MaxKeep.String()}
	}
	return t, nil
}

// CheckKeep returns a [*resilience.SettingError] for a time to keep a record that no store accepts.
func CheckKeep(keep time.Duration) error {
	if keep < MinLease || keep > MaxKeep {
		return &resilience.SettingError{Field: "keep", Value: keep, Want: MinLease.String() + " to " + MaxKeep.String()}
	}
	return nil
}

// Bounds of leases and of times to keep.
const (
	MinLease = time.Millisecond           // the resolution of the coarsest store
	MaxKeep  = 100 * 365 * 24 * time.Hour // for ever
)

// State says what became of a [Store.Claim].
type State uint8

// The states of a claim.
const (
	// Won means that the caller owns the claim and must end it by Commit or Release.
	Won State = iota + 1
	// InFlight means that another owner has it.
	InFlight
	// Done means that the work was committed.
	Done
	// Mismatch means that the key belongs to work with another fingerprint.
	Mismatch
)

var stateNames = [...]string{Won: "won", InFlight: "in flight", Done: "done", Mismatch: "mismatch"}

// String returns "won", "in flight", "done" or "mismatch"; an unknown state as its number.
func (s State) String() string {
	if int(s) < len(stateNames) && s != 0 {
		return stateNames[s]
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// Claim is the answer to [Store.Claim].
type Claim struct {
	State State // what became of it
	// Reclaimed, of Won: an earlier owner's lease ended before it committed or released. Whether it did the work is unknown.
	Reclaimed bool
	// Token, of Won: proves the ownership to Renew, Commit and Release. Never 0 there.
	Token Token
	// Lease, of InFlight: how long the other owner's lease still lasts.
	Lease time.Duration
	// Record, of Done: what the work was committed with.
	Record string
}

// Token proves who owns a claim. Of one key, no two claims have the same.
type Token uint64
