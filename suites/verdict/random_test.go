package verdict

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// TestAnyJournal holds that a journal of anything whatever is judged without a panic, twice the same, and that each
// finding that is no pass says something.
func TestAnyJournal(t *testing.T) {
	s := everyCheck()
	s.Faults = []scenarios.Fault{{Name: "cut", Answer: answer(0, resetting(scenarios.AtAccept))}, {Name: "down", Answer: answer(503)}}
	s.Phases = []scenarios.Phase{{Name: "a", For: sec}, {Name: "b", Attempts: 3}, {Name: "c"}}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 3000 {
		log := anyLog(random)
		v := Judge(s, log)
		if again := Judge(s, log); !reflect.DeepEqual(v, again) {
			t.Fatalf("journal %d: judged twice, got\n%+v\nand\n%+v", i, v, again)
		}
		for _, f := range v.Findings {
			if f.Outcome != Pass && f.Sentence == "" || f.Outcome == Pass && f.Summary == "" {
				t.Fatalf("journal %d: %s %s says nothing", i, f.Check, f.Outcome)
			}
			if f.Proof != nil && len(f.Proof.Rows) == 0 {
				t.Fatalf("journal %d: %s shows no attempt", i, f.Check)
			}
		}
	}
}

// everyCheck expects each check, with its defaults, of a client that declares all that they need.
func everyCheck() *scenarios.Scenario {
	parts := []part{paid("POST /x", "Idempotency-Key", answer(503), answer(200)), declaringBreaker, drives("POST /x", 2), drives("GET /y", 2)}
	for _, c := range scenarios.Checks() {
		if !c.Unbuilt {
			parts = append(parts, expect(c.New()))
		}
	}
	s := scene(append(parts, expect(&scenarios.InFlight{PerCall: n(1), Total: n(2)}), expect(&scenarios.Attempts{Max: n(3)}),
		expect(&scenarios.Effects{PerCall: between(1, 1), PerEvent: between(0, 1), Total: between(2, scenarios.Unbounded)}), expect(&scenarios.Connections{Max: n(2), Open: n(1)}))...)
	s.Profile.Deadline = ptr(sec)
	return s
}

// anyLog is a journal of a few attempts in which everything may be odd.
func anyLog(random *rand.Rand) *journal.Log {
	n := func(n int) int { return random.IntN(n) }
	when := func() time.Duration { return time.Duration(random.Int64N(int64(5 * sec))) }
	log := &journal.Log{End: when()}
	for i := range n(12) {
		a := at(when(), []int{0, 200, 404, 401, 413, 429, 503, 504}[n(8)])
		a.Seq, a.Call, a.CallNo, a.N, a.Naming = uint64(i+1), strconv.Itoa(n(4)), n(4), n(5), journal.Naming(n(4))
		a.Conn, a.ConnRequest = uint64(n(4)), n(3)
		a.Method, a.Target = []string{"GET", "POST", "PUT"}[n(3)], []string{"/x", "/y"}[n(2)]
		a.Route = []string{"POST /x", "", "gone"}[n(3)]
		a.Phase = []string{"a", "b", "", "gone"}[n(4)]
		a.Entry, a.Drawn, a.Applied = n(5)-1, []int{n(4) - 1}, []int{n(4) - 1}
		a.Sent, a.Done = a.First+when()/10, a.First+when()/5
		a.Ended, a.Whole, a.BodyWhole, a.Ambiguous = n(4) > 0, n(4) > 0, n(4) > 0, n(5) == 0
		a.Closed, a.BytesSent = journal.Closer(n(5)), int64(n(2))
		if n(3) == 0 {
			a.Wire = []string{"rst before-headers", "fin before-headers"}[n(2)]
		}
		if n(3) == 0 {
			a.HasDue, a.Due, a.RetryAfter = true, when(), []string{"Retry-After: 2", "", "Retry-After: Sun Nov  6 08:49:37 1994"}[n(3)]
		}
		for range n(3) {
			header([]string{"Idempotency-Key", "Content-Type", "Authorization"}[n(3)], strconv.Itoa(n(3)))(a)
		}
		a.Ledger, a.Event = journal.Ledger(n(6)), []string{"", "a", "b"}[n(3)]
		log.Attempts = append(log.Attempts, *a)
		if n(3) == 0 {
			log.Effects = append(log.Effects, journal.Effect{Seq: uint64(n(12)), Route: a.Route, Call: a.Call, Event: []string{"", "a", "c"}[n(3)]})
			log.Contents = append(log.Contents, journal.Content{Seq: uint64(n(12)), Len: int64(n(2))})
		}
	}
	for i := range n(3) {
		d := journal.Delivery{DeliveryRecord: journal.DeliveryRecord{ID: uint64(i), Event: []string{"a", "b"}[n(2)], Unjudged: n(5) == 0}}
		if n(3) == 0 {
			d.Bad = "wrong-secret"
		}
		log.Deliveries = append(log.Deliveries, d)
	}
	for i := range n(5) {
		log.Conns = append(log.Conns, journal.Conn{ID: uint64(i + 1), Accept: when(), Close: when(), Closed: journal.Closer(n(5)), Applied: []int{n(4) - 1}})
	}
	for i := range n(3) {
		log.Clients = append(log.Clients, journal.Client{Call: n(3), Exit: n(3) - 1, Start: when(), Stop: when(), TimedOut: n(9) == 0})
		log.Results = append(log.Results, journal.Result{Call: i, OK: n(2) == 0, HasBody: n(2) == 0, BodyLen: int64(n(2)), Start: when(), Timed: n(4) > 0, At: when(), Cancelled: when(), HasCancel: n(3) == 0})
		log.Ports = append(log.Ports, journal.Port{At: when(), Open: n(2) == 0})
		log.Late = append(log.Late, journal.Lateness{At: intTime(i) * sec, Late: when() / 5})
	}
	if n(8) == 0 {
		log.Dropped = []journal.Drop{{Count: n(3) + 1, Reason: "the ring rolled"}}
	}
	return log
}
