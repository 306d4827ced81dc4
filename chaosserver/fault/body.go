package fault

import (
	"fmt"
	"net/http"

	"brownout/scenarios"
)

// body is a body made ready.
type body struct {
	kind  string // its Content-Type
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
		b.fixed = fmt.Appendf(nil, "{\"status\":%d,\"message\":%q}\n", p.status, http.StatusText(p.status))
		return
	case scenarios.BodyJSON:
		b.kind = "application/json"
	case scenarios.BodyText:
		b.kind = "text/plain; charset=utf-8"
	case scenarios.BodySize:
		b.kind, b.size, b.fixed = "application/octet-stream", a.Body.Size, []byte{}
		return
	}
	if text, constant := a.Body.Text.Constant(); constant {
		b.fixed = []byte(text)
		return
	}
	b.text = &a.Body.Text
}

// writeBody writes the body into w and returns its length, -1 where an answer of that status has none. A HEAD request
// gets the length without the body.
func (a *Answer) writeBody(at *Attempt, w *Written) int64 {
	w.Body = nil
	if !hasContent(a.status) {
		return -1
	}
	if a.body.size > 0 {
		if !at.Head {
			w.Rest, w.Size = at.Bytes(a.body.size), a.body.size
		}
		return a.body.size
	}
	text := a.body.fixed
	if text == nil && a.body.text != nil {
		w.text = a.body.text.Append(w.text[:0], at.Var)
		text = w.text
	}
	if !at.Head {
		w.Body = text
	}
	return int64(len(text))
}
