package chaosserver

import (
	"context"
	"net"
	"time"

	"brownout/chaosserver/journal"
)

// awaitTick is how often a socket is looked at whose bytes must not be taken.
const awaitTick = 10 * time.Millisecond

// awaitPeer waits until the other end has ended the connection, also behind bytes that nobody has read, and tells how;
// ClosedNot once ctx has ended or over holds. It reads nothing.
func awaitPeer(ctx context.Context, c net.Conn, over func() bool) journal.Closer {
	if m, ok := c.(*memConn); ok {
		return m.awaitPeer(ctx)
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return peerHangsUp(c)
		case <-tick.C:
		}
		if how := peerHangsUp(c); how != journal.ClosedNot || over() {
			return how
		}
		tick.Reset(awaitTick)
	}
}

// sentTick is how often a socket is asked whether it has sent everything.
const sentTick = time.Millisecond

// awaitSent waits until everything that was written to the connection has been sent, the other end has ended it, or ctx
// has ended.
func awaitSent(ctx context.Context, c net.Conn) {
	if _, ok := c.(*memConn); ok {
		return // what is written is sent
	}
	for unsent(c) > 0 && peerHangsUp(c) == journal.ClosedNot {
		select {
		case <-time.After(sentTick):
		case <-ctx.Done():
			return
		}
	}
}
