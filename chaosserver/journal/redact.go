package journal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/url"
	"strings"
	"sync"
)

// DefaultSecretHeaders returns the patterns of the header fields whose values are secret unless
// [Options].SecretHeaders says otherwise. Idempotency-Key is not among them: it is evidence.
func DefaultSecretHeaders() []string {
	return []string{
		"Authorization", "Proxy-Authorization", "Authentication", "X-Auth*", "*-Auth",
		"Cookie", "Set-Cookie", "Cookie2",
		"Api-Key", "Apikey", "X-Apikey", "*-Api-Key", "*-Access-Key", "*-Auth-Key", "*-Secret-Key", "*-Subscription-Key",
		"Token", "*-Token", "Secret", "*-Secret", "*Signature*", "*Password*", "*Credential*",
		"X-Api-Auth", "Private-Token", "Session", "*-Session", "*-Session-Id", "X-Client-Cert", "X-Forwarded-Client-Cert",
	}
}

// DefaultSecretParams returns the patterns of the query parameters, and of the fields of recorded bodies, whose
// values are secret unless [Options].SecretParams says otherwise.
func DefaultSecretParams() []string {
	return []string{
		"key", "api_key", "apikey", "api-key", "*_api_key", "*-api-key", "access_key", "*_access_key", "private_key",
		"AWSAccessKeyId", "subscription-key", "token", "*_token", "*-token", "*Token", "auth", "authorization", "jwt",
		"assertion", "client_assertion", "bearer", "sig", "*signature*", "hmac", "secret", "*_secret", "*-secret", "*Secret",
		"pass", "passwd", "pwd", "*password*", "*passphrase*", "*credential*", "code_verifier", "session", "session_id", "sessionid",
		"pin", "cvc", "cvv",
	}
}

// hashLen is the length of what replaces a secret: "sha256:" and 64 bits in hex, so that two secrets of a run look
// equal once in 4 billion runs of 100,000 secrets.
const hashLen = len("sha256:") + 16

// redactor replaces secrets by hashes of one key. It may be used by several goroutines.
type redactor struct {
	headers, params matcher
	salt            []byte
	macs            sync.Pool // of *mac
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

func newRedactor(headers, params []string, salt []byte) *redactor {
	d := &redactor{salt: salt}
	d.headers.patterns = compilePatterns(headers)
	d.params.patterns = compilePatterns(params)
	d.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, d.salt)} }
	return d
}

// appendHash appends what replaces a secret: its HMAC-SHA256 under the salt, cut to 64 bits.
func (d *redactor) appendHash(dst, secret []byte) []byte {
	m := d.macs.Get().(*mac)
	m.Reset()
	m.Write(secret)
	sum := m.Sum(m.sum[:0])
	dst = append(dst, "sha256:"...)
	dst = hex.AppendEncode(dst, sum[:8])
	d.macs.Put(m)
	return dst
}

// mayHoldSecret reports whether appendURL could change s.
func mayHoldSecret(s string) bool {
	return strings.IndexByte(s, '?') >= 0 || strings.Contains(s, "://") || strings.IndexByte(s, '#') >= 0
}

// appendURL appends s, a URL, a part of one or a text that holds some, with the user information and the values
// of secret parameters replaced.
func (d *redactor) appendURL(dst []byte, s string) []byte {
	for {
		i := strings.IndexAny(s, "?#:")
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i+1]...)
		isScheme := strings.HasPrefix(s[i:], "://")
		isQuery := s[i] != ':'
		s = s[i+1:]
		switch {
		case isScheme:
			dst, s = d.appendUserinfo(append(dst, "//"...), s[2:])
		case isQuery:
			dst, s = d.appendPairs(dst, s)
		}
	}
}

// appendUserinfo appends the user information that s, an authority with what follows it, begins with, and returns
// the rest of s.
func (d *redactor) appendUserinfo(dst []byte, s string) (_ []byte, rest string) {
	end := strings.IndexAny(s, "/?# \t\"'<>,\\")
	if end < 0 {
		end = len(s)
	}
	at := strings.LastIndexByte(s[:end], '@')
	if at <= 0 {
		return dst, s
	}
	return d.appendHash(dst, []byte(s[:at])), s[at:]
}

// pairEnds are the bytes that end a parameter: of a query, and of a text in which a URL may stand.
const pairEnds = "&;#? \t\r\n\"'<>,"

// appendPairs appends the parameters name=value that s begins with, up to a byte that no query holds, and returns
// the rest of s. A fragment counts as more parameters.
func (d *redactor) appendPairs(dst []byte, s string) (_ []byte, rest string) {
	for {
		end := strings.IndexAny(s, pairEnds)
		pair := s
		if end >= 0 {
			pair = s[:end]
		}
		dst = d.appendPair(dst, pair)
		if end < 0 {
			return dst, ""
		}
		c := s[end]
		if strings.IndexByte("&;#?", c) < 0 {
			return dst, s[end:]
		}
		dst, s = append(dst, c), s[end+1:]
	}
}

func (d *redactor) appendPair(dst []byte, pair string) []byte {
	name, value, ok := strings.Cut(pair, "=")
	dst = append(dst, name...)
	if !ok {
		return dst
	}
	dst = append(dst, '=')
	switch {
	case value == "":
		return dst
	case d.secretParam(name):
		return d.appendHash(dst, []byte(value))
	}
	if plain, err := url.QueryUnescape(value); err == nil && plain != value && mayHoldSecret(plain) {
		if hidden := string(d.appendURL(nil, plain)); hidden != plain {
			return append(dst, url.QueryEscape(hidden)...)
		}
	}
	return append(dst, value...)
}

// secretParam reports whether the values of the parameter are secret. A name may be escaped, and may have an index
// as in token[] or user[password].
func (d *redactor) secretParam(name string) bool {
	if strings.ContainsAny(name, "%+") {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '[' || r == ']' || r == '.' }) {
		if d.params.matchString(part) {
			return true
		}
	}
	return false
}

// appendBody appends the kept bytes of a body with the values of secret fields replaced, where it is a form or
// JSON; anything else is kept as it is.
func (d *redactor) appendBody(dst, body []byte) []byte {
	text := bytes.TrimLeft(body, " \t\r\n")
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return d.appendJSONBody(dst, body)
	}
	if bytes.IndexByte(text, '=') < 0 && !mayHoldSecret(string(text)) {
		return append(dst, body...)
	}
	s := string(body)
	for {
		dst, s = d.appendPairs(dst, s)
		if s == "" {
			return dst
		}
		dst, s = append(dst, s[0]), s[1:]
	}
}

// appendJSONBody is appendBody for JSON, which may be cut off anywhere.
func (d *redactor) appendJSONBody(dst, body []byte) []byte {
	for {
		i := bytes.IndexByte(body, '"')
		if i < 0 {
			return append(dst, body...)
		}
		end := i + jsonValueEnd(body[i:])
		name := body[i:end]
		dst = append(dst, body[:end]...)
		body = body[end:]
		colon := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
		if colon == len(body) || body[colon] != ':' || !d.secretParam(jsonText(name)) {
			continue
		}
		dst = append(dst, body[:colon+1]...)
		body = body[colon+1:]
		space := len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
		dst = append(dst, body[:space]...)
		body = body[space:]
		end = jsonValueEnd(body)
		if value := body[:end]; end > 0 && string(value) != `""` && string(value) != "null" {
			dst = append(dst, '"')
			dst = d.appendHash(dst, value)
			dst = append(dst, '"')
		} else {
			dst = append(dst, value...)
		}
		body = body[end:]
	}
}

// jsonText returns what stands in a JSON string, its escapes undone.
func jsonText(quoted []byte) string {
	p := parser{b: quoted}
	s := p.str()
	if p.err != nil {
		return strings.Trim(string(quoted), `"`)
	}
	return string(s)
}

// jsonValueEnd returns where the JSON value that b begins with ends; len(b) where it is cut off.
func jsonValueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(b))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
