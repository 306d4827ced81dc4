package fault

import (
	"brownout/scenarios"
)

// body is a body made ready.
type body struct {
	kind  string // its Content-Type
	plain []byte // what fixed was before its coding; nil without one
	fixed []byte // nil where it depends on the attempt
	text  *scenarios.Template
	size  int64 // seeded bytes instead
}

// prepareBody makes the body: of an answer that names none, a small JSON object that tells the status.
func prepareBody(p *Answer, a *scenarios.Answer) {
	b := &p.body
	switch a.Body.Kind {
	case scenarios.BodyDefault:
		b.kind = "application/json"
		b.fixed = []byte(scenarios.DefaultBody(p.status))
		return
	case scenarios.BodyJSON:
		b.kind = "application/json"
	case scenarios.BodyText:
		b.kind = "text/plain; charset=utf-8"
	case scenarios.BodySize:
		b.kind, b.size, b.fixed = "application/octet-stream", a.Body.Size, []byte{}
		return
	case scenarios.BodyFile:
		b.kind, b.fixed = fileKind(a.Body.File), append([]byte{}, a.Body.Data...)
		return
	}
	if text, constant := a.Body.Text.Constant(); constant {
		b.fixed = []byte(text)
		return
	}
	b.text = &a.Body.Text
}

// writeBody writes the body into w, in its coding and framing, and returns how many bytes it carries, -1 where an answer
// of that status has none. A HEAD request gets the length without the body.
func (a *Answer) writeBody(at *Attempt, w *Written) int64 {
	w.Body, w.Content = nil, -1
	if !hasContent(a.status) {
		return -1
	}
	length := a.writeContent(at, w)
	if at.Head {
		w.Body, w.Rest, w.Size = nil, nil, 0
		return length
	}
	w.Content = length
	if a.framing == scenarios.FramingChunked {
		w.inChunks(length)
	}
	return length
}

// writeContent writes the content of the body, in its coding, and returns its length.
func (a *Answer) writeContent(at *Attempt, w *Written) int64 {
	if size := a.body.size; size > 0 {
		if !at.Head {
			w.Rest = at.Bytes(size)
		}
		w.Size = size
		if a.encoding != scenarios.EncodingNone {
			w.Rest, w.Size = encode(a.encoding, w.Rest, size)
		}
		return w.Size
	}
	w.Body = a.body.fixed
	if w.Body == nil && a.body.text != nil {
		w.text = a.body.text.Append(w.text[:0], at.Var)
		w.Body = w.text
	}
	if a.encoding != scenarios.EncodingNone && a.body.text != nil { // what is fixed was encoded beforehand
		w.coded = encodeBytes(w.coded[:0], a.encoding, w.Body)
		w.Body = w.coded
	}
	return int64(len(w.Body))
}
