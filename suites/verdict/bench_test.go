package verdict

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// millionAttempts is a run of a million attempts in 333,333 calls: two failures and a success each.
func millionAttempts() *journal.Log {
	const total = 999_999
	var headers []journal.Field
	log := &journal.Log{Attempts: make([]journal.Attempt, total)}
	for i := range log.Attempts {
		no, k := i/3+1, i%3
		// calls overlap: a hundred are in progress at any instant
		begin := intTime(no) * ms
		a := &log.Attempts[i]
		*a = *at(begin+intTime(k)*100*ms+intTime(no%17)*ms, 503)
		if k == 2 {
			a.Status, a.Entry = 200, 1
		}
		a.Seq, a.Call, a.CallNo, a.N, a.Naming = uint64(i+1), fmt.Sprint(no), no, k+1, journal.NamedByPrefix
		a.Conn, a.ConnRequest, a.Route, a.Method, a.Target = uint64(no%100), no, "POST /x", "POST", "/x"
		if k == 0 {
			headers = []journal.Field{{Name: "Host", Value: "127.0.0.1"}, {Name: "User-Agent", Value: "bench/1"}, {Name: "Accept", Value: "*/*"},
				{Name: "Content-Type", Value: "application/json"}, {Name: "Idempotency-Key", Value: fmt.Sprintf("%032x", no)}}
		}
		a.Headers = headers
	}
	slices.SortStableFunc(log.Attempts, func(a, b journal.Attempt) int { return int(a.First - b.First) })
	log.End = log.Attempts[total-1].Done
	return log
}

// BenchmarkJudge judges a million attempts by every check.
func BenchmarkJudge(b *testing.B) {
	log := millionAttempts()
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
	}{
		{"usual", scene(route("POST /x", answer(503), answer(200)), expect(&scenarios.Succeeds{}), expect(&scenarios.Attempts{PerCall: n(3)}),
			expect(&scenarios.HonoursRetryAfter{}), expect(&scenarios.NoHotLoop{}))},
		{"all", everything()},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := Judge(c.s, log); len(v.Findings) == 0 {
					b.Fatal("no findings")
				}
			}
		})
	}
}

// everything expects every check of a run on POST /x.
func everything() *scenarios.Scenario {
	parts := []part{route("POST /x", answer(503), answer(200))}
	for _, x := range standard().Expect {
		parts = append(parts, expect(x.Params))
	}
	return scene(parts...)
}

// BenchmarkFileToVerdict reads the file of a million attempts and judges it.
func BenchmarkFileToVerdict(b *testing.B) {
	file := filepath.Join(b.TempDir(), "journal.ndjson")
	j, err := journal.New(journal.Options{Scenario: "bench", File: file})
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range millionAttempts().Attempts {
		fields := make(map[string][]string, len(a.Headers))
		for _, f := range a.Headers {
			fields[f.Name] = []string{f.Value}
		}
		err := errors.Join(
			j.Attempt(&journal.AttemptRecord{Seq: a.Seq, Conn: a.Conn, ConnRequest: a.ConnRequest, Route: a.Route, Call: a.Call, CallNo: a.CallNo,
				N: a.N, Naming: a.Naming, Method: a.Method, Target: a.Target, Header: fields, BodyWhole: true, First: a.First, Read: a.Read,
				Sent: a.Sent, Entry: a.Entry, Status: a.Status}),
			j.End(&journal.EndRecord{Seq: a.Seq, Done: a.Done, BytesSent: a.BytesSent, Whole: a.Whole}))
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Shut(); err != nil {
		b.Fatal(err)
	}
	s := scene(route("POST /x", answer(503), answer(200)), expect(&scenarios.Succeeds{}), expect(&scenarios.Attempts{PerCall: n(3)}),
		expect(&scenarios.NoHotLoop{}))
	for b.Loop() {
		log, err := journal.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		if v := Judge(s, log); v.Outcome != Pass {
			b.Fatalf("got %s: %+v", v.Outcome, v.Findings)
		}
	}
}
