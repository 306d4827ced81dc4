package verdict

import (
	"sort"
	"time"

	"brownout/chaosserver/journal"
)

// The slack of timing. A lower bound allows for timers that fire early, an upper bound for a machine that is late.
const (
	early     = 25 * time.Millisecond
	lateFixed = 500 * time.Millisecond
	lateShare = 0.05
)

// withSlack is the longest that a wait of at most d may be measured.
func withSlack(d time.Duration) time.Duration {
	return d + lateFixed + time.Duration(lateShare*float64(d))
}

// lateness is the worst lateness of the machine inside a stretch of the run. A tick that came late says that nothing
// ran in time from At-Late to At.
func (e *evidence) lateness(from, to time.Duration) time.Duration {
	ticks := e.log.Late
	first := sort.Search(len(ticks), func(i int) bool { return ticks[i].At >= from })
	worst := time.Duration(0)
	for _, t := range ticks[first:] {
		if t.At-t.Late > to {
			break
		}
		worst = max(worst, overlap(t, from, to))
	}
	return worst
}

// overlap is how much of a late tick lies in the stretch.
func overlap(t journal.Lateness, from, to time.Duration) time.Duration {
	return min(t.At, to) - max(t.At-t.Late, from)
}
