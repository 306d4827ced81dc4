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
		"*token", "jwt", "bearer", "auth", "authorization", "*assertion", "code_verifier", "session", "*sess*id",
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
	s = d.hideUserinfo(s)
	for {
		i := bytes.IndexAny(s, "?#;")
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i+1]...)
		dst, s = d.appendPairs(dst, s[i+1:])
	}
}

// hideUserinfo returns s with what stands between :// and the @ of an authority replaced.
func (d *redactor) hideUserinfo(s []byte) []byte {
	scheme := []byte("://")
	if bytes.IndexByte(s, '@') < 0 || !bytes.Contains(s, scheme) {
		return s
	}
	var out []byte
	for {
		before, authority, ok := bytes.Cut(s, scheme)
		out = append(out, before...)
		if !ok {
			return out
		}
		out = append(out, scheme...)
		s = authority
		end := bytes.IndexAny(authority, "/?# \t\r\n\"<>\\")
		if end < 0 {
			end = len(authority)
		}
		if at := bytes.LastIndexByte(authority[:end], '@'); at > 0 {
			out = d.appendHash(out, authority[:at])
			s = authority[at:]
		}
	}
}

// appendPairs appends the parameters name=value that s begins with, up to a byte that no query holds, and returns
// the rest of s. A fragment counts as more parameters, and so does what follows a semicolon; but a secret value
// runs on over bytes that may part parameters or end a URL and may as well be in it.
func (d *redactor) appendPairs(dst, s []byte) (_, rest []byte) {
	const ends = "&;#? \t\r\n\"<>"
	for {
		end := bytes.IndexAny(s, ends)
		if end < 0 {
			end = len(s)
		}
		name, value, ok := bytes.Cut(s[:end], []byte("="))
		dst = append(dst, name...)
		if ok {
			dst = append(dst, '=')
		}
		if ok && d.secretParam(name) {
			value = s[len(name)+1:]
			if n := bytes.IndexAny(value, "&# \t\r\n\"<>"); n >= 0 {
				value = value[:n]
			}
			end = len(name) + 1 + len(value)
			if len(value) > 0 {
				dst = d.appendHash(dst, value)
			}
		} else {
			dst = d.appendEscaped(dst, value)
		}
		if s = s[end:]; len(s) == 0 || strings.IndexByte("&;#?", s[0]) < 0 {
			return dst, s
		}
		dst, s = append(dst, s[0]), s[1:]
	}
}

// appendEscaped appends the value of a parameter that is not secret, but may be a URL of its own, escaped.
func (d *redactor) appendEscaped(dst, value []byte) []byte {
	if !bytes.Contains(value, []byte("%3")) && !bytes.Contains(value, []byte("%40")) {
		return append(dst, value...)
	}
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
	body = d.hideUserinfo(body)
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
