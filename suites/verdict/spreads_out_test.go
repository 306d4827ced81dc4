package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// herd is n calls that a gate failed at 1s, and that come back after wait.
func herd(n int, wait func(i int) time.Duration, more ...any) []calls {
	var all []calls
	for i := range n {
		all = append(all, made("GET /feed", append(more, at(0, 503, took(sec)), at(sec+wait(i), 200, entry(1)))...))
	}
	return all
}

func TestSpreadsOut(t *testing.T) {
	s := scene(route("GET /feed", answer(503, holding), answer(200)), expect(&scenarios.SpreadsOut{}))
	spread := func(i int) time.Duration { return 2*sec + intTime(i)*20*ms }
	together := func(i int) time.Duration { return 2*sec + intTime(i)*ms }
	late := record(herd(50, together)...)
	late.Late = append(late.Late, journal.Lateness{At: 3010 * ms, Late: 90 * ms})
	replayed := herd(49, together)
	for _, c := range []struct {
		name string
		log  *recorded
		want Outcome
		says string
	}{
		{"spread", record(herd(50, spread)...), Pass, "spreads_out: at most 5 of 50 within 100ms"},
		{"together", record(herd(50, together)...), Fail, "The clients came back together: 50 of 50 first retries came within 100ms."},
		{"nearly all together", record(append(herd(45, together), herd(5, spread)...)...), Fail, "The clients came back together: 50 of 50 first retries came within 100ms."},
		{"too few", record(herd(49, together)...), Skip, "saw 49, needs 50 calls that a hold let through together and that were tried again."},
		{"too soon to tell", record(herd(50, func(i int) time.Duration { return 500*ms + intTime(i)*ms })...), Inconclusive, "50 waits behind the hold have a median of 524.5ms; a herd shows from 1s on."},
		{"nobody came back", record(made("GET /feed", at(0, 503, took(sec)))), Inconclusive, "no call was tried again behind a hold."},
		{"look-alikes", record(herd(50, spread, byPrint, looksAlike)...), Inconclusive, "the 100 attempts of 50 calls cannot be told apart: their requests look alike."},
		{"the machine was late", late, Inconclusive, "50 of 50 first retries came within 100ms, but the machine itself was late then."},
		{"came when the gate was open", record(append(replayed, made("GET /feed", at(1500*ms, 503), at(3020*ms, 200, entry(1))))...), Skip, "saw 49, needs 50 calls that a hold let through together and that were tried again."},
	} {
		f := Judge(s, &c.log.Log).Findings[0]
		if f.Outcome != c.want || f.Sentence+f.Summary != c.says {
			t.Errorf("%s: %v: %s%s; want %v: %s", c.name, f.Outcome, f.Sentence, f.Summary, c.want, c.says)
		}
	}
}

// TestShutGate: a gate that at_most opened leaves the run inconclusive.
func TestShutGate(t *testing.T) {
	s := scene(route("GET /feed", answer(503, holding), answer(200)), expect(&scenarios.Attempts{Max: n(9)}))
	for _, c := range []struct {
		calls int
		want  Outcome
	}{{50, Pass}, {49, Inconclusive}} {
		v := Judge(s, &record(herd(c.calls, func(int) time.Duration { return sec })...).Log)
		if v.Outcome != c.want {
			t.Errorf("%d calls: %v, want %v: %+v", c.calls, v.Outcome, c.want, v.Findings)
		}
	}
}
