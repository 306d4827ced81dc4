package httpserver

import (
	"bytes"
	"encoding/hex"
	"encoding/json"

	"brownout/resilience/store"
)

// idIn returns the string member of that name of the JSON object body, or a hash of the body where there is none: an event
// without an id must not pass as new each time.
func idIn(body []byte, name string) string {
	if id, ok := member(body, name); ok && id != "" {
		return id
	}
	return hashID(body)
}

// hashID returns an id that a sender's own ids cannot be taken for.
func hashID(body []byte) string {
	sum := store.Sum(body)
	var text [4 + 2*len(sum)]byte
	hex.Encode(text[copy(text[:], "sum:"):], sum[:])
	return string(text[:])
}

// member returns a string member of the JSON object b, the last one of that name. It looks no deeper than the first level, and
// decodes nothing that it passes over: an event is verified and told apart much more often than it is anything else.
// Of what is not a JSON object it finds nothing.
func member(b []byte, name string) (value string, found bool) {
	b, ok := after(b, '{')
	if !ok {
		return "", false
	}
	if _, ok = after(b, '}'); ok {
		return "", false
	}
	for {
		var key, text []byte
		if key, b, ok = cutString(space(b)); !ok {
			return "", false
		}
		if b, ok = after(b, ':'); !ok {
			return "", false
		}
		b = space(b)
		if text, b, ok = cutValue(b); !ok {
			return "", false
		}
		if named(key, name) {
			value, found = unquoted(text)
		}
		switch rest, more := after(b, ','); {
		case more:
			b = rest
		default:
			if _, ok = after(b, '}'); !ok || !found {
				return "", false
			}
			return value, true
		}
	}
}

// unquoted returns the string that text is in JSON, if it is one.
func unquoted(text []byte) (value string, ok bool) {
	if len(text) == 0 || text[0] != '"' || json.Unmarshal(text, &value) != nil {
		return "", false
	}
	return value, true
}

// named reports whether a quoted key has that name.
func named(key []byte, name string) bool {
	if len(key) == len(name)+2 {
		return string(key[1:len(key)-1]) == name
	}
	if bytes.IndexByte(key, '\\') < 0 {
		return false
	}
	text, ok := unquoted(key)
	return ok && text == name
}

// space drops white space from the front of b.
func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// after drops white space and then c from the front of b.
func after(b []byte, c byte) ([]byte, bool) {
	b = space(b)
	if len(b) == 0 || b[0] != c {
		return nil, false
	}
	return b[1:], true
}

// cutString takes a quoted string off the front of b.
func cutString(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[:i+1], b[i+1:], true
		}
	}
	return nil, nil, false
}

// cutValue takes a value off the front of b: a string, an array or object with all that is in it, or a word.
func cutValue(b []byte) (text, rest []byte, ok bool) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			s, _, ok := cutString(b[i:])
			if !ok {
				return nil, nil, false
			}
			if i += len(s) - 1; depth == 0 {
				return b[:i+1], b[i+1:], true
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // ends the object around it, behind a word
				return b[:i], b[i:], i > 0
			}
			if depth--; depth == 0 {
				return b[:i+1], b[i+1:], true
			}
		case ',':
			if depth == 0 {
				return b[:i], b[i:], i > 0
			}
		}
	}
	return nil, nil, false
}
