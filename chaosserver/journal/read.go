package journal

import (
	"bytes"
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
	const block = 64 << 10
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
	case "stop":
		return f.readStop()
	}
	if k, ok := rareTexts[kind]; ok {
		return f.readRare(k)
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

var kindTexts = [...]string{"attempt", "end", "open", "close", "late", "stop", "header"}

// kindText returns the kind that a line names; "" for one that is not known.
func kindText(b []byte) string {
	for _, k := range kindTexts {
		if k == string(b) {
			return k
		}
	}
	if _, ok := rareTexts[string(b)]; ok {
		return string(b)
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
			h.Start = t.UTC()
		case "salt":
			h.Salt = string(p.str())
		case "emulated":
			h.Emulated = p.bool()
		case "upstream":
			h.Upstream = string(p.str())
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
