package verdict

import (
	"math/rand/v2"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// declares sets the profile.
func declares(p scenarios.Profile) part { return func(s *scenarios.Scenario) { s.Profile = p } }

// paced are calls of one attempt each, so far apart, from an instant on.
func paced(n int, from, apart time.Duration, with ...any) []calls {
	var all []calls
	for i := range n {
		all = append(all, made("GET /x", append([]any{at(from+time.Duration(i)*apart, 200)}, with...)...))
	}
	return all
}

func TestLimitsItself(t *testing.T) {
	r := route("GET /x", answer(200))
	ten := &scenarios.Rate{Events: 10, Per: sec}
	own := func(p scenarios.LimitsItself) *scenarios.Scenario { return scene(r, expect(&p)) }
	rate := own(scenarios.LimitsItself{Rate: ten, Burst: n(3)})
	profiled := func(p scenarios.Profile, x scenarios.LimitsItself) *scenarios.Scenario {
		return scene(r, declares(p), expect(&x))
	}
	two := own(scenarios.LimitsItself{Concurrency: n(2)})
	long := func(from time.Duration) calls { return made("GET /x", at(from, 200, took(sec))) }
	for _, j := range []judged{
		{"kept", rate, record(paced(20, 0, 100*ms)...), said{Pass, "limits_itself: within 10/s and 3 at once", "", "", ""}},
		{"a burst, and then the rate", rate, record(append(paced(4, 0, 0), paced(20, 100*ms, 100*ms)...)...), said{Pass, "limits_itself: within 10/s and 3 at once", "", "", ""}},
		{"one more at once", rate, record(append(paced(5, 0, 0), paced(20, 100*ms, 100*ms)...)...), said{Fail,
			"The client sent 5 attempts in 0.000s; 10/s and 3 at once allow 4.", "5 attempts in 0s, at most 4 with slack", "", ""}},
		{"a twentieth more", rate, record(paced(200, 0, 96*ms)...), said{Pass, "limits_itself: within 10/s and 3 at once", "", "", ""}},
		{"a tenth more", rate, record(paced(200, 0, 90*ms)...), said{Fail, "The client sent 200 attempts in 17.910s; 10/s and 3 at once allow 192.", "", "", ""}},
		{"retries count", rate, record(made("GET /x", at(0, 503), at(1*ms, 503), at(2*ms, 503), at(3*ms, 503), at(4*ms, 200))), said{Fail,
			"The client sent 5 attempts in 0.004s; 10/s and 3 at once allow 4.", "", "", ""}},
		{"two clients, each within", rate, record(append(paced(4, 0, 0, client("a")), paced(5, sec, 100*ms, client("b"))...)...), said{Pass, "limits_itself: within 10/s and 3 at once", "", "", ""}},
		{"lateness decides", rate, record(append(paced(5, sec, 0), paced(20, 1100*ms, 100*ms)...)...).late(sec, 300*ms), said{Inconclusive,
			"5 attempts came in 0.000s, but the machine itself was late then.", "", "", ""}},
		{"lateness does not explain it", rate, record(paced(20, sec, 0)...).late(sec, 300*ms), said{Fail,
			"The client sent 20 attempts in 0.000s; 10/s and 3 at once allow 4.", "", "", ""}},
		{"too few", rate, record(paced(4, 0, 0)...), said{Inconclusive, "no client made more than 4 attempts, which 10/s and 3 at once allow at once.", "", "", ""}},
		{"a burst that nobody declares is 1", own(scenarios.LimitsItself{Rate: ten}), record(append(paced(3, 0, 0), paced(9, 100*ms, 100*ms)...)...), said{Fail,
			"The client sent 3 attempts in 0.000s; 10/s and 1 at once allow 2.", "", "", ""}},
		{"declared", profiled(scenarios.Profile{ClientRate: ten, ClientBurst: ptr(3)}, scenarios.LimitsItself{}), record(append(paced(4, 0, 0), paced(20, 100*ms, 100*ms)...)...),
			said{Pass, "limits_itself: within 10/s and 3 at once", "", "", ""}},
		{"both declared", profiled(scenarios.Profile{ClientRate: ten, ClientBurst: ptr(3), ClientConcurrency: ptr(2)}, scenarios.LimitsItself{}),
			record(paced(20, 0, 100*ms)...), said{Pass, "limits_itself: within 10/s and 3 at once, at most 1 under way", "", "", ""}},
		{"concurrency alone", two, record(long(0), long(100*ms), long(1100*ms)), said{Pass, "limits_itself: at most 2 under way", "", "", ""}},
		{"concurrency alone, though a rate is declared", profiled(scenarios.Profile{ClientRate: ten}, scenarios.LimitsItself{Concurrency: n(2)}), record(paced(20, 0, 2*ms)...),
			said{Pass, "limits_itself: at most 1 under way", "", "", ""}},
		{"three at once", two, record(long(0), long(100*ms), long(200*ms)), said{Fail, "The client had 3 attempts under way at once, 1 more than allowed.", "3 under way at 0.200s", "", ""}},
		{"three at once, by two clients", two, record(long(0), long(100*ms), made("GET /x", client("b"), at(200*ms, 200, took(sec))), long(2*sec)), said{Pass, "limits_itself: at most 2 under way", "", "", ""}},
		{"the end is seen a little late", two, record(long(0), long(100*ms), long(1000*ms)), said{Pass, "limits_itself: at most 2 under way", "", "", ""}},
		{"lateness decides about the end", two, record(made("GET /x", at(0, 200, took(sec), func(a *journal.Attempt) { a.Sent = 700 * ms })), long(100*ms), long(800*ms)).late(1*sec, 300*ms), said{Inconclusive,
			"more than 2 attempts were under way at once, but the machine itself was late to see some end.", "", "", ""}},
		{"all may be under way", two, record(long(0), long(0)), said{Inconclusive, "no client made more than 2 attempts, which may all be under way at once.", "", "", ""}},
		{"undeclared burst", own(scenarios.LimitsItself{Rate: ten, Burst: declaredCount()}), record(paced(20, 0, 100*ms)...), said{Skip, "the profile does not declare client_burst.", "", "", ""}},
		{"undeclared", own(scenarios.LimitsItself{}), record(paced(20, 0, 100*ms)...), said{Skip, "the profile does not declare client_rate.", "", "", ""}},
	} {
		j.run(t)
	}
}

// TestCrowdedFindsTheWorst compares the search for runs that are too long with one that looks at every pair.
func TestCrowdedFindsTheWorst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		r := &scenarios.Rate{Events: 1 + 50*rnd.Float64(), Per: sec}
		burst := 1 + rnd.IntN(4)
		var atts []counted
		now := time.Duration(0)
		for range 60 {
			now += time.Duration(rnd.ExpFloat64() * float64(sec) / r.Events)
			atts = append(atts, counted{attempt: &attempt{First: now}})
		}
		worst := 0.0
		for i := range atts {
			for j := i + 1; j < len(atts); j++ {
				worst = max(worst, float64(j-i+1)-rateAllows(r, burst, atts[j].First-atts[i].First))
			}
		}
		found := 0.0
		for _, x := range crowded(atts, r, burst) {
			found = max(found, x.excess(x.allowed))
		}
		if worst > 1e-9 && found != worst || worst <= 1e-9 && found != 0 {
			t.Fatalf("the worst run is %v too long, found %v", worst, found)
		}
	}
}
