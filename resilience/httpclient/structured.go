package httpclient

import (
	"strconv"
	"strings"
	"time"
)

// Of RFC 9651 as much as RateLimit fields need. A field with an error anywhere is ignored as a whole, as its section 4.2 has it.

// params are the integer parameters of an item, or the integer members of a dictionary; others are left out.
type params map[string]int64

// exhausted reports whether the first parameter is 0, and the second as seconds from now.
func (p params) exhausted(remaining, reset string) (time.Duration, bool) {
	left, ok := p[remaining]
	t, ok2 := p[reset]
	if !ok || !ok2 || left != 0 || t < 0 {
		return 0, false
	}
	return number(strconv.FormatInt(t, 10), time.Second)
}

// tightest returns the longest wait of the exhausted items of a RateLimit list: r is what remains and t when it is reset.
func tightest(items []params) (wait time.Duration, exhausted bool) {
	for _, p := range items {
		if d, ok := p.exhausted("r", "t"); ok {
			wait, exhausted = max(wait, d), true
		}
	}
	return wait, exhausted
}

// parseList parses a list of Strings with parameters.
func parseList(s string) ([]params, bool) {
	var items []params
	p := sfParser{rest: s}
	for {
		p.spaces()
		if !p.quoted() {
			return nil, false
		}
		item := params{}
		for p.eat(';') {
			p.spaces()
			if !p.member(item, true) {
				return nil, false
			}
		}
		items = append(items, item)
		if more, ok := p.comma(); !more {
			return items, ok
		}
	}
}

// parseDictionary parses a dictionary of members without parameters.
func parseDictionary(s string) (params, bool) {
	dict := params{}
	p := sfParser{rest: s}
	for {
		p.spaces()
		if !p.member(dict, false) {
			return nil, false
		}
		if more, ok := p.comma(); !more {
			return dict, ok
		}
	}
}

// sfParser eats a field from the left.
type sfParser struct{ rest string }

func (p *sfParser) spaces() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *sfParser) eat(c byte) bool {
	p.spaces()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// comma eats the separator of two members; without one the field must be at its end.
func (p *sfParser) comma() (more, ok bool) {
	if p.eat(',') {
		return true, true
	}
	return false, p.rest == ""
}

// quoted eats a String.
func (p *sfParser) quoted() bool {
	if p.rest == "" || p.rest[0] != '"' {
		return false
	}
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return true
		case c == '\\':
			if i++; i >= len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return false
			}
		case c < 0x20 || c > 0x7e:
			return false
		}
	}
	return false
}

// member eats key=value, and keeps an integer in the map. A value that is no integer is allowed in parameters alone:
// a String, a Token or a Byte Sequence, such as the partition key of a quota.
func (p *sfParser) member(to params, others bool) bool {
	key := p.while(func(c byte) bool {
		return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == '*'
	})
	if key == "" || !strings.HasPrefix(p.rest, "=") {
		return false
	}
	p.rest = p.rest[1:]
	if others && strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	value := p.while(func(c byte) bool { return c > ' ' && c < 0x7f && c != ';' && c != ',' && c != '"' })
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err == nil && n <= 999_999_999_999_999 && n >= -999_999_999_999_999 && value[0] != '+': // RFC 9651 section 3.3.1
		to[key] = n
		return true
	case !others || value == "":
		return false
	}
	return value[0] == ':' || value[0] == '*' || 'A' <= value[0]&^0x20 && value[0]&^0x20 <= 'Z'
}

func (p *sfParser) while(in func(byte) bool) string {
	n := 0
	for n < len(p.rest) && in(p.rest[n]) {
		n++
	}
	eaten := p.rest[:n]
	p.rest = p.rest[n:]
	return eaten
}
