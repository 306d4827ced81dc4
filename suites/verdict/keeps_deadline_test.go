package verdict

import (
	"strings"
	"testing"

	"brownout/scenarios"
)

// drives adds a step of the drive.
func drives(request string, calls int, changes ...func(*scenarios.Step)) part {
	return func(s *scenarios.Scenario) {
		method, path, _ := strings.Cut(request, " ")
		step := scenarios.Step{Requests: []scenarios.Request{{Method: method, Path: pathOf(path)}}, Calls: calls, Clients: 1}
		for _, c := range changes {
			c(&step)
		}
		s.Drive = append(s.Drive, step)
	}
}

func TestKeepsDeadline(t *testing.T) {
	r := route("GET /x", answer(503))
	three := 3 * sec
	s := scene(r, expect(&scenarios.KeepsDeadline{Of: &three}))
	declared := scene(r, func(s *scenarios.Scenario) { s.Profile.Deadline = &three }, expect(&scenarios.KeepsDeadline{}))
	ordered := scene(r, drives("GET /x", 5, func(s *scenarios.Step) { s.Deadline = sec }),
		func(s *scenarios.Scenario) { s.Profile.Deadline = &three }, expect(&scenarios.KeepsDeadline{}))
	told := scene(r, drives("GET /x", 5, func(s *scenarios.Step) { s.Deadline = three }), expect(&scenarios.KeepsDeadline{}))
	nobody := scene(r, expect(&scenarios.KeepsDeadline{}))
	tried := func(at2, at3 int) calls {
		return made("GET /x", at(0, 503), at(intTime(at2)*ms, 503), at(intTime(at3)*ms, 503))
	}
	for _, j := range []judged{
		{"kept", s, record(tried(1000, 3000)).until(9 * sec), said{outcome: Pass, sentence: "keeps_deadline, 1/1"}},
		{"early timers", s, record(tried(1000, 3025)).until(9 * sec), said{outcome: Pass, sentence: "keeps_deadline, 1/1"}},
		{"after it", s, record(tried(1000, 3026)).until(9 * sec), said{Fail, "The client started an attempt 0.026s after the deadline of its call.",
			"3.026s after the first attempt, 3s are allowed", "11:10 the server answered 503 here", ""}},
		{"the declared one", declared, record(tried(1000, 3500)).until(9 * sec), said{outcome: Fail, sentence: "The client started an attempt 0.500s after the deadline of its call."}},
		{"the one that it was told goes before", ordered, record(named(made("GET /x", at(0, 503), at(2*sec, 503)))).says(1, false).until(9 * sec),
			said{outcome: Fail, sentence: "The client started an attempt 1.000s after the deadline of its call."}},
		{"a client that takes no orders was told none", told, record(tried(1000, 9000)), said{outcome: Skip, sentence: "the client takes no orders, and the profile does not declare deadline.",
			hint: "Drive the client in process, or declare its own, as in profile: {deadline: 3s}."}},
		{"nor one with a process for each call", told, record(named(made("GET /x", at(0, 503), at(9*sec, 503)))).says(1, false).exitOf(1, 1),
			said{outcome: Skip, sentence: "the client takes no orders, and the profile does not declare deadline."}},
		{"nobody says", nobody, record(tried(1000, 3500)), said{outcome: Skip, sentence: "the profile does not declare deadline."}},
		{"answered at once", s, record(made("GET /x", at(0, 200))), said{outcome: Inconclusive, sentence: "the first attempt of every call succeeded, so that no other had to keep the deadline."}},
		{"the run ended before", s, record(tried(1000, 2000)), said{outcome: Inconclusive, sentence: "the run ended before the deadline of GET /x #1."}},
		{"no call", s, record(), said{outcome: Inconclusive, sentence: "there was no call to judge."}},
		{"the machine was late", s, record(tried(1000, 3200)).until(9*sec).late(3200*ms, 190*ms),
			said{outcome: Inconclusive, sentence: "an attempt came 0.200s after the deadline of its call, but the machine itself was late."}},
		{"look-alikes", s, record(made("GET /x", looksAlike, byPrint, at(0, 503))).until(9 * sec),
			said{outcome: Inconclusive, sentence: "the 1 attempt of 1 call cannot be told apart: their requests look alike."}},
		{"a replay alone is late", s, record(made("GET /x", at(0, 503), at(2990*ms, reset, conn(1, 2)), at(3030*ms, 200, conn(2, 1)))).until(9*sec).late(3030*ms, 20*ms),
			said{outcome: Inconclusive}},
	} {
		if j.want.sentence == "" {
			j.want.sentence = Judge(j.s, &j.log.Log).Findings[0].Sentence
		}
		j.run(t)
	}
}
