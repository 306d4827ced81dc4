package httpclient

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// DefaultKeyHeader is the header of draft-ietf-httpapi-idempotency-key-header.
const DefaultKeyHeader = "Idempotency-Key"

// KeySettings describe the idempotency keys that [WithIdempotencyKeys] adds. The zero value is a random UUID of version 4
// in quotes, as the draft has it (a String of RFC 9651).
type KeySettings struct {
	Header string        // the header's name; empty = [DefaultKeyHeader]
	Bare   bool          // without the quotes: what Stripe, OpenAI and Adyen document
	New    func() string // makes the key of one call, without quotes; nil = a random UUID of version 4
}

type keyContext struct{}

// ContextWithKey returns a context whose calls carry key as their idempotency key. Take it when the key must outlive the
// process or be the same for a later call: an operation that a person submits again, a job that is resumed. One key
// belongs to one operation and one payload. It goes with requests whose method is not idempotent, as it is, without quotes
// being added, and also by a client that was not given [WithIdempotencyKeys], in [DefaultKeyHeader].
func ContextWithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyContext{}, key)
}

// NewKey returns a random UUID of version 4 (RFC 9562), 122 bits that nobody can guess.
func NewKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it crashes the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	for i, from, to := 0, 0, 0; i < 5; i++ {
		n := [5]int{4, 2, 2, 2, 6}[i]
		hex.Encode(text[to:], b[from:from+n])
		from, to = from+n, to+2*n
		if i < 4 {
			text[to] = '-'
			to++
		}
	}
	return string(text[:])
}

// keys decides about the idempotency key of a call.
type keys struct {
	header string
	add    bool // make keys for unsafe methods
	bare   bool
	make   func() string
}

func newKeys(s KeySettings, add bool) keys {
	k := keys{header: DefaultKeyHeader, add: add, bare: s.Bare, make: s.New}
	if s.Header != "" {
		k.header = http.CanonicalHeaderKey(s.Header)
	}
	if k.make == nil {
		k.make = NewKey
	}
	return k
}

// of returns the key that req shall carry, where its method is not idempotent, and whether it must still be added: one it
// has already, the context's, that of the request that was redirected to this one, or a new one. It is called once per
// call, so all attempts share the key.
func (k *keys) of(req *http.Request) (key string, missing bool) {
	if idempotentMethod(req.Method) {
		return "", false // one it has goes with it, but is not needed
	}
	if have := req.Header[k.header]; len(have) > 0 {
		return have[0], false
	}
	if key, ok := req.Context().Value(keyContext{}).(string); ok && key != "" {
		return key, true
	}
	if !k.add {
		return "", false
	}
	if from := req.Response; from != nil && from.Request != nil && from.Request.Method == req.Method { // 307 or 308
		if key := from.Request.Header.Get(k.header); key != "" {
			return key, true
		}
	}
	key = k.make()
	if !k.bare {
		key = `"` + key + `"`
	}
	return key, true
}

// idempotentMethod tells the methods that RFC 9110 section 9.2.2 calls idempotent, and QUERY of
// draft-ietf-httpbis-safe-method-w-body. The empty method is GET.
func idempotentMethod(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete, "QUERY":
		return true
	}
	return false
}
