package chaosserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
)

// beneath is the connection under TLS. crypto/tls gives its farewell, the alert that says that the end is one, five seconds
// to be written; here it has as long as a FIN.
type beneath struct {
	rawConn
	c *conn
}

// Read notes that the client has said something.
func (b beneath) Read(p []byte) (int, error) {
	n, err := b.rawConn.Read(p)
	b.c.heard = b.c.heard || n > 0
	return n, err
}

func (b beneath) SetWriteDeadline(t time.Time) error {
	if soon := time.Now().Add(fault.FINWait); t.After(soon) {
		t = soon
	}
	return b.rawConn.SetWriteDeadline(t)
}

// secureBy makes the connection speak TLS. The handshake comes with its first read.
func (c *conn) secureBy(config *tls.Config) {
	c.secure = tls.Server(beneath{c.raw, c}, config)
	c.stream = c.secure
}

// peerEnd tells how the client has ended the connection, also where no read has met that end yet. With TLS its farewell lies
// unread before the end.
func (c *conn) peerEnd() journal.Closer {
	if c.secure == nil {
		return peerEnd(c.raw)
	}
	if m, ok := c.raw.(*memConn); ok {
		return m.peerHangsUp()
	}
	return peerHangsUp(c.raw)
}

// secureFailed notes why a read from TLS failed, and returns what net/http is to make of it: it answers what it takes for a
// broken request, and there is none.
func (c *conn) secureFailed(err error) error {
	shaken := c.secure.ConnectionState().HandshakeComplete
	if shaken && isTimeout(err) {
		return err // net/http ends its read in the background so, and a request that takes too long
	}
	if shaken && errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // a FIN without farewell is one all the same
	}
	if !shaken || isAlert(err) {
		c.unshaken(err)
	}
	c.failed(err)
	return io.EOF
}

// isAlert reports whether an error is the alert that a client has sent.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// unshaken notes why a handshake failed, and who ended it.
func (c *conn) unshaken(err error) {
	why, how := handshakeFailure(err)
	if how == journal.ClosedNot {
		return // the server has ended the connection
	}
	if c.heard { // else it was no handshake: somebody looked whether the port is open
		c.mu.Lock()
		c.failure = why
		c.mu.Unlock()
	}
	c.answerPlain(err)
	c.ended(how)
}

// handshakeFailure says why a handshake failed, in words that stand behind a colon, and who ended it:
// ClosedNot where the connection was closed by the server for another reason.
func handshakeFailure(err error) (string, journal.Closer) {
	var op *net.OpError
	switch {
	case isAlert(err):
		errors.As(err, &op)
		return strings.TrimPrefix(op.Err.Error(), "tls: "), journal.ClosedByClientFIN
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was ended", journal.ClosedByClientFIN
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset", journal.ClosedByClientRST
	case isTimeout(err):
		return "it took too long", journal.ClosedByServerFIN
	case errors.Is(err, net.ErrClosed):
		return "", journal.ClosedNot
	case looksPlain(err):
		return "it came in the clear, as to http://", journal.ClosedByServerFIN
	}
	return strings.TrimPrefix(err.Error(), "tls: "), journal.ClosedByServerFIN
}

// looksPlain reports whether what came instead of a handshake begins as a request of HTTP does.
func looksPlain(err error) bool {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) {
		return false
	}
	for _, c := range header.RecordHeader[:3] { // a method: that of TLS is no letter
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// answerPlain answers a request that came in the clear, as net/http does, so that whoever sent it sees why.
func (c *conn) answerPlain(err error) {
	if !looksPlain(err) {
		return
	}
	const text = "this port speaks TLS; write https:// in the URL\n"
	_, _ = fmt.Fprintf(c.raw, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// errHello ends a handshake behind its ClientHello.
var errHello = errors.New("the ClientHello was read")

// mute is a connection on which nothing is written.
type mute struct{ beneath }

func (mute) Write(p []byte) (int, error) { return len(p), nil }

// awaitHello reads the client's ClientHello and nothing behind it, and reports whether one came. Else the connection has
// ended. Nothing has been written.
func (c *conn) awaitHello() bool {
	if d := c.srv.config.readTimeout; d > 0 {
		_ = c.raw.SetReadDeadline(time.Now().Add(d))
	}
	err := tls.Server(mute{beneath{c.raw, c}}, &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errHello },
	}).Handshake()
	if errors.Is(err, errHello) {
		_ = c.raw.SetReadDeadline(time.Time{})
		return true
	}
	c.unshaken(err)
	_ = c.raw.Close()
	return false
}
