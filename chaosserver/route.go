package chaosserver

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"brownout/scenarios"
)

// router tells which route answers a request: the first, in the order of the file, one of whose matches holds.
//
// A path without variables is looked up in a map, whose values are every match that fits that path, also those with
// variables that stand before or between the literal ones. gorilla/mux matches the other paths, template by template
// and through Route.Match, so that it redirects nothing on its own; a template whose literal beginning does not fit
// is not asked. A router is read-only and may be shared by goroutines.
//
// Paths are compared in one spelling: each segment unescaped, then escaped again. So /caf%c3%a9 is /café, and an
// escaped slash stays within its segment.
type router struct {
	literal   map[string][]candidate // by path
	templates []template             // in the order of the file
	asked     sync.Pool              // of *asked
}

// asked is what mux is asked with; it is used again, for mux needs a whole request to match a path.
type asked struct {
	request http.Request
	url     url.URL
	found   mux.RouteMatch
	vars    map[string]string // of found
}

// candidate is a match whose path is known to fit.
type candidate struct {
	order int // place among all matches of the file
	route int
	match *scenarios.Match
	vars  []pathVar
}

// template is a match whose path has variables.
type template struct {
	candidate
	begin    string // the path's text before its first variable
	segments int    // of the path; with rest at least as many
	rest     bool
	route    *mux.Route
}

// pathVar is a path variable and its value, unescaped.
type pathVar struct{ name, value string }

func newRouter(routes []scenarios.Route) (*router, error) {
	rt := &router{literal: make(map[string][]candidate)}
	rt.asked.New = func() any {
		a := &asked{vars: make(map[string]string)}
		a.request.URL = &a.url
		return a
	}
	m := mux.NewRouter().UseEncodedPath()
	var literals []candidate
	order := 0
	for i := range routes {
		for j := range routes[i].Match {
			match := &routes[i].Match[j]
			c := candidate{order: order, route: i, match: match}
			order++
			if match.Path.Literal() {
				literals = append(literals, c)
				continue
			}
			t, err := newTemplate(m, c)
			if err != nil {
				return nil, fmt.Errorf("routes[%d]: path %q: %w", i, match.Path.Text, err)
			}
			rt.templates = append(rt.templates, t)
		}
	}
	for _, c := range literals {
		p := canonical(c.match.Path.Text)
		rt.literal[p] = append(rt.literal[p], c)
	}
	for p, cs := range rt.literal {
		rt.literal[p] = rt.withTemplates(p, cs)
	}
	return rt, nil
}

// withTemplates adds the templates that fit the path, and returns all in the order of the file.
func (rt *router) withTemplates(path string, cs []candidate) []candidate {
	for i := range rt.templates {
		if vars, ok := rt.fits(&rt.templates[i], path); ok {
			c := rt.templates[i].candidate
			c.vars = vars
			cs = append(cs, c)
		}
	}
	sort.Slice(cs, func(i, j int) bool { return cs[i].order < cs[j].order })
	return cs
}

// newTemplate registers a path with mux in mux's own notation.
func newTemplate(m *mux.Router, c candidate) (template, error) {
	p := c.match.Path
	t := template{candidate: c, segments: len(p.Segments), rest: p.Rest}
	var b strings.Builder
	variable := false
	for _, s := range p.Segments {
		b.WriteByte('/')
		switch {
		case s.Var == "":
			b.WriteString(canonicalSegment(s.Literal))
		default:
			if !variable {
				t.begin, variable = b.String(), true
			}
			b.WriteString("{" + s.Var + "}")
		}
	}
	if p.Rest {
		b.WriteByte('/')
		if !variable {
			t.begin = b.String()
		}
		b.WriteString("{" + restVar + ":.*}")
	}
	t.route = m.NewRoute().Path(b.String())
	return t, t.route.GetError()
}

// restVar is mux's name for what a * stands for. No scenario can name a variable so.
const restVar = "*"

// fits reports whether the path, in its canonical spelling, fits the template, and returns its variables.
func (rt *router) fits(t *template, path string) ([]pathVar, bool) {
	if !strings.HasPrefix(path, t.begin) {
		return nil, false
	}
	if n := strings.Count(path, "/"); n < t.segments || n > t.segments && !t.rest {
		return nil, false
	}
	asked := rt.asked.Get().(*asked)
	defer rt.giveBack(asked)
	m, ok := asked.match(t.route, path)
	if !ok {
		return nil, false
	}
	vars := make([]pathVar, 0, len(m))
	for _, s := range t.match.Path.Segments {
		if s.Var == "" {
			continue
		}
		value, err := url.PathUnescape(m[s.Var])
		if err != nil {
			return nil, false
		}
		vars = append(vars, pathVar{s.Var, value})
	}
	return vars, true
}

// match reports whether a path fits a route of mux, and returns the variables, escaped. They are good until
// it is given back.
func (a *asked) match(r *mux.Route, path string) (map[string]string, bool) {
	a.url = url.URL{Path: path}
	if strings.Contains(path, "%") {
		plain, err := url.PathUnescape(path)
		if err != nil {
			return nil, false
		}
		a.url.Path, a.url.RawPath = plain, path
	}
	a.found = mux.RouteMatch{Vars: a.vars}
	return a.vars, r.Match(&a.request, &a.found)
}

// giveBack keeps what mux was asked with, and nothing of the request.
func (rt *router) giveBack(a *asked) {
	a.url, a.found = url.URL{}, mux.RouteMatch{}
	clear(a.vars)
	rt.asked.Put(a)
}

// request is what a router needs to know of a request.
type request struct {
	method string
	path   string // as on the wire, less the prefix that names the call
	header http.Header
	body   []byte
	host   string // that it came to
}

// find returns the route that answers the request, -1 where none does, and its path variables.
func (rt *router) find(r request) (int, []pathVar) {
	path := canonical(r.path)
	if cs, ok := rt.literal[path]; ok {
		for i := range cs {
			if holds(cs[i].match, r) {
				return cs[i].route, cs[i].vars
			}
		}
		return -1, nil
	}
	for i := range rt.templates {
		t := &rt.templates[i]
		if vars, ok := rt.fits(t, path); ok && holds(t.match, r) {
			return t.candidate.route, vars
		}
	}
	return -1, nil
}

// holds reports whether all parts of the match but its path hold.
func holds(m *scenarios.Match, r request) bool {
	if m.Method != "" && m.Method != r.method || m.Host != "" && m.Host != r.host {
		return false
	}
	for i := range m.Header {
		h := &m.Header[i]
		if !slices.ContainsFunc(r.header.Values(h.Name), h.Fits) {
			return false
		}
	}
	return m.Body == nil || m.Body.Fits(string(r.body))
}

// canonical returns the one spelling in which paths are compared.
func canonical(path string) string {
	if isCanonical(path) {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = canonicalSegment(s)
	}
	return strings.Join(segments, "/")
}

// canonicalSegment spells one segment. What is no valid escape stands for itself.
func canonicalSegment(s string) string {
	if isCanonical(s) {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return url.PathEscape(s)
}

// isCanonical reports whether a path consists of bytes that its canonical spelling keeps.
func isCanonical(path string) bool {
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '/', c == '-', c == '_', c == '.', c == '~', c == '$', c == '&', c == '+', c == '=', c == ':', c == '@':
		default:
			return false
		}
	}
	return true
}
