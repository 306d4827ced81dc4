package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"brownout/chaosserver/plan"
	"brownout/scenarios"
)

// Explain writes what a scenario will do: what each attempt meets, the faults, what the client is asked to do and what
// it has to show. The error is the writer's.
func Explain(w io.Writer, e *plan.Explanation, s Style) error {
	x := &explainer{Style: s, e: e}
	x.head()
	for i := range e.Stretches {
		x.stretch(&e.Stretches[i])
	}
	x.faults()
	x.quotas()
	x.effects()
	x.list("What is delivered to a consumer", e.Deliveries)
	x.list("What the client is asked to do", e.Drive)
	x.expect()
	_, err := io.WriteString(w, strings.Join(x.lines, "\n")+"\n")
	return err
}

type explainer struct {
	Style
	e     *plan.Explanation
	lines []string
}

func (x *explainer) add(lines ...string) {
	for _, l := range lines {
		x.lines = append(x.lines, strings.TrimRight(l, " "))
	}
}

func (x *explainer) wrapped(lead, t string) {
	for i, l := range wrap(x.text(t), x.width()-columns(lead)) {
		if i > 0 {
			lead = strings.Repeat(" ", columns(lead))
		}
		x.add(lead + l)
	}
}

func (x *explainer) head() {
	x.add(x.paint(bold, x.text(x.e.Name)) + x.text(fmt.Sprintf("   %s   seed %d", x.e.File, x.e.Seed)))
	if x.e.Summary != "" {
		x.wrapped("", x.e.Summary)
	}
}

// stretch writes what attempts meet in one stretch of the scenario's time.
func (x *explainer) stretch(st *plan.Stretch) {
	x.add("", x.paint(bold, x.text(stretchTitle(st, len(x.e.Stretches)))))
	if len(st.Ports) > 0 {
		x.ports(st.Ports)
	}
	if len(st.Connections) > 0 {
		x.connections(st.Connections)
	}
	for i := range st.Routes {
		x.route(&st.Routes[i])
	}
}

func stretchTitle(st *plan.Stretch, of int) string {
	title := "What attempts meet"
	switch {
	case st.Attempts > 0:
		title += fmt.Sprintf(" for %s", plural(st.Attempts, "attempt"))
	case st.Timed && st.To > 0:
		title += fmt.Sprintf(" from %s to %s", tickLabel(st.From), tickLabel(st.To))
	case st.Timed && of > 1:
		title += fmt.Sprintf(" from %s on", tickLabel(st.From))
	}
	if st.Name != "" {
		title += ", in phase " + st.Name
	}
	return title
}

func (x *explainer) ports(rows []plan.PortRow) {
	cells := [][]string{{"port", "is", "because"}}
	for _, r := range rows {
		host, is, because := "the only one", "closed", x.because(r.Reason, r.May)
		if r.Host != "" {
			host = r.Host
		}
		if r.Reason == "" {
			is, because = "open or closed", strings.TrimPrefix(because, "or ")
		}
		cells = append(cells, []string{host, is, because})
	}
	x.grid("  ", cells)
}

func (x *explainer) connections(rows []plan.ConnRow) {
	cells := [][]string{{"connection", "meets", "because"}}
	for _, r := range rows {
		meets := "accepted"
		if r.Wire != "" {
			meets = r.Wire
		}
		cells = append(cells, []string{strconv.Itoa(r.Ordinal), meets, x.because(r.Reason, r.May)})
	}
	x.grid("  ", cells)
}

func (x *explainer) route(t *plan.RouteTable) {
	title := "  " + t.Name
	if match := strings.Join(t.Match, ", "); match != "" && match != t.Name {
		title += "   " + match
	}
	calls := 1
	for _, r := range t.Rows {
		calls = max(calls, r.Call)
	}
	if t.Every {
		title += "   every call"
	} else {
		title += fmt.Sprintf("   the first %s", plural(calls, "call"))
	}
	x.add(x.clip(x.text(title), x.width()))
	cells := [][]string{{"call", "attempt", "answer", "because"}}
	if t.Every {
		cells[0] = cells[0][1:]
	}
	for _, c := range groupCalls(t.Rows) {
		for i, r := range c.rows {
			row := []string{c.title(), strconv.Itoa(r.Attempt), rowAnswer(&r), x.because(r.Reason, r.May)}
			if i > 0 {
				row[0] = ""
			}
			if r.Repeats {
				row[1] += ", …"
			}
			if t.Every {
				row = row[1:]
			}
			cells = append(cells, row)
		}
	}
	x.grid("    ", cells)
	if t.More {
		x.add(x.text("    … and so on"))
	}
}

// A callGroup is a stretch of calls that meet the same.
type callGroup struct {
	first, last int
	rows        []plan.Row // of the first
}

// groupCalls puts neighbouring calls that meet the same into one group.
func groupCalls(rows []plan.Row) []callGroup {
	var groups []callGroup
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Call == rows[0].Call {
			n++
		}
		call := callGroup{rows[0].Call, rows[0].Call, rows[:n]}
		if last := len(groups) - 1; last >= 0 && slices.EqualFunc(groups[last].rows, call.rows, sameRow) {
			groups[last].last = call.last
		} else {
			groups = append(groups, call)
		}
		rows = rows[n:]
	}
	return groups
}

func sameRow(a, b plan.Row) bool {
	return a.Attempt == b.Attempt && rowAnswer(&a) == rowAnswer(&b) && a.Reason == b.Reason && a.Repeats == b.Repeats && slices.Equal(a.May, b.May)
}

func (g *callGroup) title() string {
	if g.first == g.last {
		return strconv.Itoa(g.first)
	}
	return fmt.Sprintf("%d to %d", g.first, g.last)
}

// rowAnswer says what an attempt gets: "503 RA=2s after 100ms", "rst before-headers".
func rowAnswer(r *plan.Row) string {
	var parts []string
	switch {
	case r.Wire != "":
		parts = append(parts, r.Wire)
	case r.Status == 0:
		parts = append(parts, "the upstream's")
	default:
		parts = append(parts, strconv.Itoa(r.Status))
		if r.RetryAfter != "" {
			parts = append(parts, "RA="+r.RetryAfter)
		}
	}
	if r.Delay > 0 {
		parts = append(parts, "after "+r.Delay.Round(100*time.Microsecond).String())
	}
	if r.Commit {
		parts[len(parts)-1] += ", an effect"
	}
	return strings.Join(parts, " ")
}

// because says why, and what else may strike.
func (x *explainer) because(reason string, may []int) string {
	if len(may) == 0 {
		return reason
	}
	names := make([]string, len(may))
	for i, f := range may {
		names[i] = fmt.Sprintf("faults[%d]", f)
		if f < len(x.e.Faults) {
			names[i] = x.e.Faults[f].Name
		}
	}
	if reason != "" {
		reason += ", "
	}
	return reason + "or " + strings.Join(names, ", ")
}

func (x *explainer) faults() {
	if len(x.e.Faults) == 0 {
		return
	}
	x.add("", x.paint(bold, "Faults"))
	cells := [][]string{{"name", "does", "when", "chance"}}
	for _, f := range x.e.Faults {
		chance := f.Chance
		if chance == "" {
			chance = "always"
		}
		when := f.When
		if when == "always" {
			when = "at any time"
		}
		cells = append(cells, []string{f.Name, f.Does, when, chance})
	}
	x.grid("  ", cells)
}

// effects writes what routes commit, and what their ledgers do.
func (x *explainer) effects() {
	if len(x.e.Effects) == 0 {
		return
	}
	x.add("", x.paint(bold, "Effects"))
	for _, e := range x.e.Effects {
		x.add(x.clip(x.text("  "+e.Route), x.width()))
		for _, w := range e.Words {
			x.wrapped("    ", w)
		}
	}
}

// quotas writes the limits of the upstream.
func (x *explainer) quotas() {
	if len(x.e.Limits) == 0 {
		return
	}
	x.add("", x.paint(bold, "Limits"))
	cells := [][]string{{"name", "lets through", "for each", "when", "refuses with"}}
	for _, m := range x.e.Limits {
		when := m.When
		if when == "always" {
			when = "at any time"
		}
		cells = append(cells, []string{m.Name, m.Lets, m.Each, when, m.Refuses})
	}
	x.grid("  ", cells)
}

func (x *explainer) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	x.add("", x.paint(bold, title))
	for _, item := range items {
		x.wrapped("  ", item)
	}
}

func (x *explainer) expect() {
	if len(x.e.Expect) == 0 {
		return
	}
	x.add("", x.paint(bold, "What it has to show"))
	cells := [][]string{{"line", "check", "holds when"}}
	for _, e := range x.e.Expect {
		words := e.Words
		if e.Scope != "" {
			words += ", " + e.Scope
		}
		switch e.Level {
		case scenarios.LevelWarn:
			words += " (a warning)"
		case scenarios.LevelInfo:
			words += " (for information)"
		}
		cells = append(cells, []string{strconv.Itoa(e.Pos.Line), e.Check, words})
	}
	x.grid("  ", cells)
	x.add("", "brownout explain CHECK tells more about a check.")
}

func (x *explainer) grid(margin string, cells [][]string) { x.add(x.Style.grid(margin, cells)...) }
