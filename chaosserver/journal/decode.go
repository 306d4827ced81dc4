package journal

import "time"

// decoder reads the payload of a frame. Frames come from encoder alone, so what is wrong in one is a bug here, and
// panics.
type decoder struct {
	p []byte
	i int
}

func (d *decoder) byte() byte {
	c := d.p[d.i]
	d.i++
	return c
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) uvarint() uint64 {
	if c := d.p[d.i]; c < 0x80 {
		d.i++
		return uint64(c)
	}
	return d.longUvarint()
}

func (d *decoder) longUvarint() uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		c := d.p[d.i]
		d.i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) int() int               { return int(d.varint()) }
func (d *decoder) instant() time.Duration { return time.Duration(d.varint()) }

// bytes returns the next string; it lies in the payload.
func (d *decoder) bytes() []byte {
	n := int(d.uvarint())
	d.i += n
	return d.p[d.i-n : d.i]
}

// ints returns the next list of numbers as it lies in the payload, length first.
func (d *decoder) ints() []byte {
	from := d.i
	for n := d.uvarint(); n > 0; n-- {
		d.uvarint()
	}
	return d.p[from:d.i]
}

// quotas returns the quotas of an attempt as they lie in the payload, length first.
func (d *decoder) quotas() []byte {
	from := d.i
	for n := d.uvarint(); n > 0; n-- {
		d.quota(0)
	}
	return d.p[from:d.i]
}

// quota returns the next quota of an attempt that began at an instant, and its bucket.
func (d *decoder) quota(first time.Duration) (q Quota, bucket []byte) {
	q.Limit = d.int()
	bucket = d.bytes()
	q.Remaining = d.varint()
	if q.HasReset = d.bool(); q.HasReset {
		q.Reset = first + d.instant()
	}
	return q, bucket
}

// attemptView is an attempt as it lies in a frame. The bytes in it are the frame's.
type attemptView struct {
	flags  byte
	naming Naming
	seq    uint64
	first  time.Duration
	status int
	n      int

	route, call, method, target []byte

	rest decoder // what follows, for all

	conn                            uint64
	connRequest, callNo, nth        int
	read, sent, due, delay          time.Duration
	entry                           int
	drawn, applied                  []byte // as decoder.ints returns them
	phase, reason, wire, retryAfter []byte
	nearest, client, host           []byte
	block                           []byte
	bodyLen                         int64
	bodySHA256                      [32]byte
	body                            []byte
	limit, charged, told            []byte // told as encode's appendQuotas wrote it
	ledger                          Ledger
	event                           []byte
}

// glance decodes what comes first in an attempt's payload.
func (v *attemptView) glance(payload []byte) {
	d := decoder{p: payload}
	v.flags = d.byte()
	v.naming = Naming(d.byte())
	v.seq = d.uvarint()
	v.first = d.instant()
	v.status = d.int()
	v.n = d.int()
	v.route = d.bytes()
	v.call = d.bytes()
	v.method = d.bytes()
	v.target = d.bytes()
	v.rest = d
}

// all decodes what glance left.
func (v *attemptView) all() {
	d := v.rest
	v.conn = d.uvarint()
	v.connRequest = d.int()
	v.callNo = d.int()
	v.nth = d.int()
	v.read = v.first + d.instant()
	v.sent = v.first + d.instant()
	v.due = 0
	if v.flags&flagDue != 0 {
		v.due = v.first + d.instant()
	}
	v.delay = d.instant()
	v.entry = d.int()
	v.drawn = d.ints()
	v.applied = d.ints()
	v.phase = d.bytes()
	v.reason = d.bytes()
	v.wire = d.bytes()
	v.retryAfter = d.bytes()
	v.nearest = d.bytes()
	v.client = d.bytes()
	v.host = d.bytes()
	v.block = d.bytes()
	v.bodyLen = d.varint()
	switch {
	case v.flags&flagNoHash != 0:
		v.bodySHA256 = [32]byte{}
	case v.flags&flagEmptyHash != 0:
		v.bodySHA256 = emptyHash
	default:
		d.i += copy(v.bodySHA256[:], d.p[d.i:])
	}
	v.body = d.bytes()
	v.limit, v.charged, v.told, v.ledger, v.event = nil, nil, nil, LedgerNone, nil
	if v.flags&flagLimits != 0 {
		v.limit = d.bytes()
		v.charged = d.ints()
		v.told = d.quotas()
	}
	if v.flags&flagLedger != 0 {
		v.ledger = Ledger(d.byte())
		v.event = d.bytes()
	}
}

func (v *attemptView) has(flag byte) bool { return v.flags&flag != 0 }

// connView is the open of a connection as it lies in a frame.
type connView struct {
	id                             uint64
	accept                         time.Duration
	remote, drawn, applied, reason []byte
	host                           []byte
	tls                            bool
}

func (v *connView) decode(payload []byte) {
	d := decoder{p: payload}
	v.id = d.uvarint()
	v.accept = d.instant()
	v.remote = d.bytes()
	v.drawn = d.ints()
	v.applied = d.ints()
	v.reason = d.bytes()
	v.host = d.bytes()
	v.tls = d.bool()
}

func decodeClose(payload []byte) CloseRecord {
	d := decoder{p: payload}
	return CloseRecord{ID: d.uvarint(), Closed: Closer(d.byte()), Close: d.instant(), Failure: string(d.bytes())}
}

// decodeEnd decodes an end; the record's Failure is left to the caller.
func decodeEnd(payload []byte) (r EndRecord, failure []byte) {
	d := decoder{p: payload}
	r.Seq = d.uvarint()
	r.Done = d.instant()
	r.BytesSent = d.varint()
	r.Whole = d.bool()
	r.Closed = Closer(d.byte())
	return r, d.bytes()
}

func decodeLate(payload []byte) Lateness {
	d := decoder{p: payload}
	return Lateness{At: d.instant(), Late: d.instant()}
}

func decodeStop(payload []byte) time.Duration {
	d := decoder{p: payload}
	return d.instant()
}
