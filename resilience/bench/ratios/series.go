package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// results are the samples of all benchmarks, in the order in which they came.
type results []*series

// series are the samples of one library in one benchmark on so many processors.
type series struct {
	bench  string // without the library
	lib    string
	procs  int
	values map[string][]float64 // by unit
}

// read reads what go test -bench printed. A benchmark's library is the part of its name that is lib=NAME.
func read(in io.Reader) (results, error) {
	var all results
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		bench, lib, procs, values, ok := parse(lines.Text())
		if !ok {
			continue
		}
		s := all.find(bench, lib, procs)
		if s == nil {
			s = &series{bench: bench, lib: lib, procs: procs, values: map[string][]float64{}}
			all = append(all, s)
		}
		for unit, v := range values {
			s.values[unit] = append(s.values[unit], v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no line of a benchmark with lib=NAME was read")
	}
	return all, nil
}

func (all results) find(bench, lib string, procs int) *series {
	i := slices.IndexFunc(all, func(s *series) bool { return s.bench == bench && s.lib == lib && s.procs == procs })
	if i < 0 {
		return nil
	}
	return all[i]
}

// median returns the median of a benchmark's samples; ok is false when there are none.
func (all results) median(bench, lib, unit string, procs int) (v float64, ok bool) {
	s := all.find(bench, lib, procs)
	if s == nil || len(s.values[unit]) == 0 {
		return 0, false
	}
	return median(s.values[unit]), true
}

// parse reads a line such as "BenchmarkX/lib=a/GET-2  100  12.5 ns/op  0 B/op", of benchmark X/GET.
func parse(line string) (bench, lib string, procs int, values map[string]float64, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", "", 0, nil, false
	}
	name, procs := strings.TrimPrefix(fields[0], "Benchmark"), 1
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil {
			name, procs = name[:i], n
		}
	}
	var rest []string
	for part := range strings.SplitSeq(name, "/") {
		if found, is := strings.CutPrefix(part, "lib="); is {
			lib = found
		} else {
			rest = append(rest, part)
		}
	}
	values = map[string]float64{}
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", "", 0, nil, false
		}
		values[fields[i+1]] = v
	}
	return strings.Join(rest, "/"), lib, procs, values, lib != ""
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// printAll prints the medians of every library, and how much of each the first one of its benchmark needs.
func printAll(out io.Writer, all results) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var last *series
	for _, s := range slices.SortedStableFunc(slices.Values(all), func(a, b *series) int {
		return strings.Compare(a.bench, b.bench)*10 + a.procs - b.procs
	}) {
		ns, timed := s.values["ns/op"]
		if !timed {
			continue
		}
		if last == nil || last.bench != s.bench || last.procs != s.procs {
			last = s
			fmt.Fprintf(table, "\n%s, %d processors\tns\tB\tallocs\tof it\n", s.bench, s.procs)
		}
		sum := func(unit string) string {
			if v := s.values[unit]; len(v) > 0 {
				return fmt.Sprintf("%.0f", median(v))
			}
			return "-"
		}
		fmt.Fprintf(table, "  %s\t%.4g\t%s\t%s\t%.3f\n", s.lib, median(ns), sum("B/op"), sum("allocs/op"), median(last.values["ns/op"])/median(ns))
	}
	return table.Flush()
}
