package scenarios

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	variable   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	braced     = regexp.MustCompile(`\{([^{}/]*)\}`)
	token      = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	methods    = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
	pathType   = Type{Name: "path", Example: "/items/:id"}
	methodType = Type{Name: "method", Example: "GET"}
)

// parsePath reads a path template.
func parsePath(s string) (Path, *flaw) {
	if !strings.HasPrefix(s, "/") {
		if strings.Contains(s, "://") {
			return Path{}, &flaw{quote(s) + " is no path", "write the path alone, without scheme and host"}
		}
		return Path{}, &flaw{quote(s) + " is no path, for it does not begin with a slash", "write /" + s}
	}
	if fixed := braced.ReplaceAllString(s, ":$1"); fixed != s {
		return Path{}, &flaw{"a path variable is not written in braces, got " + quote(s), "write " + fixed}
	}
	if i := strings.IndexAny(s, "?# \t"); i >= 0 {
		return Path{}, &flaw{quote(s) + " holds more than a path", "write " + s[:i]}
	}
	p := Path{Text: s}
	parts := strings.Split(s[1:], "/")
	seen := map[string]bool{}
	for i, part := range parts {
		switch {
		case part == "*" && i == len(parts)-1:
			p.Rest = true
			return p, nil
		case part == "" && i < len(parts)-1:
			return Path{}, &flaw{quote(s) + " holds an empty segment", "write one slash between segments"}
		case strings.Contains(part, "*"):
			return Path{}, &flaw{"* is the rest of a path, and stands alone at its end, got " + quote(s), ""}
		case strings.HasPrefix(part, ":"):
			name := part[1:]
			if !variable.MatchString(name) {
				return Path{}, &flaw{quote(part) + " is no path variable", "a name is letters, digits and _, and one whole segment"}
			}
			if seen[name] {
				return Path{}, &flaw{"the variable :" + name + " stands twice in " + quote(s), ""}
			}
			seen[name] = true
			p.Segments = append(p.Segments, Segment{Var: name})
		case strings.Contains(part, ":") && variable.MatchString(part[strings.Index(part, ":")+1:]):
			return Path{}, &flaw{quote(part) + " mixes a text and a variable", "a variable is one whole segment"}
		default:
			p.Segments = append(p.Segments, Segment{Literal: part})
		}
	}
	return p, nil
}

// path is the codec of a path template.
var path = &codec[Path]{
	kind: pathType,
	read: func(l *loader, n *yaml.Node, v *Path) {
		if s, ok := l.scalar(n, pathType); ok {
			l.readPath(n, s, v)
		}
	},
	write: func(_ *printer, v Path) tree { return textLeaf(v.Text) },
}

func (l *loader) readPath(n *yaml.Node, s string, v *Path) bool {
	return set(l, n, v, s, parsePath)
}

// method is the codec of a request method.
var method = scalars(methodType, parseMethod, func(s string) string { return s })

func parseMethod(s string) (string, *flaw) {
	upper := strings.ToUpper(s)
	for _, m := range methods {
		if upper == m && s != m {
			return "", &flaw{"a method is written in capitals, got " + quote(s), "write " + m}
		}
		if s == m {
			return s, nil
		}
	}
	if near := Suggest(s, methods); near != "" {
		return "", &flaw{quote(s) + " is no method", "did you mean " + quote(near) + "?"}
	}
	if !token.MatchString(s) || s != upper {
		return "", &flaw{quote(s) + " is no method", "one of " + join(methods)}
	}
	return s, nil
}

// anyPath is the path of a match that names none.
var anyPath = Path{Text: "/*", Rest: true}

var matchType = Type{Name: "match", Example: "GET /items/:id", Holds: InMatch}

// match is the codec of one match: [METHOD] /path, or a mapping.
var match = &codec[Match]{
	kind: matchType,
	read: func(l *loader, n *yaml.Node, v *Match) {
		if follow(n).Kind == yaml.MappingNode {
			readMapping(l, n, matchPlace, v)
			v.Pos = l.pos(n)
			return
		}
		s, ok := l.scalar(n, matchType)
		if !ok {
			return
		}
		v.Pos = l.pos(n)
		l.requestLine(n, s, &v.Method, &v.Path)
	},
	write: func(p *printer, v Match) tree {
		if len(v.Header) == 0 && v.Body == nil && v.Host == "" {
			return textLeaf(strings.TrimSpace(v.Method + " " + v.Path.Text))
		}
		return writeMapping(p, matchPlace, &v)
	},
}

// requestLine reads "METHOD /path", with the method optional, and reports whether it could.
func (l *loader) requestLine(n *yaml.Node, s string, m *string, p *Path) bool {
	first, rest, two := strings.Cut(s, " ")
	if !two && !strings.HasPrefix(s, "/") && strings.ToUpper(s) == s && token.MatchString(s) {
		l.fail(n, quote(s)+" has no path", "write "+s+" /path")
		return false
	}
	if two && !strings.HasPrefix(first, "/") {
		if !set(l, n, m, first, parseMethod) {
			return false
		}
		s = strings.TrimSpace(rest)
	}
	return l.readPath(n, s, p)
}

var matchPlace = &place[*Match]{in: InMatch, rows: []*row[*Match]{
	key(Key{Name: "method", In: []Place{InMatch}, Doc: "The request's method; none: any."},
		method, "", func(m *Match) *string { return &m.Method }),
	key(Key{Name: "path", In: []Place{InMatch}, Doc: "The request's path: :name is one whole segment, * the rest; none: any."},
		path, anyPath, func(m *Match) *Path { return &m.Path }),
	key(Key{Name: "header", In: []Place{InMatch}, Doc: "Fields that the request must have: name to text (contains), or to /regexp/."},
		headerMatches, nil, func(m *Match) *[]HeaderMatch { return &m.Header }),
	key(Key{Name: "body", In: []Place{InMatch}, Doc: "What the body must contain, or the /regexp/ that it must match."},
		optional(textMatch), nil, func(m *Match) **TextMatch { return &m.Body }),
	key(Key{Name: "host", In: []Place{InMatch}, Doc: "The host of server.hosts that it came to; none: any."},
		hostName, "", func(m *Match) *string { return &m.Host }),
}}

var textMatchType = Type{Name: "text, or a /regexp/", Example: "card"}

// textMatch is the codec of a text that must be contained, or a /regexp/.
var textMatch = &codec[TextMatch]{
	kind: textMatchType,
	read: func(l *loader, n *yaml.Node, v *TextMatch) {
		s, ok := l.scalar(n, textMatchType)
		if !ok {
			return
		}
		got := TextMatch{Pos: l.pos(n), Text: s, Contains: s}
		if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
			re, err := regexp.Compile(s[1 : len(s)-1])
			if err != nil {
				msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
				l.fail(n, "the regular expression is wrong: "+msg, "")
				return
			}
			got.Contains, got.Regexp = "", Regexp{re}
		}
		if s == "" {
			l.fail(n, "an empty text is in every text", "")
			return
		}
		*v = got
	},
	write: func(_ *printer, v TextMatch) tree { return textLeaf(v.Text) },
}

// headerMatches is the codec of the fields that a request must have.
var headerMatches = &codec[[]HeaderMatch]{
	kind: Type{Name: "mapping of names to texts", Example: "{Content-Type: json}"},
	read: func(l *loader, n *yaml.Node, v *[]HeaderMatch) {
		if follow(n).Kind != yaml.MappingNode {
			l.want(n, Type{Name: "mapping of names to texts", Example: "{Content-Type: json}"})
			return
		}
		for _, e := range l.entries(n) {
			h := HeaderMatch{Name: follow(e.key).Value}
			l.in(h.Name, func() {
				l.headerName(e.key)
				textMatch.read(l, e.value, &h.TextMatch)
			})
			*v = append(*v, h)
		}
	},
	write: func(_ *printer, v []HeaderMatch) tree {
		t := tree{kind: treeMap}
		for _, h := range v {
			t.add(h.Name, textLeaf(h.Text))
		}
		return t
	},
}

func (l *loader) headerName(n *yaml.Node) {
	if name := follow(n).Value; !token.MatchString(name) {
		l.fail(n, quote(name)+" is no header name", "")
	}
}
