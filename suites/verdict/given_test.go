package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// op is a call of a client that takes orders, as a test writes it. One without attempts was refused by the client itself.
type op struct {
	at   time.Duration // it was told to make it
	took time.Duration
	ok   bool
	atts calls
}

// sent is a call of one attempt, which ended with it.
func sent(t time.Duration, got ...any) op {
	a := at(t, got...)
	return op{at: t, took: a.Done - t, ok: a.Whole && a.Status/100 == 2, atts: made("GET /x", a)}
}

// refusedAt is a call that the client refused itself.
func refusedAt(t time.Duration) op { return op{at: t, took: ms} }

// told records calls of a client that takes orders.
func told(ops ...op) *recorded {
	cs := make([]calls, len(ops))
	for i, o := range ops {
		cs[i] = named(o.atts)
	}
	log := record(cs...)
	for i, o := range ops {
		log.Results = append(log.Results, journal.Result{Call: i + 1, OK: o.ok, Start: o.at, Timed: true, At: o.at + o.took})
		log.End = max(log.End, o.at+o.took)
	}
	return log
}

// load is a call every so often, from an instant on, each as one says.
func load(from, every time.Duration, n int, one func(i int, t time.Duration) op) []op {
	ops := make([]op, n)
	for i := range ops {
		ops[i] = one(i, from+intTime(i)*every)
	}
	return ops
}

// breaking are 200 calls, 20 a second, of which the first five fail; the circuit is then open for five seconds, and lets a
// probe through that fails, and after five more one that does not.
func breaking(t time.Duration, i int) op {
	switch {
	case t < 250*ms:
		return sent(t, 503)
	case i == 105:
		return sent(t, 503, took(200*ms))
	case i == 210:
		return sent(t, 200, entry(1), took(200*ms))
	case t < 10700*ms:
		return refusedAt(t)
	}
	return sent(t, 200, entry(1))
}

func broken300(change func(i int, t time.Duration) (op, bool)) *recorded {
	return told(load(0, 50*ms, 300, func(i int, t time.Duration) op {
		if change != nil {
			if o, ok := change(i, t); ok {
				return o
			}
		}
		return breaking(t, i)
	})...)
}

// circuitScene expects one check of a client that declares a breaker.
func circuitScene(p scenarios.Params, changes ...func(*scenarios.Expectation)) *scenarios.Scenario {
	return scene(route("GET /x", answer(503), answer(200)), declaringBreaker, drives("GET /x", 300), expect(p, changes...))
}

func declaringBreaker(s *scenarios.Scenario) {
	s.Profile.BreakerAfter, s.Profile.OpenTime, s.Profile.HalfOpenMax = ptr(5), ptr(5*sec), ptr(1)
}

// needsOrders is what every check of results says of a client that takes none.
var needsOrders = said{outcome: Skip, sentence: "the client takes no orders, as one in process does.",
	hint: "Judge it in process: package suites for Go clients."}

func TestChecksOfResultsNeedThem(t *testing.T) {
	byCommand := func() *recorded { return record(named(made("GET /x", at(0, 503)))).says(1, false).exitOf(1, 1) }
	for _, p := range []scenarios.Params{&scenarios.Ends{}, &scenarios.OpensCircuit{}, &scenarios.CircuitStaysClosed{}, &scenarios.FailsFast{},
		&scenarios.HalfOpenProbes{}, &scenarios.ClosesCircuit{}, &scenarios.StopsWhenCancelled{}} {
		judged{nameOf(p) + ", one command", circuitScene(p), record(made("GET /x", at(0, 503))), needsOrders}.run(t)
		judged{nameOf(p) + ", a command for each call", circuitScene(p), byCommand(), needsOrders}.run(t)
		judged{nameOf(p) + ", no call", circuitScene(p), record(), said{outcome: Inconclusive, sentence: "there was no call to judge."}}.run(t)
	}
}

// TestErrands: a call without an attempt belongs to the route, the phase and the case that it was meant for.
func TestErrands(t *testing.T) {
	cased := route("GET /c/:case", answer(200), answer(200))
	s := scene(route("GET /a", answer(200)), route("GET /b/:call", answer(200)), cased,
		func(s *scenarios.Scenario) {
			s.Routes[2].Cases = []scenarios.Case{{Name: "one", From: 0, To: 1}, {Name: "two", From: 1, To: 2}}
			s.Phases = []scenarios.Phase{{Name: "early", For: sec}, {Name: "later"}}
		},
		drives("GET /a", 2), drives("GET /b/:call", 1), drives("GET /c/:case", 1, func(s *scenarios.Step) { s.Cases = []string{"one", "two"} }))
	log := told(sent(0, 200), refusedAt(500*ms), refusedAt(1500*ms), refusedAt(2*sec), refusedAt(3*sec), refusedAt(4*sec))
	log.Attempts[0].Route = "GET /a"
	e := gather(s, &log.Log)
	for i, want := range []errand{{}, {"GET /a", "early", "", ""}, {"GET /b/:call", "later", "", ""}, {"GET /c/:case", "later", "one", ""}, {"GET /c/:case", "later", "two", ""}, {}} {
		got := errand{}
		if lost := e.calls[i].lost; lost != nil {
			got = *lost
		}
		if got != want {
			t.Errorf("call %d: %+v, want %+v", i+1, got, want)
		}
	}
}

func TestOrder(t *testing.T) {
	s := scene(drives("GET /a", 4, func(s *scenarios.Step) { s.Clients = 2 }), drives("GET /b", 2), drives("GET /c", 2, func(s *scenarios.Step) { s.Fresh = true }),
		drives("GET /d", 0, func(s *scenarios.Step) { s.For = sec; s.Clients = 2 }))
	e := gather(s, &record().Log)
	for no, want := range map[int]struct{ step, client int }{1: {0, 0}, 2: {0, 1}, 3: {0, 0}, 5: {1, 0}, 6: {1, 0}, 7: {2, 2}, 8: {2, 2}, 9: {3, 2}, 10: {3, 3}, 99: {3, 2}} {
		o, ok := e.order(no)
		if !ok || o.step != &s.Drive[want.step] || o.client != want.client {
			t.Errorf("call %d: client %d of %v, %v; want client %d of step %d", no, o.client, o.request, ok, want.client, want.step)
		}
	}
	endless := scene(drives("GET /a", 0, func(s *scenarios.Step) { s.For = sec }), drives("GET /b", 2))
	if _, ok := gather(endless, &record().Log).order(1); ok {
		t.Error("nobody knows how many calls a step makes that goes on for a second")
	}
	if _, ok := e.order(0); ok {
		t.Error("there is no call 0")
	}
}
