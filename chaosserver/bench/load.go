package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// connections is how many connections a closed loop keeps busy.
const connections = 64

// load is a client of one thread, which waits in epoll.
type load struct {
	epoll  int
	conns  []*client
	events []syscall.EpollEvent
}

// client is one of its connections.
type client struct {
	fd      int
	in      []byte
	n       int
	request []byte
	sent    time.Time // when the request under way was written; zero with none
}

func newLoad(addr string, n int, request func(i int) string) (*load, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &load{epoll: epoll, events: make([]syscall.EpollEvent, 256)}
	to, err := sockaddr(addr)
	if err != nil {
		return nil, err
	}
	for i := range n {
		if err := l.connect(to, request(i)); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func sockaddr(addr string) (*syscall.SockaddrInet4, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	to := &syscall.SockaddrInet4{Port: n}
	copy(to.Addr[:], net.ParseIP(host).To4())
	return to, nil
}

func (l *load) connect(to *syscall.SockaddrInet4, request string) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.Connect(fd, to),
		syscall.SetNonblock(fd, true),
		syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(len(l.conns))}),
	)
	if err != nil {
		_ = syscall.Close(fd)
		return err
	}
	l.conns = append(l.conns, &client{fd: fd, in: make([]byte, 4096), request: []byte(request)})
	return nil
}

func (l *load) close() {
	for _, c := range l.conns {
		_ = syscall.Close(c.fd)
	}
	_ = syscall.Close(l.epoll)
}

// ask sends the connection's request.
func (c *client) ask() error {
	c.sent = time.Now()
	n, err := syscall.Write(c.fd, c.request)
	if err == nil && n < len(c.request) {
		err = errors.New("a request did not fit into the socket's buffer")
	}
	return err
}

// read reads what there is, and reports whether the answer is whole.
func (c *client) read() (bool, error) {
	n, err := syscall.Read(c.fd, c.in[c.n:])
	if err == syscall.EAGAIN {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, errors.New("the server closed a connection")
	}
	c.n += n
	whole, err := answered(c.in[:c.n])
	if whole {
		c.n = 0
	}
	return whole, err
}

// answered reports whether b holds one whole answer.
func answered(b []byte) (bool, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return false, nil
	}
	const field = "Content-Length: "
	at := bytes.Index(b[:end], []byte(field))
	if at < 0 {
		return false, fmt.Errorf("an answer without a length: %q", b[:end])
	}
	length := 0
	for _, d := range b[at+len(field):] {
		if d < '0' || d > '9' {
			break
		}
		length = 10*length + int(d-'0')
	}
	return len(b) >= end+4+length, nil
}

// wait waits for answers until the instant, and calls done for each that is whole.
func (l *load) wait(until time.Time, done func(c *client, at time.Time) error) error {
	timeout := max(0, int(time.Until(until)/time.Millisecond))
	n, err := syscall.EpollWait(l.epoll, l.events, timeout)
	if err == syscall.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range l.events[:n] {
		c := l.conns[e.Fd]
		whole, err := c.read()
		if err != nil {
			return err
		}
		if whole {
			if err := done(c, time.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// closedLoop keeps every connection busy for so long, and returns the answers of that time.
func (l *load) closedLoop(d time.Duration) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	answers, open := 0, 0
	end := time.Now().Add(d)
	for _, c := range l.conns {
		if err := c.ask(); err != nil {
			return 0, err
		}
		open++
	}
	for open > 0 {
		err := l.wait(end.Add(time.Second), func(c *client, at time.Time) error {
			open--
			if !at.Before(end) {
				return nil
			}
			answers++
			open++
			return c.ask()
		})
		if err != nil {
			return 0, err
		}
	}
	return answers, nil
}

// openLoop sends n requests at a rate, whatever comes back, on connections that are free, and returns how long each took
// from its write to its last byte.
func (l *load) openLoop(n int, rate float64) ([]time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	free := append([]*client(nil), l.conns...)
	took := make([]time.Duration, 0, n)
	start := time.Now()
	sent := 0
	for len(took) < n {
		next := start.Add(time.Duration(float64(sent) / rate * float64(time.Second)))
		if sent < n && !time.Now().Before(next) {
			if len(free) == 0 {
				return nil, errors.New("no connection is free")
			}
			c := free[0] // the one that has been idle longest
			free = free[1:]
			if err := c.ask(); err != nil {
				return nil, err
			}
			sent++
			continue
		}
		if sent == n {
			next = time.Now().Add(time.Second)
		}
		err := l.wait(next, func(c *client, at time.Time) error {
			took = append(took, at.Sub(c.sent))
			free = append(free, c)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}
