package chaosserver

import (
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// socket is a descriptor that is closed as files are.
type socket int

func (s socket) Close() error { return unix.Close(int(s)) }

// keepNumber takes a port's number without listening on it, and returns the address with that number. Who connects to it is
// refused, and the kernel gives the number to nobody who asks for any free one, until the closer is closed. The server
// itself can listen beside it, since both sockets say SO_REUSEADDR and this one never listens (Linux's socket(7)).
func keepNumber(addr string) (io.Closer, string, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	family, sa := sockaddr(tcp)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, "", &net.OpError{Op: "socket", Net: "tcp", Addr: tcp, Err: err}
	}
	s := socket(fd)
	fail := func(err error) (io.Closer, string, error) {
		_ = s.Close()
		return nil, "", &net.OpError{Op: "bind", Net: "tcp", Addr: tcp, Err: err}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fail(err)
	}
	if family == unix.AF_INET6 {
		only := 1
		if len(tcp.IP) == 0 {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return fail(err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return fail(err)
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return fail(err)
	}
	bound := *tcp
	switch got := got.(type) {
	case *unix.SockaddrInet4:
		bound.Port = got.Port
	case *unix.SockaddrInet6:
		bound.Port = got.Port
	}
	return s, bound.String(), nil
}

// sockaddr is an address as the kernel takes it.
func sockaddr(tcp *net.TCPAddr) (int, unix.Sockaddr) {
	if ip := tcp.IP.To4(); ip != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(ip)}
	}
	sa := &unix.SockaddrInet6{Port: tcp.Port}
	copy(sa.Addr[:], tcp.IP.To16()) // none is every address
	return unix.AF_INET6, sa
}
