package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// cased is a route with two cases of two entries each.
func cased(s *scenarios.Scenario) {
	route("GET /x", answer(503), answer(200), answer(599), answer(200))(s)
	s.Routes[0].Cases = []scenarios.Case{{Name: "known", From: 0, To: 2}, {Name: "unknown", From: 2, To: 4}}
}

func TestSameAs(t *testing.T) {
	compare := func(what ...string) part {
		return expect(&scenarios.SameAs{Control: "known", Compare: what, Within: 0.2})
	}
	known := func() calls { return made("GET /x", at(0, 503), at(sec, 200, entry(1))) }
	retried := func(gap time.Duration) calls {
		return made("GET /x", at(5*sec, 599, entry(2)), at(5*sec+gap, 200, entry(3)))
	}
	gaveUp := func() calls { return made("GET /x", at(5*sec, 599, entry(2))) }
	late := record(known(), retried(2*sec))
	late.Late = append(late.Late, journal.Lateness{At: 6500 * ms, Late: 900 * ms})
	replay := made("GET /x", at(5*sec, hungUp, entry(2), conn(7, 2)), at(5*sec+10*ms, 599, entry(2), conn(8, 1)), at(6*sec+10*ms, 200, entry(3), conn(8, 2)))
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
		log  *recorded
		want Outcome
		says string
	}{
		{"alike", scene(cased, compare()), record(known(), retried(sec)), Pass, "same_as known: unknown"},
		{"gives up", scene(cased, compare()), record(known(), gaveUp()), Fail, "Case unknown is not as the control case known: 1 attempts per call, not 2 attempts per call."},
		{"another outcome", scene(cased, compare("outcome")), record(known(), gaveUp()), Fail, "Case unknown is not as the control case known: 0% of its calls succeed, not 100% of its calls succeed."},
		{"waits longer", scene(cased, compare("gaps")), record(known(), retried(2*sec)), Fail, "Case unknown is not as the control case known: waits of 2.000s, not waits of 1.000s."},
		{"a little longer", scene(cased, compare("gaps")), record(known(), retried(1200*ms)), Pass, "same_as known: unknown"},
		{"slower", scene(cased, compare("pace")), record(known(), retried(2*sec)), Fail, "Case unknown is not as the control case known: 0.5 attempts a second, not 1 attempts a second."},
		{"late", scene(cased, compare("gaps")), late, Inconclusive, "case unknown is not as the control case known: waits of 2.000s, not waits of 1.000s, but the machine itself was late."},
		{"a replay alone", scene(cased, compare()), record(known(), replay), Inconclusive, "only a transport replay makes the difference: attempt 2 of GET /x #2 came 10ms after the connection under attempt 1 was gone."},
		{"no control", scene(cased, compare()), record(gaveUp()), Inconclusive, "no call was of the control case known."},
		{"control alone", scene(cased, compare()), record(known()), Inconclusive, "no call was of another case than the control case known."},
		{"look-alikes", scene(cased, compare()), record(known(), made("GET /x", byPrint, looksAlike, at(5*sec, 599, entry(2)))), Inconclusive, "the 1 attempt of 1 call cannot be told apart: their requests look alike."},
	} {
		f := Judge(c.s, &c.log.Log).Findings[0]
		if f.Outcome != c.want || f.Sentence+f.Summary != c.says {
			t.Errorf("%s: %v: %s%s; want %v: %s", c.name, f.Outcome, f.Sentence, f.Summary, c.want, c.says)
		}
	}
}
