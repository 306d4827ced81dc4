package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxErrors bounds how many problems of one file are kept.
const maxErrors = 200

// entry is one key of a mapping, with its value and, once it was read, the value's path.
type entry struct {
	key, value *yaml.Node
	path       string
}

// known tells a problem from others: an aliased value is read once for each alias, and reported once.
type known struct {
	at  Pos
	msg string
}

// loader walks one file, and collects what is wrong with it.
type loader struct {
	file     string
	text     *text
	errs     Errors
	seen     map[known]bool
	path     []string // of the value being read: "routes", "[0]", "answers"
	upstream bool     // no request is without an answer: see BeforeUpstream
	profile  *Profile // what units of the profile are resolved with
	written  map[string]string
	needs    map[string]bool // values of the profile that the file needs and nothing declares
	spots    map[any]entry   // by the address of the field, where it was read
	vars     []string        // template variables that have a value here
	rows     func() []Key    // the whole table; a function, since its rows hold functions of the loader
	checks   func() []Check
}

// fail reports a problem with a value.
func (l *loader) fail(n *yaml.Node, msg, hint string) { l.report(l.pos(n), msg, hint, false) }

// failKey and failValue report a problem with an entry that was read before.
func (l *loader) failKey(e entry, msg, hint string)   { l.at(e.path, l.pos(e.key), msg, hint, false) }
func (l *loader) failValue(e entry, msg, hint string) { l.at(e.path, l.pos(e.value), msg, hint, false) }

// warn reports something that does not stop the file from being used.
func (l *loader) warn(at Pos, path, msg, hint string) { l.at(path, at, msg, hint, true) }

func (l *loader) at(path string, at Pos, msg, hint string, warning bool) {
	kept := l.path
	l.path = []string{path}
	l.report(at, msg, hint, warning)
	l.path = kept
}

func (l *loader) report(at Pos, msg, hint string, warning bool) {
	if l.full() {
		return
	}
	at = l.text.clamp(at)
	k := known{at, msg}
	if l.seen[k] {
		return
	}
	l.seen[k] = true
	e := &Error{
		File: l.file, Line: at.Line, Column: at.Column, End: max(at.End, at.Column+1),
		Path: brief(l.where()), Msg: brief(msg), Hint: brief(hint), Warning: warning, Source: l.text.line(at.Line),
	}
	l.errs = append(l.errs, e)
}

// full reports whether enough problems were found to stop looking.
func (l *loader) full() bool { return len(l.errs) >= maxErrors }

// where returns the path of the value being read, such as routes[2].answers[0].delay.
func (l *loader) where() string { return where(l.path) }

func where(path []string) string {
	var b strings.Builder
	for _, p := range path {
		if b.Len() > 0 && !strings.HasPrefix(p, "[") {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

// in runs f with step appended to the path.
func (l *loader) in(step string, f func()) {
	l.path = append(l.path, step)
	f()
	l.path = l.path[:len(l.path)-1]
}

// pos returns a value's place.
func (l *loader) pos(n *yaml.Node) Pos {
	return Pos{Line: n.Line, Column: n.Column, End: l.text.end(n)}
}

// span returns the place of a key and its value: up to the value's end where both are on one line.
func (l *loader) span(e entry) Pos {
	p := l.pos(e.key)
	if v := l.pos(e.value); v.Line == p.Line && v.Column >= p.Column {
		p.End = v.End
	}
	return p
}

// found notes the entry that a field is read from, by the field's address.
func (l *loader) found(field any, e entry) {
	e.path = l.where()
	l.spots[field] = e
}

// spot returns the place of a field's key and value, from the field's address; the zero Pos where the file does not
// give the field.
func (l *loader) spot(field any) Pos {
	e, ok := l.spots[field]
	if !ok {
		return Pos{}
	}
	return l.span(e)
}

// follow returns the value that an alias stands for, else the value itself. The tree was checked to have no alias that
// contains itself.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// kind names what a value is, in the words of YAML.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return quote(n.Value)
}

// isNull reports whether a value was left out, or is the word null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// want reports that a value is of the wrong kind.
func (l *loader) want(n *yaml.Node, t Type) {
	hint := ""
	if v := follow(n); v.Kind == yaml.ScalarNode && !isNull(v) && strings.HasPrefix(t.Name, "list ") {
		hint = "write [" + v.Value + "]"
	}
	l.fail(n, "expected "+t.String()+", got "+kind(follow(n)), hint)
}

// scalar returns the text of a single value. Its tag does not matter: 503 and "503" are one text.
func (l *loader) scalar(n *yaml.Node, t Type) (string, bool) {
	v := follow(n)
	if v.Kind != yaml.ScalarNode || isNull(v) {
		l.want(n, t)
		return "", false
	}
	return v.Value, true
}

// each reads the values of a list, with i from 0.
func (l *loader) each(n *yaml.Node, read func(i int, n *yaml.Node)) {
	for i, item := range follow(n).Content {
		if l.full() {
			return
		}
		l.in("["+strconv.Itoa(i)+"]", func() { read(i, item) })
	}
}

// entries returns the entries of a mapping, with the mappings that << names laid under them, and reports keys that are
// no text or that stand twice.
func (l *loader) entries(n *yaml.Node) []entry {
	m := follow(n)
	var list []entry
	at := map[string]*yaml.Node{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		e := entry{key: m.Content[i], value: m.Content[i+1]}
		k := follow(e.key)
		switch {
		case k.Kind == yaml.ScalarNode && k.Tag == "!!merge":
			continue
		case k.Kind != yaml.ScalarNode || isNull(k):
			l.fail(e.key, "expected a key, got "+kind(k), "")
			continue
		}
		if first := at[k.Value]; first != nil {
			l.fail(e.key, "duplicate key "+quote(k.Value), fmt.Sprintf("it stands on line %d too; keep one", first.Line))
			continue
		}
		at[k.Value] = e.key
		list = append(list, e)
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if k := m.Content[i]; k.Kind == yaml.ScalarNode && k.Tag == "!!merge" {
			list = l.merge(list, at, m.Content[i+1])
		}
	}
	return list
}

// merge appends the entries of the mapping or mappings that << names, but for keys that are there already.
func (l *loader) merge(list []entry, at map[string]*yaml.Node, n *yaml.Node) []entry {
	sources := []*yaml.Node{n}
	if v := follow(n); v.Kind == yaml.SequenceNode {
		sources = v.Content
	}
	for _, source := range sources {
		if follow(source).Kind != yaml.MappingNode {
			l.fail(source, "expected a mapping to merge, got "+kind(follow(source)), "write <<: *name, with &name at a mapping")
			continue
		}
		for _, e := range l.entries(source) {
			if name := follow(e.key).Value; at[name] == nil {
				at[name] = e.key
				list = append(list, e)
			}
		}
	}
	return list
}

// readMapping fills what t points to from a mapping, by the rows of its place. It reports keys that the place does not
// have, that are not built, that exclude each other, or that are missing.
func readMapping[P any](l *loader, n *yaml.Node, p *place[P], t P) {
	p.reset(t)
	if follow(n).Kind != yaml.MappingNode {
		hint := ""
		if p.example != "" {
			hint = "write " + p.example
		}
		l.fail(n, "expected "+p.name()+" as a mapping, got "+kind(follow(n)), hint)
		return
	}
	readEntries(l, n, l.entries(n), p, t)
}

// readEntries fills what t points to from the entries of the mapping n.
func readEntries[P any](l *loader, n *yaml.Node, list []entry, p *place[P], t P) {
	given := make(map[string]entry, len(list))
	for _, e := range list {
		given[follow(e.key).Value] = e
	}
	meant := l.unknownKeys(list, given, p.name(), p.keys())
	for _, r := range p.rows {
		e, ok := given[r.Name]
		switch {
		case l.full():
			return
		case !ok && r.Required && !slices.Contains(meant, r.Name):
			l.fail(n, p.name()+" needs "+quote(r.Name), hintFor(r.Key))
		case ok && r.Unbuilt:
			l.notBuilt(e.key, r.Name, cmpOr(r.later, "this version cannot play it; take it out"))
		case ok:
			l.in(r.Name, func() {
				l.exclusive(e, r.Key, given)
				r.read(l, e, t)
			})
		}
	}
}

// exclusive reports a key that stands beside one that it cannot stand beside, at the later of the two.
func (l *loader) exclusive(e entry, k Key, given map[string]entry) {
	for _, name := range k.Without {
		other, ok := given[name]
		if !ok {
			continue
		}
		first, second := other.key, e.key
		if first.Line > second.Line || first.Line == second.Line && first.Column > second.Column {
			first, second = second, first
		}
		hint := "keep one"
		if first.Line != second.Line {
			hint = fmt.Sprintf("keep one; %s is on line %d", quote(follow(first).Value), first.Line)
		}
		place := append(l.path[:len(l.path)-1:len(l.path)-1], follow(second).Value)
		l.at(where(place), l.pos(second), quote(follow(second).Value)+" cannot stand beside "+quote(follow(first).Value), hint, false)
	}
}

func (l *loader) notBuilt(n *yaml.Node, what, hint string) {
	l.fail(n, quote(what)+" is not built yet", hint)
}

func hintFor(k Key) string {
	if k.Type.Example == "" {
		return ""
	}
	return "write " + k.Name + ": " + k.Type.Example
}

// unknownKeys reports the keys that a place does not have, each with the nearest one, or where it stands instead, or what is
// allowed. It returns the keys that were most likely meant.
func (l *loader) unknownKeys(list []entry, given map[string]entry, title string, keys []*Key) []string {
	var meant []string
	for _, e := range list {
		if l.full() {
			break
		}
		got := follow(e.key).Value
		if slices.ContainsFunc(keys, func(k *Key) bool { return k.Name == got }) {
			continue
		}
		var names, free []string // the free ones do not stand in the mapping yet
		for _, k := range keys {
			if k.Unbuilt {
				continue
			}
			names = append(names, k.Name)
			if _, ok := given[k.Name]; !ok {
				free = append(free, k.Name)
			}
		}
		near := cmpOr(Suggest(got, free), Suggest(got, names))
		hint := l.otherKey(got, names)
		if near != "" {
			hint = "did you mean " + quote(near) + "?"
		} else if word, rest, cut := glued(got); cut && slices.Contains(names, word) {
			near, hint = word, "write "+word+": "+rest
		}
		meant = append(meant, near)
		l.fail(e.key, "unknown key "+quote(got)+" in "+title, hint)
	}
	return meant
}

// glued splits what was written without the colon, or the blank after it, between a key and its value.
func glued(s string) (key, value string, ok bool) {
	i := strings.IndexAny(s, ": ")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], ": "), true
}

// otherKey says what to do about a key that stands in no place here, and is not near one that does: where it stands
// instead, or what is allowed.
func (l *loader) otherKey(name string, names []string) string {
	var places []string
	for _, k := range l.rows() {
		if k.Name != name || k.Check != "" || k.Unbuilt {
			continue
		}
		for _, p := range k.In {
			if !slices.Contains(places, p.title()) {
				places = append(places, p.title())
			}
		}
	}
	if len(places) > 0 {
		return quote(name) + " stands in " + joinOr(places)
	}
	if len(names) == 0 {
		return ""
	}
	return "one of " + join(sorted(names))
}
