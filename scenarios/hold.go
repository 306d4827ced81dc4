package scenarios

import (
	"time"

	"gopkg.in/yaml.v3"
)

// Hold is a gate: the attempts that get its answer wait until so many do, or for so long from the first on, and then get
// it at one instant. It opens once; those that come later do not wait.
type Hold struct {
	Pos      Pos
	Attempts int           // until so many wait; 0 with For set
	For      time.Duration // or for so long from the first on
	AtMost   time.Duration // opens the gate at the latest, so long after the first
}

var holdPlace = &place[*Hold]{in: InHold, example: "{until: 50 attempts, at_most: 10s}", rows: []*row[*Hold]{
	{
		Key: Key{Name: "until", In: []Place{InHold}, Required: true, Type: Type{Name: "number of attempts, or a duration", Example: "50 attempts"},
			Doc: "How many attempts wait when the gate opens, or how long after the first it does."},
		read: func(l *loader, e entry, h *Hold) {
			var s spell
			l.found(&h.Attempts, e)
			spellCodec.read(l, e.value, &s)
			if s.attempts != float64(int(s.attempts)) {
				l.fail(e.value, "a gate waits for a whole number of attempts", "")
			}
			h.Attempts, h.For = int(s.attempts), s.time
		},
		write: func(p *printer, h *Hold) (tree, bool) {
			return spellCodec.write(p, spell{h.For, float64(h.Attempts)}), true
		},
	},
	key(Key{Name: "at_most", In: []Place{InHold}, Required: true, Type: Type{Name: "duration", Example: "10s"},
		Doc: "The gate opens so long after the first at the latest; if that strikes, the run is inconclusive."},
		positiveDuration, 0, func(h *Hold) *time.Duration { return &h.AtMost }),
}}

// hold is the codec of a gate.
var hold = &codec[Hold]{
	kind: Type{Name: "mapping", Example: holdPlace.example, Holds: InHold},
	read: func(l *loader, n *yaml.Node, v *Hold) {
		readMapping(l, n, holdPlace, v)
		v.Pos = l.pos(n)
		if v.For > 0 && v.AtMost > 0 && v.For > v.AtMost {
			l.failValue(l.spots[&v.Attempts], "until is above at_most", "write at_most: "+showDuration(v.For)+" or more")
		}
	},
	write: func(p *printer, v Hold) tree { return writeMapping(p, holdPlace, &v) },
}
