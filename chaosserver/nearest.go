package chaosserver

import (
	"fmt"
	"slices"
	"strings"

	"brownout/scenarios"
)

// nearest says in words which route comes nearest to a request that none matches, and what keeps it from matching:
// the path weighs more than the method, and both more than header and body. It is empty where there are no routes.
func nearest(routes []scenarios.Route, r request) string {
	var best *scenarios.Match
	least := 0
	for i := range routes {
		for j := range routes[i].Match {
			m := &routes[i].Match[j]
			if d := distance(m, r); best == nil || d < least {
				best, least = m, d
			}
		}
	}
	if best == nil {
		return ""
	}
	return fmt.Sprintf("nearest is %s%s", matchText(best), difference(best, r))
}

// matchText writes a match's method and path.
func matchText(m *scenarios.Match) string {
	if m.Method == "" {
		return m.Path.Text
	}
	return m.Method + " " + m.Path.Text
}

// difference says what keeps a match from holding, beyond what the texts of both show.
func difference(m *scenarios.Match, r request) string {
	switch {
	case pathDistance(m.Path, r.path) > 0:
		return ""
	case m.Method != "" && m.Method != r.method:
		return ", which has another method"
	case m.Host != "" && m.Host != r.host:
		return " at host " + m.Host
	case len(m.Header) > 0 && m.Body != nil:
		return ", whose header or body does not match"
	case len(m.Header) > 0:
		return ", whose header does not match"
	case m.Body != nil:
		return ", whose body does not match"
	}
	return ""
}

// distance is how far a request is from a match. One letter of a path counts 4, another method 3, another
// host 2, a header or body that does not match 1.
func distance(m *scenarios.Match, r request) int {
	d := 4 * pathDistance(m.Path, r.path)
	if m.Method != "" && m.Method != r.method {
		d += 3
	}
	if m.Host != "" && m.Host != r.host {
		d += 2
	}
	if len(m.Header) > 0 || m.Body != nil {
		d++
	}
	return d
}

// maxCompared bounds the bytes of a request's segment that are compared, so that the time for a hostile path is
// bounded.
const maxCompared = 128

// pathDistance is how many letters must change to turn the path into one that fits; a variable takes any segment.
func pathDistance(p scenarios.Path, path string) int {
	segments := strings.SplitN(strings.TrimPrefix(canonical(path), "/"), "/", 64)
	d := 0
	if len(segments) > 1 { // two slashes for one are a slip of one letter
		all := len(segments)
		segments = slices.DeleteFunc(segments, func(s string) bool { return s == "" })
		d = all - len(segments)
	}
	for i, s := range p.Segments {
		switch {
		case i >= len(segments):
			d += 1 + len(s.Literal)
		case s.Var != "":
			if segments[i] == "" {
				d++
			}
		default:
			d += editDistance(canonicalSegment(s.Literal), segments[i][:min(len(segments[i]), maxCompared)])
		}
	}
	if p.Rest {
		return d
	}
	for _, s := range segments[min(len(p.Segments), len(segments)):] {
		d += 1 + len(s)
	}
	return d
}

// editDistance is the Levenshtein distance of two texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
