package report

import (
	"fmt"
	"strings"
	"time"

	"brownout/suites/verdict"
)

// tickColumns is how many columns lie between two ticks of the waterfall's axis.
const tickColumns = 10

// A scale maps the time of a call to columns of its waterfall.
type scale struct {
	tick time.Duration // between two labels
	last time.Duration // the latest instant shown
	room int           // columns
}

// newScale returns the scale with the finest tick of 1, 2 or 5 (above a second also 10s, 30s and so on) that shows
// everything up to last in room columns.
func newScale(last time.Duration, room int) scale {
	for _, unit := range []time.Duration{time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond,
		10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		for _, f := range []time.Duration{1, 2, 5} {
			if sc := (scale{f * unit, last, room}); sc.column(last) < room {
				return sc
			}
		}
	}
	for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour} {
		for _, f := range []time.Duration{10, 20, 30, 60, 120, 300} {
			if sc := (scale{f * unit, last, room}); sc.column(last) < room {
				return sc
			}
		}
	}
	return scale{max(last/time.Duration(max(room/tickColumns, 1)), 1), last, room}
}

// column returns the column in which instant t is drawn, rounded to the nearest.
func (sc scale) column(t time.Duration) int {
	return int((int64(t)*tickColumns*2 + int64(sc.tick)) / (2 * int64(sc.tick)))
}

// axis returns the labels of the ticks, each beginning in its column.
func (sc scale) axis() string {
	var b strings.Builder
	for i := 0; ; i++ {
		at := time.Duration(i) * sc.tick
		label := tickLabel(at)
		if sc.column(at)+len(label) > sc.room || i > 0 && at > sc.last+sc.tick {
			return strings.TrimRight(b.String(), " ")
		}
		b.WriteString(strings.Repeat(" ", max(sc.column(at)-b.Len(), 0)))
		b.WriteString(label)
	}
}

func tickLabel(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	s := strings.ReplaceAll(d.String(), "µ", "u")
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// bar draws one attempt: its own time, the wait to the next attempt, the instant from which the next was allowed, and
// where the next came too early.
func (s Style) bar(sc scale, rows []verdict.Row, i int) string {
	r := rows[i]
	from := sc.column(r.At)
	to := max(sc.column(r.Done), from+1)
	line := strings.Repeat(" ", from) + s.paint(bold, strings.Repeat(s.text("▇"), to-from))
	if i == len(rows)-1 {
		return line
	}
	next := sc.column(rows[i+1].At)
	waited := []rune(strings.Repeat(s.text("┄"), max(next-to, 0)))
	switch {
	case r.Due == 0:
		return line + s.paint(dim, string(waited))
	case r.Good:
		due := max(sc.column(r.Due)-to, 0)
		ruler := []rune(s.text("│"))[0]
		if due < len(waited) {
			waited[due] = ruler
		} else {
			waited = append(waited, ruler)
		}
		return line + s.paint(dim, string(waited))
	}
	line += s.paint(dim, string(waited)) + s.paint(red, s.text("▞"))
	note := fmt.Sprintf("  due at %s", seconds(r.Due))
	if max(next, to)+1+len(note) <= sc.room {
		line += s.paint(red, note)
	}
	return line
}
