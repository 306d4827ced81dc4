package chaosserver

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net"
	"net/http"
	"time"

	"brownout/chaosserver/journal"
)

// bodyBuffer is the size of the buffers that bodies pass through.
const bodyBuffer = 16 << 10

// emptySum is the hash of an empty body.
var emptySum = sha256.Sum256(nil)

// received is the body of a request as it was received.
type received struct {
	kept  []byte // its beginning, up to the server's limit
	len   int64
	sum   [32]byte
	ended bool // its end has been read
	whole bool // it was received to its end, and that is noted
	told  bool // the connection knows where the request ended
	hash  hash.Hash
}

func (b *received) release() {
	if cap(b.kept) > keptBuffer {
		b.kept = nil
	}
	b.kept = b.kept[:0]
}

// receive reads the request to its end, from the beginning of its body on. The error is that of the reading.
func (x *exchange) receive() error {
	x.startBody()
	return x.receiveRest()
}

// receiveRest reads what is left of the request. The error is that of the reading.
func (x *exchange) receiveRest() error {
	err := x.readBody(-1)
	x.noteBody(err)
	return err
}

// noteBody notes what was received, and the error of its reading.
func (x *exchange) noteBody(err error) {
	x.read = time.Now()
	b, rec := &x.body, &x.record
	b.whole = err == nil && b.ended
	if err != nil {
		x.requestEnds(-1)
	} else if b.ended {
		x.requestEnds(x.r.ContentLength)
	}
	rec.BodyLen, rec.BodySHA256, rec.Body, rec.BodyWhole = b.len, b.sum, b.kept, b.whole
	rec.Read = x.run.at(x.read)
}

// requestEnds tells the connection where the request ended, once; see [conn.bodyRead].
func (x *exchange) requestEnds(length int64) {
	if x.c == nil || x.body.told {
		return
	}
	x.body.told = true
	x.c.bodyRead(length)
}

// take notes a piece of the body, of which at most so much is kept in all.
func (b *received) take(p []byte, most int) {
	b.len += int64(len(p))
	b.hash.Write(p)
	b.kept = append(b.kept, p[:min(len(p), max(0, most-len(b.kept)))]...)
}

// startBody begins the reading of the request's body.
func (x *exchange) startBody() {
	b := &x.body
	b.kept, b.len, b.sum, b.ended = b.kept[:0], 0, emptySum, x.r.Body == nil || x.r.Body == http.NoBody
	b.whole, b.told = false, false
	if b.ended {
		return
	}
	if b.hash == nil {
		b.hash = sha256.New()
	}
	b.hash.Reset()
}

// readBody reads so many further bytes of the body, all where n is negative, or less where it ends before.
func (x *exchange) readBody(n int64) error {
	b := &x.body
	if b.ended || n == 0 {
		return nil
	}
	buf := x.s.buffers.Get().(*[]byte)
	defer x.s.buffers.Put(buf)
	for n != 0 {
		room := *buf
		if n > 0 {
			room = room[:min(n, int64(len(room)))]
		}
		k, err := x.r.Body.Read(room)
		n = max(n-int64(k), -1)
		b.take(room[:k], x.s.config.maxBody)
		if err != nil || n == 0 {
			b.hash.Sum(b.sum[:0])
		}
		switch {
		case errors.Is(err, io.EOF):
			b.ended = true
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// reasonBrokeOff is the reason of an attempt whose request did not come to its end.
const reasonBrokeOff = "the request broke off"

// refuseBody ends an attempt whose request was not received to its end: the client went, or what it sent is no body,
// or it took longer than [WithReadTimeout] allows.
func (x *exchange) refuseBody(err error) {
	x.record.Reason = reasonBrokeOff
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		x.end.Failure = x.s.tooLate()
		x.problem(http.StatusRequestTimeout, x.end.Failure)
	case x.closer() != journal.ClosedNot, x.r.Context().Err() != nil:
		x.gaveUp()
	default:
		x.problem(http.StatusBadRequest, "the body cannot be read: "+err.Error())
	}
}
