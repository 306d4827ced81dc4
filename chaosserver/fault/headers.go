package fault

import (
	"strings"

	"brownout/scenarios"
)

// prepareHeaders makes the scenario's own fields. They are sent as written, in their order: where one of them is a
// field that the server would add, such as Date or Content-Length, the server leaves its own out.
func prepareHeaders(p *Answer, a *scenarios.Answer) {
	for i := range a.Headers {
		h := &a.Headers[i]
		p.note(h)
		value, constant := h.Value.Constant()
		switch {
		case h.Repeat != "":
			value = strings.Repeat(h.Repeat, int(h.Size)/len(h.Repeat)+1)[:h.Size]
		case !constant:
			p.fields = append(p.fields, field{name: h.Name, value: &h.Value})
			continue
		}
		p.fields = append(p.fields, field{fixed: h.Name + ": " + value + "\r\n"})
		if named(h.Name, "Retry-After") && p.retryAfter.sent == "" {
			p.retryAfter.sent = h.Name + ": " + value
		}
	}
}

// note remembers which of the server's fields the scenario gives.
func (p *Answer) note(h *scenarios.Header) {
	switch {
	case named(h.Name, "Date"):
		p.date = true
	case named(h.Name, "Content-Type"):
		p.kind = true
	case named(h.Name, "Content-Length"), named(h.Name, "Transfer-Encoding"):
		p.length = true
	case named(h.Name, "Connection"):
		p.connection = true
		value, _ := h.Value.Constant()
		for token := range strings.SplitSeq(value, ",") {
			p.closes = p.closes || named(strings.TrimSpace(token), "close")
		}
	}
}
