package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// FormatVersion is the version of the record's format that this package writes and reads.
const FormatVersion = 1

// LineError is what is wrong with one line of a journal's file. Err names the column, where there is one.
type LineError struct {
	Line int // 1-based
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *LineError) Unwrap() error { return e.Err }

// ReadFile reads a journal's file; see [Read]. An error of the file system is returned as it is, any other is
// wrapped with the path.
func ReadFile(path string) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	log, err := read(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return log, nil
}

// Read reads the file of a journal up to its last whole line: what a server that was killed has left is a good
// record, and so is one that is still being written. A last line that was cut off is left out and the Log says
// Torn. Any other line that cannot be read is a [*LineError]; so is a record that begins twice, or ends without
// having begun. Unknown events and unknown keys are passed over.
func Read(r io.Reader) (*Log, error) { return read(r, 0) }

// fileReader reads a journal's file.
type fileReader struct {
	*builder
	p    parser
	line int
	size int64 // of the file; 0 unknown
	done int64 // bytes read of it

	lastHeaders []byte // as they stood in the line before
	head        bool   // the header was read
}

func read(r io.Reader, size int64) (*Log, error) {
	f := &fileReader{builder: newBuilder(Header{}, 0), size: size}
	const block = 128 << 10
	buf := make([]byte, 0, block)
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, cap(buf))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest, lineErr := f.lines(buf)
		if lineErr != nil {
			return nil, lineErr
		}
		buf = buf[:copy(buf, rest)]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after line %d: %w", f.line, err)
		}
	}
	if err := f.readLine(buf); err != nil {
		f.log.Torn = true
	}
	if !f.head {
		return nil, errors.New("no whole line, so not even the header of a journal")
	}
	return f.finish(), nil
}

// lines reads the whole lines in b and returns the rest.
func (f *fileReader) lines(b []byte) ([]byte, error) {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return b, nil
		}
		if err := f.readLine(b[:end]); err != nil {
			return nil, &LineError{f.line, err}
		}
		f.done += int64(end) + 1
		b = b[end+1:]
	}
}

// readLine adds the event of one line, or nothing.
func (f *fileReader) readLine(line []byte) error {
	f.line++
	f.p.b, f.p.i, f.p.err = line, 0, nil
	p := &f.p
	if p.peek() == 0 && p.i >= len(line) {
		return nil // an empty line
	}
	p.begin('{')
	kind := f.kind()
	if p.err != nil {
		return p.err
	}
	if kind == "header" {
		return f.readHeader()
	}
	if !f.head {
		return errors.New(`the first line of a journal is its header: {"event":"header", ...}`)
	}
	switch kind {
	case "attempt":
		return f.readAttempt()
	case "end":
		return f.readEnd()
	case "open":
		return f.readOpen()
	case "close":
		return f.readClose()
	case "late":
		return f.readLate()
	case "client":
		return f.readClient()
	case "result":
		return f.readResult()
	case "drop":
		return f.readDrop()
	case "stop":
		return f.readStop()
	}
	return f.members(func([]byte) { p.skip() })
}

// kind returns what the line is an event of. It is the first member of a line that appendLine wrote; where another
// tool has reordered the members it is looked for, and they are read from the first again.
func (f *fileReader) kind() string {
	p := &f.p
	start := p.i
	for first := true; p.more('}'); first = false {
		if string(p.key()) != "event" {
			p.skip()
			continue
		}
		k := kindText(p.str())
		if !first && p.err == nil {
			p.i, p.first = start, true
		}
		return k
	}
	p.fail(`the object has no "event"`)
	return ""
}

var kindTexts = [...]string{"attempt", "end", "open", "close", "late", "client", "result", "drop", "stop", "header"}

// kindText returns the kind that a line names; "" for one that is not known.
func kindText(b []byte) string {
	for _, k := range kindTexts {
		if k == string(b) {
			return k
		}
	}
	return ""
}

// members calls read for each member that is left of the line's object, and expects nothing behind it. An "event"
// is passed over.
func (f *fileReader) members(read func(key []byte)) error {
	p := &f.p
	for p.more('}') {
		if k := p.key(); string(k) == "event" {
			p.skip()
		} else {
			read(k)
		}
	}
	p.end()
	return p.err
}

func (f *fileReader) instant() time.Duration { return time.Duration(f.p.signed()) }

func (f *fileReader) readHeader() error {
	if f.head {
		return errors.New("a second header")
	}
	var h Header
	p := &f.p
	err := f.members(func(key []byte) {
		switch string(key) {
		case "version":
			h.Version = p.int()
		case "scenario":
			h.Scenario = string(p.str())
		case "file":
			h.File = string(p.str())
		case "seed":
			h.Seed = p.unsigned()
		case "start":
			text := string(p.str())
			t, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				p.fail("start is %q, not a time such as 2026-11-23T15:04:05.999Z", text)
			}
			h.Start = t
		case "salt":
			h.Salt = string(p.str())
		case "emulated":
			h.Emulated = p.bool()
		default:
			p.skip()
		}
	})
	if err == nil && h.Version != FormatVersion {
		err = fmt.Errorf("the journal has format version %d, this program reads %d", h.Version, FormatVersion)
	}
	f.log.Header, f.head = h, err == nil
	return err
}

// readAttempt reads the members of an attempt into a new element of log.Attempts.
func (f *fileReader) readAttempt() error {
	before := f.log.Attempts
	list := before
	if len(list) == cap(list) {
		list = slices.Grow(list, f.growth(len(list)))
	}
	f.log.Attempts = append(list, Attempt{Entry: -1})
	a := &f.log.Attempts[len(list)]
	p := &f.p
	for p.more('}') {
		if key := p.key(); !f.attemptText(a, key) && !f.attemptNumber(a, key) {
			p.skip()
		}
	}
	p.end()
	err := p.err
	if err == nil {
		err = f.addAttempt()
	}
	if err != nil {
		f.log.Attempts = before
	}
	return err
}

// growth returns for how many more attempts to make room: for as many as the rest of the file will have at the
// rate so far, or else for as many again.
func (f *fileReader) growth(have int) int {
	const least = 1024
	if f.done > 0 && f.size > f.done {
		return max(least, int(float64(have)*float64(f.size-f.done)/float64(f.done)*1.02))
	}
	return max(least, have)
}

// attemptText reads a member that is text, a list or true or false; false where key is none of them.
func (f *fileReader) attemptText(a *Attempt, key []byte) bool {
	p := &f.p
	switch string(key) {
	case "route":
		a.Route = f.same(slotRoute, p.str())
	case "nearest":
		a.Nearest = f.same(slotNearest, p.str())
	case "call":
		a.Call = f.str(p.str())
	case "naming":
		a.Naming = Naming(f.name("naming", namingNames[:]))
	case "ambiguous":
		a.Ambiguous = p.bool()
	case "client":
		a.Client = f.same(slotClient, p.str())
	case "method":
		a.Method = f.same(slotMethod, p.str())
	case "target":
		a.Target = f.same(slotTarget, p.str())
	case "host":
		a.Host = f.same(slotHost, p.str())
	case "headers":
		a.Headers = f.readFields()
	case "header_order_lost":
		a.HeaderOrderLost = p.bool()
	case "body_sha256":
		f.readHash(&a.BodySHA256)
	case "body":
		a.Body = append([]byte(nil), p.str()...)
	case "body_base64":
		body, err := base64.StdEncoding.AppendDecode(nil, p.str())
		if err != nil {
			p.fail("body_base64: %v", err)
		}
		a.Body = body
	case "body_whole":
		a.BodyWhole = p.bool()
	case "phase":
		a.Phase = f.same(slotPhase, p.str())
	case "drawn":
		a.Drawn = f.readInts()
	case "applied":
		a.Applied = f.readInts()
	case "reason":
		a.Reason = f.same(slotReason, p.str())
	case "wire":
		a.Wire = f.same(slotWire, p.str())
	case "retry_after":
		a.RetryAfter = f.same(slotRetryAfter, p.str())
	default:
		return false
	}
	return true
}

// attemptNumber reads a member that is a number; false where key is none of them.
func (f *fileReader) attemptNumber(a *Attempt, key []byte) bool {
	p := &f.p
	switch string(key) {
	case "seq":
		a.Seq = p.unsigned()
	case "conn":
		a.Conn = p.unsigned()
	case "conn_request":
		a.ConnRequest = p.int()
	case "call_no":
		a.CallNo = p.int()
	case "n":
		a.N = p.int()
	case "nth":
		a.Nth = p.int()
	case "body_len":
		a.BodyLen = p.signed()
	case "first_ns":
		a.First = f.instant()
	case "read_ns":
		a.Read = f.instant()
	case "sent_ns":
		a.Sent = f.instant()
	case "entry":
		a.Entry = p.int()
	case "status":
		a.Status = p.int()
	case "due_ns":
		a.Due, a.HasDue = f.instant(), true
	case "delay_ns":
		a.Delay = f.instant()
	default:
		return false
	}
	return true
}

// name reads a value that has a name.
func (f *fileReader) name(key string, names []string) int {
	text := f.p.str()
	v := valueOf(names, text)
	if v < 0 && f.p.err == nil {
		f.p.fail("%s is %q; allowed are %q", key, text, names)
		return 0
	}
	return max(v, 0)
}

func (f *fileReader) readHash(sum *[32]byte) {
	text := f.p.str()
	if len(text) != hex.EncodedLen(len(sum)) {
		f.p.fail("body_sha256 has %d characters, not 64 hex digits", len(text))
		return
	}
	if _, err := hex.Decode(sum[:], text); err != nil {
		f.p.fail("body_sha256: %v", err)
	}
}

func (f *fileReader) readInts() []int {
	p := &f.p
	var room [16]int
	list := room[:0]
	p.begin('[')
	for p.more(']') {
		list = append(list, p.int())
	}
	if len(list) == 0 {
		return nil
	}
	return append(f.newInts(len(list))[:0], list...)
}

// readFields reads header fields. Attempts whose lines have the same text share them.
func (f *fileReader) readFields() []Field {
	p := &f.p
	p.peek()
	if len(f.lastHeaders) > 0 && bytes.HasPrefix(p.b[p.i:], f.lastHeaders) {
		p.i += len(f.lastHeaders)
		return f.lastFields
	}
	from := p.i
	var room [16]Field
	list := room[:0]
	p.begin('[')
	for p.more(']') {
		list = append(list, f.readField(len(list)))
	}
	if p.err != nil || len(list) == 0 {
		return nil
	}
	f.lastFields = append(f.newFields(len(list))[:0], list...)
	f.lastHeaders = append(f.lastHeaders[:0], p.b[from:p.i]...)
	return f.lastFields
}

// readField reads the i-th field, [name, value].
func (f *fileReader) readField(i int) Field {
	p := &f.p
	p.begin('[')
	p.more(']')
	name := f.fieldName(i, p.str())
	p.expect(',')
	value := f.fieldValue(i, p.str())
	p.expect(']')
	return Field{name, value}
}
