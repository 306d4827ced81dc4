package fault

import (
	"io"
	"strings"
	"time"

	"brownout/scenarios"
)

// Answer is an answer of a scenario made ready: what is the same for every attempt is bytes already. It is read-only
// and may be shared by goroutines.
type Answer struct {
	status     int
	line       string // status line
	fields     []field
	interim    []byte // what goes before
	body       body
	framing    scenarios.Framing
	encoding   scenarios.Encoding
	retryAfter retryAfter
	linger     time.Duration

	date, length, kind, connection bool // the scenario's own fields name these
	closes                         bool // its Connection field says close
}

// field is one field of the header block.
type field struct {
	fixed string // the whole line with its CRLF; "" where it depends on the attempt
	name  string
	value *scenarios.Template
	below bool // the value is a path below Attempt.Prefix
}

// Prepare makes an answer ready. A status of 0 counts as 200.
func Prepare(a *scenarios.Answer) *Answer {
	p := &Answer{}
	for _, row := range parts {
		row.prepare(p, a)
	}
	return p
}

// Attempt is what an answer may depend on.
type Attempt struct {
	Now   time.Time                  // the instant before the write
	Var   func(name string) string   // the value of a template's variable
	Bytes func(size int64) io.Reader // seeded bytes
	Head  bool                       // the request's method is HEAD: the header block alone
	// Prefix is what the request's path begins with before the scenario's own paths, such as /~7; "" for nothing.
	Prefix string
	// Fields are further fields, each with its line break, such as those that tell of quotas.
	Fields []byte
	// Asked is the pause that Fields ask for. It counts where the answer has no Retry-After of its own.
	Asked Asked
	// Connection is the Connection field to send where the scenario has none: "close", "keep-alive" or "".
	Connection string
}

// Written is an answer as it goes over the wire. It may be used again for another attempt; its buffers are.
type Written struct {
	Status  int
	Interim []byte        // interim answers, which go before
	Head    []byte        // status line and fields, with the empty line
	Body    []byte        // the body in its framing, where it is kept in memory
	Rest    io.Reader     // else what makes it; nil for none
	Size    int64         // of Rest
	Content int64         // bytes that the body carries, its framing not counted; -1 where there is no body
	Closes  bool          // the connection ends behind the answer
	Linger  time.Duration // with Closes: it stays open so long

	RetryAfter string        // the field sent, such as "Retry-After: 2"; ""
	Due        time.Duration // after Attempt.Now; the client may come back then
	HasDue     bool          // a Retry-After was sent that a client can read

	date   []byte // the Date line of the answer before
	second int64  // that it is of, since 1970
	chunk  int64  // bytes that each chunk carries; 0 without chunks
	text   []byte // buffers of Body
	coded  []byte
	frame  []byte
}

// Release lets go of what belongs to the attempt, and of buffers larger than keep bytes.
func (w *Written) Release(keep int) {
	w.Body, w.Rest = nil, nil
	if cap(w.Head) > keep {
		w.Head = nil
	}
	if cap(w.text) > keep {
		w.text = nil
	}
	if cap(w.coded) > keep {
		w.coded = nil
	}
}

// Write writes the answer for an attempt into w.
func (a *Answer) Write(at *Attempt, w *Written) {
	w.Status, w.Rest, w.Size, w.chunk = a.status, nil, 0, 0
	w.Interim, w.Linger = a.interim, a.linger
	w.Closes = a.closes || !a.connection && at.Connection == "close"
	length := a.writeBody(at, w)
	b := append(w.Head[:0], a.line...)
	for i := range a.fields {
		b = a.fields[i].append(b, at)
	}
	b = a.writeRetryAfter(b, at, w)
	b = append(b, at.Fields...)
	if length >= 0 {
		if !a.kind {
			b = appendField(b, "Content-Type", a.body.kind)
		}
		if !a.length {
			b = a.appendFraming(b, length)
		}
	}
	if !a.date {
		b = append(b, w.dateLine(at.Now)...)
	}
	if !a.connection && at.Connection != "" {
		b = appendField(b, "Connection", at.Connection)
	}
	w.Head = append(b, "\r\n"...)
}

// dateLine is the Date field at an instant. Answers of one second share it.
func (w *Written) dateLine(now time.Time) []byte {
	if second := now.Unix(); w.date == nil || w.second != second {
		w.date = appendField(w.date[:0], "Date", now.UTC().Format(imfFixdate))
		w.second = second
	}
	return w.date
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func (f *field) append(b []byte, at *Attempt) []byte {
	if f.value == nil {
		return append(b, f.fixed...)
	}
	b = append(b, f.name...)
	b = append(b, ": "...)
	if f.below {
		b = append(b, at.Prefix...)
	}
	b = f.value.Append(b, at.Var)
	return append(b, "\r\n"...)
}

// named reports whether the names are equal but for case.
func named(a, b string) bool { return strings.EqualFold(a, b) }
