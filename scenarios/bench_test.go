package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// benchFile is a scenario with so many routes, each of six lines, and faults and checks beside them.
func benchFile(routes int) []byte {
	var b strings.Builder
	b.WriteString("name: bench\nrules: [RETRY-001, RA-001]\nseed: 7\nphases:\n  - {name: healthy, for: 10s}\n  - {name: outage, for: 30s}\n  - {name: after}\n")
	b.WriteString("routes:\n")
	for i := range routes {
		fmt.Fprintf(&b, "  - match: POST /v1/resources%d/:id\n    answers:\n", i)
		b.WriteString("      - {status: 503}  # the first attempt fails\n      - {status: 429, retry_after: 2s, headers: {X-Request-Id: \"req_{call}\"}}\n")
		b.WriteString("      - {status: 201, json: {id: \"pay_{call}\", amount: 4999}, reset: before-headers}\n      - {status: 201, json: {id: \"pay_{call}\", amount: 4999}}\n")
	}
	b.WriteString("faults:\n  - {name: down, when: {phase: outage}, status: 503}\n  - {name: slow, chance: 10%, delay: {p50: 100ms, p99: 2s}}\n")
	b.WriteString("drive: {request: POST /v1/resources0/:call, calls: 20, concurrency: 20, json: {amount: 4999}}\n")
	b.WriteString("expect:\n  - succeeds: all\n  - attempts: {min: 4, max: 8}\n  - honours_retry_after\n")
	return []byte(b.String())
}

// BenchmarkParse reads files of 20 and 200 routes, and one of 300 lines.
func BenchmarkParse(b *testing.B) {
	for _, routes := range []int{20, 47, 200} {
		src := benchFile(routes)
		b.Run(fmt.Sprintf("routes=%d,lines=%d", routes, strings.Count(string(src), "\n")), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse("bench.yaml", src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseWrong reads a file of 300 lines that has a problem in each route.
func BenchmarkParseWrong(b *testing.B) {
	src := []byte(strings.ReplaceAll(string(benchFile(47)), "retry_after: 2s", "retry_afer: 2"))
	for b.Loop() {
		if _, err := Parse("bench.yaml", src); err == nil {
			b.Fatal("there is no error")
		}
	}
}

// BenchmarkFormat prints a file of 300 lines.
func BenchmarkFormat(b *testing.B) {
	s, err := Parse("bench.yaml", benchFile(47))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Format()
	}
}
