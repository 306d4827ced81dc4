package verdict

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		outcomes []Outcome
		want     Outcome
	}{
		{nil, Skip},
		{[]Outcome{Skip, Skip}, Skip},
		{[]Outcome{Skip, Info}, Info},
		{[]Outcome{Info, Pass, Skip}, Pass},
		{[]Outcome{Pass, Warn}, Warn},
		{[]Outcome{Warn, Inconclusive}, Inconclusive},
		{[]Outcome{Fail, Inconclusive, Warn}, Fail},
		{[]Outcome{Fail, Error, Inconclusive}, Error},
	} {
		compare(t, fmt.Sprint(c.outcomes), Worst(c.outcomes...).String(), c.want.String())
	}
	compare(t, "unknown", Outcome(99).String(), "outcome(99)")
}

// unknownParams are parameters that no row judges.
type unknownParams struct{ scenarios.Params }

func TestOutcomeOfATrial(t *testing.T) {
	r := route("GET /x", answer(503), answer(200))
	good := func() *recorded { return record(made("GET /x", at(0, 503), at(sec, 200, entry(1)))) }
	jitter := expect(&scenarios.BackoffJitters{})
	for _, c := range []struct {
		name    string
		s       *scenarios.Scenario
		log     *recorded
		outcome Outcome
		reason  string
	}{
		{"passed", scene(r, expect(&scenarios.Succeeds{})), good(), Pass, ""},
		{"a skip changes nothing", scene(r, expect(&scenarios.Succeeds{}), jitter), good(), Pass, ""},
		{"nothing but skips", scene(r, jitter), good(), Inconclusive, "every check was skipped"},
		{"nothing expected", scene(r), good(), Inconclusive, "the scenario expects nothing"},
		{"a failed check outranks", scene(r, expect(&scenarios.Attempts{PerCall: n(3)}), expect(&scenarios.NeverRetries{})), good(), Fail, ""},
		{"an error outranks that", scene(r, expect(&scenarios.Attempts{PerCall: n(3)})), good().exits(127), Error, ""},
		{"warned of", scene(r, expect(&scenarios.Attempts{PerCall: n(3)}, level(scenarios.LevelWarn))), good(), Warn, ""},
		{"not judged, and only a warning", scene(r, expect(&scenarios.NeverRetries{}, level(scenarios.LevelWarn))), good(), Warn, ""},
		{"noted", scene(r, expect(&scenarios.Attempts{PerCall: n(3)}, level(scenarios.LevelInfo))), good(), Pass, ""},
		{"an unreached answer", scene(route("GET /x", answer(503), answer(500), answer(200)), expect(&scenarios.Succeeds{})),
			record(made("GET /x", at(0, 503), at(sec, 200, entry(2)))), Inconclusive, ""},
		{"dropped records", scene(r, expect(&scenarios.Succeeds{})), good().drops(12, "the ring rolled"), Inconclusive, ""},
		{"undeclared", scene(r, expect(&scenarios.Succeeds{}), func(s *scenarios.Scenario) { s.Undeclared = []string{"cap", "open_time"} }), good(), Skip,
			"the profile does not declare cap and open_time"},
		{"a check that nothing judges", scene(r, expect(&unknownParams{})), good(), Error, ""},
	} {
		v := Judge(c.s, &c.log.Log)
		compare(t, c.name, v.Outcome.String(), c.outcome.String())
		compare(t, c.name, v.Reason, c.reason)
	}
	v := Judge(scene(r, expect(&scenarios.Succeeds{})), &good().Log)
	if v.Attempts != 2 || v.Calls != 1 || v.Elapsed != sec+ms || v.Seed != 1 || v.Scenario != "test" {
		t.Errorf("got %+v", v)
	}
}

func TestRecordErrors(t *testing.T) {
	r := route("GET /x", answer(200))
	find := func(log *recorded) string {
		for _, f := range Judge(scene(r, expect(&scenarios.Succeeds{})), &log.Log).Findings {
			if f.Check == "journal" {
				return f.Outcome.String() + ": " + f.Sentence
			}
		}
		return ""
	}
	good := func() *recorded { return record(made("GET /x", at(0, 200))) }
	compare(t, "whole", find(good()), "")
	compare(t, "dropped", find(good().drops(8, "the ring rolled").drops(4, "the ring rolled")), "inconclusive: 12 records dropped: the ring rolled.")
	broken := good()
	broken.Attempts[0].Failure = "no listener"
	compare(t, "not carried out", find(broken), "error: 1 answer was not given as the scenario says: no listener.")
	broken.Attempts[0].Whole, broken.Attempts[0].Closed = false, journal.ClosedByClientFIN
	compare(t, "the client went", find(broken), "")
}

func TestReplayLabel(t *testing.T) {
	reused := func(got ...any) *journal.Attempt { return at(0, append(got, conn(1, 2))...) }
	for _, c := range []struct {
		name string
		log  *recorded
		want int // index of the attempt that was replayed
	}{
		{"reset under a request on a used connection", record(made("GET /x", reused(reset), at(30*ms, 200, conn(2, 1)))), 0},
		{"closed under it", record(made("GET /x", reused(hungUp), at(30*ms, 200, conn(2, 1)))), 0},
		{"later than 30 ms", record(made("GET /x", reused(reset), at(31*ms, 200, conn(2, 1)))), -1},
		{"later, as was the machine", record(made("GET /x", reused(reset), at(60*ms, 200, conn(2, 1)))).late(50*ms, 40*ms), 0},
		{"the first request of the connection", record(made("GET /x", at(0, reset, conn(1, 1)), at(ms, 200, conn(2, 1)))), -1},
		{"on the same connection", record(made("GET /x", reused(reset), at(ms, 200, conn(1, 3)))), -1},
		{"an answer had begun", record(made("GET /x", reused(reset, option(func(a *journal.Attempt) { a.BytesSent = 1 })), at(ms, 200, conn(2, 1)))), -1},
		{"the client gave up", record(made("GET /x", reused(abandoned(ms)), at(2*ms, 200, conn(2, 1)))), -1},
		{"the second one too", record(made("GET /x", reused(reset), at(ms, reset, conn(2, 2)), at(2*ms, 200, conn(3, 1)))), 0},
		{"a bare handler cannot tell", record(made("GET /x", at(0, reset), at(ms, 200))), -1},
	} {
		e := gather(scene(), &c.log.Log)
		if got := e.calls[0].replay; got != c.want {
			t.Errorf("%s: replayed attempt %d, want %d", c.name, got, c.want)
		}
	}
	late := record(made("GET /x", reused(reset), at(60*ms, 200, conn(2, 1)))).late(50*ms, 40*ms)
	v := Judge(scene(expect(&scenarios.Attempts{Max: n(1)})), &late.Log)
	if f := v.Findings[0]; f.Outcome != Inconclusive || !f.Lateness {
		t.Errorf("lateness makes a replay possible: got %s, lateness %v", f.Outcome, f.Lateness)
	}
}

// TestLookAlikes holds that an ambiguous attempt casts doubt on the calls that were alive, and on no others.
func TestLookAlikes(t *testing.T) {
	cutBody := option(func(a *journal.Attempt) { a.BodyWhole = false })
	log := record(
		made("GET /x", byPrint, at(0, 200)),                                    // over when the doubt begins
		made("GET /x", byPrint, at(sec, 503), at(4*sec, 200)),                  // alive
		made("GET /x", byPrint, at(2*sec, 200, looksAlike)),                    // doubtful itself
		made("GET /x", byPrint, at(5*sec, 200)),                                // begins after it
		made("GET /y", byPrint, at(sec, 503)),                                  // another print
		made("GET /x", at(sec, 503), at(4*sec, 200)),                           // named
		made("POST /z", byPrint, body("abc"), at(0, 503), at(9*sec, 200)),      // alive when a body broke off
		made("POST /z", byPrint, body("a"), at(sec, 503, looksAlike, cutBody)), // the broken off one
		made("GET /x", byPrint, at(0, 503)),                                    // failed, and may be tried again within a minute
	)
	e := gather(scene(), &log.Log)
	want := map[string]bool{"2": true, "3": true, "7": true, "8": true, "9": true}
	for i := range e.calls {
		if c := &e.calls[i]; c.vague != want[c.name] {
			t.Errorf("call %s: doubtful is %v, want %v", c.name, c.vague, want[c.name])
		}
	}
}

// TestOutOfOrder holds that a record may name attempts in any order.
func TestOutOfOrder(t *testing.T) {
	log := record(made("GET /x", at(0, 503), at(2*sec, 503), at(4*sec, 200)))
	log.Attempts[0], log.Attempts[2] = log.Attempts[2], log.Attempts[0]
	judged{"", scene(expect(&scenarios.Succeeds{})), log, said{Pass, "succeeds: 1 of 1", "", "", ""}}.run(t)
}

// TestChecksHaveTheirRows holds that the grammar's checks and what judges them are one to one.
func TestChecksHaveTheirRows(t *testing.T) {
	rows := make(map[reflect.Type]bool)
	for _, c := range Checks() {
		typ := reflect.TypeOf(c.Params)
		if rows[typ] {
			t.Errorf("%v has two rows", typ)
		}
		rows[typ] = true
		if c.Why == "" {
			t.Errorf("%v has no sources", typ)
		}
	}
	for _, c := range scenarios.Checks() {
		if c.Unbuilt {
			continue
		}
		typ := reflect.TypeOf(c.New())
		if !rows[typ] {
			t.Errorf("nothing judges %s", c.Name)
		}
		compare(t, "name in these tests", nameOf(c.New()), c.Name)
		delete(rows, typ)
	}
	for typ := range rows {
		t.Errorf("%v is judged and is no check of the grammar", typ)
	}
}

func TestAnswered(t *testing.T) {
	field := func(value string) option { return func(a *journal.Attempt) { a.RetryAfter = "Retry-After: " + value } }
	partly := option(func(a *journal.Attempt) { a.Whole, a.Closed = false, journal.ClosedByServerRST })
	for want, a := range map[string]*journal.Attempt{
		"503":                          at(0, 503),
		"429 RA=2s":                    at(0, 429, ra(2*sec)),
		"503 RA=3.236s":                at(0, 503, raDate(time.RFC1123, 3236*ms)),
		`503 RA=""`:                    at(0, 503, field("")),
		"503 RA=abc":                   at(0, 503, field("abc")),
		"503 RA=99999999999999999999…": at(0, 503, field("999999999999999999999999")),
		"429 RA=2s, cut off":           at(0, 429, ra(2*sec), noEnd),
		"200, given up":                at(0, abandoned(ms)),
		"200, not whole":               at(0, 200, partly),
		"given up":                     at(0, abandoned(ms), 0),
		"no answer":                    at(0),
		"reset":                        at(0, reset),
		"closed":                       at(0, hungUp),
	} {
		one := newAttempt(a)
		compare(t, "answer", answered(&one), want)
	}
}

func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"0s": short(0), "3.236s": short(3236 * ms), "-1.5s": short(-1500 * ms), "250ms": short(250 * ms), "1.5s": short(1500 * ms), "1m30s": short(90 * sec), "2m": short(2 * time.Minute),
		"1h": short(time.Hour), "1h0m5s": short(time.Hour + 5*sec), "-3s": short(-3 * sec), "1h30m": short(90 * time.Minute),
		"a, b and c": list([]string{"a", "b", "c"}, "and"), "": list(nil, "and"), "99.5%": percent(0.995), "1.3": factor(1.3), "2": factor(2),
		"0.2s": roughly(203 * ms), "3s": roughly(3100 * ms), "0.05s": roughly(52 * ms), "2 statuses": plural(2, "status"), "1 call": plural(1, "call"),
	} {
		compare(t, "words", got, want)
	}
}
