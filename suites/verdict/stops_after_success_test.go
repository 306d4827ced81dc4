package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// timedOut is an attempt that was not answered, and that the client left after so long.
func timedOut(after time.Duration) option {
	return func(a *journal.Attempt) {
		abandoned(after)(a)
		a.Status, a.Sent = 0, a.First+after
	}
}

// silentTo is an attempt that was not answered until the end of the run.
func silentTo(end time.Duration) option {
	return func(a *journal.Attempt) {
		broken(a, "stall before-headers", journal.ClosedByServerFIN)
		a.Done = end
	}
}

func TestStopsAfterSuccess(t *testing.T) {
	gzipped := func(a *scenarios.Answer) { a.Encoding = scenarios.EncodingCutGzip }
	s := scene(route("GET /x", answer(200), answer(200)), expect(&scenarios.StopsAfterSuccess{}))
	cut := scene(route("GET /x", answer(200, gzipped), answer(200)), expect(&scenarios.StopsAfterSuccess{}))
	second := entry(1)
	for _, j := range []judged{
		{"one attempt", s, record(made("GET /x", at(0, 200))), said{outcome: Pass, sentence: "stops_after_success, 1/1"}},
		{"the timed out one was given up", s, record(made("GET /x", at(0, timedOut(sec)), at(1100*ms, 200, second))),
			said{outcome: Pass, sentence: "stops_after_success, 1/1"}},
		{"a hedge that lost is given up", s, record(made("GET /x", at(0, timedOut(1500*ms)), at(sec, 200, second))),
			said{outcome: Pass, sentence: "stops_after_success, 1/1"}},
		{"a hedge on its way as the answer came", s, record(made("GET /x", at(0, 200), at(26*ms, timedOut(10*ms)))).until(2 * sec),
			said{outcome: Pass, sentence: "stops_after_success, 1/1"}},
		{"one more", s, record(made("GET /x", at(0, 200), at(27*ms, 200, second))),
			said{Fail, "The client sent an attempt 0.026s after the call had succeeded.", "attempt 1 had the answer 200", "11:10 the server answered 200 here", ""}},
		{"a zombie", s, record(made("GET /x", at(0, 200, took(3*sec)), at(1100*ms, 200, second))),
			said{outcome: Fail, sentence: "The client kept an attempt under way for 1.900s after the call had succeeded."}},
		{"one that nothing ended", s, record(made("GET /x", at(0, silentTo(9*sec)), at(1100*ms, 200, second))),
			said{outcome: Fail, sentence: "The client kept an attempt under way for 7.899s after the call had succeeded."}},
		{"the run ended before it could be given up", s, record(made("GET /x", at(0, silentTo(1500*ms)), at(1100*ms, 200, second))),
			said{outcome: Inconclusive, sentence: "the run ended 1.5s into an attempt of a call that had succeeded."}},
		{"no success", s, record(made("GET /x", at(0, 503), at(sec, 503))), said{outcome: Inconclusive, sentence: "no call got a whole 2xx."}},
		{"a success that cannot be decoded is none", cut, record(made("GET /x", at(0, 200), at(sec, 200, second))),
			said{outcome: Pass, sentence: "stops_after_success, 1/1"}},
		{"the machine was late to see it go", s, record(made("GET /x", at(0, timedOut(1700*ms)), at(1100*ms, 200, second))).late(1700*ms, 200*ms),
			said{outcome: Inconclusive, sentence: "an attempt was under way for 0.599s after the call had succeeded, but the machine itself was late then."}},
		{"look-alikes", s, record(made("GET /x", looksAlike, byPrint, at(0, 200))),
			said{outcome: Inconclusive, sentence: "the 1 attempt of 1 call cannot be told apart: their requests look alike."}},
		{"a replay alone", s, record(made("GET /x", at(0, 200, conn(1, 1)), at(500*ms, reset, conn(1, 2)), at(510*ms, 200, conn(2, 1)))),
			said{outcome: Fail, sentence: "The client sent an attempt 0.499s after the call had succeeded."}},
	} {
		j.run(t)
	}
}
