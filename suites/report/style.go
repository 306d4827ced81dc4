package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// MaxWidth is the widest that a report is laid out for, in columns.
const MaxWidth = 100

// WaterfallWidth is the width in columns below which the drawing beside the attempts is left out.
const WaterfallWidth = 90

// minWidth is the least that a report is laid out for; a narrower terminal breaks the lines itself.
const minWidth = 60

// Style is how text is drawn. The zero Style is plain text with symbols, MaxWidth columns wide.
type Style struct {
	Color bool // ANSI colours; nothing is told by colour alone
	ASCII bool // no symbol outside ASCII
	Width int  // columns; 0, or above MaxWidth, means MaxWidth
}

// Detect returns the style for an output: getenv looks up the environment, tty says whether the output is a terminal, width
// is the terminal's width in columns (0: not known), and noColor is the user's own word.
//
// Colour is off for noColor, a NO_COLOR that is not empty, TERM=dumb and an output that is no terminal; FORCE_COLOR that is
// neither empty nor 0 overrules the last two. Symbols need a locale (the first of LC_ALL, LC_CTYPE, LANG that is set) in UTF-8.
func Detect(getenv func(string) string, tty bool, width int, noColor bool) Style {
	s := Style{Width: width, ASCII: !utf8Locale(getenv)}
	force := getenv("FORCE_COLOR")
	switch {
	case noColor || getenv("NO_COLOR") != "":
	case force != "" && force != "0":
		s.Color = true
	default:
		s.Color = tty && getenv("TERM") != "dumb"
	}
	return s
}

func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

func (s Style) width() int {
	switch {
	case s.Width <= 0 || s.Width > MaxWidth:
		return MaxWidth
	case s.Width < minWidth:
		return minWidth
	}
	return s.Width
}

// paint is a way to stand out; the text says the same without it.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
	alarm  paint = "1;31"
)

func (s Style) paint(p paint, text string) string {
	if !s.Color || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// ascii holds what stands for each symbol of the reports where only ASCII can be shown.
var ascii = strings.NewReplacer(
	"✓", "+", "✗", "x", "›", ">", "≥", ">=", "≤", "<=", "…", "...", "·", "|", "×", "x", "–", "-", "—", "-", "→", "->",
	"▇", "#", "┄", ".", "│", "|", "▞", "%", "§", "sec. ", "“", `"`, "”", `"`, "’", "'", "±", "+/-", "µ", "u",
)

// text returns s as it may be shown: control characters escaped, and symbols in ASCII where need be. It is applied
// before anything is laid out, since it changes widths.
func (s Style) text(t string) string {
	if strings.ContainsFunc(t, unprintable) {
		var b strings.Builder
		for _, r := range t {
			if unprintable(r) {
				b.WriteString(escape(r))
			} else {
				b.WriteRune(r)
			}
		}
		t = b.String()
	}
	if s.ASCII {
		t = ascii.Replace(t)
	}
	return t
}

// unprintable holds for what could drive a terminal or turn the direction of a line.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

func escape(r rune) string {
	const hex = "0123456789abcdef"
	switch {
	case r == '\t':
		return " "
	case r < 0x100:
		return string([]byte{'\\', 'x', hex[r>>4], hex[r&15]})
	}
	b := []byte{'\\', 'u', '{'}
	shift := 16
	for ; shift > 0 && r>>shift == 0; shift -= 4 {
	}
	for ; shift >= 0; shift -= 4 {
		b = append(b, hex[r>>shift&15])
	}
	return string(append(b, '}'))
}

// columns returns how many columns of a terminal s takes. s holds no escape sequences.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// pad returns s followed by spaces up to n columns.
func pad(s string, n int) string {
	if d := n - columns(s); d > 0 {
		return s + strings.Repeat(" ", d)
	}
	return s
}

// clip returns s cut to n columns, ending in the mark of an omission where something was cut.
func (s Style) clip(t string, n int) string {
	if columns(t) <= n {
		return t
	}
	mark := s.text("…")
	room := n - columns(mark)
	if room < 0 {
		return ""
	}
	used := 0
	for i, r := range t {
		if used += runeColumns(r); used > room {
			return t[:i] + mark
		}
	}
	return t
}

// wrap breaks t at spaces into lines of at most n columns. A word that is longer is cut where a line ends.
func wrap(t string, n int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(t) {
		w := columns(word)
		if used > 0 && used+1+w > n {
			lines, line, used = append(lines, line), "", 0
		}
		for used == 0 && w > n {
			head, rest := splitColumns(word, n)
			lines, word, w = append(lines, head), rest, columns(rest)
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+w
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

func splitColumns(t string, n int) (head, rest string) {
	used := 0
	for i, r := range t {
		if used += runeColumns(r); used > n && i > 0 {
			return t[:i], t[i:]
		}
	}
	return t, ""
}
