package scenarios

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// text is a file's text by lines and columns. Columns count runes, from 1.
type text struct {
	lines   []string
	offsets map[int][]int // of a line that is not all ASCII: the byte at which each rune begins
}

func newText(src string) *text {
	lines := strings.Split(src, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return &text{lines: lines, offsets: map[int][]int{}}
}

// line returns a line without its break; "" for one that the text does not have.
func (t *text) line(n int) string {
	if n < 1 || n > len(t.lines) {
		return ""
	}
	return t.lines[n-1]
}

// clamp moves a place into the text: what a file leaves out at its end, the parser puts behind it.
func (t *text) clamp(at Pos) Pos {
	if at.Line < 1 {
		return Pos{Line: 1, Column: 1}
	}
	if at.Line > len(t.lines) {
		at = Pos{Line: len(t.lines), Column: 1 << 30}
	}
	at.Column = max(1, min(at.Column, 1+utf8.RuneCountInString(t.line(at.Line))))
	return at
}

// first returns the place of the first word of a line that has one, up to the last.
func (t *text) first(n int) Pos {
	s := t.line(n)
	indent := len(s) - len(strings.TrimLeft(s, " \t"))
	p := Pos{Line: n, Column: 1 + indent}
	p.End = p.Column + max(1, utf8.RuneCountInString(uncommented(s[indent:])))
	return p
}

// from returns what a line holds from a column on.
func (t *text) from(line, column int) string {
	s := t.line(line)
	b := column - 1
	if offsets := t.runes(line); offsets != nil {
		if b >= len(offsets) {
			return ""
		}
		b = offsets[b]
	}
	if b < 0 || b >= len(s) {
		return ""
	}
	return s[b:]
}

// runes returns the byte at which each rune of a line begins; nil for a line that is all ASCII.
func (t *text) runes(line int) []int {
	if offsets, ok := t.offsets[line]; ok {
		return offsets
	}
	var offsets []int
	if s := t.line(line); len(s) != utf8.RuneCountInString(s) {
		offsets = make([]int, 0, len(s))
		for i := range s {
			offsets = append(offsets, i)
		}
	}
	t.offsets[line] = offsets
	return offsets
}

// column returns the column of a byte of a line.
func (t *text) column(line, at int) int {
	return 1 + utf8.RuneCountInString(t.line(line)[:at])
}

// end returns the column after a value's last rune on the line where it begins.
func (t *text) end(n *yaml.Node) int {
	rest := t.from(n.Line, n.Column)
	return n.Column + max(1, utf8.RuneCountInString(rest[:t.length(n, rest)]))
}

// length returns how many bytes of rest, a line from the beginning of n on, belong to n.
func (t *text) length(n *yaml.Node, rest string) int {
	skipped := properties(rest)
	s := rest[skipped:]
	switch {
	case n.Kind == yaml.AliasNode:
		return min(len(rest), len("*")+len(n.Value))
	case strings.HasPrefix(s, `"`), strings.HasPrefix(s, "'"):
		return skipped + quoted(s)
	case n.Kind == yaml.ScalarNode && strings.HasPrefix(s, n.Value):
		return skipped + len(n.Value)
	case n.Style&yaml.FlowStyle != 0:
		return skipped + bracketed(s)
	case n.Kind == yaml.MappingNode && len(n.Content) > 1:
		return t.until(n, rest, n.Content[1])
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		return t.until(n, rest, n.Content[0])
	}
	return len(uncommented(rest))
}

// until returns how many bytes of rest there are up to the end of last, or all where last is on another line.
func (t *text) until(n *yaml.Node, rest string, last *yaml.Node) int {
	if last.Line != n.Line || last.Column < n.Column || last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return len(uncommented(rest))
	}
	tail := t.from(last.Line, last.Column)
	return len(rest) - len(tail) + t.length(last, tail)
}

// properties returns the length of the anchor and tag before a value.
func properties(s string) int {
	n := 0
	for n < len(s) && (s[n] == '&' || s[n] == '!') {
		n += strings.IndexByte(s[n:]+" ", ' ')
		n = min(n, len(s))
		n += len(s[n:]) - len(strings.TrimLeft(s[n:], " \t"))
	}
	return n
}

// quoted returns the length of the quoted text that s begins with, or of all of s where it is not closed.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0] && s[0] == '\'' && strings.HasPrefix(s[i+1:], "'"):
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// bracketed returns the length of the flow list or mapping that s begins with, or of all of s where it is not closed.
func bracketed(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth <= 0 {
				return i + 1
			}
		case '"', '\'':
			if i > 0 && strings.IndexByte(" ,[{:", s[i-1]) >= 0 { // else an apostrophe inside a word
				i += quoted(s[i:]) - 1
			}
		case '#':
			if i > 0 && s[i-1] == ' ' {
				return len(strings.TrimRight(s[:i], " \t"))
			}
		}
	}
	return len(s)
}

// uncommented returns a line without the comment and the blanks at its end.
func uncommented(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '#' && (s[i-1] == ' ' || s[i-1] == '\t') {
			s = s[:i]
		}
	}
	return strings.TrimRight(s, " \t")
}
