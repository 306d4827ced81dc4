package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"brownout/scenarios"
)

// caseOf is the name of the case that a call is of: of the entry that answered it, else the one that its path names, else
// the one whose turn it was; "" where its route has no cases.
func (e *evidence) caseOf(c *call) string {
	r := e.routes[c.route()]
	if r == nil || len(r.Cases) == 0 {
		return ""
	}
	if len(c.atts) == 0 && c.lost != nil && c.lost.variant != "" {
		return c.lost.variant
	}
	for _, a := range c.atts {
		if a.Entry >= 0 && a.Entry < len(r.Answers) {
			return r.Cases[r.CaseOf(a.Entry)].Name
		}
	}
	if a := c.first(); a != nil {
		path, _, _ := strings.Cut(a.Target, "?")
		for i := range r.Match {
			if name := segmentOf(r.Match[i].Path, path, "case"); name != "" {
				return name
			}
		}
	}
	return r.Cases[(max(c.no, 1)-1)%len(r.Cases)].Name
}

// segmentOf is the segment of a path that stands in a variable's place; "" where there is none.
func segmentOf(p scenarios.Path, path, variable string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range p.Segments {
		if s.Var == variable && i < len(segments) {
			return segments[i]
		}
	}
	return ""
}

// sameAs judges whether the calls of each case behave as those of the control case on their route do.
func sameAs(s *scope, p *scenarios.SameAs) *opinion {
	compare, within := p.Compare, float64(p.Within)
	if compare == nil {
		compare = []string{"attempts", "outcome"}
	}
	groups, names := make(map[string][]*call), []string(nil)
	for _, c := range s.calls {
		name := s.caseOf(c)
		if name == "" || name == p.Control {
			continue
		}
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], c)
	}
	control := s.controls(p.Control)
	switch {
	case len(control) == 0:
		return unseen("no call was of the control case %s", p.Control)
	case len(names) == 0:
		return unseen("no call was of another case than the control case %s", p.Control)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, what := range compare {
			if o := s.differs(what, name, groups[name], p.Control, control, within); o != nil {
				return o
			}
		}
	}
	return pass("same_as %s: %s", p.Control, strings.Join(names, ", "))
}

// controls are the calls of the control case, on the expectation's route and in its phase.
func (s *scope) controls(control string) []*call {
	var in []*call
	for _, c := range s.clear {
		if s.caseOf(c) == control && (s.expect.Route == "" || c.route() == s.expect.Route) &&
			(s.expect.Phase == "" || c.phase() == s.expect.Phase) {
			in = append(in, c)
		}
	}
	return in
}

// differs compares one thing of two groups of calls. It returns the opinion that they differ in it; nil where they do not.
func (s *scope) differs(what, name string, calls []*call, control string, controls []*call, within float64) *opinion {
	var got, want float64
	var say func(float64) string
	allowed := 0.0
	late := time.Duration(0)
	switch what {
	case "attempts":
		got, want = s.meanAttempts(calls), s.meanAttempts(controls)
		say = func(v float64) string { return factor(v) + " attempts per call" }
		allowed = within * want
	case "outcome":
		got, want = shareGood(calls), shareGood(controls)
		say = func(v float64) string { return fmt.Sprintf("%.0f%% of its calls succeed", 100*v) }
		allowed = within
	case "gaps":
		a, b := s.meanGap(calls), s.meanGap(controls)
		got, want = float64(a), float64(b)
		say = func(v float64) string { return "waits of " + milliseconds(time.Duration(v)) }
		allowed = within*want + float64(early)
		late = s.worstLateness(append(slices.Clone(calls), controls...))
	case "pace":
		got, want = s.pace(calls), s.pace(controls)
		say = func(v float64) string { return factor(v) + " attempts a second" }
		allowed = within * want
		late = s.worstLateness(append(slices.Clone(calls), controls...))
	}
	if math.Abs(got-want) <= allowed {
		return nil
	}
	sentence := fmt.Sprintf("Case %s is not as the control case %s: %s, not %s.", name, control, say(got), say(want))
	if float64(late) > allowed && late > early {
		o := unseen("%s, but the machine itself was late", strings.TrimSuffix(lower(sentence), "."))
		o.Lateness = true
		return o
	}
	o := fail("%s", sentence)
	o.note = fmt.Sprintf("%s differ", what)
	if len(calls[0].atts) > 0 {
		o.Proof = s.prove(calls[0], nil, calls[0].atts[len(calls[0].atts)-1])
		o.Cause = s.cause(calls[0].atts[0])
	}
	o.Others = others(calls)
	return o
}

func (s *scope) meanAttempts(calls []*call) float64 {
	n := 0
	for _, c := range calls {
		n += len(s.attempts(c))
	}
	return float64(n) / float64(len(calls))
}

// shareGood is the share of calls whose last attempt got a whole 2xx.
func shareGood(calls []*call) float64 {
	good := 0
	for _, c := range calls {
		if n := len(c.atts); n > 0 && whole2xx(c.atts[n-1]) {
			good++
		}
	}
	return float64(good) / float64(len(calls))
}

// meanGap is the mean of all waits of the calls; 0 where there were none.
func (s *scope) meanGap(calls []*call) time.Duration {
	var ds []time.Duration
	for _, c := range calls {
		atts := s.attempts(c)
		for k := 0; k+1 < len(atts); k++ {
			if atts[k+1].First >= atts[k].Sent {
				ds = append(ds, atts[k+1].First-atts[k].Sent)
			}
		}
	}
	return mean(ds)
}

// pace is how many attempts a second the calls made together, from the first to the last; 0 for one attempt.
func (s *scope) pace(calls []*call) float64 {
	n := 0
	for _, c := range calls {
		n += len(s.attempts(c))
	}
	from, to := s.span(calls)
	if to <= from {
		return 0
	}
	return float64(n-1) / (to - from).Seconds()
}

// span is the time from the calls' first attempt to their last.
func (s *scope) span(calls []*call) (from, to time.Duration) {
	from = forever
	for _, c := range calls {
		for _, a := range c.atts {
			from, to = min(from, a.First), max(to, a.First)
		}
	}
	return from, to
}

// worstLateness is the machine's worst lateness while the calls were made.
func (s *scope) worstLateness(calls []*call) time.Duration {
	from, to := s.span(calls)
	return s.lateness(from, to)
}
