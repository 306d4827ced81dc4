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

// appendText appends a text behind its length.
func appendText(b []byte, text string) []byte {
	if len(text) < 0x80 {
		b = append(b, byte(len(text)))
	} else {
		b = binary.AppendUvarint(b, uint64(len(text)))
	}
	return append(b, text...)
}

var errRecord = errors.New("httpserver: a stored answer cannot be read; was it stored by something else under the same prefix?")

// readHead reads what stands before the header values of a record, and says how many follow.
func readHead(s string) (kind byte, status, values int, rest string, err error) {
	if len(s) < 4 {
		return 0, 0, 0, "", errRecord
	}
	kind, status = s[0], int(s[1])<<8|int(s[2])
	values, rest, ok := number(s[3:])
	if !ok || values > len(rest)/2 || kind != kindWhole && kind != kindBodiless || status < 200 || status > 999 {
		return 0, 0, 0, "", errRecord
	}
	return kind, status, values, rest, nil
}

// readHeader moves the header values that s begins with into h, in place of what it has of the same names, adds that it is a
// replay, and returns the body. It allocates the values once; the texts are parts of s.
func readHeader(s string, n int, h http.Header) (body string, err error) {
	values := make([]string, n+1)
	last, from := "", 0
	for i := range n {
		name, rest, ok := cutText(s)
		if !ok {
			return "", errRecord
		}
		if values[i], s, ok = cutText(rest); !ok {
			return "", errRecord
		}
		if name != last {
			last, from = name, i
		}
		h[name] = values[from : i+1 : i+1]
	}
	values[n] = "true"
	h[ReplayedHeader] = values[n:]
	return s, nil
}

// cutText takes a text off the front of s.
func cutText(s string) (text, rest string, ok bool) {
	n, s, ok := number(s)
	if !ok || n > len(s) {
		return "", "", false
	}
	return s[:n], s[n:], true
}

// number takes a uvarint off the front of s; encoding/binary reads them from bytes only.
func number(s string) (n int, rest string, ok bool) {
	if len(s) > 0 && s[0] < 0x80 {
		return int(s[0]), s[1:], true
	}
	for i := 0; i < len(s) && i < 5; i++ {
		n |= int(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return n, s[i+1:], true
		}
	}
	return 0, "", false
}
