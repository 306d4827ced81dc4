package scenarios

import (
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// Duplicate lets a proxy send a request to its upstream several times, so that one shows whether it is idempotent. The
// client gets the answer to the first copy.
type Duplicate struct {
	Pos    Pos
	Copies int           // at least 2
	After  time.Duration // between one copy and the next; 0: all at one instant
}

var duplicatePlace = &place[*Duplicate]{in: InDuplicate, example: "{copies: 3, after: 50ms}", rows: []*row[*Duplicate]{
	key(Key{Name: "copies", In: []Place{InDuplicate}, Required: true, Type: Type{Name: "number of copies", Example: "2"},
		Doc: "How many requests go to the upstream, the client's own among them."},
		copies, 0, func(d *Duplicate) *int { return &d.Copies }),
	key(Key{Name: "after", In: []Place{InDuplicate}, Default: "0s", Doc: "How long after one copy the next goes; else all go at one instant."},
		duration, 0, func(d *Duplicate) *time.Duration { return &d.After }),
}}

// mostCopies bounds the copies of a request: each has a connection of its own.
const mostCopies = 100

// copies is the codec of a number of copies.
var copies = scalars(Type{Name: "number of copies, or a mapping", Example: "2", Holds: InDuplicate}, func(s string) (int, *flaw) {
	n, f := whole(s, "a number of copies", 2, mostCopies)
	return int(n), f
}, strconv.Itoa)

// duplicate is the codec of copies of a request: 2, or {copies: 3, after: 50ms}.
var duplicate = &codec[*Duplicate]{
	kind: copies.kind,
	read: func(l *loader, n *yaml.Node, v **Duplicate) {
		before := len(l.errs)
		got := &Duplicate{}
		if follow(n).Kind == yaml.MappingNode {
			readMapping(l, n, duplicatePlace, got)
		} else {
			copies.read(l, n, &got.Copies)
		}
		if len(l.errs) == before {
			*v = got
		}
	},
	write: func(p *printer, v *Duplicate) tree {
		if v.After == 0 {
			return leaf(strconv.Itoa(v.Copies))
		}
		return writeMapping(p, duplicatePlace, v)
	},
}

// NeedsUpstream reports whether the scenario can only be played in front of an upstream, and names the first fault for
// which that is so.
func (s *Scenario) NeedsUpstream() (fault string, needs bool) {
	for i := range s.Faults {
		if s.Faults[i].Duplicate != nil {
			return s.Faults[i].Name, true
		}
	}
	return "", false
}

// checkDuplicate checks what copies stand beside.
func (l *loader) checkDuplicate(f *Fault) {
	e, ok := l.spots[&f.Duplicate]
	if !ok {
		return
	}
	if w := f.Answer.Wire; w != nil && w.At == AtRequestBody && w.Do != WireDrip {
		l.failKey(e, "duplicate cannot stand beside a wire fault at request-body, where the request does not reach the upstream", "write the wire fault before-headers")
	}
}
