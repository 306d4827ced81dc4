package scenarios

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// Place is where a key of the grammar may stand.
type Place string

// The places of the grammar.
const (
	InScenario   Place = "scenario"    // the file's top level
	InServer     Place = "server"      // the mapping under server
	InProfile    Place = "profile"     // the mapping under profile
	InPhase      Place = "phase"       // an entry of phases
	InIdentity   Place = "identity"    // the mapping under identity
	InRoute      Place = "route"       // an entry of routes
	InMatch      Place = "match"       // a match written as a mapping
	InAnswer     Place = "answer"      // an entry of answers
	InFault      Place = "fault"       // an entry of faults
	InHeader     Place = "header"      // a header's value written as a mapping
	InRetryAfter Place = "retry_after" // a retry_after written as a mapping
	InDelay      Place = "delay"       // a delay written as a mapping
	InQuota      Place = "quota"       // a quota that an answer tells
	InLimit      Place = "limit"       // an entry of limits
	InWhen       Place = "when"        // the mapping under when
	InElapsed    Place = "elapsed"     // an elapsed trigger written as a mapping
	InHold       Place = "hold"        // the mapping under hold
	InDuplicate  Place = "duplicate"   // a duplicate written as a mapping
	InBurst      Place = "burst"       // the mapping under burst
	InCommit     Place = "commit"      // the mapping under commit of a route
	InDelivery   Place = "delivery"    // an entry of deliveries
	InTrigger    Place = "trigger"     // the when of a delivery, written as a mapping
	InStep       Place = "drive"       // a step of drive
	InCheck      Place = "expect"      // the parameters of a check
)

// title names a place in a message.
func (p Place) title() string {
	switch p {
	case InScenario:
		return "a scenario"
	case InAnswer:
		return "an answer"
	case InIdentity, InHold, InDuplicate, InCommit, InElapsed, InRetryAfter, InServer, InProfile, InWhen, InBurst, InQuota:
		return string(p)
	case InTrigger:
		return "the when of a delivery"
	case InStep:
		return "a step of drive"
	case InCheck:
		return "a check"
	}
	return "a " + string(p)
}

// Type says how a value is written.
type Type struct {
	Name    string   // "duration", "list of statuses", "mapping"
	Example string   // a value of the type, as written; "" where Words say it all
	Words   []string // the words that are allowed; beside other values where Example is not empty
	Holds   Place    // the mapping that the value, or an entry of its list, is or may be; "" for none
}

// String returns the type as a message names it, such as "a duration such as 250ms".
func (t Type) String() string {
	s := article(t.Name)
	switch {
	case len(t.Words) > 0 && t.Example == "":
		return "one of " + join(t.Words)
	case len(t.Words) > 0:
		return s + " such as " + t.Example + ", or " + joinOr(t.Words)
	case t.Example != "":
		return s + " such as " + t.Example
	}
	return s
}

// Key is one row of the grammar: a key, where it stands, how its value is written and what it means. What reads
// files, prints them, explains and completes them reads these rows; see [Keys] and [Checks].
type Key struct {
	Name     string
	In       []Place
	Check    string // the check whose parameter it is; "" for all others
	Type     Type
	Default  string // as written; "" where there is none, or where leaving it out means that nothing is said
	Required bool
	Unbuilt  bool // the grammar has the key, this version does not play it: naming it is an error
	Doc      string
	Without  []string // keys of the same place that cannot stand beside it
	Fault    bool     // in an answer: something that a healthy upstream would not do

	later string // of a key that is not built: what to do; "" says to take it out
}

// row is a key of the mapping that fills what a P points to. P is a pointer in all of the table, as in *row[*Answer], for
// then the compiler makes one copy of what reads and prints rows, whatever they fill, and not one for each type.
type row[P any] struct {
	Key
	reset func(P)                        // gives the key's field its default
	read  func(*loader, entry, P)        // reads the key's value into its field, reporting what is wrong
	write func(*printer, P) (tree, bool) // the value as printed; false where it is the default
}

// place is the mapping that fills what a P points to.
type place[P any] struct {
	in    Place
	title string // in messages, where in's own title does not say it, such as `check "attempts"`
	rows  []*row[P]

	example string // what to write where something else than a mapping stands
}

func (p *place[P]) name() string {
	if p.title != "" {
		return p.title
	}
	return p.in.title()
}

// reset gives what t points to its defaults.
func (p *place[P]) reset(t P) {
	for _, r := range p.rows {
		if r.reset != nil {
			r.reset(t)
		}
	}
}

// keys are those of the place, built or not, in the order of its rows.
func (p *place[P]) keys() []*Key {
	keys := make([]*Key, len(p.rows))
	for i, r := range p.rows {
		keys[i] = &r.Key
	}
	return keys
}

// key is the row of a key that fills the field at, with the field's default. It is compiled for each type of field, and
// so leaves all that needs no type to fieldRow.
func key[P, V any](k Key, c *codec[V], def V, at func(P) *V) *row[P] {
	if k.Type.Name == "" {
		k.Type = c.kind
	}
	return fieldRow(&k, def,
		func(t P) any { return at(t) },
		func(l *loader, n *yaml.Node, field any) { c.read(l, n, field.(*V)) },
		func(p *printer, field any) tree { return c.write(p, *field.(*V)) })
}

// fieldRow is the row of a key that fills the field whose address at returns, which read and write take. Inlined, it
// would be compiled for each type of field after all.
//
//go:noinline
func fieldRow[P any](k *Key, def any, at func(P) any, read func(*loader, *yaml.Node, any), write func(*printer, any) tree) *row[P] {
	r := &row[P]{Key: *k}
	r.reset = func(t P) { reflect.ValueOf(at(t)).Elem().Set(reflect.ValueOf(def)) }
	r.read = func(l *loader, e entry, t P) {
		field := at(t)
		l.found(field, e)
		read(l, e.value, field)
	}
	r.write = func(p *printer, t P) (tree, bool) {
		field := at(t)
		if !r.Required && reflect.DeepEqual(reflect.ValueOf(field).Elem().Interface(), def) {
			return tree{}, false
		}
		return write(p, field), true
	}
	return r
}

// unbuilt is the row of a key that the grammar has and this version does not play.
func unbuilt[P any](in []Place, names ...string) []*row[P] {
	rows := make([]*row[P], len(names))
	for i, name := range names {
		rows[i] = &row[P]{Key: Key{Name: name, In: in, Unbuilt: true, Doc: "Not built yet."}}
	}
	return rows
}

// lift makes the rows that fill an I fill the I inside of a P.
func lift[P, I any](rows []*row[I], inner func(P) I) []*row[P] {
	lifted := make([]*row[P], len(rows))
	for i, r := range rows {
		up := &row[P]{Key: r.Key}
		lifted[i] = up
		if r.Unbuilt {
			continue
		}
		up.read = func(l *loader, e entry, t P) { r.read(l, e, inner(t)) }
		if r.reset != nil {
			up.reset = func(t P) { r.reset(inner(t)) }
		}
		if r.write != nil {
			up.write = func(p *printer, t P) (tree, bool) { return r.write(p, inner(t)) }
		}
	}
	return lifted
}
