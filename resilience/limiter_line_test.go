package resilience_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

// lineModel is the limiter's line of time as a plain list: every token taken occupies an interval of it. n tokens may be
// taken at an instant t in the first free room [s, e) with s >= t and e <= t + burst·interval.
type lineModel struct {
	interval time.Duration
	burst    int
	taken    []room // sorted
}

type room struct{ start, end time.Time }

// find returns the first free room for n tokens, and when they may be taken.
func (m *lineModel) find(n int) (room, time.Time) {
	now := time.Now()
	length := time.Duration(n) * m.interval
	at := now
	for _, r := range m.taken {
		if r.end.Before(at) {
			continue
		}
		if !at.Add(length).After(r.start) {
			break
		}
		at = r.end
	}
	due := at.Add(length - time.Duration(m.burst)*m.interval)
	if due.Before(now) {
		due = now
	}
	return room{at, at.Add(length)}, due
}

func (m *lineModel) take(r room) {
	m.taken = append(m.taken, r)
	slices.SortFunc(m.taken, func(a, b room) int { return a.start.Compare(b.start) })
}

func (m *lineModel) giveBack(r room) {
	i := slices.Index(m.taken, r)
	m.taken = slices.Delete(m.taken, i, i+1)
}

// Reservations are given the first room there is, and what is cancelled before it is due is room again, all of it.
func TestLimiterReservationsFollowTheLine(t *testing.T) {
	type held struct {
		r   *resilience.Reservation
		at  room
		due time.Time
	}
	checkInBubbles(t, 30, func(t *rapid.T) {
		m := &lineModel{interval: 100 * time.Millisecond, burst: rapid.IntRange(1, 6).Draw(t, "burst")}
		l, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 10, Burst: m.burst})
		if err != nil {
			t.Fatal(err)
		}
		tokens := rapid.IntRange(1, m.burst)
		var all []held
		t.Repeat(map[string]func(*rapid.T){
			"allow": func(t *rapid.T) {
				n := tokens.Draw(t, "n")
				at, due := m.find(n)
				want := due.Equal(time.Now())
				if want {
					m.take(at)
				}
				if got := l.AllowN(n); got != want {
					t.Fatalf("AllowN(%d) = %v, want %v", n, got, want)
				}
			},
			"reserve": func(t *rapid.T) {
				n := tokens.Draw(t, "n")
				at, due := m.find(n)
				m.take(at)
				r := l.ReserveN(n)
				if got, want := r.Delay(), time.Until(due); !r.OK() || got != want {
					t.Fatalf("ReserveN(%d): OK %v, delay %v; want a delay of %v", n, r.OK(), got, want)
				}
				all = append(all, held{&r, at, due})
			},
			"cancel": func(t *rapid.T) {
				all = slices.DeleteFunc(all, func(h held) bool { return !h.due.After(time.Now()) })
				if len(all) == 0 {
					return
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "reservation")
				all[i].r.Cancel()
				m.giveBack(all[i].at)
				all = slices.Delete(all, i, i+1)
			},
			"sleep": func(t *rapid.T) {
				time.Sleep(time.Duration(rapid.IntRange(1, 30).Draw(t, "steps")) * step)
			},
		})
	})
}
