package scenarios

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Format returns the scenario as canonical YAML: keys in the order of the grammar, defaults left out, values in their
// shortest form, units of the profile as they were written. Reading it gives an equal scenario, but for positions;
// comments and anchors are not kept.
func (s *Scenario) Format() []byte {
	p := &printer{written: s.written}
	t := writeMapping(p, scenarioPlace, s)
	var b strings.Builder
	p.block(&b, t, 0)
	return []byte(b.String())
}

// printer prints the values of a scenario.
type printer struct {
	path    []string
	written map[string]string // by path: durations and rates in units of the profile, as they were written
}

func (p *printer) in(step string, f func()) {
	p.path = append(p.path, step)
	f()
	p.path = p.path[:len(p.path)-1]
}

// list prints a list of n values.
func (p *printer) list(n int, item func(i int) tree) tree {
	out := tree{kind: treeList, items: make([]tree, n)}
	for i := range n {
		p.in("["+strconv.Itoa(i)+"]", func() { out.items[i] = item(i) })
	}
	return out
}

type treeKind uint8

const (
	treeLeaf treeKind = iota
	treeList
	treeMap
)

// tree is a value as it is printed.
type tree struct {
	kind  treeKind
	text  string   // of a leaf, quoted where it needs to be
	bare  string   // of a leaf: how it can be written outside of brackets; "" for as text
	names []string // of a mapping, one for each item
	items []tree
}

func leaf(s string) tree { return tree{text: s} }

func (t *tree) add(name string, item tree) {
	t.names = append(t.names, name)
	t.items = append(t.items, item)
}

// plainText is what can stand without quotes anywhere, if YAML takes it for a text.
var plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./*+-]*( ?:?[A-Za-z0-9_./*+-]+)*$`)

// plainLine is what can stand without quotes outside of brackets, if YAML takes it for a text.
var plainLine = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9_./*+,;?!()'%-]|:[A-Za-z0-9_]| [A-Za-z0-9_./*+,;?!()'%-]| :[A-Za-z0-9_])*$`)

// textLeaf is a text, quoted unless it reads back as itself without.
func textLeaf(s string) tree {
	if plainText.MatchString(s) && isText(s) {
		return leaf(s)
	}
	t := leaf(doubleQuoted(s))
	if plainLine.MatchString(s) && !strings.HasSuffix(s, ":") && isText(s) {
		t.bare = s
	}
	return t
}

// isText reports whether YAML takes a text without quotes for a text.
func isText(s string) bool {
	n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
	return n.ShortTag() == "!!str"
}

// doubleQuoted writes a text in YAML's double quotes.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xFFFF:
			b.WriteString(`\u` + padded(r, 4))
		default:
			b.WriteString(`\U` + padded(r, 8))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func padded(r rune, width int) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", width-len(s)) + s
}

// writeMapping prints the keys of what t points to, by the rows of its place, but for those whose values are left out.
func writeMapping[P any](p *printer, pl *place[P], t P) tree {
	out := tree{kind: treeMap}
	for _, r := range pl.rows {
		if r.write != nil {
			p.entry(&out, r.Name, func() (tree, bool) { return r.write(p, t) })
		}
	}
	return out
}

// entry prints a key of a mapping, unless write leaves it out. What was written in units of the profile is printed so.
func (p *printer) entry(out *tree, name string, write func() (tree, bool)) {
	p.in(name, func() {
		if s := p.written[where(p.path)]; s != "" {
			out.add(name, leaf(s))
		} else if item, ok := write(); ok {
			out.add(name, item)
		}
	})
}

// lineWidth is how long a line may get before what stands on it is spread over several.
const lineWidth = 100

// block prints a tree on lines of its own, each indented by indent.
func (p *printer) block(b *strings.Builder, t tree, indent int) {
	margin := strings.Repeat(" ", indent)
	switch {
	case t.kind == treeMap && len(t.items) > 0:
		for i, item := range t.items {
			b.WriteString(margin)
			p.value(b, textLeaf(t.names[i]).text+":", item, indent)
		}
	case t.kind == treeList && len(t.items) > 0:
		single := !slices.ContainsFunc(t.items, func(item tree) bool { return item.kind == treeMap && len(item.items) != 1 })
		for _, item := range t.items {
			b.WriteString(margin + "- ")
			p.item(b, item, indent, single)
		}
	default:
		b.WriteString(margin + flow(t) + "\n")
	}
}

// value prints a key and its value: on one line where it fits and is simple, else as a block below.
func (p *printer) value(b *strings.Builder, name string, t tree, indent int) {
	b.WriteString(name)
	s := flow(t)
	if t.bare != "" {
		s = t.bare
	}
	if t.kind == treeLeaf || len(t.items) == 0 || !nested(t) && indent+len(name)+1+len(s) <= lineWidth {
		b.WriteString(" " + s + "\n")
		return
	}
	b.WriteByte('\n')
	p.block(b, t, indent+2)
}

// item prints an entry of a list after its dash: a mapping in braces where it fits, or over several lines; if no entry of the
// list has more than a single key, without braces.
func (p *printer) item(b *strings.Builder, t tree, indent int, single bool) {
	s := flow(t)
	if t.kind != treeMap || len(t.items) == 0 || !single && !nested(t) && indent+2+len(s) <= lineWidth {
		b.WriteString(s + "\n")
		return
	}
	for i, value := range t.items {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", indent+2))
		}
		p.value(b, textLeaf(t.names[i]).text+":", value, indent+2)
	}
}

// nested reports whether a tree holds mappings in a list, which read better on lines of their own.
func nested(t tree) bool {
	for _, item := range t.items {
		if t.kind == treeList && item.kind == treeMap && len(item.items) > 0 || nested(item) {
			return true
		}
	}
	return false
}

// flow prints a tree on one line.
func flow(t tree) string {
	switch t.kind {
	case treeList:
		parts := make([]string, len(t.items))
		for i, item := range t.items {
			parts[i] = flow(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case treeMap:
		parts := make([]string, len(t.items))
		for i, item := range t.items {
			parts[i] = textLeaf(t.names[i]).text + ": " + flow(item)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return t.text
}
