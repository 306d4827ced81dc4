package verdict

import (
	"math"
	"slices"
	"time"
)

// mean of durations; 0 of none.
func mean(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	sum := 0.0
	for _, d := range ds {
		sum += float64(d)
	}
	return time.Duration(sum / float64(len(ds)))
}

// quantile is the q-quantile of sorted durations, with straight lines between them (type 7 of Hyndman and Fan,
// "Sample Quantiles in Statistical Packages", 1996).
func quantile(sorted []time.Duration, q float64) time.Duration {
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(below)
	return sorted[below] + time.Duration(part*float64(sorted[below+1]-sorted[below]))
}

// ladder holds the client's own waits by their ordinal in the call: ladder[0] the first waits of all calls.
type ladder [][]wait

// deepest is how many waits of a call a ladder holds; the statistics look at no more.
const deepest = 8

// ladder collects the waits that the client chose itself: those that the server asked for are left out.
func (s *scope) ladder() ladder {
	var l ladder
	s.each(failed, func(w wait) {
		if w.k > deepest || w.asked() {
			return
		}
		for len(l) < w.k {
			l = append(l, make([]wait, 0, len(s.calls)>>len(l)))
		}
		l[w.k-1] = append(l[w.k-1], w)
	})
	return l
}

// lengths of the waits, sorted.
func lengths(ws []wait) []time.Duration {
	ds := make([]time.Duration, len(ws))
	for i, w := range ws {
		ds[i] = w.length
	}
	slices.Sort(ds)
	return ds
}

// immediate is the wait below which a retry counts as done at once.
const immediate = 10 * time.Millisecond

// skipImmediate leaves out the first waits where there are none of the client's own, or where it retries at once the
// first time.
func (l ladder) skipImmediate() ladder {
	for len(l) > 1 && (len(l[0]) == 0 || quantile(lengths(l[0]), 0.5) < immediate) {
		l = l[1:]
	}
	return l
}

// rung returns the waits of an ordinal, from 1; none where no call got so far.
func (l ladder) rung(k int) []wait {
	if k > len(l) {
		return nil
	}
	return l[k-1]
}

// lessLate returns the lengths of the waits without the machine's lateness in them, sorted.
func (s *scope) lessLate(ws []wait) []time.Duration {
	ds := make([]time.Duration, len(ws))
	for i, w := range ws {
		ds[i] = w.length - s.lateness(w.before.Sent, w.after.First)
	}
	slices.Sort(ds)
	return ds
}
