package chaosserver

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"brownout/chaosserver/journal"
)

// memWindow is how many unread bytes one direction of a connection in memory holds before its writer waits.
const memWindow = 256 << 10

// memConn is one end of a connection in memory. It follows what Linux does with TCP on loopback:
//
//   - Close sends FIN, or RST where unread bytes remain or SetLinger(0) was called; CloseWrite sends FIN alone.
//   - What was written before a FIN or a RST can still be read. Then FIN gives io.EOF, whatever follows it, and RST
//     gives ECONNRESET.
//   - The first write to an end that is closed is accepted, and answered by RST; later ones give EPIPE.
//
// Its methods may be called from several goroutines.
type memConn struct {
	link          *memLink
	in, out       *memFlow // what this end reads, and what it writes
	local, remote memAddr
}

// memLink is what the two ends of a connection share: one mutex, since every event concerns both.
type memLink struct {
	mu sync.Mutex // guards both flows
}

// memFlow is one direction of a connection.
type memFlow struct {
	wake sync.Cond // its mutex is the link's; told of every change

	data   []byte // written; the bytes before off have been read
	off    int
	fin    bool // its writer has said FIN, or is closed
	gone   bool // its reader is closed
	rst    bool // RST was sent to its reader
	told   bool // its reader has been given ECONNRESET by a write
	closed bool // its writer is closed
	linger bool // its writer has said SetLinger(0)

	read, write deadline
}

// unread requires the link's mutex.
func (f *memFlow) unread() int { return len(f.data) - f.off }

// take moves unread bytes to p. It requires the link's mutex.
func (f *memFlow) take(p []byte) int {
	n := copy(p, f.data[f.off:])
	f.off += n
	if f.off == len(f.data) {
		f.data, f.off = f.data[:0], 0
	}
	f.wake.Broadcast()
	return n
}

// put adds what there is room for, and tells how much. It requires the link's mutex.
func (f *memFlow) put(p []byte) int {
	n := min(len(p), memWindow-f.unread())
	if f.off > 0 && len(f.data)+n > cap(f.data) {
		f.data, f.off = append(f.data[:0], f.data[f.off:]...), 0
	}
	f.data = append(f.data, p[:n]...)
	f.wake.Broadcast()
	return n
}

// newMemPair returns the two ends of a connection.
func newMemPair(client, server memAddr) (*memConn, *memConn) {
	link := &memLink{}
	up, down := &memFlow{}, &memFlow{}
	up.wake.L, down.wake.L = &link.mu, &link.mu
	return &memConn{link, down, up, client, server}, &memConn{link, up, down, server, client}
}

// deadline is a bound on one operation; see net.Conn.
type deadline struct {
	timer   *time.Timer
	passed  bool
	setting int // counts the settings, so that a timer of an earlier one does nothing
}

// set requires the mutex of cond.
func (d *deadline) set(t time.Time, cond *sync.Cond) {
	d.setting++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.passed = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		cond.Broadcast()
		return
	}
	setting := d.setting
	d.timer = time.AfterFunc(left, func() {
		cond.L.Lock()
		defer cond.L.Unlock()
		if d.setting == setting {
			d.passed = true
			cond.Broadcast()
		}
	})
}

// Read reads what the other end wrote.
func (c *memConn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch f := c.in; {
		case c.out.closed:
			return 0, c.fail("read", net.ErrClosed)
		case f.read.passed:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case f.unread() > 0:
			return f.take(p), nil
		case f.fin:
			return 0, io.EOF
		case f.rst:
			f.told = true
			return 0, c.fail("read", os.NewSyscallError("read", syscall.ECONNRESET))
		}
		c.in.wake.Wait()
	}
}

// Write writes to the other end, and waits while that has too much unread.
func (c *memConn) Write(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	n := 0
	for {
		switch f := c.out; {
		case f.closed:
			return n, c.fail("write", net.ErrClosed)
		case f.write.passed:
			return n, c.fail("write", os.ErrDeadlineExceeded)
		case c.in.rst && !c.in.fin && !c.in.told:
			c.in.told = true
			return n, c.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case c.in.rst || f.fin:
			return n, c.fail("write", os.NewSyscallError("write", syscall.EPIPE))
		case n == len(p):
			return n, nil
		case f.gone: // accepted, and answered by RST
			c.in.rst = true
			c.in.wake.Broadcast()
			return len(p), nil
		case f.unread() < memWindow:
			n += f.put(p[n:])
			continue
		}
		c.out.wake.Wait()
	}
}

// Close ends the connection with FIN, or with RST where unread bytes remain or SetLinger(0) was called.
func (c *memConn) Close() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.out.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.out.closed, c.in.gone = true, true
	if c.out.linger || c.in.unread() > 0 {
		c.out.rst = true
	} else {
		c.out.fin = true
	}
	c.in.data, c.in.off = nil, 0
	for _, d := range []*deadline{&c.in.read, &c.out.write} {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	c.in.wake.Broadcast()
	c.out.wake.Broadcast()
	return nil
}

// CloseWrite sends FIN; the other end can still be read.
func (c *memConn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.out.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.out.fin = true
	c.out.wake.Broadcast()
	return nil
}

// SetLinger with 0 makes Close send RST. Other values restore the default.
func (c *memConn) SetLinger(sec int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.out.linger = sec == 0
	return nil
}

// peerEnd tells how the other end has ended the connection, without reading from it; ClosedNot where it has not.
func (c *memConn) peerEnd() journal.Closer {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	switch {
	case c.in.unread() > 0:
		return journal.ClosedNot
	case c.in.fin:
		return journal.ClosedByClientFIN
	case c.in.rst:
		return journal.ClosedByClientRST
	}
	return journal.ClosedNot
}

// peerHangsUp tells how the other end has ended the connection, also behind bytes that nobody has read.
func (c *memConn) peerHangsUp() journal.Closer {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	switch {
	case c.in.fin:
		return journal.ClosedByClientFIN
	case c.in.rst:
		return journal.ClosedByClientRST
	}
	return journal.ClosedNot
}

// LocalAddr is this end's address.
func (c *memConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end's address.
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline bounds reads and writes, those under way too. The zero time means none.
func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads.
func (c *memConn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.in.read, &c.in.wake, t) }

// SetWriteDeadline bounds writes.
func (c *memConn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(&c.out.write, &c.out.wake, t)
}

func (c *memConn) setDeadline(d *deadline, wake *sync.Cond, t time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.out.closed {
		return c.fail("set", net.ErrClosed)
	}
	d.set(t, wake)
	return nil
}

func (c *memConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "memory", Source: c.local, Addr: c.remote, Err: err}
}

// awaitPeer waits until the other end has ended the connection, and tells how; ClosedNot once this end is closed or ctx
// has ended. It reads nothing.
func (c *memConn) awaitPeer(ctx context.Context) journal.Closer {
	stop := context.AfterFunc(ctx, func() {
		c.link.mu.Lock()
		defer c.link.mu.Unlock()
		c.in.wake.Broadcast()
	})
	defer stop()
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch {
		case c.in.fin:
			return journal.ClosedByClientFIN
		case c.in.rst:
			return journal.ClosedByClientRST
		case c.out.closed || ctx.Err() != nil:
			return journal.ClosedNot
		}
		c.in.wake.Wait()
	}
}
