package scenarios

import (
	"slices"

	"gopkg.in/yaml.v3"
)

var routePlace = func() *place[*Route] {
	in := []Place{InRoute}
	rows := []*row[*Route]{
		key(Key{Name: "match", In: in, Required: true, Type: Type{Name: "match, or a list of them", Example: "GET /items/:id", Holds: InMatch},
			Doc: "[METHOD] /path, or {method:, path:, header:, body:}; :name is one whole segment, * the rest."},
			oneOrList("matches", match), nil, func(r *Route) *[]Match { return &r.Match }),
		key(Key{Name: "name", In: in, Default: "its match", Doc: "What checks call it under route."},
			name, "", func(r *Route) *string { return &r.Name }),
		key(Key{Name: "answers", In: in, Default: "one 200", Doc: "One for each attempt of a call; the last repeats."},
			answers, plainAnswers(), func(r *Route) *[]Answer { return &r.Answers }),
	}
	rows[2].write = func(p *printer, r *Route) (tree, bool) {
		if len(r.Cases) > 0 || r.Plain {
			return tree{}, false
		}
		return answers.write(p, r.Answers), true
	}
	rows = append(rows, casesRow, key(Key{Name: "per", In: in, Default: "call", Doc: "What the list counts: attempts of the call, or all of the route, of a client, or for an :event."},
		enum[Per]([]string{"call", "route", "client", "event"}), PerCall, func(r *Route) *Per { return &r.Per }),
		key(Key{Name: "commit", In: in, Doc: "The route has effects: an attempt read whole whose entry is a 2xx commits one."},
			optional(commit), nil, func(r *Route) **Commit { return &r.Commit }))
	rows[2].reset = func(r *Route) { r.Answers = plainAnswers() }
	for i := range rows {
		if read := rows[i].read; rows[i].Name == "answers" || rows[i].Name == "cases" {
			rows[i].read = func(l *loader, e entry, r *Route) {
				l.vars = append(alwaysVars[:len(alwaysVars):len(alwaysVars)], routeVars(*r)...)
				read(l, e, r)
				l.vars = nil
			}
		}
	}
	return &place[*Route]{in: InRoute, example: "{match: GET /items/:id}", rows: rows}
}()

// plainAnswers is what a route without answers has: one 200.
func plainAnswers() []Answer { return []Answer{{Status: 200, Times: 1}} }

// routeVars are the path variables of routes.
func routeVars(routes ...Route) []string {
	var vars []string
	for _, r := range routes {
		for _, m := range r.Match {
			for _, s := range m.Path.Segments {
				if s.Var != "" && !slices.Contains(vars, s.Var) {
					vars = append(vars, s.Var)
				}
			}
		}
	}
	return vars
}

// routes is the codec of the list of routes.
var routes = &codec[[]Route]{
	kind: Type{Name: "list of routes", Example: "[{match: GET /items/:id}]", Holds: InRoute},
	read: func(l *loader, n *yaml.Node, v *[]Route) {
		if follow(n).Kind != yaml.SequenceNode {
			l.fail(n, "expected a list of routes, got "+kind(follow(n)), `write each as "- match: GET /items/:id"`)
			return
		}
		list := make([]Route, len(follow(n).Content))
		l.each(n, func(i int, item *yaml.Node) {
			r := &list[i]
			readMapping(l, item, routePlace, r)
			_, given := l.spots[&r.Answers]
			r.Plain = !given && len(r.Cases) == 0
			r.Pos, r.Index = l.pos(item), i
			if r.Name == "" {
				r.Name = r.matchName()
			}
			if len(r.Answers) > 0 && r.Answers[0].Pos == (Pos{}) {
				r.Answers[0].Pos = r.Pos
			}
		})
		*v = list
	},
	write: func(p *printer, v []Route) tree {
		return p.list(len(v), func(i int) tree {
			r := v[i]
			if r.Name == r.matchName() {
				r.Name = ""
			}
			return writeMapping(p, routePlace, &r)
		})
	},
}

// matchName is what a route is called that has no name: its match as written, the first of several.
func (r *Route) matchName() string {
	if len(r.Match) == 0 {
		return ""
	}
	m := r.Match[0]
	if m.Method == "" {
		return m.Path.Text
	}
	return m.Method + " " + m.Path.Text
}
