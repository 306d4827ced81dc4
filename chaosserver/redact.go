package chaosserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"brownout/chaosserver/journal"
)

// redactor keeps secrets out of the names of calls and clients, which may be made of header values. The journal does
// the same for the fields themselves.
type redactor struct {
	patterns []string
	salt     []byte
}

// newRedactor takes the patterns of secret fields as [journal.Options] has them.
func newRedactor(patterns []string) redactor {
	if patterns == nil {
		patterns = journal.DefaultSecretHeaders()
	}
	r := redactor{salt: make([]byte, 32)}
	for _, p := range patterns {
		r.patterns = append(r.patterns, strings.ToLower(p))
	}
	_, _ = rand.Read(r.salt) // never fails
	return r
}

// value returns the value of a field, or a hash of it where the field is secret.
func (r *redactor) value(name, value string) string {
	name = strings.ToLower(name)
	if slices.ContainsFunc(r.patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	}) {
		return r.hash(value)
	}
	return value
}

// hash returns 64 bits that stand for a secret: the same for the same secret of one server.
func (r *redactor) hash(secret string) string {
	m := hmac.New(sha256.New, r.salt)
	m.Write([]byte(secret))
	return hex.EncodeToString(m.Sum(nil)[:8])
}
