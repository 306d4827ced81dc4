package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Key names one piece of work by 128 bits of a hash, so that stores need no more than that per key and learn nothing of who
// asked for what. Make it with [KeyOf].
type Key [16]byte

// String returns the key in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Fingerprint is 128 bits of a hash of what a piece of work was asked with. Make it with [Sum].
type Fingerprint [16]byte

// KeyOf returns the key of the parts that name a piece of work, such as principal, method, route and idempotency key:
// [Sum] of the parts, each behind its length, so that ("ab", "c") and ("a", "bc") differ.
func KeyOf(parts ...string) Key {
	var space [256]byte
	b := space[:0]
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return Key(Sum(b))
}

// Sum returns the first half of the SHA-256 of data. It is the same in every process.
func Sum(data []byte) [16]byte {
	sum := sha256.Sum256(data)
	return [16]byte(sum[:])
}

// Hasher is a [Store] that brings a faster hash than [Sum] for keys and fingerprints: one whose keys need not mean anything to
// another process, so that it may use a secret of its own. All keys of such a store are made with its hash, or all are not.
type Hasher interface {
	// Hash returns 128 bits of a hash of data whose collisions nobody outside can find. It may be called by several goroutines.
	Hash(data []byte) [16]byte
}
