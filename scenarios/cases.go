package scenarios

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// Case is a variant of a route's answers: Answers[From:To] of its route, one for each attempt of a call; the last repeats.
type Case struct {
	Pos      Pos
	Name     string
	From, To int
}

// Per says what a route's list of answers counts.
type Per uint8

// What a list of answers counts: the attempts of each call, or all attempts of the route, of each client on it, or of each
// value of the path variable "event". With cases each has a count of its own.
const (
	PerCall Per = iota
	PerRoute
	PerClient
	PerEvent
)

// CaseNamed returns the index of a case; false where the route has none of that name.
func (r *Route) CaseNamed(name string) (int, bool) {
	i := slices.IndexFunc(r.Cases, func(c Case) bool { return c.Name == name })
	return i, i >= 0
}

// CaseOf returns the index of the case that an entry of Answers is of; 0 where the route has no cases.
func (r *Route) CaseOf(entry int) int {
	for i := range r.Cases {
		if entry < r.Cases[i].To {
			return i
		}
	}
	return 0
}

// List returns which of Answers are one list: those of a case, or all where the route has no cases.
func (r *Route) List(index int) (from, to int) {
	if len(r.Cases) == 0 {
		return 0, len(r.Answers)
	}
	return r.Cases[index].From, r.Cases[index].To
}

// EntryName names an entry of Answers as it stands in the file: answers[1], or cases.gateway[1].
func (r *Route) EntryName(entry int) string {
	if len(r.Cases) == 0 {
		return fmt.Sprintf("answers[%d]", entry)
	}
	c := &r.Cases[r.CaseOf(entry)]
	return fmt.Sprintf("cases.%s[%d]", c.Name, entry-c.From)
}

// picks reports whether the variable of that name stands in all of the route's paths.
func (r *Route) picks(variable string) bool {
	return len(r.Match) > 0 && !slices.ContainsFunc(r.Match, func(m Match) bool { return !m.Path.has(variable) })
}

// has reports whether a path has a variable.
func (p Path) has(variable string) bool {
	return slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Var == variable })
}

var casesRow = &row[*Route]{
	Key: Key{Name: "cases", In: []Place{InRoute}, Without: []string{"answers"}, Type: Type{Name: "mapping of names to lists of answers", Example: "{gateway: [{status: 504}, {status: 201}]}", Holds: InAnswer},
		Doc: "Variants of the answers: :case in the path picks one, without it the calls take them in turn."},
	read: func(l *loader, e entry, r *Route) {
		l.found(&r.Cases, e)
		if follow(e.value).Kind != yaml.MappingNode {
			l.fail(e.value, "expected cases as a mapping, got "+kind(follow(e.value)), "write {gateway: [{status: 504}, {status: 201}]}")
			return
		}
		r.Answers = nil
		for _, c := range l.entries(e.value) {
			caseName := follow(c.key).Value
			l.in(caseName, func() {
				if !token.MatchString(caseName) {
					l.fail(c.key, "a case's name stands in a path, got "+quote(caseName), "write letters, digits and dashes")
				}
				var list []Answer
				answers.read(l, c.value, &list)
				from := len(r.Answers)
				r.Answers = append(r.Answers, list...)
				r.Cases = append(r.Cases, Case{Pos: l.pos(c.key), Name: caseName, From: from, To: len(r.Answers)})
			})
		}
		if len(r.Cases) == 0 {
			l.fail(e.value, "there are no cases", "write answers where there is one list")
		}
	},
	write: func(p *printer, r *Route) (tree, bool) {
		out := tree{kind: treeMap}
		for _, c := range r.Cases {
			p.in(c.Name, func() { out.add(c.Name, answers.write(p, r.Answers[c.From:c.To])) })
		}
		return out, len(r.Cases) > 0
	},
}

// checkCases checks what routes, steps, triggers and checks say of cases.
func (l *loader) checkCases(s *Scenario) {
	var names []string
	for i := range s.Routes {
		r := &s.Routes[i]
		for _, c := range r.Cases {
			names = append(names, c.Name)
		}
		for _, m := range r.Match {
			if m.Path.has("case") && len(r.Cases) == 0 {
				l.at(fmt.Sprintf("routes[%d].match", i), m.Pos, ":case picks one of the route's cases, and it has none", "add cases, or call the variable otherwise", false)
			}
		}
		if len(r.Cases) > 0 && !r.picks("case") && slices.ContainsFunc(r.Match, func(m Match) bool { return m.Path.has("case") }) {
			l.failKey(l.spots[&r.Cases], "some of the route's paths have :case, and some do not", "make a route of each")
		}
		if r.Per == PerEvent && !r.picks("event") {
			l.failValue(l.spots[&r.Per], "per: event counts the attempts of each :event, and the path has none", "write match: POST /effects/:event")
		}
	}
	for i := range s.Drive {
		l.stepCases(s, &s.Drive[i])
	}
	defined := func(field any, given ...string) {
		for _, name := range given {
			if name != "" {
				l.defined(l.spots[field], name, "case", names)
			}
		}
	}
	for _, w := range s.whens() {
		defined(&w.Case, w.Case...)
	}
	for i := range s.Expect {
		e := &s.Expect[i]
		defined(&e.Case, e.Case)
		if p, ok := e.Params.(*SameAs); ok {
			defined(&p.Control, p.Control)
		}
	}
}

// stepCases gives a step whose path has :case the cases of the route that takes it, in the order of the file.
func (l *loader) stepCases(s *Scenario, step *Step) {
	for _, q := range step.Requests {
		if !q.Path.has("case") {
			continue
		}
		i := slices.IndexFunc(s.Routes, func(r Route) bool {
			return len(r.Cases) > 0 && r.picks("case") && slices.ContainsFunc(r.Match, func(m Match) bool { return m.takes(q.Method, step.host(s), q.Path) })
		})
		if i < 0 {
			l.at("drive", q.Pos, "no route with cases takes the request, so that nothing gives :case a value", "write a case's name, or a route with cases", false)
			continue
		}
		for _, c := range s.Routes[i].Cases {
			if !slices.Contains(step.Cases, c.Name) {
				step.Cases = append(step.Cases, c.Name)
			}
		}
	}
}
