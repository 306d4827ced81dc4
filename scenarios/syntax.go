package scenarios

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// document returns the file's one document, or nil after reporting why there is none.
func (l *loader) document(src []byte) *yaml.Node {
	if !l.characters(src) {
		return nil
	}
	r := &reader{text: strings.Join(l.text.lines, "\n")}
	d := yaml.NewDecoder(r)
	doc, err := decode(d)
	switch {
	case errors.Is(err, io.EOF):
		l.report(Pos{Line: 1, Column: 1}, "the file is empty", "begin with name: and routes:, or see brownout list for scenarios to copy", false)
		return nil
	case err != nil:
		l.syntax(err)
		return nil
	}
	if second, err := decode(d); !errors.Is(err, io.EOF) {
		l.secondDocument(second, err)
		return nil
	}
	if !l.bounded(doc) {
		return nil
	}
	return doc.Content[0]
}

// decode reads the next document. What the parser does not foresee, it says by a panic.
func decode(d *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = new(yaml.Node)
	err = d.Decode(doc)
	return doc, err
}

// reader hands out a text, one byte at a time if it is to show how far a parser came.
type reader struct {
	text   string
	at     int
	single bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.at >= len(r.text) {
		return 0, io.EOF
	}
	if r.single {
		p = p[:1]
	}
	n := copy(p, r.text[r.at:])
	r.at += n
	return n, nil
}

// secondDocument reports a file that goes on after its first document.
func (l *loader) secondDocument(second *yaml.Node, err error) {
	line := 0
	for i, s := range l.text.lines {
		if i > 0 && (s == "---" || strings.HasPrefix(s, "--- ") || strings.HasPrefix(s, "---\t")) {
			line = i + 1
			break
		}
	}
	if line == 0 && err != nil {
		l.syntax(err)
		return
	}
	if line == 0 {
		line = max(1, second.Line)
	}
	l.report(Pos{Line: line, Column: 1, End: 4}, "a second document begins here", "a file holds one scenario; put the other into a file of its own", false)
}

// maxCopies bounds how many values the aliases of a file may add to it.
const maxCopies = 100_000

// bounded reports aliases that contain themselves, and ones that make the file far larger than it looks.
func (l *loader) bounded(doc *yaml.Node) bool {
	m := &measure{size: map[*yaml.Node]int{}}
	m.of(doc)
	switch {
	case m.loop != nil:
		l.fail(m.loop, "alias "+quote("*"+m.loop.Value)+" contains itself", "an anchor's value cannot hold an alias of it")
	case m.copies > maxCopies:
		l.fail(m.largest, fmt.Sprintf("aliases add more than %d values to the file", maxCopies), "write it without aliases of aliases")
	case len(m.tagged) > 0:
		for _, n := range m.tagged {
			l.fail(n, "a scenario has no tags, got "+quote(n.Tag), "take the tag out")
		}
	default:
		return true
	}
	return false
}

// coreTags are the tags that YAML gives to values without one, and that may therefore be written.
var coreTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!merge", "!!timestamp"}

// measure counts how many values a tree has once its aliases are followed.
type measure struct {
	size    map[*yaml.Node]int // -1 while it is being counted
	copies  int
	largest *yaml.Node // the first alias that brings too many
	loop    *yaml.Node // an alias that contains itself
	tagged  []*yaml.Node
}

func (m *measure) of(n *yaml.Node) int {
	size := 1
	if n.Style&yaml.TaggedStyle != 0 && !slices.Contains(coreTags, n.Tag) {
		m.tagged = append(m.tagged, n)
	}
	if n.Anchor != "" {
		m.size[n] = -1
	}
	for _, c := range n.Content {
		if m.loop != nil {
			return 0
		}
		if c.Kind != yaml.AliasNode {
			size += m.of(c)
			continue
		}
		total := m.size[c.Alias]
		if total < 0 {
			m.loop = c
			return 0
		}
		size = min(size+total, 1<<40)
		if m.copies = min(m.copies+total, 1<<40); m.copies > maxCopies && m.largest == nil {
			m.largest = c
		}
	}
	if n.Anchor != "" {
		m.size[n] = size
	}
	return size
}

var (
	yamlLine     = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)
	missedAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// syntax reports why a file is no YAML. The parser's own error names the line of the context, at times one too small, and
// no column; so the text is looked through for what is likely, up to where the parser stopped, and only if nothing is found
// there is the parser's error shown.
func (l *loader) syntax(err error) {
	stopped := l.stopped()
	found := lint(l.text, l.keyNames(), stopped.Line)
	for _, p := range found {
		l.report(p.at, p.msg, p.hint, false)
	}
	if len(found) > 0 {
		return
	}
	if m := missedAnchor.FindStringSubmatch(err.Error()); m != nil {
		l.unknownAnchor(m[1], stopped)
		return
	}
	msg := err.Error()
	at := stopped
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = msg[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= len(l.text.lines) && n > at.Line {
			at = l.text.first(n)
		}
	}
	for _, r := range reworded {
		if strings.Contains(msg, r.part) {
			l.report(at, r.msg, r.hint, false)
			return
		}
	}
	l.report(at, "this is no YAML: "+msg, "", false)
}

// reworded are errors of the parser in the words of a scenario's author.
var reworded = []struct{ part, msg, hint string }{
	{"<document start>", "there is more after the end of the scenario", "a file holds one scenario, written as one mapping"},
	{"expected ':'", "a colon is missing near here", "write a key, a colon, a blank and a value"},
	{"mapping values are not allowed", "a colon stands where no key can be", "put a text that holds one in double quotes"},
	{"expected key", "this does not fit to what stands above it", "indent entries that belong together alike"},
	{"'-' indicator", "this does not fit to what stands above it", "begin entries of a list with a dash, indented alike"},
	{"expected ',' or '}'", "a mapping in braces goes wrong near here", "separate its entries with commas, and close it with }"},
	{"expected ',' or ']'", "a list in brackets goes wrong near here", "separate its entries with commas, and close it with ]"},
	{"exceeded max depth", "the file is nested deeper than 10000 levels", ""},
}

// stopped returns where the parser gives the file up: the last word that it reads, one byte at a time.
func (l *loader) stopped() Pos {
	r := &reader{text: strings.Join(l.text.lines, "\n"), single: true}
	d := yaml.NewDecoder(r)
	for {
		if _, err := decode(d); err != nil {
			break
		}
	}
	read := strings.TrimRight(r.text[:r.at], " \t\n")
	return l.text.first(1 + strings.Count(read, "\n"))
}

// unknownAnchor reports an alias of an anchor that does not stand before it.
func (l *loader) unknownAnchor(name string, stopped Pos) {
	var anchors []string
	at := stopped
	for i, line := range l.text.lines {
		for _, m := range anchorName.FindAllStringSubmatchIndex(line, -1) {
			sigil, word := line[m[2]:m[3]], line[m[4]:m[5]]
			switch {
			case sigil == "&":
				anchors = append(anchors, word)
			case word == name && at == stopped:
				column := l.text.column(i+1, m[2])
				at = Pos{Line: i + 1, Column: column, End: column + 1 + len([]rune(word))}
			}
		}
	}
	hint := "mark the value that is meant with &" + name + ", above"
	if near := Suggest(name, anchors); near != "" && near != name {
		hint = "did you mean " + quote("*"+near) + "?"
	} else if !token.MatchString(name) || len(anchors) == 0 {
		hint += "; a text that begins with * stands in quotes"
	}
	l.report(at, "nothing is marked with &"+name, hint, false)
}

var anchorName = regexp.MustCompile(`(?:^|[\s,\[{:-])([&*])([^\s,\[\]{}]+)`)

// keyNames returns the name of every key of the grammar.
func (l *loader) keyNames() map[string]bool {
	names := map[string]bool{}
	for _, k := range l.rows() {
		names[k.Name] = true
	}
	for _, c := range l.checks() {
		names[c.Name] = true
	}
	return names
}
