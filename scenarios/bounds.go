package scenarios

import (
	"strings"
)

// Bounds is how many of something there may be, both ends included.
type Bounds struct {
	Least int
	Most  int // Unbounded: any number
}

// Unbounded is the upper end of bounds that have none.
const Unbounded = -1

// Holds reports whether n lies within the bounds.
func (b Bounds) Holds(n int) bool { return n >= b.Least && (b.Most == Unbounded || n <= b.Most) }

// String returns the bounds as a file writes them: 1, 0..1, 2...
func (b Bounds) String() string {
	least := number(float64(b.Least))
	switch b.Most {
	case b.Least:
		return least
	case Unbounded:
		return least + ".."
	}
	return least + ".." + number(float64(b.Most))
}

// boundsCodec reads how many of something there may be: 1, 0..1, 1.., ..2.
var boundsCodec = scalars(Type{Name: "count, or a range", Example: "1"}, parseBounds, Bounds.String)

func parseBounds(s string) (Bounds, *flaw) {
	const hint = "write 1, 0..1, 1.. or ..2"
	from, to, ranges := strings.Cut(s, "..")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	switch {
	case !ranges && !digits.MatchString(from):
		return Bounds{}, &flaw{"expected a count, or a range, got " + quote(s), hint}
	case !ranges:
		to = from
	case from == "" && to == "":
		return Bounds{}, &flaw{quote(s) + " has no end", hint}
	}
	b := Bounds{Most: Unbounded}
	for _, end := range []struct {
		text string
		at   *int
	}{{from, &b.Least}, {to, &b.Most}} {
		if end.text == "" {
			continue
		}
		n, f := whole(end.text, "a count", 0, maxCount)
		if f != nil {
			return Bounds{}, f
		}
		*end.at = int(n)
	}
	if b.Most != Unbounded && b.Most < b.Least {
		return Bounds{}, &flaw{quote(s) + " ends before it begins", "write " + to + ".." + from}
	}
	return b, nil
}
