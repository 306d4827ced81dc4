package fault

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"brownout/scenarios"
)

// prepareEncoding makes the field of the coding, and encodes a body that is the same for every attempt.
func prepareEncoding(p *Answer, a *scenarios.Answer) {
	if a.Encoding == scenarios.EncodingNone || !hasContent(p.status) {
		return
	}
	p.encoding = a.Encoding
	p.fields = append(p.fields, field{fixed: "Content-Encoding: gzip\r\n"})
	if p.body.fixed != nil && p.body.size == 0 {
		p.body.plain = p.body.fixed
		p.body.fixed = encodeBytes(nil, a.Encoding, p.body.fixed)
	}
}

// cutAt is where a cut gzip stream ends.
const cutAt = 0.6

// encode returns the content in its coding, and how long that is.
func encode(coding scenarios.Encoding, in io.Reader, size int64) (io.Reader, int64) {
	length := gzipLen(size)
	if coding == scenarios.EncodingCutGzip {
		length = int64(cutAt * float64(length))
	}
	if in == nil {
		return nil, length
	}
	return io.LimitReader(newGzip(in, size), length), length
}

// encodeBytes appends the content in its coding.
func encodeBytes(b []byte, coding scenarios.Encoding, content []byte) []byte {
	in, length := encode(coding, bytes.NewReader(content), int64(len(content)))
	from := len(b)
	b = append(b, make([]byte, length)...)
	if _, err := io.ReadFull(in, b[from:]); err != nil {
		panic(err) // it is as long as gzipLen says
	}
	return b
}

// A gzip stream of stored blocks (RFC 1952; RFC 1951, section 3.2.4): its length is known before its content, so that no
// body has to be kept in memory to frame it.
const (
	gzipBlock   = 65_535 // the most that a stored block holds
	gzipHead    = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	blockHead   = 5
	gzipTrailer = 8
)

// gzipLen is the length of the stream of that much content.
func gzipLen(size int64) int64 {
	blocks := max(1, (size+gzipBlock-1)/gzipBlock)
	return int64(len(gzipHead)) + blocks*blockHead + size + gzipTrailer
}

// gzipStream reads the gzip stream of what in gives.
type gzipStream struct {
	in         io.Reader
	size, left int64
	sum        uint32
	buf        []byte // made and not read yet
	last       bool   // the last block has been made
	done       bool   // the trailer has
}

func newGzip(in io.Reader, size int64) *gzipStream {
	return &gzipStream{in: in, size: size, left: size, buf: []byte(gzipHead)}
}

func (g *gzipStream) Read(p []byte) (int, error) {
	if len(g.buf) == 0 {
		if g.done {
			return 0, io.EOF
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.buf)
	g.buf = g.buf[n:]
	return n, nil
}

func (g *gzipStream) next() error {
	if g.last {
		b := binary.LittleEndian.AppendUint32(nil, g.sum)
		g.buf, g.done = binary.LittleEndian.AppendUint32(b, uint32(g.size)), true
		return nil
	}
	n := min(g.left, gzipBlock)
	g.left -= n
	g.last = g.left == 0
	b := make([]byte, blockHead+n)
	if g.last {
		b[0] = 1
	}
	binary.LittleEndian.PutUint16(b[1:], uint16(n))
	binary.LittleEndian.PutUint16(b[3:], ^uint16(n))
	if _, err := io.ReadFull(g.in, b[blockHead:]); err != nil {
		return err
	}
	g.sum = crc32.Update(g.sum, crc32.IEEETable, b[blockHead:])
	g.buf = b
	return nil
}
