package scenarios

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// codec reads a V from a file and prints it.
type codec[V any] struct {
	kind  Type
	read  func(*loader, *yaml.Node, *V) // reports what is wrong, and then leaves V alone
	write func(*printer, V) tree
}

// flaw is what is wrong with one value.
type flaw struct{ msg, hint string }

// scalars is the codec of values that are one text. Inlined, its closures would be there for each of its 25 uses.
//
//go:noinline
func scalars[V any](t Type, parse func(string) (V, *flaw), show func(V) string) *codec[V] {
	return &codec[V]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v *V) {
			if s, ok := l.scalar(n, t); ok {
				set(l, n, v, s, parse)
			}
		},
		write: func(_ *printer, v V) tree { return leaf(show(v)) },
	}
}

// set parses s into v, or reports its flaw.
func set[V any](l *loader, n *yaml.Node, v *V, s string, parse func(string) (V, *flaw)) bool {
	got, f := parse(s)
	if f != nil {
		l.fail(n, f.msg, f.hint)
		return false
	}
	*v = got
	return true
}

// optional makes the codec of a value that is nil where a file does not say it. It is not inlined, as scalars is not.
//
//go:noinline
func optional[V any](c *codec[V]) *codec[*V] {
	return &codec[*V]{
		kind: c.kind,
		read: func(l *loader, n *yaml.Node, v **V) {
			before := len(l.errs)
			got := new(V)
			c.read(l, n, got)
			if len(l.errs) == before {
				*v = got
			}
		},
		write: func(p *printer, v *V) tree { return c.write(p, *v) },
	}
}

// listOf is the codec of a list of values that c reads.
func listOf[V any](what string, c *codec[V]) *codec[[]V] {
	t := Type{Name: "list of " + what, Holds: c.kind.Holds}
	if c.kind.Example != "" {
		t.Example = "[" + c.kind.Example + "]"
	}
	return &codec[[]V]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v *[]V) {
			if follow(n).Kind != yaml.SequenceNode {
				l.want(n, t)
				return
			}
			list := make([]V, len(follow(n).Content))
			l.each(n, func(i int, item *yaml.Node) { c.read(l, item, &list[i]) })
			*v = list
		},
		write: func(p *printer, v []V) tree {
			return p.list(len(v), func(i int) tree { return c.write(p, v[i]) })
		},
	}
}

// oneOrList is the codec of one value, or of a list of them.
func oneOrList[V any](what string, c *codec[V]) *codec[[]V] {
	many := listOf(what, c)
	return &codec[[]V]{
		kind: Type{Name: c.kind.Name + ", or a " + many.kind.Name, Example: c.kind.Example, Holds: c.kind.Holds},
		read: func(l *loader, n *yaml.Node, v *[]V) {
			if follow(n).Kind == yaml.SequenceNode {
				many.read(l, n, v)
				if len(*v) == 0 {
					l.fail(n, "the list is empty", "")
				}
				return
			}
			one := make([]V, 1)
			c.read(l, n, &one[0])
			*v = one
		},
		write: func(p *printer, v []V) tree {
			if len(v) == 1 {
				return c.write(p, v[0])
			}
			return many.write(p, v)
		},
	}
}

// mapping is the codec of a mapping with the keys of a place.
func mapping[V any](p *place[*V]) *codec[V] {
	return &codec[V]{
		kind:  Type{Name: "mapping", Example: p.example, Holds: p.in},
		read:  func(l *loader, n *yaml.Node, v *V) { readMapping(l, n, p, v) },
		write: func(pr *printer, v V) tree { return writeMapping(pr, p, &v) },
	}
}

// word is the codec of one of some words.
func word(words ...string) *codec[string] {
	t := Type{Name: "word", Words: words}
	return scalars(t, func(s string) (string, *flaw) { return s, oneOf(s, words) }, func(s string) string { return s })
}

// oneOf returns the flaw of a word that is none of words.
func oneOf(s string, words []string) *flaw {
	for _, w := range words {
		if s == w {
			return nil
		}
	}
	if near := Suggest(s, words); near != "" {
		return &flaw{quote(s) + " is not allowed here", "did you mean " + quote(near) + "? (one of " + join(words) + ")"}
	}
	return &flaw{quote(s) + " is not allowed here", "one of " + join(words)}
}

// anyText is the codec of a text that is taken as it stands.
var anyText = &codec[string]{
	kind: Type{Name: "text"},
	read: func(l *loader, n *yaml.Node, v *string) {
		if s, ok := l.scalar(n, Type{Name: "text"}); ok {
			*v = s
		}
	},
	write: func(_ *printer, v string) tree { return textLeaf(v) },
}

// boolean is the codec of true and false.
var boolean = scalars(Type{Name: "bool", Words: []string{"true", "false"}},
	func(s string) (bool, *flaw) {
		switch strings.ToLower(s) {
		case "true", "false":
			return strings.EqualFold(s, "true"), nil
		case "yes", "on", "y":
			return false, &flaw{"expected true or false, got " + quote(s), "write true"}
		case "no", "off", "n":
			return false, &flaw{"expected true or false, got " + quote(s), "write false"}
		}
		return false, &flaw{"expected true or false, got " + quote(s), ""}
	}, strconv.FormatBool)
