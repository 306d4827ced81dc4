package plan

import (
	"slices"
	"strings"
	"time"

	"brownout/scenarios"
)

// holds reports whether all triggers of a fault hold for an attempt.
func (f *fault) holds(in *Input, m moment) bool {
	return !f.when || f.holdsCount(in) && f.holdsCase(in) && f.holdsPhase(m) && f.holdsElapsed(in.Elapsed) && f.holdsOrder(in) && f.holdsRequest(in)
}

// holdsCount reports whether the triggers hold that look at the numbers of call and attempt alone.
func (f *fault) holdsCount(in *Input) bool {
	w := &f.fault.When
	return (w.Attempt == nil || w.Attempt.Holds(in.Attempt)) && (w.Call == nil || w.Call.Holds(in.Call))
}

// holdsPhase reports whether the phase is one of those that the fault names, if it names any.
func (f *fault) holdsPhase(m moment) bool {
	return f.phases == nil || m.phase >= 0 && f.phases[m.phase]
}

// holdsElapsed reports whether the instant lies in the fault's window, if it has one.
func (f *fault) holdsElapsed(elapsed time.Duration) bool {
	w := f.fault.When.Elapsed
	return w == nil || inWindow(w, elapsed)
}

// inWindow reports whether an instant lies in a window.
func inWindow(w *scenarios.Window, elapsed time.Duration) bool {
	if elapsed < w.From || w.To > 0 && elapsed >= w.To {
		return false
	}
	return w.Every <= 0 || (elapsed-w.From)%w.Every < w.For
}

// holdsOrder reports whether the triggers hold that look at the order of arrival, and at bursts.
func (f *fault) holdsOrder(in *Input) bool {
	w := &f.fault.When
	switch {
	case w.Nth != nil && !w.Nth.Holds(in.Nth):
		return false
	case w.Every > 0 && (in.Nth == 0 || in.Nth%w.Every != 0):
		return false
	case w.ConnRequest != nil && (in.ConnRequest == 0 || !w.ConnRequest.Holds(in.ConnRequest)):
		return false
	case w.Burst == nil:
		return true
	case inAttempts(w.Burst):
		return f.bursts[in.Route+1].at(int64(in.Nth) - 1)
	}
	return f.bursts[0].at(int64(in.Elapsed))
}

// holdsRequest reports whether the triggers hold that look into the request.
func (f *fault) holdsRequest(in *Input) bool {
	w := &f.fault.When
	switch {
	case len(w.Method) > 0 && !slices.Contains(w.Method, in.Method):
		return false
	case w.Path != nil && !matchPath(w.Path, in.Path):
		return false
	case w.Client != nil && !w.Client.Fits(in.Client):
		return false
	case len(w.Host) > 0 && !slices.Contains(w.Host, in.Host):
		return false
	}
	for i := range w.Header {
		if !matchHeader(&w.Header[i], in.Header) {
			return false
		}
	}
	return w.Body == nil || w.Body.Fits(string(in.Body))
}

// matchHeader reports whether one of the fields of the name fits.
func matchHeader(m *scenarios.HeaderMatch, header func(string) []string) bool {
	if header == nil {
		return false
	}
	return slices.ContainsFunc(header(m.Name), m.Fits)
}

// matchPath reports whether a path fits a template: literal segments are equal, a variable takes one segment that
// is not empty, and the rest takes what is left, also nothing.
func matchPath(p *scenarios.Path, path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	for i := range p.Segments {
		if i > 0 {
			if rest, ok = strings.CutPrefix(rest, "/"); !ok {
				return false
			}
		}
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if s := &p.Segments[i]; s.Var == "" && s.Literal != rest[:end] || s.Var != "" && end == 0 {
			return false
		}
		rest = rest[end:]
	}
	if !p.Rest {
		return rest == ""
	}
	return len(p.Segments) == 0 || strings.HasPrefix(rest, "/")
}
