package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// ID stands for an idempotency key on a route: 128 bits of SHA-256, so that a key of any length costs the same memory, and
// two keys look equal once in 10²⁸ runs of a hundred thousand keys.
type ID [16]byte

// IDOf returns the ID of a key on the route of that index. Keys are compared byte by byte: a quoted key and a bare one are
// two.
func IDOf(route int, key string) ID {
	var room [256]byte
	b := binary.LittleEndian.AppendUint32(room[:0], uint32(route))
	sum := sha256.Sum256(append(b, key...))
	return ID(sum[:len(ID{})])
}

// Print stands for what a request with a key asks for: 128 bits of SHA-256 of method, target and body.
type Print [16]byte

// PrintOf returns the print of a request. The target is that of the request line, with its query; body is the SHA-256 of
// the whole body.
func PrintOf(method, target string, body [sha256.Size]byte) Print {
	var room [256]byte
	b := append(room[:0], body[:]...)
	b = append(b, method...)
	b = append(b, ' ') // no method has one
	sum := sha256.Sum256(append(b, target...))
	return Print(sum[:len(Print{})])
}
