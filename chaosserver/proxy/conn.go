package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	readBuffer = 4 << 10  // bytes, to begin with
	keptBuffer = 16 << 10 // the most that an idle connection keeps
)

// Conn is a connection to the upstream, for one exchange at a time. Its methods are for one goroutine, but for Write, which
// another may use meanwhile, and for Close, which any may call.
type Conn struct {
	up  *Upstream
	nc  net.Conn
	raw syscall.RawConn // of the socket; nil where there is none

	buf  []byte
	r, w int // what was read and not taken is buf[r:w]

	res    Response
	reused bool
	got    bool          // bytes have come in this exchange
	keep   time.Duration // how long it may be idle
	since  time.Time     // when it became so
	peek   func(fd uintptr)
	silent bool // what peek saw

	closed atomic.Bool
}

func newConn(u *Upstream, nc, raw net.Conn) *Conn {
	c := &Conn{up: u, nc: nc, buf: make([]byte, readBuffer), keep: idleFor}
	c.peek = c.peekAt
	if s, ok := raw.(syscall.Conn); ok {
		if rc, err := s.SyscallConn(); err == nil {
			c.raw = rc
		}
	}
	return c
}

// Write writes to the upstream.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.nc.Write(p)
	if err != nil {
		err = fmt.Errorf("the request could not be sent: %w", err)
	}
	return n, err
}

// CloseWrite ends our side of the connection, where that can be done alone.
func (c *Conn) CloseWrite() error {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close ends the connection, also under an exchange, which then fails.
func (c *Conn) Close() {
	if !c.closed.Swap(true) {
		_ = c.nc.Close()
	}
}

// Closed reports whether Close was called.
func (c *Conn) Closed() bool { return c.closed.Load() }

// Release ends the exchange. The connection is kept for another where the request was sent whole, the answer was read to its
// end, and neither side wants it closed.
func (c *Conn) Release(sent bool) {
	res := &c.res
	if !sent || !res.done || res.closes || c.r < c.w || res.keep <= 0 || c.closed.Load() {
		c.Close()
		return
	}
	c.keep = res.keep
	if len(c.buf) > keptBuffer {
		c.buf = make([]byte, readBuffer)
	}
	c.r, c.w = 0, 0
	res.release()
	c.up.put(c)
}

// Take returns the connection under an exchange that has left HTTP (101), with what was read of the other protocol already.
func (c *Conn) Take() (net.Conn, []byte) { return c.nc, c.buf[c.r:c.w] }

// fill reads more of what the upstream sends.
func (c *Conn) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	switch {
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.nc.Read(c.buf[c.w:])
	if n > 0 {
		c.w += n
		c.got = true
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// SetAnswerDeadline bounds the wait for what the upstream sends next; the zero time: none.
func (c *Conn) SetAnswerDeadline(t time.Time) { _ = c.nc.SetReadDeadline(t) }

// TimedOut reports whether an error is that of a bound of time.
func TimedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
