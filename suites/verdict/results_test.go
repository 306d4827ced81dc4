package verdict

import (
	"testing"
	"time"

	"brownout/scenarios"
)

func TestEnds(t *testing.T) {
	two := 2 * sec
	r := route("GET /x", answer(503), answer(200))
	s := scene(r, expect(&scenarios.Ends{Within: &two}))
	any := scene(r, expect(&scenarios.Ends{}))
	told3 := scene(r, drives("GET /x", 9, func(s *scenarios.Step) { s.Deadline = 3 * sec }), expect(&scenarios.Ends{}))
	taking := func(d time.Duration) op { return op{took: d, atts: made("GET /x", at(0, 503))} }
	unfinished := func() *recorded {
		log := told(taking(sec), taking(sec))
		log.Results = log.Results[:1]
		return log
	}
	for _, j := range []judged{
		{"in time", s, told(taking(2*sec), refusedAt(sec)), said{outcome: Pass, sentence: "ends, 2/2, after 2.000s at most"}},
		{"within the slack", s, told(taking(2600 * ms)), said{outcome: Pass, sentence: "ends, 1/1, after 2.600s at most"}},
		{"too late", s, told(taking(2601 * ms)), said{Fail, "A call took 2.601s; 2s are allowed.", "2.601s, at most 2.6s with slack", "11:10 the server answered 503 here", ""}},
		{"at some time", any, told(taking(time.Hour)), said{outcome: Pass, sentence: "ends, 1/1"}},
		{"by the deadline that it was given", told3, told(taking(4 * sec)), said{outcome: Fail, sentence: "A call took 4.000s; 3s are allowed."}},
		{"never", s, unfinished(), said{Fail, "1 call had no result when the run ended.", "1 of 2 calls had a result", "", ""}},
		{"not before the run was interrupted", s, interrupted(unfinished()), said{outcome: Inconclusive, sentence: "the run was interrupted before it was done: 1 call had no result when the run ended."}},
		{"the machine was late", s, told(taking(2700*ms)).late(2700*ms, 200*ms), said{outcome: Inconclusive, sentence: "a call took 2.700s, but the machine itself was late in it."}},
	} {
		j.run(t)
	}
}

// interrupted says that the client was ended before it was done.
func interrupted(log *recorded) *recorded {
	log.exits(-1)
	log.Clients[0].Interrupted = true
	return log
}

func TestStopsWhenCancelled(t *testing.T) {
	s := scene(route("GET /x", answer(503)), expect(&scenarios.StopsWhenCancelled{Within: 500 * ms}))
	cancelled := func(at time.Duration, atts calls) *recorded {
		log := told(op{took: at, atts: atts})
		log.Results[0].Cancelled, log.Results[0].HasCancel = at, true
		return log
	}
	fails := func(t time.Duration) calls { return made("GET /x", at(0, 503), at(t, 503)) }
	for _, j := range []judged{
		{"nothing more", s, cancelled(sec, fails(200*ms)), said{outcome: Pass, sentence: "stops_when_cancelled, 1/1"}},
		{"before it was sent", s, cancelled(sec, nil), said{outcome: Pass, sentence: "stops_when_cancelled, 1/1"}},
		{"at the same time", s, cancelled(sec, fails(1499*ms)), said{outcome: Pass, sentence: "stops_when_cancelled, 1/1"}},
		{"one more", s, cancelled(sec, fails(1501*ms)), said{Fail, "The client sent an attempt 0.501s after its call was cancelled; 500ms are allowed.", "cancelled 1.000s after the first attempt", "11:10 the server answered 503 here", ""}},
		{"given up", s, cancelled(sec, made("GET /x", at(0, timedOut(1400*ms)))), said{outcome: Pass, sentence: "stops_when_cancelled, 1/1"}},
		{"under way", s, cancelled(sec, made("GET /x", at(0, timedOut(3*sec)))), said{outcome: Fail, sentence: "The client kept an attempt under way for 2.000s after its call was cancelled; 500ms are allowed."}},
		{"to the end", s, cancelled(sec, made("GET /x", at(0, silentTo(9*sec)))), said{outcome: Fail, sentence: "The client kept an attempt under way for 8.000s after its call was cancelled; 500ms are allowed."}},
		{"the run ended before", s, cancelled(sec, made("GET /x", at(0, silentTo(1200*ms)))), said{outcome: Inconclusive, sentence: "the run ended 0.200s after a call was cancelled, with an attempt under way."}},
		{"none was cancelled", s, told(sent(0, 200)), said{outcome: Inconclusive, sentence: "no call was cancelled before it ended."}},
		{"the machine was late", s, cancelled(sec, made("GET /x", at(0, timedOut(1700*ms)))).late(1700*ms, 300*ms), said{outcome: Inconclusive,
			sentence: "an attempt was there 0.700s after its call was cancelled, but the machine itself was late."}},
	} {
		j.run(t)
	}
}
