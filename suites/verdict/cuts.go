package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// placeCuts gives each connection that a fault cut at accept or tls, before any request, to the one call in progress, as an
// attempt of it. With several calls in progress it stays unplaced, and a check by call cannot be decided.
func (e *evidence) placeCuts() {
	cuts := e.cutConns()
	if len(cuts) == 0 {
		return
	}
	flow := e.flow()
	nobody := -1 // the call that takes what no call in progress can own
	grown := make(map[int]bool)
	for _, conn := range cuts {
		owner := flow.at(conn.Accept)
		switch {
		case owner == several:
			e.unplaced++
			continue
		case owner == none && nobody < 0:
			nobody = len(e.calls)
			e.calls = append(e.calls, call{name: fmt.Sprintf("connection %d", conn.ID), replay: -1})
			fallthrough
		case owner == none:
			owner = nobody
		}
		c := &e.calls[owner]
		c.atts = append(slices.Clip(c.atts), e.cutAttempt(conn))
		c.cuts++
		grown[owner] = true
	}
	for id := range grown {
		slices.SortStableFunc(e.calls[id].atts, byFirst)
	}
}

// cutConns are the connections that a fault cut at accept or tls, in order.
func (e *evidence) cutConns() []*journal.Conn {
	var cuts []*journal.Conn
	for i := range e.log.Conns {
		if c := &e.log.Conns[i]; e.cutFault(c) != nil {
			cuts = append(cuts, c)
		}
	}
	return cuts
}

// cutFault is the fault that cut the connection at accept or tls; nil where none did.
func (e *evidence) cutFault(c *journal.Conn) *scenarios.Fault {
	for _, i := range c.Applied {
		if i >= 0 && i < len(e.scenario.Faults) && e.scenario.Faults[i].OnConnection() {
			return &e.scenario.Faults[i]
		}
	}
	return nil
}

// cutAttempt is the attempt that a connection cut at accept or tls stands for. Its Seq is 0: the journal has no attempt.
func (e *evidence) cutAttempt(c *journal.Conn) *attempt {
	wire := e.cutFault(c).Answer.Wire.String()
	done := c.Accept
	if c.Closed != journal.ClosedNot {
		done = c.Close
	}
	a := newAttempt(&journal.Attempt{
		Conn: c.ID, ConnRequest: 1, First: c.Accept, Read: c.Accept, Sent: c.Accept, Done: done, Ended: true,
		Phase: e.phaseAt(c.Accept), Entry: -1, Drawn: c.Drawn, Applied: c.Applied, Reason: c.Reason, Wire: wire, Closed: c.Closed,
	})
	a.cut = true
	return &a
}

// phaseAt is the phase at an instant of the journal. Where phases are as long as so many attempts take, it is that of
// the last attempt before.
func (e *evidence) phaseAt(t time.Duration) string {
	end := e.zero
	for _, p := range e.scenario.Phases {
		if p.Attempts > 0 {
			n, _ := slices.BinarySearchFunc(e.log.Attempts, t, func(a journal.Attempt, t time.Duration) int { return cmp.Compare(a.First, t) })
			if n == 0 {
				return e.scenario.Phases[0].Name
			}
			return e.log.Attempts[n-1].Phase
		}
		if end += p.For; t < end || p.For == 0 {
			return p.Name
		}
	}
	return ""
}

// The answers of flow.at that name no call.
const (
	none    = -1
	several = -2
)

// flow tells which call was in progress when.
type flow struct {
	begun     []moment // of the calls that were seen to be in progress
	over      []moment
	failed    []moment // ends of calls that had no success, and might have been tried again
	forgotten []moment // when those can no longer have been
}

// moment is an instant of a call; sum is the sum of the calls of all moments up to it.
type moment struct {
	at   time.Duration
	call int
	sum  int
}

// flow collects when each call began and ended. A call with a process of its own is in progress while that runs, and one
// that the client was told to make until it said what came of it; another from its first request to the end of its last, and
// where that was no success, perhaps for longer.
func (e *evidence) flow() *flow {
	var f flow
	for id := range e.calls {
		c := &e.calls[id]
		begin, end := forever, forever
		if len(c.atts) > 0 {
			begin, end = c.atts[0].First, ended(c.atts[len(c.atts)-1])
		}
		if p := e.exit(c); p != nil {
			begin, end = min(begin, p.Start), p.Stop
		} else if r, told := e.told(c); told && r.Timed {
			begin, end = min(begin, r.Start), r.At
		} else if last := len(c.atts) - 1; last >= 0 && !whole2xx(c.atts[last]) {
			f.failed = append(f.failed, moment{at: end, call: id})
			f.forgotten = append(f.forgotten, moment{at: max(end, e.forgotten(c, end)), call: id})
		}
		if begin == forever {
			continue
		}
		f.begun = append(f.begun, moment{at: begin, call: id})
		f.over = append(f.over, moment{at: max(begin, end), call: id}) // a record may be odd
	}
	for _, ms := range [][]moment{f.begun, f.over, f.failed, f.forgotten} {
		sort.SliceStable(ms, func(i, j int) bool { return ms[i].at < ms[j].at })
		sum := 0
		for i := range ms {
			sum += ms[i].call
			ms[i].sum = sum
		}
	}
	return &f
}

// at is the call in progress at the instant: the one that had begun and not ended; else the one that might be tried
// again, or the next to begin.
func (f *flow) at(t time.Duration) int {
	n, sum := until(f.begun, t, true)
	m, gone := until(f.over, t, false)
	switch n - m {
	case 0:
	case 1:
		return sum - gone
	default:
		return several
	}
	waiting, sum := until(f.failed, t, false)
	m, gone = until(f.forgotten, t, false)
	waiting -= m
	begins := n < len(f.begun)
	switch {
	case waiting == 0 && begins:
		return f.begun[n].call
	case waiting == 1 && !begins:
		return sum - gone
	case waiting == 0:
		return none
	}
	return several
}

// until counts the moments before t, or up to t where it counts too, and sums up their calls.
func until(ms []moment, t time.Duration, inclusive bool) (n, sum int) {
	n, _ = slices.BinarySearchFunc(ms, t, func(m moment, t time.Duration) int {
		if m.at < t || inclusive && m.at == t {
			return -1
		}
		return 1
	})
	if n > 0 {
		sum = ms[n-1].sum
	}
	return n, sum
}
