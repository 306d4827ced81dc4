package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// warnings reports what a scenario says that cannot be meant: what can never strike, be reached or fail, and checks that
// see too little.
func (l *loader) warnings(s *Scenario) {
	for i := range s.Routes {
		l.warnRoute(s, &s.Routes[i])
	}
	for i := range s.Faults {
		l.warnFault(s, &s.Faults[i])
	}
	for i := range s.Limits {
		m := &s.Limits[i]
		l.warnUnrouted(s, &m.When, fmt.Sprintf("limits[%d]", i), "the limit counts nothing")
	}
	for i := range s.Drive {
		l.warnStep(s, &s.Drive[i], i)
	}
	l.warnDeliveries(s)
	for i := range s.Expect {
		l.warnCheck(s, &s.Expect[i], fmt.Sprintf("expect[%d].%s", i, s.Expect[i].Name))
	}
	l.warnEnd(s)
	l.warnRules(s)
}

// warnEnd reports phases and windows that begin after drive has ended.
func (l *loader) warnEnd(s *Scenario) {
	end, known := driveEnd(s)
	if !known {
		return
	}
	late := func(at Pos, path, what string, from time.Duration) {
		l.warn(at, path, fmt.Sprintf("the %s begins at %s, and drive ends at %s", what, showDuration(from), showDuration(end)), "drive longer, or say optional: true")
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		if from, _, ok := phaseWindow(s, []string{p.Name}); ok && from >= end && !p.Optional {
			late(p.Pos, fmt.Sprintf("phases[%d]", i), "phase", from)
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if w := f.When.Elapsed; w != nil && w.From >= end && !f.Optional {
			late(w.Pos, fmt.Sprintf("faults[%d].when.elapsed", i), "fault", w.From)
		}
	}
}

// driveEnd returns when the last step of drive stops making calls, where every step says how long it does.
func driveEnd(s *Scenario) (time.Duration, bool) {
	var end time.Duration
	for _, step := range s.Drive {
		if step.For == 0 {
			return 0, false
		}
		end += step.Wait + step.For
	}
	return end, len(s.Drive) > 0
}

func (l *loader) warnRoute(s *Scenario, r *Route) {
	at := fmt.Sprintf("routes[%d]", r.Index)
	for i := range r.Match {
		m := &r.Match[i]
		for _, earlier := range s.Routes[:r.Index] {
			if slices.ContainsFunc(earlier.Match, func(e Match) bool { return e.covers(m) }) {
				l.warn(m.Pos, at+".match", "no request reaches this, for "+quote(earlier.Name)+" above takes them all", "first match wins: put the narrower one first")
				break
			}
		}
	}
	for i := range max(len(r.Cases), 1) {
		_, to := r.List(i)
		last := &r.Answers[to-1]
		if last.Times < 2 {
			continue
		}
		place := l.spot(&last.Times)
		if place == (Pos{}) {
			place = last.Pos
		}
		l.warn(place, fmt.Sprintf("%s.%s.times", at, r.EntryName(to-1)), "times of the last entry changes nothing, for the last one repeats", "add what comes after it, or take times out")
	}
}

func (l *loader) warnFault(s *Scenario, f *Fault) {
	at := fmt.Sprintf("faults[%d]", f.Index)
	if f.Chance.Set && f.Chance.From == 0 && f.Chance.To == 0 {
		l.warn(f.Chance.Pos, at+".chance", "with a chance of 0% the fault never strikes", "")
	}
	for i := range s.Faults[:f.Index] {
		if e := &s.Faults[i]; e.shadows(f) {
			l.warn(f.Pos, at, "the fault never strikes, for "+quote(e.Name)+" above strikes every attempt", "faults go in order: put the rarer one first")
			break
		}
	}
	if total, known := totalCalls(s); known && len(s.Drive) > 0 && f.When.Call != nil && f.When.Call.From > total {
		l.warn(f.When.Call.Pos, at+".when.call", fmt.Sprintf("the fault never strikes, for drive makes %d calls", total), "")
	}
	if from, to, ok := phaseWindow(s, f.When.Phase); ok && f.When.Elapsed != nil && f.When.Elapsed.Every == 0 {
		if w := f.When.Elapsed; to > 0 && w.From >= to || w.To > 0 && w.To <= from {
			l.warn(w.Pos, at+".when.elapsed", "the fault never strikes, for its phase is "+showWindow(from, to), "")
		}
	}
	if f.Refuses() && f.When.empty() {
		l.warn(f.Pos, at, "the port is never open, so that nothing is seen of clients", "add when: {elapsed: 5s..10s}")
	}
	if !f.OnConnection() {
		l.warnUnrouted(s, &f.When, at, "the fault never strikes")
	}
}

// warnUnrouted reports triggers that ask for a method, a path and a host which no route takes.
func (l *loader) warnUnrouted(s *Scenario, w *When, at, what string) {
	if l.behind(s) || len(s.Routes) == 0 || w.Path == nil && w.Method == nil && w.Host == nil {
		return
	}
	path, methods, hosts := anyPath, w.Method, w.Host
	if w.Path != nil {
		path = *w.Path
	}
	if methods == nil {
		methods = []string{""}
	}
	if hosts == nil {
		hosts = []string{""}
	}
	for _, m := range methods {
		for _, h := range hosts {
			if s.routed(m, h, path) {
				return
			}
		}
	}
	l.warn(w.Pos, at+".when", what+", for no route takes such a request", "only in front of an upstream can it (--upstream)")
}

// behind reports whether an upstream answers what no route takes.
func (l *loader) behind(s *Scenario) bool {
	_, needs := s.NeedsUpstream()
	return l.upstream || needs
}

// shadows reports whether f leaves nothing for a later fault.
func (f *Fault) shadows(later *Fault) bool {
	always := f.When.empty() && (!f.Chance.Set || f.Chance.From == 1 && f.Chance.To == 1)
	if !always || f.OnConnection() || later.OnConnection() {
		return f.OnConnection() && always
	}
	if later.Answer.Status != 0 {
		return f.Answer.Status != 0
	}
	if later.Duplicate != nil {
		return later.Answer.Delay == nil && later.Answer.Wire == nil && (f.Answer.Status != 0 || f.Duplicate != nil)
	}
	return later.Answer.Delay == nil && later.Answer.Wire != nil && f.Answer.Wire != nil
}

// empty reports whether there are no triggers.
func (w *When) empty() bool {
	bare := *w
	bare.Pos = Pos{}
	return reflect.DeepEqual(bare, When{})
}

// routed reports whether a route takes some request of a method and to a host ("": any) and a path; without routes every
// path is answered.
func (s *Scenario) routed(method, host string, path Path) bool {
	return len(s.Routes) == 0 || slices.ContainsFunc(s.Routes, func(r Route) bool {
		return slices.ContainsFunc(r.Match, func(m Match) bool { return m.takes(method, host, path) })
	})
}

func (l *loader) warnStep(s *Scenario, step *Step, i int) {
	at := "drive.request"
	if len(s.Drive) > 1 {
		at = fmt.Sprintf("drive[%d].request", i)
	}
	for _, r := range step.Requests {
		if l.behind(s) || s.routed(r.Method, step.host(s), r.Path) {
			continue
		}
		var names []string
		for _, route := range s.Routes {
			names = append(names, route.matchName())
		}
		hint := "routes are " + join(names)
		if near := Suggest(r.Method+" "+r.Path.Text, names); near != "" {
			hint = "did you mean " + quote(near) + "?"
		}
		l.warn(r.Pos, at, "no route takes the request, so that without an upstream it gets 404", hint)
	}
}

func (l *loader) warnRules(s *Scenario) {
	e := l.spots[&s.Rules]
	for i, id := range s.Rules {
		served := slices.ContainsFunc(s.Expect, func(x Expectation) bool {
			c, _ := CheckNamed(x.Name)
			return slices.Contains(c.Rules, id)
		})
		if served {
			continue
		}
		var by []string
		for _, c := range l.checks() {
			if slices.Contains(c.Rules, id) && !c.Unbuilt {
				by = append(by, c.Name)
			}
		}
		hint := "no check of this version serves it"
		if len(by) > 0 {
			hint = "served by " + joinOr(by)
		}
		l.warn(l.pos(follow(e.value).Content[i]), fmt.Sprintf("rules[%d]", i), "no check of expect serves "+id, hint)
	}
}

// totalCalls returns how many calls drive makes, where that is known.
func totalCalls(s *Scenario) (int, bool) {
	total := 0
	for _, step := range s.Drive {
		switch {
		case step.For == 0:
			total += step.Calls * max(1, len(step.Cases))
		case step.Rate != nil:
			total += int(min(float64(step.For)/float64(step.Rate.Per)*step.Rate.Events, maxCount)) * max(1, len(step.Cases))
		default:
			return 0, false
		}
	}
	return total, true
}

func hasHeader(headers []Header, name string) bool {
	return slices.ContainsFunc(headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
}
