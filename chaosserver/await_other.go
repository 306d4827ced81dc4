//go:build !linux

package chaosserver

import (
	"net"

	"brownout/chaosserver/journal"
)

// peerHangsUp tells how the other end has ended the connection. Behind bytes that nobody has read it is not seen here.
func peerHangsUp(c net.Conn) journal.Closer { return peerEnd(c) }

// unsent is 0 here, where the kernel does not tell: a RST may overtake what was written right before it.
func unsent(net.Conn) int { return 0 }
