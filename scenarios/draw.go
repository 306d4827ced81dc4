package scenarios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Draw returns the problems as people read them, each with its source line, the place underlined, and what to write:
//
//	pay.yaml:6:13: error: 0503 is octal in YAML 1.1 and means 323  [routes[0].answers[0].status]
//	   |
//	 6 |   - status: 0503
//	   |             ^~~~ write 503
//
// Characters that would drive a terminal are not written as they stand.
func (es Errors) Draw() string {
	var b strings.Builder
	for _, e := range es {
		e.draw(&b)
	}
	return b.String()
}

// Draw returns one problem as [Errors.Draw] does.
func (e *Error) Draw() string { return Errors{e}.Draw() }

func (e *Error) draw(b *strings.Builder) {
	word := "error"
	if e.Warning {
		word = "warning"
	}
	fmt.Fprintf(b, "%s:%d:%d: %s: %s", clean(e.File), e.Line, e.Column, word, e.Msg)
	if e.Path != "" {
		fmt.Fprintf(b, "  [%s]", clean(e.Path))
	}
	b.WriteByte('\n')
	x := NewExcerpt(e.Source, e.Column, e.End)
	if x.Line == "" {
		if e.Hint != "" {
			fmt.Fprintf(b, "   = %s\n", e.Hint)
		}
		return
	}
	number := fmt.Sprintf("%2d", e.Line)
	gutter := strings.Repeat(" ", len(number)) + " |"
	mark := strings.Repeat(" ", x.Start) + "^" + strings.Repeat("~", x.Length-1)
	fmt.Fprintf(b, "%s\n%s | %s\n%s\n", gutter, number, x.Line, strings.TrimRight(gutter+" "+mark+" "+e.Hint, " "))
}

// Excerpt is a source line as it can be shown, and where a place of it is, in terminal cells from 0.
type Excerpt struct {
	Line          string // tabs as blanks, control characters replaced, cut around the place where the line is long; "" for an empty line
	Start, Length int    // of the place; Length is at least 1
}

// excerptWidth is how many cells of a long line are shown.
const excerptWidth = 100

// NewExcerpt makes the excerpt of a source line for the place from column to end, which count runes from 1; end is the
// column after the place.
func NewExcerpt(line string, column, end int) Excerpt {
	line, cut := near(line, column)
	column, end = column-cut, end-cut
	var cells []string // what each rune is shown as
	var starts []int   // the cell at which each begins
	width := 0
	for _, r := range line {
		shown, w := show(r)
		cells, starts = append(cells, shown), append(starts, width)
		width += w
	}
	starts = append(starts, width)
	if width == 0 {
		return Excerpt{Length: 1}
	}
	last := len(cells)
	from := min(max(column-1, 0), last)
	to := min(max(end-1, from), last)
	first, cutAt := 0, last
	if width > excerptWidth {
		first, cutAt = windowOf(starts, from)
		to = min(to, cutAt)
	}
	x := Excerpt{Start: starts[from] - starts[first], Length: max(1, starts[max(to, from)]-starts[from])}
	x.Line = strings.TrimRight(strings.Join(cells[first:cutAt], ""), " ")
	if first > 0 || cut > 0 {
		x.Line = "…" + x.Line
		x.Start++
	}
	if cutAt < last {
		x.Line += "…"
	}
	return x
}

// near cuts a very long line to what may be shown of it around a column, and returns how many runes it cut off before.
func near(line string, column int) (string, int) {
	const around = 2 * excerptWidth
	if len(line) <= 4*around {
		return line, 0
	}
	at, first, last := 0, 0, len(line)
	for i := range line {
		at++
		if at == max(1, column-around) {
			first = i
		}
		if at == column+around {
			last = i
			break
		}
	}
	return line[first:last], max(0, column-around-1)
}

// windowOf chooses which runes of a long line are shown: from some before the place on.
func windowOf(starts []int, from int) (first, last int) {
	const before = 40
	for starts[from]-starts[first] > before {
		first++
	}
	last = first
	for last < len(starts)-1 && starts[last]-starts[first] < excerptWidth {
		last++
	}
	return first, last
}

// show returns what a rune is shown as, and how many terminal cells it takes. The wide ones are those of East Asian
// scripts and the emoji blocks, which cover what scenario files hold; it is a guess for rarer ones.
func show(r rune) (string, int) {
	switch {
	case r == '\t':
		return "  ", 2
	case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029:
		return "\ufffd", 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return string(r), 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0xFF01 && r <= 0xFF60, r >= 0x1F300 && r <= 0x1FAFF:
		return string(r), 2
	}
	return string(r), 1
}

// brief is a text of a message without what would drive a terminal, cut where a file made it very long.
func brief(s string) string {
	const most = 400
	s = clean(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// clean replaces what would drive a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return utf8.RuneError
		}
		return r
	}, s)
}
