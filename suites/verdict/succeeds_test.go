package verdict

import (
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestSucceeds(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	all, most, none := expect(&scenarios.Succeeds{Share: 1}), expect(&scenarios.Succeeds{Share: 0.75}), expect(&scenarios.Succeeds{None: true})
	good := func() calls { return made("GET /x", at(0, 503), at(sec, 200, entry(1))) }
	bad := func() calls { return made("GET /x", at(0, 503)) }
	cut := func() calls { return made("GET /x", at(0, 200, noEnd)) }
	hedge := made("GET /x", at(0, 200, took(2*sec)), at(sec, abandoned(1500*ms)))
	alike := func(status int) calls {
		return made("GET /x", byPrint, at(0, 200), at(sec, status, looksAlike), at(2*sec, 200))
	}
	for _, j := range []judged{
		{"all", scene(r, all), record(good(), good()).exits(0), said{Pass, "succeeds: 2 of 2", "", "", ""}},
		{"one call gave up", scene(r, all), record(bad()), said{Fail, "The client gave up after 1 attempt: the last got 503.",
			"0 of 1 call succeeded", "11:10 the server answered 503 here", ""}},
		{"one of two", scene(r, all), record(good(), bad()).exits(22), said{Fail,
			"1 of 2 calls did not succeed: their last attempts got 503 (1×).", "1 of 2 calls succeeded; the client exited with 22", "", ""}},
		{"the exit code alone", scene(r, all), record(good()).exits(3), said{Fail,
			"The client exited with 3, though its one call succeeded.", "this asks for exit code 0 as well", "-", ""}},
		{"the exit code of a client that makes several calls", scene(r, all), record(good(), good()).exits(3), said{Fail,
			"The client exited with 3, though all its 2 calls succeeded.", "", "", ""}},
		{"the exit code does not matter for a share", scene(r, most), record(good()).exits(3), said{Pass, "succeeds: 1 of 1", "", "", ""}},
		{"an exit code without a call", scene(r, all), record().exits(1), said{Fail, "The client exited with 1 and made no call.", "", "", ""}},
		{"no call", scene(r, all), record().exits(0), said{Inconclusive, "there was no call to judge.", "", "", ""}},
		{"ended by the run itself", scene(r, all), record(good()).exits(-1), said{Pass, "succeeds: 1 of 1", "", "", ""}},
		{"a share", scene(r, most), record(good(), good(), good(), bad()), said{Pass, "succeeds: 3 of 4", "", "", ""}},
		{"too small a share", scene(r, most), record(good(), good(), bad(), bad()), said{Fail,
			"2 of 4 calls did not succeed: their last attempts got 503 (2×).", "2 of 4 calls succeeded, 75% had to", "", ""}},
		{"per call, the process says no", scene(r, all), record(good()).exitOf(1, 7), said{Fail,
			"The client exited with 7, though its call got a whole 200.", "", "-", ""}},
		{"per call, its process has an exit code", scene(r, all), record(good(), bad()).exitOf(1, 0).exitOf(2, 22), said{Fail,
			"1 of 2 calls did not succeed: their last attempts got 503 (1×).", "1 of 2 calls succeeded; for GET /x #2 the client exited with 22", "", ""}},
		{"per call, none called", scene(r, all), record().exitOf(1, 0).exitOf(2, 0), said{Inconclusive, "there was no call to judge.", "", "", ""}},
		{"per call, none called and one failed", scene(r, all), record().exitOf(1, 0).exitOf(2, 1), said{Fail,
			"2 of 2 calls did not succeed: 2 of them never reached the server.", "", "", ""}},
		{"per call, one did not call", scene(r, all), record(good()).exitOf(1, 0).exitOf(2, 0), said{Fail,
			"1 of 2 calls did not succeed: 1 of them never reached the server.", "", "", ""}},
		{"the driver says no", scene(r, all), record(good()).says(1, false), said{Fail,
			"The client reported a failure, though its call got a whole 200.", "", "", ""}},
		{"the driver says no to several", scene(r, all), record(good(), good()).says(1, false).says(2, false), said{Fail,
			"2 of 2 calls did not succeed: each got a whole 2xx, and the client says that it failed.", "", "", ""}},
		{"the driver says no to some of them", scene(r, all), record(good(), bad()).says(1, false).says(2, false), said{Fail,
			"2 of 2 calls did not succeed: 1 of them got a whole 2xx, and the client says that it failed.", "", "", ""}},
		{"a hedge that lost", scene(r, all), record(hedge), said{Pass, "succeeds: 1 of 1", "", "", ""}},
		{"the record was cut off", scene(r, all), record(good(), cut()), said{Inconclusive,
			"the record was cut off: 1 last attempt without an end.", "", "", ""}},
		{"cut off, and it does not matter", scene(r, most), record(good(), good(), good(), cut()), said{Pass, "succeeds: 3 of 4", "", "", ""}},
		{"cut off, and it does not matter either", scene(r, all), record(bad(), cut()), said{Fail,
			"1 of 2 calls did not succeed: their last attempts got 503 (1×).", "", "", ""}},
		{"look-alikes that all got 200", scene(r, all), record(alike(200)), said{Pass, "succeeds: 1 of 1", "", "", ""}},
		{"look-alikes", scene(r, all), record(alike(503)), said{Inconclusive,
			"the 3 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"look-alikes beside a failure", scene(r, all), record(alike(503), bad()), said{Inconclusive,
			"the 3 attempts of 1 call cannot be told apart: their requests look alike.", "", "", ""}},
		{"dropped records may hold the success", scene(r, all), record(bad()).drops(12, "the ring rolled"), said{Inconclusive,
			"12 records dropped: the client gave up after 1 attempt: the last got 503.", "the record is not whole", "", ""}},
		{"none", scene(r, none), record(bad(), bad()).exits(22), said{Pass, "succeeds: none of 2", "", "", ""}},
		{"none, but one did", scene(r, none), record(good(), bad()), said{Fail, "1 of 2 calls succeeded, none was to.", "", "12:10 the server answered 200 here", ""}},
		{"none, but the driver claims it", scene(r, none), record(bad()).says(1, true), said{Fail,
			"The client reported success for 1 of 1 call, none of which got a whole 2xx.", "", "", ""}},
		{"none, without a call", scene(r, none), record(), said{Inconclusive, "there was no call to judge.", "", "", ""}},
		{"on another route", scene(r, expect(&scenarios.Succeeds{}, onRoute("GET /y"))), record(good()), said{Inconclusive, "no call was on GET /y.", "", "", ""}},
		{"in another phase", scene(r, expect(&scenarios.Succeeds{}, inPhase("after"))), record(good()), said{Inconclusive, "no call began in phase after.", "", "", ""}},
		{"in the phase", scene(r, expect(&scenarios.Succeeds{}, inPhase("after"))), record(bad(), made("GET /x", phase("after"), at(0, 200))),
			said{Pass, "succeeds: 1 of 1", "", "", ""}},
		{"only warned of", scene(r, expect(&scenarios.Succeeds{}, level(scenarios.LevelWarn))), record(bad()), said{Warn,
			"The client gave up after 1 attempt: the last got 503.", "", "", ""}},
		{"only noted", scene(r, expect(&scenarios.Succeeds{}, level(scenarios.LevelInfo))), record(bad()), said{Info,
			"The client gave up after 1 attempt: the last got 503.", "", "", ""}},
	} {
		j.run(t)
	}
}

// TestSucceedsWhateverTheReplay holds that a replay is no matter to a check that looks at the last attempt.
func TestSucceedsWhateverTheReplay(t *testing.T) {
	log := record(made("GET /x", conn(1, 2), at(0, reset), at(5*ms, 200, conn(2, 1))))
	judged{"replay", scene(expect(&scenarios.Succeeds{})), log, said{Pass, "succeeds: 1 of 1", "", "", ""}}.run(t)
}

func TestClientErrors(t *testing.T) {
	s := scene(route("GET /x", answer(200)), expect(&scenarios.Succeeds{}))
	for _, c := range []struct {
		client journal.Client
		want   string
	}{
		{journal.Client{Exit: 126}, "The client exited with 126: its command could not be run."},
		{journal.Client{Exit: 127}, "The client exited with 127: its command was not found."},
		{journal.Client{Exit: -1, Signal: "segmentation fault"}, "The client was ended by a signal: segmentation fault."},
		{journal.Client{Exit: -1, Signal: "killed", TimedOut: true, Stop: 150 * sec}, "The client was still running after 2m30s, and was ended by the time limit."},
		{journal.Client{Exit: -1, StartError: "no such file."}, "The client could not be started: no such file."},
	} {
		log := record(made("GET /x", at(0, 200)))
		log.Clients = []journal.Client{c.client}
		v := Judge(s, &log.Log)
		compare(t, "outcome", v.Outcome.String(), "error")
		f := v.Findings[len(v.Findings)-1]
		compare(t, "check", f.Check, "client")
		compare(t, "sentence", f.Sentence, c.want)
		log.Clients = []journal.Client{c.client, c.client}
		v = Judge(s, &log.Log)
		compare(t, "of two", v.Findings[len(v.Findings)-1].Sentence, "2 processes: "+lower(c.want)+".")
	}
}
