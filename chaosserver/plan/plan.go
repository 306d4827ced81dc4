package plan

import (
	"time"

	"brownout/scenarios"
)

// Input is everything that a decision about one attempt may depend on. The journal stores it, so that any
// decision can be recomputed.
type Input struct {
	Route       int // index into Scenario.Routes; -1 where the scenario has no routes
	Case        int // index into the route's Cases; 0 where it has none
	Call        int // 1-based: the driver's number of the call, or its ordinal on the route
	Attempt     int // 1-based ordinal of the attempt in its call
	Entries     int // how many attempts the list of answers has answered before this one, of all that it counts
	Nth         int // 1-based ordinal of the attempt on its route
	Arrival     int // 1-based ordinal of the attempt in the run
	ConnRequest int // 1-based ordinal on its connection; 0 unknown
	Refused     int // 1-based ordinal of the limit that refuses the attempt; 0: none does
	Elapsed     time.Duration

	Ledger Ledger // what the ledger says, asked between the two steps
	Stored int    // index of the entry that the key stands for, with LedgerStored

	Method string
	Path   string
	Client string
	Host   string                     // name of the host that it came to; "" the only one
	Header func(name string) []string // the request's fields of that name
	Body   []byte                     // as much of it as the server keeps
}

// Decision is what the server does to one attempt, and why. Its slices are reused by the next call with the same
// Decision.
type Decision struct {
	Answer  *scenarios.Answer // the one that answers: the entry's, the limit's, or the fault's; never nil
	Entry   int               // index of the entry of answers; -1 where a fault answers, a limit, or the upstream
	Fault   int               // index of the fault that answers; -1 where none does
	Limit   int               // index of the limit that answers; -1 where none does
	Delay   time.Duration     // drawn, all delays added up
	Body    time.Duration     // drawn: between the header block and the body
	Wire    *scenarios.WireFault
	Phase   int   // index of the phase; -1 where there are none
	Drawn   []int // indices of the faults whose triggers held
	Applied []int // indices of the faults that struck
	Reason  string

	Overrule *bool         // what the faults say of effects; nil: nothing
	Commit   bool          // the attempt commits an effect, once its request has been read whole
	Stored   int           // with Commit: index of the entry that its key stands for
	Work     time.Duration // with Commit, drawn: how long it is at work; where an entry answers, Delay has it too

	// Forward: the upstream of a proxy answers. Answer then says nothing.
	Forward   bool
	Copies    int           // so many requests go to the upstream where a fault duplicates them; 0: one
	CopyAfter time.Duration // between them

	last *fault // the last fault that struck, between the two steps
}

// ConnDecision is what the server does to one connection, at accept or tls.
type ConnDecision struct {
	Wire    *scenarios.WireFault // nil: nothing
	Delay   time.Duration        // before the wire fault
	Drawn   []int
	Applied []int
	Reason  string
}
