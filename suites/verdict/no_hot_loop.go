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

// noHotLoop judges the mean of the waits from the second of a call on: one immediate retry is everyone's right. Where
// no call has a second wait, the first ones are judged. It takes 20 waits; those that the server asked for, and got,
// count as long enough.
func noHotLoop(s *scope, p *scenarios.NoHotLoop) opinion {
	later, first, kept := s.loops(p)
	loops, onlyFirst := later, false
	if later[0].n+later[1].n == 0 {
		loops, onlyFirst = first, true
	}
	switch own := loops[0].n + loops[1].n; {
	case own+kept == 0:
		return unseen("no attempt followed a failure")
	case own+kept < sampleLoop:
		return tooFew(own+kept, sampleLoop, "waits")
	case own == 0:
		return pass("no_hot_loop: %s as asked", plural(kept, "wait"))
	}
	var few *loop
	least := forever
	for i := range loops {
		l := &loops[i]
		if l.n == 0 {
			continue
		}
		m := l.mean()
		least = min(least, m)
		switch {
		case m >= l.bound:
		case l.n < sampleLoop:
			few = l
		case onlyFirst && s.retriesAtOnce(l.bound):
			return unseen("each call was tried again once, at once, as the profile's base of %s declares", short(*s.scenario.Profile.Base))
		default:
			return l.failure(s, m)
		}
	}
	if few != nil {
		return tooFew(few.n, sampleLoop, "waits")
	}
	return pass("no_hot_loop: mean wait %s", milliseconds(least))
}

// loops sums up the waits from the second of a call on, and the first ones, each in two parts: after a 429 and after
// other failures. Waits that the server asked for, and got, are only counted.
func (s *scope) loops(p *scenarios.NoHotLoop) (later, first [2]loop, kept int) {
	bound, throttle := loopMean, throttleMean
	if p.Mean != nil {
		bound, throttle = *p.Mean, *p.Mean
	}
	later = [2]loop{{bound: bound}, {bound: throttle, after: " after a 429"}}
	first = later
	s.each(failed, func(w wait) {
		i := 0
		if w.before.Status == throttled {
			i = 1
		}
		switch {
		case w.asked():
			kept++
		case w.k == 1:
			first[i].add(w)
		default:
			later[i].add(w)
		}
	})
	return later, first, kept
}

// retriesAtOnce reports whether the profile declares waits shorter than the bound.
func (s *scope) retriesAtOnce(bound time.Duration) bool {
	return s.scenario.Profile.Base != nil && *s.scenario.Profile.Base < bound
}

func (l *loop) failure(s *scope, m time.Duration) opinion {
	o := fail("The client retries in a loop: it waits %s on average%s.", milliseconds(m), l.after)
	o.note = fmt.Sprintf("mean of %d waits, at least %s is asked for", l.n, short(l.bound))
	o.Proof = s.prove(l.quick.call, nil, l.quick.before, l.quick.after)
	o.Cause = s.cause(l.quick.before)
	return o
}
