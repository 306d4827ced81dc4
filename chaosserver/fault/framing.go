package fault

import (
	"fmt"
	"io"
	"strconv"

	"brownout/scenarios"
)

// prepareFraming makes the end of the body known by the end of the connection, where the scenario says so.
func prepareFraming(p *Answer, a *scenarios.Answer) {
	p.framing = a.Framing
	switch {
	case a.Framing != scenarios.FramingClose:
	case p.connection:
		p.closes = true // whatever its Connection field says
	default:
		p.endConnection()
	}
}

// appendFraming appends the field that tells the client where the body ends.
func (a *Answer) appendFraming(b []byte, length int64) []byte {
	switch a.framing {
	case scenarios.FramingClose:
		return b
	case scenarios.FramingChunked:
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, length, 10)
	return append(b, "\r\n"...)
}

const (
	chunkSize = 16 << 10 // what a chunk of a body that is not kept in memory carries
	lastChunk = "0\r\n\r\n"
)

// inChunks puts the body into chunks (RFC 9112, section 7.1): one where it is kept in memory.
func (w *Written) inChunks(length int64) {
	if w.Rest != nil {
		w.chunk = chunkSize
		w.Rest = &chunks{in: w.Rest, left: length, size: chunkSize}
		w.Size = w.Offset(length) + int64(len(lastChunk))
		return
	}
	w.chunk = max(length, 1)
	b := w.frame[:0]
	if length > 0 {
		b = fmt.Appendf(b, "%x\r\n", length)
		b = append(b, w.Body...)
		b = append(b, "\r\n"...)
	}
	w.frame = append(b, lastChunk...)
	w.Body = w.frame
}

// Offset returns how many bytes of the body, as it goes over the wire, carry that many bytes of its content: with chunks,
// what frames those too, but not the last chunk.
func (w *Written) Offset(content int64) int64 {
	if w.chunk == 0 {
		return content
	}
	full, part := content/w.chunk, content%w.chunk
	offset := full * (head(w.chunk) + w.chunk + 2)
	if part > 0 {
		offset += head(min(w.chunk, w.Content-full*w.chunk)) + part
		if content == w.Content {
			offset += 2
		}
	}
	return offset
}

// head is the length of the line that begins a chunk of that many bytes.
func head(size int64) int64 { return int64(len(strconv.FormatInt(size, 16))) + 2 }

// chunks reads what in gives, in chunks.
type chunks struct {
	in   io.Reader
	left int64 // of in
	size int64
	buf  []byte // of the chunk that is being read
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.buf) == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}

func (c *chunks) next() error {
	if c.left == 0 {
		c.buf, c.done = []byte(lastChunk), true
		return nil
	}
	n := min(c.left, c.size)
	b := strconv.AppendInt(nil, n, 16)
	b = append(b, "\r\n"...)
	from := len(b)
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(c.in, b[from:]); err != nil {
		return err
	}
	c.left -= n
	c.buf = append(b, "\r\n"...)
	return nil
}
