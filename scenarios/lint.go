package scenarios

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// problem is something that keeps a text from being YAML.
type problem struct {
	at        Pos
	msg, hint string
}

// lint looks through a text that is no YAML for what people get wrong: tabs for indentation, quotes and brackets left
// open, braces inside a text, missing colons, lines that are indented like none of those around them. It reports every
// tab, and else the first of these, on a line up to last.
//
// It knows YAML only roughly, and is asked only about texts that a parser has refused.
func lint(t *text, keys map[string]bool, last int) []problem {
	s := &linter{text: t, keys: keys}
	for i := range t.lines {
		if s.found != nil {
			break
		}
		s.line(i+1, t.lines[i])
	}
	if s.found == nil {
		s.end()
	}
	if len(s.tabs) > 0 {
		return s.tabs
	}
	if s.found == nil || s.found.at.Line > last {
		return nil
	}
	return []problem{*s.found}
}

type linter struct {
	text  *text
	keys  map[string]bool // of the grammar
	found *problem
	tabs  []problem

	levels []level // of blocks that are open, the innermost last
	opened bool    // the line before ended in a key or a dash without a value, so that a deeper block may follow
	plain  Pos     // the text on the line before, which a deeper line continues; its Line is 0 where there was none
	scalar int     // indentation of the line whose | or > is being read; -1: none
	flow   []bracket
	quote  Pos  // the quote that is open; its Line is 0 where none is
	mark   byte // of that quote
}

// level is a block: how far its entries are indented, and whether they begin with a dash.
type level struct {
	indent int
	list   bool
}

// bracket is an open [ or {.
type bracket struct {
	line, at int // its line, and the byte of that
	char     byte
	indent   int  // of the block that it stands in
	colon    bool // the entry that is being read has a key
}

func (s *linter) fail(line, at, length int, msg, hint string) {
	if s.found != nil {
		return
	}
	column := s.text.column(line, at)
	s.found = &problem{Pos{Line: line, Column: column, End: column + max(1, length)}, msg, hint}
}

func (s *linter) failAt(at Pos, msg, hint string) {
	if s.found == nil {
		at.End = at.Column + 1
		s.found = &problem{at, msg, hint}
	}
}

// looksLikeKey is a line that begins an entry of a block mapping.
var looksLikeKey = regexp.MustCompile(`^\s*(?:- +)*([A-Za-z_][A-Za-z0-9_-]*):(?: |$)`)

// line looks through one line.
func (s *linter) line(n int, line string) {
	body := strings.TrimLeft(line, " \t")
	indent := len(line) - len(body)
	if s.scalar >= 0 {
		if body != "" && line[0] == '\t' {
			s.tab(n, line, indent)
			return
		}
		if body == "" || indent > s.scalar {
			return
		}
		s.scalar = -1
	}
	key := looksLikeKey.FindStringSubmatch(line)
	known := key != nil && s.keys[key[1]]
	switch {
	case s.quote.Line > 0 && (known || isDash(body)):
		s.failAt(s.quote, "the quote that begins here is not closed", "close it with "+string(s.mark)+" at the end of the text")
	case s.quote.Line > 0:
		s.value(n, s.quoted(n, line, 0))
	case len(s.flow) > 0 && (isDash(body) || key != nil && indent <= s.flow[0].indent):
		s.open()
	case len(s.flow) > 0:
		s.value(n, s.flowText(n, line, 0))
	case body == "" || body[0] == '#':
	case strings.Contains(line[:indent], "\t"):
		s.tab(n, line, indent)
	case indent == 0 && (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") || line[0] == '%'):
	default:
		s.block(n, line, indent)
	}
}

func (s *linter) tab(n int, line string, indent int) {
	if len(s.tabs) > maxErrors {
		return
	}
	at := Pos{Line: n, Column: 1 + strings.IndexByte(line, '\t'), End: 1 + indent}
	s.tabs = append(s.tabs, problem{at, "a tab cannot indent", "indent with spaces"})
}

// end reports what is still open at the end of the text.
func (s *linter) end() {
	switch {
	case s.quote.Line > 0:
		s.failAt(s.quote, "the quote that begins here is not closed", "close it with "+string(s.mark)+" at the end of the text")
	case len(s.flow) > 0:
		s.open()
	}
}

// open reports the innermost bracket that is open.
func (s *linter) open() {
	b := s.flow[len(s.flow)-1]
	s.fail(b.line, b.at, 1, fmt.Sprintf("the %c that begins here is not closed", b.char), fmt.Sprintf("close it with %c", closing(b.char)))
}

func closing(open byte) byte {
	if open == '[' {
		return ']'
	}
	return '}'
}

// block looks through a line of a block: dashes, a key, a value.
func (s *linter) block(n int, line string, indent int) {
	at := indent
	dash := isDash(line[at:])
	if !s.indented(n, line, indent, dash) {
		return
	}
	first := s.opened || len(s.levels) == 0
	s.plain, s.opened = Pos{}, false
	for isDash(line[at:]) {
		s.push(level{at, true})
		rest := strings.TrimLeft(line[at+1:], " \t")
		at = len(line) - len(rest)
		if rest == "" || rest[0] == '#' {
			s.opened = true
			return
		}
	}
	after, ok := s.key(n, line, at, first)
	if !ok && len(s.levels) > 0 && s.levels[len(s.levels)-1] == (level{at, false}) {
		word := uncommented(line[at:])
		if s.keys[word] {
			s.fail(n, at+len(word), 1, "a colon is missing after "+quote(word), "write "+word+":")
		}
		s.fail(n, at, utf8.RuneCountInString(word), "this line stands among the keys of a mapping, and has no colon", "write a key, a colon and a value; or a dash before it, for a list entry")
	}
	if s.found != nil {
		return
	}
	if ok {
		s.push(level{at, false})
		rest := strings.TrimLeft(line[after:], " \t")
		at = len(line) - len(rest)
		if rest == "" || rest[0] == '#' {
			s.opened = true
			return
		}
	}
	s.value(n, s.start(n, line, at, indent, ok))
}

func isDash(s string) bool {
	return strings.HasPrefix(s, "-") && (len(s) == 1 || s[1] == ' ' || s[1] == '\t')
}

func (s *linter) push(l level) {
	for len(s.levels) > 0 && s.levels[len(s.levels)-1].indent > l.indent {
		s.levels = s.levels[:len(s.levels)-1]
	}
	if len(s.levels) > 0 && s.levels[len(s.levels)-1] == l {
		return
	}
	s.levels = append(s.levels, l)
}

// indented checks a line's indentation against the blocks that are open, and reports whether the line begins an entry.
func (s *linter) indented(n int, line string, indent int, dash bool) bool {
	if len(s.levels) == 0 {
		return true
	}
	for len(s.levels) > 1 && s.levels[len(s.levels)-1].indent > indent {
		s.levels = s.levels[:len(s.levels)-1]
		s.plain, s.opened = Pos{}, false
	}
	top := s.levels[len(s.levels)-1]
	entry := looksLikeKey.MatchString(line)
	switch {
	case indent > top.indent && s.opened:
		return true
	case indent > top.indent && !entry && !dash && s.plain.Line > 0:
		return false // goes on with the text above
	case indent > top.indent && !entry && !dash:
		s.fail(n, indent, 1, "this line belongs to nothing above it", "write - before it for a list entry, or a key")
	case indent > top.indent && s.plain.Line > 0:
		s.missingColon(n, indent)
	case indent > top.indent, indent < top.indent:
		s.fail(n, indent, 1, fmt.Sprintf("this line is indented by %d, like none of those around it", indent), "indent entries that belong together alike")
	case top.list && !dash:
		below := level{indent, false}
		if len(s.levels) > 1 && s.levels[len(s.levels)-2] == below { // a list that is indented like the key it belongs to
			s.levels = s.levels[:len(s.levels)-1]
			return true
		}
		s.fail(n, indent, 1, "this line stands among the entries of a list, and has no dash", "write - before it, or indent it further")
	case !top.list && dash && !s.opened && s.plain.Line > 0:
		s.missingColon(n, indent)
	case !top.list && dash && !s.opened:
		s.fail(n, indent, 1, "a list entry stands among the keys of a mapping", "indent it below the key it belongs to")
	default:
		return true
	}
	return false
}

// missingColon reports a text above a deeper block, which was most likely meant to be a key.
func (s *linter) missingColon(n, indent int) {
	p := s.plain
	word := uncommented(s.text.from(p.Line, p.Column))
	if s.keys[word] {
		p.Column += utf8.RuneCountInString(word)
		s.failAt(p, "a colon is missing after "+quote(word), "write "+word+":")
		return
	}
	s.fail(n, indent, 1, fmt.Sprintf("this line is indented by %d, like none of those around it", indent), "indent entries that belong together alike")
}
