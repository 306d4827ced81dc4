package verdict

import (
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestPausesOthers(t *testing.T) {
	r := route("GET /x", answer(429, asking(3*sec)), answer(200))
	y := route("GET /y", answer(200))
	origin := expect(&scenarios.PausesOthers{Scope: "origin"})
	path := expect(&scenarios.PausesOthers{Scope: "path"})
	s := scene(r, y, origin)
	told := func() calls { return made("GET /x", at(sec, 429, ra(3*sec)), at(4*sec, 200, entry(1))) }
	ok := func(request string, seconds float64, with ...any) calls {
		return made(request, append([]any{at(ms*intTime(int(seconds*1000)), 200)}, with...)...)
	}
	before := func() calls { return ok("GET /y", 0.5) }
	after := func() calls { return ok("GET /y", 4.5) }
	on := func(host string) option { return func(a *journal.Attempt) { a.Host = host } }
	each := limit(scenarios.Limit{Name: "each", By: scenarios.ByVar, ByName: "id"})
	global := limit(scenarios.Limit{Name: "global", Scope: scenarios.ScopeGlobal})
	refused := func(name, bucket string) calls {
		return made("GET /x", at(sec, 429, left(0, 0, 3*sec), ofBucket(bucket), refusedBy(name), ra(3*sec)), at(4*sec, 200))
	}
	declared := func(scope string) *scenarios.Scenario {
		return scene(r, y, declares(scenarios.Profile{PauseScope: scope}), expect(&scenarios.PausesOthers{}))
	}
	for _, j := range []judged{
		{"rested", s, record(before(), told(), after()), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"went on", s, record(before(), told(), ok("GET /y", 2), ok("GET /y", 3), after()), said{Fail,
			"Other calls went on: 2 attempts came while the client was asked for a pause of 3s.", "2 attempts of other calls", "11:24 the server asked for a 3s pause here", ""}},
		{"what was under way may come", s, record(before(), told(), ok("GET /y", 1.4), after()), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"25 ms before it is over", s, record(before(), told(), ok("GET /y", 3.98)), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"the call itself is not another", s, record(made("GET /x", at(sec, 429, ra(3*sec)), at(2*sec, 200)), after()), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"another client", s, record(before(), told(), ok("GET /y", 2, client("b")), after()), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"another host", s, record(before(), told(), ok("GET /y", 2, on("b")), after()), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"another path", scene(r, y, path), record(told(), ok("GET /y", 2), ok("GET /x", 5)), said{Pass, "pauses_others 1/1", "", "", ""}},
		{"the same path", scene(r, y, path), record(told(), ok("GET /x", 2), ok("GET /x", 5)), said{Fail,
			"Other calls went on: 1 attempt came while the client was asked for a pause of 3s.", "", "", ""}},
		{"another bucket of a limit", scene(r, y, each, origin), record(refused("each", "1"), ok("GET /y", 2, left(0, 5, sec), ofBucket("2")), ok("GET /y", 5, left(0, 5, sec), ofBucket("1"))),
			said{Pass, "pauses_others 1/1", "", "", ""}},
		{"the same bucket", scene(r, y, each, origin), record(refused("each", "1"), ok("GET /y", 2, left(0, 5, sec), ofBucket("1"))), said{Fail,
			"Other calls went on: 1 attempt came while the client was asked for a pause of 3s.", "", "20:5 the limit asked for a 3s pause here", ""}},
		{"what the limit does not count", scene(r, y, each, origin), record(refused("each", "1"), ok("GET /y", 2)),
			said{Inconclusive, "no other call came behind a pause, so that nobody knows whether one would have.", "", "", ""}},
		{"a global limit stops all", scene(r, y, global, origin), record(refused("global", ""), ok("GET /y", 2)), said{Fail,
			"Other calls went on: 1 attempt came while the client was asked for a pause of 3s.", "", "", ""}},
		{"nobody came after", s, record(before(), told()), said{Inconclusive, "no other call came behind a pause, so that nobody knows whether one would have.", "", "", ""}},
		{"no pause", s, record(before(), after()), said{Inconclusive, "no answer asked for a pause of more than 525ms.", "", "", ""}},
		{"a short pause", s, record(before(), made("GET /x", at(sec, 429, ra(0)), at(2*sec, 200)), after()), said{Inconclusive, "no answer asked for a pause of more than 525ms.", "", "", ""}},
		{"the client left before it saw the answer", s, record(before(), made("GET /x", at(sec, 429, ra(3*sec), abandoned(ms)), at(2*sec, 200)), ok("GET /y", 3)),
			said{Inconclusive, "no answer asked for a pause of more than 525ms.", "", "", ""}},
		{"declared", declared("origin"), record(before(), told(), ok("GET /y", 2)), said{Fail,
			"Other calls went on: 1 attempt came while the client was asked for a pause of 3s.", "", "", ""}},
		{"declared to go on", declared("call"), record(before(), told(), ok("GET /y", 2)), said{Skip, "the profile declares pause_scope: call, so that other calls may go on.", "", "", ""}},
		{"undeclared", declared(""), record(before(), told(), after()), said{Skip, "the profile does not declare pause_scope.", "", "", ""}},
		{"look-alikes", s, record(before(), made("GET /x", byPrint, at(sec, 429, looksAlike, ra(3*sec)), at(2*sec, 200, looksAlike)), after()), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}
