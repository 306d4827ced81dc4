package verdict

import (
	"testing"

	"brownout/scenarios"
)

func TestSameIdempotencyKey(t *testing.T) {
	r := route("POST /x", answer(503), answer(201))
	x := expect(&scenarios.SameIdempotencyKey{})
	byKey := func(s *scenarios.Scenario) { s.Identity = scenarios.Identity{By: "header", Header: "idempotency-key"} }
	stripe := func(s *scenarios.Scenario) { s.Profile.KeyHeader = "X-Key" }
	keys := func(request string, ks ...string) calls {
		parts := []any{}
		for i, k := range ks {
			a := at(intTime(i)*sec, 503)
			if k != "" {
				key(k)(a)
			}
			parts = append(parts, a)
		}
		return made(request, parts...)
	}
	for _, j := range []judged{
		{"kept", scene(r, x), record(keys("POST /x", "a", "a", "a")), said{Pass, "same_idempotency_key", "", "", ""}},
		{"a new one for each attempt", scene(r, x), record(keys("POST /x", "a", "b", "c"), keys("POST /x", "d", "d")), said{Fail,
			"The client sent 3 attempts of a call with 3 different keys.", "1 of 2 calls kept its key", "11:10 the server answered 503 here", ""}},
		{"without on one", scene(r, x), record(keys("POST /x", "a", "")), said{Fail,
			"The client sent 1 of 2 attempts of a call without its Idempotency-Key.", "0 of 1 call kept its key", "", ""}},
		{"without", scene(r, x), record(keys("POST /x", "", "")), said{Fail, "The client sent 2 attempts of a call without an Idempotency-Key.", "", "", ""}},
		{"in another header", scene(r, x), record(made("POST /x", header("x-idempotency-key", "a"), at(0, 503), at(sec, 201))), said{Fail,
			"The client sent 2 attempts of a call without an Idempotency-Key.", "", "",
			"It sent X-Idempotency-Key; if that is its key, declare profile: {key_header: X-Idempotency-Key}."}},
		{"in the profile's header", scene(r, stripe, x), record(made("POST /x", header("x-key", "a"), at(0, 503), at(sec, 201))), said{Pass,
			"same_idempotency_key", "", "", ""}},
		{"a GET needs none", scene(r, x), record(keys("GET /x", "", "")), said{Inconclusive,
			"no call that should carry an Idempotency-Key was tried again.", "", "", ""}},
		{"unless its route is named", scene(r, expect(&scenarios.SameIdempotencyKey{}, onRoute("PUT /x"))), record(made("PUT /x", at(0, 503), at(sec, 200))), said{Fail,
			"The client sent 2 attempts of a call without an Idempotency-Key.", "", "", ""}},
		{"no retry", scene(r, x), record(keys("POST /x", "a")), said{Inconclusive, "no call that should carry an Idempotency-Key was tried again.", "", "", ""}},
		{"named by the key", scene(r, byKey, x), record(keys("POST /x", "a", "a")), said{Inconclusive,
			"calls are told apart by their Idempotency-Key, so this cannot fail.", "", "", "Name the calls otherwise: with --per-call, or with identity: {by: path}."}},
		{"look-alikes", scene(r, x), record(made("POST /x", byPrint, at(0, 503, key("a")), at(sec, 201, key("b"), looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestDistinctIdempotencyKeys(t *testing.T) {
	r := route("POST /x", answer(503), answer(201))
	x := expect(&scenarios.DistinctIdempotencyKeys{})
	byKey := func(s *scenarios.Scenario) { s.Identity = scenarios.Identity{By: "header", Header: "Idempotency-Key"} }
	fromContent := func(s *scenarios.Scenario) { s.Profile.KeyFrom = "content" }
	with := func(k, b string) calls { return made("POST /x", key(k), body(b), at(0, 201, entry(1))) }
	quiet := func(status int) *recorded {
		return record(made("POST /x", byPrint, key("a"), at(0, status)), made("POST /x", byPrint, key("a"), at(65*sec, 201)))
	}
	for _, j := range []judged{
		{"distinct", scene(r, x), record(with("a", "1"), with("b", "1")), said{Pass, "distinct_idempotency_keys: 2 keys in 2 calls", "", "", ""}},
		{"shared", scene(r, x), record(with("a", "1"), with("a", "1"), with("b", "1")), said{Fail, "The client sent key a in 2 calls.",
			"1 of 3 calls had the key of another", "", ""}},
		{"keys made from the content", scene(r, fromContent, x), record(with("a", "1"), with("a", "1")), said{Pass,
			"distinct_idempotency_keys: 1 key in 2 calls", "", "", ""}},
		{"with two bodies", scene(r, x), record(with("a", "1"), with("a", "12")), said{Fail,
			"The client sent key a with 2 bodies, of 1 byte and of 2 bytes.", "1 of 2 calls came with another body", "", ""}},
		{"two bodies in one call", scene(r, x), record(made("POST /x", key("a"), at(0, 503, body("1")), at(sec, 201, body("2")))), said{Fail,
			"The client sent key a with 2 bodies, of 1 byte and of 1 byte.", "", "", ""}},
		{"one call", scene(r, x), record(with("a", "1")), said{Skip, "saw 1, needs 2 calls with a key.", "", "", ""}},
		{"no key", scene(r, x), record(made("POST /x", at(0, 201))), said{Inconclusive, "no request carried an Idempotency-Key.", "", "", ""}},
		{"named by the key", scene(r, byKey, x), record(with("a", "1"), with("b", "1")), said{Inconclusive,
			"calls are told apart by their Idempotency-Key, so this cannot fail.", "", "", ""}},
		{"named by the key, with two bodies", scene(r, byKey, x), record(made("POST /x", key("a"), at(0, 503, body("1")), at(sec, 201, body("2")))), said{Fail,
			"The client sent key a with 2 bodies, of 1 byte and of 1 byte.", "", "", ""}},
		{"after a quiet minute it may be the same call", scene(r, x), quiet(503), said{Inconclusive,
			"key a came again with the same request 1m4.999s after a failure: that may be the same call.", "", "", ""}},
		{"after a success it is another", scene(r, x), quiet(201), said{Fail, "The client sent key a in 2 calls.", "", "", ""}},
		{"a record with gaps", scene(r, x), record(with("a", "1"), with("a", "1")).drops(1, "a live call left its table"), said{Inconclusive,
			"1 record dropped: the client sent key a in 2 calls.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestKeyFromFirstAttempt(t *testing.T) {
	r := route("POST /x", answer(503), answer(201))
	x := expect(&scenarios.KeyFromFirstAttempt{})
	for _, j := range []judged{
		{"at once", scene(r, x), record(made("POST /x", key("a"), at(0, 503), at(sec, 201))), said{Pass, "key_from_first_attempt, 1/1", "", "", ""}},
		{"with the retry", scene(r, x), record(made("POST /x", at(0, 503), at(sec, 201, key("a")))), said{Fail,
			"The client added the Idempotency-Key with attempt 2.", "0 of 1 call had a key at once", "11:10 the server answered 503 here", ""}},
		{"never", scene(r, x), record(made("POST /x", at(0, 503), at(sec, 201))), said{Fail,
			"The client sent 2 attempts of a call, none with an Idempotency-Key.", "", "", ""}},
		{"no retry", scene(r, x), record(made("POST /x", at(0, 201))), said{Inconclusive,
			"no call that should carry an Idempotency-Key was tried again.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("POST /x", byPrint, at(0, 503), at(sec, 201, key("b"), looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestConnections(t *testing.T) {
	r := route("GET /x", answer(200))
	most := func(c scenarios.Connections) part { return expect(&c) }
	pool := func(s *scenarios.Scenario) { s.Profile.Pool = ptr(2) }
	log := func() *recorded { // three connections, two of them open at once
		return record(made("GET /x", at(0, 503, conn(1, 1)), at(sec, 200, conn(2, 1))), made("GET /x", at(2*sec, 200, conn(3, 1)))).
			opens(1, 0, 1500*ms).opens(2, sec, 2*sec).opens(3, 2*sec, 3*sec)
	}
	stopped := func(r *recorded, at int) *recorded {
		r.exits(0)
		r.Clients[0].Stop = intTime(at) * sec
		return r
	}
	replayed := record(made("GET /x", at(0, reset, conn(1, 2)), at(ms, 200, conn(2, 1)))).opens(1, 0, ms).opens(2, ms, sec)
	brief := record(made("GET /x", at(0, 200, conn(1, 1)))).opens(1, 0, sec+20*ms).opens(2, sec, 2*sec)
	longer := func() *recorded {
		return record(made("GET /x", at(0, 200, conn(1, 1)))).opens(1, 0, sec+80*ms).opens(2, sec, 2*sec)
	}
	for _, j := range []judged{
		{"in all", scene(r, most(scenarios.Connections{Max: n(3)})), log(), said{Pass, "connections: 3 in all", "", "", ""}},
		{"too many", scene(r, most(scenarios.Connections{Max: n(1)})), log(), said{Fail, "The client opened 3 connections, 2 more than allowed.",
			"3 connections for 3 attempts", "", ""}},
		{"at once", scene(r, most(scenarios.Connections{Open: n(2), PerCall: n(2)})), log(), said{Pass, "connections: 2 at once, 2 a call", "", "", ""}},
		{"too many at once", scene(r, most(scenarios.Connections{Open: n(1)})), log(), said{Fail,
			"The client had 2 connections open at once, 1 more than allowed.", "2 open at 1.000s", "", ""}},
		{"a close is seen a little late", scene(r, most(scenarios.Connections{Open: n(1)})), brief, said{Pass, "connections: 1 at once", "", "", ""}},
		{"a close is seen late", scene(r, most(scenarios.Connections{Open: n(1)})), longer(), said{Fail,
			"The client had 2 connections open at once, 1 more than allowed.", "", "", ""}},
		{"lateness decides", scene(r, most(scenarios.Connections{Open: n(1)})), longer().late(sec+80*ms, 70*ms), said{Inconclusive,
			"2 connections were open at once, but the machine itself was late to see some closed.", "", "", ""}},
		{"by call", scene(r, most(scenarios.Connections{PerCall: n(1)})), log(), said{Fail,
			"The client opened 2 connections for one call, 1 more than allowed.", "1 of 2 calls had more than 1", "", ""}},
		{"a replay decides", scene(r, most(scenarios.Connections{PerCall: n(1)})), replayed, said{Inconclusive,
			"only a transport replay makes the difference: attempt 2 of GET /x #1 came 1ms after the connection under attempt 1 was gone.", "", "", ""}},
		{"look-alikes do not matter in all", scene(r, most(scenarios.Connections{Max: n(3)})),
			record(made("GET /x", byPrint, at(0, 200, looksAlike))).opens(1, 0, sec), said{Pass, "connections: 1 in all", "", "", ""}},
		{"look-alikes by call", scene(r, most(scenarios.Connections{PerCall: n(3)})),
			record(made("GET /x", byPrint, at(0, 200, looksAlike))).opens(1, 0, sec), said{Inconclusive,
				"the 1 attempt of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"left", scene(r, most(scenarios.Connections{AfterStop: n(0)})), stopped(log(), 3), said{Pass, "connections: 0 left open", "", "", ""}},
		{"closed late", scene(r, most(scenarios.Connections{AfterStop: n(0)})), stopped(log(), 2), said{Fail,
			"The client left 1 connection open, 1 more than allowed.", "1 open 500ms after its end", "", ""}},
		{"closed late, as was the machine", scene(r, most(scenarios.Connections{AfterStop: n(0)})), stopped(log(), 2).late(3*sec, 600*ms), said{Inconclusive,
			"1 connection closed late, but the machine itself was late.", "", "", ""}},
		{"never closed", scene(r, most(scenarios.Connections{AfterStop: n(0)})), stopped(log().opens(4, 0, 0).until(4*sec), 3), said{Fail,
			"The client left 1 connection open, 1 more than allowed.", "", "", ""}},
		{"never seen closed", scene(r, most(scenarios.Connections{AfterStop: n(0)})), stopped(log().opens(4, 0, 0), 3), said{Inconclusive,
			"the record ended 0s after the client, with 1 connection open.", "", "", ""}},
		{"no end of the client", scene(r, most(scenarios.Connections{AfterStop: n(0)})), log(), said{Inconclusive, "nothing says when the client ended.", "", "", ""}},
		{"the gravest decides", scene(r, most(scenarios.Connections{Max: n(1), AfterStop: n(0)})), log(), said{Fail,
			"The client opened 3 connections, 2 more than allowed.", "", "", ""}},
		{"declared", scene(r, pool, most(scenarios.Connections{Max: declaredCount()})), log(), said{Fail,
			"The client opened 3 connections, 1 more than allowed.", "", "", ""}},
		{"not declared", scene(r, most(scenarios.Connections{Max: declaredCount()})), log(), said{Skip, "the profile does not declare pool.", "", "", ""}},
		{"a bare handler", scene(r, most(scenarios.Connections{Max: n(1)})), bare(), said{Inconclusive,
			"the server ran as a bare handler, which sees no connections.", "", "", ""}},
		{"no connection", scene(r, most(scenarios.Connections{Max: n(1)})), record(), said{Inconclusive, "there was no connection to judge.", "", "", ""}},
		{"on a route", scene(r, expect(&scenarios.Connections{Max: n(2)}, onRoute("GET /y"))), log(), said{Inconclusive, "there was no connection to judge.", "", "", ""}},
	} {
		j.run(t)
	}
}

// bare is the record of a server without connections.
func bare() *recorded {
	log := record(made("GET /x", at(0, 200)))
	log.Attempts[0].Conn = 0
	return log
}
