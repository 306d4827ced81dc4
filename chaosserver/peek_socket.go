//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package chaosserver

import (
	"net"
	"syscall"

	"brownout/chaosserver/journal"
)

// peerEnd tells how the other end has ended the connection, ClosedNot where it has not. It neither waits nor takes a
// byte.
func peerEnd(c net.Conn) journal.Closer {
	if m, ok := c.(*memConn); ok {
		return m.peerEnd()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return journal.ClosedNot
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return journal.ClosedNot
	}
	how := journal.ClosedNot
	_ = rc.Control(func(fd uintptr) { // fails only once we have closed it
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.ECONNRESET:
			how = journal.ClosedByClientRST
		case err == nil && n == 0:
			how = journal.ClosedByClientFIN
		}
	})
	return how
}
