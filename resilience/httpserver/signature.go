package httpserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"sync"
	"time"

	"brownout/resilience"
)

var (
	// ErrUnsigned says that a delivery has no signature, timestamp or id, or one that cannot be read.
	ErrUnsigned = errors.New("httpserver: the delivery is not signed as the sender signs")
	// ErrSignature says that no signature of a delivery was made of this body with one of the secrets.
	ErrSignature = errors.New("httpserver: the signature does not match")
	// ErrTimestamp says that a delivery was signed too long ago, or in the future.
	ErrTimestamp = errors.New("httpserver: the timestamp is outside the tolerance")
)

// Verifier tells whether a delivery comes from its sender, by the headers and the raw bytes of the body. It may be used by
// several goroutines, and does not keep the body.
//
// Verify returns an error that is [ErrUnsigned], [ErrSignature] or [ErrTimestamp] for a delivery that must be refused.
// It compares in constant time.
type Verifier interface {
	// Verify returns the event of a delivery that comes from the sender.
	Verify(header http.Header, body []byte) (Event, error)
}

// RequestVerifier is a [Verifier] of a sender that signs more of a request than its headers and body. [Webhook] then calls
// VerifyRequest in place of Verify. It does not read the request's body, which was read already.
type RequestVerifier interface {
	Verifier
	// VerifyRequest is Verify with the request at hand.
	VerifyRequest(r *http.Request, body []byte) (Event, error)
}

// verify has v verify a request whose body was read.
func verify(v Verifier, r *http.Request, body []byte) (Event, error) {
	if of, ok := v.(RequestVerifier); ok {
		return of.VerifyRequest(r, body)
	}
	return v.Verify(r.Header, body)
}

// Event is what the signature of a delivery vouches for.
type Event struct {
	// ID tells duplicates: redeliveries have it in common, and nobody without the secret can make another one for the same
	// body. Never empty.
	ID string
	// Signed is when the delivery was signed; zero where the sender does not say.
	Signed time.Time
	// Answer, if not nil, is what the sender wants to hear: the delivery is a handshake and no event.
	Answer []byte
}

// SignatureSettings are what a [Verifier] checks against.
type SignatureSettings struct {
	// Secrets are those that the sender may use: one, and while it is rotated both the old and the new. Required. They are
	// given as the sender shows them.
	Secrets []string
	// Tolerance is how far the sender's timestamp may be from this machine's clock, either way, where the sender signs one.
	// 0 means [DefaultTolerance]. At least 1 s; fractions do not count.
	Tolerance time.Duration
}

// DefaultTolerance is what the libraries of Standard Webhooks, Stripe and Slack allow.
const DefaultTolerance = 5 * time.Minute

// maxSecrets and maxSignatures bound the work that a delivery can cause.
const (
	maxSecrets    = 8
	maxSignatures = 16
)

func (s *SignatureSettings) check() error {
	if err := checkSecrets("SignatureSettings.Secrets", s.Secrets); err != nil {
		return err
	}
	if s.Tolerance != 0 && s.Tolerance < time.Second {
		return &resilience.SettingError{Field: "SignatureSettings.Tolerance", Value: s.Tolerance, Want: "0 (the default, 5m) or at least 1s"}
	}
	if s.Tolerance == 0 {
		s.Tolerance = DefaultTolerance
	}
	return nil
}

// checkSecrets checks that there are secrets, not too many, and that none is empty.
func checkSecrets(field string, secrets []string) error {
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return &resilience.SettingError{Field: field, Value: fmt.Sprint(len(secrets), " secrets"), Want: "1 to 8"}
	}
	for i, secret := range secrets {
		if secret == "" {
			return &resilience.SettingError{Field: fmt.Sprintf("%s[%d]", field, i), Value: `""`, Want: "a secret"}
		}
	}
	return nil
}

// timestamp reads seconds since 1970 and checks that they are near enough to now.
func (s *SignatureSettings) timestamp(text string) (time.Time, error) {
	seconds, ok := wholeNumber(text)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: %q is no timestamp in seconds since 1970", ErrUnsigned, text)
	}
	now := time.Now().Unix() // whole seconds, as the timestamp has
	if most := int64(s.Tolerance / time.Second); seconds < now-most || seconds > now+most {
		return time.Time{}, fmt.Errorf("%w: it is %d, and here it is %d; %v is allowed between", ErrTimestamp, seconds, now, s.Tolerance)
	}
	return time.Unix(seconds, 0), nil
}

// wholeNumber reads a decimal number of up to 13 digits, as there are in every timestamp in seconds, or milliseconds, of this
// and the next ages.
func wholeNumber(s string) (n int64, ok bool) {
	if s == "" || len(s) > 13 {
		return 0, false
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = 10*n + int64(digit)
	}
	return n, true
}

// macs computes HMAC-SHA256 under several secrets, and writes it as the sender does.
type macs struct {
	pools  []*sync.Pool // of *mac: the state of one key costs two of the ten blocks that the HMAC of 512 bytes takes
	encode func(text, sum []byte) (n int)
}

// mac is one computation.
type mac struct {
	hash hash.Hash
	head []byte // what is signed before the body
	sum  [sha256.Size]byte
	text [2 * sha256.Size]byte
}

// How signatures are written.
var (
	asBase64 = func(text, sum []byte) int {
		base64.StdEncoding.Encode(text, sum)
		return base64.StdEncoding.EncodedLen(len(sum))
	}
	asHex = hex.Encode
)

func newMacs(secrets [][]byte, encode func(text, sum []byte) int) macs {
	m := macs{encode: encode}
	for _, secret := range secrets {
		m.pools = append(m.pools, &sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, secret)} }})
	}
	return m
}

// texts returns secrets that are used as they are written.
func texts(secrets []string) [][]byte {
	all := make([][]byte, len(secrets))
	for i, secret := range secrets {
		all[i] = []byte(secret)
	}
	return all
}

// match reports whether one of the signatures is the HMAC of a, b, c, d and the body under one of the secrets. The letters of
// hexadecimal signatures are lower case, and base64 is padded, as all senders have it.
func (m macs) match(signatures []string, body []byte, a, b, c, d string) bool {
	for _, pool := range m.pools {
		s := pool.Get().(*mac)
		s.head = append(append(append(append(s.head[:0], a...), b...), c...), d...)
		s.hash.Reset()
		s.hash.Write(s.head)
		s.hash.Write(body)
		text := s.text[:m.encode(s.text[:], s.hash.Sum(s.sum[:0]))]
		ok := false
		for _, given := range signatures {
			ok = equal(text, given) || ok
		}
		pool.Put(s)
		if ok {
			return true
		}
	}
	return false
}

// equal compares in a time that depends on the lengths alone, as crypto/subtle does, which takes no string.
func equal(text []byte, given string) bool {
	if len(text) != len(given) {
		return false
	}
	var off uint64
	for ; len(text) >= 8; text, given = text[8:], given[8:] {
		off |= binary.LittleEndian.Uint64(text) ^ (uint64(given[0]) | uint64(given[1])<<8 | uint64(given[2])<<16 | uint64(given[3])<<24 |
			uint64(given[4])<<32 | uint64(given[5])<<40 | uint64(given[6])<<48 | uint64(given[7])<<56)
	}
	for i := range text {
		off |= uint64(text[i] ^ given[i])
	}
	return off == 0
}

// one returns the only value of a header field.
func one(header http.Header, name string) (string, error) {
	switch values := header[name]; {
	case len(values) == 0:
		return "", fmt.Errorf("%w: there is no %s header", ErrUnsigned, name)
	case len(values) > 1:
		return "", fmt.Errorf("%w: there are %d %s headers", ErrUnsigned, len(values), name)
	case values[0] == "":
		return "", fmt.Errorf("%w: the %s header is empty", ErrUnsigned, name)
	default:
		return values[0], nil
	}
}
