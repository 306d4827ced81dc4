package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// limit adds a limit at line 20, 21 ...
func limit(m scenarios.Limit) part {
	return func(s *scenarios.Scenario) {
		m.Index, m.Pos = len(s.Limits), scenarios.Pos{Line: 20 + len(s.Limits), Column: 5}
		s.Limits = append(s.Limits, m)
	}
}

// left tells, and counts, that so much remains of limit i, and more so long after the answer.
func left(i int, remaining int64, in time.Duration) option {
	return func(a *journal.Attempt) {
		a.Told = append(a.Told, journal.Quota{Limit: i, Remaining: remaining, Reset: a.Sent + in, HasReset: in > 0})
		if i >= 0 {
			a.Charged = append(a.Charged, i)
		}
	}
}

// ofBucket names the bucket that the last quota is of.
func ofBucket(name string) option {
	return func(a *journal.Attempt) { a.Told[len(a.Told)-1].Bucket = name }
}

// refusedBy is a refusal of a limit.
func refusedBy(name string) option {
	return func(a *journal.Attempt) { a.Limit, a.Charged, a.Entry = name, nil, -1 }
}

func client(name string) option { return func(a *journal.Attempt) { a.Client = name } }

// driven says when the driver began a call.
func (r *recorded) began(no int, t time.Duration) *recorded {
	r.Results = append(r.Results, journal.Result{Call: no, OK: true, Start: t, Timed: true, At: r.End})
	return r
}

func TestWithinQuota(t *testing.T) {
	r := route("GET /x", answer(200))
	many := limit(scenarios.Limit{Name: "many", Window: &scenarios.Rate{Events: 10, Per: 5 * sec}, By: scenarios.ByAll})
	x := expect(&scenarios.WithinQuota{})
	late := expect(&scenarios.WithinQuota{Late: ptr(scenarios.Share(0.5))})
	s, sl := scene(r, many, x), scene(r, many, late)
	none := func(in time.Duration) option { return left(0, 0, in) }
	get := func(parts ...any) calls { return made("GET /x", parts...) }
	for _, j := range []judged{
		{"kept", s, record(get(at(0, 200, none(2*sec))), get(at(2*sec, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"24 ms early is a timer", s, record(get(at(0, 200, none(2*sec))), get(at(1976*ms, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"26 ms early is not", s, record(get(at(0, 200, none(2*sec))), get(at(1974*ms, 200, left(0, 9, sec)))), said{Fail,
			"The client sent an attempt 0.026s too early: it had been told that nothing remained.", "1 of 1 attempt came too early", "20:5 the answer told here that nothing remained", ""}},
		{"at once", s, record(get(at(0, 200, none(2*sec))), get(at(3*ms, 429, refusedBy("many"), none(2*sec), ra(2*sec)), at(2003*ms, 200, left(0, 9, sec)))), said{Fail,
			"The client sent an attempt 1.997s too early: it had been told that nothing remained.", "1 of 2 attempts came too early", "", ""}},
		{"several", s, record(get(at(0, 200, none(2*sec))), get(at(sec, 200, none(sec))), get(at(1500*ms, 200, none(sec)))), said{Fail,
			"The client sent 2 attempts while it knew that nothing remained, one of them 1.000s too early.", "", "", ""}},
		{"on its way", s, record(get(at(0, 200, took(100*ms), none(2*sec))), get(at(50*ms, 200, took(100*ms), none(2*sec))), get(at(120*ms, 200, none(2*sec)))),
			said{Inconclusive, "no attempt followed an answer that told that nothing remained.", "", "", ""}},
		{"one more than can be on its way", s, record(get(at(0, 200, took(100*ms), none(2*sec))), get(at(50*ms, 200, took(100*ms), none(2*sec))), get(at(110*ms, 200, none(2*sec))), get(at(120*ms, 200, none(2*sec)))),
			said{Fail, "The client sent an attempt 1.980s too early: it had been told that nothing remained.", "", "", ""}},
		{"three connections, two on their way", s, record(get(at(0, 200, conn(1, 1), none(2*sec))), get(at(2*ms, 200, conn(2, 1), none(2*sec))), get(at(4*ms, 200, conn(3, 1), none(2*sec)))).
			opens(1, 0, sec).opens(2, 0, sec).opens(3, 0, sec), said{Inconclusive, "no attempt followed an answer that told that nothing remained.", "", "", ""}},
		{"its own retry is not on its way", s, record(get(at(0, 200, took(100*ms), none(2*sec))), get(at(50*ms, 503, took(60*ms), none(2*sec)), at(112*ms, 200, none(2*sec)))),
			said{Fail, "The client sent an attempt 1.998s too early: it had been told that nothing remained.", "", "", ""}},
		{"another client does not know", s, record(get(at(0, 200, client("a"), none(2*sec))), get(at(sec, 200, client("b"), none(sec))), get(at(2*sec, 200, client("a"), left(0, 9, sec)))),
			said{Pass, "within_quota 1/1", "", "", ""}},
		{"another bucket", scene(r, limit(scenarios.Limit{Name: "each", By: scenarios.ByVar, ByName: "id"}), x),
			record(get(at(0, 200, none(2*sec), ofBucket("1"))), get(at(sec, 200, left(0, 5, sec), ofBucket("2"))), get(at(2*sec, 200, left(0, 9, sec), ofBucket("1")))),
			said{Pass, "within_quota 1/1", "", "", ""}},
		{"what the limit does not count", s, record(get(at(0, 200, none(2*sec))), get(at(sec, 200)), get(at(2*sec, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"counted, and its answer cut", s, record(get(at(0, 200, none(2*sec))), get(at(sec, reset, func(a *journal.Attempt) { a.Charged = []int{0} }))), said{Fail,
			"The client sent an attempt 1.000s too early: it had been told that nothing remained.", "", "", ""}},
		{"more was told in between", s, record(get(at(0, 200, took(50*ms), none(2*sec))), get(at(10*ms, 200, took(100*ms), left(0, 1, sec))), get(at(500*ms, 200, none(sec))), get(at(1600*ms, 200, left(0, 9, sec)))),
			said{Pass, "within_quota 1/1", "", "", ""}},
		{"Retry-After takes precedence", s, record(get(at(0, 429, refusedBy("many"), none(10*sec), ra(sec)), at(1010*ms, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"the client left before it saw the answer", s, record(get(at(0, 200, none(2*sec), abandoned(10*ms)), at(sec, 200, left(0, 3, sec)))),
			said{Inconclusive, "no answer told that nothing remained, and when there is more.", "", "", ""}},
		{"without a reset nobody knows", s, record(get(at(0, 200, none(0))), get(at(sec, 200, none(0)))),
			said{Inconclusive, "no answer told that nothing remained, and when there is more.", "", "", ""}},
		{"scripted", scene(route("GET /x", answer(200, func(a *scenarios.Answer) { a.Quota = &scenarios.ToldQuota{Pos: scenarios.Pos{Line: 11, Column: 30}} }), answer(200)), x),
			record(get(at(0, 200, left(-1, 0, 2*sec))), get(at(sec, 200))), said{Fail,
				"The client sent an attempt 1.000s too early: it had been told that nothing remained.", "", "11:30 the answer told here that nothing remained", ""}},
		{"scripted on another route", scene(r, route("GET /y", answer(200)), x), record(get(at(0, 200, left(-1, 0, 2*sec))), made("GET /y", at(sec, 200))),
			said{Inconclusive, "no attempt followed an answer that told that nothing remained.", "", "", ""}},
		{"scripted below nothing", scene(r, x), record(get(at(0, 200, left(-1, -1, 2*sec))), get(at(sec, 200))), said{Fail,
			"The client sent an attempt 1.000s too early: it had been told that nothing remained.", "", "", ""}},
		{"late, with slack", sl, record(get(at(0, 429, refusedBy("many"), none(2*sec)), at(3600*ms, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"too late", sl, record(get(at(0, 429, refusedBy("many"), none(2*sec)), at(3700*ms, 200, left(0, 9, sec)))), said{Fail,
			"The client sent its next attempt 1.700s after there was more.", "1 of 1 attempt was too late", "20:5 the answer told here that nothing remained", ""}},
		{"late is not asked about", s, record(get(at(0, 429, refusedBy("many"), none(2*sec)), at(time.Hour, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"lateness decides", sl, record(get(at(0, 429, refusedBy("many"), none(2*sec)), at(3700*ms, 200, left(0, 9, sec)))).late(3*sec, 300*ms), said{Inconclusive,
			"an attempt came 1.700s after there was more, but the machine itself was late by 0.300s.", "", "", ""}},
		{"a new call is not late", sl, record(get(at(0, 200, none(2*sec))), get(at(time.Minute, 200, left(0, 9, sec)))), said{Pass, "within_quota 1/1", "", "", ""}},
		{"a call that was held back is", sl, record(get(at(0, 200, none(2*sec))), get(at(time.Minute, 200, left(0, 9, sec)))).began(1, 0).began(2, sec), said{Fail,
			"The client sent its next attempt 58.000s after there was more.", "", "", ""}},
		{"only the first of those held back", sl, record(get(at(0, 200, none(2*sec))), get(at(2*sec, 200, took(9*sec), left(0, 9, sec))), get(at(9*sec, 200, left(0, 8, sec)))).began(1, 0).began(2, sec).began(3, sec),
			said{Pass, "within_quota 2/2", "", "", ""}},
		{"nothing told", s, record(get(at(0, 200)), get(at(sec, 200))), said{Inconclusive, "no answer told that nothing remained, and when there is more.", "", "", ""}},
		{"look-alikes matter to nobody", s, record(get(byPrint, at(0, 200, looksAlike, none(2*sec)), at(sec, 200, looksAlike, none(sec)))), said{Fail,
			"The client sent an attempt 1.000s too early: it had been told that nothing remained.", "", "", ""}},
	} {
		j.run(t)
	}
}
