package verdict

import (
	"slices"
	"sort"
	"strconv"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// evidence is a journal sorted by call, with what the checks share.
type evidence struct {
	scenario *scenarios.Scenario
	log      *journal.Log

	calls  []call     // on the scenario's routes, in the order of their first attempts, or of the driver's numbers
	strays []*attempt // matched none of the scenario's routes, behind which no upstream answers

	forwards forwards // what went to an upstream

	ambiguous []*attempt // might belong to another call
	broken    []*attempt // got another answer than the scenario says
	reached   *reached

	clear, vague []*call // calls whose attempts can be told from those of others, and the rest

	unplaced    int  // connections cut at accept or tls that belong to one of several calls in progress
	replays     int  // calls with a transport replay
	interrupted bool // the run ended the client before it was done
	untrusted   bool // no request came, for the client ended its connections in TLS

	dropped int           // records that the journal let go of
	zero    time.Duration // when the scenario's time began: with the first connection accepted, or a port that was closed then
	end     time.Duration // of the record, in the scenario's time
	routes  map[string]*scenarios.Route
	exits   map[int]*journal.Client // the process of each call, with one process a call
	results map[int]journal.Result
	effects map[uint64]*journal.Effect   // by the attempt that committed them; made when first asked for
	whole   []*journal.Client            // processes that make calls of their own accord
	byEvent map[string][]*journal.Effect // the effects of each webhook event; made when first needed
}

// call is one call of the client.
type call struct {
	name string
	no   int        // the driver's number, or the ordinal on its route
	atts []*attempt // in the order of their first bytes; empty for a call that never reached the wire

	replay  int  // index of the attempt that was replayed on another connection; -1 where none was
	overdue bool // the replay came within its time only if the machine's lateness is taken off
	vague   bool // its attempts cannot be told from those of look-alike calls
	named   bool // by Brownout or by the scenario, not by what its requests look like
	driven  bool // no is the driver's number
	cuts    int  // how many of its attempts are connections cut at accept or tls

	lost *errand // what it was to do, where it never reached the wire and the drive says so; else nil
}

// route is the name of the route that the call was on; "" where there is none.
func (c *call) route() string {
	for _, a := range c.atts {
		if a.Route != "" {
			return a.Route
		}
	}
	if c.lost != nil {
		return c.lost.route
	}
	return ""
}

// phase is the name of the phase in which the call began.
func (c *call) phase() string {
	if len(c.atts) > 0 {
		return c.atts[0].Phase
	}
	if c.lost != nil {
		return c.lost.phase
	}
	return ""
}

// first is the call's first request; nil where none reached the server.
func (c *call) first() *attempt {
	for _, a := range c.atts {
		if !a.cut {
			return a
		}
	}
	return nil
}

// gather sorts a journal by call.
func gather(s *scenarios.Scenario, log *journal.Log) *evidence {
	e := &evidence{scenario: s, log: log, routes: make(map[string]*scenarios.Route, len(s.Routes)), reached: newReached(s)}
	for i := range s.Routes {
		if r := &s.Routes[i]; e.routes[r.Name] == nil {
			e.routes[r.Name] = r
		}
	}
	for _, d := range log.Dropped {
		e.dropped += d.Count
	}
	e.interrupted = slices.ContainsFunc(log.Clients, func(c journal.Client) bool { return c.Interrupted })
	e.forwards = gatherForwards(log)
	e.clock()
	e.group()
	e.drivenCalls()
	e.placeCuts()
	e.labelReplays()
	e.tellApart()
	what, _ := e.distrusted()
	e.untrusted = what != ""
	return e
}

// clock finds when the scenario's time began.
func (e *evidence) clock() {
	switch conns, atts := e.log.Conns, e.log.Attempts; {
	case len(conns) > 0:
		e.zero = conns[0].Accept
	case len(atts) > 0:
		e.zero = atts[0].First
	}
	if ports := e.log.Ports; len(ports) > 0 && (len(e.log.Conns) == 0 || ports[0].At < e.zero) {
		e.zero = ports[0].At
	}
	if at, known := e.portOpen(); known {
		e.zero = at
	}
	e.end = max(e.log.End-e.zero, 0)
}

// group makes the calls of the attempts. It is the one step whose cost grows with the record alone, so it reads each
// record once, and sorts by counting: one look-up an attempt, no slice a call.
func (e *evidence) group() {
	records := e.log.Attempts
	atts := make([]attempt, len(records))
	ids := make([]int32, len(records))
	byName := make(map[string]int32, len(records)/3)
	e.calls = make([]call, 0, len(records)/3+1)
	sizes := make([]int32, 0, len(records)/3+1)
	sorted, total := true, 0
	for i := range records {
		atts[i] = newAttempt(&records[i])
		a := &atts[i]
		sorted = sorted && (i == 0 || atts[i-1].First <= a.First)
		e.note(a)
		if a.Route == "" && len(e.scenario.Routes) > 0 && e.log.Header.Upstream == "" {
			ids[i] = -1
			e.strays = append(e.strays, a)
			continue
		}
		id, known := byName[a.Call]
		if !known {
			id = int32(len(sizes))
			byName[a.Call] = id
			sizes = append(sizes, 0)
			e.calls = append(e.calls, newCall(a))
		}
		ids[i] = id
		sizes[id]++
		total++
	}
	flat := make([]*attempt, total)
	start := 0
	for id, size := range sizes {
		e.calls[id].atts = flat[start : start : start+int(size)]
		start += int(size)
	}
	for i, id := range ids {
		if id >= 0 {
			c := &e.calls[id]
			c.atts = append(c.atts, &atts[i])
		}
	}
	if sorted {
		return
	}
	for i := range e.calls {
		slices.SortStableFunc(e.calls[i].atts, byFirst)
	}
	sort.SliceStable(e.calls, func(i, j int) bool { return byFirst(e.calls[i].atts[0], e.calls[j].atts[0]) < 0 })
}

// note keeps what is rare of the attempt, and marks what it got to.
func (e *evidence) note(a *attempt) {
	if a.Ambiguous {
		e.ambiguous = append(e.ambiguous, a)
	}
	if a.Failure != "" && !leftByClient(a) {
		e.broken = append(e.broken, a)
	}
	e.reached.mark(a)
}

// newCall is the call of an attempt, without attempts.
func newCall(a *attempt) call {
	return call{name: a.Call, no: a.CallNo, named: a.Naming != journal.NamedByPrint, driven: isDriven(a), replay: -1}
}

// isDriven reports whether the attempt's call has its number from the driver: then that is its name.
func isDriven(a *attempt) bool {
	if a.Naming != journal.NamedByPrefix && a.Naming != journal.NamedByPath {
		return false
	}
	var buf [20]byte // holds any int
	return a.Call == string(strconv.AppendInt(buf[:0], int64(a.CallNo), 10))
}

// drivenCalls matches processes and results to calls, and adds the driven calls that never reached the wire.
func (e *evidence) drivenCalls() {
	e.exits = make(map[int]*journal.Client)
	e.results = make(map[int]journal.Result)
	for i := range e.log.Clients {
		c := &e.log.Clients[i]
		if c.Call > 0 {
			e.exits[c.Call] = c
		} else {
			e.whole = append(e.whole, c)
		}
	}
	for _, r := range e.log.Results {
		e.results[r.Call] = r
	}
	if len(e.exits) == 0 && len(e.results) == 0 {
		return
	}
	seen := make(map[int]bool, len(e.calls))
	for i := range e.calls {
		if !e.calls[i].driven {
			return // otherwise named: nobody can say which of them a number is
		}
		seen[e.calls[i].no] = true
	}
	for _, a := range e.strays {
		if isDriven(a) {
			seen[a.CallNo] = true
		}
	}
	var missing []int
	for no := range e.exits {
		if !seen[no] {
			missing = append(missing, no)
		}
	}
	for no := range e.results {
		if _, twice := e.exits[no]; !seen[no] && !twice {
			missing = append(missing, no)
		}
	}
	for _, no := range missing {
		e.calls = append(e.calls, call{no: no, named: true, driven: true, replay: -1, lost: e.errand(no)})
	}
	// Calls that are made side by side begin in no order of their own; by their numbers a run tells the same each time.
	sort.SliceStable(e.calls, func(i, j int) bool { return e.calls[i].no < e.calls[j].no })
}

// exit is the process that made the call alone; nil where there is none.
func (e *evidence) exit(c *call) *journal.Client {
	if !c.driven {
		return nil
	}
	return e.exits[c.no]
}

// result is what the client said of the call.
func (e *evidence) result(c *call) (journal.Result, bool) {
	if !c.driven {
		return journal.Result{}, false
	}
	r, said := e.results[c.no]
	return r, said
}
