package verdict

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// measured writes a measured duration: seconds with three decimals.
func measured(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "s"
}

// short writes a duration as an author would: 2s, 1.5s, 250ms, 1m30s. It is rounded to milliseconds.
func short(d time.Duration) string {
	d = d.Round(time.Millisecond)
	switch {
	case d == 0:
		return "0s"
	case d < time.Second && d > -time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < time.Minute && d > -time.Minute:
		return trimmed(d.Seconds(), 3) + "s"
	}
	s := d.String()
	s, zeroSeconds := strings.CutSuffix(s, "m0s")
	if zeroSeconds {
		s += "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok && zeroSeconds {
		s = cut + "h"
	}
	return s
}

// plural writes a number of things: 1 call, 2 calls, 2 statuses, 2 retries.
func plural(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	case strings.HasSuffix(noun, "ry"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// one is 1 for true and 0 for false.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// was is the verb that goes with a number of things.
func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// list joins words as a sentence does: "a, b and c".
func list(words []string, and string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + and + " " + words[last]
}

// factor writes a factor or a mean: 1.3, 2.07, 3.
func factor(f float64) string {
	return trimmed(f, 2)
}

// trimmed writes a number with at most so many decimals.
func trimmed(f float64, decimals int) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', decimals, 64), "0"), ".")
}

// percent writes a share: 99%, 99.5%.
func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'f', -1, 64) + "%"
}

// tally counts texts and writes them in the order in which they first came.
type tally struct {
	names  []string
	counts map[string]int
}

func (t *tally) add(name string) {
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	if t.counts[name] == 0 {
		t.names = append(t.names, name)
	}
	t.counts[name]++
}

// listed writes at most n of the texts with their counts: "GET /a (2×), GET /b (1×) and 3 more".
func (t *tally) listed(n int) string {
	parts := make([]string, 0, n)
	for _, name := range t.names[:min(n, len(t.names))] {
		parts = append(parts, fmt.Sprintf("%s (%d×)", name, t.counts[name]))
	}
	s := strings.Join(parts, ", ")
	if more := len(t.names) - n; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
