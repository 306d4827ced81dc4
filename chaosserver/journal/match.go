package journal

import (
	"strings"
	"sync/atomic"
)

// matcher tells whether a name fits one of its patterns. It may be used by several goroutines.
//
// A run sees few names, again and again: each is looked up once and then found by its hash, so that a long list of
// patterns costs a few nanoseconds a name.
type matcher struct {
	patterns [][]string
	known    [256]atomic.Pointer[knownName]
}

type knownName struct {
	name string
	fits bool
}

// compilePatterns splits each pattern, in lower case, at its stars.
func compilePatterns(list []string) [][]string {
	var out [][]string
	for _, p := range list {
		out = append(out, strings.Split(strings.ToLower(p), "*"))
	}
	return out
}

// match reports whether the name fits, whatever its case.
func (m *matcher) match(name []byte) bool {
	slot := &m.known[nameHash(name)]
	if k := slot.Load(); k != nil && k.name == string(name) {
		return k.fits
	}
	return m.look(slot, string(name))
}

// matchString is match for a string.
func (m *matcher) matchString(name string) bool {
	slot := &m.known[nameHash(name)]
	if k := slot.Load(); k != nil && k.name == name {
		return k.fits
	}
	return m.look(slot, name)
}

func (m *matcher) look(slot *atomic.Pointer[knownName], name string) bool {
	const longest = 64 // bytes; a longer name is looked up each time
	lower := strings.ToLower(strings.TrimSpace(name))
	fits := false
	for _, p := range m.patterns {
		fits = fits || fitsPattern(p, lower)
	}
	if len(name) <= longest {
		slot.Store(&knownName{strings.Clone(name), fits})
	}
	return fits
}

// nameHash spreads the names of header fields over the slots of a matcher.
func nameHash[T string | []byte](name T) uint8 {
	h := uint32(len(name))
	for i := 0; i < len(name); i++ {
		h = h*31 + uint32(name[i])
	}
	return uint8(h ^ h>>8 ^ h>>16)
}

// fitsPattern reports whether name is the parts in turn, with any characters between one and the next.
func fitsPattern(parts []string, name string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return name == first
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return true
}
