package verdict

import (
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// TestCutAtAccept holds that a connection cut before its request counts for the one call in progress.
func TestCutAtAccept(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	down := broke("down", answer(0, resetting(scenarios.AtAccept)))
	three := expect(&scenarios.Attempts{PerCall: n(3)})
	s := scene(r, down, three)
	two := func() calls { return made("GET /x", at(sec, 503), at(3*sec, 200, entry(1))) }
	window := func(r *recorded, no int, from, to int) *recorded {
		r.Clients = append(r.Clients, journal.Client{Call: no, Start: sec * intTime(from), Stop: sec * intTime(to)})
		return r
	}
	success := func(from int) calls {
		return made("GET /x", at(sec*intTime(from), 503), at(sec*intTime(from+2), 200, entry(1)))
	}
	failure := func(from int) calls { return made("GET /x", at(sec*intTime(from), 503)) }
	for _, j := range []judged{
		{"between two attempts", s, record(two()).cutAt(2*sec, 0), said{Pass, "attempts = 3", "", "", ""}},
		{"before the first", s, record(two()).cutAt(0, 0), said{Pass, "attempts = 3", "", "", ""}},
		{"not counted it would pass", scene(r, down, expect(&scenarios.Attempts{PerCall: n(2)})), record(two()).cutAt(2*sec, 0), said{Fail,
			"The client made 3 attempts, 1 more than allowed.", "", "30:5 the server reset the connection here", ""}},
		{"the other call has ended", s, record(success(0), success(5)).cutAt(6*sec, 0), said{Fail,
			"1 of 2 calls had another number of attempts than 3: 2 (1×).", "", "", ""}},
		{"two calls in progress", s, record(success(0), success(1)).cutAt(1500*ms, 0), said{Inconclusive,
			"1 connection cut before a request belonged to one of several calls in progress, and nothing says to which.",
			"cut connections cannot be told apart", "", "Make one call at a time, or name the calls with --per-call."}},
		{"a failed call and the next", s, record(failure(0), success(5)).cutAt(2*sec, 0), said{Inconclusive,
			"1 connection cut before a request belonged to one of several calls in progress, and nothing says to which.", "", "", ""}},
		{"a failed call and none after", scene(r, down, expect(&scenarios.Attempts{PerCall: n(2)})), record(failure(0)).cutAt(2*sec, 0),
			said{Pass, "attempts = 2", "", "", ""}},
		{"processes tell", s, window(window(record(success(0), success(3)), 1, 0, 10), 2, 3, 4).cutAt(2*sec, 0).cutAt(2*sec, 0), said{Fail,
			"2 of 2 calls had another number of attempts than 3: 4 (1×), 2 (1×).", "", "", ""}},
		{"nothing ever got through", s, record().cutAt(0, 0).cutAt(sec, 0).cutAt(3*sec, 0), said{Pass, "attempts = 3", "", "", ""}},
		{"waits count from the cut", scene(r, down, expect(&scenarios.Waits{AtLeast: sec})), record(two()).cutAt(900*ms, 0), said{Fail,
			"The client waited 0.100s, 0.900s too short.", "1 of 2 waits was too short", "30:5 the server reset the connection here", ""}},
		{"keys do not", scene(r, down, expect(&scenarios.SameRequest{})), record(success(0), success(1)).cutAt(1500*ms, 0), said{Pass,
			"same_request, 2/2", "", "", ""}},
	} {
		for i := range j.s.Faults {
			j.s.Faults[i].Answer.Wire.Pos = j.s.Faults[i].Pos
		}
		j.run(t)
	}
}

func TestCutAtAcceptShows(t *testing.T) {
	s := scene(broke("down", answer(0, resetting(scenarios.AtAccept))), expect(&scenarios.Attempts{PerCall: n(4)}))
	v := Judge(s, &record(made("GET /x", at(sec, 503), at(3*sec, 200))).cutAt(0, 0).Log)
	compare(t, "proof", table(v.Findings[0].Proof), `  1 0.000s [reset at accept] 1.000s  ✓ due 0s
  2 1.000s [503] 2.000s  ✓ due 0s
! 3 3.000s [200] -  ✓ due 0s
`)
}
