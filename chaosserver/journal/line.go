package journal

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"
)

// A line of a journal's file is one JSON object: "event" first, then what the event has, zero values left out, instants
// and durations in nanoseconds. Text is UTF-8; a byte that is not is written as the lone surrogate U+DC00 plus the byte,
// as Python's "surrogateescape" does, so that what came over the wire survives. An "entry" left out is -1.

// appendHeaderLine appends the first line of a file.
func appendHeaderLine(b []byte, h *Header) []byte {
	b = appendNumber(append(b, `{"event":"header"`...), `,"version":`, int64(h.Version))
	b = appendText(b, `,"scenario":`, h.Scenario)
	b = appendText(b, `,"file":`, h.File)
	b = append(b, `,"seed":`...)
	b = strconv.AppendUint(b, h.Seed, 10)
	b = append(b, `,"start":"`...)
	b = h.Start.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendText(b, `,"salt":`, h.Salt)
	b = appendTrue(b, `,"emulated":true`, h.Emulated)
	b = appendText(b, `,"upstream":`, h.Upstream)
	return append(b, "}\n"...)
}

// appendLine appends the line of a frame.
func appendLine(b, frame []byte) []byte {
	p := frame[frameHead:]
	switch kind(frame[4]) {
	case kindAttempt:
		b = appendAttemptLine(b, p)
	case kindEnd:
		b = appendEndLine(b, p)
	case kindOpen:
		b = appendOpenLine(b, p)
	case kindClose:
		r := decodeClose(p)
		b = appendUnsigned(append(b, `{"event":"close"`...), `,"conn":`, r.ID)
		b = appendCloser(b, r.Closed)
		b = appendNumber(b, `,"close_ns":`, int64(r.Close))
		b = appendText(b, `,"failure":`, r.Failure)
	case kindLate:
		r := decodeLate(p)
		b = appendNumber(append(b, `{"event":"late"`...), `,"at_ns":`, int64(r.At))
		b = appendNumber(b, `,"late_ns":`, int64(r.Late))
	case kindStop:
		b = appendNumber(append(b, `{"event":"stop"`...), `,"at_ns":`, int64(decodeStop(p)))
	default:
		k := kind(frame[4])
		b = appendRareLine(b, k, decodeRare(k, p))
	}
	return append(b, "}\n"...)
}

func appendAttemptLine(b, payload []byte) []byte {
	var v attemptView
	v.glance(payload)
	v.all()
	b = appendUnsigned(append(b, `{"event":"attempt"`...), `,"seq":`, v.seq)
	b = appendUnsigned(b, `,"conn":`, v.conn)
	b = appendNumber(b, `,"conn_request":`, int64(v.connRequest))
	b = appendText(b, `,"route":`, v.route)
	b = appendText(b, `,"nearest":`, v.nearest)
	b = appendText(b, `,"call":`, v.call)
	b = appendNumber(b, `,"call_no":`, int64(v.callNo))
	b = appendNumber(b, `,"n":`, int64(v.n))
	b = appendNumber(b, `,"nth":`, int64(v.nth))
	if v.naming != NamedByPrint {
		b = appendText(b, `,"naming":`, v.naming.String())
	}
	b = appendTrue(b, `,"ambiguous":true`, v.has(flagAmbiguous))
	b = appendText(b, `,"client":`, v.client)
	b = appendText(b, `,"method":`, v.method)
	b = appendText(b, `,"target":`, v.target)
	b = appendText(b, `,"host":`, v.host)
	b = appendHeaders(b, v.block)
	b = appendTrue(b, `,"header_order_lost":true`, v.has(flagOrderLost))
	b = appendNumber(b, `,"body_len":`, v.bodyLen)
	if !v.has(flagNoHash) {
		b = append(b, `,"body_sha256":"`...)
		b = append(hex.AppendEncode(b, v.bodySHA256[:]), '"')
	}
	b = appendBodyText(b, v.body)
	b = appendTrue(b, `,"body_whole":true`, v.has(flagBodyWhole))
	b = appendNumber(b, `,"first_ns":`, int64(v.first))
	b = appendNumber(b, `,"read_ns":`, int64(v.read))
	b = appendNumber(b, `,"sent_ns":`, int64(v.sent))
	b = appendText(b, `,"phase":`, v.phase)
	if v.entry != -1 {
		b = strconv.AppendInt(append(b, `,"entry":`...), int64(v.entry), 10)
	}
	b = appendList(b, `,"drawn":[`, v.drawn)
	b = appendList(b, `,"applied":[`, v.applied)
	b = appendText(b, `,"reason":`, v.reason)
	b = appendNumber(b, `,"status":`, int64(v.status))
	b = appendText(b, `,"wire":`, v.wire)
	b = appendText(b, `,"retry_after":`, v.retryAfter)
	if v.has(flagDue) {
		b = strconv.AppendInt(append(b, `,"due_ns":`...), int64(v.due), 10)
	}
	b = appendNumber(b, `,"delay_ns":`, int64(v.delay))
	b = appendText(b, `,"limit":`, v.limit)
	if len(v.charged) > 0 {
		b = appendList(b, `,"charged":[`, v.charged)
	}
	b = appendToldLine(b, &v)
	if v.ledger != LedgerNone {
		b = appendText(b, `,"ledger":`, v.ledger.String())
	}
	return appendText(b, `,"event_id":`, v.event)
}

// appendToldLine appends the quotas of an attempt: a list of objects, with "limit" left out where it is -1.
func appendToldLine(b []byte, v *attemptView) []byte {
	if len(v.told) == 0 {
		return b
	}
	d := decoder{p: v.told}
	n := d.uvarint()
	if n == 0 {
		return b
	}
	b = append(b, `,"told":[`...)
	for ; n > 0; n-- {
		q, bucket := d.quota(v.first)
		b = strconv.AppendInt(append(b, `{"remaining":`...), q.Remaining, 10)
		if q.Limit != -1 {
			b = strconv.AppendInt(append(b, `,"limit":`...), int64(q.Limit), 10)
		}
		b = appendText(b, `,"bucket":`, bucket)
		if q.HasReset {
			b = strconv.AppendInt(append(b, `,"reset_ns":`...), int64(q.Reset), 10)
		}
		b = append(b, "},"...)
	}
	b[len(b)-1] = ']'
	return b
}

func appendEndLine(b, payload []byte) []byte {
	r, failure := decodeEnd(payload)
	b = appendUnsigned(append(b, `{"event":"end"`...), `,"seq":`, r.Seq)
	b = appendNumber(b, `,"done_ns":`, int64(r.Done))
	b = appendNumber(b, `,"bytes_sent":`, r.BytesSent)
	b = appendTrue(b, `,"whole":true`, r.Whole)
	b = appendCloser(b, r.Closed)
	return appendText(b, `,"failure":`, failure)
}

func appendOpenLine(b, payload []byte) []byte {
	var v connView
	v.decode(payload)
	b = appendUnsigned(append(b, `{"event":"open"`...), `,"conn":`, v.id)
	b = appendText(b, `,"remote":`, v.remote)
	b = appendNumber(b, `,"accept_ns":`, int64(v.accept))
	b = appendList(b, `,"drawn":[`, v.drawn)
	b = appendList(b, `,"applied":[`, v.applied)
	b = appendText(b, `,"reason":`, v.reason)
	b = appendText(b, `,"host":`, v.host)
	return appendTrue(b, `,"tls":true`, v.tls)
}

func appendNumber(b []byte, key string, v int64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), v, 10)
}

func appendUnsigned(b []byte, key string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendUint(append(b, key...), v, 10)
}

func appendTrue(b []byte, pair string, v bool) []byte {
	if v {
		b = append(b, pair...)
	}
	return b
}

func appendText[T string | []byte](b []byte, key string, s T) []byte {
	if len(s) == 0 {
		return b
	}
	return appendQuoted(append(b, key...), s)
}

func appendCloser(b []byte, c Closer) []byte {
	if c == ClosedNot {
		return b
	}
	return appendText(b, `,"closed":`, c.String())
}

// appendList appends a list that decoder.ints returned, behind its key and bracket.
func appendList(b []byte, key string, list []byte) []byte {
	d := decoder{p: list}
	n := d.uvarint()
	if n == 0 {
		return b
	}
	b = append(b, key...)
	for ; n > 0; n-- {
		b = append(strconv.AppendInt(b, d.varint(), 10), ',')
	}
	b[len(b)-1] = ']'
	return b
}

func appendHeaders(b, block []byte) []byte {
	if len(block) == 0 {
		return b
	}
	b = append(b, `,"headers":[`...)
	for d := (decoder{p: block}); d.i < len(block); {
		b = appendQuoted(append(b, '['), d.bytes())
		b = appendQuoted(append(b, ','), d.bytes())
		b = append(b, "],"...)
	}
	b[len(b)-1] = ']'
	return b
}

func appendBodyText(b, body []byte) []byte {
	if len(body) == 0 || utf8.Valid(body) {
		return appendText(b, `,"body":`, body)
	}
	b = append(b, `,"body_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(b, body), '"')
}

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendQuoted appends s as a JSON string.
func appendQuoted[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if _, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])); n > 1 {
				i += n
				continue
			}
		}
		b = appendEscape(append(b, s[from:i]...), c)
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// appendEscape appends the escape of a byte: one that JSON wants, or the surrogate of one that is not UTF-8.
func appendEscape(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	prefix := `\u00`
	if c >= utf8.RuneSelf {
		prefix = `\udc`
	}
	return append(append(b, prefix...), digits[c>>4], digits[c&15])
}
