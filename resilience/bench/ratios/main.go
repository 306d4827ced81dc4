// Command ratios measures package resilience beside its peers and holds the medians to their targets: one row each, with
// "met" or "missed", and at the end how many were met. It is run in the folder of the benchmarks, and takes about six minutes
// on two processors that nobody else uses.
//
//	go run ./ratios            # the table of the targets
//	go run ./ratios -all       # and then every library that was measured
//	go run ./ratios -quick     # fewer and shorter runs, in two minutes
//	go run ./ratios -readme ../README.md   # puts the tables into the README, too
//	go test -bench . -cpu 1,2 -count 6 | go run ./ratios -
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// measure is one run of go test. What takes longer to set up than to run is run less often.
type measure struct {
	bench string
	cpu   string
	count int
	time  string
}

var measures = []measure{
	{"^Benchmark(Retry|Breaker|Limiter(Granted|Refused|Wait)$|Compose|RoundTrip|Bulkhead|Hedge|Idempotent|Webhook)", "1,2", 8, "60ms"},
	{"^BenchmarkDedupeDuplicate$", "1,2", 4, "100ms"},
	{"^Benchmark(DedupeFill|StoreFill)$", "1", 3, "1x"},
	{"^BenchmarkLimiter(FlatOut|Waiters|Cancelled)$", "2", 3, "1x"},
}

func main() {
	all := flag.Bool("all", false, "print every library that was measured, too")
	quick := flag.Bool("quick", false, "measure less often and for a shorter time")
	readme := flag.String("readme", "", "put the tables into this document, between its marks")
	raw := flag.String("raw", "", "write what go test printed to this file")
	flag.Parse()
	if err := run(os.Stdout, *all, *quick, *raw, *readme, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, all, quick bool, raw, readme string, args []string) error {
	var output bytes.Buffer
	switch {
	case len(args) == 1 && args[0] == "-":
		if _, err := output.ReadFrom(os.Stdin); err != nil {
			return err
		}
	case len(args) > 0:
		return fmt.Errorf("got arguments %q, allowed is - alone, to read what go test printed", args)
	default:
		for _, m := range measures {
			if err := m.run(&output, quick); err != nil {
				return err
			}
		}
	}
	if raw != "" {
		if err := os.WriteFile(raw, output.Bytes(), 0o644); err != nil {
			return err
		}
	}
	found, err := read(&output)
	if err != nil {
		return err
	}
	if readme != "" {
		if err := updateFile(readme, found); err != nil {
			return err
		}
	}
	if err := printTargets(out, found); err != nil || !all {
		return err
	}
	return printAll(out, found)
}

// run runs the benchmarks and adds what they print to out.
func (m measure) run(out io.Writer, quick bool) error {
	count, duration := m.count, m.time
	if quick {
		count = (count + 2) / 3
		if duration == "60ms" {
			duration = "25ms"
		}
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", m.bench, "-cpu", m.cpu, "-count", fmt.Sprint(count), "-benchtime", duration, ".")
	fmt.Fprintln(os.Stderr, cmd)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd.Run()
}
