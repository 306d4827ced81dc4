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

// noHotLoop judges the mean of the waits from the second of a call on: one immediate retry is everyone's right. Where
// no call has a second wait, the first ones are judged. Waits that the server asked for, and got, count as long enough.
func noHotLoop(s *scope, p *scenarios.NoHotLoop) *opinion {
	later, first := loops{p: p}, loops{p: p}
	kept := 0
	s.each(failed, func(w wait) {
		switch {
		case w.asked():
			kept++
		case w.k == 1:
			first.add(w)
		default:
			later.add(w)
		}
	})
	judged, onlyFirst := &later, later.n == 0
	if onlyFirst {
		judged = &first
	}
	switch {
	case judged.n+kept == 0:
		return unseen("no attempt followed a failure")
	case judged.n+kept < s.sample():
		return tooFew(judged.n+kept, s.sample(), "waits")
	case judged.n == 0:
		return pass("no_hot_loop: %s as asked", plural(kept, "wait"))
	}
	least, few := forever, (*loop)(nil)
	for _, l := range judged.of {
		m := l.mean(s.sample())
		switch {
		case m >= l.bound:
			least = min(least, m)
		case l.n < s.sample() && l.route != "":
		case l.n < s.sample():
			few = l
		case onlyFirst && s.retriesAtOnce(l.bound):
			return unseen("each call was tried again once, at once, as the profile's base of %s declares", short(*s.scenario.Profile.Base))
		default:
			return l.failure(s, m)
		}
	}
	if few != nil {
		return tooFew(few.n, s.sample(), "waits"+few.after)
	}
	return pass("no_hot_loop: mean wait %s", milliseconds(least))
}

// retriesAtOnce reports whether the profile declares waits shorter than the bound.
func (s *scope) retriesAtOnce(bound time.Duration) bool {
	return s.scenario.Profile.Base != nil && *s.scenario.Profile.Base < bound
}

// loops sums up waits after a 429 and after other failures, of all calls together and by route, for a client may treat
// one kind of request unlike another.
type loops struct {
	p  *scenarios.NoHotLoop
	n  int
	of []*loop
}

func (l *loops) add(w wait) {
	l.n++
	is429 := w.before.Status == throttled
	l.find("", is429).add(w)
	if route := w.before.Route; route != "" {
		l.find(route, is429).add(w)
	}
}

func (l *loops) find(route string, is429 bool) *loop {
	for _, one := range l.of {
		if one.route == route && one.is429 == is429 {
			return one
		}
	}
	one := &loop{route: route, is429: is429, bound: loopMean}
	if is429 {
		one.bound, one.after = throttleMean, " after a 429"
	}
	if l.p.Mean != nil {
		one.bound = *l.p.Mean
	}
	l.of = append(l.of, one)
	return one
}

// loop sums up waits that one bound holds for.
type loop struct {
	route string // "" all
	is429 bool
	after string // " after a 429"; ""
	bound time.Duration

	sums  []time.Duration // by ordinal of the wait
	ns    []int           // by ordinal
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

// mean is the mean over all waits or, where that is less, over the calls of the waits of one ordinal that a whole
// sample of calls got to.
func (l *loop) mean(sample int) time.Duration {
	least := l.sum / time.Duration(l.n)
	for k, n := range l.ns {
		if n >= sample {
			least = min(least, l.sums[k]/time.Duration(n))
		}
	}
	return least
}

func (l *loop) failure(s *scope, mean time.Duration) *opinion {
	o := fail("The client retries in a loop: it waits %s on average%s.", milliseconds(mean), l.after)
	o.note = fmt.Sprintf("mean of %d waits, at least %s is asked for", l.n, short(l.bound))
	o.Proof = s.prove(l.quick.call, nil, l.quick.before, l.quick.after)
	o.Cause = s.cause(l.quick.before)
	return o
}
