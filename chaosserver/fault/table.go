package fault

import (
	"fmt"
	"slices"

	"brownout/scenarios"
)

// parts is the table of what an answer consists of, in the order in which it goes over the wire: a row for each part,
// with the keys of the grammar that say it, and what makes it ready. A new part is a row here and a file of its own.
var parts = []struct {
	keys    []string
	prepare func(*Answer, *scenarios.Answer)
}{
	{[]string{"status"}, prepareStatus},
	{[]string{"headers"}, prepareHeaders},
	{[]string{"retry_after"}, prepareRetryAfter},
	{[]string{"json", "text", "size"}, prepareBody},
}

// strikers is the table of wire faults: a row for each thing that can be done, with the keys that say it and the
// points of the exchange at which it can be done. A new wire fault is a row here and a file beside reset.go.
var strikers = []struct {
	keys   []string
	do     scenarios.WireDo
	at     []scenarios.WireAt
	strike Striker
}{
	{[]string{"reset"}, scenarios.WireRST, []scenarios.WireAt{scenarios.AtAccept, scenarios.AtBeforeHeaders}, reset},
	{[]string{"close"}, scenarios.WireFIN, []scenarios.WireAt{scenarios.AtAccept, scenarios.AtBeforeHeaders}, fin},
}

// Keys returns the keys of an answer that this package carries out, sorted. With times and optional, which are the
// plan's, they are all that the grammar has built.
func Keys() []string {
	keys := []string{"delay", "do", "at"} // latency.go; do and at are the long names of the wire faults
	for _, row := range parts {
		keys = append(keys, row.keys...)
	}
	for _, row := range strikers {
		keys = append(keys, row.keys...)
	}
	slices.Sort(keys)
	return keys
}

// ForWire returns what carries out a wire fault. The error names a fault that nothing carries out.
func ForWire(w *scenarios.WireFault) (Striker, error) {
	for _, row := range strikers {
		if row.do == w.Do && slices.Contains(row.at, w.At) {
			return row.strike, nil
		}
	}
	return nil, fmt.Errorf("no wire fault does %v at %v", w.Do, w.At)
}
