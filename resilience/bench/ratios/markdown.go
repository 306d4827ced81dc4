package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
)

// The lines of a document between which its table of figures stands.
const (
	beginMark = "<!-- figures: go run ./ratios -readme -->"
	endMark   = "<!-- end of figures -->"
)

// updateFile puts the tables of what was found into a document, in place of those between its marks.
func updateFile(path string, found results) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, begins := bytes.Cut(old, []byte(beginMark+"\n"))
	_, tail, ends := bytes.Cut(rest, []byte(endMark))
	if !begins || !ends {
		return fmt.Errorf("%s: found no lines %q and %q to put the tables between", path, beginMark, endMark)
	}
	var b bytes.Buffer
	b.Write(head)
	fmt.Fprintf(&b, "%s\n", beginMark)
	fmt.Fprintf(&b, "Medians, on one processor / on two; Go %s, %s.\n\n", strings.TrimPrefix(runtime.Version(), "go"), runtime.GOARCH)
	markdown(&b, targets, found)
	fmt.Fprintf(&b, "\nFurther:\n\n")
	markdown(&b, further, found)
	fmt.Fprintf(&b, "%s", endMark)
	b.Write(tail)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// markdown writes a table with one row for each target.
func markdown(b *bytes.Buffer, all []target, found results) {
	b.WriteString("| path | this library | peer | ratio | more allocations | at most | |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, t := range all {
		procs := t.procs
		if procs == nil {
			procs = []int{1, 2}
		}
		var ours, theirs, ratios, allocs, verdicts []string
		for _, n := range procs {
			l, ok := t.measured(found, n)
			if !ok {
				continue
			}
			ours = append(ours, figure(l.value))
			if t.peer != "" {
				theirs = append(theirs, figure(l.theirs))
				ratios = append(ratios, fmt.Sprintf("%.2f", l.ratio))
			}
			if !math.IsNaN(l.allocs) {
				allocs = append(allocs, fmt.Sprintf("%.0f", l.allocs))
			}
			verdict := "met"
			if len(l.missed) > 0 {
				verdict = "missed: " + strings.Join(l.missed, ", ")
			}
			verdicts = append(verdicts, verdict)
		}
		peer := t.peer
		if peer != "" {
			peer += ": "
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", t.name, joined(ours), peer+joined(theirs), joined(ratios), joined(allocs), t.allowed(), joined(verdicts))
	}
}

// joined joins the values for one processor and for two; equal words once.
func joined(values []string) string {
	if len(values) == 2 && values[0] == values[1] {
		return values[0]
	}
	return strings.Join(values, " / ")
}

// figure writes a value with three digits that count.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 2:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}
