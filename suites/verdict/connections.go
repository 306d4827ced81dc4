package verdict

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// connections judges how many connections there were: in all, open at once, by call, and left when the client had
// ended.
func connections(s *scope, p *scenarios.Connections) *opinion {
	profile := &s.scenario.Profile
	for _, c := range []*scenarios.Count{p.Max, p.Open, p.PerCall, p.AfterStop} {
		if c == nil {
			continue
		}
		if _, ok := count(c, profile.Pool); !ok {
			return undeclared("pool")
		}
	}
	conns := s.conns()
	if len(conns) == 0 {
		if len(s.log.Attempts) > 0 && s.log.Attempts[0].Conn == 0 {
			return unseen("the server ran as a bare handler, which sees no connections")
		}
		return unseen("there was no connection to judge")
	}
	var parts []*opinion
	if p.Max != nil {
		parts = append(parts, s.distinct(conns, p.Max))
	}
	if p.Open != nil {
		parts = append(parts, s.openAtOnce(conns, p.Open))
	}
	if p.PerCall != nil {
		parts = append(parts, s.perCall(p.PerCall))
	}
	if p.AfterStop != nil {
		parts = append(parts, s.afterStop(conns, p.AfterStop))
	}
	return gravest("connections", parts)
}

// gravest is the opinion that decides; passed ones are summed up together.
func gravest(check string, parts []*opinion) *opinion {
	if len(parts) == 0 {
		return unseen("no bound is set")
	}
	worst := parts[0]
	for _, o := range parts[1:] {
		if rank(o.Outcome) > rank(worst.Outcome) {
			worst = o
		} else if o.Outcome == Pass && worst.Outcome == Pass {
			worst.Summary += ", " + o.Summary
		}
	}
	if worst.Outcome == Pass {
		worst.Summary = check + ": " + worst.Summary
	}
	return worst
}

// limit is the number that a count sets.
func (s *scope) limit(c *scenarios.Count) int {
	n, _ := count(c, s.scenario.Profile.Pool)
	return n
}

// conns are the connections of the scope: all, or those that its calls used.
func (s *scope) conns() []*journal.Conn {
	used := make(map[uint64]bool)
	if !s.everything() {
		for _, calls := range [][]*call{s.calls, s.vague} {
			for _, c := range calls {
				for _, a := range c.atts {
					used[a.Conn] = true
				}
			}
		}
	}
	var conns []*journal.Conn
	for i := range s.log.Conns {
		if c := &s.log.Conns[i]; s.everything() || used[c.ID] {
			conns = append(conns, c)
		}
	}
	return conns
}

func (s *scope) distinct(conns []*journal.Conn, c *scenarios.Count) *opinion {
	most := s.limit(c)
	if len(conns) <= most {
		return pass("%d in all", len(conns))
	}
	o := fail("The client opened %s, %d more than allowed.", plural(len(conns), "connection"), len(conns)-most)
	o.note = fmt.Sprintf("%s for %s", plural(len(conns), "connection"), plural(len(s.log.Attempts), "attempt"))
	return o
}

// openAtOnce counts the connections open at one instant. A close may be seen a little late, so each counts as closed
// early; where only the machine's own lateness in that made the difference, it is inconclusive.
func (s *scope) openAtOnce(conns []*journal.Conn, c *scenarios.Count) *opinion {
	most := s.limit(c)
	peak, at := peakOpen(conns, func(*journal.Conn) time.Duration { return early })
	if peak <= most {
		return pass("%d at once", peak)
	}
	late, _ := peakOpen(conns, func(c *journal.Conn) time.Duration { return early + s.lateness(c.Close-lateFixed, c.Close) })
	if late <= most {
		o := unseen("%d connections were open at once, but the machine itself was late to see some closed", peak)
		o.Lateness = true
		return o
	}
	o := fail("The client had %s open at once, %d more than allowed.", plural(peak, "connection"), peak-most)
	o.note = fmt.Sprintf("%d open at %s", peak, measured(at))
	return o
}

// peakOpen is the greatest number of connections open at once, and when there first were so many. A connection counts
// as closed so much before its close was seen, but never before it was opened.
func peakOpen(conns []*journal.Conn, sooner func(*journal.Conn) time.Duration) (peak int, at time.Duration) {
	type edge struct {
		at    time.Duration
		opens int
	}
	edges := make([]edge, 0, 2*len(conns))
	for _, c := range conns {
		edges = append(edges, edge{c.Accept, 1})
		if c.Closed != journal.ClosedNot {
			edges = append(edges, edge{max(c.Close-sooner(c), c.Accept), -1})
		}
	}
	sort.SliceStable(edges, func(i, j int) bool {
		a, b := edges[i], edges[j]
		return a.at < b.at || a.at == b.at && a.opens < b.opens
	})
	open := 0
	for _, e := range edges {
		open += e.opens
		if open > peak {
			peak, at = open, e.at
		}
	}
	return peak, at
}

// perCall counts the connections of each call. It needs calls that can be told apart.
func (s *scope) perCall(c *scenarios.Count) *opinion {
	most := s.limit(c)
	var bad []*call
	peak := 0
	var widest *call
	for _, c := range s.calls {
		n := connsOf(s.attempts(c))
		if n > most {
			bad = append(bad, c)
		}
		if n > peak {
			peak, widest = n, c
		}
	}
	switch {
	case len(bad) > 0:
		o := fail("The client opened %s for one call, %d more than allowed.", plural(peak, "connection"), peak-most)
		o.note = fmt.Sprintf("%d of %s had more than %d", len(bad), plural(len(s.calls), "call"), most)
		o.Proof, o.Others = s.prove(widest, nil), others(first(widest, bad))
		return o
	case len(s.vague) > 0:
		return s.alike()
	case s.unplaced > 0:
		return s.unplacedCuts()
	case peak == 0:
		return s.noCall()
	}
	return pass("%d a call", peak)
}

// connsOf counts the connections of attempts.
func connsOf(atts []*attempt) int {
	var ids []uint64
	for _, a := range atts {
		if !slices.Contains(ids, a.Conn) {
			ids = append(ids, a.Conn)
		}
	}
	return len(ids)
}

// afterStop counts the connections that were still open when the client's time to close them was over.
func (s *scope) afterStop(conns []*journal.Conn, c *scenarios.Count) *opinion {
	if len(s.log.Clients) == 0 {
		return unseen("nothing says when the client ended")
	}
	stop := time.Duration(0)
	for i := range s.log.Clients {
		stop = max(stop, s.log.Clients[i].Stop)
	}
	most, due := s.limit(c), stop+lateFixed
	left, excused, unknown := 0, 0, 0
	for _, c := range conns {
		switch open := c.Closed == journal.ClosedNot; {
		case open && s.log.End < due:
			unknown++
		case open:
			left++
		case c.Close > due && c.Close-s.lateness(stop, c.Close) <= due:
			excused++
		case c.Close > due:
			left++
		}
	}
	switch {
	case left > most:
		o := fail("The client left %s open, %d more than allowed.", plural(left, "connection"), left-most)
		o.note = fmt.Sprintf("%d open %s after its end", left, short(lateFixed))
		o.absence = true
		return o
	case left+excused > most:
		o := unseen("%s closed late, but the machine itself was late", plural(excused, "connection"))
		o.Lateness = true
		return o
	case left+excused+unknown > most:
		return unseen("the record ended %s after the client, with %s open", short(s.log.End-stop), plural(unknown, "connection"))
	}
	return pass("%d left open", left)
}
