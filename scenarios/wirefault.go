package scenarios

import "time"

// WireDo is what a wire fault does.
type WireDo uint8

// The wire faults.
const (
	WireRST WireDo = iota + 1
	WireFIN
	WireStall   // no further byte until the client or the run ends the connection
	WireDrip    // so many bytes a second
	WireGarbage // bytes that are no answer, then FIN
	WireRefuse  // the port is closed while the fault's triggers hold
)

// WireAt is the point of the exchange at which a wire fault strikes.
type WireAt uint8

// The points of the exchange, in its order.
const (
	AtAccept        WireAt = iota + 1
	AtTLS                  // behind the ClientHello
	AtRequestBody          // while the request's body is read
	AtBeforeHeaders        // the request was read, and nothing is sent
	AtHeaders
	AtBody
	AtEnd  // after the last byte
	AtIdle // later, on the connection that was kept
)

// WireFault is a fault that says what goes over the wire.
type WireFault struct {
	Pos   Pos
	Do    WireDo
	At    WireAt
	After Extent        // how much of the part at At goes first
	Rate  int64         // bytes a second, with WireDrip
	Bytes Garbage       // with WireGarbage
	Wait  time.Duration // with AtIdle: the connection must have been idle for so long; 50ms by default
}

// LeavesWhole reports whether the client gets the whole answer all the same.
func (w *WireFault) LeavesWhole() bool { return w.Do == WireDrip || w.At == AtEnd || w.At == AtIdle }

// DefaultIdleWait is how long a connection is idle before a fault at idle strikes, where the file says nothing.
const DefaultIdleWait = 50 * time.Millisecond

// Extent is so much of a part of an exchange. The zero Extent means that the file says nothing: half of a header block,
// and nothing of a body.
type Extent struct {
	Set     bool
	Size    int64 // bytes; with IsShare 0
	IsShare bool
	Share   Share
}

// Of returns how many bytes of a part of that length they are, which may be more than it has.
func (e Extent) Of(length int64) int64 {
	if e.IsShare {
		return int64(float64(e.Share) * float64(length))
	}
	return e.Size
}

// Garbage is bytes that are no answer: a text, or so many seeded bytes. The zero Garbage is [DefaultGarbage] seeded ones.
type Garbage struct {
	Text string
	Size int64
}

// DefaultGarbage is how many bytes of garbage are sent where the file says nothing.
const DefaultGarbage = 64
