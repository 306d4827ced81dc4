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

// ticks are the distances between two labels, the finest first.
var ticks = func() []time.Duration {
	var all []time.Duration
	for unit := time.Microsecond; unit <= time.Second; unit *= 10 {
		all = append(all, unit, 2*unit, 5*unit)
	}
	for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour} {
		for _, f := range []time.Duration{10, 20, 30, 60, 120, 300} {
			all = append(all, f*unit)
		}
	}
	return all
}()

// newScale returns the scale with the finest tick that shows everything up to last in room columns and, if there is one,
// leaves room for what stands beside the bars: notes reports whether it does.
func newScale(last time.Duration, room int, notes func(scale) bool) scale {
	fitting := scale{max(last/time.Duration(max(room/tickColumns, 1)), 1), last, room}
	found := false
	for _, tick := range ticks {
		sc := scale{tick, last, room}
		if sc.column(last) >= room {
			continue
		}
		if notes(sc) {
			return sc
		}
		if !found {
			fitting, found = sc, true
		}
	}
	return fitting
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
	if max(next, to)+1+len(dueNote(&r)) <= sc.room {
		line += s.paint(red, dueNote(&r))
	}
	return line
}

// dueNote says when the next attempt was due, beside the mark of one that came too early.
func dueNote(r *verdict.Row) string { return fmt.Sprintf("  due at %s", seconds(r.Due)) }

// notesFit reports whether the notes beside the bars of the rows find room.
func notesFit(rows []verdict.Row) func(scale) bool {
	return func(sc scale) bool {
		for i := range rows[:max(len(rows)-1, 0)] {
			r := &rows[i]
			if end := max(sc.column(rows[i+1].At), sc.column(r.Done), sc.column(r.At)+1); r.Due > 0 && !r.Good && end+1+len(dueNote(r)) > sc.room {
				return false
			}
		}
		return true
	}
}
