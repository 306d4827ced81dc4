package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const printed = `goos: linux
BenchmarkHedge/lib=brownout   	 100	 300 ns/op	 48 B/op	 3 allocs/op
BenchmarkHedge/lib=brownout   	 100	 500 ns/op	 48 B/op	 3 allocs/op
BenchmarkHedge/lib=brownout   	 100	 310 ns/op	 48 B/op	 3 allocs/op
BenchmarkHedge/lib=failsafe-go	 100	1000 ns/op	1104 B/op	24 allocs/op
BenchmarkHedge/lib=brownout-2 	 100	 320 ns/op	 48 B/op	 4 allocs/op
BenchmarkHedge/lib=failsafe-go-2	 100	1000 ns/op	1104 B/op	24 allocs/op
BenchmarkRoundTrip/with=none/lib=bare/GET 	 100	 50 ns/op	 1 allocs/op
BenchmarkRoundTrip/with=four/lib=brownout/GET 	 100	 110 ns/op	 1 allocs/op
BenchmarkRoundTrip/with=four/lib=retryablehttp-gobreaker-x-time/GET 	 100	 550 ns/op	 6 allocs/op
BenchmarkLimiterFlatOut/rate=200000/lib=brownout-2	1	1 ns/op	0.9990 of-limit
BenchmarkBreakerOpen/lib=brownout 	 100	 nonsense ns/op
PASS
`

func TestMeasured(t *testing.T) {
	found, err := read(strings.NewReader(printed))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		procs        int
		value, ratio float64 // NaN: none
		missed       string
		found        bool
	}{
		{"hedge, first attempt wins in time", 1, 310, 0.31, "ratio", true},
		{"hedge, first attempt wins in time", 2, 320, 0.32, "ratio allocations", true},
		{"RoundTripper, the same four, GET, over bare", 1, 60, 0.12, "", true},
		{"RoundTripper, the same four, GET, over bare", 2, 0, 0, "", false},
		{"limiter flat out, 200,000/s, of the limit", 2, 0.999, math.NaN(), "", true},
		{"breaker open, rejection with RetryAfter", 1, 0, 0, "", false},
	} {
		for _, row := range targets {
			if row.name != c.name {
				continue
			}
			l, ok := row.measured(found, c.procs)
			if ok != c.found || strings.Join(l.missed, " ") != c.missed {
				t.Errorf("%s on %d: %+v, %t; want missed %q, %t", c.name, c.procs, l, ok, c.missed, c.found)
			}
			if ok && (math.Abs(l.value-c.value) > 1e-9 || math.Abs(l.ratio-c.ratio) > 1e-9 || math.IsNaN(l.ratio) != math.IsNaN(c.ratio)) {
				t.Errorf("%s on %d: %g, ratio %g; want %g, %g", c.name, c.procs, l.value, l.ratio, c.value, c.ratio)
			}
		}
	}
}

func TestNothingToRead(t *testing.T) {
	if _, err := read(strings.NewReader("PASS\n")); err == nil {
		t.Error("no benchmark is no error")
	}
}

func TestUpdateFile(t *testing.T) {
	found, err := read(strings.NewReader(printed))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "README.md")
	if err := updateFile(path, found); err == nil {
		t.Error("a document that is not there is no error")
	}
	if err := os.WriteFile(path, []byte("# Head\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := updateFile(path, found); err == nil {
		t.Error("a document without marks is no error")
	}
	if err := os.WriteFile(path, []byte("# Head\n\n"+beginMark+"\nold\n"+endMark+"\n\ntail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again it changes nothing
		if err := updateFile(path, found); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	for _, want := range []string{
		"# Head\n\n" + beginMark + "\n", "\n" + endMark + "\n\ntail\n",
		"\n| hedge, first attempt wins in time | 310 / 320 | failsafe-go: 1000 | 0.31 / 0.32 | 3 / 4 | 0.3, 3 | missed: ratio / missed: ratio, allocations |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the document does not contain %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") || strings.Count(text, beginMark) != 1 {
		t.Errorf("what was there is left:\n%s", text)
	}
}
