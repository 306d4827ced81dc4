package report

import (
	"fmt"
	"io"
	"strings"

	"brownout/scenarios"
)

// Problems writes the problems of one scenario file, each with its place, the source line and a caret, and what to write
// instead:
//
//	pay.brownout.yaml:3:1: error: unknown key "respnod"
//	   |
//	 3 | respnod:
//	   | ^~~~~~~ did you mean "routes"?
//
// The error is the writer's.
func Problems(w io.Writer, problems scenarios.Errors, s Style) error {
	var b strings.Builder
	for _, p := range problems {
		s.problem(&b, p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Style) problem(b *strings.Builder, p *scenarios.Error) {
	word, colour := "error", alarm
	if p.Warning {
		word, colour = "warning", yellow
	}
	place := fmt.Sprintf("%s:%d:%d:", s.text(p.File), p.Line, p.Column)
	fmt.Fprintf(b, "%s %s %s", s.paint(bold, place), s.paint(colour, word+":"), s.text(p.Msg))
	if p.Path != "" {
		b.WriteString(s.paint(dim, "  ["+s.text(p.Path)+"]"))
	}
	b.WriteByte('\n')
	pos := scenarios.Pos{Line: p.Line, Column: p.Column, End: p.End}
	drawn := s.excerptOf(func(int) string { return p.Source }, 0, mark{pos: pos, caret: true, text: p.Hint, paint: colour})
	if drawn == nil {
		if p.Hint != "" {
			fmt.Fprintf(b, "   = %s\n", s.text(p.Hint))
		}
		return
	}
	for _, l := range drawn {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
}
