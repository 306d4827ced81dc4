package proxy

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Request is what a client asked for.
type Request struct {
	Method string
	Target string // path and query, or "*"
	Host   string // the Host that the client sent
	// Raw is the header block as it came, line by line and without the request line; nil: Header has the fields, whose
	// order is lost.
	Raw    []byte
	Header http.Header
	// Length is that of the body; 0 for none, -1 where it goes in chunks.
	Length int64
	Client string // the client's address, without a port
	Secure bool   // it came over TLS
	Expect bool   // Expect: 100-continue goes on to the upstream
	// Upgrade is the protocol that the client asks for, which goes on to the upstream; "" for none.
	Upgrade string
}

// AppendHead appends the header block of the request as the upstream gets it.
func (u *Upstream) AppendHead(b []byte, r *Request) []byte {
	b = append(append(b, r.Method...), ' ')
	if r.Target != "*" {
		b = append(b, u.base...)
	}
	b = append(append(append(b, r.Target...), " HTTP/1.1\r\nHost: "...), u.host...)
	b = append(b, "\r\n"...)
	raw := r.Raw
	if raw == nil || folded(raw) {
		raw = block(r.Header)
	}
	b, seen := appendFields(b, raw)
	switch {
	case r.Length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.Length > 0 || seen.length:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), r.Length, 10), "\r\n"...)
	}
	if r.Expect {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	b = u.appendForwarded(b, r, seen.client)
	switch {
	case r.Upgrade != "":
		b = append(append(append(b, "Connection: Upgrade\r\nUpgrade: "...), r.Upgrade...), "\r\n"...)
	case seen.trailers:
		b = append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return append(b, "\r\n"...)
}

// seenFields is what was seen of the fields of a request that do not go on as they are.
type seenFields struct {
	length   bool   // Content-Length
	trailers bool   // TE: trailers
	client   []byte // X-Forwarded-For, as a list
}

// appendFields appends the fields that go on to the upstream as they came.
func appendFields(b, raw []byte) ([]byte, seenFields) {
	var seen seenFields
	named := connectionOf(raw)
	for len(raw) > 0 {
		var line []byte
		line, raw = cutLine(raw)
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			continue
		}
		name, value := line[:colon], trim(line[colon+1:])
		switch k := kindOf(name); {
		case k == length:
			seen.length = true
		case k == te:
			seen.trailers = seen.trailers || hasTrailers(value)
		case k == forwardedFor:
			if len(seen.client) > 0 {
				seen.client = append(seen.client, ", "...)
			}
			seen.client = append(seen.client, value...)
		case (k == passed || k == via || k == location || k == date) && !named.has(name):
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	return b, seen
}

// connectionOf returns the fields that the Connection fields of a header block name.
func connectionOf(raw []byte) nominated {
	var named nominated
	for len(raw) > 0 {
		var line []byte
		line, raw = cutLine(raw)
		if colon := bytes.IndexByte(line, ':'); colon > 0 && is(line[:colon], "Connection") {
			named.add(line[colon+1:])
		}
	}
	return named
}

// hasTrailers reports whether a TE field says that the client takes trailers.
func hasTrailers(value []byte) bool {
	for len(value) > 0 {
		var e []byte
		e, value = cutElement(value)
		if is(e, "trailers") {
			return true
		}
	}
	return false
}

// appendForwarded appends the fields that say for whom the request is forwarded, and by whom.
func (u *Upstream) appendForwarded(b []byte, r *Request, before []byte) []byte {
	b = append(b, "X-Forwarded-For: "...)
	if len(before) > 0 {
		b = append(append(b, before...), ", "...)
	}
	b = append(b, r.Client...)
	if r.Host != "" {
		b = append(append(b, "\r\nX-Forwarded-Host: "...), r.Host...)
	}
	b = append(b, "\r\nX-Forwarded-Proto: http"...)
	if r.Secure {
		b = append(b, 's')
	}
	b = append(append(b, "\r\nVia: 1.1 "...), u.name...)
	return append(b, "\r\n"...)
}

// folded reports whether a line of a header block continues the one before it (RFC 9112, section 5.2).
func folded(raw []byte) bool {
	for i, c := range raw {
		if c == '\n' && i+1 < len(raw) && (raw[i+1] == ' ' || raw[i+1] == '\t') {
			return true
		}
	}
	return false
}

// block writes fields as a header block, sorted by name.
func block(h http.Header) []byte {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var b []byte
	for _, name := range names {
		for _, v := range h[name] {
			b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
		}
	}
	return b
}

// UpgradeOf returns the protocol that a request asks to change to, "" where it does not: RFC 9110, section 7.8. That of
// HTTP/2 in clear text (h2c) is not asked for any longer (RFC 9113, section 3.1), and would hide further requests.
func UpgradeOf(h http.Header) string {
	protocols := h.Values("Upgrade")
	if len(protocols) == 0 {
		return ""
	}
	asked := false
	for _, v := range h.Values("Connection") {
		var n nominated
		_, _, upgrades := n.add([]byte(v))
		asked = asked || upgrades
	}
	protocol := strings.Join(protocols, ", ")
	if !asked || strings.Contains(strings.ToLower(protocol), "h2c") {
		return ""
	}
	return protocol
}
