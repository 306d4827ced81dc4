//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package chaosserver

import (
	"net"

	"brownout/chaosserver/journal"
)

// peerEnd tells how the other end has ended the connection, ClosedNot where it has not. Without a peek at the socket
// only a connection in memory can tell; elsewhere the end is seen by the read that waits on it.
func peerEnd(c net.Conn) journal.Closer {
	if m, ok := c.(*memConn); ok {
		return m.peerEnd()
	}
	return journal.ClosedNot
}
