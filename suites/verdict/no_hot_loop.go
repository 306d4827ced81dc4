package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

const (
	loopMean     = 10 * time.Millisecond
	throttleMean = 100 * time.Millisecond // after a 429
	throttled    = 429
)

// loop sums up waits that one bound holds for.
type loop struct {
	bound time.Duration
	after string // ", after a 429"; ""
	sums  []time.Duration
	ns    []int // by ordinal, like sums
	sum   time.Duration
	n     int
	quick wait // the shortest
}

func (l *loop) add(w wait) {
	for len(l.sums) <= w.k {
		l.sums, l.ns = append(l.sums, 0), append(l.ns, 0)
	}
	l.sums[w.k] += w.length
	l.ns[w.k]++
	if l.n == 0 || w.length < l.quick.length {
		l.quick = w
	}
	l.sum += w.length
	l.n++
}

// mean is the mean over the calls of the waits that are shortest on average, among the ordinals that enough calls
// got to, and over all waits.
func (l *loop) mean() time.Duration {
	worst := l.sum / time.Duration(max(l.n, 1))
	for k, n := range l.ns {
		if n >= sampleLoop {
			worst = min(worst, l.sums[k]/time.Duration(n))
		}
	}
	return worst
}

// loops are the waits of a group of calls: after a 429, and after other failures.
type loops struct{ throttled, others loop }

func newLoops(p *scenarios.NoHotLoop) *loops {
	l := &loops{throttled: loop{bound: throttleMean, after: " after a 429"}, others: loop{bound: loopMean}}
	if p.Mean != nil {
		l.throttled.bound, l.others.bound = *p.Mean, *p.Mean
	}
	return l
}

func (l *loops) add(w wait) {
	if w.before.Status == throttled {
		l.throttled.add(w)
		return
	}
	l.others.add(w)
}

func (l *loops) len() int { return l.throttled.n + l.others.n }

// both are the two parts that have waits.
func (l *loops) both() []*loop {
	var both []*loop
	for _, part := range []*loop{&l.others, &l.throttled} {
		if part.n > 0 {
			both = append(both, part)
		}
	}
	return both
}

// hot is the part of the loops, or of one with enough waits on a route, whose mean is too short; nil where none is.
func (w *loopWaits) hot() *loop {
	for _, part := range w.all.both() {
		if part.n >= sampleLoop && part.mean() < part.bound {
			return part
		}
	}
	for _, name := range w.names {
		for _, part := range w.routes[name].both() {
			if part.n >= sampleLoop && part.mean() < part.bound {
				return part
			}
		}
	}
	return nil
}

// loopWaits are the waits that one ordinal or more of the calls are judged by, together and by route: a client may
// treat one kind of request unlike another.
type loopWaits struct {
	all    *loops
	names  []string // of routes, in order
	routes map[string]*loops
}

func (w *loopWaits) add(p *scenarios.NoHotLoop, route string, one wait) {
	if w.all == nil {
		w.all, w.routes = newLoops(p), make(map[string]*loops)
	}
	w.all.add(one)
	l := w.routes[route]
	if l == nil {
		l = newLoops(p)
		w.routes[route] = l
		w.names = append(w.names, route)
	}
	l.add(one)
}

func (w *loopWaits) len() int {
	if w.all == nil {
		return 0
	}
	return w.all.len()
}

// noHotLoop judges the mean of the waits from the second of a call on: one immediate retry is everyone's right. Where
// no call has a second wait, the first ones are judged. It takes 20 waits; those that the server asked for, and got,
// count as long enough.
func noHotLoop(s *scope, p *scenarios.NoHotLoop) opinion {
	var later, first loopWaits
	kept := 0
	s.each(failed, func(w wait) {
		switch {
		case w.asked():
			kept++
		case w.k == 1:
			first.add(p, w.before.Route, w)
		default:
			later.add(p, w.before.Route, w)
		}
	})
	judged, onlyFirst := &later, later.len() == 0
	if onlyFirst {
		judged = &first
	}
	switch own := judged.len(); {
	case own+kept == 0:
		return unseen("no attempt followed a failure")
	case own+kept < sampleLoop:
		return tooFew(own+kept, sampleLoop, "waits")
	case own == 0:
		return pass("no_hot_loop: %s as asked", plural(kept, "wait"))
	}
	if l := judged.hot(); l != nil {
		if onlyFirst && s.retriesAtOnce(l.bound) {
			return unseen("each call was tried again once, at once, as the profile's base of %s declares", short(*s.scenario.Profile.Base))
		}
		return l.failure(s)
	}
	least := forever
	for _, l := range judged.all.both() {
		if least = min(least, l.mean()); l.mean() < l.bound {
			return tooFew(l.n, sampleLoop, "waits"+l.after)
		}
	}
	return pass("no_hot_loop: mean wait %s", milliseconds(least))
}

// retriesAtOnce reports whether the profile declares waits shorter than the bound.
func (s *scope) retriesAtOnce(bound time.Duration) bool {
	return s.scenario.Profile.Base != nil && *s.scenario.Profile.Base < bound
}

func (l *loop) failure(s *scope) opinion {
	o := fail("The client retries in a loop: it waits %s on average%s.", milliseconds(l.mean()), l.after)
	o.note = fmt.Sprintf("mean of %d waits, at least %s is asked for", l.n, short(l.bound))
	o.Proof = s.prove(l.quick.call, nil, l.quick.before, l.quick.after)
	o.Cause = s.cause(l.quick.before)
	return o
}
