package journal

import (
	"bytes"
	"slices"
	"strings"
)

// headers fills e.block with the header fields of an attempt, secrets replaced, and reports whether their order is
// lost. A block is the fields in turn, each its name and its value.
func (e *encoder) headers(r *AttemptRecord) (orderLost bool) {
	if len(r.RawHeader) > 0 && bytes.Equal(r.RawHeader, e.plainRaw) {
		return false
	}
	e.block, e.plainRaw = e.block[:0], e.plainRaw[:0]
	e.hidden, e.secretCall, e.secretClient = false, false, false
	e.links = r.RawHeader == nil || mayHoldSecret(r.RawHeader)
	if r.RawHeader != nil {
		e.rawHeader(r)
		if !e.hidden {
			e.plainRaw = append(e.plainRaw, r.RawHeader...)
		}
		return false
	}
	if r.Header == nil {
		return false
	}
	e.names = e.names[:0]
	for name := range r.Header {
		e.names = append(e.names, name)
	}
	slices.Sort(e.names)
	for _, name := range e.names {
		for _, value := range r.Header[name] {
			e.fold = append(append(e.fold[:0], name...), value...)
			e.addField(r, e.fold[:len(name)], e.fold[len(name):])
		}
	}
	clear(e.names) // they are the caller's
	return true
}

// rawHeader adds the fields of a header block as it came over the wire. A line that begins with space continues
// the value before it (RFC 9112, section 5.2). A line without a colon is a field without a name, and secret, since
// nobody knows what it is.
func (e *encoder) rawHeader(r *AttemptRecord) {
	rest := r.RawHeader
	for len(rest) > 0 {
		var line []byte
		line, rest = cutLine(rest)
		if len(line) == 0 {
			continue
		}
		colon := bytes.IndexByte(line, ':')
		name, value := line[:max(colon, 0)], trim(line[colon+1:])
		if len(rest) > 0 && isSpace(rest[0]) {
			e.fold = append(e.fold[:0], value...)
			for len(rest) > 0 && isSpace(rest[0]) {
				line, rest = cutLine(rest)
				e.fold = append(append(e.fold, ' '), trim(line)...)
			}
			value = trim(e.fold)
		}
		e.addField(r, name, value)
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// trim returns b without the space around it.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// cutLine returns the first line of b without its end, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return bytes.TrimSuffix(b, []byte{'\r'}), nil
	}
	line, rest = b[:i], b[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// addField appends one field to the block.
func (e *encoder) addField(r *AttemptRecord, name, value []byte) {
	e.block = appendString(e.block, name)
	switch {
	case e.secrets == nil || len(value) == 0:
		e.block = appendString(e.block, value)
	case len(name) == 0 || e.secrets.headers.match(name):
		e.hidden = true
		e.secretCall = e.secretCall || e.holds(r.Call, value)
		e.secretClient = e.secretClient || e.holds(r.Client, value)
		e.block = append(e.block, byte(hashLen))
		e.block = e.secrets.appendHash(e.block, value)
	case !e.links || !mayHoldSecret(value):
		e.block = appendString(e.block, value)
	default:
		e.hidden = true
		e.field = e.secrets.appendURL(e.field[:0], value)
		e.block = appendString(e.block, e.field)
	}
}

// holds reports whether a name is made of a secret: it is one, or has a long one in it.
func (e *encoder) holds(name string, secret []byte) bool {
	const long = 8
	if len(secret) > len(name) || len(secret) < long && len(secret) != len(name) {
		return false
	}
	return bytes.Contains(e.bytes(name), secret)
}

// bytes returns a string as bytes that stay good until the next call.
func (e *encoder) bytes(s string) []byte {
	e.text = append(e.text[:0], s...)
	return e.text
}

// appendURL appends a text that may be or hold a URL.
func (e *encoder) appendURL(b []byte, s string) []byte {
	if e.secrets == nil || strings.IndexByte(s, '=') < 0 && strings.IndexByte(s, '@') < 0 {
		return appendString(b, s)
	}
	e.field = e.secrets.appendURL(e.field[:0], e.bytes(s))
	return appendString(b, e.field)
}

// appendName appends the name of a call or a client, which may be made of what the request holds.
func (e *encoder) appendName(b []byte, name string, secret bool) []byte {
	if secret {
		e.field = e.secrets.appendHash(e.field[:0], e.bytes(name))
		return appendString(b, e.field)
	}
	return e.appendURL(b, name)
}

// appendHost appends a Host field, whose user information nobody should have sent.
func (e *encoder) appendHost(b []byte, host string) []byte {
	at := strings.LastIndexByte(host, '@')
	if e.secrets == nil || at <= 0 {
		return appendString(b, host)
	}
	e.field = e.secrets.appendHash(e.field[:0], e.bytes(host[:at]))
	e.field = append(e.field, host[at:]...)
	return appendString(b, e.field)
}

// appendBody appends the bytes of a body that are to be kept.
func (e *encoder) appendBody(b, body []byte) []byte {
	if e.keepBody < len(body) {
		body = body[:e.keepBody]
	}
	if e.secrets == nil || len(body) == 0 {
		return appendString(b, body)
	}
	e.field = e.secrets.appendBody(e.field[:0], body)
	return appendString(b, e.field)
}
