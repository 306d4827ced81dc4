package httpserver

import (
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
)

// An answer is stored as one string, so that it is shared without a copy by all who replay it:
//
//	kind    1 byte
//	status  2 bytes, big endian
//	values  uvarint, the number of header values
//	for each value: name and value, each a uvarint of its length and then the text; values of one name stand together
//	body    the rest
const (
	kindWhole    byte = 1 // the answer
	kindBodiless byte = 2 // the answer without a body that was too large to store
)

// notStored are header fields that belong to one message or one request: those of RFC 9110, section 7.6.1, and ids.
var notStored = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Date", "X-Request-Id", "Request-Id", "X-Correlation-Id", "Traceparent", "Tracestate",
	"Traceresponse", "Server-Timing", ReplayedHeader,
}

// bodyFields describe a body; a record without one does not have them.
var bodyFields = []string{
	"Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Content-Language", "Content-Location", "Content-Md5",
	"Content-Digest", "Repr-Digest", "Digest", "Etag", "Accept-Ranges",
}

// appendHead appends the record of an answer up to its body. Fields for which skip is true are left out, and so are those
// that Connection names.
func appendHead(b []byte, kind byte, status int, header http.Header, skip func(name string) bool) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(status))
	named := header["Connection"]
	n := 0
	for name, values := range header {
		if !skip(name) && !hopByHop(named, name) {
			n += len(values)
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for name, values := range header {
		if skip(name) || hopByHop(named, name) {
			continue
		}
		for _, v := range values {
			b = appendText(appendText(b, name), v)
		}
	}
	return b
}

// hopByHop reports whether the Connection field names the field.
func hopByHop(connection []string, name string) bool {
	for _, line := range connection {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errRecord = errors.New("httpserver: a stored answer cannot be read; was it stored by something else under the same prefix?")

// record is a stored answer that is being read.
type record struct {
	kind   byte
	status int
	values int
	rest   string // the header, and then the body
}

func readRecord(s string) (r record, err error) {
	if len(s) < 4 {
		return r, errRecord
	}
	r = record{kind: s[0], status: int(s[1])<<8 | int(s[2]), rest: s[3:]}
	if r.kind != kindWhole && r.kind != kindBodiless || r.status < 200 || r.status > 999 {
		return r, errRecord
	}
	r.values, err = r.number()
	if err != nil || r.values > len(r.rest)/2 {
		return r, errRecord
	}
	return r, nil
}

// header moves the stored fields into h, in place of what it has of the same names, and adds that it is a replay. What
// remains in rest is the body. It allocates the values once.
func (r *record) header(h http.Header) error {
	values := make([]string, r.values+1)
	last, from := "", 0
	for i := range r.values {
		name, err := r.text()
		if err != nil {
			return err
		}
		if values[i], err = r.text(); err != nil {
			return err
		}
		if name != last {
			last, from = name, i
		}
		h[name] = values[from : i+1 : i+1]
	}
	values[r.values] = "true"
	h[ReplayedHeader] = values[r.values:]
	return nil
}

func (r *record) text() (string, error) {
	n, err := r.number()
	if err != nil || n > len(r.rest) {
		return "", errRecord
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text, nil
}

// number reads a uvarint; encoding/binary reads them from bytes only.
func (r *record) number() (n int, err error) {
	for i := 0; i < len(r.rest) && i < 5; i++ {
		c := r.rest[i]
		n |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return n, nil
		}
	}
	return 0, errRecord
}
