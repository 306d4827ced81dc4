package plan

import (
	"slices"

	"brownout/scenarios"
)

// foresight is what can be said beforehand of a trigger.
type foresight uint8

const (
	no foresight = iota
	maybe
	yes
)

// known says whether a fault's triggers hold for an attempt, of which nothing but route, call, number and stretch of
// time is known.
func (x *explainer) known(f *fault, in *Input) foresight {
	w := &f.fault.When
	if !f.holdsCount(in) || !f.holdsCase(in) {
		return no
	}
	if w.Nth != nil || w.Every > 0 || w.ConnRequest != nil || w.Burst != nil || len(w.Header) > 0 || w.Body != nil || w.Client != nil {
		return min(maybe, x.inTime(f), x.onRoute(f, in.Route))
	}
	return min(x.inTime(f), x.onRoute(f, in.Route))
}

// knownOfConnection says whether a fault's triggers hold for a connection, of which nothing but ordinal and stretch of
// time is known.
func (x *explainer) knownOfConnection(f *fault, ordinal int) foresight {
	w := &f.fault.When
	if w.Burst != nil && !inAttempts(w.Burst) || w.Client != nil || len(w.Host) > 0 {
		return min(maybe, x.inTime(f))
	}
	if !f.holdsOrder(&Input{Route: -1, Nth: ordinal}) {
		return no
	}
	return x.inTime(f)
}

// inTime says whether a fault's phase and elapsed window hold, and its chance is one and the same, in all of the
// stretch.
func (x *explainer) inTime(f *fault) foresight {
	w := f.fault.When.Elapsed
	switch {
	case !f.holdsPhase(x.moment):
		return no
	case w != nil && x.timed && x.elapsed < w.From:
		return no
	case w != nil && x.timed && w.Every == 0 && !f.holdsElapsed(x.elapsed):
		return no
	case w != nil && (!x.timed || w.Every > 0), f.ramp != nil:
		return maybe
	}
	return yes
}

// onRoute says whether a fault's method, path and host hold for the attempts of a route.
func (x *explainer) onRoute(f *fault, index int) foresight {
	w := &f.fault.When
	if len(w.Method) == 0 && w.Path == nil && len(w.Host) == 0 {
		return yes
	}
	if index < 0 {
		return maybe
	}
	matches := x.scenario.Routes[index].Match
	lowest, highest := yes, no
	for i := range matches {
		s := onMatch(w, &matches[i])
		lowest, highest = min(lowest, s), max(highest, s)
	}
	if lowest != highest || len(matches) == 0 {
		return maybe
	}
	return lowest
}

// onMatch says whether a fault's method, path and host hold for what fits a match.
func onMatch(w *scenarios.When, m *scenarios.Match) foresight {
	s := yes
	if len(w.Method) > 0 {
		switch {
		case m.Method == "":
			s = maybe
		case !slices.Contains(w.Method, m.Method):
			return no
		}
	}
	if len(w.Host) > 0 {
		switch {
		case m.Host == "":
			s = maybe
		case !slices.Contains(w.Host, m.Host):
			return no
		}
	}
	if w.Path != nil {
		s = min(s, within(&m.Path, w.Path))
	}
	return s
}

// within says whether what fits one path template fits another too.
func within(inner, outer *scenarios.Path) foresight {
	s := yes
	for i := range outer.Segments {
		if i >= len(inner.Segments) {
			if inner.Rest {
				return maybe
			}
			return no
		}
		a, b := inner.Segments[i], outer.Segments[i]
		switch {
		case b.Var != "":
		case a.Var != "":
			s = maybe
		case a.Literal != b.Literal:
			return no
		}
	}
	if outer.Rest && (inner.Rest || len(inner.Segments) > len(outer.Segments)) {
		return s
	}
	if !outer.Rest && !inner.Rest && len(inner.Segments) == len(outer.Segments) {
		return s
	}
	return no
}
