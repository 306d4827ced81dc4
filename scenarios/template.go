package scenarios

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Template is a text with variables in braces, such as "pay_{call}"; {{ and }} stand for braces.
type Template struct {
	Text  string // as written
	Parts []Part // nil for the empty text
	JSON  bool   // values are escaped as JSON string content
}

// Part is a literal or a variable of a template.
type Part struct {
	Literal string
	Var     string // call, attempt, nth, key, seed, or a path variable; "" for a literal
}

// Constant returns the template's text and true if it has no variables.
func (t Template) Constant() (string, bool) {
	switch len(t.Parts) {
	case 0:
		return "", true
	case 1:
		return t.Parts[0].Literal, t.Parts[0].Var == ""
	}
	return "", false
}

// Append appends the template's text to b, with value giving each variable's.
func (t Template) Append(b []byte, value func(name string) string) []byte {
	for _, p := range t.Parts {
		switch {
		case p.Var == "":
			b = append(b, p.Literal...)
		case t.JSON:
			b = appendJSONContent(b, value(p.Var))
		default:
			b = append(b, value(p.Var)...)
		}
	}
	return b
}

// Regexp is a compiled regular expression that prints as it was written; the zero Regexp matches nothing.
type Regexp struct{ re *regexp.Regexp }

// IsSet reports whether there is an expression.
func (r Regexp) IsSet() bool { return r.re != nil }

// Fits reports whether text fits the match.
func (m *TextMatch) Fits(text string) bool {
	if m.Regexp.re != nil {
		return m.Regexp.re.MatchString(text)
	}
	return strings.Contains(text, m.Contains)
}

// appendJSONContent appends s as the inside of a JSON string.
func appendJSONContent(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for _, r := range s { // a byte that is no UTF-8 ranges as U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xF])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
