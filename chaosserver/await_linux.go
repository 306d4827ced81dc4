package chaosserver

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"brownout/chaosserver/journal"
)

// onSocket calls f with the descriptor of a socket, if c is one that is open.
func onSocket(c net.Conn, f func(fd int)) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return
	}
	_ = rc.Control(func(fd uintptr) { f(int(fd)) }) // fails only once we have closed it
}

// peerHangsUp tells how the other end has ended the connection, also behind bytes that nobody has read.
func peerHangsUp(c net.Conn) journal.Closer {
	how := journal.ClosedNot
	onSocket(c, func(fd int) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(fds, 0); err != nil || n == 0 {
			return
		}
		switch got := fds[0].Revents; {
		case got&(unix.POLLERR|unix.POLLHUP) != 0:
			how = journal.ClosedByClientRST
		case got&unix.POLLRDHUP != 0:
			how = journal.ClosedByClientFIN
		}
	})
	return how
}

// unsent is how many bytes written to the connection the kernel has not sent yet.
func unsent(c net.Conn) int {
	left := 0
	onSocket(c, func(fd int) {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQNSD); err == nil {
			left = n
		}
	})
	return left
}
