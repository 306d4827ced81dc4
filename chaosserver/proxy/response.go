package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Response is an answer of the upstream: its header block, and its content by Read. It is good until the next is read, or
// the connection released.
type Response struct {
	Status int
	// Length is that of the content; -1 where it is not known before its end, and 0 where there is none.
	Length int64
	// Bodiless: an answer to such a request, or of such a status, has no content, whatever its fields say (RFC 9112,
	// section 6.3).
	Bodiless bool

	conn   *Conn
	reason []byte
	raw    []byte // its fields, line by line
	named  nominated
	minor  byte // of HTTP/1.x
	body   body
	closes bool // the upstream ends the connection behind it, or nobody knows where it ends
	done   bool // it was read to its end
	keep   time.Duration
}

// release lets go of what belongs to the exchange.
func (res *Response) release() {
	*res = Response{named: res.named[:0], body: body{trailer: res.body.trailer[:0]}}
}

// errClosed is an answer that did not come.
var errClosed = errors.New("it closed the connection without an answer")

// ReadHead reads the next header block: of an interim answer (1xx), or of the final one. The error says what is wrong with
// it, or why it did not come. What Fields and AppendHead give is good until Read is called.
func (c *Conn) ReadHead(method string) (*Response, error) {
	searched := 0
	for {
		if end := HeadEnd(c.buf[c.r:c.w], searched); end >= 0 {
			head := c.buf[c.r : c.r+end]
			c.r += end
			if err := c.res.parse(c, head, method); err != nil {
				return nil, fmt.Errorf("its answer is none of HTTP/1.1: %w", err)
			}
			return &c.res, nil
		}
		searched = c.w - c.r
		if searched >= c.up.options.MaxHeader {
			return nil, fmt.Errorf("the header block of its answer is longer than %d bytes", c.up.options.MaxHeader)
		}
		if err := c.fill(); err != nil {
			return nil, c.noHead(err)
		}
	}
}

// noHead says why there is no header block.
func (c *Conn) noHead(err error) error {
	switch {
	case TimedOut(err):
		return fmt.Errorf("no answer came within %v: %w", c.up.options.AnswerTimeout, err)
	case c.r < c.w:
		return fmt.Errorf("the header block of its answer broke off: %w", unexpected(err))
	case errors.Is(err, io.EOF):
		return errClosed
	}
	return fmt.Errorf("it ended the connection without an answer: %w", err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// HeadEnd returns the length of the header block at the start of b with its empty line, -1 where that is not there yet. The
// first searched bytes are known not to contain it. A line may end in LF alone (RFC 9112, section 2.2).
func HeadEnd(b []byte, searched int) int {
	for i := max(0, searched-3); ; {
		k := bytes.IndexByte(b[i:], '\n')
		if k < 0 {
			return -1
		}
		i += k + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
	}
}

// parse reads a header block.
func (res *Response) parse(c *Conn, head []byte, method string) error {
	res.release()
	res.conn, res.keep = c, idleFor
	line, raw := cutLine(head)
	if err := res.statusLine(line); err != nil {
		return err
	}
	raw = bytes.TrimRight(raw, "\r\n")
	res.raw = raw
	f := framing{length: -1}
	for len(raw) > 0 {
		line, raw = cutLine(raw)
		if err := res.field(line, &f); err != nil {
			return err
		}
	}
	return res.frame(method, &f)
}

// statusLine reads the first line (RFC 9112, section 4).
func (res *Response) statusLine(line []byte) error {
	const version = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || string(line[:len(version)]) != version || line[8] != ' ' || line[7] < '0' || line[7] > '9' {
		return fmt.Errorf("the status line is %q", clip(line))
	}
	digits := line[9:12]
	status := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return fmt.Errorf("the status is %q", digits)
		}
		status = 10*status + int(d-'0')
	}
	if status < 100 || len(line) > 12 && line[12] != ' ' {
		return fmt.Errorf("the status line is %q", clip(line))
	}
	res.Status, res.minor = status, line[7]-'0'
	if len(line) > 13 && isValue(line[13:]) {
		res.reason = line[13:]
	}
	return nil
}

// clip cuts a text for an error.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }

// framing is what the fields of an answer say of its end.
type framing struct {
	length  int64 // -1: nothing
	coded   bool
	chunked bool
	closes  bool
	keeps   bool
}

// field reads one line of the header block.
func (res *Response) field(line []byte, f *framing) error {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return fmt.Errorf("the line %q is no field", clip(line))
	}
	// Space before the colon is to be removed from an answer (RFC 9112, section 5.1), and a folded line is refused (5.2).
	name, value := bytes.TrimRight(line[:colon], " \t"), trim(line[colon+1:])
	if !isToken(name) {
		return fmt.Errorf("the line %q is no field", clip(line))
	}
	if !isValue(value) {
		return fmt.Errorf("the value of %s has bytes that none has", name)
	}
	switch kindOf(name) {
	case connection:
		closes, keeps, _ := res.named.add(value)
		f.closes, f.keeps = f.closes || closes, f.keeps || keeps
	case keepAlive:
		res.keepFor(value)
	case coding:
		f.coded, f.chunked = true, is(value, "chunked") && !f.coded
	case length:
		return f.addLength(value)
	}
	return nil
}

// addLength reads a Content-Length, which may be there several times with one value (RFC 9112, section 6.3).
func (f *framing) addLength(value []byte) error {
	for first := true; first || len(value) > 0; first = false {
		var e []byte
		e, value = cutElement(value)
		n, err := strconv.ParseUint(string(e), 10, 63)
		if err != nil || len(e) > 0 && e[0] == '+' {
			return fmt.Errorf("the Content-Length is %q", clip(e))
		}
		if f.length >= 0 && f.length != int64(n) {
			return fmt.Errorf("it has two values of Content-Length, %d and %d", f.length, n)
		}
		f.length = int64(n)
	}
	return nil
}

// keepFor takes from a Keep-Alive field how long the upstream keeps an idle connection: ours goes a second before.
func (res *Response) keepFor(value []byte) {
	for len(value) > 0 {
		var e []byte
		e, value = cutElement(value)
		name, seconds, _ := bytes.Cut(e, []byte("="))
		if n, err := strconv.Atoi(string(trim(seconds))); err == nil && n >= 0 && is(trim(name), "timeout") {
			res.keep = min(time.Duration(n-1)*time.Second, time.Minute)
		}
	}
}

// frame finds out where the content ends (RFC 9112, section 6.3).
func (res *Response) frame(method string, f *framing) error {
	res.closes = f.closes || res.minor == 0 && !f.keeps
	res.Bodiless = res.Status/100 == 1 || res.Status == http.StatusNoContent || res.Status == http.StatusNotModified || method == http.MethodHead
	switch {
	case res.Bodiless:
		res.body.kind, res.done = bodyNone, true
	case f.coded && (res.minor == 0 || !f.chunked):
		return errors.New("its transfer coding is none that was asked for")
	case f.coded:
		res.body.kind, res.Length = bodyChunked, -1
	case f.length >= 0:
		res.body.kind, res.body.left, res.Length = bodyLength, f.length, f.length
		res.done = f.length == 0
	default:
		res.body.kind, res.Length, res.closes = bodyClose, -1, true
	}
	return nil
}

// Field returns the value of the first field of a name; "" where there is none.
func (res *Response) Field(name string) string {
	for raw := res.raw; len(raw) > 0; {
		var line []byte
		line, raw = cutLine(raw)
		colon := bytes.IndexByte(line, ':')
		if is(bytes.TrimRight(line[:colon], " \t"), name) {
			return string(trim(line[colon+1:]))
		}
	}
	return ""
}

// Outward is how an answer goes on to the client.
type Outward struct {
	Chunked    bool   // it goes in chunks
	Connection string // the Connection field: "close", "keep-alive", or "" for none; not with Upgrade
	Upgrade    bool   // Connection and Upgrade go on, as 101 needs them
	Now        time.Time
	Fields     []byte // further fields, each with its line break
	// Prefix goes before the paths of the proxy that the client sees, such as /~7; Host and Secure are where it sees the
	// proxy. A Location that points to the upstream points there instead.
	Prefix string
	Host   string
	Secure bool
}

// AppendHead appends the header block of the answer as the client gets it.
func (res *Response) AppendHead(b []byte, to *Outward) []byte {
	b = append(strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(res.Status), 10), ' ')
	b = append(append(b, res.reason...), "\r\n"...)
	dated, framed := false, false
	for raw := res.raw; len(raw) > 0; {
		var line []byte
		line, raw = cutLine(raw)
		colon := bytes.IndexByte(line, ':')
		name, value := bytes.TrimRight(line[:colon], " \t"), trim(line[colon+1:])
		k := kindOf(name)
		switch {
		case k == length:
			if framed || !res.hasLength() {
				continue
			}
			framed = true
			value, _ = cutElement(value)
		case k == upgrade && to.Upgrade, k == location, k == date:
		case k != passed && k != via && k != host && k != expect && k != forwarded && k != forwardedFor, res.named.has(name):
			continue
		}
		dated = dated || k == date
		b = append(append(b, name...), ": "...)
		if k == location {
			b = res.conn.up.appendLocation(b, value, to)
		} else {
			b = append(b, value...)
		}
		b = append(b, "\r\n"...)
	}
	b = append(b, to.Fields...)
	if to.Chunked {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if !dated && res.Status/100 != 1 {
		b = append(to.Now.UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
	}
	switch {
	case to.Upgrade:
		b = append(b, "Connection: Upgrade\r\n"...)
	case to.Connection != "":
		b = append(append(append(b, "Connection: "...), to.Connection...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// hasLength reports whether the client gets the Content-Length: not where the content goes in chunks, and not of statuses
// that have none (RFC 9110, section 8.6).
func (res *Response) hasLength() bool {
	return res.body.kind == bodyLength || res.body.kind == bodyNone && res.Status/100 != 1 && res.Status != http.StatusNoContent
}
