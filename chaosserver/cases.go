package chaosserver

import (
	"fmt"
	"sync"
	"time"

	"brownout/scenarios"
)

// findCase finds the case that the path names. A case that its route does not have leaves the attempt without a route, and
// is told in words; "" where nothing is wrong.
func (x *exchange) findCase() string {
	x.kase = -1
	if x.route < 0 || len(x.s.scenario.Routes[x.route].Cases) == 0 {
		return ""
	}
	r := &x.s.scenario.Routes[x.route]
	name, picks := x.pathVar("case")
	if !picks {
		return ""
	}
	i, ok := r.CaseNamed(name)
	if !ok {
		x.route = -1
		return fmt.Sprintf("nearest is %s, which has no case %q", r.Name, name)
	}
	x.kase = i
	return ""
}

// caseIndex is the index of the case that the attempt is of: the one that its path names, else that of its call, which take
// them in turn; 0 where the route has none.
func (x *exchange) caseIndex(call int) int {
	if x.kase >= 0 || x.route < 0 {
		return max(x.kase, 0)
	}
	if n := len(x.s.scenario.Routes[x.route].Cases); n > 0 {
		return (max(call, 1) - 1) % n
	}
	return 0
}

// lists counts what the lists of answers have answered that do not count by call. They may be shared by goroutines.
type lists struct {
	mu     sync.Mutex // guards counts, and is held while an attempt is decided about, so that each gets one entry
	counts map[listKey]*int
}

// listKey is what a list counts: all attempts of a route, and of a case of it, or those of one client or event there.
type listKey struct {
	route, list int
	of          string
}

// turn returns the count of the list that answers the attempt, and the mutex that guards it, locked.
func (x *exchange) turn(k *call, list int) (answered *int, guard *sync.Mutex) {
	of := ""
	per := scenarios.PerCall
	if x.route >= 0 {
		per = x.s.scenario.Routes[x.route].Per
	}
	switch per {
	case scenarios.PerCall:
		k.turn.Lock()
		return k.answered(x.route), &k.turn
	case scenarios.PerClient:
		of = x.record.Client
	case scenarios.PerEvent:
		event, _ := x.pathVar("event")
		of = x.keepable(event)
	}
	l := &x.run.lists
	l.mu.Lock()
	key := listKey{x.route, list, of}
	n := l.counts[key]
	if n == nil {
		if l.counts == nil || len(l.counts) >= x.s.config.maxCalls {
			if l.counts != nil {
				x.run.drop(x.run.at(time.Now()), "the counts of lists left their table")
			}
			l.counts = make(map[listKey]*int)
		}
		n = new(int)
		l.counts[key] = n
	}
	return n, &l.mu
}
