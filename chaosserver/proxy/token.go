package proxy

import "bytes"

// kind says what a proxy does to a field.
type kind uint8

const (
	passed     kind = iota
	connection      // Connection
	hop             // belongs to one connection
	host
	length // Content-Length
	coding // Transfer-Encoding
	te
	expect
	upgrade
	via
	forwardedFor
	forwarded // X-Forwarded-Host, X-Forwarded-Proto
	location
	date
	keepAlive
)

// kinds are the fields that a proxy does something to, by the length of their names.
var kinds = func() (byLength [20][]named) {
	for _, n := range []named{
		{"Connection", connection}, {"Keep-Alive", keepAlive}, {"Proxy-Connection", hop}, {"Proxy-Authenticate", hop},
		{"Proxy-Authorization", hop}, {"TE", te}, {"Transfer-Encoding", coding}, {"Upgrade", upgrade}, {"Host", host},
		{"Content-Length", length}, {"Expect", expect}, {"Via", via}, {"X-Forwarded-For", forwardedFor},
		{"X-Forwarded-Host", forwarded}, {"X-Forwarded-Proto", forwarded}, {"Location", location},
		{"Content-Location", location}, {"Date", date},
	} {
		byLength[len(n.name)] = append(byLength[len(n.name)], n)
	}
	return byLength
}()

// named is the name of a field and what is done to it.
type named struct {
	name string
	kind kind
}

func kindOf(name []byte) kind {
	if len(name) >= len(kinds) {
		return passed
	}
	for _, n := range kinds[len(name)] {
		if equalFold(name, n.name) {
			return n.kind
		}
	}
	return passed
}

// equalFold reports whether two texts of one length are equal but for the case of ASCII letters.
func equalFold(a []byte, b string) bool {
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// is reports whether a token is that word, but for case.
func is(token []byte, word string) bool { return len(token) == len(word) && equalFold(token, word) }

// IsField reports whether a name and a value are such as a field of a header may have.
func IsField(name, value string) bool { return isToken([]byte(name)) && isValue([]byte(value)) }

// isToken reports whether a text is a token (RFC 9110, section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenChars[c] {
			return false
		}
	}
	return len(b) > 0
}

var tokenChars = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

// isValue reports whether a text may be a field's value (RFC 9110, section 5.5).
func isValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// trim takes the space around a text away.
func trim(b []byte) []byte { return bytes.Trim(b, " \t") }

// cutLine returns the first line of b without its end, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// cutElement returns the first element of a list that commas part, and what follows. A list of none has no elements.
func cutElement(list []byte) (element, rest []byte) {
	element, rest, _ = bytes.Cut(list, []byte(","))
	return trim(element), rest
}

// nominated are the fields that a Connection field names.
type nominated [][]byte

// add takes the elements of a Connection field, and reports which of close, keep-alive and upgrade are among them.
func (n *nominated) add(value []byte) (closes, keeps, upgrades bool) {
	for len(value) > 0 {
		var e []byte
		e, value = cutElement(value)
		switch {
		case len(e) == 0:
		case is(e, "close"):
			closes = true
		case is(e, "keep-alive"):
			keeps = true
		case is(e, "upgrade"):
			upgrades = true
		default:
			*n = append(*n, e)
		}
	}
	return closes, keeps, upgrades
}

// has reports whether a field is named.
func (n nominated) has(name []byte) bool {
	for _, other := range n {
		if len(other) == len(name) && bytes.EqualFold(other, name) {
			return true
		}
	}
	return false
}
