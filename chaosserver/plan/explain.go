package plan

import (
	"slices"
	"time"

	"brownout/scenarios"
)

// Explanation tells what a scenario will do, as a table and in words. It is a function of the scenario alone.
type Explanation struct {
	Name, Summary, File string
	Seed                uint64
	Stretches           []Stretch // of the scenario's time; the faults that hold change from one to the next only
	Faults              []FaultNote
	Effects             []EffectNote
	Limits              []LimitNote
	Deliveries          []string // an entry each
	Drive               []string // a step each
	Expect              []ExpectNote
}

// Stretch is a part of the scenario's time, with what attempts meet in it.
type Stretch struct {
	Phase       int           // index into Scenario.Phases; -1 outside of them
	Name        string        // of the phase; ""
	From, To    time.Duration // To 0: open
	Timed       bool          // From and To are known: no phase so far is measured in attempts
	Attempts    int           // the length of a phase that is measured in attempts; 0
	Routes      []RouteTable
	Connections []ConnRow // the first ones; empty where no fault strikes at accept or tls
	Ports       []PortRow // those that are closed, or may be; where all are, no attempt meets anything
}

// RouteTable is what the calls of one route meet, attempt by attempt.
type RouteTable struct {
	Route int      // index into Scenario.Routes; -1 for what none of them takes
	Name  string   // "every path" where there are none, "every other path" for what none of them takes
	Match []string // as METHOD /path; nil where there are none
	Rows  []Row
	Every bool // the rows are those of every call; else of the first calls
	More  bool // there are further attempts, which the table leaves out
}

// Row is what one attempt meets.
type Row struct {
	Call, Attempt int // 1-based; Call is 1 for every call
	Status        int // 0: the upstream's
	Delay         time.Duration
	Wire          string // "rst before-headers"; ""
	RetryAfter    string // "2s"; ""
	Commit        bool   // it commits an effect
	Reason        string
	Repeats       bool  // so do all later attempts of the call, but for chance
	May           []int // faults that strike too, or instead, where their triggers hold: what decides is not known beforehand
}

// ConnRow is what one connection meets.
type ConnRow struct {
	Ordinal int    // 1-based
	Wire    string // ""
	Reason  string
	May     []int
}

// PortRow is a port that is closed, or may be.
type PortRow struct {
	Host   string // "" the only one
	Reason string // of its being closed; "" where it may be open
	May    []int  // faults that close it at times within the stretch
}

// FaultNote is a fault in words.
type FaultNote struct {
	Index  int
	Name   string
	Does   string // "answers 503 after 100ms"
	When   string // "in phase outage, on attempts 1..2"; "always"
	Chance string // "10%"; "" where nothing is drawn
}

// EffectNote is what a route commits, in words.
type EffectNote struct {
	Route string   // its name
	Words []string // a sentence each
}

// ExpectNote is an expectation in words.
type ExpectNote struct {
	Pos   scenarios.Pos
	Check string
	Words string
	Scope string // "of calls on POST /payments that begin in phase outage"; ""
	Level scenarios.Level
}

// The bounds of a table.
const (
	callsShown    = 5  // where calls differ; more where a trigger names a later one
	callsAtMost   = 20 // however late the call that a trigger names
	attemptsShown = 12 // of a call, at most
)

// Explain tells what a scenario will do. One that can only be played in front of an upstream is taken to be.
func Explain(s *scenarios.Scenario) Explanation {
	e := Explanation{Name: s.Name, Summary: s.Summary, File: s.File, Seed: s.Seed, Stretches: stretches(s)}
	var opts []Option
	if _, needs := s.NeedsUpstream(); needs {
		opts = append(opts, BeforeUpstream())
	}
	p := New(s, opts...)
	for i := range e.Stretches {
		st := &e.Stretches[i]
		x := explainer{p, moment{phase: st.Phase}, st.From, st.Timed}
		var open bool
		if st.Ports, open = x.ports(); !open {
			continue
		}
		for r := range s.Routes {
			for c := range max(len(s.Routes[r].Cases), 1) {
				st.Routes = append(st.Routes, x.table(r, c))
			}
		}
		if len(s.Routes) == 0 || p.upstream {
			st.Routes = append(st.Routes, x.table(-1, 0))
		}
		st.Connections = x.connections()
	}
	for i := range s.Faults {
		e.Faults = append(e.Faults, noteFault(&s.Faults[i]))
	}
	for i := range s.Routes {
		if r := &s.Routes[i]; r.Commit != nil {
			e.Effects = append(e.Effects, EffectNote{r.Name, commitWords(r.Commit, &s.Profile)})
		}
	}
	for i := range s.Limits {
		e.Limits = append(e.Limits, noteLimit(s, &s.Limits[i]))
	}
	for i := range s.Deliveries {
		e.Deliveries = append(e.Deliveries, deliveryWords(&s.Deliveries[i]))
	}
	for i := range s.Drive {
		e.Drive = append(e.Drive, stepWords(&s.Drive[i]))
	}
	for i := range s.Expect {
		x := &s.Expect[i]
		e.Expect = append(e.Expect, ExpectNote{x.Pos, x.Name, expectWords(x), scopeWords(x), x.Level})
	}
	return e
}

// stretches cuts the scenario's time where a phase or an elapsed window begins or ends. From the first phase on that
// is measured in attempts, only phases cut it.
func stretches(s *scenarios.Scenario) []Stretch {
	var cuts []time.Duration
	for i := range s.Faults {
		if w := s.Faults[i].When.Elapsed; w != nil {
			cuts = append(cuts, w.From)
			if w.Every == 0 && w.To > 0 {
				cuts = append(cuts, w.To)
			}
		}
	}
	slices.Sort(cuts)
	var all []Stretch
	var from time.Duration
	timed, open := true, false
	for i := range s.Phases {
		ph := &s.Phases[i]
		open = ph.For == 0 && ph.Attempts == 0
		if timed = timed && ph.Attempts == 0; !timed {
			all = append(all, Stretch{Phase: i, Name: ph.Name, Attempts: ph.Attempts})
			continue
		}
		st := Stretch{Phase: i, Name: ph.Name, From: from, Timed: true}
		if !open {
			st.To = from + ph.For
		}
		all = append(all, st.cut(cuts)...)
		from = st.To
	}
	if !open {
		rest := Stretch{Phase: -1, Timed: timed}
		if timed {
			rest.From = from
		}
		all = append(all, rest.cut(cuts)...)
	}
	return all
}

// cut returns the stretch in parts, cut at the instants given; whole where its own are not known.
func (s Stretch) cut(instants []time.Duration) []Stretch {
	var all []Stretch
	for _, at := range instants {
		if s.Timed && at > s.From && (s.To == 0 || at < s.To) {
			part := s
			part.To, s.From = at, at
			all = append(all, part)
		}
	}
	return append(all, s)
}

// explainer makes the tables of one stretch.
type explainer struct {
	*Plan
	moment  moment
	elapsed time.Duration
	timed   bool
}

// table returns what the calls of a route meet, those of one case where it has cases.
func (x *explainer) table(index, list int) RouteTable {
	t := RouteTable{Route: index, Name: "every path"}
	if len(x.scenario.Routes) > 0 {
		t.Name = "every other path"
	}
	r := &x.routes[index+1]
	calls := callsShown
	if index >= 0 {
		sr := &x.scenario.Routes[index]
		t.Name = sr.Name
		if len(sr.Cases) > 0 {
			t.Name += ", case " + sr.Cases[list].Name
		}
		for i := range sr.Match {
			t.Match = append(t.Match, matchWords(&sr.Match[i]))
		}
	}
	if t.Every = !x.callsDiffer(index); t.Every {
		calls = 1
	} else if late := x.lastCall(); late >= calls {
		calls = min(late+1, callsAtMost)
	}
	for call := 1; call <= calls; call++ {
		in := Input{Route: index, Case: list, Call: call, Attempt: 1}
		for ; in.Attempt <= attemptsShown; in.Attempt++ {
			row, d := x.row(r, &in)
			if d.Fault < 0 {
				in.Entries++
			}
			row.Repeats = x.steady(r, &in, &d)
			t.Rows = append(t.Rows, row)
			if row.Repeats {
				break
			}
		}
		t.More = t.More || in.Attempt > attemptsShown
	}
	return t
}

// row decides about one attempt as Attempt does, but for the faults of which it is not known whether they hold.
func (x *explainer) row(r *route, in *Input) (Row, Decision) {
	d := Decision{Entry: -1, Fault: -1, Phase: x.moment.phase}
	row := Row{Call: in.Call, Attempt: in.Attempt}
	for i := range x.faults {
		f := &x.faults[i]
		switch x.known(f, in) {
		case no:
		case maybe:
			if f.ramp != nil || f.wins(nil, f.chance^r.key, in.Call, in.Attempt, 0, x.moment) {
				row.May = append(row.May, f.index)
			}
		case yes:
			if f.wins(nil, f.chance^r.key, in.Call, in.Attempt, 0, x.moment) && f.strike(in, r, &d) {
				d.Applied = append(d.Applied, f.index)
				d.last = f
			}
		}
	}
	x.Behind(in, &d)
	row.Reason, row.Commit = d.Reason, d.Commit
	row.Status, row.Delay = d.Answer.Status, d.Delay
	row.Wire, row.RetryAfter = wireWords(d.Wire), retryAfterWords(d.Answer)
	return row, d
}

// steady reports whether nothing but chance tells the later attempts of the call from this one.
func (x *explainer) steady(r *route, in *Input, d *Decision) bool {
	if x.lastAttempt() > in.Attempt {
		return false
	}
	if d.Fault < 0 {
		return r.forward || r.entry(in.Case, in.Entries-1) == r.last(in.Case)
	}
	f := x.faults[slices.IndexFunc(x.faults, func(f fault) bool { return f.index == d.Fault })]
	return f.odds == unit && f.ramp == nil
}

// lastAttempt returns the last attempt at which a trigger begins or ends to hold.
func (x *explainer) lastAttempt() (last int) {
	for i := range x.faults {
		last = max(last, edge(x.faults[i].fault.When.Attempt))
	}
	return last
}

// lastCall returns the last call at which a trigger begins or ends to hold.
func (x *explainer) lastCall() (last int) {
	for i := range x.faults {
		last = max(last, edge(x.faults[i].fault.When.Call))
	}
	return last
}

// edge returns the first count from which on a range holds for all or for none.
func edge(r *scenarios.Range) int {
	switch {
	case r == nil:
		return 0
	case r.To == 0:
		return r.From
	}
	return r.To + 1
}

// callsDiffer reports whether two calls of a route may meet different things.
func (x *explainer) callsDiffer(index int) bool {
	r := &x.routes[index+1]
	if r.effects != nil && r.effects.work != nil && !r.effects.work.fixed {
		return true
	}
	for _, s := range slices.Concat(r.delays, r.bodyDelays) {
		if s != nil && !s.fixed {
			return true
		}
	}
	for i := range x.faults {
		f := &x.faults[i]
		if min(x.inTime(f), x.onRoute(f, index)) == no {
			continue
		}
		draws := f.ramp == nil && f.odds != unit && f.odds != 0
		if draws || f.fault.When.Call != nil || f.slow != nil && !f.slow.fixed || f.slowBody != nil && !f.slowBody.fixed {
			return true
		}
	}
	return false
}

// ports returns the ports that are closed or may be, and whether any may be open.
func (x *explainer) ports() (rows []PortRow, open bool) {
	for _, host := range x.scenario.Server.Names() {
		row := PortRow{Host: host}
		for i := range x.refusals {
			f := &x.refusals[i]
			if !f.names(host) {
				continue
			}
			switch hold := x.inTime(f); {
			case hold == yes && row.Reason == "":
				row.Reason = f.reason
			case hold == maybe:
				row.May = append(row.May, f.index)
			}
		}
		open = open || row.Reason == ""
		if row.Reason != "" || row.May != nil {
			rows = append(rows, row)
		}
	}
	return rows, open
}

// connections returns what the first connections meet.
func (x *explainer) connections() []ConnRow {
	if len(x.accepts) == 0 {
		return nil
	}
	shown := callsShown
	for i := range x.accepts {
		if e := edge(x.accepts[i].fault.When.Nth); e > shown {
			shown = min(e, callsAtMost)
		}
	}
	var rows []ConnRow
	for ordinal := 1; ordinal <= shown; ordinal++ {
		row := ConnRow{Ordinal: ordinal}
		for i := range x.accepts {
			f := &x.accepts[i]
			hold := x.knownOfConnection(f, ordinal)
			switch {
			case hold == no || row.Wire != "":
			case hold == maybe && (f.ramp != nil || f.wins(nil, f.chance, ordinal, 0, 0, x.moment)):
				row.May = append(row.May, f.index)
			case hold == yes && f.wins(nil, f.chance, ordinal, 0, 0, x.moment):
				row.Wire, row.Reason = wireWords(f.fault.Answer.Wire), f.reason
			}
		}
		rows = append(rows, row)
	}
	return rows
}
