package verdict

import (
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// stray is a request that matched no route.
func stray(request string, nearest string) calls {
	cs := made(request, at(0, 404))
	cs[0].Route, cs[0].Nearest, cs[0].Entry = "", nearest, -1
	return cs
}

func TestMustHaveHappened(t *testing.T) {
	charges := route("POST /v1/charges", answer(429), answer(201))
	items := route("GET /items/:id", answer(503), answer(200))
	three := route("GET /x", answer(503), answer(500, resetting(scenarios.AtBeforeHeaders)), answer(200))
	lenient := route("GET /x", answer(503), answer(500, optional), answer(200))
	x := expect(&scenarios.Attempts{Max: n(9)})
	called := func() *recorded { return record(made("GET /x", at(0, 503), at(sec, 200, entry(2)))) }
	when := func(w scenarios.When) func(*scenarios.Fault) { return func(f *scenarios.Fault) { f.When = w } }
	chance := func(f *scenarios.Fault) { f.Chance = scenarios.Chance{Set: true, From: 0.1} }
	may := func(f *scenarios.Fault) { f.Optional = true }
	from := func(d time.Duration) func(*scenarios.Fault) {
		return when(scenarios.When{Elapsed: &scenarios.Window{From: d}})
	}
	phases := func(ps ...scenarios.Phase) part { return func(s *scenarios.Scenario) { s.Phases = ps } }
	began := func(r *recorded, at time.Duration) *recorded { return r.opens(1, at, 0) }
	only := route("GET /x", answer(200))
	one := func(more ...any) *recorded {
		return record(made("GET /x", append(more, at(0, 200))...)).until(15 * sec)
	}
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
		log  *recorded
		want string // the findings, a line each
	}{
		{"never called", scene(charges, x), record(stray("POST /v1/charge", "")),
			"inconclusive: the client never called POST /v1/charges. Seen instead: POST /v1/charge (1×). Did you mean path: /v1/charge?"},
		{"another method", scene(charges, x), record(stray("PUT /v1/charges", "")),
			"inconclusive: the client never called POST /v1/charges. Seen instead: PUT /v1/charges (1×). Did you mean match: PUT /v1/charges?"},
		{"a variable in the path", scene(items, x), record(stray("GET /item/7?a=b", ""), stray("GET /item/7", ""), stray("GET /", "")),
			"inconclusive: the client never called GET /items/:id. Seen instead: GET /item/7 (2×), GET / (1×). Did you mean path: /item/:id?"},
		{"nothing near", scene(items, x), record(stray("GET /favicon.ico", "GET /items/:id, whose path differs")),
			"inconclusive: the client never called GET /items/:id. Seen instead: GET /favicon.ico (1×). Nearest: GET /items/:id, whose path differs."},
		{"no request at all", scene(charges, items, x), record(), "inconclusive: the client never called POST /v1/charges or GET /items/:id."},
		{"many routes", scene(charges, items, three, route("GET /a", answer(200)), route("GET /b", answer(200)), x), record(),
			"inconclusive: the client never called POST /v1/charges, GET /items/:id, GET /x or 2 other routes."},
		{"connections without a request", scene(charges, x), record().opens(1, 0, sec).opens(2, 0, sec),
			"inconclusive: the client never called POST /v1/charges. It opened 2 connections and sent no request."},
		{"no routes", scene(x), record(), "inconclusive: the client never called."},
		{"some went astray", scene(only, x), record(made("GET /x", at(0, 200)), stray("GET /favicon.ico", "")),
			"info: 1 request matched no route: GET /favicon.ico (1×)."},
		{"an answer that no call got to", scene(three, x), called(),
			"inconclusive: answers[1] (reset) of GET /x was never given: the longest call had 2 attempts."},
		{"one that is optional", scene(lenient, x), called(), ""},
		{"the last need not be", scene(three, x), record(made("GET /x", at(0, 503), at(sec, reset, entry(1)))), ""},
		{"a route that was not called", scene(charges, three, x), record(made("GET /x", at(0, 503), at(sec, reset, entry(1)))), ""},
		{"a fault whose time never came", scene(only, x, broke("outage", answer(503), from(30*sec))), one(),
			"inconclusive: outage begins at 30s, the run ended at 15s."},
		{"time begins with the first connection", scene(only, x, broke("outage", answer(503), from(30*sec))),
			began(record(made("GET /x", at(20*sec, 200))).until(35*sec), 20*sec), "inconclusive: outage begins at 30s, the run ended at 15s."},
		{"a fault whose phase never came", scene(only, x, phases(scenarios.Phase{Name: "healthy", For: 30 * sec}, scenarios.Phase{Name: "outage"}),
			broke("down", answer(503), when(scenarios.When{Phase: []string{"outage"}}))), one(phase("healthy")),
			"inconclusive: down begins at 30s, the run ended at 15s.\ninconclusive: outage begins at 30s, the run ended at 15s."},
		{"a fault that never struck", scene(only, x, broke("third", answer(503), when(scenarios.When{Nth: &scenarios.Range{From: 3, To: 3}}))), one(),
			"inconclusive: third never struck: none of 1 attempt met its when."},
		{"a fault that another stood before", scene(only, x, broke("a", answer(503)), broke("b", answer(500))), one(fault(1, 0)),
			"inconclusive: b never struck: a fault before it answered each time."},
		{"a fault of connections", scene(only, x, broke("cut", answer(0, resetting(scenarios.AtAccept)))), one().opens(1, 0, 0),
			"inconclusive: cut never struck: none of 1 connection met its when."},
		{"a fault that is optional", scene(only, x, broke("outage", answer(503), from(30*sec), may)), one(), ""},
		{"a chance is enough drawn", scene(only, x, broke("flaky", answer(503), chance)),
			one(option(func(a *journal.Attempt) { a.Drawn = []int{0} })), ""},
		{"a chance that was never drawn", scene(only, x, broke("flaky", answer(503), chance, from(30*sec))), one(),
			"inconclusive: flaky begins at 30s, the run ended at 15s."},
		{"a fault that struck", scene(only, x, broke("down", answer(503))), one(fault(0)), ""},
		{"a phase without an attempt", scene(only, x, phases(scenarios.Phase{Name: "a", For: 5 * sec}, scenarios.Phase{Name: "b", For: 5 * sec}, scenarios.Phase{Name: "c"})),
			one(phase("a")), "inconclusive: no attempt came in b, from 5s to 10s.\ninconclusive: no attempt came in c, from 10s on."},
		{"a phase that is optional", scene(only, x, phases(scenarios.Phase{Name: "a", For: 5 * sec}, scenarios.Phase{Name: "b", Optional: true})), one(phase("a")), ""},
		{"phases by attempts", scene(only, x, phases(scenarios.Phase{Name: "a", Attempts: 50}, scenarios.Phase{Name: "b"})), one(phase("a")),
			"inconclusive: b begins after 50 attempts, the run had 1."},
		{"a phase in which all connections were cut", scene(only, x, phases(scenarios.Phase{Name: "a", For: 5 * sec}, scenarios.Phase{Name: "b"}),
			broke("cut", answer(0, resetting(scenarios.AtAccept)))), began(one(phase("a")), 0).cutAt(7*sec, 0), ""},
	} {
		var got []string
		for _, f := range Judge(c.s, &c.log.Log).Findings {
			if f.Check == unwritten {
				got = append(got, strings.TrimSpace(f.Outcome.String()+": "+f.Sentence+" "+f.Hint))
			}
		}
		compare(t, c.name, strings.Join(got, "\n"), c.want)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"charge", "charges", 1}, {"abcd", "abdc", 1}, {"kitten", "sitting", 3}, {"", "abc", 3}, {"abc", "", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
