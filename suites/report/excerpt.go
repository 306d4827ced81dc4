package report

import (
	"fmt"
	"strings"

	"brownout/scenarios"
)

// mark underlines a place of a source line.
type mark struct {
	pos   scenarios.Pos
	caret bool // begins with ^, for the place that is meant
	text  string
	paint paint
}

// excerpt draws the source lines of the marks, each underlined, indented by indent columns:
//
//	  |
//	6 |       - {status: 429, retry_after: 2s}
//	  |                       ~~~~~~~~~~~~~~~ the server asked for a 2s pause here
//
// Marks stand in the order of their lines. Places outside the source are left out; nil is returned where none is inside.
func (s Style) excerpt(source []byte, indent int, marks ...mark) []string {
	lines := strings.Split(string(source), "\n")
	return s.excerptOf(func(n int) string {
		if n > len(lines) {
			return ""
		}
		return lines[n-1]
	}, indent, marks...)
}

// excerptOf draws as excerpt does the lines that lineAt gives, which are counted from 1; "" for one that is not there.
func (s Style) excerptOf(lineAt func(n int) string, indent int, marks ...mark) []string {
	digits := 2
	for _, m := range marks {
		digits = max(digits, len(fmt.Sprint(m.pos.Line)))
	}
	margin := strings.Repeat(" ", indent)
	gutter := margin + strings.Repeat(" ", digits) + s.paint(dim, s.text(" |"))
	room := s.width() - indent - digits - len(" | ")
	var out []string
	last := 0
	for _, m := range marks {
		if m.pos.Line < 1 || lineAt(m.pos.Line) == "" {
			continue
		}
		if out == nil {
			out = append(out, gutter)
		}
		text, from, to := s.sourceLine(lineAt(m.pos.Line), m.pos, room)
		if m.pos.Line != last {
			number := fmt.Sprintf("%s%*d", margin, digits, m.pos.Line)
			out = append(out, strings.TrimRight(number+s.paint(dim, " |")+" "+text, " "))
			last = m.pos.Line
		}
		for _, l := range s.underline(m, from, to, room) {
			out = append(out, gutter+" "+l)
		}
	}
	return out
}

// sourceLine returns a source line as it is shown in room columns, and where the place begins and ends in it, in columns
// from 0. A longer line is cut so that the place stays in sight.
func (s Style) sourceLine(line string, pos scenarios.Pos, room int) (text string, from, to int) {
	runes := []rune(strings.TrimRight(line, "\r"))
	first := min(max(pos.Column-1, 0), len(runes))
	end := min(max(pos.End-1, first+1), max(len(runes), first+1))
	before := s.text(string(runes[:first]))
	place := s.text(string(runes[first:min(end, len(runes))]))
	after := s.text(string(runes[min(end, len(runes)):]))
	from = columns(before)
	to = from + max(columns(place), 1)
	if columns(before+place+after) <= room {
		return before + place + after, min(from, room-1), min(to, room)
	}
	if to > room-4 { // the place would be cut off: begin a little before it
		mark := s.text("…")
		cut := []rune(before)
		for columns(string(cut)) > room/4 {
			cut = cut[1:]
		}
		before = mark + string(cut)
		from = columns(before)
		to = from + max(columns(place), 1)
	}
	return s.clip(before+place+after, room), min(from, room-1), min(to, room)
}

// underline returns the line below the place, and where its text finds no room beside it, the lines of that.
func (s Style) underline(m mark, from, to, room int) []string {
	line := strings.Repeat("~", max(to-from, 1))
	if m.caret {
		line = "^" + line[1:]
	}
	drawn := strings.Repeat(" ", from) + s.paint(m.paint, line)
	text := s.text(m.text)
	if text == "" {
		return []string{drawn}
	}
	if to+1+columns(text) <= room {
		return []string{drawn + " " + s.paint(m.paint, text)}
	}
	out := []string{drawn}
	at := max(min(from, room-columns(text)), 0)
	for _, l := range wrap(text, room-at) {
		out = append(out, strings.Repeat(" ", at)+s.paint(m.paint, l))
	}
	return out
}
