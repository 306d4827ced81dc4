package journal

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads one line of JSON. The first error stays; after it every method returns zero values and makes no
// further progress. It is written for lines that appendLine wrote, and takes any JSON.
type parser struct {
	b     []byte
	i     int
	first bool   // nothing of the innermost object or array was read yet
	room  []byte // for strings with escapes
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("column %d: %s", p.i+1, fmt.Sprintf(format, args...))
		p.i = len(p.b)
	}
}

// peek returns the next byte that is not space; 0 at the end.
func (p *parser) peek() byte {
	for p.i < len(p.b) {
		switch c := p.b[p.i]; c {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte of punctuation.
func (p *parser) expect(c byte) {
	if got := p.peek(); got != c {
		p.unexpected(fmt.Sprintf("%q", c))
		return
	}
	p.i++
}

func (p *parser) unexpected(want string) {
	if p.i >= len(p.b) {
		p.fail("the line ends where %s is due", want)
	} else {
		p.fail("got %q where %s is due", p.b[p.i], want)
	}
}

// begin reads the bracket that opens an object or array; loop with more over what is in it.
func (p *parser) begin(open byte) {
	p.expect(open)
	p.first = true
}

// more reports whether another member or element follows, and reads the comma before it, or the closing bracket.
func (p *parser) more(end byte) bool {
	c := p.peek()
	if p.err != nil {
		return false
	}
	first := p.first
	p.first = false
	switch {
	case c == end:
		p.i++
		return false
	case first:
		return true
	case c == ',':
		p.i++
		return true
	}
	p.unexpected(fmt.Sprintf("',' or %q", end))
	return false
}

// key reads the name of a member with its colon; it stays good until the next string.
func (p *parser) key() []byte {
	k := p.str()
	p.expect(':')
	return k
}

// str reads a string, which stays good until the next one.
func (p *parser) str() []byte {
	if p.peek() != '"' {
		p.unexpected("a string")
		return nil
	}
	rest := p.b[p.i+1:]
	n := bytes.IndexByte(rest, '"')
	if n >= 0 && bytes.IndexByte(rest[:n], '\\') < 0 {
		p.i += n + 2
		return rest[:n]
	}
	p.i++
	return p.escaped()
}

// escaped reads the rest of a string that has escapes, or no end.
func (p *parser) escaped() []byte {
	out := p.room[:0]
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch c {
		case '"':
			p.i++
			p.room = out
			return out
		case '\\':
			out = p.escape(out)
		default:
			out = append(out, c)
			p.i++
		}
	}
	p.fail("the line ends within a string")
	return nil
}

// escape reads one escape and appends what it stands for.
func (p *parser) escape(out []byte) []byte {
	if p.i+1 >= len(p.b) {
		p.fail("the line ends within a string")
		return out
	}
	c := p.b[p.i+1]
	if c == 'u' {
		return p.unicode(out)
	}
	i := bytes.IndexByte([]byte(`"\/bfnrt`), c)
	if i < 0 {
		p.fail("no escape begins with %q", c)
		return out
	}
	p.i += 2
	return append(out, "\"\\/\b\f\n\r\t"[i])
}

// unicode reads an escape of 4 hex digits, or two that are a pair of surrogates.
func (p *parser) unicode(out []byte) []byte {
	r := p.hex4(p.i)
	if r < 0 {
		p.fail("4 hex digits are due after \\u")
		return out
	}
	p.i += 6
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r)
	}
	if pair := utf16.DecodeRune(r, p.hex4(p.i)); pair != utf8.RuneError {
		p.i += 6
		return utf8.AppendRune(out, pair)
	}
	if r >= 0xdc80 && r <= 0xdcff {
		return append(out, byte(r))
	}
	return utf8.AppendRune(out, utf8.RuneError)
}

// hex4 returns the value of the escape \uXXXX at i; -1 where there is none.
func (p *parser) hex4(i int) rune {
	if i+6 > len(p.b) || p.b[i] != '\\' || p.b[i+1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(string(p.b[i+2:i+6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(v)
}

// unsigned reads a whole number from 0 on.
func (p *parser) unsigned() uint64 {
	if c := p.peek(); c < '0' || c > '9' {
		p.unexpected("a whole number")
		return 0
	}
	var v uint64
	for ; p.i < len(p.b); p.i++ {
		c := p.b[p.i] - '0'
		if c > 9 {
			break
		}
		if v > (math.MaxUint64-uint64(c))/10 {
			p.fail("the number is above %d", uint64(math.MaxUint64))
			return 0
		}
		v = v*10 + uint64(c)
	}
	if p.i < len(p.b) && (p.b[p.i] == '.' || p.b[p.i] == 'e' || p.b[p.i] == 'E') {
		p.fail("a whole number is due, without fraction or exponent")
		return 0
	}
	return v
}

// signed reads a whole number.
func (p *parser) signed() int64 {
	negative := p.peek() == '-'
	limit := uint64(math.MaxInt64)
	if negative {
		p.i++
		limit++
	}
	v := p.unsigned()
	if v > limit {
		p.fail("the number does not fit 64 bits")
		return 0
	}
	if negative {
		return -int64(v)
	}
	return int64(v)
}

// int reads a whole number that fits an int.
func (p *parser) int() int {
	v := p.signed()
	if int64(int(v)) != v {
		p.fail("the number %d does not fit an int", v)
		return 0
	}
	return int(v)
}

func (p *parser) bool() bool {
	p.peek()
	switch rest := p.b[p.i:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		p.i += 4
		return true
	case bytes.HasPrefix(rest, []byte("false")):
		p.i += 5
		return false
	}
	p.unexpected("true or false")
	return false
}

// skip reads a value of any kind.
func (p *parser) skip() {
	for depth := 0; ; {
		switch c := p.peek(); {
		case p.err != nil:
			return
		case c == '"':
			p.str()
		case c == '{' || c == '[':
			depth++
			p.i++
		case c == '}' || c == ']' || c == ',' || c == ':':
			if depth == 0 {
				p.unexpected("a value")
				return
			}
			if c == '}' || c == ']' {
				depth--
			}
			p.i++
		case c == 0:
			p.unexpected("a value")
			return
		default:
			p.word()
		}
		if depth == 0 {
			return
		}
	}
}

// word skips a number, true, false or null.
func (p *parser) word() {
	from := p.i
	for p.i < len(p.b) && bytes.IndexByte([]byte("+-.0123456789abcdefghijklmnopqrstuvwxyzE"), p.b[p.i]) >= 0 {
		p.i++
	}
	if p.i == from {
		p.unexpected("a value")
	}
}

// end expects nothing more.
func (p *parser) end() {
	if c := p.peek(); p.err == nil && (c != 0 || p.i < len(p.b)) {
		p.fail("got %q behind the object", c)
	}
}
