package chaosserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
)

const (
	// maxRawHead bounds the copy of a request's header block. The fields of a longer one are journalled from the
	// parsed request, sorted.
	maxRawHead = 64 << 10
	// keptRawHead is the most that an idle connection keeps of the buffers for that copy.
	keptRawHead = 4 << 10
	// lookBack is how many of the latest bytes are kept while a body is read, in case they begin the next request.
	// net/http reads ahead by no more than its buffer of 4 KiB, and one byte in the background.
	lookBack = 4<<10 + 1
)

// rawConn is what a connection must be able to do for the wire faults; *net.TCPConn and *memConn are.
type rawConn interface {
	net.Conn
	SetLinger(sec int) error
	CloseWrite() error
}

// conn is one connection of a client. net/http reads requests from it; the answers are written past net/http, byte
// for byte, and what net/http itself would answer to an attempt that was answered so is swallowed.
//
// It notes when the first byte of each request came and keeps a copy of its header block, for the order and case of
// names. A request ends where its body ends by Content-Length, or with its last chunk. Should the copy be of something
// else all the same, take compares the request line and lets it go.
type conn struct {
	raw     rawConn
	stream  net.Conn  // what is read and written: raw, or secure
	secure  *tls.Conn // over raw; nil without TLS
	heard   bool      // something came from the client, of TLS or not; used by the one that reads
	srv     *Server
	port    *port
	id      uint64
	remote  string
	endedIn *run      // in whose record its end is; nil before that; guarded by Server.turnover
	x       *exchange // of the attempts on it, one after the other; used by the goroutine that serves it

	mu       sync.Mutex // guards what follows
	now      journal.Closer
	failure  string // why the TLS of the connection failed
	refused  int    // index of the fault that closed the port and reset the connection, plus 1; 0: none
	requests int
	serving  bool // from the handler's begin to net/http's end of the exchange
	swallow  bool // the answer has been written; net/http's own is not

	head   []byte    // of the request that is being read: its header block as far as it came
	whole  bool      // head is complete
	lost   bool      // head grew too long and is not kept
	first  time.Time // when its first byte came; zero before that
	beyond int64     // bytes read behind head
	latest []byte    // the last of those
	chunks *chunks   // follows a body in chunks; nil without one
	last   time.Time // when they came
	spare  []byte    // the buffer that take gave out last

	upstream *proxy.Conn // of the exchange that is at work, to end with the connection; nil for none

	idling *idling // what is to happen once the connection is idle; nil for nothing
	told   bool    // its last answer said that no request is to follow, or one that ended it unasked went before
}

type connKey struct{}

// connOf returns the connection that the request came on, nil where that is not one of s.
func connOf(s *Server, r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	if c == nil || c.srv != s {
		return nil
	}
	return c
}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// Read reads for net/http.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	if n > 0 {
		now := time.Now()
		c.mu.Lock()
		begins := c.first.IsZero()
		c.saw(p[:n], now)
		if begins {
			c.began()
		}
		c.mu.Unlock()
	}
	if err != nil {
		if c.secure != nil {
			err = c.secureFailed(err)
		} else {
			c.failed(err)
		}
		if c.srv.config.readTimeout > 0 && isTimeout(err) {
			c.timedOut()
		}
	}
	return n, err
}

// saw notes bytes of a request. It requires mu.
func (c *conn) saw(p []byte, now time.Time) {
	if c.first.IsZero() {
		c.first = now
		c.stopIdling()
	}
	if !c.whole {
		p = c.sawHead(p)
	}
	if len(p) == 0 {
		return
	}
	c.last = now
	c.beyond += int64(len(p))
	if c.chunks != nil {
		c.chunks.see(p)
	}
	if over := len(c.latest) + len(p) - lookBack; over > 0 {
		c.latest = c.latest[:copy(c.latest, c.latest[min(over, len(c.latest)):])]
		p = p[max(0, len(p)-lookBack):]
	}
	c.latest = append(c.latest, p...)
}

// sawHead adds to the header block and returns what is behind it. It requires mu.
func (c *conn) sawHead(p []byte) []byte {
	if c.lost {
		return nil
	}
	searched := len(c.head)
	c.head = append(c.head, p...)
	end := proxy.HeadEnd(c.head, searched)
	if end < 0 {
		if len(c.head) > maxRawHead {
			c.lost, c.head = true, nil
		}
		return nil
	}
	rest := p[end-searched:]
	c.head = c.head[:end]
	c.whole = true
	return rest
}

// take begins the exchange of a request: it returns the request's ordinal on the connection, when its first byte
// came, and its header block without the request line, nil where there is no copy. The block is valid until the next
// call.
func (c *conn) take(method, target string) (ordinal int, first time.Time, head []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.serving, c.swallow = true, false
	first = c.first
	if first.IsZero() {
		first = c.last
	}
	head = c.head
	c.head, c.spare = c.spare[:0], head
	if cap(c.head) > keptRawHead {
		c.head = nil
	}
	if !c.whole || c.lost {
		return c.requests, first, nil
	}
	return c.requests, first, fieldsOf(head, method, target)
}

// fieldsOf returns the header block without its request line, or nil if that is not of the request meant.
func fieldsOf(head []byte, method, target string) []byte {
	head = bytes.TrimLeft(head, "\r\n") // net/http suffers them behind a POST
	end := bytes.IndexByte(head, '\n')
	if end < len(method)+1+len(target) || string(head[:len(method)]) != method || head[len(method)] != ' ' ||
		string(head[len(method)+1:][:len(target)]) != target {
		return nil
	}
	return head[end+1:]
}

// hasCome reports whether a body of that length has come, behind the header block of the request whose exchange has begun.
func (c *conn) hasCome(length int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beyond >= length
}

// inChunks says that the body of the request whose exchange has begun comes in chunks.
func (c *conn) inChunks() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.beyond > int64(len(c.latest)) {
		return // its beginning has not been kept
	}
	c.chunks = new(chunks)
	c.chunks.see(c.latest)
}

// bodyRead marks the end of the request whose exchange has begun: what was read behind a body of that length is the
// next request. A negative length means that the body came in chunks, or was not read to its end.
func (c *conn) bodyRead(length int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	over := c.beyond - length
	if length < 0 {
		over = 0
		if c.chunks != nil {
			over = c.chunks.over
		}
	}
	if over < 0 || over > int64(len(c.latest)) {
		over = 0
	}
	c.chunks = nil
	next := c.latest[int64(len(c.latest))-over:]
	c.latest = nil
	c.head, c.whole, c.lost, c.first, c.beyond = c.head[:0], false, false, time.Time{}, 0
	if over > 0 {
		c.saw(next, c.last)
	}
}

// Write writes what net/http has to say: 100 Continue, or its refusal of what is no request that a handler could see.
// Behind an answer of ours it says nothing.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	swallow, refusal := c.swallow, !c.serving
	c.mu.Unlock()
	if swallow {
		return len(p), nil
	}
	if refusal {
		return c.refuse(p, "refused by the HTTP server", "")
	}
	return c.send(p)
}

// send writes to the wire.
func (c *conn) send(p []byte) (int, error) {
	n, err := c.stream.Write(p)
	if err != nil {
		c.failed(err)
	}
	return n, err
}

// answered makes the connection swallow what net/http writes until the exchange is over.
func (c *conn) answered() {
	c.mu.Lock()
	c.swallow = true
	c.mu.Unlock()
}

// idle says that net/http has ended the exchange. The buffer that take gave out goes if it is too large to keep.
func (c *conn) idle() {
	c.mu.Lock()
	c.swallow, c.serving = false, false
	if cap(c.spare) > keptRawHead {
		c.spare = nil
	}
	c.startIdling()
	c.mu.Unlock()
}

func (c *conn) LocalAddr() net.Addr                { return c.raw.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr               { return c.raw.RemoteAddr() }
func (c *conn) SetDeadline(t time.Time) error      { return c.raw.SetDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.raw.SetWriteDeadline(t) }
