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
	{[]string{"redirect"}, prepareRedirect},
	{[]string{"interim"}, prepareInterim},
	{[]string{"connection", "linger"}, prepareConnection},
	{[]string{"framing"}, prepareFraming},
	{[]string{"json", "text", "size", "file"}, prepareBody},
	{[]string{"encoding"}, prepareEncoding},
}

// strikers is the table of wire faults: a row for each thing that can be done, with the keys that say it. At which points
// it can be done, the grammar says. A new wire fault is a row here and a file beside reset.go. Two strike no connection: a drip
// is the pace at which bytes go, see [Drip], and what is refused never comes to be one.
var strikers = []struct {
	keys   []string
	do     scenarios.WireDo
	strike Striker
}{
	{[]string{"reset"}, scenarios.WireRST, reset},
	{[]string{"close", "truncate"}, scenarios.WireFIN, fin},
	{[]string{"stall"}, scenarios.WireStall, stall},
	{[]string{"drip", "rate"}, scenarios.WireDrip, nil},
	{[]string{"garbage", "bytes"}, scenarios.WireGarbage, garbage},
	{[]string{"refuse"}, scenarios.WireRefuse, nil},
}

// Keys returns the keys of an answer that this package carries out, sorted. With times and optional, which are the
// plan's, they are all that the grammar has built.
func Keys() []string {
	keys := []string{
		"delay", "body_delay", // latency.go
		"duplicate",             // duplicate.go
		"early", "wait", "hold", // of which the server knows the instant
		"commit",            // which is the ledger's
		"quota",             // whose fields package quota writes
		"do", "at", "after", // the long names of the wire faults
	}
	for _, row := range parts {
		keys = append(keys, row.keys...)
	}
	for _, row := range strikers {
		keys = append(keys, row.keys...)
	}
	slices.Sort(keys)
	return keys
}

// ForWire returns what carries out a wire fault; nil for a drip and for what is refused. The error names a fault that nothing carries out.
func ForWire(w *scenarios.WireFault) (Striker, error) {
	for _, row := range strikers {
		if row.do == w.Do {
			return row.strike, nil
		}
	}
	return nil, fmt.Errorf("no wire fault does %v at %v", w.Do, w.At)
}
