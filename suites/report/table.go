package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brownout/suites/verdict"
)

// The widths of the table's columns, in columns of the terminal; answers and allowances widen theirs up to the limits.
const (
	atWidth      = 9
	answerWidth  = 14
	answerMax    = 26
	waitedWidth  = 14
	allowedWidth = 12
	allowedMax   = 18
)

// table draws the attempts of a proof, at most limit of them, with the waterfall where there is room for it.
func (s Style) table(p *verdict.Proof, limit int) []string {
	lines := []string{s.proofTitle(p)}
	t := s.newTable(p)
	lines = append(lines, s.paint(dim, t.header()))
	shown := chooseRows(p.Rows, limit)
	next := 0
	for _, at := range append(shown, len(p.Rows)) {
		if at > next {
			lines = append(lines, s.paint(dim, s.text("   …   "+more(p, at-next))))
		}
		if at < len(p.Rows) {
			lines = append(lines, t.row(at))
		}
		next = at + 1
	}
	return lines
}

// more says how many rows of a proof are left out.
func more(p *verdict.Proof, n int) string {
	if !p.Webhook {
		return plural(n, "more attempt")
	}
	if n == 1 {
		return "1 more delivery"
	}
	return fmt.Sprintf("%d more deliveries", n)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// proofTitle names the call: its request, its key and the client.
func (s Style) proofTitle(p *verdict.Proof) string {
	parts := []string{s.text(p.Request)}
	if p.Key != "" {
		parts = append(parts, "Idempotency-Key "+s.clip(s.text(p.Key), 16))
	}
	if p.Agent != "" {
		parts = append(parts, s.text(p.Agent))
	}
	title := pad("  What the client did", 26)
	if p.Webhook {
		title = pad("  What the consumer answered", 31)
	}
	return s.clip(title+strings.Join(parts, "   "), s.width())
}

type table struct {
	Style
	rows            []verdict.Row
	number          int // widths
	answer, allowed int
	flag            bool // bad rows are flagged beside their number, since no other column marks them
	drawn           bool
	scale           scale
}

func (s Style) newTable(p *verdict.Proof) *table {
	t := &table{Style: s, rows: p.Rows, number: 1, answer: answerWidth, flag: true}
	last := time.Duration(0)
	judged := false
	for i := range p.Rows {
		r := &p.Rows[i]
		t.number = max(t.number, len(fmt.Sprint(r.N)))
		t.answer = min(max(t.answer, columns(s.text(r.Answer))+3), answerMax)
		judged = judged || r.Allowed != ""
		t.allowed = min(max(t.allowed, columns(s.text(r.Allowed))+5), allowedMax)
		if r.Allowed != "" && !r.Good {
			t.flag = false
		}
		last = max(last, r.At, r.Done)
	}
	if !judged {
		t.allowed = 0
	} else {
		t.allowed = max(t.allowed, allowedWidth)
	}
	used := 3 + t.number + 3 + atWidth + t.answer + waitedWidth + t.allowed
	if over := used - s.width(); over > 0 {
		t.answer, used = t.answer-over, used-over
	}
	room := s.width() - used
	t.drawn = s.width() >= WaterfallWidth && room >= 2*tickColumns && last > 0 && len(p.Rows) > 1
	t.scale = newScale(last, min(room, 4*tickColumns+4), notesFit(p.Rows))
	return t
}

func (t *table) header() string {
	h := "   " + pad("#", t.number) + "   " + pad("at", atWidth) + pad("answer", t.answer) + pad("then waited", waitedWidth)
	if t.allowed > 0 {
		h += pad("allowed", t.allowed)
	}
	if t.drawn {
		h += t.scale.axis()
	}
	return strings.TrimRight(h, " ")
}

func (t *table) row(i int) string {
	r := &t.rows[i]
	flag := "   "
	if t.flag && r.Bad {
		flag = " " + t.paint(red, t.text("✗")) + " "
	}
	number := fmt.Sprintf("%*d", t.number, r.N)
	answer := pad(t.clip(t.text(r.Answer), t.answer-1), t.answer)
	waited := ""
	if r.Waited >= 0 && i < len(t.rows)-1 {
		waited = seconds(r.Waited)
	}
	line := flag + number + "   " + pad(seconds(r.At), atWidth) + answer + pad(waited, waitedWidth)
	if t.allowed > 0 {
		line += t.allowance(r)
	}
	if t.drawn {
		line += t.bar(t.scale, t.rows, i)
	}
	return strings.TrimRight(line, " ")
}

// allowance is what was allowed after the attempt, and whether it was kept.
func (t *table) allowance(r *verdict.Row) string {
	if r.Allowed == "" {
		return pad("", t.allowed)
	}
	text := t.clip(t.text(r.Allowed), t.allowed-3)
	sign, colour := t.text("✓"), green
	if !r.Good {
		sign, colour = t.text("✗"), red
	}
	gap := max(t.allowed-6, columns(text)+1)
	return pad(text, gap) + t.paint(colour, sign) + strings.Repeat(" ", max(t.allowed-gap-1, 1))
}

// chooseRows returns the indices of at most limit rows, in order, less the lines that say what is left out: what proves
// the finding first, then the first row and the last, then the earliest others. limit below 4 counts as 4.
func chooseRows(rows []verdict.Row, limit int) []int {
	limit = max(limit, 4)
	if len(rows) <= limit {
		return sequence(len(rows))
	}
	var wanted []int
	for i, r := range rows {
		switch {
		case r.Allowed != "" && !r.Good:
			wanted = append(wanted, i, i+1) // the pause, and the attempt that ended it
		case r.Bad:
			wanted = append(wanted, i, i-1)
		}
	}
	wanted = slices.Concat(wanted, []int{0, len(rows) - 1}, sequence(len(rows)))
	var chosen []int
	for _, i := range wanted {
		if i < 0 || i >= len(rows) || slices.Contains(chosen, i) {
			continue
		}
		grown := append(slices.Clone(chosen), i)
		slices.Sort(grown)
		if len(grown)+gaps(grown, len(rows)) <= limit {
			chosen = grown
		}
	}
	return chosen
}

// gaps counts the stretches of 0 to n-1 that are left out of chosen, before, between and after its elements.
func gaps(chosen []int, n int) int {
	count, next := 0, 0
	for _, i := range append(slices.Clone(chosen), n) {
		if i > next {
			count++
		}
		next = i + 1
	}
	return count
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// seconds writes a duration as reports do: seconds with three decimals, from a thousand on in minutes and hours.
func seconds(d time.Duration) string {
	if d >= 1000*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%.3fs", d.Seconds())
}
