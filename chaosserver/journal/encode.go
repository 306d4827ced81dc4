package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// The payload of a frame: numbers as varints (zigzag where they may be negative), strings and lists behind their
// length, instants of an attempt relative to its first. What scans look at comes first. decode.go reads it.

// Bits of the first byte of an attempt's payload.
const (
	flagAmbiguous = 1 << iota
	flagOrderLost
	flagBodyWhole
	flagDue
	flagNoHash    // the hash of the body is all zeros
	flagEmptyHash // the hash of the body is that of no bytes
	flagLimits    // limits have to do with the attempt
	flagLedger    // the ledger, or an event, has to do with it
)

var emptyHash = sha256.Sum256(nil)

// encoder turns records into frames. Secrets are replaced on the way, so that no frame ever holds one. It belongs
// to one goroutine at a time.
type encoder struct {
	secrets  *redactor // nil: nothing is secret
	keepBody int

	frame []byte // the last frame made
	json  []byte // room for the line that is made of it
	block []byte // the header block of an attempt
	field []byte // a value, as long as its length is not known
	fold  []byte // a value before its secrets are replaced, where it needs a place of its own
	text  []byte // a string as bytes
	names []string
	// plainRaw is the header block that e.block was made of, if nothing in it is secret: most clients send the same
	// again and again. It is empty otherwise, so that no secret is kept, and a name made of one is always looked for.
	plainRaw []byte
	hidden   bool // something in e.block is, or may be, a hash
	links    bool // a value of the block may hold a URL with a secret
	// The name of the attempt's call, or of its client, is the value of a secret field.
	secretCall, secretClient bool

	_ [cacheLine]byte // encoders of two processors do not share a line
}

func (e *encoder) begin(k kind) []byte { return append(e.frame[:0], 0, 0, 0, 0, byte(k)) }

func (e *encoder) finish(b []byte) []byte {
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	e.frame = b
	return b
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendInts(b []byte, list []int) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, v := range list {
		b = binary.AppendVarint(b, int64(v))
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func (e *encoder) open(r *OpenRecord) []byte {
	b := e.begin(kindOpen)
	b = binary.AppendUvarint(b, r.ID)
	b = binary.AppendVarint(b, int64(r.Accept))
	b = appendString(b, r.Remote)
	b = appendInts(b, r.Drawn)
	b = appendInts(b, r.Applied)
	b = appendString(b, r.Reason)
	b = appendString(b, r.Host)
	b = appendBool(b, r.TLS)
	return e.finish(b)
}

func (e *encoder) close(r *CloseRecord) []byte {
	b := e.begin(kindClose)
	b = binary.AppendUvarint(b, r.ID)
	b = append(b, byte(r.Closed))
	b = binary.AppendVarint(b, int64(r.Close))
	b = appendString(b, r.Failure)
	return e.finish(b)
}

// attempt makes the frame of an attempt.
func (e *encoder) attempt(r *AttemptRecord) []byte {
	orderLost := e.headers(r)
	return e.attemptWith(r, orderLost)
}

// attemptWith makes the frame of an attempt whose header block is in e.block.
func (e *encoder) attemptWith(r *AttemptRecord, orderLost bool) []byte {
	b := append(e.begin(kindAttempt), attemptFlags(r, orderLost), byte(r.Naming))
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendVarint(b, int64(r.First))
	b = binary.AppendVarint(b, int64(r.Status))
	b = binary.AppendVarint(b, int64(r.N))
	b = appendString(b, r.Route)
	b = e.appendName(b, r.Call, e.secretCall)
	b = appendString(b, r.Method)
	b = e.appendURL(b, r.Target)

	b = binary.AppendUvarint(b, r.Conn)
	b = binary.AppendVarint(b, int64(r.ConnRequest))
	b = binary.AppendVarint(b, int64(r.CallNo))
	b = binary.AppendVarint(b, int64(r.Nth))
	b = binary.AppendVarint(b, int64(r.Read-r.First))
	b = binary.AppendVarint(b, int64(r.Sent-r.First))
	if r.HasDue {
		b = binary.AppendVarint(b, int64(r.Due-r.First))
	}
	b = binary.AppendVarint(b, int64(r.Delay))
	b = binary.AppendVarint(b, int64(r.Entry))
	b = appendInts(b, r.Drawn)
	b = appendInts(b, r.Applied)
	b = appendString(b, r.Phase)
	b = appendString(b, r.Reason)
	b = appendString(b, r.Wire)
	b = appendString(b, r.RetryAfter)
	b = e.appendURL(b, r.Nearest)
	b = e.appendName(b, r.Client, e.secretClient)
	b = e.appendHost(b, r.Host)
	b = appendString(b, e.block)
	b = binary.AppendVarint(b, r.BodyLen)
	if r.BodySHA256 != ([32]byte{}) && r.BodySHA256 != emptyHash {
		b = append(b, r.BodySHA256[:]...)
	}
	b = e.appendBody(b, r.Body)
	if hasLimits(r) {
		b = appendString(b, r.Limit)
		b = appendInts(b, r.Charged)
		b = appendQuotas(b, r)
	}
	if hasLedger(r) {
		b = append(b, byte(r.Ledger))
		b = e.appendURL(b, r.Event)
	}
	return e.finish(b)
}

// hasLimits and hasLedger report whether the attempt has what few scenarios speak of.
func hasLimits(r *AttemptRecord) bool {
	return r.Limit != "" || len(r.Charged) > 0 || len(r.Told) > 0
}

func hasLedger(r *AttemptRecord) bool { return r.Ledger != LedgerNone || r.Event != "" }

func appendQuotas(b []byte, r *AttemptRecord) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.Told)))
	for i := range r.Told {
		q := &r.Told[i]
		b = binary.AppendVarint(b, int64(q.Limit))
		b = appendString(b, q.Bucket)
		b = binary.AppendVarint(b, q.Remaining)
		b = appendBool(b, q.HasReset)
		if q.HasReset {
			b = binary.AppendVarint(b, int64(q.Reset-r.First))
		}
	}
	return b
}

func attemptFlags(r *AttemptRecord, orderLost bool) byte {
	var f byte
	if r.Ambiguous {
		f |= flagAmbiguous
	}
	if orderLost {
		f |= flagOrderLost
	}
	if r.BodyWhole {
		f |= flagBodyWhole
	}
	if r.HasDue {
		f |= flagDue
	}
	if hasLimits(r) {
		f |= flagLimits
	}
	if hasLedger(r) {
		f |= flagLedger
	}
	switch r.BodySHA256 {
	case [32]byte{}:
		f |= flagNoHash
	case emptyHash:
		f |= flagEmptyHash
	}
	return f
}

func (e *encoder) end(r *EndRecord) []byte {
	b := e.begin(kindEnd)
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendVarint(b, int64(r.Done))
	b = binary.AppendVarint(b, r.BytesSent)
	b = appendBool(b, r.Whole)
	b = append(b, byte(r.Closed))
	b = appendString(b, r.Failure)
	return e.finish(b)
}

func (e *encoder) late(r Lateness) []byte {
	b := e.begin(kindLate)
	b = binary.AppendVarint(b, int64(r.At))
	b = binary.AppendVarint(b, int64(r.Late))
	return e.finish(b)
}

func (e *encoder) stop(at time.Duration) []byte {
	return e.finish(binary.AppendVarint(e.begin(kindStop), int64(at)))
}
