package verdict

import (
	"fmt"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// pacing is a call that fails, and is tried again after each of the waits.
func pacing(client string, waits ...time.Duration) calls {
	t := time.Duration(0)
	parts := []any{option(func(a *journal.Attempt) { a.Client = client }), at(0, 503)}
	for _, w := range waits {
		t += w
		parts = append(parts, at(t, 503))
	}
	return made("GET /x", parts...)
}

// named is a call that Brownout named.
func named(c calls) calls {
	for _, a := range c {
		a.Naming = journal.NamedByPrefix
	}
	return c
}

// crowd is a call of each of n clients that all wait alike.
func crowd(n int, waits []time.Duration) []calls {
	cs := make([]calls, n)
	for i := range cs {
		cs[i] = pacing(fmt.Sprint("client ", i), waits...)
	}
	return cs
}

func TestClientsDiffer(t *testing.T) {
	r := route("GET /x", answer(503))
	s := scene(r, expect(&scenarios.ClientsDiffer{By: 20 * ms}))
	a := []time.Duration{100 * ms, 230 * ms, 410 * ms, 777 * ms, 1300 * ms}
	nearly := []time.Duration{110 * ms, 240 * ms, 390 * ms, 797 * ms, 1281 * ms}
	other := []time.Duration{100 * ms, 230 * ms, 431 * ms, 777 * ms, 1300 * ms}
	asking := func(client string) calls {
		c := pacing(client, a...)
		for _, at := range c {
			ra(0)(at)
			at.Due = at.Sent + ms
		}
		return c
	}
	shared := scene(r, drives("GET /x", 4, func(s *scenarios.Step) { s.Clients = 2 }), expect(&scenarios.ClientsDiffer{By: 20 * ms}))
	// driven are four calls that two clients share, each waiting as its client does.
	driven := func(second []time.Duration) *recorded {
		cs := []calls{pacing("here", a[:3]...), pacing("here", second[:3]...), pacing("here", a[:2]...), pacing("here", second[:2]...)}
		for _, c := range cs {
			named(c)
		}
		log := record(cs...)
		for no := range cs {
			log.says(no+1, false)
		}
		return log
	}
	herd := func(alike int) *recorded {
		var cs []calls
		for i := range 10 {
			w := append([]time.Duration(nil), a...)
			if i >= alike {
				w[4] += intTime(i) * 100 * ms
			}
			cs = append(cs, pacing(fmt.Sprint("client ", i), w...))
		}
		return record(cs...)
	}
	late := record(pacing("a", a...), pacing("b", other...))
	late.late(other[0]+other[1]+other[2], 10*ms)
	for _, j := range []judged{
		{"they differ once", s, record(pacing("a", a...), pacing("b", other...)), said{outcome: Pass, sentence: "clients_differ: 2 of 2"}},
		{"they wait alike", s, record(pacing("a", a...), pacing("b", nearly...)), said{Fail, "The clients wait alike: of 2, 2 waited as another did, within 20ms 5 times in a row.",
			"2 clients of 2 alike", "11:10 the server answered 503 here", ""}},
		{"two in ten by chance", s, herd(2), said{outcome: Pass, sentence: "clients_differ: 8 of 10"}},
		{"more than are compared", s, record(crowd(250, a)...), said{outcome: Fail, sentence: "The clients wait alike: of 200, 200 waited as another did, within 20ms 5 times in a row."}},
		{"half of them", s, herd(5), said{outcome: Fail, sentence: "The clients wait alike: of 10, 5 waited as another did, within 20ms 5 times in a row."}},
		{"by the drive's clients", shared, driven(other), said{outcome: Pass, sentence: "clients_differ: 2 of 2"}},
		{"by the drive's clients, alike", shared, driven(a), said{outcome: Fail, sentence: "The clients wait alike: of 2, 2 waited as another did, within 20ms 5 times in a row."}},
		{"by process", s, record(named(pacing("here", a...)), named(pacing("here", other...))).exitOf(1, 0).exitOf(2, 0), said{outcome: Pass, sentence: "clients_differ: 2 of 2"}},
		{"one client", s, record(pacing("a", a...), pacing("a", nearly...)), said{Skip, "saw 1, needs 2 clients.", "saw 1, needs 2", "-",
			"Let several clients make the calls: with drive: {clients: 2}, or with --per-call."}},
		{"too few waits", s, record(pacing("a", a...), pacing("b", nearly[:4]...)), said{outcome: Skip, sentence: "saw 4, needs 5 waits of each of two clients."}},
		{"as asked", s, record(asking("a"), asking("b")), said{outcome: Inconclusive, sentence: "no client waited of its own accord before it tried again."}},
		{"no wait", s, record(made("GET /x", at(0, 200))), said{outcome: Inconclusive, sentence: "no client waited of its own accord before it tried again."}},
		{"the machine was late", s, late, said{outcome: Inconclusive, sentence: "2 clients wait unlike each other, but the machine itself was late in their waits."}},
		{"look-alikes", s, record(made("GET /x", looksAlike, byPrint, at(0, 503), at(sec, 503))),
			said{outcome: Inconclusive, sentence: "the 2 attempts of 1 call cannot be told apart: their requests look alike."}},
	} {
		j.run(t)
	}
}
