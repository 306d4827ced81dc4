package chaosserver

import (
	"context"
	"time"

	"brownout/chaosserver/journal"
)

const (
	canaryTick = 10 * time.Millisecond
	// canaryLate is the lateness from which on a tick is recorded. Go's timers wake in whole milliseconds, so that up
	// to 1.4 ms is their own.
	canaryLate = 2 * time.Millisecond
	// canarySpan is the stretch of which only the worst lateness is recorded.
	canarySpan = 100 * time.Millisecond
)

// watchLateness is the canary: it measures how late the machine wakes a goroutine that wants to run, and records what
// is worth it, until ctx ends.
func (s *Server) watchLateness(ctx context.Context) {
	tick := time.NewTimer(canaryTick)
	defer tick.Stop()
	var worst worstLateness
	for asked := time.Now(); ; asked = time.Now() {
		tick.Reset(canaryTick)
		done := false
		select {
		case <-tick.C:
		case <-ctx.Done():
			done = true
		}
		woke := time.Now()
		r := s.run.Load()
		if late := woke.Sub(asked) - canaryTick; late > canaryLate {
			worst.add(journal.Lateness{At: r.at(woke), Late: late})
		}
		if l, ok := worst.take(r.at(woke), done); ok {
			r.late(l)
		}
		if done {
			return
		}
	}
}

// worstLateness keeps the worst lateness of a stretch of canarySpan that begins with the first.
type worstLateness struct {
	worst journal.Lateness
	since time.Duration
}

func (w *worstLateness) add(l journal.Lateness) {
	if w.worst.Late == 0 {
		w.since = l.At
	}
	if l.Late > w.worst.Late {
		w.worst = l
	}
}

// take returns the worst once its stretch is over, or at once with all.
func (w *worstLateness) take(now time.Duration, all bool) (journal.Lateness, bool) {
	if w.worst.Late == 0 || !all && now < w.since+canarySpan {
		return journal.Lateness{}, false
	}
	l := w.worst
	w.worst = journal.Lateness{}
	return l, true
}
