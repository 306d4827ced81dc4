package resilience_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

// breakerModel is the breaker's state machine without concurrency, timers or tricks: a list of results and a clock.
type breakerModel struct {
	s       resilience.BreakerSettings
	state   resilience.BreakerState
	gen     int
	began   time.Time // of the generation
	until   time.Time
	breaks  int
	inRow   int
	results []modelResult
	probes  map[int]time.Time // number of a probe -> end of its lease
	lastSeq int
	good    int
}

type modelResult struct {
	at     time.Time
	failed bool
}

type modelPermit struct {
	gen, seq int
	p        resilience.Permit
}

func (m *breakerModel) enter(s resilience.BreakerState) {
	m.gen++
	m.state, m.began = s, time.Now()
	m.inRow, m.results, m.good, m.probes = 0, nil, 0, map[int]time.Time{}
	switch s {
	case resilience.StateClosed:
		m.breaks = 0
	case resilience.StateOpen:
		d := m.s.OpenFor
		for range m.breaks {
			d = min(2*d, m.s.MaxOpenFor)
		}
		m.breaks++
		m.until = time.Now().Add(d)
	}
}

func (m *breakerModel) clock() {
	if m.state == resilience.StateOpen && !time.Now().Before(m.until) {
		m.enter(resilience.StateHalfOpen)
		m.began = m.until
	}
}

func (m *breakerModel) acquire() (modelPermit, bool) {
	m.clock()
	switch m.state {
	case resilience.StateOpen, resilience.StateIsolated:
		return modelPermit{}, false
	case resilience.StateHalfOpen:
		for seq, lease := range m.probes {
			if !time.Now().Before(lease) {
				delete(m.probes, seq)
			}
		}
		if len(m.probes) >= m.s.Probes {
			return modelPermit{}, false
		}
		m.lastSeq++
		m.probes[m.lastSeq] = time.Now().Add(m.s.ProbeLease)
	}
	return modelPermit{gen: m.gen, seq: m.lastSeq}, true
}

func (m *breakerModel) done(p modelPermit, o resilience.Outcome) {
	m.clock()
	if p.gen != m.gen {
		return
	}
	switch m.state {
	case resilience.StateClosed:
		if o != resilience.OutcomeNeutral {
			m.counted(o == resilience.OutcomeFailure)
		}
	case resilience.StateHalfOpen:
		lease, ok := m.probes[p.seq]
		delete(m.probes, p.seq)
		if !ok || !time.Now().Before(lease) {
			return
		}
		switch o {
		case resilience.OutcomeSuccess:
			if m.good++; m.good == m.s.ProbeSuccesses {
				m.enter(resilience.StateClosed)
			}
		case resilience.OutcomeFailure:
			m.enter(resilience.StateOpen)
		}
	}
}

// counted counts a result of the closed state and opens if a threshold is passed.
func (m *breakerModel) counted(failed bool) {
	before, _ := m.window()
	m.results = append(m.results, modelResult{time.Now(), failed})
	calls, failures := m.window()
	if failed {
		m.inRow++
	} else {
		m.inRow = 0
	}
	over := m.s.FailureRate > 0 && calls >= m.s.MinCalls && float64(failures) >= m.s.FailureRate*float64(calls)
	switch {
	case m.s.ConsecutiveFailures > 0 && m.inRow >= m.s.ConsecutiveFailures,
		over && (failed || before < m.s.MinCalls):
		m.enter(resilience.StateOpen)
	}
}

// window returns what of the results still counts.
func (m *breakerModel) window() (calls, failures int) {
	from := 0
	if m.s.WindowCalls > 0 {
		from = max(0, len(m.results)-m.s.WindowCalls)
	}
	for _, r := range m.results[from:] {
		if m.s.WindowCalls == 0 && m.slice(time.Now())-m.slice(r.at) >= 10 {
			continue
		}
		calls++
		if r.failed {
			failures++
		}
	}
	return calls, failures
}

// slice returns the number of the slice of t; a slice is open at its start and closed at its end.
func (m *breakerModel) slice(t time.Time) int {
	d := t.Sub(m.began)
	if d <= 0 {
		return 0
	}
	return int((d - 1) / (m.s.Window / 10))
}

func drawSettings(t *rapid.T) resilience.BreakerSettings {
	s := resilience.BreakerSettings{
		OpenFor:        time.Second,
		MaxOpenFor:     time.Duration(rapid.IntRange(1, 5).Draw(t, "max open")) * time.Second,
		Probes:         rapid.IntRange(1, 3).Draw(t, "probes"),
		ProbeSuccesses: rapid.IntRange(1, 4).Draw(t, "probe successes"),
		ProbeLease:     700 * time.Millisecond,
		Window:         time.Second,
		MinCalls:       rapid.IntRange(1, 6).Draw(t, "min calls"),
	}
	switch rapid.SampledFrom([]string{"row", "time", "calls", "row and time"}).Draw(t, "triggers") {
	case "row":
		s.ConsecutiveFailures = rapid.IntRange(1, 4).Draw(t, "in row")
	case "time":
		s.FailureRate = rapid.SampledFrom([]float64{0.2, 0.5, 1}).Draw(t, "rate")
	case "calls":
		s.FailureRate = rapid.SampledFrom([]float64{0.2, 0.5, 1}).Draw(t, "rate")
		s.WindowCalls = rapid.IntRange(6, 10).Draw(t, "window calls")
	default:
		s.FailureRate, s.ConsecutiveFailures = 0.5, 3
	}
	return s
}

// The breaker follows its state machine however calls begin, end and overlap, and whatever is done to it by hand.
func TestBreakerFollowsItsModel(t *testing.T) {
	checkInBubbles(t, 30, checkBreakerAgainstModel)
}

func checkBreakerAgainstModel(t *rapid.T) {
	s := drawSettings(t)
	b, err := resilience.NewBreaker(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Disable() // stops its timers
	m := &breakerModel{s: s}
	m.enter(resilience.StateClosed)
	d := &breakerDriver{b: b, m: m}
	t.Repeat(map[string]func(*rapid.T){
		"acquire": d.acquire,
		"done":    d.done,
		"fail":    func(t *rapid.T) { d.call(t, resilience.OutcomeFailure) },
		"succeed": func(t *rapid.T) { d.call(t, resilience.OutcomeSuccess) },
		"sleep": func(t *rapid.T) {
			time.Sleep(rapid.SampledFrom([]time.Duration{
				1, 40 * time.Millisecond, 100 * time.Millisecond, 350 * time.Millisecond, 700 * time.Millisecond, time.Second,
			}).Draw(t, "for"))
			synctest.Wait()
			m.clock()
		},
		"by hand": func(t *rapid.T) {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				d.set(b.Isolate, resilience.StateIsolated)
			case 1, 2:
				d.set(b.Trip, resilience.StateOpen)
			case 3, 4, 5:
				d.set(b.Reset, resilience.StateClosed)
			}
		},
		"": func(t *rapid.T) { m.compare(t, b) },
	})
}

// breakerDriver does the same to a breaker and to its model.
type breakerDriver struct {
	b       *resilience.Breaker
	m       *breakerModel
	running []modelPermit
}

func (d *breakerDriver) set(do func(), s resilience.BreakerState) {
	do()
	d.m.clock()
	d.m.enter(s)
}

func (d *breakerDriver) acquire(t *rapid.T) {
	want, ok := d.m.acquire()
	got, err := d.b.Acquire(t.Context())
	if (err == nil) != ok {
		t.Fatalf("Acquire: %v; the model admits: %v", err, ok)
	}
	if ok {
		want.p = got
		d.running = append(d.running, want)
	}
}

func (d *breakerDriver) done(t *rapid.T) {
	if len(d.running) == 0 {
		return
	}
	i := rapid.IntRange(0, len(d.running)-1).Draw(t, "call")
	d.end(i, rapid.SampledFrom([]resilience.Outcome{
		resilience.OutcomeFailure, resilience.OutcomeSuccess, resilience.OutcomeNeutral,
	}).Draw(t, "outcome"))
}

func (d *breakerDriver) end(i int, o resilience.Outcome) {
	d.running[i].p.Done(o)
	d.m.done(d.running[i], o)
	d.running = append(d.running[:i], d.running[i+1:]...)
}

func (d *breakerDriver) call(t *rapid.T, o resilience.Outcome) {
	n := len(d.running)
	if d.acquire(t); len(d.running) > n {
		d.end(n, o)
	}
}

func (m *breakerModel) compare(t *rapid.T, b *resilience.Breaker) {
	if got := b.State(); got != m.state {
		t.Fatalf("state %v, want %v", got, m.state)
	}
	c := b.Counts()
	want := resilience.BreakerCounts{ConsecutiveFailures: m.inRow, ProbeSuccesses: m.good}
	for _, lease := range m.probes {
		if time.Now().Before(lease) {
			want.Probes++
		}
	}
	if m.s.FailureRate > 0 {
		calls, failures := m.window()
		want.Calls, want.Failures = uint64(calls), uint64(failures)
	}
	if c != want {
		t.Fatalf("counts %+v, want %+v", c, want)
	}
}
