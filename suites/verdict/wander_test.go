package verdict

import (
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// TestWanderers holds that two callers who take turns on connections of their own cannot be told apart, and that one
// caller who changes connections can.
func TestWanderers(t *testing.T) {
	for _, c := range []struct {
		why   string
		log   *recorded
		vague map[string]bool
	}{
		{"two callers in turn: the first seems done early, and the second begins on a known connection", record(
			made("GET /x", byPrint, at(0, 503, conn(1, 1)), at(ms, 503, conn(2, 1)), at(sec, 200, conn(1, 2))),
			made("GET /x", byPrint, at(sec+2*ms, 503, conn(2, 2)), at(2*sec, 200, conn(2, 3))),
			made("GET /x", byPrint, at(5*sec, 200, conn(3, 1))),
		), map[string]bool{"1": true, "2": true}},
		{"one caller, a new connection for each attempt", record(
			made("GET /x", byPrint, at(0, 503, conn(1, 1)), at(sec, 503, conn(2, 1)), at(2*sec, 200, conn(3, 1))),
		), nil},
		{"one caller stays where it is", record(
			made("GET /x", byPrint, at(0, 503, conn(1, 1)), at(sec, 503, conn(1, 2)), at(2*sec, 200, conn(1, 3))),
		), nil},
		{"a pool that carries other requests too", record(
			made("GET /x", byPrint, at(0, 503, conn(1, 1)), at(sec, 503, conn(2, 1)), at(2*sec, 200, conn(1, 2))),
			made("GET /y", byPrint, at(3*sec, 200, conn(1, 3)), at(4*sec, 200, conn(2, 2))),
		), nil},
		{"a call with a name is its own", record(
			made("GET /x", at(0, 503, conn(1, 1)), at(sec, 503, conn(2, 1)), at(2*sec, 200, conn(1, 2))),
		), nil},
	} {
		e := gather(scene(), &c.log.Log)
		for i := range e.calls {
			if call := &e.calls[i]; call.vague != c.vague[call.name] {
				t.Errorf("%s: call %s is doubtful: %v, want %v", c.why, call.name, call.vague, c.vague[call.name])
			}
		}
	}
}

// TestInterrupted holds that what an interrupted client had not done yet is no failure, and what it did is.
func TestInterrupted(t *testing.T) {
	log := record(made("GET /x", byPrint, at(0, 503, ra(2*sec)), at(sec, 503)))
	log.Clients = append(log.Clients, journal.Client{Stop: log.End, Exit: -1, Interrupted: true})
	s := scene(expect(&scenarios.Succeeds{Share: 1}), expect(&scenarios.HonoursRetryAfter{Tolerance: 25 * ms}))
	v := Judge(s, &log.Log)
	if v.Findings[0].Outcome != Inconclusive || v.Findings[1].Outcome != Fail {
		t.Errorf("succeeds is %v and honours_retry_after %v, want inconclusive and fail", v.Findings[0].Outcome, v.Findings[1].Outcome)
	}
}
