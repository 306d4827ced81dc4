package journal

import (
	"strings"
	"sync/atomic"
)

// matcher tells whether a name fits one of its patterns. It may be used by several goroutines.
//
// A run sees few names, again and again: each is looked up once and then found by a hash, so that a long list of
// patterns costs a few nanoseconds a name. Names that find no slot free are looked up each time.
type matcher struct {
	patterns [][]string
	known    [knownSlots]atomic.Pointer[knownName]
}

const (
	knownSlots  = 256
	knownProbes = 8  // slots to look at for one name
	knownLength = 64 // bytes; a longer name is not kept
)

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
	h := nameHash(name)
	for i := range knownProbes {
		k := m.known[(h+i)%knownSlots].Load()
		if k == nil {
			break
		}
		if k.name == string(name) {
			return k.fits
		}
	}
	return m.look(h, string(name))
}

// look compares the name with each pattern, and keeps what came out if a slot is free.
func (m *matcher) look(h int, name string) bool {
	lower := strings.ToLower(strings.TrimSpace(name))
	fits := false
	for _, p := range m.patterns {
		fits = fits || fitsPattern(p, lower)
	}
	if len(name) > knownLength {
		return fits
	}
	k := &knownName{strings.Clone(name), fits}
	for i := range knownProbes {
		if m.known[(h+i)%knownSlots].CompareAndSwap(nil, k) {
			break
		}
	}
	return fits
}

// nameHash spreads names over the slots of a matcher.
func nameHash(name []byte) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return (n*61 + int(name[0])*31 + int(name[n/2])*7 + int(name[n-1])) % knownSlots
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
