package verdict

import (
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestRetriesOn(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	on := func(statuses ...int) part { return expect(&scenarios.RetriesOn{Exactly: statuses}) }
	declared := expect(&scenarios.RetriesOn{Declared: true})
	profile := func(s *scenarios.Scenario) { s.Profile.RetriesOn, s.Profile.MaxAttempts = []int{503}, ptr(2) }
	retried := func(status int) calls { return made("GET /x", at(0, status), at(sec, 200, entry(1))) }
	ended := func(status int) calls { return made("GET /x", at(0, status)) }
	exhausted := func(status int) calls { return made("GET /x", at(0, status), at(sec, status)) }
	for _, j := range []judged{
		{"as said", scene(r, on(503, 429)), record(retried(503), retried(429), ended(404)), said{Pass, "retries on 429 and 503, not on 404", "", "", ""}},
		{"all of them", scene(r, on(503, 429)), record(retried(503)), said{Pass, "retries on 503", "", "", ""}},
		{"none of them", scene(r, on(503)), record(ended(404), ended(400)), said{Pass, "no retry on 400 or 404", "", "", ""}},
		{"one too many", scene(r, on(503)), record(retried(503), retried(404)), said{Fail, "The client retried 404, which it should not.",
			"1 of 2 statuses was taken otherwise", "11:10 the server answered 404 here", ""}},
		{"one too few", scene(r, on(503, 408)), record(retried(503), ended(408)), said{Fail, "The client did not retry 408.",
			"1 of 2 statuses was taken otherwise", "11:10 the server answered 408 here", ""}},
		{"both", scene(r, on(503, 408)), record(retried(404), ended(408)), said{Fail,
			"The client retried 404, which it should not, and did not retry 408.", "2 of 2 statuses were taken otherwise", "", ""}},
		{"retried until the attempts were used up", scene(r, on(503)), record(exhausted(503)), said{Pass, "retries on 503", "", "", ""}},
		{"declared", scene(r, declared, profile), record(retried(503)), said{Pass, "retries on 503", "", "", ""}},
		{"used up before it could be seen", scene(r, declared, profile), record(exhausted(503), made("GET /x", at(0, 503), at(sec, 429))),
			said{Pass, "retries on 503", "", "", ""}},
		{"not declared", scene(r, declared), record(retried(503)), said{Skip, "the profile does not declare retries_on.", "", "", ""}},
		{"nothing to see", scene(r, on(503)), record(made("GET /x", at(0, 200))), said{Inconclusive,
			"no answer had an error status that could be retried.", "", "", ""}},
		{"not retried in a record with gaps", scene(r, on(503)), record(ended(503)).drops(2, ""), said{Inconclusive,
			"2 records dropped: the client did not retry 503.", "", "", ""}},
		{"look-alikes", scene(r, on(503)), record(made("GET /x", byPrint, at(0, 503), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestNeverRetries(t *testing.T) {
	r := route("GET /x", answer(404), answer(403, func(a *scenarios.Answer) { a.Headers = []scenarios.Header{{Name: "X-RateLimit-Remaining"}} }), answer(200))
	final := expect(&scenarios.NeverRetries{})
	only := expect(&scenarios.NeverRetries{Status: []int{401, 409}})
	again := func(status int, more ...any) calls {
		return made("GET /x", at(0, append([]any{status}, more...)...), at(sec, 200, entry(2)))
	}
	ended := func(status int) calls { return made("GET /x", at(0, status)) }
	auth := func(v string) option { return header("Authorization", v) }
	for _, j := range []judged{
		{"stops", scene(r, final), record(ended(404), made("GET /x", at(0, 503), at(sec, 400))), said{Pass, "never_retries, 2/2", "", "", ""}},
		{"goes on", scene(r, final), record(made("GET /x", at(0, 404), at(sec, 404), at(2*sec, 404))), said{Fail,
			"The client made 2 more attempts after a 404.", "1 of 1 call went on", "11:10 the server answered 404 here", ""}},
		{"several go on", scene(r, final), record(again(404), again(404), again(400), ended(400)), said{Fail,
			"3 calls went on after an answer that is final: 404 (2×), 400 (1×).", "3 of 4 calls went on", "", ""}},
		{"409 is not final", scene(r, final), record(again(409)), said{Inconclusive, "no answer had one of these statuses.", "", "", ""}},
		{"413 with a pause is not", scene(r, final), record(again(413, ra(sec))), said{Inconclusive, "no answer had one of these statuses.", "", "", ""}},
		{"413 is", scene(r, final), record(again(413)), said{Fail, "The client made 1 more attempt after a 413.", "", "", ""}},
		{"403 with a quota is not", scene(r, final), record(again(403, entry(1))), said{Inconclusive, "no answer had one of these statuses.", "", "", ""}},
		{"401 with other credentials", scene(r, final), record(made("GET /x", at(0, 401), at(sec, 200, auth("a")))), said{Inconclusive,
			"no answer had one of these statuses.", "", "", ""}},
		{"401 with other credentials twice", scene(r, final), record(made("GET /x", at(0, 401), at(sec, 401, auth("a")), at(2*sec, 401, auth("b")))),
			said{Fail, "The client made 1 more attempt after a 401.", "", "", ""}},
		{"401 with the same", scene(r, final), record(made("GET /x", auth("a"), at(0, 401), at(sec, 401))), said{Fail,
			"The client made 1 more attempt after a 401.", "", "", ""}},
		{"its own list", scene(r, only), record(again(409), again(404)), said{Fail, "The client made 1 more attempt after a 409.", "", "", ""}},
		{"a hedge is no retry", scene(r, final), record(made("GET /x", at(0, 404, took(sec)), at(500*ms, 200))), said{Pass, "never_retries, 1/1", "", "", ""}},
		{"look-alikes", scene(r, final), record(made("GET /x", byPrint, at(0, 404), at(sec, 200, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestNoUnsafeRetry(t *testing.T) {
	r := route("POST /x", answer(504), answer(201))
	x := expect(&scenarios.NoUnsafeRetry{})
	twice := func(got any, both ...any) calls {
		return made("POST /x", append([]any{at(0, got), at(sec, 201, entry(1))}, both...)...)
	}
	told := func(idempotent bool) part {
		return func(s *scenarios.Scenario) {
			s.Drive = []scenarios.Step{{Idempotent: idempotent, Requests: []scenarios.Request{{Method: "POST", Path: pathOf("/:what")}}}}
		}
	}
	for _, j := range []judged{
		{"sent once", scene(r, x), record(made("POST /x", at(0, 504)), made("POST /x", at(0, reset))), said{Pass, "no_unsafe_retry, 2/2", "", "", ""}},
		{"sent again after a 504", scene(r, x), record(twice(504)), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (504) was unknown.", "it carried no Idempotency-Key", "11:10 the server answered 504 here", ""}},
		{"sent again after a reset", scene(r, x), record(twice(reset)), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (reset) was unknown.", "", "", ""}},
		{"sent again after its own timeout", scene(r, x), record(twice(abandoned(500 * ms))), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (200, given up) was unknown.", "", "", ""}},
		{"sent again beside the first", scene(r, x), record(made("POST /x", at(0, 201, took(2*sec)), at(sec, 201))), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (not yet answered) was unknown.", "", "", ""}},
		{"several", scene(r, x), record(twice(500), twice(502), made("POST /x", at(0, 504))), said{Fail,
			"The client repeated 2 of 3 unsafe requests whose outcome was unknown.", "", "", ""}},
		{"a replay counts", scene(r, x), record(made("POST /x", conn(1, 2), at(0, reset), at(5*ms, 201, conn(2, 1)))), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (reset) was unknown.", "", "", ""}},
		{"503 says that nothing happened", scene(r, x), record(twice(503)), said{Inconclusive, "no unsafe request had an unknown outcome.", "", "", ""}},
		{"PUT is idempotent", scene(r, x), record(made("PUT /x", at(0, 504), at(sec, 200))), said{Inconclusive,
			"no unsafe request had an unknown outcome.", "", "", ""}},
		{"a steady key", scene(r, x), record(twice(504, key("a"))), said{Pass, "no_unsafe_retry: 1 of 1 waived by a key", "", "", ""}},
		{"a steady key of another name", scene(r, x), record(twice(504, header("paypal-request-id", "a"))), said{Pass,
			"no_unsafe_retry: 1 of 1 waived by a key", "", "", ""}},
		{"a key that changes", scene(r, x), record(made("POST /x", at(0, 504, key("a")), at(sec, 201, key("b")))), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (504) was unknown.", "its Idempotency-Key changed", "", ""}},
		{"a key that comes late", scene(r, x), record(made("POST /x", at(0, 504), at(sec, 201, key("b")))), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (504) was unknown.", "1 attempt lacked the Idempotency-Key", "", ""}},
		{"told that it may", scene(r, x, told(true)), record(twice(504)).says(1, true), said{Pass, "no_unsafe_retry: 1 of 1 waived by a key", "", "", ""}},
		{"told nothing", scene(r, x, told(false)), record(twice(504)).says(1, true), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (504) was unknown.", "", "", ""}},
		{"a command is told nothing", scene(r, x, told(true)), record(twice(504)).says(1, true).exitOf(1, 0), said{Fail,
			"The client sent POST 2 times, though the outcome of attempt 1 (504) was unknown.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("POST /x", byPrint, at(0, 504), at(sec, 201, looksAlike))), said{Inconclusive,
			"the 2 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestSameRequest(t *testing.T) {
	r := route("POST /x", answer(503), answer(201))
	x := expect(&scenarios.SameRequest{})
	twice := func(first, second []any) calls {
		return made("POST /x", at(0, append(first, 503)...), at(sec, append(second, 201, entry(1))...))
	}
	is := func(options ...any) []any { return options }
	content := func(v string) option { return header("content-type", v) }
	notWhole := option(func(a *journal.Attempt) { a.BodyWhole = false })
	other := option(func(a *journal.Attempt) { a.Target = "/y" })
	retargeted := twice(is(), is())
	other(retargeted[1])
	redirected := made("POST /x", at(0, 307), at(sec, 200))
	other(redirected[1])
	for _, j := range []judged{
		{"the same", scene(r, x), record(twice(is(body("a"), header("Date", "1")), is(body("a"), header("X-Attempt", "2")))), said{Pass,
			"same_request, 1/1", "", "", ""}},
		{"lost its body", scene(r, x), record(twice(is(body("abc")), is())), said{Fail,
			"The client did not repeat the same request: attempt 2 has a body of 0 bytes instead of 3 bytes.", "1 of 1 call changed",
			"11:10 the server answered 503 here", ""}},
		{"another body", scene(r, x), record(twice(is(body("abc")), is(body("abd")))), said{Fail,
			"The client did not repeat the same request: attempt 2 has another body of 3 bytes.", "", "", ""}},
		{"another target", scene(r, x), record(retargeted), said{Fail,
			"The client did not repeat the same request: attempt 2 has target /y instead of /x.", "", "", ""}},
		{"another type", scene(r, x), record(twice(is(content("a/b")), is(content("a/c")))), said{Fail,
			`The client did not repeat the same request: attempt 2 has content-type "a/c" instead of "a/b".`, "", "", ""}},
		{"no type", scene(r, x), record(twice(is(content("a/b")), is())), said{Fail,
			"The client did not repeat the same request: attempt 2 has no content-type.", "", "", ""}},
		{"a type at last", scene(r, x), record(twice(is(), is(content("a/b")))), said{Fail,
			`The client did not repeat the same request: attempt 2 has content-type "a/b", unlike the one before.`, "", "", ""}},
		{"no credentials", scene(r, x), record(twice(is(header("Authorization", "a")), is())), said{Fail,
			"The client did not repeat the same request: attempt 2 has no Authorization.", "", "", ""}},
		{"fresh credentials", scene(r, x), record(twice(is(header("Authorization", "a")), is(header("Authorization", "b")))), said{Pass,
			"same_request, 1/1", "", "", ""}},
		{"a body that broke off cannot be compared", scene(r, x), record(twice(is(body("a"), notWhole), is(body("abc")))), said{Pass,
			"same_request, 1/1", "", "", ""}},
		{"a redirect asks for another", scene(r, x), record(redirected), said{Pass,
			"same_request, 1/1", "", "", ""}},
		{"no retry", scene(r, x), record(made("POST /x", at(0, 201))), said{Inconclusive, "no call was tried again.", "", "", ""}},
		{"told apart by their bodies", scene(r, x), record(
			made("POST /x", byPrint, body("abc"), at(0, 503)), made("POST /x", byPrint, at(sec, 503), at(2*sec, 201))), said{Inconclusive,
			"a failed call with a body of 3 bytes was followed by one with 0 bytes: that may be the same call with a changed body.", "", "",
			"Calls are told apart by their bodies; name them: with --per-call, or with identity: {by: path}."}},
		{"told apart by their bodies, and the first went well", scene(r, x), record(
			made("POST /x", byPrint, body("abc"), at(0, 201)), made("POST /x", byPrint, at(sec, 503), at(2*sec, 201))), said{Pass,
			"same_request, 1/1", "", "", ""}},
	} {
		j.run(t)
	}
}
