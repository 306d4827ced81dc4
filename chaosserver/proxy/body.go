package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// The ways in which the end of a body is known.
const (
	bodyNone = iota
	bodyLength
	bodyChunked
	bodyClose
)

// body is where the reading of a body stands.
type body struct {
	kind    int
	left    int64 // bytes of the body, or of the chunk, that are still to come
	begun   bool  // a chunk has been read: an end of line is due behind its bytes
	last    bool  // the last chunk has been read: the trailer section is due
	trailer []byte
}

// maxChunkLine bounds the line that begins a chunk, with its extensions.
const maxChunkLine = 4 << 10

// Read reads content: what is there, and at least a byte. It gives io.EOF with the last bytes where the end has come with
// them. An error that is not io.EOF says how the answer broke off.
func (res *Response) Read(p []byte) (int, error) { return res.read(p, true) }

// ReadReady is Read, but for that it does not wait: it gives no byte where none has come.
func (res *Response) ReadReady(p []byte) (int, error) { return res.read(p, false) }

func (res *Response) read(p []byte, wait bool) (int, error) {
	n := 0
	for {
		if res.done {
			return n, io.EOF
		}
		if res.body.kind == bodyChunked && res.body.left == 0 {
			ready, err := res.nextChunk(wait && n == 0)
			if err != nil {
				return n, broken(err)
			}
			if !ready {
				return n, nil
			}
			continue
		}
		if n == len(p) {
			return n, nil
		}
		k, err := res.content(p[n:], wait && n == 0)
		n += k
		switch {
		case res.body.kind == bodyClose && errors.Is(err, io.EOF):
			res.done = true
			return n, io.EOF
		case err != nil:
			return n, broken(err)
		case k == 0:
			return n, nil
		}
	}
}

// broken says that an answer broke off.
func broken(err error) error { return fmt.Errorf("its answer broke off: %w", unexpected(err)) }

// content reads bytes of the content into p: what there is in the buffer, else with wait from the wire.
func (res *Response) content(p []byte, wait bool) (int, error) {
	c, b := res.conn, &res.body
	if b.kind != bodyClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	var err error
	if n == 0 && wait {
		n, err = c.nc.Read(p)
		if n > 0 {
			err = nil
		}
	}
	if b.kind != bodyClose {
		b.left -= int64(n)
		res.done = b.kind == bodyLength && b.left == 0
	}
	return n, err
}

// nextChunk reads what stands between the bytes of one chunk and those of the next (RFC 9112, section 7.1), or to the end of
// the body. Without wait it reports false where that has not come whole.
func (res *Response) nextChunk(wait bool) (bool, error) {
	b := &res.body
	for {
		ready, err := res.chunkStep()
		switch {
		case err != nil:
			return false, err
		case ready && (b.left > 0 || res.done):
			return true, nil
		case ready:
		case !wait:
			return false, nil
		default:
			if err := res.conn.fill(); err != nil {
				return false, err
			}
		}
	}
}

// chunkStep takes one line out of the buffer. It reports false where that is not there yet.
func (res *Response) chunkStep() (bool, error) {
	c, b := res.conn, &res.body
	in := c.buf[c.r:c.w]
	if b.begun && !b.last {
		if len(in) < 2 {
			return false, nil
		}
		if in[0] != '\r' || in[1] != '\n' {
			return false, errors.New("a chunk is longer than it says")
		}
		c.r += 2
		b.begun = false
		return true, nil
	}
	end := bytes.IndexByte(in, '\n')
	switch {
	case end < 0 && (b.last && len(in)+len(b.trailer) > c.up.options.MaxHeader || !b.last && len(in) > maxChunkLine):
		return false, errors.New("a line of its chunks is too long")
	case end < 0:
		return false, nil
	case end == 0 || in[end-1] != '\r':
		return false, errors.New("a line of its chunks ends in LF alone")
	}
	line := in[:end-1]
	c.r += end + 1
	if b.last {
		return true, res.trailerLine(line)
	}
	size, err := chunkSize(line)
	b.left, b.begun, b.last = size, true, size == 0
	return true, err
}

// chunkSize reads the line that begins a chunk. Its extensions belong to the connection, and are let go of.
func chunkSize(line []byte) (int64, error) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, fmt.Errorf("a chunk begins with %q", clip(line))
	}
	var n int64
	for _, d := range digits {
		var v byte
		switch d = lower(d); {
		case '0' <= d && d <= '9':
			v = d - '0'
		case 'a' <= d && d <= 'f':
			v = d - 'a' + 10
		default:
			return 0, fmt.Errorf("a chunk begins with %q", clip(line))
		}
		n = n<<4 | int64(v)
	}
	return n, nil
}

// trailerLine takes a line of the trailer section, the empty one of which ends the body. A field that says how the message is
// framed, or that belongs to the connection, does not go on.
func (res *Response) trailerLine(line []byte) error {
	b := &res.body
	if len(line) == 0 {
		res.done = true
		return nil
	}
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !isToken(line[:colon]) || !isValue(line[colon+1:]) {
		return fmt.Errorf("the line %q of its trailer section is no field", clip(line))
	}
	if kindOf(line[:colon]) != passed {
		return nil
	}
	if len(b.trailer)+len(line) > res.conn.up.options.MaxHeader {
		return errors.New("its trailer section is too long")
	}
	b.trailer = append(append(b.trailer, line...), "\r\n"...)
	return nil
}

// Trailer returns the trailer section, line by line, once Read has given io.EOF.
func (res *Response) Trailer() []byte { return res.body.trailer }
