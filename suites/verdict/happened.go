package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brownout/scenarios"
)

// unwritten is the name of what holds without being written under expect.
const unwritten = "must have happened"

// mustHaveHappened names what the scenario holds and the run never reached: a client that never called, scripted
// answers on routes that were called, faults, phases. A run that missed one tested less than its author wrote.
func (e *evidence) mustHaveHappened() []Finding {
	if (e.neverCalled() || e.untrusted) && !e.webhooksAlone() {
		return []Finding{e.notCalled()}
	}
	e.markConns()
	e.markPorts()
	idle := e.markIdle()
	r, longest := e.reached, e.longest()
	findings := e.missedDeliveries()
	for i := range e.scenario.Routes {
		findings = append(findings, e.missedAnswers(&e.scenario.Routes[i], longest)...)
	}
	for i := range e.scenario.Faults {
		if f := &e.scenario.Faults[i]; !f.Optional && !r.struck[i] && !(f.Chance.Set && r.drawn[i]) {
			findings = append(findings, missed(f.Pos, e.missedFault(f, r.drawn[i])))
		}
	}
	findings = append(findings, e.shutGates()...)
	findings = append(append(findings, idle...), e.missedPhases()...)
	if failed := e.handshakes(); failed != "" {
		findings = append(findings, Finding{Check: unwritten, Outcome: Info, Sentence: failed + ".", Hint: trustHint})
	}
	if len(e.strays) > 0 {
		findings = append(findings, Finding{Check: unwritten, Outcome: Info,
			Sentence: fmt.Sprintf("%s matched no route: %s.", plural(len(e.strays), "request"), e.seenInstead().listed(3))})
	}
	return findings
}

// missed is the finding on something that was not reached.
func missed(pos scenarios.Pos, sentence string) Finding {
	return Finding{Check: unwritten, Outcome: Inconclusive, Sentence: sentence, Expect: Note{Pos: pos, Text: "never reached"}}
}

// neverCalled reports whether no call reached the wire.
func (e *evidence) neverCalled() bool {
	for i := range e.calls {
		if len(e.calls[i].atts) > 0 {
			return false
		}
	}
	return true
}

// longest is how many attempts the longest call on each route had.
func (e *evidence) longest() map[string]int {
	by := make(map[string]int)
	name, most := "", 0 // of the call before, so that only what changes is looked up
	for i := range e.calls {
		c := &e.calls[i]
		if route := c.route(); route != name {
			by[name] = most
			name, most = route, by[route]
		}
		most = max(most, len(c.atts))
	}
	by[name] = most
	return by
}

// missedAnswers names the entries of a called route that no call got to. The last repeats, and need not be reached.
func (e *evidence) missedAnswers(route *scenarios.Route, by map[string]int) []Finding {
	longest := by[route.Name]
	if longest == 0 || e.routes[route.Name] != route {
		return nil
	}
	var findings []Finding
	for list := range max(len(route.Cases), 1) {
		from, to := route.List(list)
		if len(route.Cases) > 0 && !slices.Contains(e.reached.entries[route.Name][from:to], true) {
			findings = append(findings, e.missedCase(route, &route.Cases[list])...)
			continue
		}
		for i := from; i < to-1; i++ {
			if a := &route.Answers[i]; !a.Optional && !e.reached.entries[route.Name][i] {
				why := "the longest call had " + plural(longest, "attempt")
				if e.reached.stored[route.Name] {
					why += ", and stored answers took the turn of entries"
				}
				findings = append(findings, missed(a.Pos, fmt.Sprintf("%s (%s) of %s was never given: %s",
					route.EntryName(i), scriptedWord(a), route.Name, why)))
			}
		}
	}
	return findings
}

// missedCase names a case that no call visited. A client that is not driven visits what it likes.
func (e *evidence) missedCase(route *scenarios.Route, c *scenarios.Case) []Finding {
	f := missed(c.Pos, fmt.Sprintf("case %s of %s was never visited", c.Name, route.Name))
	if len(e.results) == 0 && len(e.exits) == 0 {
		f.Outcome = Skip
	}
	return []Finding{f}
}

// scriptedWord is a scripted answer in a word: "503", "reset".
func scriptedWord(a *scenarios.Answer) string {
	if a.Wire == nil || a.Wire.LeavesWhole() {
		return fmt.Sprint(a.Status)
	}
	switch a.Wire.Do {
	case scenarios.WireRST:
		return "reset"
	case scenarios.WireFIN:
		return "close"
	}
	return a.Wire.Do.String()
}

// missedFault says why a fault never struck.
func (e *evidence) missedFault(f *scenarios.Fault, drawn bool) string {
	if e.neverIdle(f) {
		return fmt.Sprintf("%s never struck: no connection stayed open and idle for %s", f.Name, short(f.Answer.Wire.Wait))
	}
	if drawn {
		return f.Name + " never struck: a fault before it answered each time"
	}
	if w := f.When.Elapsed; w != nil && w.From > e.end {
		return fmt.Sprintf("%s begins at %s, the run ended at %s", f.Name, short(w.From), short(e.end))
	}
	if len(f.When.Phase) > 0 {
		if from, timed := e.phaseBegins(f.When.Phase[0]); timed && from > e.end {
			return fmt.Sprintf("%s begins at %s, the run ended at %s", f.Name, short(from), short(e.end))
		}
	}
	if f.Refuses() {
		return e.neverRefused(f)
	}
	if f.OnConnection() {
		return fmt.Sprintf("%s never struck: none of %s met its when", f.Name, plural(len(e.log.Conns), "connection"))
	}
	return fmt.Sprintf("%s never struck: none of %s met its when", f.Name, plural(len(e.log.Attempts), "attempt"))
}

// phaseBegins is when a phase begins; timed is false where phases before it are as long as so many attempts take.
func (e *evidence) phaseBegins(name string) (at time.Duration, timed bool) {
	for _, p := range e.scenario.Phases {
		if p.Name == name {
			return at, true
		}
		if p.Attempts > 0 {
			return 0, false
		}
		at += p.For
	}
	return 0, false
}

// missedPhases names the phases in which no attempt came.
func (e *evidence) missedPhases() []Finding {
	var findings []Finding
	begins, counted := time.Duration(0), 0
	for _, p := range e.scenario.Phases {
		if !p.Optional && !e.reached.phases[p.Name] {
			findings = append(findings, missed(p.Pos, e.missedPhase(&p, begins, counted)))
		}
		begins += p.For
		counted += p.Attempts
	}
	return findings
}

// missedPhase says why no attempt came in a phase that begins after so much time and so many attempts.
func (e *evidence) missedPhase(p *scenarios.Phase, begins time.Duration, counted int) string {
	switch {
	case counted >= len(e.log.Attempts):
		return fmt.Sprintf("%s begins after %s, the run had %d", p.Name, plural(counted, "attempt"), len(e.log.Attempts))
	case counted > 0:
		return fmt.Sprintf("no attempt came in %s", p.Name)
	case begins > e.end:
		return fmt.Sprintf("%s begins at %s, the run ended at %s", p.Name, short(begins), short(e.end))
	case p.For > 0:
		return fmt.Sprintf("no attempt came in %s, from %s to %s", p.Name, short(begins), short(begins+p.For))
	}
	return fmt.Sprintf("no attempt came in %s, from %s on", p.Name, short(begins))
}

// notCalled is the finding on a client that called no route.
func (e *evidence) notCalled() Finding {
	f := Finding{Check: unwritten, Outcome: Inconclusive, Sentence: "the client never called", Expect: Note{Text: "no request came here"}}
	distrusted, hint := e.distrusted()
	if distrusted != "" {
		f.Sentence, f.Hint = distrusted+", and so never called", hint
	}
	if len(e.scenario.Routes) > 0 {
		var names []string
		for _, r := range e.scenario.Routes {
			names = append(names, routeName(&r))
		}
		if more := len(names) - 3; more > 0 {
			names = append(names[:3], fmt.Sprintf("%d other routes", more))
		}
		f.Sentence += " " + list(names, "or")
		f.Expect.Pos = e.scenario.Routes[0].Pos
		if len(e.scenario.Routes[0].Match) > 0 {
			f.Expect.Pos = e.scenario.Routes[0].Match[0].Pos
		}
	}
	f.Sentence += "."
	switch {
	case distrusted != "":
	case len(e.strays) > 0:
		f.Sentence += " Seen instead: " + e.seenInstead().listed(3) + "."
		f.Hint = e.nearestMiss()
	case len(e.log.Conns) > 0:
		f.Sentence += fmt.Sprintf(" It opened %s and sent no request.", plural(len(e.log.Conns), "connection"))
	case len(e.log.Ports) > 0:
		f.Sentence += " The port was closed; of a connection that is refused nothing is seen."
	}
	return f
}

// routeName names a route as its match does: POST /v1/charges.
func routeName(r *scenarios.Route) string {
	if len(r.Match) == 0 {
		return r.Name
	}
	return strings.TrimSpace(r.Match[0].Method + " " + r.Match[0].Path.Text)
}

// seenInstead counts the requests that matched no route.
func (e *evidence) seenInstead() *tally {
	var t tally
	for _, a := range e.strays {
		path, _, _ := strings.Cut(a.Target, "?")
		t.add(a.Method + " " + path)
	}
	return &t
}

// nearestMiss asks whether the scenario meant what the client called.
func (e *evidence) nearestMiss() string {
	var best *attempt
	near := -1
	question := ""
	for _, a := range e.strays {
		path, _, _ := strings.Cut(a.Target, "?")
		for i := range e.scenario.Routes {
			for _, m := range e.scenario.Routes[i].Match {
				d := misses(&m, a.Method, path)
				if d < 0 || near >= 0 && d >= near {
					continue
				}
				best, near = a, d
				meant := templated(m.Path, path)
				question = fmt.Sprintf("Did you mean path: %s?", meant)
				if m.Method != "" && m.Method != a.Method {
					question = fmt.Sprintf("Did you mean match: %s %s?", a.Method, meant)
				}
			}
		}
	}
	if best == nil && e.strays[0].Nearest != "" {
		return fmt.Sprintf("Nearest: %s.", e.strays[0].Nearest)
	}
	return question
}

// templated writes a path with the variables of a template of as many segments in their places.
func templated(p scenarios.Path, path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(segments) != len(p.Segments) {
		return path
	}
	for i, s := range p.Segments {
		if s.Var != "" {
			segments[i] = ":" + s.Var
		}
	}
	return "/" + strings.Join(segments, "/")
}

// misses is by how many letters a request misses a match, its method counting as one; -1 where they are too far apart
// to be meant for each other.
func misses(m *scenarios.Match, method, path string) int {
	d := 0
	if m.Method != "" && m.Method != method {
		d = 1
	}
	if fitsPath(m.Path, path) {
		return d
	}
	pattern := m.Path.Text
	if segments := strings.Split(strings.TrimPrefix(path, "/"), "/"); len(segments) == len(m.Path.Segments) {
		pattern = ""
		for i, s := range m.Path.Segments {
			if s.Var != "" {
				pattern += "/" + segments[i]
			} else {
				pattern += "/" + s.Literal
			}
		}
	}
	edits := distance(pattern, path)
	if edits > max(1, min(len(pattern), len(path))/3) {
		return -1
	}
	return d + edits
}

// distance is the edit distance of two texts, with neighbours swapped as one edit (Damerau's optimal string alignment).
func distance(a, b string) int {
	const longest = 256 // a path beyond it is cut: no typing error is that far in
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		now, last, before := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
