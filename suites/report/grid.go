package report

import (
	"io"
	"slices"
	"strings"
)

// Grid writes rows of cells in columns, margin before each line. The first row is the header; the last column is wrapped. The
// error is the writer's.
func Grid(w io.Writer, margin string, rows [][]string, s Style) error {
	_, err := io.WriteString(w, strings.Join(s.grid(margin, rows), "\n")+"\n")
	return err
}

func (s Style) grid(margin string, rows [][]string) []string {
	last := len(rows[0]) - 1
	widths := make([]int, last)
	shown := make([][]string, len(rows))
	for n, row := range rows {
		shown[n] = slices.Clone(row)
		for i := range row {
			shown[n][i] = s.text(row[i])
		}
		for i := range widths {
			widths[i] = max(widths[i], columns(shown[n][i]))
		}
	}
	var lines []string
	for n, row := range shown {
		line := margin
		for i, w := range widths {
			line += pad(row[i], w) + "   "
		}
		for i, l := range wrap(row[last], max(s.width()-columns(line), 20)) {
			if i > 0 {
				line = strings.Repeat(" ", columns(line))
			}
			full := strings.TrimRight(line+l, " ")
			if n == 0 {
				full = s.paint(dim, full)
			}
			lines = append(lines, full)
		}
	}
	return lines
}
