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
		"Authorization", "Proxy-Authorization", "X-Auth*", "*-Auth", "Cookie", "Set-Cookie",
		"Api-Key", "Apikey", "X-Apikey", "*-Api-Key", "*-Access-Key", "*-Auth-Key", "*-Secret-Key", "*-Subscription-Key",
		"Token", "*-Token", "Secret", "*-Secret", "*Signature*", "*Password*", "*Credential*",
		"Session", "*-Session", "*-Session-Id", "X-Client-Cert", "X-Forwarded-Client-Cert",
	}
}

// DefaultSecretParams returns the patterns of the query parameters, and of the fields of recorded bodies, whose
// values are secret unless [Options].SecretParams says otherwise.
func DefaultSecretParams() []string {
	return []string{
		"key", "*api_key", "*api-key", "*apikey", "*access_key", "AWSAccessKeyId", "private_key", "subscription-key",
		"*token", "jwt", "bearer", "auth", "authorization", "*assertion", "code_verifier", "session", "session_id", "sessionid",
		"sig", "*signature*", "hmac", "*secret", "pass", "passwd", "pwd", "*password*", "*passphrase*", "*credential*", "pin", "cvc", "cvv",
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
	in  []byte
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
	m.in = append(m.in[:0], secret...) // the hash is behind an interface, and would let the secret escape to the heap
	m.Write(m.in)
	clear(m.in)
	sum := m.Sum(m.sum[:0])
	dst = append(dst, "sha256:"...)
	dst = hex.AppendEncode(dst, sum[:8])
	d.macs.Put(m)
	return dst
}

// mayHoldSecret reports whether appendURL could change s: a parameter has a =, user information an @.
func mayHoldSecret(s []byte) bool {
	return bytes.IndexByte(s, '=') >= 0 || bytes.IndexByte(s, '@') >= 0
}

// appendURL appends s, a URL, a part of one or a text that holds some, with the user information and the values
// of secret parameters replaced.
func (d *redactor) appendURL(dst, s []byte) []byte {
	for {
		i := bytes.IndexAny(s, "?#:")
		if i < 0 {
			return append(dst, s...)
		}
		isScheme := bytes.HasPrefix(s[i:], []byte("://"))
		isQuery := s[i] != ':'
		dst = append(dst, s[:i+1]...)
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
func (d *redactor) appendUserinfo(dst, s []byte) (_, rest []byte) {
	end := bytes.IndexAny(s, "/?# \t\"'<>,\\")
	if end < 0 {
		end = len(s)
	}
	at := bytes.LastIndexByte(s[:end], '@')
	if at <= 0 {
		return dst, s
	}
	return d.appendHash(dst, s[:at]), s[at:]
}

// appendPairs appends the parameters name=value that s begins with, up to a byte that no query holds, and returns
// the rest of s. A fragment counts as more parameters.
func (d *redactor) appendPairs(dst, s []byte) (_, rest []byte) {
	for {
		end := bytes.IndexAny(s, "&;#? \t\r\n\"'<>,")
		if end < 0 {
			return d.appendPair(dst, s), nil
		}
		dst = d.appendPair(dst, s[:end])
		if c := s[end]; strings.IndexByte("&;#?", c) < 0 {
			return dst, s[end:]
		}
		dst, s = append(dst, s[end]), s[end+1:]
	}
}

func (d *redactor) appendPair(dst, pair []byte) []byte {
	name, value, ok := bytes.Cut(pair, []byte("="))
	dst = d.appendPart(dst, name)
	if !ok {
		return dst
	}
	dst = append(dst, '=')
	switch {
	case len(value) == 0:
		return dst
	case d.secretParam(name):
		return d.appendHash(dst, value)
	}
	if bytes.Contains(value, []byte("%3")) || bytes.Contains(value, []byte("%40")) {
		return d.appendEscaped(dst, value)
	}
	return d.appendPart(dst, value)
}

// appendPart appends the name or the value of a parameter, which may begin with a URL of its own.
func (d *redactor) appendPart(dst, part []byte) []byte {
	if bytes.IndexByte(part, '@') < 0 {
		return append(dst, part...)
	}
	return d.appendURL(dst, part)
}

// appendEscaped appends the escaped value of a parameter, which may be a URL of its own.
func (d *redactor) appendEscaped(dst, value []byte) []byte {
	plain, err := url.QueryUnescape(string(value))
	if err != nil {
		return append(dst, value...)
	}
	hidden := string(d.appendURL(nil, []byte(plain)))
	if hidden == plain {
		return append(dst, value...)
	}
	return append(dst, url.QueryEscape(hidden)...)
}

// secretParam reports whether the values of the parameter are secret. A name may be escaped, and may have an index
// as in token[] or user[password].
func (d *redactor) secretParam(name []byte) bool {
	if bytes.IndexByte(name, '%') >= 0 || bytes.IndexByte(name, '+') >= 0 {
		if plain, err := url.QueryUnescape(string(name)); err == nil {
			name = []byte(plain)
		}
	}
	for {
		end := bytes.IndexAny(name, "[].")
		if end < 0 {
			return d.params.match(name)
		}
		if end > 0 && d.params.match(name[:end]) {
			return true
		}
		name = name[end+1:]
	}
}

// appendBody appends the kept bytes of a body with the values of secret fields replaced, where it is a form or
// JSON; anything else is kept as it is.
func (d *redactor) appendBody(dst, body []byte) []byte {
	text := bytes.TrimLeft(body, " \t\r\n")
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return d.appendJSONBody(dst, body)
	}
	if !mayHoldSecret(body) {
		return append(dst, body...)
	}
	for {
		dst, body = d.appendPairs(dst, body)
		if len(body) == 0 {
			return dst
		}
		dst, body = append(dst, body[0]), body[1:]
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
		dst = d.appendJSONString(append(dst, body[:i]...), name)
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

// appendJSONString appends a JSON string, which may hold a URL.
func (d *redactor) appendJSONString(dst, quoted []byte) []byte {
	text := jsonText(quoted)
	if !mayHoldSecret(text) {
		return append(dst, quoted...)
	}
	hidden := d.appendURL(nil, text)
	if bytes.Equal(hidden, text) {
		return append(dst, quoted...)
	}
	return appendQuoted(dst, hidden)
}

// jsonText returns what stands in a JSON string, its escapes undone.
func jsonText(quoted []byte) []byte {
	p := parser{b: quoted}
	if s := p.str(); p.err == nil {
		return s
	}
	return bytes.Trim(quoted, `"`)
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
