package httpserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"brownout/resilience/store"
)

// parseKey reads an idempotency key: a String of RFC 9651, section 3.3.3, whose parameters are ignored, or what Stripe, OpenAI
// and Adyen document: bare visible characters. Both spell the same key.
func parseKey(field string, longest int) (key string, err error) {
	key = field
	if n := len(field); n > 0 && field[0] == '"' {
		if n > 1 && field[n-1] == '"' && plain(field[1:n-1]) {
			key = field[1 : n-1]
		} else if key, err = unquote(field); err != nil {
			return "", err
		}
	} else if i := strings.IndexFunc(field, notBare); i >= 0 {
		return "", fmt.Errorf("a bare key has visible ASCII characters only, and none of \", \\ and comma; got %q", field[i])
	}
	switch {
	case key == "":
		return "", errors.New("the key is empty")
	case len(key) > longest:
		return "", fmt.Errorf("the key has %d characters, at most %d are allowed", len(key), longest)
	}
	return key, nil
}

func notBare(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' || c == ',' }

// plain reports whether s has only characters that stand for themselves in a String: printable ASCII but " and \.
// It looks at eight at a time (Mycroft's test for a zero byte, and for one below 32).
func plain(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		if ((x-ones*' ')&^x|(quote-ones)&^quote|(slash-ones)&^slash|x|(x+ones))&high != 0 {
			return false
		}
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// unquote reads a String and checks that nothing but parameters follows. It copies only if something is escaped.
func unquote(s string) (string, error) {
	var escaped []byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if rest := s[i+1:]; rest != "" && rest[0] != ';' {
				return "", fmt.Errorf("%q follows the quoted key", rest)
			}
			if escaped != nil {
				return string(escaped), nil
			}
			return s[1:i], nil
		case c == '\\':
			if i+1 == len(s) || s[i+1] != '"' && s[i+1] != '\\' {
				return "", errors.New(`a backslash in a quoted key stands before " or \ only`)
			}
			if escaped == nil {
				escaped = append(make([]byte, 0, len(s)), s[1:i]...)
			}
			i++
			escaped = append(escaped, s[i])
		case c < ' ' || c > '~':
			return "", fmt.Errorf("a quoted key has printable ASCII characters only, got %q", c)
		case escaped != nil:
			escaped = append(escaped, c)
		}
	}
	return "", errors.New("the quoted key has no closing quote")
}

// scratch is what a request is hashed from.
type scratch struct{ data []byte }

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 2048)} }}

// maxScratch is how large a buffer may be to be kept for the next request.
const maxScratch = 64 << 10

// free gives the scratch back. Nobody may use its data any more.
func (s *scratch) free() {
	if cap(s.data) <= maxScratch {
		scratches.Put(s)
	}
}

// keyOf hashes what names a piece of work: its kind, and its parts, each behind its length.
func (s *scratch) keyOf(hash func([]byte) [16]byte, kind byte, parts ...string) store.Key {
	b := append(s.data[:0], kind)
	for _, p := range parts {
		b = appendText(b, p)
	}
	s.data = b
	return hash(b)
}

// hashOf returns the hash that the keys of s are made with.
func hashOf(s store.Store) func([]byte) [16]byte {
	if h, ok := s.(store.Hasher); ok {
		return h.Hash
	}
	return store.Sum
}

// errTooLarge says that a body is larger than what is allowed.
var errTooLarge = errors.New("httpserver: the request body is too large")

// firstRead is how much room there is at least for a body whose length is not known.
const firstRead = 512

// readBody appends the body of r to b, up to most bytes; more is errTooLarge.
func readBody(b []byte, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength > most {
		return b, errTooLarge
	}
	if r.Body == nil || r.Body == http.NoBody {
		return b, nil
	}
	from := len(b)
	// Not more than a bit on the sender's word: who only announces a large body must not cost the memory of one.
	if n := int(min(max(r.ContentLength, firstRead-1), maxScratch)); cap(b)-len(b) <= n {
		b = append(make([]byte, 0, len(b)+n+1), b...)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		room := min(int64(cap(b)-len(b)), most+1-int64(len(b)-from))
		n, err := r.Body.Read(b[len(b) : len(b)+int(room)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)-from) > most:
			return b, errTooLarge
		case err == io.EOF:
			return b, nil
		case err != nil:
			var limit *http.MaxBytesError
			if errors.As(err, &limit) {
				return b, errTooLarge
			}
			return b, err
		}
	}
}

// fingerprint reads the body of r into s and hashes it, with the path and the query. The body is s.data from the place
// returned on.
func (s *scratch) fingerprint(r *http.Request, most int64, hash func([]byte) [16]byte) (p store.Fingerprint, body int, err error) {
	b := appendText(appendText(appendText(s.data[:0], r.URL.Path), r.URL.RawPath), r.URL.RawQuery)
	body = len(b)
	b, err = readBody(b, r, most)
	s.data = b
	if err != nil {
		return p, 0, err
	}
	return hash(b), body, nil
}
