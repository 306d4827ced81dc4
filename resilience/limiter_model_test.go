package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

// limiterModel is a token bucket with a queue, moved on from event to event. The level is in time: a token is interval long.
type limiterModel struct {
	interval time.Duration
	burst    int
	level    time.Duration // below 0 while paused
	at       time.Time
	paused   time.Time
	queue    []*modelWaiter
	log      []string // who was served or gave up, and when
}

type modelWaiter struct {
	id       int
	n        int
	deadline time.Time // zero: none
	cancel   context.CancelFunc
}

func (m *limiterModel) full() time.Duration { return time.Duration(m.burst) * m.interval }

// need returns how long the first k of the queue, and n tokens more, still take.
func (m *limiterModel) need(k, n int) time.Duration {
	for _, w := range m.queue[:k] {
		n += w.n
	}
	return max(0, time.Duration(n)*m.interval-m.level)
}

// advance moves the model on to now, and serves and drops those of the queue whose time has come on the way.
func (m *limiterModel) advance(now time.Time) {
	for {
		next, drop := now, -1
		if len(m.queue) > 0 {
			if t := m.at.Add(m.need(1, 0)); !t.After(next) {
				next, drop = t, 0
			}
		}
		for i, w := range m.queue {
			if !w.deadline.IsZero() && w.deadline.Before(next) {
				next, drop = w.deadline, i
			}
		}
		m.level = min(m.full(), m.level+next.Sub(m.at))
		m.at = next
		if drop < 0 {
			return
		}
		w := m.queue[drop]
		m.queue = slices.Delete(m.queue, drop, drop+1)
		if next.Equal(w.deadline) {
			m.note(w.id, "gives up")
			continue
		}
		m.level -= time.Duration(w.n) * m.interval
		m.note(w.id, "served")
	}
}

func (m *limiterModel) note(id int, what string) {
	m.log = append(m.log, logLine(id, what, m.at))
}

func logLine(id int, what string, at time.Time) string {
	return fmt.Sprintf("%d %s at %s", id, what, at.Format("04:05.000000000"))
}

func (m *limiterModel) pause(until time.Time) {
	if !until.After(m.at) || !until.After(m.paused) {
		return
	}
	m.paused = until
	d := until.Sub(m.at)
	m.level = min(m.level+d, m.full(), m.interval) - d
}

func (m *limiterModel) setInterval(interval time.Duration) {
	d := max(0, m.paused.Sub(m.at))
	missing := m.full() - m.level - d
	if missing > 0 {
		missing = missing * interval / m.interval
	}
	m.interval = interval
	m.level = m.full() - missing - d
}

// A limiter with waiters, cancellations, deadlines, pauses and changes of rate behaves like a bucket with a queue.
func TestLimiterFollowsItsModel(t *testing.T) { checkInBubbles(t, 30, checkLimiterAgainstModel) }

const step = 10 * time.Millisecond // what happens, happens on multiples of this, but for deadlines

func checkLimiterAgainstModel(t *rapid.T) {
	m := &limiterModel{interval: 100 * time.Millisecond, burst: rapid.IntRange(1, 4).Draw(t, "burst"), at: time.Now()}
	m.level = m.full()
	l, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 10, Burst: m.burst})
	if err != nil {
		t.Fatal(err)
	}
	d := &limiterDriver{l: l, m: m, tokens: rapid.IntRange(1, m.burst)}
	ctx, stop := context.WithCancel(context.Background())
	d.ctx = ctx
	defer synctest.Wait()
	defer stop()
	changes := 0
	t.Repeat(map[string]func(*rapid.T){
		"allow":  d.allow,
		"wait":   d.wait,
		"wait 2": d.wait,
		"cancel": d.cancel,
		"sleep":  d.sleep,
		"by hand": func(t *rapid.T) {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				until := time.Now().Add(time.Duration(rapid.IntRange(-1, 50).Draw(t, "pause")) * step)
				l.PauseUntil(until)
				m.pause(until)
			case 1:
				if changes++; changes > 3 { // 10ms can be halved seven times
					return
				}
				interval := rapid.SampledFrom([]time.Duration{50, 100, 200}).Draw(t, "interval") * time.Millisecond
				m.setInterval(interval)
				if err := l.SetRate(float64(time.Second) / float64(interval)); err != nil {
					t.Fatal(err)
				}
			}
			d.settle()
		},
		"": d.compare,
	})
}

type limiterDriver struct {
	ctx    context.Context // of all who wait
	l      *resilience.Limiter
	m      *limiterModel
	tokens *rapid.Generator[int]
	ids    int

	mu  sync.Mutex // guards log
	log []string
}

func (d *limiterDriver) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, line)
}

func (d *limiterDriver) settle() {
	synctest.Wait()
	d.m.advance(time.Now())
}

func (d *limiterDriver) allow(t *rapid.T) {
	n := d.tokens.Draw(t, "n")
	want := len(d.m.queue) == 0 && d.m.need(0, n) == 0
	if want {
		d.m.level -= time.Duration(n) * d.m.interval
	}
	if got := d.l.AllowN(n); got != want {
		t.Fatalf("AllowN(%d) = %v, want %v", n, got, want)
	}
}

func (d *limiterDriver) wait(t *rapid.T) {
	w := &modelWaiter{id: d.ids, n: d.tokens.Draw(t, "n")}
	d.ids++
	ctx, cancel := context.WithCancel(d.ctx)
	w.cancel = cancel
	if rapid.Bool().Draw(t, "has deadline") {
		// Off the steps, so that nothing else happens at that instant.
		w.deadline = time.Now().Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "deadline"))*step + 3*time.Millisecond)
		ctx, cancel = context.WithDeadline(ctx, w.deadline)
		_ = cancel // w.cancel ends both
	}
	delay := d.m.need(len(d.m.queue), w.n)
	refuse := !w.deadline.IsZero() && delay > time.Until(w.deadline)
	if !refuse {
		d.m.queue = append(d.m.queue, w)
		d.m.advance(time.Now())
	}
	go func() {
		err := d.l.WaitN(ctx, w.n)
		var limited *resilience.LimitError
		switch {
		case err == nil:
			d.note(logLine(w.id, "served", time.Now()))
		case errors.As(err, &limited):
			if !refuse || limited.Wait != delay || !errors.Is(err, context.DeadlineExceeded) {
				d.note(fmt.Sprintf("%d: got %v, want a wait of %v", w.id, err, delay))
			}
		case errors.Is(err, context.DeadlineExceeded):
			d.note(logLine(w.id, "gives up", time.Now()))
		}
	}()
	synctest.Wait()
}

func (d *limiterDriver) cancel(t *rapid.T) {
	if len(d.m.queue) == 0 {
		return
	}
	i := rapid.IntRange(0, len(d.m.queue)-1).Draw(t, "waiter")
	w := d.m.queue[i]
	d.m.queue = slices.Delete(d.m.queue, i, i+1)
	w.cancel()
	d.settle()
}

func (d *limiterDriver) sleep(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 30).Draw(t, "steps")) * step)
	d.settle()
}

func (d *limiterDriver) compare(t *rapid.T) {
	// Two who were served at the same instant may write it down in either order.
	slices.SortStableFunc(d.log, byInstant)
	slices.SortStableFunc(d.m.log, byInstant)
	if got, want := strings.Join(d.log, "\n"), strings.Join(d.m.log, "\n"); got != want {
		t.Fatalf("log:\n%s\nwant:\n%s", got, want)
	}
	want := float64(d.m.level) / float64(d.m.interval)
	for _, w := range d.m.queue {
		want -= float64(w.n)
	}
	if got := d.l.Tokens(); math.Abs(got-want) > 1e-6 {
		t.Fatalf("tokens %v, want %v", got, want)
	}
}

func byInstant(a, b string) int {
	at := func(s string) string { return s[strings.LastIndex(s, " "):] + s }
	return strings.Compare(at(a), at(b))
}

// taken is tokens taken at an instant.
type taken struct {
	at time.Time
	n  int
}

// No window of time sees more than burst + rate·t tokens taken, whatever is reserved, cancelled, waited for or tried, in
// whatever order; and when all is over nothing is missing.
func TestLimiterNeverAboveTheLimit(t *testing.T) {
	checkInBubbles(t, 30, func(t *rapid.T) {
		const interval = 100 * time.Millisecond
		burst := rapid.IntRange(1, 4).Draw(t, "burst")
		l, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 10, Burst: burst})
		if err != nil {
			t.Fatal(err)
		}
		d := &reserveDriver{l: l, tokens: rapid.IntRange(1, burst)}
		ctx, stop := context.WithCancel(context.Background())
		d.ctx = ctx
		defer synctest.Wait()
		defer stop()
		t.Repeat(map[string]func(*rapid.T){
			"allow":         d.allow,
			"wait":          d.wait,
			"reserve":       d.reserve,
			"cancel":        d.cancel,
			"cancel a wait": d.cancelWait,
			"sleep": func(t *rapid.T) {
				until := time.Now().Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "steps")) * step)
				d.sleep(until)
			},
		})
		d.sleep(time.Now().Add(time.Hour))
		if got := l.Tokens(); got != float64(burst) {
			t.Fatalf("after an hour without anyone %v tokens, want %d", got, burst)
		}
		slices.SortFunc(d.all, func(a, b taken) int { return a.at.Compare(b.at) })
		for i := range d.all {
			sum := 0
			for _, b := range d.all[i:] {
				sum += b.n
				if bound := float64(burst) + float64(b.at.Sub(d.all[i].at))/float64(interval); float64(sum) > bound+1e-6 {
					t.Fatalf("%d tokens within %v, want at most %v", sum, b.at.Sub(d.all[i].at), bound)
				}
			}
		}
	})
}

// reserveDriver makes all kinds of use of a limiter and writes down what was taken.
type reserveDriver struct {
	ctx      context.Context
	l        *resilience.Limiter
	tokens   *rapid.Generator[int]
	reserved []promise
	waiting  []context.CancelFunc

	mu  sync.Mutex // guards all
	all []taken
}

// promise is a reservation and when it acts.
type promise struct {
	r  *resilience.Reservation
	at time.Time
	n  int
}

func (d *reserveDriver) took(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, taken{time.Now(), n})
}

func (d *reserveDriver) allow(t *rapid.T) {
	if n := d.tokens.Draw(t, "n"); d.l.AllowN(n) {
		d.took(n)
	}
}

func (d *reserveDriver) wait(t *rapid.T) {
	n := d.tokens.Draw(t, "n")
	ctx, cancel := context.WithCancel(d.ctx)
	d.waiting = append(d.waiting, cancel)
	go func() {
		if d.l.WaitN(ctx, n) == nil {
			d.took(n)
		}
	}()
	synctest.Wait()
}

func (d *reserveDriver) reserve(t *rapid.T) {
	n := d.tokens.Draw(t, "n")
	r := d.l.ReserveN(n)
	if !r.OK() {
		t.Fatalf("ReserveN(%d) is not OK", n)
	}
	d.reserved = append(d.reserved, promise{&r, time.Now().Add(r.Delay()), n})
	if r.Delay() == 0 && rapid.Bool().Draw(t, "acts at once") {
		d.act(len(d.reserved) - 1)
	}
}

func (d *reserveDriver) act(i int) {
	d.took(d.reserved[i].n)
	d.reserved = slices.Delete(d.reserved, i, i+1)
}

func (d *reserveDriver) cancel(t *rapid.T) {
	if len(d.reserved) == 0 {
		return
	}
	i := rapid.IntRange(0, len(d.reserved)-1).Draw(t, "reservation")
	d.reserved[i].r.Cancel()
	d.reserved[i].r.Cancel() // does nothing
	d.reserved = slices.Delete(d.reserved, i, i+1)
	synctest.Wait()
}

func (d *reserveDriver) cancelWait(t *rapid.T) {
	if len(d.waiting) == 0 {
		return
	}
	i := rapid.IntRange(0, len(d.waiting)-1).Draw(t, "waiter")
	d.waiting[i]()
	d.waiting = slices.Delete(d.waiting, i, i+1)
	synctest.Wait()
}

// sleep sleeps until t, and lets reservations act when they are due.
func (d *reserveDriver) sleep(t time.Time) {
	for {
		next := -1
		for i, p := range d.reserved {
			if !p.at.After(t) && (next < 0 || p.at.Before(d.reserved[next].at)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		time.Sleep(time.Until(d.reserved[next].at))
		synctest.Wait()
		d.act(next)
	}
	time.Sleep(time.Until(t))
	synctest.Wait()
}
