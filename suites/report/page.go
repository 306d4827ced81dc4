package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

// PageLines is how many lines the text about one trial may have, unless everything is asked for.
const PageLines = 30

// statusColumn is where the outcome stands in a trial's first line.
const statusColumn = 72

// detail bounds what a page shows, so that it fits.
type detail struct {
	rows  int  // of the table
	also  int  // further findings
	lines int  // of each paragraph
	brief bool // the expectation alone is drawn, and further calls go untold
	whole bool
}

// details are tried in turn until a page fits.
var details = []detail{
	{60, 8, 4, false, false}, {12, 6, 3, false, false}, {9, 4, 3, false, false}, {7, 3, 2, false, false},
	{5, 2, 2, false, false}, {4, 1, 1, false, false}, {4, 0, 1, true, false},
}

// everything is the detail of a page that need not fit.
var everything = detail{1 << 20, 1 << 20, 1 << 20, false, true}

// Page returns the text about one trial, as it stands in a terminal and in every other report: one or two lines for a
// trial that passed, and at most PageLines for any other, unless whole asks for everything. It ends with a newline.
func Page(t *Trial, s Style, whole bool) string {
	if whole {
		return strings.Join(s.page(t, everything), "\n") + "\n"
	}
	var lines []string
	for _, d := range details {
		if lines = s.page(t, d); len(lines) <= PageLines {
			break
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s Style) page(t *Trial, d detail) []string {
	p := &pager{Style: s, t: t, d: d}
	p.add(p.title())
	switch t.Outcome {
	case verdict.Pass, verdict.Info:
		p.summaries("  ", verdict.Pass)
		p.lesser(verdict.Skip)
		p.infos()
		p.remarks()
		return p.lines
	case verdict.Skip:
		p.paragraph("  ", t.Reason)
		return p.lines
	}
	p.add("")
	main := p.decisive()
	if len(main) == 0 && t.Reason != "" {
		p.paragraph("  ", t.Reason)
	}
	for i, f := range main {
		if i > 0 && !d.whole {
			break
		}
		if i > 0 {
			p.add("")
		}
		p.finding(f)
	}
	if !d.whole && len(main) > 1 {
		p.also(main[1:])
	}
	p.add("")
	p.footer(main)
	return p.lines
}

type pager struct {
	Style
	t     *Trial
	d     detail
	lines []string
}

func (p *pager) add(lines ...string) { p.lines = append(p.lines, lines...) }

// decisive returns the findings that decide the outcome, the one that explains most first: where something never
// happened, that is why checks had nothing to judge, and where the upstream failed, that is why all of it is.
func (p *pager) decisive() []*verdict.Finding {
	fs := p.ofOutcome(p.t.Outcome)
	if p.t.Outcome == verdict.Inconclusive {
		slices.SortStableFunc(fs, func(a, b *verdict.Finding) int { return weight(a) - weight(b) })
	}
	return fs
}

func weight(f *verdict.Finding) int {
	switch f.Check {
	case upstream:
		return 0
	case happened:
		return 1
	}
	return 2
}

// ofOutcome returns the findings of one outcome.
func (p *pager) ofOutcome(o verdict.Outcome) []*verdict.Finding {
	var fs []*verdict.Finding
	for i := range p.t.Findings {
		if p.t.Findings[i].Outcome == o {
			fs = append(fs, &p.t.Findings[i])
		}
	}
	return fs
}

// signs are the mark, the word and the colour of each outcome.
func signs(o verdict.Outcome) (sign, word string, colour paint) {
	switch o {
	case verdict.Fail:
		return "✗", "FAIL", alarm
	case verdict.Error:
		return "✗", "ERROR", alarm
	case verdict.Inconclusive:
		return "?", "INCONCLUSIVE", yellow
	case verdict.Warn:
		return "!", "WARN", yellow
	case verdict.Skip:
		return "-", "SKIP", dim
	}
	return "✓", "PASS", green
}

func (p *pager) title() string {
	sign, word, colour := signs(p.t.Outcome)
	status := fmt.Sprintf("%s  %.2fs", word, p.t.Elapsed.Seconds())
	at := min(statusColumn, p.width()-columns(status))
	name := p.text(p.t.Title())
	if columns(name)+4 > at {
		at = p.width() - columns(status)
	}
	name = p.clip(name, at-4)
	return p.paint(colour, p.text(sign)) + " " + p.paint(bold, name) +
		strings.Repeat(" ", at-2-columns(name)) + p.paint(colour, word) + status[len(word):]
}

// finding writes one finding in full: what the client did, the two places, the attempts.
func (p *pager) finding(f *verdict.Finding) {
	p.headline(f)
	p.place(f)
	if f.Proof != nil && len(f.Proof.Rows) > 0 {
		p.add("")
		p.add(p.table(f.Proof, p.d.rows)...)
		p.others(f.Others)
	}
}

// unwritten are the names of findings that no expectation asked for: there is no check to look up.
var unwritten = []string{happened, upstream, "client", "journal"}

const (
	happened = "must have happened"
	upstream = "upstream"
)

// headline writes the finding's sentence, with the name of the check beside it.
func (p *pager) headline(f *verdict.Finding) {
	lead := "  "
	if f.Outcome == verdict.Inconclusive {
		lead = "  ? "
	}
	sentence := f.Sentence
	if f.Hint != "" {
		sentence += " " + f.Hint
	}
	sentence = p.text(sentence)
	check := ""
	if !slices.Contains(unwritten, f.Check) {
		check = "check: " + f.Check
	}
	if at := max(50, columns(lead+sentence)+3); at+len(check) <= p.width() || check == "" && columns(lead+sentence) <= p.width() {
		p.add(strings.TrimRight(p.paint(bold, lead+sentence)+strings.Repeat(" ", at-columns(lead+sentence))+check, " "))
		return
	}
	lines := wrap(sentence, p.width()-len(lead))
	if p.d.brief && len(lines) > 2 {
		lines = append(lines[:1], p.clip(lines[1]+p.text(" …"), p.width()-len(lead)))
	}
	for i, l := range lines {
		if i > 0 {
			lead = strings.Repeat(" ", len(lead))
		}
		if i == len(lines)-1 && columns(lead+l)+3+len(check) <= p.width() {
			p.add(strings.TrimRight(p.paint(bold, lead+l)+"   "+check, " "))
			return
		}
		p.add(p.paint(bold, lead+l))
	}
	if check != "" {
		p.add(strings.Repeat(" ", len(lead)) + check)
	}
}

// place writes where in the scenario the finding stands, with both lines drawn.
func (p *pager) place(f *verdict.Finding) {
	pos := f.Expect.Pos
	if pos.Line == 0 && f.Cause != nil {
		pos = f.Cause.Pos
	}
	if pos.Line == 0 {
		return
	}
	p.add(p.clip(p.text(fmt.Sprintf("  %s:%d:%d", p.t.File, pos.Line, pos.Column)), p.width()))
	var marks []mark
	if f.Expect.Pos.Line > 0 {
		marks = append(marks, mark{f.Expect.Pos, true, f.Expect.Text, red})
	}
	if f.Cause != nil && f.Cause.Pos.Line > 0 && (!p.d.brief || marks == nil) {
		cause := mark{f.Cause.Pos, false, f.Cause.Text, plain}
		if len(marks) > 0 && before(f.Expect.Pos, cause.pos) {
			marks = append(marks, cause)
		} else {
			marks = append([]mark{cause}, marks...)
		}
	}
	p.add(p.excerpt(p.t.Source, 2, marks...)...)
}

func before(a, b scenarios.Pos) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
}

// others names the further calls that show the same.
func (p *pager) others(calls []string) {
	if len(calls) == 0 || p.d.brief {
		return
	}
	const most = 3 // they find room in one line
	names := calls[:min(len(calls), most)]
	text := "The same in " + plural(len(calls), "other call") + ": " + strings.Join(names, ", ")
	if len(calls) > most {
		text += fmt.Sprintf(" and %d more", len(calls)-most)
	}
	p.paragraph("  ", text+".")
}

// also writes further findings in a line or two each.
func (p *pager) also(fs []*verdict.Finding) {
	p.add("")
	for i, f := range fs {
		if i == p.d.also && len(fs)-i > 1 {
			names := make([]string, 0, len(fs)-i)
			for _, f := range fs[i:] {
				names = append(names, f.Check)
			}
			p.paragraph("  ", fmt.Sprintf("and %d more: %s", len(fs)-i, strings.Join(names, ", ")))
			return
		}
		lead := f.Check
		switch line := f.Expect.Pos.Line; {
		case line > 0 && slices.Contains(unwritten, f.Check):
			lead = fmt.Sprintf("line %d", line)
		case line > 0:
			lead += fmt.Sprintf(" (line %d)", line)
		}
		text := lead + ": " + f.Sentence
		if f.Hint != "" {
			text += " " + f.Hint
		}
		p.paragraph("  Also ", text)
	}
}

// footer writes what else there is to know, and what to do next.
func (p *pager) footer(main []*verdict.Finding) {
	start := len(p.lines)
	p.summaries("  Passed: ", verdict.Pass)
	for _, o := range []verdict.Outcome{verdict.Fail, verdict.Inconclusive, verdict.Warn} {
		if o < p.t.Outcome {
			p.lesser(o)
		}
	}
	p.infos()
	p.lesser(verdict.Skip)
	if len(main) > 0 {
		p.paragraph("  Pattern: ", main[0].Pattern)
		p.why(main[0])
	}
	p.remarks()
	p.output()
	p.again()
	p.joined("  Evidence:   ", "   ", p.t.Evidence)
	if len(p.lines) == start && start > 0 && p.lines[start-1] == "" {
		p.lines = p.lines[:start-1]
	}
}

// summaries names the checks of an outcome in short, in one paragraph.
func (p *pager) summaries(lead string, o verdict.Outcome) {
	var parts []string
	for _, f := range p.ofOutcome(o) {
		if f.Summary != "" {
			parts = append(parts, f.Summary)
		} else {
			parts = append(parts, f.Check)
		}
	}
	p.joined(lead, " · ", parts)
}

// joined writes parts with sep between them; no part is broken where it can stand on a line of its own.
func (p *pager) joined(lead, sep string, parts []string) {
	if len(parts) == 0 {
		return
	}
	sep = p.text(sep)
	room := p.width() - columns(lead)
	var lines []string
	line := ""
	for _, part := range parts {
		part = p.clip(p.text(part), room)
		if line != "" && columns(line+sep+part) > room {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += sep
		}
		line += part
	}
	p.led(lead, append(lines, line))
}

// lesser writes the findings that do not decide the trial's outcome, with why.
func (p *pager) lesser(o verdict.Outcome) {
	var parts []string
	for _, f := range p.ofOutcome(o) {
		sentence := strings.TrimSuffix(f.Sentence, ".")
		if !slices.Contains(unwritten, f.Check) {
			sentence = f.Check + " (" + sentence + ")"
		}
		parts = append(parts, sentence)
	}
	lead := map[verdict.Outcome]string{verdict.Fail: "  Failed: ", verdict.Inconclusive: "  Not judged: ",
		verdict.Warn: "  Warning: ", verdict.Skip: "  Skipped: "}[o]
	p.joined(lead, " · ", parts)
}

func (p *pager) infos() {
	for _, f := range p.ofOutcome(verdict.Info) {
		p.paragraph("  Note: ", f.Sentence)
	}
}

// remarks says that the trial was run twice.
func (p *pager) remarks() {
	if p.t.Rerun != "" {
		p.paragraph("  Note: ", p.t.Rerun)
	}
}

// why writes the sources of the rule, and the command that tells more.
func (p *pager) why(f *verdict.Finding) {
	if f.Why == "" {
		return
	}
	text := "Why it matters: " + strings.TrimSuffix(f.Why, ".") + "."
	more := "brownout explain " + f.Check
	line := "  " + p.text(text)
	if columns(line)+6+len(more) <= p.width() {
		p.add(line + "      " + more)
		return
	}
	p.paragraph("  ", text)
	p.add("    " + more)
}

// output writes the end of what the client said, where the client itself is what went wrong.
func (p *pager) output() {
	if p.t.Outcome != verdict.Error || p.t.Output == "" {
		return
	}
	lines := strings.Split(strings.TrimRight(p.t.Output, "\n"), "\n")
	if most := p.d.lines * 2; len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	p.add("  The client's last words:")
	for _, l := range lines {
		p.add(p.clip("    "+p.text(strings.TrimRight(l, "\r")), p.width()))
	}
}

// paragraph writes a text after its lead, wrapped; the lines after the first are indented by the lead.
func (p *pager) paragraph(lead, text string) {
	if text == "" {
		return
	}
	p.led(lead, wrap(p.text(text), p.width()-columns(lead)))
}

func (p *pager) led(lead string, lines []string) {
	if len(lines) > p.d.lines {
		lines = lines[:p.d.lines]
		last := &lines[len(lines)-1]
		*last = p.clip(*last+p.text(" …"), p.width()-columns(lead))
	}
	for i, l := range lines {
		if i == 0 {
			p.add(lead + l)
		} else {
			p.add(strings.Repeat(" ", columns(lead)) + l)
		}
	}
}

// elapsed writes the length of a run: "9.8s".
func elapsed(d time.Duration) string {
	if d >= 10*time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}
