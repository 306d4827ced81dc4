package scenarios

import (
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Check is the row of one check in the grammar.
type Check struct {
	Name    string
	Doc     string   // passes when
	Rules   []string // ids of the rules that it serves
	Params  []Key    // its own, the first of which a lone value sets; all checks take route, phase and level too
	Unbuilt bool     // the grammar has the check, this version does not judge it

	// Sample is how much it must see, below which it says nothing and is skipped ("saw 1, needs 20"), and SampleOf what is
	// counted: "calls", or "waits" of all calls together. 0: one call is enough.
	Sample   int
	SampleOf string
	// Identity says that it judges call by call, so that it is inconclusive where calls cannot be told apart.
	Identity bool
	// Results says that it needs what the client says of each call: it is skipped where the client takes no orders.
	Results bool
	// ByKey says that it judges idempotency keys, so that it cannot fail where the key's own header names the calls.
	ByKey bool

	fresh func() Params
	place *place[*judged]
}

// New returns the check's parameters with their defaults, a pointer to its type; nil for a check that is not built.
func (c Check) New() Params {
	if c.fresh == nil {
		return nil
	}
	return c.fresh()
}

// judged is one entry of expect while it is read: what every check takes, and its own parameters.
type judged struct {
	e      *Expectation
	params Params
}

// commonRows are the parameters of every check.
var commonRows = []*row[*Expectation]{
	key(Key{Name: "route", In: []Place{InCheck}, Type: Type{Name: "name of a route, or its match", Example: "POST /payments"}, Doc: "Judges only calls of this route."},
		name, "", func(e *Expectation) *string { return &e.Route }),
	key(Key{Name: "phase", In: []Place{InCheck}, Type: Type{Name: "name of a phase", Example: "outage"}, Doc: "Judges only calls that began in this phase."},
		name, "", func(e *Expectation) *string { return &e.Phase }),
	key(Key{Name: "case", In: []Place{InCheck}, Type: Type{Name: "name of a case", Example: "gateway"}, Doc: "Judges only calls of this case of their route."},
		name, "", func(e *Expectation) *string { return &e.Case }),
	key(Key{Name: "host", In: []Place{InCheck}, Doc: "Judges only calls to this host of server.hosts."},
		hostName, "", func(e *Expectation) *string { return &e.Host }),
	key(Key{Name: "event", In: []Place{InCheck}, Type: eventType, Doc: "Judges only this event, or all events of a delivery of that id."},
		eventID, "", func(e *Expectation) *string { return &e.Event }),
	key(Key{Name: "level", In: []Place{InCheck}, Default: "fail", Doc: "What it counts for when it is not met."},
		enum[Level]([]string{"fail", "warn", "info"}), LevelFail, func(e *Expectation) *Level { return &e.Level }),
}

// check makes a row of the grammar from a check's parameters. P is a pointer to them.
func check[P Params](c Check, rows ...*row[P]) *Check {
	for _, r := range rows {
		r.In, r.Check = []Place{InCheck}, c.Name
		c.Params = append(c.Params, r.Key)
	}
	all := lift(rows, func(j *judged) P { return j.params.(P) })
	all = append(all, lift(commonRows, func(j *judged) *Expectation { return j.e })...)
	c.place = &place[*judged]{in: InCheck, title: "check " + quote(c.Name), rows: all}
	params := reflect.TypeFor[P]().Elem()
	c.fresh = func() Params {
		p := reflect.New(params).Interface().(P)
		for _, r := range rows {
			r.reset(p)
		}
		return p
	}
	return &c
}

// read fills an entry of expect from the check's value, or from nothing where n is nil.
func (c *Check) read(l *loader, n *yaml.Node, e *Expectation) {
	e.Params = c.New()
	j := &judged{e, e.Params}
	if n != nil && follow(n).Kind == yaml.MappingNode {
		readMapping(l, n, c.place, j)
		return
	}
	c.place.reset(j)
	switch {
	case n == nil || isNull(follow(n)):
		readEntries(l, l.spots[e].key, nil, c.place, j)
	case len(c.Params) == 0:
		l.fail(n, "check "+quote(c.Name)+" takes no value, got "+kind(follow(n)), "write - "+c.Name)
	default:
		l.in(c.Params[0].Name, func() { c.place.rows[0].read(l, entry{key: n, value: n}, j) })
	}
}

// write prints the parameters of an entry of expect; the defaults for one that was made in memory, without parameters or
// with another check's.
func (c *Check) write(p *printer, e *Expectation) tree {
	params := c.New()
	if reflect.TypeOf(e.Params) == reflect.TypeOf(params) {
		params = e.Params
	}
	return writeMapping(p, c.place, &judged{e, params})
}

// expectations is the codec of the list of checks.
var expectations = &codec[[]Expectation]{
	kind: Type{Name: "list of checks", Example: "[succeeds: all, honours_retry_after]", Holds: InCheck},
	read: func(l *loader, n *yaml.Node, v *[]Expectation) {
		if follow(n).Kind != yaml.SequenceNode {
			l.fail(n, "expected a list of checks, got "+kind(follow(n)), `write each as "- succeeds: all"`)
			return
		}
		list := make([]Expectation, len(follow(n).Content))
		l.each(n, func(i int, item *yaml.Node) { l.readExpectation(item, &list[i]) })
		*v = list
	},
	write: func(p *printer, v []Expectation) tree {
		return p.list(len(v), func(i int) tree { return writeExpectation(p, &v[i]) })
	},
}

func writeExpectation(p *printer, e *Expectation) tree {
	c, ok := CheckNamed(e.Name)
	if !ok || c.Unbuilt {
		return textLeaf(e.Name)
	}
	var params tree
	p.in(e.Name, func() { params = c.write(p, e) })
	if len(params.items) == 0 {
		return leaf(e.Name)
	}
	out := tree{kind: treeMap}
	out.add(e.Name, params)
	return out
}

// readExpectation reads one entry of expect: a check's name, or one key with its parameters.
func (l *loader) readExpectation(n *yaml.Node, e *Expectation) {
	item := follow(n)
	named := entry{key: n}
	if item.Kind == yaml.MappingNode {
		list := l.entries(n)
		if len(list) == 0 {
			l.fail(n, "the entry names no check", "")
			return
		}
		named = list[0]
		for _, other := range list[1:] {
			l.fail(other.key, "an entry of expect is one check, got "+quote(follow(other.key).Value)+" too",
				"put a dash before it, or write its parameters as "+follow(named.key).Value+": {…}")
		}
	} else if _, ok := l.scalar(n, Type{Name: "check", Example: "succeeds: all"}); !ok {
		return
	}
	e.Name, e.Pos = follow(named.key).Value, l.pos(named.key)
	c, ok := CheckNamed(e.Name)
	switch {
	case !ok:
		l.unknownCheck(named.key, e.Name)
	case c.Unbuilt:
		l.fail(named.key, "check "+quote(e.Name)+" is not built yet", "this version cannot judge it; take it out")
	default:
		l.spots[e] = named
		before := len(l.errs)
		l.in(e.Name, func() { c.read(l, named.value, e) })
		if len(l.errs) == before {
			l.checkParams(e)
		}
	}
}

func (l *loader) unknownCheck(n *yaml.Node, got string) {
	var names []string
	for _, c := range l.checks() {
		if !c.Unbuilt {
			names = append(names, c.Name)
		}
	}
	hint := "brownout list checks names them"
	if near := Suggest(got, names); near != "" {
		hint = "did you mean " + quote(near) + "?"
	}
	l.fail(n, "unknown check "+quote(got), hint)
}

// countOrDeclared is the codec of a count, or of the profile's.
var countOrDeclared = func(least int) *codec[*Count] {
	t := Type{Name: "count", Example: "3", Words: []string{"declared"}}
	return &codec[*Count]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v **Count) {
			s, ok := l.scalar(n, t)
			if !ok {
				return
			}
			c := &Count{Pos: l.pos(n)}
			if s == "declared" {
				c.Declared = true
				*v = c
			} else if set(l, n, &c.N, s, func(s string) (int, *flaw) {
				n, f := whole(s, "a count, or declared", uint64(least), maxCount)
				return int(n), f
			}) {
				*v = c
			}
		},
		write: func(_ *printer, v *Count) tree {
			if v.Declared {
				return leaf("declared")
			}
			return leaf(number(float64(v.N)))
		},
	}
}

var anyDuration = optional(duration)

// declaredOr lets a value be the word declared too, which leaves it unset.
func declaredOr[V any](c *codec[*V]) *codec[*V] {
	t := c.kind
	t.Words = append(slices.Clip(t.Words), "declared")
	return &codec[*V]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v **V) {
			if v2 := follow(n); v2.Kind == yaml.ScalarNode && v2.Value == "declared" {
				*v = nil
				return
			}
			c.read(l, n, v)
		},
		write: c.write,
	}
}

func countRow[P any](name string, least int, doc string, at func(P) **Count) *row[P] {
	return key(Key{Name: name, Doc: doc}, countOrDeclared(least), nil, at)
}

func durationRow[P any](k Key, def time.Duration, at func(P) *time.Duration) *row[P] {
	if def > 0 {
		k.Default = showDuration(def)
	}
	return key(k, duration, def, at)
}
