package verdict

import (
	"time"

	"brownout/chaosserver/journal"
)

// attempt is an attempt of the journal. What the checks look at most is kept close together beside it, for the records
// of a long run are spread over far more memory than a processor keeps at hand: judging by the records alone took twice
// as long.
type attempt struct {
	*journal.Attempt

	First, Sent, Done, Due time.Duration
	Status                 int
	Ended, Whole, HasDue   bool
	wired                  bool // a wire fault struck
	cut                    bool // a connection cut at accept or tls, which never became a request
}

func newAttempt(a *journal.Attempt) attempt {
	return attempt{Attempt: a, First: a.First, Sent: a.Sent, Done: a.Done, Due: a.Due, Status: a.Status,
		Ended: a.Ended, Whole: a.Whole, HasDue: a.HasDue, wired: a.Wire != ""}
}

// whole2xx reports whether the attempt got a whole answer of success.
func whole2xx(a *attempt) bool {
	return a.Ended && a.Whole && a.Status >= 200 && a.Status < 300
}

// failed reports whether the attempt's answer was no success: an error status, or none that came whole. An attempt
// whose record was cut off has not failed as far as anyone knows, unless its status says so.
func failed(a *attempt) bool {
	return a.Status >= 400 || a.wired && !(a.Ended && a.Whole) || a.Ended && !a.Whole
}

// struck reports whether a wire fault left the client without an answer that it can count on. Behind a whole answer only a
// RST does: it may have overtaken the answer's last bytes.
func struck(a *attempt) bool {
	return a.wired && (!a.Ended || !a.Whole || a.Wire == "rst end")
}

// leftByClient reports whether the client ended the attempt before it had the whole answer.
func leftByClient(a *attempt) bool {
	return a.Ended && !a.Whole && (a.Closed == journal.ClosedByClientFIN || a.Closed == journal.ClosedByClientRST)
}

// seen is the status that the client saw; 0 where it saw none, or left before it had the whole answer.
func seen(a *attempt) int {
	if leftByClient(a) {
		return 0
	}
	return a.Status
}

// ended is when the attempt's answer had ended, for upper bounds.
func ended(a *attempt) time.Duration {
	if a.Ended {
		return a.Done
	}
	return a.Sent
}

func byFirst(a, b *attempt) int {
	switch {
	case a.First < b.First:
		return -1
	case a.First > b.First:
		return 1
	}
	return 0
}
