package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

const (
	leastMedian = 100 * time.Millisecond // below it jitter cannot be told from noise
	leastSpread = 20 * time.Millisecond  // from the 10th to the 90th percentile
	shareSpread = 0.05                   // of the median
)

// backoffJitters judges whether the waits of many calls spread: the test JIT of the rules. It looks at the first
// waits, or where those are immediate retries, at the second.
func backoffJitters(s *scope, _ *scenarios.BackoffJitters) *opinion {
	ws := s.ladder().skipImmediate().rung(1)
	switch {
	case len(ws) == 0:
		return unseen("no call waited of its own accord before it tried again")
	case len(ws) < s.sample():
		return tooFew(len(ws), s.sample(), "calls that were tried again")
	}
	ds := lengths(ws)
	median, spread := quantile(ds, 0.5), quantile(ds, 0.9)-quantile(ds, 0.1)
	if median < leastMedian {
		return unseen("%d waits have a median of %s; jitter shows from 100ms on", len(ws), milliseconds(median))
	}
	least := max(leastSpread, time.Duration(shareSpread*float64(median)))
	if spread >= least {
		if clean := s.lessLate(ws); quantile(clean, 0.9)-quantile(clean, 0.1) < least {
			o := unseen("%d waits spread by %s, but the machine itself was late in them", len(ws), milliseconds(spread))
			o.Lateness = true
			return o
		}
		return pass("backoff_jitters: %s ± %s", short(median), short(spread/2))
	}
	o := fail("The client waits without jitter: the middle 80%% of %d waits lie within %s around %s.",
		len(ws), milliseconds(spread), measured(median))
	if spread > least/2 {
		o.Sentence = fmt.Sprintf("The client's jitter is too narrow: the middle 80%% of %d waits lie within %s around %s.",
			len(ws), milliseconds(spread), measured(median))
	}
	o.note = fmt.Sprintf("spread of %s, at least %s is asked for", milliseconds(spread), short(least))
	s.showWaits(o, ws)
	return o
}

// showWaits shows the first two calls of a finding about waits of many.
func (s *scope) showWaits(o *opinion, ws []wait) {
	w := ws[0]
	o.Proof = s.prove(w.call, nil, w.before, w.after)
	o.Cause = s.cause(w.before)
	o.Others = others(callsOf(ws, w.call))
}

// milliseconds writes a short measured duration: 0.8ms, 37.2ms; from a second on in seconds.
func milliseconds(d time.Duration) string {
	if d >= time.Second {
		return measured(d)
	}
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}
