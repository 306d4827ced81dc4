package verdict

import (
	"crypto/sha256"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// paid is a route with effects, and keys in the header; "" for none.
func paid(match, header string, answers ...scenarios.Answer) part {
	add := route(match, answers...)
	return func(s *scenarios.Scenario) {
		add(s)
		s.Routes[len(s.Routes)-1].Commit = &scenarios.Commit{Key: header, InFlight: 409, Mismatch: 422, Missing: 400, Pos: scenarios.Pos{Line: 20, Column: 13}}
	}
}

// effect marks an attempt that committed an effect; see committed.
const effectMark = "effect: "

func effect(a *journal.Attempt) { a.Reason = effectMark }
func effectOf(event string) option {
	return func(a *journal.Attempt) { a.Reason, a.Event = effectMark+event, event }
}
func about(event string) option { return func(a *journal.Attempt) { a.Event = event } }
func ledgerSays(l journal.Ledger) option {
	return func(a *journal.Attempt) { a.Ledger, a.Entry = l, -1 }
}
func stored(a *journal.Attempt) { a.Ledger = journal.LedgerStored }

// committed adds the effects of the attempts that are marked so.
func (r *recorded) committed() *recorded {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if event, ok := strings.CutPrefix(a.Reason, effectMark); ok {
			r.Effects = append(r.Effects, journal.Effect{Seq: a.Seq, At: a.Read, Route: a.Route, Call: a.Call, Event: event})
			a.Reason = ""
		}
	}
	return r
}

// delivers adds deliveries of events; a bad one begins with "!".
func (r *recorded) delivers(events ...string) *recorded {
	for i, id := range events {
		d := journal.Delivery{DeliveryRecord: journal.DeliveryRecord{ID: uint64(i + 1), Event: strings.TrimLeft(id, "!?")}}
		if strings.HasPrefix(id, "!") {
			d.Bad = "wrong-secret"
		}
		d.Unjudged = strings.HasPrefix(id, "?")
		r.Deliveries = append(r.Deliveries, d)
	}
	return r
}

func between(least, most int) *scenarios.Bounds { return &scenarios.Bounds{Least: least, Most: most} }

func TestEffects(t *testing.T) {
	r := paid("POST /pay", "Idempotency-Key", answer(201, resetting(scenarios.AtBeforeHeaders)), answer(201))
	perCall := func(least, most int) part { return expect(&scenarios.Effects{PerCall: between(least, most)}) }
	once := perCall(1, 1)
	single := func() calls { return made("POST /pay", key("a"), at(0, reset, effect), at(sec, 201, stored)) }
	double := func() calls {
		return made("POST /pay", at(0, reset, key("a"), effect), at(sec, 503, key("a")), at(2*sec, 201, key("b"), effect))
	}
	none := func() calls { return made("POST /pay", at(0, 503), at(sec, 503)) }
	elsewhere := made("GET /items", at(0, 200))
	both := route("GET /items", answer(200))
	alike := func() calls { return made("POST /pay", byPrint, at(0, 201, effect, looksAlike)) }
	for _, j := range []judged{
		{"one each", scene(r, once), record(single(), single()).committed(), said{Pass, "effects: 1 a call", "", "", ""}},
		{"two for one call", scene(r, once), record(double()).committed(), said{Fail, "2 effects for one call: attempts 1 and 3.",
			"0 of 1 call had 1", "11:24 the server reset the connection here", ""}},
		{"two for some", scene(r, once), record(single(), double(), double()).committed(), said{Fail,
			"2 effects for one call: attempts 1 and 3. 2 of 3 calls had too many.", "1 of 3 calls had 1", "", ""}},
		{"none", scene(r, once), record(none()).committed(), said{Fail, "The call had no effect.", "0 of 1 call had 1", "", ""}},
		{"none of some", scene(r, once), record(single(), none()).committed(), said{Fail,
			"1 of 2 calls had another number of effects than 1: 0 (1×).", "1 of 2 calls had 1", "", ""}},
		{"at most one", scene(r, perCall(0, 1)), record(single(), none()).committed(), said{Pass, "effects: 0..1 a call", "", "", ""}},
		{"at least one", scene(r, perCall(1, scenarios.Unbounded)), record(double()).committed(), said{Pass, "effects: 1.. a call", "", "", ""}},
		{"another route has none", scene(r, both, once), record(single(), elsewhere).committed(), said{Pass, "effects: 1 a call", "", "", ""}},
		{"a call that was redirected", scene(r, both, once), record(calls{at(0, 307, from("GET /items")), at(sec, 201, effect, from("POST /pay"))}).committed(),
			said{Pass, "effects: 1 a call", "", "", ""}},
		{"no call", scene(r, once), record(), said{Inconclusive, "there was no call to judge.", "", "", ""}},
		{"no route with effects", scene(both, once), record(elsewhere), said{Inconclusive, "no route here has effects.", "", "", "Add commit: {} to the route."}},
		{"look-alikes", scene(r, once), record(alike()).committed(), said{Inconclusive,
			"the 1 attempt of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"look-alikes beside a double", scene(r, once), record(double(), alike()).committed(), said{Fail,
			"2 effects for one call: attempts 1 and 3.", "", "", ""}},
		{"look-alikes in all", scene(r, expect(&scenarios.Effects{Total: between(1, 1)})), record(alike()).committed(), said{Pass, "effects: 1 in all", "", "", ""}},
		{"a record with gaps", scene(r, once), record(none()).drops(2, "the ring rolled"), said{Inconclusive,
			"2 records dropped: the call had no effect.", "", "", ""}},
		{"gaps take no effect back", scene(r, once), record(double()).committed().drops(2, "the ring rolled"), said{Fail,
			"2 effects for one call: attempts 1 and 3.", "", "", ""}},
		{"in all", scene(r, expect(&scenarios.Effects{Total: between(2, 3)})), record(single(), double()).committed(), said{Pass, "effects: 3 in all", "", "", ""}},
		{"too many in all", scene(r, expect(&scenarios.Effects{Total: between(1, 2)})), record(single(), double()).committed(), said{Fail,
			"There are 3 effects in all, 1..2 expected.", "3 effects of 5 attempts", "", ""}},
		{"too few in all", scene(r, expect(&scenarios.Effects{Total: between(2, 2)})), record(single()).committed(), said{Fail,
			"There is 1 effect in all, 2 expected.", "", "", ""}},
		{"in all of a route", scene(r, both, expect(&scenarios.Effects{Total: between(1, 1)}, onRoute("POST /pay"))), record(single(), elsewhere).committed(),
			said{Pass, "effects: 1 in all", "", "", ""}},
		{"in all of a phase", scene(r, expect(&scenarios.Effects{Total: between(2, 2)}, inPhase("outage"))), record(single(),
			made("POST /pay", phase("outage"), at(0, 201, effect), at(sec, 201, effect))).committed(), said{Pass, "effects: 2 in all", "", "", ""}},
		{"both ways", scene(r, expect(&scenarios.Effects{PerCall: between(0, 2), Total: between(3, 3)})), record(single(), double()).committed(),
			said{Pass, "effects: 0..2 a call, 3 in all", "", "", ""}},
	} {
		j.run(t)
	}
}

// from puts an attempt of a call on another route.
func from(route string) option {
	return func(a *journal.Attempt) {
		a.Route = route
		a.Method, a.Target, _ = strings.Cut(route, " ")
		a.Naming = journal.NamedByPrefix
	}
}

func TestEffectsPattern(t *testing.T) {
	r := paid("POST /pay", "X-Order", answer(201, resetting(scenarios.AtBeforeHeaders)), answer(201))
	order := func(k string) option { return header("X-Order", k) }
	for _, row := range []struct{ first, second, want string }{
		{"", "", "None of its attempts carried an X-Order."},
		{"a", "b", "Its attempts carried 2 different keys."},
		{"a", "", "1 of its 2 attempts carried no X-Order."},
		{"a", "a", ""}, // as where the key has expired
	} {
		var first, second any = sec, sec
		if first = at(0, reset, effect); row.first != "" {
			order(row.first)(first.(*journal.Attempt))
		}
		if second = at(sec, 201, effect); row.second != "" {
			order(row.second)(second.(*journal.Attempt))
		}
		v := Judge(scene(r, expect(&scenarios.Effects{PerCall: between(1, 1)})), &record(made("POST /pay", first, second)).committed().Log)
		compare(t, "pattern of "+row.first+"/"+row.second, v.Findings[0].Pattern, row.want)
		compare(t, "first row", v.Findings[0].Proof.Rows[0].Answer, "reset, effect")
	}
}

func TestEffectsPerEvent(t *testing.T) {
	r := paid("POST /effects/:event", "", answer(503), answer(200))
	once := expect(&scenarios.Effects{PerEvent: between(1, 1)})
	good := func(id string) calls { return made("POST /effects/:event", at(0, 200, effectOf(id))) }
	for _, j := range []judged{
		{"one each", scene(r, once), record(good("a"), good("b")).committed().delivers("a", "b", "a"), said{Pass, "effects: 1 an event", "", "", ""}},
		{"twice", scene(r, once), record(good("a"), good("b"), good("b")).committed().delivers("a", "b"), said{Fail,
			"2 effects for one event, b.", "1 of 2 events had 1", "", ""}},
		{"some twice", scene(r, once), record(good("a"), good("a"), good("b"), good("b"), good("b")).committed().delivers("a", "b", "c"), said{Fail,
			"3 effects for one event, b. 2 of 3 events had too many.", "", "", ""}},
		{"lost", scene(r, once), record(good("a")).committed().delivers("a", "b"), said{Fail,
			"1 of 2 events had fewer effects than 1: b.", "1 of 2 events had 1", "", ""}},
		{"the one", scene(r, once), record(made("POST /effects/:event", at(0, 503, about("a")))).committed().delivers("a"), said{Fail,
			"Event a had 0 effects, 1 expected.", "", "", ""}},
		{"lost from the record", scene(r, once), record(good("a")).committed().delivers("a", "b").drops(1, "the ring rolled"), said{Inconclusive,
			"1 record dropped: 1 of 2 events had fewer effects than 1: b.", "", "", ""}},
		{"bad deliveries do not count", scene(r, once), record(good("a")).committed().delivers("a", "!b", "?c"), said{Pass, "effects: 1 an event", "", "", ""}},
		{"no good one", scene(r, once), record(good("a")).committed().delivers("!b", "?c"), said{Inconclusive, "no event had a good delivery.", "", "", ""}},
		{"none delivered by us", scene(r, once), record(good("a"), good("b")).committed(), said{Pass, "effects: 1 an event", "", "", ""}},
		{"none at all", scene(r, once), record(made("POST /effects/:event", at(0, 200))), said{Inconclusive, "no attempt was about an event.", "", "", ""}},
		{"calls that look alike do not matter", scene(r, once), record(made("POST /effects/:event", byPrint, at(0, 200, effectOf("a"), looksAlike))).committed().delivers("a"),
			said{Pass, "effects: 1 an event", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestNotResentUnchanged(t *testing.T) {
	r := paid("POST /pay", "Idempotency-Key", answer(201))
	x := expect(&scenarios.NotResentUnchanged{})
	refused := func(status int, said journal.Ledger, got ...any) *journal.Attempt {
		return at(0, append([]any{status, ledgerSays(said)}, got...)...)
	}
	for _, j := range []judged{
		{"once", scene(r, x), record(made("POST /pay", refused(422, journal.LedgerMismatch, key("a")))), said{Pass, "not_resent_unchanged, 1/1", "", "", ""}},
		{"again", scene(r, x), record(made("POST /pay", refused(422, journal.LedgerMismatch, key("a")), at(sec, 422, key("a")))), said{Fail,
			"The client sent the same key and body again after a 422.", "1 of 1 refusal came again", "20:13 the ledger answered 422 here: the key came with another request", ""}},
		{"again, without a key", scene(r, x), record(made("POST /pay", refused(400, journal.LedgerMissing), at(sec, 400))), said{Fail,
			"The client sent the same request again after a 400, without a key as before.", "", "20:13 the ledger answered 400 here: the key was missing", ""}},
		{"several", scene(r, x), record(made("POST /pay", at(0, 400), at(sec, 400)), made("POST /pay", at(0, 422), at(sec, 201))), said{Fail,
			"2 calls sent what was refused again, unchanged.", "2 of 2 refusals came again", "", ""}},
		{"with another key", scene(r, x), record(made("POST /pay", at(0, 422, key("a")), at(sec, 201, key("b")))), said{Pass, "not_resent_unchanged, 1/1", "", "", ""}},
		{"with a key", scene(r, x), record(made("POST /pay", at(0, 400), at(sec, 201, key("b")))), said{Pass, "not_resent_unchanged, 1/1", "", "", ""}},
		{"with another body", scene(r, x), record(made("POST /pay", key("a"), at(0, 422, body("1")), at(sec, 201, body("2")))), said{Pass, "not_resent_unchanged, 1/1", "", "", ""}},
		{"back to the first body", scene(r, x), record(made("POST /pay", key("a"), at(0, 422, body("1")), at(sec, 503, body("2")), at(2*sec, 422, body("1")))), said{Fail,
			"The client sent the same key and body again after a 422.", "", "", ""}},
		{"sent before the answer was there", scene(r, x), record(made("POST /pay", key("a"), at(0, 422, took(2*sec)), at(sec, 422))), said{Pass, "not_resent_unchanged, 2/2", "", "", ""}},
		{"other statuses", scene(r, expect(&scenarios.NotResentUnchanged{Status: []int{409}})), record(made("POST /pay", key("a"), at(0, 409), at(sec, 201))), said{Fail,
			"The client sent the same key and body again after a 409.", "", "", ""}},
		{"nothing refused", scene(r, x), record(made("POST /pay", key("a"), at(0, 201))), said{Inconclusive, "no answer had one of these statuses.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("POST /pay", byPrint, at(0, 422, looksAlike))), said{Inconclusive,
			"the 1 attempt of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestTruthful(t *testing.T) {
	r := paid("POST /pay", "Idempotency-Key", answer(201))
	other := route("GET /items", answer(200))
	x := expect(&scenarios.Truthful{})
	good := func() calls { return made("POST /pay", key("a"), at(0, 201, effect)) }
	lost := func() calls { return made("POST /pay", key("a"), at(0, reset, effect)) }
	bad := func() calls { return made("POST /pay", key("a"), at(0, 503)) }
	double := func() calls { return made("POST /pay", at(0, reset, effect), at(sec, 201, effect)) }
	for _, j := range []judged{
		{"yes and no", scene(r, x), record(good(), bad()).committed().says(1, true).says(2, false), said{Pass, "truthful, 2/2", "", "", ""}},
		{"a success that was none", scene(r, x), record(good(), bad()).committed().says(1, true).says(2, true), said{Fail,
			"The client reported success for 1 of 2 calls without an effect.", "1 of 2 results", "11:10 the server answered 503 here", ""}},
		{"a failure that was none", scene(r, x), record(good(), lost()).committed().says(1, true).says(2, false), said{Fail,
			"The client reported a failure for 1 of 2 calls that had its effect.", "", "", ""}},
		{"both", scene(r, x), record(lost(), bad()).committed().says(1, false).says(2, true), said{Fail,
			"The client reported success for 1 of 2 calls without an effect, and a failure for 1 with one.", "0 of 2 results", "", ""}},
		{"two effects are one too many for another check", scene(r, x), record(double()).committed().says(1, true), said{Pass, "truthful, 1/1", "", "", ""}},
		{"a call that nobody made", scene(r, x), record(good()).committed().says(1, true).says(2, true), said{Fail,
			"The client reported success for 1 of 2 calls without an effect.", "", "", ""}},
		{"which may have been for another route", scene(r, other, x), record(good()).committed().says(1, true).says(2, true), said{Pass, "truthful, 1/1", "", "", ""}},
		{"per call, by the exit code", scene(r, x), record(good(), bad()).committed().exitOf(1, 0).says(1, true).exitOf(2, 22).says(2, false), said{Pass, "truthful, 2/2", "", "", ""}},
		{"a route without effects", scene(r, other, x), record(good(), made("GET /items", at(0, 200))).committed().says(1, true).says(2, true), said{Pass, "truthful, 1/1", "", "", ""}},
		{"nothing said", scene(r, x), record(good()).committed(), said{Skip, "the client says nothing of the outcome of its calls.", "", "",
			"Run it with --per-call, where its exit code is its word, or drive it in process."}},
		{"nothing said of these", scene(r, other, x), record(made("GET /items", at(0, 200))).says(1, true), said{Inconclusive,
			"the client says nothing of a call on a route with effects.", "", "", ""}},
		{"no route with effects", scene(other, x), record(made("GET /items", at(0, 200))).says(1, true), said{Inconclusive, "no route here has effects.", "", "", ""}},
		{"a record with gaps", scene(r, x), record(bad()).says(1, true).drops(1, "the ring rolled"), said{Inconclusive,
			"1 record dropped: the client reported success for 1 of 1 call without an effect.", "", "", ""}},
	} {
		j.run(t)
	}
}

// carries says what the answer of an attempt of the record held.
func (r *recorded) carries(seq uint64, bodies ...string) *recorded {
	for _, b := range bodies {
		r.Contents = append(r.Contents, journal.Content{Seq: seq, Len: int64(len(b)), SHA256: sha256.Sum256([]byte(b))})
	}
	return r
}

// took says what the client took for the result of a call.
func (r *recorded) took(no int, body string) *recorded {
	r.says(no, true)
	last := &r.Results[len(r.Results)-1]
	last.Status, last.HasBody, last.BodyLen, last.BodySHA256 = 200, true, int64(len(body)), sha256.Sum256([]byte(body))
	return r
}

func TestRightResult(t *testing.T) {
	r := route("GET /x", answer(200), answer(200))
	gzip := route("GET /x", answer(200, func(a *scenarios.Answer) { a.Encoding = scenarios.EncodingCutGzip }), answer(200))
	x := expect(&scenarios.RightResult{})
	one := func() calls { return made("GET /x", at(0, 200)) }
	cut := func(a *journal.Attempt) {
		a.Wire, a.Whole, a.Closed, a.BytesSent = "fin body", false, journal.ClosedByServerFIN, 50
	}
	for _, j := range []judged{
		{"right", scene(r, x), record(one()).carries(1, "abc").took(1, "abc"), said{Pass, "right_result, 1/1", "", "", ""}},
		{"in its coding", scene(r, x), record(one()).carries(1, "abc", "coded").took(1, "coded"), said{Pass, "right_result, 1/1", "", "", ""}},
		{"of a later attempt", scene(r, x), record(made("GET /x", at(0, 200, cut), at(sec, 200, entry(1)))).carries(1, "first").carries(2, "second").took(1, "second"),
			said{Pass, "right_result, 1/1", "", "", ""}},
		{"a part of it", scene(r, x), record(one()).carries(1, "abc").took(1, "ab"), said{Fail,
			"The client took 2 bytes for the result of a call, and no such body was sent whole for it.", "0 of 1 result right", "11:10 the server answered 200 here", ""}},
		{"what was cut, though all of it is known", scene(r, x), record(made("GET /x", at(0, 200, cut))).carries(1, "abc").took(1, "abc"), said{Fail,
			"The client took 3 bytes for the result of a call, and no such body was sent whole for it.", "", "", ""}},
		{"a gzip stream that is cut", scene(gzip, x), record(one()).took(1, "ab"), said{Fail,
			"The client took 2 bytes for the result of a call, and no such body was sent whole for it.", "", "", ""}},
		{"of another call", scene(r, x), record(one(), one(), one()).carries(1, "a").carries(2, "b").carries(3, "c").took(1, "a").took(2, "a").took(3, "a"), said{Fail,
			"2 of 3 results are no body that was sent whole for their calls.", "1 of 3 results right", "", ""}},
		{"a failure has no result", scene(r, x), record(one(), one()).carries(1, "abc").took(1, "abc").says(2, false), said{Pass, "right_result, 1/1", "", "", ""}},
		{"no success", scene(r, x), record(one()).carries(1, "abc").says(1, false), said{Inconclusive, "the client reported no success.", "", "", ""}},
		{"not recorded", scene(r, x), record(one()).took(1, "abc"), said{Inconclusive, "the record does not hold what 1 call got.", "", "", ""}},
		{"an exit code has no body", scene(r, x), record(one()).carries(1, "abc").exitOf(1, 0).says(1, true), said{Skip,
			"the client says nothing of the bodies that it got.", "", "", "Drive it in process."}},
		{"nothing said", scene(r, x), record(one()).carries(1, "abc"), said{Skip, "the client says nothing of the outcome of its calls.", "", "", ""}},
	} {
		j.run(t)
	}
}

// TestRightResultOfAnother: where a result is another call's, the finding says whose.
func TestRightResultOfAnother(t *testing.T) {
	s := scene(route("GET /x", answer(200)), expect(&scenarios.RightResult{}))
	log := record(made("GET /x", at(0, 200)), made("GET /x", at(0, 200))).carries(1, "a").carries(2, "b").took(1, "a").took(2, "a")
	v := Judge(s, &log.Log)
	compare(t, "pattern", v.Findings[0].Pattern, "It is what GET /x #1 got.")
}

// TestEntriesThatStoredAnswersSkip: an entry whose turn a stored answer took was never given, and the finding says why.
func TestEntriesThatStoredAnswersSkip(t *testing.T) {
	s := scene(paid("POST /pay", "Idempotency-Key", answer(201, resetting(scenarios.AtBeforeHeaders)), answer(503), answer(201)), expect(&scenarios.Succeeds{Share: 1}))
	log := record(made("POST /pay", key("a"), at(0, reset, effect), at(sec, 201, stored))).committed()
	v := Judge(s, &log.Log)
	compare(t, "finding", v.Findings[1].Sentence,
		"answers[1] (503) of POST /pay was never given: the longest call had 2 attempts, and stored answers took the turn of entries.")
}

// TestKeysOfTheRoute: checks of keys look at the header that the call's route has for them.
func TestKeysOfTheRoute(t *testing.T) {
	r := paid("POST /pay", "X-Order", answer(503), answer(201))
	for _, j := range []judged{
		{"same", scene(r, expect(&scenarios.SameIdempotencyKey{})), record(made("POST /pay", header("X-Order", "a"), at(0, 503), at(sec, 201))), said{Pass, "same_idempotency_key", "", "", ""}},
		{"other", scene(r, expect(&scenarios.SameIdempotencyKey{})), record(made("POST /pay", at(0, 503, header("X-Order", "a")), at(sec, 201, header("X-Order", "b")))),
			said{Fail, "The client sent 2 attempts of a call with 2 different keys.", "", "", ""}},
		{"another header", scene(r, expect(&scenarios.SameIdempotencyKey{})), record(made("POST /pay", key("a"), at(0, 503), at(sec, 201))),
			said{Fail, "The client sent 2 attempts of a call without an X-Order.", "", "", "It sent Idempotency-Key; if that is its key, declare profile: {key_header: Idempotency-Key}."}},
		{"at once", scene(r, expect(&scenarios.KeyFromFirstAttempt{})), record(made("POST /pay", at(0, 503), at(sec, 201, header("X-Order", "a")))),
			said{Fail, "The client added the X-Order with attempt 2.", "", "", ""}},
		{"distinct", scene(r, expect(&scenarios.DistinctIdempotencyKeys{})), record(made("POST /pay", header("X-Order", "a"), at(0, 201)), made("POST /pay", header("X-Order", "a"), at(0, 201))),
			said{Fail, "The client sent key a in 2 calls.", "", "", ""}},
		{"waived", scene(r, expect(&scenarios.NoUnsafeRetry{})), record(made("POST /pay", header("X-Order", "a"), at(0, 504), at(sec, 201))),
			said{Pass, "no_unsafe_retry: 1 of 1 waived by a key", "", "", ""}},
		{"named by it", scene(r, func(s *scenarios.Scenario) { s.Identity = scenarios.Identity{By: "header", Header: "X-Order"} }, expect(&scenarios.SameIdempotencyKey{})),
			record(made("POST /pay", header("X-Order", "a"), at(0, 503), at(sec, 201))), said{Inconclusive, "calls are told apart by their X-Order, so this cannot fail.", "", "", ""}},
	} {
		j.run(t)
	}
}
