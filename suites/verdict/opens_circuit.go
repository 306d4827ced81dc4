package verdict

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"brownout/scenarios"
)

// letThrough is the share of calls that an adaptive throttle lets through while everything fails; it never falls silent.
const letThrough = 0.1

// opensCircuit judges whether failures in a row make the client refuse calls itself, and leave the upstream alone for a
// share of the open time. A client that declares none may have an adaptive throttle, which serves as well where it lets no
// more than a tenth of the calls through in the last third.
func opensCircuit(s *scope, p *scenarios.OpensCircuit) *opinion {
	calls, none := s.given()
	if none != nil {
		return none
	}
	after, ok := count(declaredUnless(p.After), s.scenario.Profile.BreakerAfter)
	if !ok {
		return undeclared("breaker_after")
	}
	share := float64(p.For)
	if share == 0 {
		share = openShare
	}
	c := &circuit{scope: s, calls: calls, atts: s.onWire(), after: after}
	if openTime := s.scenario.Profile.OpenTime; openTime != nil {
		c.need = sharedOf(share, *openTime)
		return c.opens()
	}
	if c.throttles() {
		return pass("opens_circuit: at most a tenth of the calls let through")
	}
	return undeclared("open_time")
}

// declaredUnless is a count, or else the declared one.
func declaredUnless(c *scenarios.Count) *scenarios.Count {
	if c == nil {
		return &scenarios.Count{Declared: true}
	}
	return c
}

// circuit is what is looked at to tell whether a circuit opened.
type circuit struct {
	*scope
	calls []given
	atts  []wired
	after int           // failures in a row that open it
	need  time.Duration // how long it is to stay open
}

func (c *circuit) opens() *opinion {
	run, due := c.failures(forever)
	if run < c.after {
		if run == 0 {
			return unseen("no attempt failed as an upstream's failure does")
		}
		return tooFewGiven(run, c.after, "failures in a row")
	}
	first := slices.IndexFunc(c.calls, func(a given) bool { return a.refused() })
	if first < 0 {
		return c.neverOpened(run, due)
	}
	if seen, since := c.failures(c.calls[first].result.Start); since < forever {
		return c.openedLate(seen)
	}
	return c.stayedOpen()
}

// most is how many failures in a row there may be: those that open the circuit, and what was under way by then.
func (c *circuit) most() int {
	var atts []*attempt
	for _, a := range c.atts {
		atts = append(atts, a.attempt)
	}
	peak, _ := peakFlight(c.flights(atts, false))
	return c.after + peak
}

// failures counts the longest run of failures whose outcome the client knew before an instant, and says since when there
// were more than there may be; forever where there never were.
func (c *circuit) failures(before time.Duration) (longest int, since time.Duration) {
	atts := slices.Clone(c.atts)
	sort.SliceStable(atts, func(i, j int) bool { return ended(atts[i].attempt) < ended(atts[j].attempt) })
	run, most := 0, c.most()
	since = forever
	for _, a := range atts {
		if ended(a.attempt) >= before {
			break
		}
		if !sick(a.attempt) {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
		if run > most {
			since = min(since, ended(a.attempt))
		}
	}
	return longest, since
}

// neverOpened is the opinion where no call was refused; since due there have been enough failures.
func (c *circuit) neverOpened(run int, due time.Duration) *opinion {
	if due == forever {
		return tooFewGiven(run, c.most()+1, "failures in a row")
	}
	more := 0
	var shown *call
	for i := range c.calls {
		if c.calls[i].result.Start > due {
			more++
			if shown == nil {
				shown = c.calls[i].call
			}
		}
	}
	if more < c.sample() {
		return tooFewGiven(more, c.sample(), "calls after the circuit was to open")
	}
	o := fail("The circuit never opened: %d more calls reached the upstream after %d failures in a row.", more, c.most()+1)
	o.note = fmt.Sprintf("%d failures in a row, %d open it", run, c.after)
	o.absence = true
	c.show(o, shown)
	return o
}

// openedLate is the opinion where calls were refused after too many failures only.
func (c *circuit) openedLate(seen int) *opinion {
	o := fail("The circuit opened after %d failures in a row; %d are to open it.", seen, c.after)
	o.note = fmt.Sprintf("at most %d, with what was under way", c.most())
	last := c.calls[0].call
	for _, a := range c.atts {
		if sick(a.attempt) {
			last = a.call
		}
	}
	c.show(o, last)
	return o
}

// stayedOpen judges for how long the upstream was left alone.
func (c *circuit) stayedOpen() *opinion {
	all := silences(c.atts, c.calls)
	var best, few *silence // the longest with enough calls refused, and the longest with too few
	for i := range all {
		n := &all[i]
		switch {
		case n.refused >= c.sample():
			if best == nil || n.length() > best.length() {
				best = n
			}
		case n.refused > 0 && n.length() >= c.need:
			if few == nil || n.refused > few.refused {
				few = n
			}
		}
	}
	switch {
	case best != nil && best.length() >= c.need:
		return pass("opens_circuit: silent for %s, %d refused", measured(best.length()), best.refused)
	case few != nil:
		return tooFewGiven(few.refused, c.sample(), "calls that the open circuit refused")
	}
	var longest, last *silence // of those in which calls were refused: the longest that an attempt ended, and the one that nothing did
	for i := range all {
		switch n := &all[i]; {
		case n.refused == 0:
		case n.after == nil:
			last = n
		case longest == nil || n.length() > longest.length():
			longest = n
		}
	}
	switch {
	case longest == nil && last == nil:
		return fail("The client refused calls itself, and did not leave the upstream alone meanwhile.")
	case longest == nil:
		return unseen("the run ended %s after the circuit had opened", measured(last.length()))
	}
	o := fail("The open circuit left the upstream alone for %s; at least %s are due.", measured(longest.length()), short(c.need))
	o.note = fmt.Sprintf("open_time is %s", short(*c.scenario.Profile.OpenTime))
	c.show(o, longest.after.call)
	return o
}

// throttles reports whether hardly a call of the last third was let through, all of whose attempts failed.
func (c *circuit) throttles() bool {
	last := c.calls[2*len(c.calls)/3:]
	through := 0
	for i := range last {
		if len(last[i].atts) > 0 {
			through++
		}
		if slices.ContainsFunc(last[i].atts, func(a *attempt) bool { return !sick(a) }) {
			return false
		}
	}
	return len(last) >= c.sample() && float64(through) <= letThrough*float64(len(last))
}

// show shows a call, and the line that made it fail.
func (c *circuit) show(o *opinion, shown *call) {
	o.Proof = c.prove(shown, nil, shown.atts...)
	if len(shown.atts) > 0 {
		o.Cause = c.cause(shown.atts[0])
	}
}
