package verdict

import (
	"sort"
	"time"

	"brownout/chaosserver/journal"
)

// given is a call that a client which takes orders was given: what it was, and what came of it.
type given struct {
	*call
	result journal.Result
}

// refused reports whether the client ended the call with an error of its own, and nothing of it reached the wire.
func (a *given) refused() bool { return len(a.atts) == 0 && !a.result.OK && !a.result.HasCancel }

// given are the calls of the scope of which it is known when they began, in that order. Where the client takes no orders
// there is none, and the opinion says so.
func (s *scope) given() ([]given, *opinion) {
	if o := s.noOrders(); o != nil {
		return nil, o
	}
	var calls []given
	for _, c := range s.calls {
		if r, told := s.told(c); told && r.Timed && !s.shutOut(c, &r) {
			calls = append(calls, given{c, r})
		}
	}
	if len(calls) == 0 {
		o := s.noCall()
		return nil, o
	}
	sort.SliceStable(calls, func(i, j int) bool { return calls[i].result.Start < calls[j].result.Start })
	return calls, nil
}

// noOrders is the opinion where nobody says what became of the calls; nil where the client does.
func (s *scope) noOrders() *opinion {
	if len(s.evidence.calls) == 0 || s.takesOrders() {
		return nil
	}
	o := &opinion{Finding: Finding{Outcome: Skip, Sentence: "the client takes no orders, as one in process does"}, final: true}
	o.Hint = "Judge it in process: package suites for Go clients."
	o.note = "needs the result of each call"
	return o
}

// takesOrders reports whether the client said what came of any call, by a result that says when it began.
func (e *evidence) takesOrders() bool {
	for i := range e.calls {
		if r, told := e.told(&e.calls[i]); told && r.Timed {
			return true
		}
	}
	return false
}

// shutOut reports whether a call without an attempt may have found the port closed: then nobody knows whether the client
// refused it.
func (e *evidence) shutOut(c *call, r *journal.Result) bool {
	if len(c.atts) > 0 {
		return false
	}
	for i, p := range e.log.Ports {
		if p.Open || p.At > r.At {
			continue
		}
		opened := forever
		for _, q := range e.log.Ports[i+1:] {
			if q.Open && q.Host == p.Host {
				opened = q.At
				break
			}
		}
		if r.Start <= opened {
			return true
		}
	}
	return false
}

// wired is an attempt with its call.
type wired struct {
	*attempt
	call *call
}

// onWire are the attempts of the scope, in the order of their first bytes.
func (s *scope) onWire() []wired {
	var all []wired
	for _, calls := range [][]*call{s.calls, s.vague} {
		for _, c := range calls {
			for _, a := range s.attempts(c) {
				all = append(all, wired{a, c})
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return byFirst(all[i].attempt, all[j].attempt) < 0 })
	return all
}

// learned is when the client knew what came of an attempt, at the earliest: when its answer began, or when it gave it up.
func learned(a *attempt) time.Duration {
	if leftByClient(a) || !a.Ended {
		return ended(a)
	}
	return a.Sent
}

// sick reports whether an attempt failed as the failures do that a circuit breaker counts: by its upstream's fault. A client
// error says that the upstream works; so does a 429.
func sick(a *attempt) bool { return failed(a) && (a.Status < 400 || a.Status >= 500) }

// silence is a stretch in which nothing of the scope reached the wire.
type silence struct {
	from, to time.Duration
	after    *wired // what ended it; nil where the load did
	refused  int    // calls that began in it and were refused
}

func (s silence) length() time.Duration { return s.to - s.from }

// silences are the stretches between one attempt's outcome and the next attempt, while calls were asked for.
func silences(atts []wired, calls []given) []silence {
	if len(atts) == 0 {
		return nil
	}
	var all []silence
	from := learned(atts[0].attempt)
	for i := range atts[1:] {
		next := &atts[i+1]
		if next.First > from {
			all = append(all, silence{from: from, to: next.First, after: next})
		}
		from = max(from, learned(next.attempt))
	}
	if last := calls[len(calls)-1].result.At; last > from {
		all = append(all, silence{from: from, to: last})
	}
	i := 0
	for k := range all {
		for ; i < len(calls) && calls[i].result.Start < all[k].to; i++ {
			if calls[i].refused() && calls[i].result.Start >= all[k].from {
				all[k].refused++
			}
		}
	}
	return all
}

// openShare is the share of open_time that an open circuit stays open for at least.
const openShare = 0.8

// sharedOf is a share of a time.
func sharedOf(share float64, d time.Duration) time.Duration { return time.Duration(share * float64(d)) }

// tooFewGiven is tooFew for a client that takes orders.
func tooFewGiven(saw, needs int, of string) *opinion {
	o := tooFew(saw, needs, of)
	o.Hint = "Ask for more calls, as in drive: {rate: 20/s, for: 60s}."
	return o
}
