package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// target is one row of the table.
type target struct {
	name  string
	bench string
	ours  string // the library that is held to the target; empty = brownout
	unit  string // empty = ns/op

	peer  string  // what it is compared with; empty: nothing
	over  string  // a library that is taken off both: the price beyond it; empty: none
	ratio float64 // at most, of the peer

	most   float64 // the value itself at most; 0: not looked at
	least  float64 // and at least
	either bool    // ratio or most is enough

	allocs int  // at most, or more than over has at most; -1: not looked at
	scales bool // as fast on two processors as on one, at least

	procs []int // nil = 1 and 2
}

const none = -1

// of issue 3 and LIBRARY's section 7: what each path may take, beside the best peer in the same run.
var targets = []target{
	{name: "retry, context and budget, first succeeds (or 9 ns)", bench: "RetryFirst", peer: "retry-go-without-context", ratio: 1, most: 9, either: true},
	{name: "retry, one failure, zero delay", bench: "RetryOneFailure", peer: "go-resiliency", ratio: 0.15},
	{name: "breaker closed, consecutive", bench: "BreakerConsecutive", peer: "gobreaker", ratio: 0.10, scales: true},
	{name: "breaker closed, 10 s sliding rate", bench: "BreakerRate", peer: "gobreaker", ratio: 0.12, scales: true},
	{name: "breaker open, rejection with RetryAfter", bench: "BreakerOpen", peer: "gobreaker", ratio: 0.10},
	{name: "limiter Allow granted", bench: "LimiterGranted", peer: "x-time-rate", ratio: 0.5},
	{name: "limiter Allow refused", bench: "LimiterRefused", peer: "x-time-rate", ratio: 0.4},
	{name: "limiter Wait, token there", bench: "LimiterWait", peer: "x-time-rate", ratio: 0.5},
	{name: "limiter flat out, 200,000/s, of the limit", bench: "LimiterFlatOut/rate=200000", unit: "of-limit", most: 1, least: 0.995, allocs: none, procs: two},
	{name: "limiter flat out, 1 M/s, of the limit", bench: "LimiterFlatOut/rate=1000000", unit: "of-limit", most: 1, least: 0.995, allocs: none, procs: two},
	{name: "64 waiters at 5,000/s, of the limit", bench: "LimiterWaiters/burst=50", unit: "of-limit", most: 1, least: 0.9995, allocs: none, procs: two},
	{name: "64 waiters, the best served of the least", bench: "LimiterWaiters/burst=50", unit: "best/least", most: 1.03, allocs: none, procs: two},
	{name: "100 cancelled waiters at 100/s, ms to the next", bench: "LimiterCancelled", unit: "ms-to-next", most: 10, allocs: none, procs: two},
	{name: "retry, budget, breaker, limiter around a function", bench: "Compose", peer: "gobreaker-and-x-time-by-hand", ratio: 0.4},
	{name: "RoundTripper, the same four, GET, over bare", bench: "RoundTrip/with=four/GET", peer: "retryablehttp-gobreaker-x-time", over: "bare", ratio: 0.12},
	{name: "RoundTripper, the same four, POST, over bare", bench: "RoundTrip/with=four/POST", peer: "retryablehttp-gobreaker-x-time", over: "bare", ratio: 0.12},
	{name: "plus bulkhead and attempt timeout, GET, over bare", bench: "RoundTrip/with=six/GET", peer: "failsafehttp", over: "bare", ratio: 0.12, allocs: 3},
	{name: "plus bulkhead and attempt timeout, POST, over bare", bench: "RoundTrip/with=six/POST", peer: "failsafehttp", over: "bare", ratio: 0.12, allocs: 3},
	{name: "hedge, first attempt wins in time", bench: "Hedge", peer: "failsafe-go", ratio: 0.3, allocs: 3},
	{name: "dedupe, 1 M keys, duplicate hit", bench: "DedupeDuplicate", peer: "xsync-map", ratio: 0.6},
	{name: "dedupe, 1 M keys, bytes a key", bench: "DedupeFill", unit: "B/key", most: 40, allocs: none, procs: one},
	{name: "dedupe, 1 M keys, full GC, of an empty heap", bench: "DedupeFill", unit: "ms/gc", peer: "empty", ratio: 1.15, allocs: none, procs: one},
	{name: "idempotent replay of 512 B, ns over bare", bench: "IdempotentReplay", over: "bare", most: 250, allocs: 1},
	{name: "webhook verify and claim, 512 B, of the HMAC", bench: "Webhook/body=512B", peer: "hmac", ratio: 1.6},
}

// further are targets of LIBRARY's section 7 that the issue does not repeat.
var further = []target{
	{name: "breaker, sliding rate and slow calls, ns", bench: "BreakerRate", ours: "brownout-and-slow-calls", most: 75},
	{name: "bulkhead", bench: "Bulkhead", peer: "x-sync-semaphore", ratio: 0.64},
	{name: "RoundTripper, retry alone, GET, ns over bare", bench: "RoundTrip/with=retry/GET", over: "bare", most: 15},
	{name: "RoundTripper, retry alone, POST, ns over bare", bench: "RoundTrip/with=retry/POST", over: "bare", most: 15},
	{name: "dedupe, claim and commit of 1 M keys, of sync.Map", bench: "DedupeFill", unit: "ns/key", peer: "sync-map", ratio: 0.5, allocs: none, procs: one},
	{name: "store in memory, 1 M keys, bytes a key", bench: "StoreFill", unit: "B/key", most: 60, allocs: none, procs: one},
	{name: "store in memory, full GC, of an empty heap", bench: "StoreFill", unit: "ms/gc", peer: "empty", ratio: 1.15, allocs: none, procs: one},
	{name: "idempotency, no key, ns over bare", bench: "IdempotentKeyless", over: "bare", most: 10},
	{name: "idempotency, first request, ns over bare", bench: "IdempotentFirst", over: "bare", most: 900, allocs: 5, procs: one},
	{name: "idempotent replay, of one by hand with SHA-256", bench: "IdempotentReplay", peer: "by-hand-sha256", over: "bare", ratio: 0.6, allocs: 1},
	{name: "webhook verify alone, 512 B, of standard-webhooks", bench: "Webhook/body=512B", ours: "brownout-verify", peer: "standard-webhooks-verify", ratio: 0.36},
	{name: "webhook verify and claim, 512 B, ns", bench: "Webhook/body=512B", most: 900, allocs: 2},
	{name: "webhook verify and claim, 16 KiB, of the HMAC", bench: "Webhook/body=16KiB", peer: "hmac", ratio: 1.03},
}

var one, two = []int{1}, []int{2}

// line is a row that was measured.
type line struct {
	value  float64 // ours, beyond over
	theirs float64
	ratio  float64 // NaN without a peer
	allocs float64 // NaN where they are not looked at
	missed []string
}

// measured holds what was found to the target; ok is false where something was not measured.
func (t target) measured(found results, procs int) (l line, ok bool) {
	unit, ours := t.unit, t.ours
	if unit == "" {
		unit = "ns/op"
	}
	if ours == "" {
		ours = "brownout"
	}
	bare, bareAllocs := 0.0, 0.0
	if t.over != "" {
		if bare, ok = found.median(t.overBench(), t.over, unit, procs); !ok {
			return l, false
		}
		bareAllocs, _ = found.median(t.overBench(), t.over, "allocs/op", procs)
	}
	if l.value, ok = found.median(t.bench, ours, unit, procs); !ok {
		return l, false
	}
	l.value -= bare
	l.ratio, l.allocs = math.NaN(), math.NaN()
	inRatio := false
	if t.peer != "" {
		if l.theirs, ok = found.median(t.bench, t.peer, unit, procs); !ok {
			return l, false
		}
		l.theirs -= bare
		l.ratio = l.value / l.theirs
		inRatio = l.ratio <= t.ratio
	}
	inBounds := t.most > 0 && l.value <= t.most && l.value >= t.least
	switch {
	case t.either && (inRatio || inBounds):
	case t.peer != "" && !inRatio:
		l.missed = append(l.missed, "ratio")
	case t.peer == "" && !inBounds:
		l.missed = append(l.missed, "value")
	}
	if t.allocs != none {
		n, _ := found.median(t.bench, ours, "allocs/op", procs)
		if l.allocs = n - bareAllocs; l.allocs > float64(t.allocs) {
			l.missed = append(l.missed, "allocations")
		}
	}
	if t.scales && procs == 2 {
		if alone, ok := found.median(t.bench, ours, unit, 1); ok && l.value+bare > alone {
			l.missed = append(l.missed, "slower on two processors")
		}
	}
	return l, true
}

// overBench returns the benchmark of the library that is taken off: of a RoundTripper, the one with no policy.
func (t target) overBench() string {
	parts := strings.Split(t.bench, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "with=") {
			parts[i] = "with=none"
		}
	}
	return strings.Join(parts, "/")
}

// allowed tells what the target allows.
func (t target) allowed() string {
	var all []string
	if t.peer != "" {
		all = append(all, fmt.Sprintf("%.4g", t.ratio))
	}
	if t.most > 0 {
		all = append(all, fmt.Sprintf("%.5g", t.most))
	}
	text := strings.Join(all, " or ")
	if t.least > 0 {
		text = fmt.Sprintf("%g to %g", t.least, t.most)
	}
	if t.allocs != none {
		text += fmt.Sprintf(", %d", t.allocs)
	}
	return text
}

// printTargets prints the tables and how many targets were met.
func printTargets(out io.Writer, found results) error {
	if err := printTable(out, "The issue's table", targets, found); err != nil {
		return err
	}
	return printTable(out, "Further targets", further, found)
}

func printTable(out io.Writer, title string, all []target, found results) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\tCPUs\tthis library\tpeer\tratio\tallocs\tat most\t\n", title)
	met, missed, absent := 0, 0, 0
	number := func(v float64) string {
		if math.IsNaN(v) {
			return "-"
		}
		return fmt.Sprintf("%.4g", v)
	}
	for _, t := range all {
		procs := t.procs
		if procs == nil {
			procs = []int{1, 2}
		}
		for _, n := range procs {
			l, ok := t.measured(found, n)
			if !ok {
				absent++
				fmt.Fprintf(table, "%s\t%d\t-\t-\t-\t-\t%s\tnot measured\n", t.name, n, t.allowed())
				continue
			}
			theirs, verdict := "-", "met"
			if t.peer != "" {
				theirs = number(l.theirs)
			}
			if len(l.missed) > 0 {
				verdict = "MISSED: " + strings.Join(slices.Compact(l.missed), ", ")
				missed++
			} else {
				met++
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.name, n, number(l.value), theirs, number(l.ratio), number(l.allocs), t.allowed(), verdict)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d met, %d missed, %d not measured\n\n", met, missed, absent)
	return err
}
