package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestOpensCircuit(t *testing.T) {
	s := circuitScene(&scenarios.OpensCircuit{For: 0.8})
	ten := circuitScene(&scenarios.OpensCircuit{After: n(10), For: 0.8})
	undeclared := scene(route("GET /x", answer(503), answer(200)), expect(&scenarios.OpensCircuit{For: 0.8}))
	onlyAfter := scene(route("GET /x", answer(503), answer(200)), func(s *scenarios.Scenario) { s.Profile.BreakerAfter = ptr(5) }, expect(&scenarios.OpensCircuit{For: 0.8}))
	allFail := func(count int) *recorded {
		return told(load(0, 50*ms, count, func(_ int, t time.Duration) op { return sent(t, 503) })...)
	}
	short := func(open time.Duration) *recorded { // opens after five failures, lets a failing call through after so long each time
		next := 250 * ms
		return told(load(0, 50*ms, 300, func(_ int, t time.Duration) op {
			if t < 250*ms {
				return sent(t, 503)
			}
			if t >= next+open {
				next = t
				return sent(t, 503)
			}
			return refusedAt(t)
		})...)
	}
	replayed := broken300(nil)
	replayed.Attempts[1].ConnRequest, replayed.Attempts[1].BytesSent = 2, 0
	for _, j := range []judged{
		{"open", s, broken300(nil), said{outcome: Pass, sentence: "opens_circuit: silent for 5.050s, 100 refused"}},
		{"never open", s, allFail(100), said{Fail, "The circuit never opened: 93 more calls reached the upstream after 7 failures in a row.", "100 failures in a row, 5 open it", "11:10 the server answered 503 here", ""}},
		{"never open, and few calls", s, allFail(16), said{Skip, "saw 9, needs 10 calls after the circuit was to open.", "", "", "Ask for more calls, as in drive: {rate: 20/s, for: 60s}."}},
		{"too few failures", s, told(sent(0, 503), sent(sec, 503), sent(2*sec, 503), sent(3*sec, 503), sent(4*sec, 200, entry(1))), said{outcome: Skip, sentence: "saw 4, needs 5 failures in a row."}},
		{"no failure in a row: successes between", s, told(load(0, 50*ms, 100, func(i int, t time.Duration) op { return sent(t, []int{503, 503, 200}[i%3]) })...),
			said{outcome: Skip, sentence: "saw 2, needs 5 failures in a row."}},
		{"client errors are no failures", s, told(load(0, 50*ms, 100, func(_ int, t time.Duration) op { return sent(t, 404) })...),
			said{outcome: Inconclusive, sentence: "no attempt failed as an upstream's failure does."}},
		{"opens too late", s, broken300(func(_ int, t time.Duration) (op, bool) { return sent(t, 503), t < 350*ms }),
			said{Fail, "The circuit opened after 7 failures in a row; 5 are to open it.", "at most 6, with what was under way", "", ""}},
		{"opens as late as it was told to", ten, broken300(func(_ int, t time.Duration) (op, bool) { return sent(t, 503), t < 350*ms }),
			said{outcome: Skip}},
		{"open for too short a time", s, short(3 * sec), said{Fail, "The open circuit left the upstream alone for 3.050s; at least 4s are due.", "open_time is 5s", "11:10 the server answered 503 here", ""}},
		{"a throttle lets one call in 30 through", onlyAfter, short(1500 * ms), said{outcome: Pass, sentence: "opens_circuit: at most a tenth of the calls let through"}},
		{"refused beside attempts that go on", s, told(append(load(0, 50*ms, 100, func(_ int, t time.Duration) op { return sent(t, 503, took(200*ms)) }), refusedAt(700*ms))...),
			said{outcome: Fail}},
		{"the run ended", s, told(append(load(0, 50*ms, 5, func(_ int, t time.Duration) op { return sent(t, 503) }), load(250*ms, 50*ms, 20, func(_ int, t time.Duration) op { return refusedAt(t) })...)...),
			said{outcome: Inconclusive, sentence: "the run ended 1.001s after the circuit had opened."}},
		{"few calls to refuse", s, told(append(load(0, 50*ms, 5, func(_ int, t time.Duration) op { return sent(t, 503) }), load(sec, sec, 5, func(_ int, t time.Duration) op { return refusedAt(t) })...)...),
			said{outcome: Skip, sentence: "saw 5, needs 10 calls that the open circuit refused."}},
		{"undeclared", undeclared, broken300(nil), said{outcome: Skip, sentence: "the profile does not declare breaker_after."}},
		{"undeclared open_time", onlyAfter, broken300(nil), said{outcome: Skip, sentence: "the profile does not declare open_time."}},
		{"look-alikes", s, record(made("GET /x", looksAlike, byPrint, at(0, 503))), needsOrders},
		{"records are missing", s, allFail(100).drops(3, "the ring rolled"), said{outcome: Inconclusive,
			sentence: "3 records dropped: the circuit never opened: 93 more calls reached the upstream after 7 failures in a row."}},
		{"the port was closed", s, shutPort(allFail(100), 60), said{outcome: Fail}},
	} {
		if j.want.sentence == "" {
			j.want.sentence = text(Judge(j.s, &j.log.Log).Findings[0])
		}
		j.run(t)
	}
}

// text is what a finding says.
func text(f Finding) string { return f.Sentence + f.Summary }

// shutPort takes the attempts of the last calls out of a record, and closes the port under them.
func shutPort(log *recorded, from int) *recorded {
	log.Ports = append(log.Ports, journal.Port{At: log.Results[from].Start})
	log.Attempts = log.Attempts[:from]
	return log
}

func TestCircuitStaysClosed(t *testing.T) {
	s := circuitScene(&scenarios.CircuitStaysClosed{})
	gone := func(n int, more ...op) *recorded {
		return told(append(load(0, 50*ms, n, func(_ int, t time.Duration) op { return sent(t, 404) }), more...)...)
	}
	cancelled := gone(100, refusedAt(9*sec))
	cancelled.Results[100].HasCancel, cancelled.Results[100].Cancelled = true, 9*sec
	for _, j := range []judged{
		{"all reach it", s, gone(100), said{outcome: Pass, sentence: "circuit_stays_closed, 100/100"}},
		{"one does not", s, gone(100, refusedAt(9*sec)), said{Fail, "The client refused 1 of 101 calls itself.", "100 calls reached the server", "", ""}},
		{"one of few does not", s, gone(5, refusedAt(9*sec)), said{outcome: Fail, sentence: "The client refused 1 of 6 calls itself."}},
		{"too few", s, gone(99), said{outcome: Skip, sentence: "saw 99, needs 100 calls."}},
		{"one was cancelled before it was sent", s, cancelled, said{outcome: Pass, sentence: "circuit_stays_closed, 101/101"}},
		{"the port was closed", s, shutPort(gone(120), 105), said{outcome: Pass, sentence: "circuit_stays_closed, 105/105"}},
		{"cuts that might be any one's", circuitCut(), gone(100, sent(8*sec, 404, took(sec)), sent(8*sec, 404, took(sec)), refusedAt(9*sec)).cutAt(8500*ms, 0), said{outcome: Inconclusive}},
	} {
		if j.want.sentence == "" {
			j.want.sentence = text(Judge(j.s, &j.log.Log).Findings[0])
		}
		j.run(t)
	}
}

// circuitCut is a scene whose fault cuts connections at accept.
func circuitCut() *scenarios.Scenario {
	s := circuitScene(&scenarios.CircuitStaysClosed{})
	broke("cut", answer(0, resetting(scenarios.AtAccept)))(s)
	return s
}

func TestFailsFast(t *testing.T) {
	s := circuitScene(&scenarios.FailsFast{Within: 50 * ms})
	refused := func(n int, took time.Duration) []op {
		return load(sec, 100*ms, n, func(_ int, t time.Duration) op { return op{at: t, took: took} })
	}
	some := append(refused(38, ms), op{at: 9 * sec, took: 300 * ms}, op{at: 10 * sec, took: 300 * ms})
	for _, j := range []judged{
		{"at once", s, told(refused(20, ms)...), said{outcome: Pass, sentence: "fails_fast: 1.0ms, of 20"}},
		{"two in forty slowly", s, told(some...), said{outcome: Pass, sentence: "fails_fast: 15.9ms, of 40"}},
		{"slowly", s, told(refused(20, 80*ms)...), said{Fail, "The client took 80.0ms to refuse a call itself, 5 in 100 of 20 even longer.", "less than 50ms is asked for", "", ""}},
		{"too few", s, told(refused(19, 80*ms)...), said{outcome: Skip, sentence: "saw 19, needs 20 calls that the client refused itself."}},
		{"none", s, told(sent(0, 503)), said{outcome: Inconclusive, sentence: "the client refused no call itself."}},
		{"with a connection", s, told(refused(20, ms)...).opens(1, sec, sec+ms), said{Fail, "The client made 1 connection for calls that it then refused itself.", "1 connection without a request", "", ""}},
		{"with a connection of another call", s, told(append(refused(20, ms), sent(sec, 200))...).opens(1, sec, sec+ms), said{outcome: Pass, sentence: "fails_fast: 1.0ms, of 20"}},
		{"the machine was late", s, told(refused(20, 80*ms)...).late(1080*ms, 80*ms).late(1180*ms, 80*ms).late(1280*ms, 80*ms).late(1380*ms, 80*ms).late(1480*ms, 80*ms).
			late(1580*ms, 80*ms).late(1680*ms, 80*ms).late(1780*ms, 80*ms).late(1880*ms, 80*ms).late(1980*ms, 80*ms).late(2080*ms, 80*ms).late(2180*ms, 80*ms).
			late(2280*ms, 80*ms).late(2380*ms, 80*ms).late(2480*ms, 80*ms).late(2580*ms, 80*ms).late(2680*ms, 80*ms).late(2780*ms, 80*ms).late(2880*ms, 80*ms).late(2980*ms, 80*ms),
			said{outcome: Inconclusive, sentence: "calls that the client refused itself took up to 80.0ms, but the machine itself was late in them."}},
	} {
		j.run(t)
	}
}

func TestHalfOpenProbes(t *testing.T) {
	s := circuitScene(&scenarios.HalfOpenProbes{})
	three := circuitScene(&scenarios.HalfOpenProbes{Max: n(3)})
	undeclared := scene(route("GET /x", answer(503), answer(200)), expect(&scenarios.HalfOpenProbes{}))
	herd := func(i int, t time.Duration) (op, bool) { return sent(t, 503, took(200*ms)), i >= 105 && i < 108 }
	retried := broken300(func(i int, t time.Duration) (op, bool) {
		o := op{at: t, took: 400 * ms, atts: made("GET /x", at(t, 503, took(50*ms)), at(t+100*ms, 503, took(50*ms)))}
		return o, i == 105
	})
	for _, j := range []judged{
		{"one at a time", s, broken300(nil), said{outcome: Pass, sentence: "half_open_probes: 1 at once, 2 times"}},
		{"three", s, broken300(herd), said{Fail, "The half-open circuit let 3 calls through at once; 1 is allowed.", "5.050s of silence, then 3 before the first was answered", "", ""}},
		{"three, as told", three, broken300(herd), said{outcome: Pass, sentence: "half_open_probes: 3 at once, 2 times"}},
		{"one more, soon after the failure", s, broken300(func(i int, t time.Duration) (op, bool) { return sent(t, 503), i == 125 }),
			said{Fail, "The client let the next call through 0.800s after the probe had failed; at least 4s are due.", "open_time is 5s", "11:10 the server answered 503 here", ""}},
		{"the probe's own retry", s, retried, said{outcome: Pass, sentence: "half_open_probes: 1 at once, 2 times"}},
		{"nobody else was there", s, told(append(load(0, 50*ms, 5, func(_ int, t time.Duration) op { return sent(t, 503) }), refusedAt(sec), sent(6*sec, 200, entry(1)))...),
			said{outcome: Skip, sentence: "saw 1, needs 2 calls at once while the circuit was half open."}},
		{"never half open", s, told(sent(0, 503), sent(sec, 200, entry(1))), said{outcome: Inconclusive, sentence: "the circuit was never half open: the client did not refuse calls for 4s and then let one through."}},
		{"undeclared", undeclared, broken300(nil), said{outcome: Skip, sentence: "the profile does not declare open_time."}},
	} {
		j.run(t)
	}
}

func TestClosesCircuit(t *testing.T) {
	s := circuitScene(&scenarios.ClosesCircuit{Share: 0.95})
	phased := circuitScene(&scenarios.ClosesCircuit{Share: 0.95}, inPhase("after"))
	phased.Phases = []scenarios.Phase{{Name: "outage", For: 10 * sec}, {Name: "after"}}
	undeclared := scene(route("GET /x", answer(503), answer(200)), expect(&scenarios.ClosesCircuit{Share: 0.95}))
	long := func(n int, change func(i int, t time.Duration) (op, bool)) *recorded {
		return told(load(0, 50*ms, n, func(i int, t time.Duration) op {
			if o, ok := change(i, t); ok {
				return o
			}
			return breaking(t, i)
		})...)
	}
	as := func(i int, t time.Duration) (op, bool) { return op{}, false }
	stuck := func(i int, t time.Duration) (op, bool) { return refusedAt(t), i > 210 && i%105 != 0 }
	slow := func(i int, t time.Duration) (op, bool) { return refusedAt(t), i >= 210 && i < 250 }
	for _, j := range []judged{
		{"closed", s, long(400, as), said{outcome: Pass, sentence: "closes_circuit: 165 of 165"}},
		{"never closed", s, long(400, stuck), said{Fail, "The circuit did not close: 1 of 165 calls reached the upstream from 5.75s after it was well.", "1%, at least 95% is asked for", "", ""}},
		{"late by a little", s, long(400, slow), said{outcome: Fail}},
		{"in its phase", phased, inPhases(long(500, as), 10*sec, "outage", "after"), said{outcome: Pass, sentence: "closes_circuit: 175 of 175"}},
		{"too few calls", s, long(280, as), said{outcome: Skip, sentence: "saw 45, needs 50 calls from 5.75s after the upstream was well."}},
		{"it never opened", s, told(sent(0, 503), sent(sec, 200, entry(1))), said{outcome: Inconclusive, sentence: "the client refused no call itself, so that no circuit had to close."}},
		{"nothing failed", s, told(sent(0, 200), refusedAt(sec)), said{outcome: Inconclusive, sentence: "no attempt failed, so that nobody can say since when the upstream was well."}},
		{"undeclared", undeclared, long(400, as), said{outcome: Skip, sentence: "the profile does not declare open_time."}},
		{"the machine was late", s, long(400, slow).late(12300*ms, 1500*ms), said{outcome: Inconclusive}},
	} {
		if j.want.sentence == "" {
			j.want.sentence = text(Judge(j.s, &j.log.Log).Findings[0])
		}
		j.run(t)
	}
}

// inPhases gives each attempt its phase, of two.
func inPhases(log *recorded, from time.Duration, before, after string) *recorded {
	for i := range log.Attempts {
		a := &log.Attempts[i]
		a.Phase = before
		if a.First >= from {
			a.Phase = after
		}
	}
	return log
}
