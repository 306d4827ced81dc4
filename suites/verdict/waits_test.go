package verdict

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brownout/scenarios"
)

// waiting is a call whose attempts all fail, with these waits between them.
func waiting(request string, status int, waits ...time.Duration) calls {
	parts := []any{at(0, status)}
	t := time.Duration(0)
	for _, w := range waits {
		t += w
		parts = append(parts, at(t, status))
	}
	return made(request, parts...)
}

// many is n calls with the waits that each gives.
func many(n, status int, each func(i int) []time.Duration) *recorded {
	var all []calls
	for i := range n {
		all = append(all, waiting("GET /x", status, each(i)...))
	}
	return record(all...)
}

// fixed gives every call the same waits.
func fixed(waits ...time.Duration) func(int) []time.Duration {
	return func(int) []time.Duration { return waits }
}

// slanted gives each call the waits, longer by i times step.
func slanted(step time.Duration, waits ...time.Duration) func(int) []time.Duration {
	return func(i int) []time.Duration {
		slanted := make([]time.Duration, len(waits))
		for k, w := range waits {
			slanted[k] = w + intTime(i)*step
		}
		return slanted
	}
}

func TestWaits(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	second := expect(&scenarios.Waits{AtLeast: sec})
	throttled := expect(&scenarios.Waits{AtLeast: sec, After: []int{429}})
	for _, j := range []judged{
		{"long enough", scene(r, second), record(waiting("GET /x", 503, sec, 2*sec)), said{Pass, "waits ≥ 1s, 2/2", "", "", ""}},
		{"a timer may fire early", scene(r, second), record(waiting("GET /x", 503, 975*ms)), said{Pass, "waits ≥ 1s, 1/1", "", "", ""}},
		{"too short", scene(r, second), record(waiting("GET /x", 503, 974*ms, sec)), said{Fail, "The client waited 0.974s, 0.026s too short.",
			"1 of 2 waits was too short", "11:10 the server answered 503 here", ""}},
		{"several", scene(r, second), record(waiting("GET /x", 503, 500*ms, 200*ms), waiting("GET /x", 503, 900*ms)), said{Fail,
			"The client waited as little as 0.200s, 0.800s too short.", "3 of 3 waits were too short", "", ""}},
		{"only after 429", scene(r, throttled), record(waiting("GET /x", 503, ms), waiting("GET /x", 429, sec)), said{Pass, "waits ≥ 1s, 1/1", "", "", ""}},
		{"no 429", scene(r, throttled), record(waiting("GET /x", 503, ms)), said{Inconclusive, "no attempt followed one of these statuses.", "", "", ""}},
		{"no retry", scene(r, second), record(made("GET /x", at(0, 503))), said{Inconclusive, "no attempt followed a failure.", "", "", ""}},
		{"after a success there is nothing to wait for", scene(r, second), record(made("GET /x", at(0, 200), at(ms, 200))), said{Inconclusive,
			"no attempt followed a failure.", "", "", ""}},
		{"only a replay was at once", scene(r, second), record(made("GET /x", at(0, 503), at(sec, reset, conn(1, 2)), at(sec+5*ms, 200, conn(2, 1)))),
			said{Inconclusive, "only a transport replay makes the difference: attempt 3 of GET /x #1 came 5ms after the connection under attempt 2 was gone.",
				"", "", ""}},
		{"look-alikes", scene(r, second), record(made("GET /x", byPrint, at(0, 503), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestNoHotLoop(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	x := expect(&scenarios.NoHotLoop{})
	base := func(s *scenarios.Scenario) { s.Profile.Base = ptr(time.Duration(0)) }
	asked := func(gap time.Duration) *recorded {
		var all []calls
		for range 10 {
			all = append(all, made("GET /x", at(0, 429, ra(2*sec)), at(gap, 429, ra(2*sec)), at(2*gap, 429, ra(2*sec)), at(3*gap, 200, entry(1))))
		}
		return record(all...)
	}
	for _, j := range []judged{
		{"one immediate retry is everyone's right", scene(r, x), many(20, 503, fixed(ms, 600*ms, 1200*ms)), said{Pass, "no_hot_loop: mean wait 600.0ms", "", "", ""}},
		{"a tight loop", scene(r, x), many(20, 503, fixed(ms, ms, ms)), said{Fail, "The client retries in a loop: it waits 1.0ms on average.",
			"mean of 40 waits, at least 10ms is asked for", "11:10 the server answered 503 here", ""}},
		{"the mean over the calls of one wait is enough", scene(r, x), many(20, 503, fixed(ms, ms, sec)), said{Fail,
			"The client retries in a loop: it waits 1.0ms on average.", "", "", ""}},
		{"one call in a loop", scene(r, x), record(waiting("GET /x", 503, repeatWait(40, 2*ms)...)), said{Fail,
			"The client retries in a loop: it waits 2.0ms on average.", "mean of 39 waits, at least 10ms is asked for", "", ""}},
		{"full jitter on 25 ms is none", scene(r, x), many(20, 503, slanted(3*ms, ms, ms)), said{Pass, "no_hot_loop: mean wait 29.5ms", "", "", ""}},
		{"after a 429 it takes more", scene(r, x), many(20, 429, fixed(50*ms, 50*ms, 50*ms)), said{Fail,
			"The client retries in a loop: it waits 50.0ms on average after a 429.", "mean of 40 waits, at least 100ms is asked for", "", ""}},
		{"a mean of its own", scene(r, expect(&scenarios.NoHotLoop{Mean: ptr(40 * ms)})), many(20, 429, fixed(50*ms, 50*ms, 50*ms)), said{Pass,
			"no_hot_loop: mean wait 50.0ms", "", "", ""}},
		{"too few", scene(r, x), many(3, 503, fixed(ms, ms)), said{Skip, "saw 3, needs 20 waits.", "saw 3, needs 20", "",
			"Make at least 20 calls, for instance with --per-call."}},
		{"only first waits", scene(r, x), many(20, 503, fixed(ms)), said{Fail, "The client retries in a loop: it waits 1.0ms on average.", "", "", ""}},
		{"only first waits, declared so", scene(r, x, base), many(20, 503, fixed(ms)), said{Inconclusive,
			"each call was tried again once, at once, as the profile's base of 0s declares.", "", "", ""}},
		{"nothing to see", scene(r, x), record(made("GET /x", at(0, 200))), said{Inconclusive, "no attempt followed a failure.", "", "", ""}},
		{"waits that were asked for", scene(r, x), asked(2 * sec), said{Pass, "no_hot_loop: 30 waits as asked", "", "", ""}},
		{"asked for, and ignored", scene(r, x), asked(ms), said{Fail, "The client retries in a loop: it waits 1.0ms on average after a 429.", "", "", ""}},
		{"a replay is no wait", scene(r, x), record(made("GET /x", at(0, 503), at(sec, reset, conn(1, 2)), at(sec+ms, 503, conn(2, 1)))), said{Skip,
			"saw 1, needs 20 waits.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("GET /x", byPrint, at(0, 503), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func repeatWait(n int, w time.Duration) []time.Duration {
	waits := make([]time.Duration, n)
	for i := range waits {
		waits[i] = w
	}
	return waits
}

func TestBackoffGrows(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	x := expect(&scenarios.BackoffGrows{})
	profile := func(base, limit time.Duration) part {
		return func(s *scenarios.Scenario) { s.Profile.Base, s.Profile.Cap = ptr(base), ptr(limit) }
	}
	late := many(20, 503, fixed(400*ms, 400*ms, 500*ms)).late(350*ms, 300*ms)
	for _, j := range []judged{
		{"doubles", scene(r, x), many(20, 503, fixed(sec, 2*sec, 4*sec)), said{Pass, "backoff_grows: ×4 from wait 1 to wait 3", "", "", ""}},
		{"constant", scene(r, x), many(20, 503, fixed(sec, sec, sec)), said{Fail,
			"The client's waits do not grow: wait 3 is 1.000s on average, 1 times wait 1, in 20 calls.", "×1, at least ×1.5 is asked for",
			"11:10 the server answered 503 here", ""}},
		{"two waits, 30 calls", scene(r, x), many(30, 503, fixed(sec, 2*sec)), said{Pass, "backoff_grows: ×2 from wait 1 to wait 2", "", "", ""}},
		{"two waits, constant", scene(r, x), many(30, 503, fixed(500*ms, 550*ms)), said{Fail,
			"The client's waits do not grow: wait 2 is 550.0ms on average, 1.1 times wait 1, in 30 calls.", "×1.1, at least ×1.2 is asked for", "", ""}},
		{"two waits, 29 calls", scene(r, x), many(29, 503, fixed(sec, sec)), said{Skip, "saw 29, needs 30 calls with 2 waits.", "", "", ""}},
		{"too few", scene(r, x), many(1, 503, fixed(sec, sec, sec)), said{Skip, "saw 1, needs 20 calls with 3 waits.", "", "", ""}},
		{"one wait", scene(r, x), many(20, 503, fixed(sec)), said{Skip, "saw 0, needs 20 calls with 3 waits.", "", "", ""}},
		{"nothing to see", scene(r, x), record(made("GET /x", at(0, 503))), said{Inconclusive, "no call waited of its own accord before it tried again.", "", "", ""}},
		{"an immediate first retry is left out", scene(r, x), many(20, 503, fixed(ms, 600*ms, 1200*ms, 2400*ms)), said{Pass,
			"backoff_grows: ×4 from wait 2 to wait 4", "", "", ""}},
		{"at the cap it cannot grow", scene(r, x, profile(sec, sec)), many(20, 503, fixed(sec, sec, sec)), said{Inconclusive,
			"the waits are at the declared cap of 1s from the first on.", "", "", ""}},
		{"the third is at the cap", scene(r, x, profile(sec, 2*sec)), many(30, 503, fixed(sec, 1500*ms, 1800*ms)), said{Pass,
			"backoff_grows: ×1.5 from wait 1 to wait 2", "", "", ""}},
		{"lateness decides", scene(r, x), late, said{Inconclusive, "wait 3 is 1.25 times wait 1, but the machine itself was late in the waits.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("GET /x", byPrint, at(0, 503), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestBackoffJitters(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	x := expect(&scenarios.BackoffJitters{})
	asked := many(20, 503, fixed(2*sec))
	for i := range asked.Attempts {
		ra(2 * sec)(&asked.Attempts[i])
	}
	for _, j := range []judged{
		{"full jitter", scene(r, x), many(20, 503, slanted(50*ms, 50*ms)), said{Pass, "backoff_jitters: 525ms ± 380ms", "", "", ""}},
		{"none", scene(r, x), many(20, 503, slanted(100*time.Microsecond, 1002*ms)), said{Fail,
			"The client waits without jitter: the middle 80% of 20 waits lie within 1.5ms around 1.003s.", "spread of 1.5ms, at least 50ms is asked for",
			"11:10 the server answered 503 here", ""}},
		{"too narrow", scene(r, x), many(20, 503, slanted(2*ms, sec)), said{Fail,
			"The client's jitter is too narrow: the middle 80% of 20 waits lie within 30.4ms around 1.019s.", "spread of 30.4ms, at least 51ms is asked for", "", ""}},
		{"lateness decides", scene(r, x), many(20, 503, func(i int) []time.Duration { return []time.Duration{sec + intTime(i)*intTime(i%2)*5*ms} }).late(1095*ms, 95*ms),
			said{Inconclusive, "20 waits spread by 76.0ms, but the machine itself was late in them.", "", "", ""}},
		{"too few", scene(r, x), many(1, 503, fixed(sec)), said{Skip, "saw 1, needs 20 calls that were tried again.", "saw 1, needs 20", "", ""}},
		{"too short to tell", scene(r, x), many(20, 503, fixed(99*ms)), said{Inconclusive, "20 waits have a median of 99.0ms; jitter shows from 100ms on.", "", "", ""}},
		{"an immediate first retry is left out", scene(r, x), many(20, 503, func(i int) []time.Duration { return []time.Duration{ms, intTime(i) * 50 * ms} }),
			said{Pass, "backoff_jitters: 475ms ± 380ms", "", "", ""}},
		{"waits that were asked for say nothing", scene(r, x), asked, said{Inconclusive, "no call waited of its own accord before it tried again.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("GET /x", byPrint, at(0, 503), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

// TestStatistics holds the statistics to what the rules say of well-known backoffs: a correct one is never flagged, one
// without jitter or growth always.
func TestStatistics(t *testing.T) {
	const trials, ops, base = 400, 20, 500 * time.Millisecond
	random := rand.New(rand.NewPCG(1, 2))
	scale := func(k int) float64 { return float64(base) * float64(int(1)<<k) }
	uniform := func(from, to float64) float64 { return from + (to-from)*random.Float64() }
	s := scene(expect(&scenarios.BackoffJitters{}), expect(&scenarios.BackoffGrows{}))
	for _, c := range []struct {
		name          string
		wait          func(k int, last float64) float64
		jitters, grow bool
	}{
		{"full jitter", func(k int, _ float64) float64 { return uniform(0, scale(k)) }, true, true},
		{"equal jitter", func(k int, _ float64) float64 { return scale(k)/2 + uniform(0, scale(k)/2) }, true, true},
		{"±20 %", func(k int, _ float64) float64 { return scale(k) * uniform(0.8, 1.2) }, true, true},
		{"-25 %", func(k int, _ float64) float64 { return scale(k) * uniform(0.75, 1) }, true, true},
		{"decorrelated", func(k int, last float64) float64 { return uniform(float64(base), 3*max(last, float64(base))) }, true, true},
		{"exponential without jitter", func(k int, _ float64) float64 { return scale(k) + uniform(0, 3e6) }, false, true},
		{"constant", func(k int, _ float64) float64 { return float64(base) + uniform(0, 3e6) }, false, false},
		{"constant ±50 %", func(k int, _ float64) float64 { return float64(base) * uniform(0.5, 1.5) }, true, false},
	} {
		for range trials {
			log := many(ops, 503, func(int) []time.Duration {
				var waits []time.Duration
				last := 0.0
				for k := range 3 {
					last = c.wait(k, last)
					waits = append(waits, time.Duration(last))
				}
				return waits
			})
			v := Judge(s, &log.Log)
			for i, want := range []bool{c.jitters, c.grow} {
				if got := v.Findings[i].Outcome == Pass; got != want {
					t.Fatalf("%s: %s passed is %v: %s", c.name, v.Findings[i].Check, got, v.Findings[i].Sentence)
				}
			}
		}
	}
}

func TestAmplification(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	x := expect(&scenarios.Amplification{Max: 1.3, After: 0.5})
	// 50 calls a second, of which every retries-th in the second half is tried again.
	outage := func(n, every int) *recorded {
		var all []calls
		for i := range n {
			begin := intTime(i) * 20 * ms
			c := made("GET /x", at(begin, 503))
			if i >= n/2 && every > 0 && i%every == 0 {
				c = made("GET /x", at(begin, 503), at(begin+sec, 503))
			}
			all = append(all, c)
		}
		return record(all...)
	}
	slow := outage(500, 1)
	for i := range slow.Attempts {
		slow.Attempts[i].First *= 3
		slow.Attempts[i].Sent *= 3
	}
	phased := expect(&scenarios.Amplification{}, inPhase("outage"))
	phases := func(s *scenarios.Scenario) {
		s.Phases = []scenarios.Phase{{Name: "outage", For: 10 * sec}, {Name: "after"}}
	}
	inOutage := outage(500, 1)
	for i := range inOutage.Attempts {
		inOutage.Attempts[i].Phase = "outage"
	}
	vague := outage(500, 1)
	vague.Attempts[3].Naming, vague.Attempts[3].Ambiguous = 0, true
	for _, j := range []judged{
		{"a budget", scene(r, x), outage(500, 10), said{Pass, "amplification = 1.1x", "", "", ""}},
		{"none", scene(r, x), outage(500, 1), said{Fail, "The client made 2 attempts per call, 1.3 are allowed.", "500 attempts of 250 calls after 4.99s",
			"11:10 the server answered 503 here", ""}},
		{"too few", scene(r, x), outage(499, 1), said{Skip, "saw 499, needs 500 calls in the phase.", "", "", ""}},
		{"too slow to tell", scene(r, x), slow, said{Skip, "saw 16, needs 50 calls a second.", "", "", "Drive more calls at once, as in drive: {rate: 50/s}."}},
		{"in a phase", scene(r, phases, phased), inOutage, said{Fail, "The client made 2 attempts per call, 1.3 are allowed.",
			"500 attempts of 250 calls after 5s", "", ""}},
		{"in another phase", scene(r, phases, phased), outage(500, 1), said{Inconclusive, "no call began in phase outage.", "", "", ""}},
		{"look-alikes", scene(r, x), vague, said{Inconclusive, "the 1 attempt of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestTallyListed(t *testing.T) {
	var c tally
	for i := range 6 {
		c.add(fmt.Sprintf("GET /%d", i/2))
	}
	compare(t, "all", c.listed(3), "GET /0 (2×), GET /1 (2×), GET /2 (2×)")
	compare(t, "some", c.listed(1), "GET /0 (2×) and 2 more")
}
