package chaosserver

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"brownout/chaosserver/fault"
	"brownout/scenarios"
)

// printOfBody is what a print says of the request's body: its hash. Where an attempt is decided about before its body is read,
// nothing is known of that but its length.
func (x *exchange) printOfBody() [32]byte {
	if !x.unread {
		return x.body.sum
	}
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], uint64(x.r.ContentLength))
	return b
}

// serveAhead carries the attempt through where it has to be decided about before its body is read: a wire fault strikes
// there, or the answer comes early.
func (x *exchange) serveAhead() {
	x.read = time.Now()
	x.startBody()
	x.unread = true
	x.identify()
	defer x.finish()
	if x.c == nil {
		_ = x.receiveRest()
		x.cannot("the scenario has a fault at request-body, or an early answer: " + needsListener)
		return
	}
	if err := x.decide(); err != nil {
		x.undecided(err)
		return
	}
	x.carryOutAhead()
}

// carryOutAhead does what was decided before the request's body was read.
func (x *exchange) carryOutAhead() {
	var err error
	d := &x.decision
	switch w := x.s.wires[d.Wire]; {
	case w != nil && w.At == scenarios.AtRequestBody:
		if w.Do != scenarios.WireDrip {
			x.strikeUpload(w)
			return
		}
		err = x.receiveAs(w)
	case d.Answer.Early != nil:
		x.answerEarly(*d.Answer.Early)
		return
	default:
		err = x.receiveAs(nil)
	}
	if err != nil {
		x.refuseBody(err)
	} else if x.commit(); x.wait() {
		x.carryOut()
	}
}

// receiveAs reads the request to its end, if that was not done yet, and at the pace of a drip where the wire fault is one.
func (x *exchange) receiveAs(w *wire) error {
	switch {
	case x.body.whole:
		return nil
	case w != nil && w.At == scenarios.AtRequestBody:
		return x.receiveSlowly(w)
	}
	return x.receiveRest()
}

// readPart reads so much of the request's body, less where that ends before.
func (x *exchange) readPart(n int64) error {
	err := x.readBody(n)
	x.noteBody(err)
	return err
}

// partOf is how many bytes of the request's body a wire fault lets through, or why that cannot be said.
func (x *exchange) partOf(e scenarios.Extent) (int64, string) {
	if e.IsShare && x.r.ContentLength < 0 {
		return 0, "a share of a request's body is not known where the body has no length"
	}
	return e.Of(max(x.r.ContentLength, 0)), ""
}

// strikeUpload lets a wire fault strike while the request's body is read.
func (x *exchange) strikeUpload(w *wire) {
	n, why := x.partOf(w.After)
	if why == "" {
		if err := x.readPart(n); err != nil {
			x.refuseBody(err)
			return
		}
		if x.body.len < n {
			why = fmt.Sprintf("the request's body has only %d bytes", x.body.len)
		}
	}
	switch {
	case why != "":
		_ = x.receiveRest()
		x.cannot(w.text + ": " + why)
	case x.wait():
		x.strike(w)
	}
}

// receiveSlowly reads the request's body at the pace of a drip.
func (x *exchange) receiveSlowly(w *wire) error {
	n, why := x.partOf(w.After)
	if why != "" {
		_ = x.receiveRest()
		x.end.Failure = w.text + ": " + why
		return nil
	}
	err := x.readBody(n)
	drip := fault.NewDrip(w.Rate)
	for err == nil && !x.body.ended {
		var piece int64
		if piece, err = drip.Next(x.r.Context(), 1<<62); err == nil {
			err = x.readBody(piece)
		}
	}
	x.noteBody(err)
	return err
}

// answerEarly answers once so much of the request's body has been read, and reads on.
func (x *exchange) answerEarly(n int64) {
	if err := x.readPart(n); err != nil {
		x.refuseBody(err)
		return
	}
	// A client that awaits leave to send its body, and has got none, may send another request instead of it.
	x.readsOn = n > 0 || !strings.EqualFold(x.r.Header.Get("Expect"), "100-continue")
	switch {
	case x.body.len < n:
		x.cannot(fmt.Sprintf("early: the request's body has only %d bytes", x.body.len))
	case x.wait():
		x.carryOut()
	}
	if !x.readsOn && !x.body.ended {
		_ = x.c.sayEnd()
		x.c.readOut()
	}
	for x.readsOn && !x.body.ended {
		if x.readBody(1<<20) != nil {
			_ = x.c.Close()
			return
		}
	}
	x.requestEnds(x.r.ContentLength)
}
