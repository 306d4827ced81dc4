package verdict

import (
	"testing"

	"brownout/scenarios"
)

// tries is a call of n attempts, a second apart, of which the last succeeds.
func tries(n int) calls {
	parts := []any{}
	for i := range n - 1 {
		parts = append(parts, at(sec*2*intTime(i), 503))
	}
	return made("GET /x", append(parts, at(sec*2*intTime(n-1), 200, entry(1)))...)
}

func TestAttempts(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	profile := func(s *scenarios.Scenario) { s.Profile.MaxAttempts = ptr(3) }
	exactly := expect(&scenarios.Attempts{PerCall: n(3)})
	atMost := expect(&scenarios.Attempts{Max: n(3)})
	between := expect(&scenarios.Attempts{Min: n(2), Max: n(3)})
	declared := expect(&scenarios.Attempts{PerCall: declaredCount()})
	replayed := func() calls {
		return made("GET /x", at(0, 503), at(2*sec, 503, conn(1, 1)), at(4*sec, reset, conn(1, 2)), at(4*sec+10*ms, 200, conn(2, 1)))
	}
	for _, j := range []judged{
		{"as many", scene(r, exactly), record(tries(3), tries(3)), said{Pass, "attempts = 3", "", "", ""}},
		{"fewer", scene(r, exactly), record(tries(2)), said{Fail, "The client made 2 attempts, 1 fewer than expected.", "2 instead of 3",
			"12:10 the server answered 200 here", ""}},
		{"more", scene(r, exactly), record(tries(5)), said{Fail, "The client made 5 attempts, 2 more than allowed.", "5 instead of 3",
			"11:10 the server answered 503 here", ""}},
		{"several", scene(r, exactly), record(tries(3), tries(2), tries(5), tries(5)), said{Fail,
			"3 of 4 calls had another number of attempts than 3: 2 (1×), 5 (2×).", "3: 1 of 4 calls", "", ""}},
		{"at most", scene(r, atMost), record(tries(1), tries(3)), said{Pass, "attempts = 1 to 3", "", "", ""}},
		{"more than at most", scene(r, atMost), record(tries(1), tries(4)), said{Fail,
			"1 of 2 calls had another number of attempts than at most 3: 4 (1×).", "", "", ""}},
		{"between", scene(r, between), record(tries(1)), said{Fail, "The client made 1 attempt, 1 fewer than expected.", "1 instead of 2 to 3", "", ""}},
		{"declared", scene(r, declared, profile), record(tries(3)), said{Pass, "attempts = 3", "", "", ""}},
		{"not declared", scene(r, declared), record(tries(3)), said{Skip, "the profile does not declare max_attempts.",
			"max_attempts is not declared", "", "Declare it, as in profile: {max_attempts: ...}."}},
		{"no call", scene(r, exactly), record(), said{Inconclusive, "there was no call to judge.", "", "", ""}},
		{"only the replay is too many", scene(r, exactly), record(replayed()), said{Inconclusive,
			"only a transport replay makes the difference: attempt 4 of GET /x #1 came 10ms after the connection under attempt 3 was gone.",
			"counted as an attempt it fails, else it does not", "", ""}},
		{"the replay makes up the number", scene(r, expect(&scenarios.Attempts{Min: n(4)})), record(replayed()), said{Inconclusive,
			"only a transport replay makes the difference: attempt 4 of GET /x #1 came 10ms after the connection under attempt 3 was gone.",
			"counted as an attempt it does not fail, else it does", "", ""}},
		{"too many with and without the replay", scene(r, expect(&scenarios.Attempts{Max: n(2)})), record(replayed()), said{Fail,
			"The client made 4 attempts, 2 more than allowed.", "", "", ""}},
		{"look-alikes", scene(r, exactly), record(made("GET /x", byPrint, at(0, 503), at(sec, 503, looksAlike), at(2*sec, 200))), said{Inconclusive,
			"the 3 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"a failure beside look-alikes", scene(r, exactly), record(tries(5), made("GET /x", byPrint, at(0, 503, looksAlike))), said{Fail,
			"The client made 5 attempts, 2 more than allowed.", "", "", ""}},
		{"too few beside look-alikes", scene(r, exactly), record(tries(2), made("GET /x", byPrint, at(0, 503, looksAlike))), said{Inconclusive,
			"the 1 attempt of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"too few in a record with gaps", scene(r, exactly), record(tries(2)).drops(1, "the ring rolled"), said{Inconclusive,
			"1 record dropped: the client made 2 attempts, 1 fewer than expected.", "", "", ""}},
		{"too many in a record with gaps", scene(r, exactly), record(tries(5)).drops(1, "the ring rolled"), said{Fail,
			"The client made 5 attempts, 2 more than allowed.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestAttemptsPattern(t *testing.T) {
	s := scene(expect(&scenarios.Attempts{Max: n(3)}))
	v := Judge(s, &record(tries(9)).Log)
	compare(t, "pattern", v.Findings[0].Pattern, "9 attempts are 3 times 3, as of two layers that both retry.")
	compare(t, "proof", table(v.Findings[0].Proof)[:41], "  1 0.000s [503] 2.000s  ✓ due 0s\n  2 2")
}
