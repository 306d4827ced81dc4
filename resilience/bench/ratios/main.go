// Command ratios reads the output of go test -bench, where sub-benchmarks are named lib=NAME, and prints for each benchmark
// the median of each library, and how much of it the first one needs.
//
//	go test -bench . -cpu 1,2 -count 6 | go run ./ratios
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// series is the samples of one library in one benchmark.
type series struct {
	lib            string
	ns, bytes, obj []float64
}

// benchmark is one benchmark at one number of processors.
type benchmark struct {
	name string
	libs []*series
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var all []*benchmark
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		name, lib, values, ok := parse(lines.Text())
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(b *benchmark) bool { return b.name == name })
		if i < 0 {
			i, all = len(all), append(all, &benchmark{name: name})
		}
		s := all[i].of(lib)
		s.ns = append(s.ns, values["ns/op"])
		s.bytes = append(s.bytes, values["B/op"])
		s.obj = append(s.obj, values["allocs/op"])
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no line of a benchmark with lib=NAME on standard input")
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, b := range all {
		fmt.Fprintf(table, "\n%s\tns\tB\tallocs\tof it\n", b.name)
		first := median(b.libs[0].ns)
		for _, s := range b.libs {
			ns := median(s.ns)
			fmt.Fprintf(table, "  %s\t%.4g\t%.0f\t%.0f\t%.3f\n", s.lib, ns, median(s.bytes), median(s.obj), first/ns)
		}
	}
	return table.Flush()
}

// of returns the series of a library.
func (b *benchmark) of(lib string) *series {
	i := slices.IndexFunc(b.libs, func(s *series) bool { return s.lib == lib })
	if i < 0 {
		i, b.libs = len(b.libs), append(b.libs, &series{lib: lib})
	}
	return b.libs[i]
}

// parse reads a line such as "BenchmarkX/lib=a-2  100  12.5 ns/op  0 B/op". The suffix with the number of processors
// becomes part of the benchmark's name.
func parse(line string) (name, lib string, values map[string]float64, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", "", nil, false
	}
	name, lib, ok = strings.Cut(fields[0], "/lib=")
	if !ok {
		return "", "", nil, false
	}
	if i := strings.LastIndexByte(lib, '-'); i > 0 {
		if _, err := strconv.Atoi(lib[i+1:]); err == nil {
			lib, name = lib[:i], name+lib[i:]
		}
	}
	values = map[string]float64{}
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", "", nil, false
		}
		values[fields[i+1]] = v
	}
	return name, lib, values, true
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
