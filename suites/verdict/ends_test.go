package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestAttemptEnds(t *testing.T) {
	second := sec
	stalls := func(a *scenarios.Answer) {
		a.Wire = &scenarios.WireFault{Do: scenarios.WireStall, At: scenarios.AtBeforeHeaders}
	}
	s := scene(route("GET /x", answer(200, stalls), answer(200)), expect(&scenarios.AttemptEnds{Within: &second}))
	bare := scene(route("GET /x", answer(200, stalls), answer(200)), expect(&scenarios.AttemptEnds{}))
	stalled := func(took time.Duration, closed journal.Closer) option {
		return func(a *journal.Attempt) {
			a.Status, a.Wire, a.Whole, a.BytesSent, a.Done, a.Closed = 0, "stall before-headers", false, 0, a.First+took, closed
		}
	}
	gone := journal.ClosedByClientFIN
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
		log  *recorded
		want Outcome
		says string
	}{
		{"given up", s, record(made("GET /x", at(0, stalled(sec, gone)), at(2*sec, 200, entry(1)))), Pass, "attempt_ends within 1s, 1/1"},
		{"within the slack", s, record(made("GET /x", at(0, stalled(1549*ms, gone)))), Pass, "attempt_ends within 1s, 1/1"},
		{"too long", s, record(made("GET /x", at(0, stalled(1551*ms, gone)))), Fail, "The client waited 1.551s for an attempt that was not answered; 1s are allowed."},
		{"a whole answer, too long", s, record(made("GET /x", at(0, 200, took(3*sec)))), Fail, "The client waited 3.001s for an attempt that was not answered; 1s are allowed."},
		{"never", s, record(made("GET /x", at(0, stalled(9*sec, journal.ClosedByServerFIN)))), Fail, "The client had not given up an attempt after 9.000s; 1s are allowed."},
		{"cut off", s, record(made("GET /x", at(0, 0, noEnd))).until(9 * sec), Fail, "The client had not given up an attempt after 9.000s; 1s are allowed."},
		{"the run ended before", s, record(made("GET /x", at(0, stalled(900*ms, journal.ClosedByServerFIN)))), Inconclusive, "the run ended 1s into an attempt that was not answered."},
		{"answered at once", s, record(made("GET /x", at(0, 200, entry(1)))), Inconclusive, "every attempt was answered within 1s."},
		{"the ceiling", bare, record(made("GET /x", at(0, stalled(61*sec, gone)))), Pass, "attempt_ends within 1m, 1/1"},
		{"late", s, record(made("GET /x", at(0, stalled(1800*ms, gone)))).late(1700*ms, 400*ms), Inconclusive, "an attempt took 1.800s, but the machine itself was late in it."},
		{"look-alikes", s, record(made("GET /x", looksAlike, byPrint, at(0, stalled(sec, gone)))), Pass, "attempt_ends within 1s, 1/1"},
	} {
		f := Judge(c.s, &c.log.Log).Findings[0]
		if f.Outcome != c.want || f.Sentence+f.Summary != c.says {
			t.Errorf("%s: %v: %s%s; want %v: %s", c.name, f.Outcome, f.Sentence, f.Summary, c.want, c.says)
		}
	}
}

func TestLeavesConnection(t *testing.T) {
	last := func(a *scenarios.Answer) { a.Connection, a.Linger = "close", 2*sec }
	idle := func(do scenarios.WireDo) func(*scenarios.Answer) {
		return func(a *scenarios.Answer) {
			a.Wire = &scenarios.WireFault{Do: do, At: scenarios.AtIdle, Wait: 50 * ms}
		}
	}
	saying := scene(route("GET /x", answer(200, last), answer(200)), expect(&scenarios.LeavesConnection{}))
	closing := scene(route("GET /x", answer(200, idle(scenarios.WireFIN)), answer(200)), expect(&scenarios.LeavesConnection{}))
	straying := scene(route("GET /x", answer(200, idle(scenarios.WireGarbage)), answer(200)), expect(&scenarios.LeavesConnection{}))
	plain := scene(route("GET /x", answer(200)), expect(&scenarios.LeavesConnection{}))
	wired := func(text string) option { return func(a *journal.Attempt) { a.Wire = text } }
	ends := func(r *recorded, at time.Duration) *recorded {
		r.Conns = append(r.Conns, journal.Conn{ID: 1, Close: at, Closed: journal.ClosedByServerFIN})
		return r
	}
	again := func(t time.Duration, more ...any) calls { return made("GET /x", at(t, append(more, 0, entry(1))...)) }
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
		log  *recorded
		want Outcome
		says string
	}{
		{"another connection", saying, record(made("GET /x", at(0, 200, conn(1, 1))), again(sec, conn(2, 1))), Pass, "leaves_connection, 1/1"},
		{"the same one", saying, record(made("GET /x", at(0, 200, conn(1, 1))), again(sec, conn(1, 2))), Fail,
			"The client sent a request on a connection 0.999s after it had ended: its answer had said Connection: close."},
		{"sent before the answer came", saying, record(made("GET /x", at(0, 200, took(2*sec), conn(1, 1))), again(sec, conn(1, 2))), Pass, "leaves_connection, 1/1"},
		{"behind a FIN", closing, ends(record(made("GET /x", at(0, 200, conn(1, 1), wired("fin idle"))), again(200*ms, conn(1, 2))), 60*ms), Fail,
			"The client sent a request on a connection 0.199s after it had ended: a FIN had come on it."},
		{"crossing a FIN", closing, ends(record(made("GET /x", at(0, 200, conn(1, 1), wired("fin idle"))), again(80*ms, conn(1, 2))), 60*ms), Pass, "leaves_connection, 1/1"},
		{"behind stray bytes", straying, ends(record(made("GET /x", at(0, 200, conn(1, 1), wired("garbage idle"))), again(200*ms, conn(1, 2))), 60*ms), Fail,
			"The client sent a request on a connection 0.199s after it had ended: stray bytes and a FIN had come on it."},
		{"nothing ended", plain, record(made("GET /x", at(0, 200, conn(1, 1)))), Inconclusive, "no connection ended that the client might have used again."},
	} {
		f := Judge(c.s, &c.log.Log).Findings[0]
		if f.Outcome != c.want || f.Sentence+f.Summary != c.says {
			t.Errorf("%s: %v: %s%s; want %v: %s", c.name, f.Outcome, f.Sentence, f.Summary, c.want, c.says)
		}
	}
}
