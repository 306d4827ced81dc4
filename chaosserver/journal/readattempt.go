package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
)

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
		f.readHash("body_sha256", &a.BodySHA256)
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
	case "limit":
		a.Limit = f.str(p.str())
	case "charged":
		a.Charged = f.readInts()
	case "told":
		a.Told = f.readQuotas()
	case "ledger":
		a.Ledger = Ledger(f.name("ledger", ledgerNames[:]))
	case "event_id":
		a.Event = f.str(p.str())
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

func (f *fileReader) readHash(key string, sum *[32]byte) {
	text := f.p.str()
	if len(text) != hex.EncodedLen(len(sum)) {
		f.p.fail("%s has %d characters, not 64 hex digits", key, len(text))
		return
	}
	if _, err := hex.Decode(sum[:], text); err != nil {
		f.p.fail("%s: %v", key, err)
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

// readQuotas reads the quotas that an answer told.
func (f *fileReader) readQuotas() []Quota {
	p := &f.p
	var list []Quota
	p.begin('[')
	for p.more(']') {
		q := Quota{Limit: -1}
		p.begin('{')
		for p.more('}') {
			switch string(p.key()) {
			case "limit":
				q.Limit = p.int()
			case "bucket":
				q.Bucket = f.str(p.str())
			case "remaining":
				q.Remaining = p.signed()
			case "reset_ns":
				q.Reset, q.HasReset = f.instant(), true
			default:
				p.skip()
			}
		}
		list = append(list, q)
	}
	return list
}
