package chaosserver

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
)

// How a connection ends: by its client, as a read or a write tells, or by the server, which is recorded before it happens.
// The first end counts.

// failed notes how the client ended the connection, if that is what the error of a read or write says.
func (c *conn) failed(err error) {
	if isTimeout(err) {
		return // net/http ends its read in the background so, behind each request
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE): // a RST gives EPIPE only where a FIN came before it
		c.ended(journal.ClosedByClientFIN)
	case errors.Is(err, syscall.ECONNRESET):
		c.ended(journal.ClosedByClientRST)
	default:
		c.mu.Lock()
		up := c.upstream
		c.mu.Unlock()
		if up != nil {
			up.Close()
		}
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// ended records the first end of the connection; later ones change nothing.
func (c *conn) ended(how journal.Closer) {
	c.mu.Lock()
	first, failure := c.now == journal.ClosedNot, c.failure
	var up *proxy.Conn
	if first {
		c.now = how
		up = c.upstream
	}
	c.mu.Unlock()
	if up != nil {
		up.Close()
	}
	if first {
		c.srv.connEnded(c, how, failure)
	}
}

// endsToo lets a connection to the upstream end with this one, from now on.
func (c *conn) endsToo(up *proxy.Conn) {
	c.mu.Lock()
	c.upstream = up
	over := c.now != journal.ClosedNot
	c.mu.Unlock()
	if over {
		up.Close()
	}
}

// endsAlone takes that back, and reports whether this connection has not ended meanwhile.
func (c *conn) endsAlone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.upstream = nil
	return c.now == journal.ClosedNot
}

// closer tells who ended the connection first, and how; ClosedNot while nobody did.
func (c *conn) closer() journal.Closer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// standing tells whether no request is to follow on the connection, and who has ended it.
func (c *conn) standing() (told bool, how journal.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told, c.now
}

// byUs reports whether it is the server that ended a connection.
func byUs(how journal.Closer) bool {
	return how == journal.ClosedByServerFIN || how == journal.ClosedByServerRST
}

// abandoned reports whether the client has ended the connection, also where no read has met that end yet.
func (c *conn) abandoned() bool {
	switch c.closer() {
	case journal.ClosedNot:
		how := c.peerEnd()
		if how != journal.ClosedNot {
			c.ended(how)
		}
		return how != journal.ClosedNot
	case journal.ClosedByClientFIN, journal.ClosedByClientRST:
		return true
	}
	return false
}

// Reset ends the connection with a RST, once what was written before is on its way: a RST lets go of the rest.
func (c *conn) Reset() error {
	awaitSent(c.srv.ctx, c.raw)
	c.ended(journal.ClosedByServerRST)
	return errors.Join(c.raw.SetLinger(0), c.raw.Close())
}

// AwaitEnd returns once the connection has ended, or the context has, or the server is closed. It reads nothing, so that
// a client that sends on fills its own buffers.
func (c *conn) AwaitEnd(ctx context.Context) {
	defer func() { _ = c.raw.Close() }()
	if how := awaitPeer(ctx, c.raw, func() bool { return c.closer() != journal.ClosedNot }); how != journal.ClosedNot {
		c.ended(how)
	}
	c.ended(journal.ClosedByServerFIN)
}

// abort resets the connection at once, for a fault has closed its port: what was written and not sent is lost.
func (c *conn) abort(fault int) {
	c.mu.Lock()
	c.refused = fault + 1
	c.mu.Unlock()
	c.ended(journal.ClosedByServerRST)
	_ = c.raw.SetLinger(0)
	_ = c.raw.Close()
}

// refusal is the index of the fault that closed the port and reset the connection; -1 where none did.
func (c *conn) refusal() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused - 1
}

// sayEnd ends our side of the connection as a sound server does: with TLS it says so before the FIN.
func (c *conn) sayEnd() error {
	c.ended(journal.ClosedByServerFIN)
	if c.secure != nil {
		_ = c.secure.CloseWrite() // fails where the client has gone
	}
	return c.raw.CloseWrite()
}

// CloseWrite ends our side of the connection with a FIN; what the client sends can still be read. With TLS the client is not
// told that this is the end (RFC 8446, section 6.1), so that what it has may be cut short.
func (c *conn) CloseWrite() error {
	c.ended(journal.ClosedByServerFIN)
	return c.raw.CloseWrite()
}

// linger waits until the client has answered a FIN of ours, as gone tells, and closes the connection. It does nothing
// where no such FIN was sent.
func (c *conn) linger(gone context.Context) {
	if c.closer() != journal.ClosedByServerFIN {
		return
	}
	_ = fault.Wait(gone, time.Now(), fault.FINWait)
	_ = c.raw.Close()
}

// readOut reads what the client still sends behind a FIN of ours, until it has ended its side or [fault.FINWait] is over,
// and closes the connection: unread bytes would turn the FIN into a RST. It does nothing where no such FIN was sent. Nothing
// else may read from the connection.
func (c *conn) readOut() {
	if c.closer() != journal.ClosedByServerFIN {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(fault.FINWait))
	_, _ = io.Copy(io.Discard, c.raw)
	_ = c.raw.Close()
}

// Close ends the connection, with a FIN where nothing came before.
func (c *conn) Close() error {
	c.ended(journal.ClosedByServerFIN)
	return c.stream.Close()
}
