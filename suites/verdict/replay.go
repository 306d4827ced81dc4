package verdict

import (
	"time"
)

// replayWithin is the longest time from the end of an attempt to its transport replay.
const replayWithin = 30 * time.Millisecond

// labelReplays labels the transport replays: the attempt before was not the first on its connection and got zero
// bytes of an answer, and this one came on another connection within 30 ms; at most one a call. What the client
// itself broke off was no connection that died under a request, so what follows it is a retry of its own.
func (e *evidence) labelReplays() {
	for i := range e.calls {
		c := &e.calls[i]
		for k := 0; k+1 < len(c.atts); k++ {
			if c.atts[k].Whole {
				continue
			}
			is, overdue := e.isReplay(c.atts[k], c.atts[k+1])
			if !is {
				continue
			}
			c.replay, c.overdue = k, overdue
			e.replays++
			break
		}
	}
}

// isReplay reports whether b replays a, and whether only the machine's lateness lets it be in time.
func (e *evidence) isReplay(a, b *attempt) (is, overdue bool) {
	if a.ConnRequest <= 1 || a.Conn == b.Conn || b.Conn == 0 || !a.Ended || a.BytesSent > 0 {
		return false, false
	}
	if leftByClient(a) || b.First < a.Sent {
		return false, false
	}
	gap := b.First - a.Done
	if gap <= replayWithin {
		return true, false
	}
	return gap-e.lateness(a.Done, b.First) <= replayWithin, true
}
