package httpserver

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// capture is the http.ResponseWriter of a handler whose answer is stored. It holds the answer back, so that no byte of it is
// on the wire before it is stored. One that is too large to be stored is passed on as it comes, from there on.
//
// After the handler has returned it takes nothing more, whoever holds on to it.
type capture struct {
	w     http.ResponseWriter
	skip  func(name string) bool // header fields that are not stored
	limit int                    // of the body that is stored

	mu        sync.Mutex  // guards what follows
	header    http.Header // the handler's
	before    http.Header // what the header was before; nil if empty
	record    *buffer     // the answer as it is stored; its body is what follows bodyAt
	bodyAt    int
	status    int   // 0 until WriteHeader
	announced int64 // Content-Length of the handler, or -1
	length    int64 // of the body so far
	streaming bool  // the answer goes on to w
	ended     bool
}

// buffer is a reusable piece of memory.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 2048)} }}

func (b *buffer) free() {
	if cap(b.b) <= maxScratch {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

var errEnded = errors.New("httpserver: the handler has returned, so nothing more can be written")

// start prepares c for a handler that answers to w.
func (c *capture) start(w http.ResponseWriter, limit int, skip func(name string) bool) {
	c.w, c.limit, c.skip = w, limit, skip
	if c.header = w.Header().Clone(); c.header == nil {
		c.header = make(http.Header)
	}
}

// Header returns the header, which counts until WriteHeader.
func (c *capture) Header() http.Header { return c.header }

// WriteHeader keeps status and header. Of an informational answer both are sent at once.
func (c *capture) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeHeader(status)
}

// writeHeader requires mu.
func (c *capture) writeHeader(status int) {
	switch {
	case c.ended || c.status != 0:
		return
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		replaceHeader(c.w.Header(), c.header)
		c.w.WriteHeader(status)
		return
	case status < 200 || status > 999:
		panic("httpserver: invalid status " + strconv.Itoa(status)) // as net/http does
	}
	before := c.w.Header()
	if len(before) > 0 {
		c.before = maps.Clone(before)
	}
	c.record = buffers.Get().(*buffer)
	c.record.b = appendHead(c.record.b, kindWhole, status, c.header, func(name string) bool {
		return c.skip(name) || strings.HasPrefix(name, http.TrailerPrefix) || slices.Equal(before[name], c.header[name])
	})
	c.bodyAt = len(c.record.b)
	c.status = status
	c.announced = -1
	if text := c.header.Get("Content-Length"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			c.announced = n
		}
	}
	replaceHeader(before, c.header)
}

// replaceHeader makes to say what from says.
func replaceHeader(to, from http.Header) {
	for name := range to {
		if _, kept := from[name]; !kept {
			delete(to, name)
		}
	}
	maps.Copy(to, from)
}

// Write keeps p, or passes it on.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.grow(len(p)); err != nil {
		return 0, err
	}
	if c.streaming {
		return c.w.Write(p)
	}
	c.record.b = append(c.record.b, p...)
	return len(p), nil
}

// WriteString is Write.
func (c *capture) WriteString(p string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.grow(len(p)); err != nil {
		return 0, err
	}
	if c.streaming {
		return io.WriteString(c.w, p)
	}
	c.record.b = append(c.record.b, p...)
	return len(p), nil
}

// grow makes room for n bytes of the body, or begins to stream. It requires mu.
func (c *capture) grow(n int) error {
	if c.ended {
		return errEnded
	}
	c.writeHeader(http.StatusOK)
	if c.status == http.StatusNoContent || c.status == http.StatusNotModified {
		return http.ErrBodyNotAllowed
	}
	if c.length += int64(n); c.announced >= 0 && c.length > c.announced {
		c.length -= int64(n)
		return http.ErrContentLength
	}
	if c.streaming || c.length <= int64(c.limit) {
		return nil
	}
	c.streaming = true
	c.w.WriteHeader(c.status)
	_, err := c.w.Write(c.record.b[c.bodyAt:])
	c.record.b = c.record.b[:c.bodyAt]
	return err
}

// Flush does nothing as long as the answer is held back.
func (c *capture) Flush() { _ = c.FlushError() }

// FlushError is Flush; an answer that is passed on is flushed.
func (c *capture) FlushError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errEnded
	}
	c.writeHeader(http.StatusOK)
	if c.streaming {
		return http.NewResponseController(c.w).Flush()
	}
	return nil
}

// SetReadDeadline is there for http.ResponseController.
func (c *capture) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(c.w).SetReadDeadline(t)
}

// SetWriteDeadline is there for http.ResponseController.
func (c *capture) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(c.w).SetWriteDeadline(t)
}

// answered reports whether the handler has said anything.
func (c *capture) answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status != 0
}

// finish ends what the handler may write, and returns the record to be stored and its status. Of an answer that was passed on, the
// record has no body.
func (c *capture) finish() (record string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeHeader(http.StatusOK)
	c.ended = true
	if c.streaming {
		c.record.b[0] = kindBodiless
	}
	return string(c.record.b), c.status
}

// withdraw takes back what WriteHeader did to the header, for an answer that is not sent.
func (c *capture) withdraw() { replaceHeader(c.w.Header(), c.before) }

// send passes on what was held back, and the trailers.
func (c *capture) send() {
	if !c.streaming {
		c.w.WriteHeader(c.status)
		if body := c.record.b[c.bodyAt:]; len(body) > 0 {
			_, _ = c.w.Write(body) // the client is gone, and comes back for the stored answer
		}
	}
	for name, values := range c.header {
		if strings.HasPrefix(name, http.TrailerPrefix) || slices.ContainsFunc(c.w.Header()["Trailer"], func(line string) bool {
			return hopByHop([]string{line}, name)
		}) {
			c.w.Header()[name] = values
		}
	}
}

// drop ends what the handler may write, and makes away with what was held back.
func (c *capture) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.record != nil {
		c.record.free()
		c.record = nil
	}
}

var (
	_ http.Flusher    = (*capture)(nil)
	_ io.StringWriter = (*capture)(nil)
)
