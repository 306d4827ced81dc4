package scenarios

import "slices"

// references checks what the parts of a scenario say about each other, and reports names that nothing defines.
func (l *loader) references(s *Scenario) {
	phases := make([]string, len(s.Phases))
	for i, p := range s.Phases {
		phases[i] = p.Name
	}
	l.uniqueNames(s)
	l.ahead(s)
	l.checkCases(s)
	l.checkCommits(s)
	l.checkVars(s)
	l.checkServer(s)
	for _, w := range s.whens() {
		for j, name := range w.Phase {
			e := l.spots[&w.Phase]
			if items := follow(e.value).Content; j < len(items) {
				e.value = items[j]
			}
			l.defined(e, name, "phase", phases)
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		l.ramp(s, f)
		if f.OnConnection() && !f.Refuses() && f.When.Client != nil && s.Identity.ClientBy != "ip" {
			l.failKey(l.spots[&f.When.Client], "at "+f.Answer.Wire.At.String()+" a client is known by its address alone", "add identity: {client: ip}")
		}
	}
	routes := make([]string, len(s.Routes))
	for i, r := range s.Routes {
		routes[i] = r.Name
	}
	l.deliveryReferences(s, routes)
	for i := range s.Expect {
		e := &s.Expect[i]
		if e.Event != "" {
			l.definedEvent(s, l.spots[&e.Event], e.Event)
		}
		if e.Phase != "" {
			l.defined(l.spots[&e.Phase], e.Phase, "phase", phases)
		}
		if e.Route != "" {
			l.definedRoute(s, l.spots[&e.Route], e.Route, routes)
		}
		l.declared(e.Params)
		l.checkWebhook(s, e)
	}
}

// whens are the triggers of faults and limits.
func (s *Scenario) whens() []*When {
	var all []*When
	for i := range s.Faults {
		all = append(all, &s.Faults[i].When)
	}
	for i := range s.Limits {
		all = append(all, &s.Limits[i].When)
	}
	return all
}

// defined reports a name that is none of names.
func (l *loader) defined(e entry, name, what string, names []string) {
	if e.value == nil || slices.Contains(names, name) {
		return
	}
	hint := "the file has " + join(names)
	if near := Suggest(name, names); near != "" {
		hint = "did you mean " + quote(near) + "?"
	} else if len(names) == 0 {
		hint = "the file has no " + what + "s"
	}
	l.failValue(e, "nothing defines the "+what+" "+quote(name), hint)
}

// definedRoute is defined for a route's name, which is not its match where it has a name of its own.
func (l *loader) definedRoute(s *Scenario, e entry, name string, names []string) {
	for _, r := range s.Routes {
		if r.matchName() == name && r.Name != name && !slices.Contains(names, name) {
			l.failValue(e, "nothing defines the route "+quote(name), "that route is named "+quote(r.Name))
			return
		}
	}
	l.defined(e, name, "route", names)
}

// uniqueNames reports names that stand twice. A fault's name seeds its chance, so that two of one name would strike
// together.
func (l *loader) uniqueNames(s *Scenario) {
	seen := map[string]bool{}
	for i := range s.Faults {
		f := &s.Faults[i]
		if e, ok := l.spots[&f.Name]; ok && seen[f.Name] {
			l.failValue(e, "a fault named "+quote(f.Name)+" stands above", "a name seeds the fault's chance, and is unique")
		}
		seen[f.Name] = true
	}
	clear(seen)
	for i := range s.Limits {
		m := &s.Limits[i]
		if e, ok := l.spots[&m.Name]; ok && seen[m.Name] {
			l.failValue(e, "a limit named "+quote(m.Name)+" stands above", "names of limits are unique")
		}
		seen[m.Name] = true
	}
	clear(seen)
	for i := range s.Routes {
		r := &s.Routes[i]
		if e, ok := l.spots[&r.Name]; ok && seen[r.Name] {
			l.failValue(e, "a route named "+quote(r.Name)+" stands above", "names of routes are unique")
		}
		seen[r.Name] = true
	}
}

// ramp reports a ramp that has no window to run over.
func (l *loader) ramp(s *Scenario, f *Fault) {
	if !f.Chance.Ramp {
		return
	}
	if w := f.When.Elapsed; w != nil && (w.To > 0 || w.Every > 0) {
		return
	}
	e := l.spots[&f.Chance]
	if len(f.When.Phase) == 0 {
		l.failValue(e, "a ramp needs a window to run over", "add when: {elapsed: 30s..45s}, or when: {phase: name} with a phase that has a length")
		return
	}
	first, last := len(s.Phases), -1
	marked := 0
	for i, p := range s.Phases {
		if !slices.Contains(f.When.Phase, p.Name) {
			continue
		}
		first, last = min(first, i), i
		marked++
		if p.For == 0 && p.Attempts == 0 {
			l.failValue(e, "a ramp needs a window with an end, and phase "+quote(p.Name)+" has none", "give the phase for: 30s")
			return
		}
	}
	switch {
	case marked == 0:
	case last-first+1 != marked:
		l.failValue(e, "a ramp runs over one window, and the phases are not next to each other", "make a fault for each")
	case slices.ContainsFunc(s.Phases[first:last+1], func(p Phase) bool { return (p.Attempts > 0) != (s.Phases[first].Attempts > 0) }):
		l.failValue(e, "a ramp runs over one window, and the phases are partly in time and partly in attempts", "make a fault for each")
	}
}

// declared notes the values of the profile that a check takes and nothing declares.
func (l *loader) declared(params Params) {
	need := func(name string, missing bool) {
		if missing {
			l.needs[name] = true
		}
	}
	counts := func(name string, value *int, counts ...*Count) {
		for _, c := range counts {
			need(name, c != nil && c.Declared && value == nil)
		}
	}
	switch p := params.(type) {
	case *Attempts:
		counts("max_attempts", l.profile.MaxAttempts, p.PerCall, p.Min, p.Max)
	case *Connections:
		counts("pool", l.profile.Pool, p.Max, p.Open, p.PerCall, p.AfterStop)
	case *LimitsItself:
		counts("client_burst", l.profile.ClientBurst, p.Burst)
		counts("client_concurrency", l.profile.ClientConcurrency, p.Concurrency)
		alone := p.Rate == nil && (p.Burst != nil || p.Concurrency == nil && l.profile.ClientConcurrency == nil)
		need("client_rate", (p.RateDeclared || alone) && l.profile.ClientRate == nil)
	case *PausesOthers:
		need("pause_scope", p.Scope == "" && l.profile.PauseScope == "")
	case *RetriesOn:
		need("retries_on", p.Declared && l.profile.RetriesOn == nil)
	}
}

// checkParams checks what a check's parameters are together.
func (l *loader) checkParams(e *Expectation) {
	n := l.spots[e].key
	switch p := e.Params.(type) {
	case *Attempts:
		if l.spots[&p.PerCall].key == nil && l.spots[&p.Min].key == nil && l.spots[&p.Max].key == nil {
			l.fail(n, "check \"attempts\" needs per_call, min or max", "write attempts: {per_call: 3}")
		}
		if p.Min != nil && p.Max != nil && !p.Min.Declared && !p.Max.Declared && p.Min.N > p.Max.N {
			l.failValue(l.spots[&p.Min], "min is above max", "")
		}
	case *InFlight:
		if l.spots[&p.PerCall].key == nil && l.spots[&p.Total].key == nil {
			l.fail(n, "check \"in_flight\" needs per_call or total", "write in_flight: {per_call: 1}")
		}
	case *Effects:
		if l.spots[&p.PerCall].key == nil && l.spots[&p.PerEvent].key == nil && l.spots[&p.Total].key == nil {
			l.fail(n, "check \"effects\" needs per_call, per_event or total", "write effects: {per_call: 1}")
		}
	case *Connections:
		if l.spots[&p.Max].key == nil && l.spots[&p.Open].key == nil && l.spots[&p.PerCall].key == nil && l.spots[&p.AfterStop].key == nil {
			l.fail(n, "check \"connections\" needs max, open, per_call or after_stop", "write connections: {max: 2}")
		}
	}
}
