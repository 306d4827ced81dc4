package verdict

import (
	"testing"

	"brownout/scenarios"
)

func TestInFlight(t *testing.T) {
	r := route("GET /x", answer(200), answer(200))
	one := scene(r, expect(&scenarios.InFlight{PerCall: n(1)}))
	all := scene(r, expect(&scenarios.InFlight{Total: n(2)}))
	both := scene(r, expect(&scenarios.InFlight{PerCall: n(1), Total: n(2)}))
	hedging := func(p *scenarios.Scenario) { p.Profile.HedgeMax = ptr(2) }
	declared := scene(r, hedging, expect(&scenarios.InFlight{PerCall: declaredCount()}))
	undeclared := scene(r, expect(&scenarios.InFlight{Total: declaredCount()}))
	second := entry(1)
	three := func(more ...any) []calls {
		var cs []calls
		for range 3 {
			cs = append(cs, made("GET /x", append(more, at(0, 200, took(20*ms)))...))
		}
		return cs
	}
	for _, j := range []judged{
		{"one after another", one, record(made("GET /x", at(0, timedOut(sec)), at(sec, timedOut(sec)), at(2*sec, 200, second))),
			said{outcome: Pass, sentence: "in_flight: 1 of a call"}},
		{"handed over", one, record(made("GET /x", at(0, timedOut(1100*ms)), at(sec, 200, second))), said{outcome: Pass, sentence: "in_flight: 1 of a call"}},
		{"two at once", one, record(made("GET /x", at(0, timedOut(1101*ms)), at(sec, 200, second))),
			said{Fail, "The client had 2 attempts of one call under way at once, 1 more than allowed.", "1 of 1 call had more than 1", "", ""}},
		{"left behind", one, record(made("GET /x", at(0, silentTo(9*sec)), at(sec, silentTo(9*sec)), at(2*sec, 200, second))),
			said{outcome: Fail, sentence: "The client had 3 attempts of one call under way at once, 2 more than allowed."}},
		{"two, as a hedging client declares", declared, record(made("GET /x", at(0, timedOut(2*sec)), at(sec, 200, second))),
			said{outcome: Pass, sentence: "in_flight: 2 of a call"}},
		{"the machine was late to see it go", one, record(made("GET /x", at(0, timedOut(1300*ms)), at(sec, 200, second))).late(1300*ms, 250*ms),
			said{outcome: Inconclusive, sentence: "2 attempts of one call were under way at once, but the machine itself was late to see one end."}},
		{"look-alikes", one, record(made("GET /x", looksAlike, byPrint, at(0, 200))),
			said{outcome: Inconclusive, sentence: "the 1 attempt of 1 call cannot be told apart: their requests look alike."}},
		{"no call", one, record(), said{outcome: Inconclusive, sentence: "there was no call to judge."}},
		{"a replay waits for nobody", one, record(made("GET /x", at(0, reset, conn(1, 2)), at(ms, 200, conn(2, 1)))), said{outcome: Pass, sentence: "in_flight: 1 of a call"}},
		{"in all", all, record(three()[:2]...), said{outcome: Pass, sentence: "in_flight: 2 in all"}},
		{"too many in all", all, record(three()...), said{Fail, "The client had 3 attempts under way at once, 1 more than allowed.", "3 under way at 0.000s", "", ""}},
		{"too many look-alikes in all", all, record(three(byPrint, looksAlike)...), said{outcome: Fail, sentence: "The client had 3 attempts under way at once, 1 more than allowed."}},
		{"in all, late", all, record(append(three()[:2], made("GET /x", at(10*ms, 200)))...).late(25*ms, 24*ms),
			said{outcome: Inconclusive, sentence: "3 attempts were under way at once, but the machine itself was late to see some end."}},
		{"both", both, record(three()[:2]...), said{outcome: Pass, sentence: "in_flight: 1 of a call, 2 in all"}},
		{"undeclared", undeclared, record(three()...), said{outcome: Skip, sentence: "the profile does not declare client_concurrency."}},
	} {
		j.run(t)
	}
}
