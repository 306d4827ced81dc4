package verdict

import (
	"testing"
	"time"

	"brownout/scenarios"
)

// TestIdealFailure holds everything that the model page of a failed check prints.
func TestIdealFailure(t *testing.T) {
	s := scene(
		route("POST /v1/charges", answer(429, asking(2*sec)), answer(201, resetting(scenarios.AtBeforeHeaders)), answer(201)),
		expect(&scenarios.Attempts{PerCall: n(4)}),
		expect(&scenarios.HonoursRetryAfter{Tolerance: 100 * ms}),
	)
	log := record(made("POST /v1/charges", key("7f3a"), header("User-Agent", "python-requests/2.32"),
		at(0, 429, ra(2*sec)), at(2006*ms, 429, ra(2*sec)), at(2209*ms, reset, entry(1)), at(2611*ms, 201, entry(2))))
	v := Judge(s, &log.Log)
	compare(t, "outcome", v.Outcome.String(), "fail")
	compare(t, "passed", v.Findings[0].Summary, "attempts = 4")
	f := v.Findings[1]
	compare(t, "sentence", f.Sentence, "The client retried 1.797s too early.")
	compare(t, "expectation", f.Expect.Text, "1 of 2 pauses was too short")
	compare(t, "cause", f.Cause.Text, "the server asked for a 2s pause here")
	if f.Cause.Pos.Line != 11 || f.Cause.Pos.Column != 24 {
		t.Errorf("cause at %+v", f.Cause.Pos)
	}
	compare(t, "pattern", f.Pattern, "waits 2.006s, 0.203s, 0.402s. From attempt 2 on they double from 0.2s, as a backoff that ignores the header.")
	compare(t, "why", f.Why, "RFC 9110 §10.2.3, RFC 6585 §4")
	compare(t, "request", f.Proof.Request+"|"+f.Proof.Key+"|"+f.Proof.Agent, "POST /v1/charges|7f3a|python-requests/2.32")
	compare(t, "proof", table(f.Proof), `  1 0.000s [429 RA=2s] 2.006s ≥ 2s ✓ due 2s
! 2 2.006s [429 RA=2s] 0.203s ≥ 2s ✗ due 4.006s
! 3 2.209s [reset] 0.402s any ✓ due 0s
  4 2.611s [201] -  ✓ due 0s
`)
}

func TestHonoursRetryAfter(t *testing.T) {
	r := route("GET /x", answer(429, asking(2*sec)), answer(200))
	x := expect(&scenarios.HonoursRetryAfter{})
	late := expect(&scenarios.HonoursRetryAfter{Late: ptr(1 * sec)})
	again := func(at2 time.Duration) calls { return made("GET /x", at(0, 429, ra(2*sec)), at(at2, 200, entry(1))) }
	dated := func(form string, at2 time.Duration) calls {
		return made("GET /x", at(0, 503, raDate(form, 3*sec)), at(at2, 200, entry(1)))
	}
	const rfc850 = "Monday, 02-Jan-06 15:04:05 MST"
	const imf = "Mon, 02 Jan 2006 15:04:05 MST"
	for _, j := range []judged{
		{"kept", scene(r, x), record(again(2003 * ms)), said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"24 ms early is a timer", scene(r, x), record(again(1976 * ms)), said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"26 ms early is not", scene(r, x), record(again(1974 * ms)), said{Fail, "The client retried 0.026s too early.",
			"1 of 1 pause was too short", "11:24 the server asked for a 2s pause here", ""}},
		{"two too early", scene(r, x), record(again(1*sec), again(500*ms), again(2*sec)),
			said{Fail, "The client retried up to 1.500s too early.", "2 of 3 pauses were too short", "", ""}},
		{"date", scene(r, x), record(dated(imf, 1*sec)), said{Fail, "The client retried 2.000s too early.", "", "", ""}},
		{"rfc850 date", scene(r, x), record(dated(rfc850, 3100*ms)), said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"gave up", scene(r, x), record(made("GET /x", at(0, 429, ra(2*sec)))),
			said{Inconclusive, "no attempt followed an answer that asked for a pause.", "", "", ""}},
		{"gave up on an hour", scene(r, x), record(made("GET /x", at(0, 429, ra(time.Hour)))),
			said{Pass, "honours_retry_after: gave up on 1 long pause", "", "", ""}},
		{"in flight when it was answered", scene(r, x), record(made("GET /x", at(0, 429, took(sec), ra(2*sec)), at(500*ms, 200), at(3100*ms, 200))),
			said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"the client left before it saw the answer", scene(r, x), record(made("GET /x", at(0, 429, ra(2*sec), abandoned(sec)), at(sec, 200))),
			said{Inconclusive, "no attempt followed an answer that asked for a pause.", "", "", ""}},
		{"late, with slack", scene(r, late), record(again(3600 * ms)), said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"too late", scene(r, late), record(again(3700 * ms)), said{Fail, "The client retried 1.700s after it was due.",
			"1 of 1 pause was too long", "11:24 the server asked for a 2s pause here", ""}},
		{"a date is coarse", scene(r, late), record(dated(imf, 5600*ms)), said{Pass, "honours_retry_after 1/1", "", "", ""}},
		{"too late after a date", scene(r, late), record(dated(imf, 5900*ms)),
			said{Fail, "The client retried 2.900s after it was due.", "", "", ""}},
		{"lateness decides", scene(r, late), record(again(3700*ms)).late(3*sec, 300*ms), said{Inconclusive,
			"an attempt came 1.700s after it was due, but the machine itself was late by 0.300s.", "1 of 1 pause was too long", "", ""}},
		{"lateness does not explain it", scene(r, late), record(again(4700*ms)).late(3*sec, 300*ms),
			said{Fail, "The client retried 2.700s after it was due.", "", "", ""}},
		{"lateness elsewhere", scene(r, late), record(again(3700*ms)).late(9*sec, 3*sec),
			said{Fail, "The client retried 1.700s after it was due.", "", "", ""}},
		{"look-alikes", scene(r, x), record(made("GET /x", byPrint, at(0, 429, ra(2*sec)), at(1*sec, 429, looksAlike))),
			said{Inconclusive, "the 2 attempts of 1 call cannot be told apart: their requests look alike.", "calls cannot be told apart", "",
				"Name the calls: with --per-call, or with identity: {by: path} and :call in the path."}},
	} {
		j.run(t)
	}
}
