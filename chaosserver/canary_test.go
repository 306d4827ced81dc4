package chaosserver

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// TestWorstLateness: of each stretch that begins with a late tick the worst is kept.
func TestWorstLateness(t *testing.T) {
	const ms = time.Millisecond
	var w worstLateness
	for i, s := range []struct {
		at, late time.Duration // late 0: in time
		want     journal.Lateness
	}{
		{at: 10 * ms},
		{at: 20 * ms, late: 3 * ms},
		{at: 30 * ms, late: 9 * ms},
		{at: 40 * ms, late: 4 * ms},
		{at: 119 * ms},
		{at: 120 * ms, want: journal.Lateness{At: 30 * ms, Late: 9 * ms}},
		{at: 300 * ms},
		{at: 310 * ms, late: 5 * ms},
		{at: 900 * ms, late: 400 * ms, want: journal.Lateness{At: 900 * ms, Late: 400 * ms}},
		{at: 910 * ms},
	} {
		if s.late > 0 {
			w.add(journal.Lateness{At: s.at, Late: s.late})
		}
		got, ok := w.take(s.at, false)
		if got != s.want || ok != (s.want != journal.Lateness{}) {
			t.Errorf("step %d: %v, %v; want %v", i, got, ok, s.want)
		}
	}
	w.add(journal.Lateness{At: time.Second, Late: 3 * ms})
	if got, ok := w.take(time.Second, true); !ok || got.Late != 3*ms {
		t.Errorf("at the end: %v, %v", got, ok)
	}
}

// TestCanaryInMemory: a bubble has no canary, for a ticker would keep its time running.
func TestCanaryInMemory(t *testing.T) {
	bubble(t, "", func(t *testing.T, srv *Server) {
		time.Sleep(time.Hour)
		if late := srv.Journal().Log().Late; late != nil {
			t.Errorf("lateness in virtual time: %v", late)
		}
	})
}
