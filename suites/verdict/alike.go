package verdict

import (
	"math"
	"slices"
	"time"

	"brownout/scenarios"
)

// print is what a call without a name is known by.
type print struct {
	method, target string
	host           string // that it went to
	body           [32]byte
}

func (e *evidence) printOf(a *attempt) print {
	return print{a.Method, a.Target, e.hostName(a), a.BodySHA256}
}

// anyBody is the print of an attempt whose body broke off: it may have become any.
func (e *evidence) anyBody(a *attempt) print {
	return print{method: a.Method, target: a.Target, host: e.hostName(a)}
}

// tellApart parts the calls into those whose attempts are known to be theirs and those that look alike. An ambiguous
// attempt casts doubt on every call of its print that was alive when it came: it might be any one's.
func (e *evidence) tellApart() {
	doubts := make(map[print][]time.Duration) // when ambiguous attempts came, in order
	for _, a := range e.ambiguous {
		p := e.printOf(a)
		if !a.BodyWhole {
			p = e.anyBody(a)
		}
		doubts[p] = append(doubts[p], a.First)
	}
	for _, instants := range doubts {
		slices.Sort(instants)
	}
	e.doubtWanderers()
	e.clear = make([]*call, 0, len(e.calls))
	for i := range e.calls {
		c := &e.calls[i]
		c.vague = c.vague || len(doubts) > 0 && e.doubtful(c, doubts)
		if c.vague {
			e.vague = append(e.vague, c)
		} else {
			e.clear = append(e.clear, c)
		}
	}
}

// doubtful reports whether an attempt that might be the call's came while it was alive.
func (e *evidence) doubtful(c *call, doubts map[print][]time.Duration) bool {
	first := c.first()
	if c.named || first == nil {
		return false
	}
	over := ended(c.atts[len(c.atts)-1])
	if !whole2xx(c.atts[len(c.atts)-1]) {
		over = e.forgotten(c, over)
	}
	for _, p := range []print{e.printOf(first), e.anyBody(first)} {
		instants := doubts[p]
		at, _ := slices.BinarySearch(instants, first.First)
		if at < len(instants) && instants[at] <= over {
			return true
		}
	}
	return false
}

// forever is when a call that may still be tried again ends.
const forever = time.Duration(math.MaxInt64)

// forgotten is when a call that ended without success at the instant can no longer be tried again.
func (e *evidence) forgotten(c *call, end time.Duration) time.Duration {
	if r, said := e.result(c); said {
		return max(r.At, end)
	}
	if c.named {
		return forever
	}
	quiet := e.scenario.Identity.Quiet
	if quiet == 0 {
		quiet = scenarios.DefaultQuiet
	}
	if last := c.atts[len(c.atts)-1]; last.HasDue && last.Due > end {
		end = last.Due
	}
	return end + quiet
}
