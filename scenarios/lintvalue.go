package scenarios

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	gluedKey  = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):[^\s/:]`)
	firstWord = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)[ \t]+[^\s:]`)
)

// key looks for a key at a place of a line, and returns where it ends, after its colon. first says that the line begins a
// block.
func (s *linter) key(n int, line string, at int, first bool) (int, bool) {
	rest := line[at:]
	if rest[0] == '"' || rest[0] == '\'' {
		end := quoted(rest)
		if strings.HasPrefix(rest[end:], ":") && blank(rest[end+1:]) {
			return at + end + 1, true
		}
		return at, false
	}
	if strings.IndexByte("[{&*!|>", rest[0]) >= 0 {
		return at, false
	}
	rest = uncommented(rest)
	for i := 0; i < len(rest); i++ {
		if rest[i] == ':' && blank(rest[i+1:]) {
			if word := firstWord.FindStringSubmatch(rest[:i+1]); word != nil && s.keys[word[1]] {
				break // "match GET /: x": the colon is another's
			}
			return at + i + 1, true
		}
	}
	for _, pattern := range []*regexp.Regexp{gluedKey, firstWord} {
		if m := pattern.FindStringSubmatch(rest); m != nil && s.keys[m[1]] && (pattern == gluedKey || first || s.isMapping(at)) {
			s.missingBlank(n, at, m[1], pattern == gluedKey)
			return at, false
		}
	}
	return at, false
}

func (s *linter) missingBlank(n, at int, word string, colon bool) {
	if colon {
		s.fail(n, at+len(word), 1, "a blank is missing after the colon of "+quote(word), "write "+word+": and the value")
		return
	}
	s.fail(n, at, utf8.RuneCountInString(word), "a colon is missing after "+quote(word), "write "+word+": and the value")
}

// isMapping reports whether an entry at a place is one of a mapping, or the first after a dash.
func (s *linter) isMapping(at int) bool {
	top := s.levels[len(s.levels)-1]
	return top.list && top.indent < at || top == level{at, false}
}

func blank(s string) bool { return s == "" || s[0] == ' ' || s[0] == '\t' }

// start looks through a value from its beginning on. inBlock says that it stands after a key on its line. What it returns is
// where the value ends, or -1 where it goes on below or takes up the line.
func (s *linter) start(n int, line string, at, indent int, inBlock bool) int {
	for skipped := properties(line[at:]); skipped > 0; skipped = 0 {
		at += skipped
	}
	if at >= len(line) {
		return -1
	}
	switch c := line[at]; {
	case c == '"' || c == '\'':
		s.quote, s.mark = Pos{Line: n, Column: s.text.column(n, at)}, c
		return s.quoted(n, line, at+1)
	case c == '{' || c == '[':
		s.flow = nil
		return s.flowText(n, line, at)
	case c == '}' || c == ']':
		s.fail(n, at, 1, string(c)+" closes nothing here", "")
		return -1
	case c == '|' || c == '>':
		s.scalar = indent
		if len(s.levels) > 0 {
			s.scalar = s.levels[len(s.levels)-1].indent
		}
		return -1
	case c == '@' || c == '`' || c == '%':
		s.fail(n, at, 1, "a text cannot begin with "+string(c), "put it in double quotes")
		return -1
	case bareStar(line[at:]):
		s.fail(n, at, 1, "a text cannot begin with *", "put it in double quotes")
		return -1
	}
	s.plain = Pos{Line: n, Column: s.text.column(n, at)}
	if i := strings.Index(uncommented(line[at:]), ": "); i >= 0 && inBlock {
		text := uncommented(line[at:])
		s.fail(n, at+i, 1, "a colon and a blank inside a text begin a mapping", inQuotes(text))
	} else if text := uncommented(line[at:]); strings.HasSuffix(text, ":") && inBlock {
		s.fail(n, at+len(text)-1, 1, "a text cannot end with a colon", inQuotes(text))
	}
	return -1
}

// longText is how long a text may be, in bytes, to be written out in a hint.
const longText = 80

// inQuotes is the hint to put a text in quotes.
func inQuotes(text string) string {
	if len(text) > longText {
		return "put the text in double quotes"
	}
	return "put the text in double quotes: " + doubleQuoted(text)
}

// bareStar reports whether s begins with a star that begins no alias.
func bareStar(s string) bool { return s[0] == '*' && (blank(s[1:]) || s[1] == '/') }

// value looks at what follows a value that ended at a place of a line.
func (s *linter) value(n, at int) {
	if at < 0 || s.found != nil {
		return
	}
	rest := strings.TrimLeft(s.text.line(n)[at:], " \t")
	if rest != "" && rest[0] != '#' && rest[0] != ':' {
		s.fail(n, len(s.text.line(n))-len(rest), utf8.RuneCountInString(uncommented(rest)), "there is more after the end of the value", "put the whole in quotes, or take this out")
	}
}

// escapes are the characters that may follow a backslash in double quotes.
const escapes = "0abt\tnvfre \"'/\\N_LPxuU"

// quoted looks for the end of the quote that is open, from a place of a line on, and returns the place after it.
func (s *linter) quoted(n int, line string, at int) int {
	for ; at < len(line); at++ {
		switch c := line[at]; {
		case c == '\\' && s.mark == '"':
			if at+1 < len(line) && strings.IndexByte(escapes, line[at+1]) < 0 {
				s.fail(n, at, 2, quote(line[at:at+2])+" is no escape in double quotes", `write \\ for a backslash, or put the text in single quotes`)
				return -1
			}
			at++
		case c == s.mark && c == '\'' && strings.HasPrefix(line[at+1:], "'"):
			at++
		case c == s.mark:
			s.quote = Pos{}
			if len(s.flow) > 0 {
				return s.flowText(n, line, at+1)
			}
			return at + 1
		}
	}
	return -1
}

// flowText looks through a flow list or mapping, from a place of a line on, and returns the place after its end.
func (s *linter) flowText(n int, line string, at int) int {
	word := -1 // where the text that is being read began; -1 between texts
	for ; at < len(line); at++ {
		c := line[at]
		switch {
		case c == ' ' || c == '\t':
		case c == '#' && at > 0 && blank(line[at-1:]):
			return -1
		case (c == '{' || c == '[') && word >= 0 && line[at-1] == ':' && s.keys[line[word:at-1]]:
			s.missingBlank(n, word, line[word:at-1], true)
			return -1
		case (c == '{' || c == '[') && word >= 0:
			s.braceInText(n, line, word, at)
			return -1
		case c == '{' || c == '[':
			indent := 0
			if len(s.levels) > 0 {
				indent = s.levels[len(s.levels)-1].indent
			}
			s.flow = append(s.flow, bracket{n, at, c, indent, false})
		case c == '}' || c == ']':
			top := s.flow[len(s.flow)-1]
			if closing(top.char) != c {
				s.fail(n, at, 1, string(c)+" closes nothing here", "the "+string(top.char)+" on line "+number(float64(top.line))+" is open; close it with "+string(closing(top.char)))
				return -1
			}
			s.flow, word = s.flow[:len(s.flow)-1], -1
			if len(s.flow) == 0 {
				return at + 1
			}
		case c == ',':
			word = -1
			s.flow[len(s.flow)-1].colon = false
		case c == ':' && (at+1 == len(line) || strings.IndexByte(" \t,]}", line[at+1]) >= 0):
			if top := &s.flow[len(s.flow)-1]; top.colon && word >= 0 {
				s.fail(n, at, 1, "a colon and a blank inside a text begin a mapping", "put the text in double quotes")
				return -1
			}
			word = -1
			s.flow[len(s.flow)-1].colon = true
		case c == '?' && word >= 0:
			s.fail(n, at, 1, "a bare ? inside a text of a flow list or mapping ends it", "put the text in double quotes")
			return -1
		case (c == '"' || c == '\'') && word >= 0 && s.keys[strings.TrimRight(line[word:at], ": ")]:
			name := strings.TrimRight(line[word:at], ": ")
			s.missingBlank(n, word, name, strings.HasSuffix(line[word:at], ":"))
			return -1
		case (c == '"' || c == '\'') && word < 0:
			s.quote, s.mark = Pos{Line: n, Column: s.text.column(n, at)}, c
			return s.quoted(n, line, at+1)
		case (c == '@' || c == '`' || c == '%' || bareStar(line[at:])) && word < 0:
			s.fail(n, at, 1, "a text cannot begin with "+string(c), "put it in double quotes")
			return -1
		case word < 0:
			word = at
		}
	}
	return -1
}

// braceInText reports a bracket inside a text of a flow mapping, where it begins a mapping or list of its own.
func (s *linter) braceInText(n int, line string, word, at int) {
	end := len(line)
	if i := strings.IndexByte(line[at:], '}'); i >= 0 {
		end = at + i + 1
	}
	for end < len(line) && strings.IndexByte(",}] \t", line[end]) < 0 {
		end++
	}
	text := line[word:end]
	hint := inQuotes(text)
	if fixed := braced.ReplaceAllString(text, ":$1"); strings.Contains(text, "/") && fixed != text && len(fixed) < longText {
		hint = "write " + fixed
	}
	s.fail(n, at, 1, "a bare "+line[at:at+1]+" inside a text begins a new value", hint)
}
