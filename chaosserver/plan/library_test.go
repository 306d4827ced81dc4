package plan

import (
	"slices"
	"testing"
	"time"

	"brownout/scenarios"
)

// client is a plain good client: four attempts, doubling pauses, Retry-After waited out, redirects followed, final answers and
// unsafe requests not repeated, one key for each call that may be.
type client struct {
	scenario *scenarios.Scenario
	plan     *Plan
	arrival  int
	calls    []outcome
	entries  map[[2]int]bool // (route, entry) that answered
	shared   map[[2]int]int  // (route, case): attempts answered there, where the list does not count by call
	came     map[int]int     // attempts by route
	faults   map[int]bool    // that struck, or were drawn with a chance
	phases   map[int]bool
}

// outcome is what became of one call.
type outcome struct {
	route, phase, attempts int
	ok                     bool
}

// call makes one call that starts at an instant.
func (c *client) call(step *scenarios.Step, req *scenarios.Request, kase string, number int, start time.Duration) {
	o := outcome{route: c.route(req.Method, &req.Path)}
	safe := req.Method != "POST" || step.Idempotent
	in := Input{Route: o.route, Call: number, Elapsed: start, Method: req.Method, Path: req.Path.Text}
	if o.route >= 0 && kase != "" {
		in.Case, _ = c.scenario.Routes[o.route].CaseNamed(kase)
	}
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		c.arrival++
		c.came[in.Route]++
		in.Attempt, in.Arrival, in.Nth = in.Attempt+1, c.arrival, c.came[in.Route]
		if in.Route >= 0 && c.scenario.Routes[in.Route].Per != scenarios.PerCall {
			in.Entries = c.shared[[2]int{in.Route, in.Case}]
		}
		d := decide(c.plan, in)
		c.see(&o, &in, &d)
		o.attempts = in.Attempt
		if d.Commit && step.Idempotent && c.scenario.Routes[in.Route].Commit.Keyed() {
			in.Ledger, in.Stored = LedgerStored, d.Stored
		}
		if to := d.Answer.Redirect.Text; to != "" && d.Answer.Status/100 == 3 {
			in.Route, in.Entries = c.route(req.Method, &scenarios.Path{Text: to, Segments: []scenarios.Segment{{Literal: to[1:]}}}), 0
			continue
		}
		lost := d.Wire != nil && !d.Wire.LeavesWhole()
		o.ok = !lost && d.Answer.Status < 300
		transient := lost || d.Answer.Status >= 500 || d.Answer.Status == 429
		if o.ok || !transient || !safe || in.Attempt == 4 {
			break
		}
		wait := pause
		if ra := d.Answer.RetryAfter; ra != nil {
			wait = max(wait, ra.In)
		}
		in.Elapsed += d.Delay + wait
	}
	c.calls = append(c.calls, o)
}

// route returns the index of the first route for a path; -1 for none.
func (c *client) route(method string, path *scenarios.Path) int {
	return slices.IndexFunc(c.scenario.Routes, func(r scenarios.Route) bool {
		m := &r.Match[0]
		return m.Method == method && (m.Path.Text == path.Text || within(path, &m.Path) == yes)
	})
}

// see notes what an attempt met.
func (c *client) see(o *outcome, in *Input, d *Decision) {
	if in.Attempt == 1 {
		o.phase = d.Phase
	}
	if d.Fault < 0 {
		c.entries[[2]int{in.Route, d.Entry}] = true
		c.shared[[2]int{in.Route, in.Case}]++
		in.Entries++
	}
	for _, f := range d.Drawn {
		c.faults[f] = c.faults[f] || c.scenario.Faults[f].Chance.Set
	}
	for _, f := range d.Applied {
		c.faults[f] = true
	}
	c.phases[d.Phase] = true
}

// drive does what the scenario asks of its client.
func (c *client) drive() {
	for i := range c.scenario.Drive {
		step := &c.scenario.Drive[i]
		calls, gap := step.Calls, time.Duration(0)
		if step.Rate != nil {
			gap = time.Duration(float64(step.Rate.Per) / step.Rate.Events)
		}
		if step.For > 0 {
			calls = int(step.For / gap)
		}
		cases := step.Cases
		if cases == nil {
			cases = []string{""}
		}
		for _, kase := range cases {
			for n := range calls {
				c.call(step, &step.Requests[n%len(step.Requests)], kase, len(c.calls)+1, time.Duration(n)*gap)
			}
		}
	}
}

// TestLibrary drives a good client through each built-in scenario: the file is whole, everything that must have
// happened happens, and the expectations that counts can tell hold.
func TestLibrary(t *testing.T) {
	for _, name := range scenarios.BuiltinNames() {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Builtin(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Warnings) > 0 || len(s.Undeclared) > 0 {
				t.Errorf("warnings %v, undeclared %v: want neither", s.Warnings, s.Undeclared)
			}
			if s.Summary == "" || len(s.Rules) == 0 || len(s.Drive)+len(s.Deliveries) == 0 || len(s.Expect) == 0 {
				t.Error("a built-in scenario has summary, rules, drive or deliveries, and expect")
			}
			if len(s.Drive) == 0 {
				return // its consumer makes the calls
			}
			c := client{scenario: s, plan: New(s), entries: map[[2]int]bool{}, shared: map[[2]int]int{}, came: map[int]int{}, faults: map[int]bool{}, phases: map[int]bool{}}
			c.drive()
			c.happened(t)
			for i := range s.Expect {
				c.expect(t, &s.Expect[i])
			}
			e := Explain(s)
			last := e.Stretches[len(e.Stretches)-1] // in an earlier one a port may be closed, where no route is met
			if len(e.Stretches) < len(s.Phases) || len(last.Routes) != lists(s) {
				t.Errorf("explained in %d stretches, the last of %d routes", len(e.Stretches), len(last.Routes))
			}
		})
	}
}

// lists is how many lists of answers a scenario has.
func lists(s *scenarios.Scenario) int {
	if len(s.Routes) == 0 {
		return 1 // that of every path
	}
	n := 0
	for i := range s.Routes {
		n += max(len(s.Routes[i].Cases), 1)
	}
	return n
}

// happened holds the run to what must have happened.
func (c *client) happened(t *testing.T) {
	for i := range c.scenario.Routes {
		r := &c.scenario.Routes[i]
		for list := range max(len(r.Cases), 1) {
			from, to := r.List(list)
			for entry := from; entry < to-1; entry++ {
				if a := &r.Answers[entry]; !a.Optional && !c.entries[[2]int{i, entry}] {
					t.Errorf("%s of %s was never reached", r.EntryName(entry), r.Name)
				}
			}
		}
	}
	for i := range c.scenario.Faults {
		f := &c.scenario.Faults[i]
		ofConnections := f.OnConnection() || f.When.ConnRequest != nil // of which this client has none
		if !f.Optional && !c.faults[i] && !ofConnections {
			t.Errorf("fault %s never struck", c.scenario.Faults[i].Name)
		}
	}
	for i := range c.scenario.Phases {
		if !c.scenario.Phases[i].Optional && !c.phases[i] {
			t.Errorf("phase %s was never reached", c.scenario.Phases[i].Name)
		}
	}
}

// expect holds the calls to the expectations that outcomes and counts of attempts decide, and to the samples of the
// others.
func (c *client) expect(t *testing.T, x *scenarios.Expectation) {
	var calls []outcome
	for _, o := range c.calls {
		if (x.Phase == "" || o.phase >= 0 && c.scenario.Phases[o.phase].Name == x.Phase) &&
			(x.Route == "" || o.route >= 0 && c.scenario.Routes[o.route].Name == x.Route) {
			calls = append(calls, o)
		}
	}
	row, _ := scenarios.CheckNamed(x.Name)
	if least := max(row.Sample, 1); row.SampleOf != "waits" && len(calls) < least {
		t.Errorf("%s sees %d calls, needs %d", x.Name, len(calls), least)
	}
	switch p := x.Params.(type) {
	case *scenarios.Succeeds:
		good := 0
		for _, o := range calls {
			if o.ok {
				good++
			}
		}
		if float64(good) < float64(p.Share)*float64(len(calls)) {
			t.Errorf("%d of %d calls succeed, want %g", good, len(calls), float64(p.Share))
		}
	case *scenarios.Attempts:
		for i, o := range calls {
			if p.PerCall != nil && o.attempts != p.PerCall.N || p.Max != nil && o.attempts > p.Max.N || p.Min != nil && o.attempts < p.Min.N {
				t.Errorf("call %d takes %d attempts", i+1, o.attempts)
			}
		}
	case *scenarios.BackoffGrows, *scenarios.BackoffJitters, *scenarios.NoHotLoop:
		least := map[string]int{"backoff_grows": 3, "backoff_jitters": 2, "no_hot_loop": 3}[x.Name]
		if len(c.scenario.Limits) > 0 || slices.ContainsFunc(c.scenario.Faults, func(f scenarios.Fault) bool { return f.OnConnection() }) {
			return // attempts that this client does not see
		}
		if n := len(slices.DeleteFunc(calls, func(o outcome) bool { return o.attempts < least })); n < row.Sample {
			t.Errorf("%s: %d calls have %d attempts, needs %d", x.Name, n, least, row.Sample)
		}
	}
}
