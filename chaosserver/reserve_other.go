//go:build !linux

package chaosserver

import (
	"io"
	"net"
)

// keepNumber finds a port's number, and returns the address with that number. Nothing keeps the number from other processes
// while the port is closed.
func keepNumber(addr string) (io.Closer, string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	addr = l.Addr().String()
	return nil, addr, l.Close()
}
