package verdict

import (
	"testing"

	"brownout/scenarios"
)

// recovered is n calls of which every twentieth fails at first; the given ones are tried again.
func recovered(n int, again map[int]bool, more ...any) []calls {
	var cs []calls
	for i := range n {
		t := intTime(i) * 20 * ms
		switch {
		case i%20 != 0:
			cs = append(cs, made("GET /x", append(more, at(t, 200, entry(1)))...))
		case again[i]:
			cs = append(cs, made("GET /x", append(more, at(t, 503), at(t+200*ms, 200, entry(1)))...))
		default:
			cs = append(cs, made("GET /x", append(more, at(t, 503))...))
		}
	}
	return cs
}

func TestRetriesReturn(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	s := scene(r, expect(&scenarios.RetriesReturn{Min: 1}))
	two := scene(r, expect(&scenarios.RetriesReturn{Min: 2}))
	replayed := func() []calls {
		cs := recovered(200, nil)
		cs[0] = made("GET /x", at(0, reset, conn(1, 2)), at(10*ms, 200, conn(2, 1)))
		return cs
	}
	for _, j := range []judged{
		{"one is seen", s, record(recovered(200, map[int]bool{40: true})...), said{outcome: Pass, sentence: "retries_return: 1 retry"}},
		{"one is seen among few", s, record(recovered(60, map[int]bool{40: true})...), said{outcome: Pass, sentence: "retries_return: 1 retry"}},
		{"none", s, record(recovered(200, nil)...), said{Fail, "The client no longer retries: 10 calls failed at the first attempt, and there was no retry.",
			"0 retries in 200 calls, at least 1 asked for", "11:10 the server answered 503 here", ""}},
		{"one of two", two, record(recovered(200, map[int]bool{40: true})...),
			said{outcome: Fail, sentence: "The client no longer retries: 10 calls failed at the first attempt, and there was 1 retry."}},
		{"too few", s, record(recovered(199, nil)...), said{Skip, "saw 199, needs 200 calls.", "saw 199, needs 200", "-", "Make at least 200 calls, for instance with --per-call."}},
		{"nothing failed", s, record(made("GET /x", at(0, 200, entry(1)))), said{outcome: Inconclusive, sentence: "no call failed, so that nothing had to be tried again."}},
		{"no call", s, record(), said{outcome: Inconclusive, sentence: "there was no call to judge."}},
		{"a replay is no retry", s, record(replayed()...), said{outcome: Fail, sentence: "The client no longer retries: 9 calls failed at the first attempt, and there was no retry."}},
		{"look-alikes", s, record(recovered(200, nil, byPrint, looksAlike)...),
			said{outcome: Inconclusive, sentence: "the 200 attempts of 200 calls cannot be told apart: their requests look alike."}},
		{"records are missing", s, record(recovered(200, nil)...).drops(5, "the ring rolled"),
			said{outcome: Inconclusive, sentence: "5 records dropped: the client no longer retries: 10 calls failed at the first attempt, and there was no retry."}},
	} {
		j.run(t)
	}
}
