package journal

import (
	"encoding/binary"
	"runtime"
	"sync"
)

// kind is what a frame records.
type kind uint8

const (
	kindOpen kind = iota + 1
	kindClose
	kindAttempt
	kindEnd
	kindLate
	kindClient
	kindResult
	kindDrop
	kindStop
	kindEffect
	kindDelivery
	kindDelivered
	kindForward
	kindPort
	kindContent
)

// begins reports whether a frame of the kind begins a record. The ends of attempts, connections and deliveries belong to the
// record that an earlier frame began, the content of an answer to that of its attempt, and the stop to none.
func (k kind) begins() bool {
	return k != kindEnd && k != kindClose && k != kindDelivered && k != kindContent && k != kindStop
}

// A frame is its own length in 4 bytes, its kind in 1, and a payload that encode.go describes.
const frameHead = 5

// ring keeps the latest frames of a run in one slab of bytes, end to end, over the edge of the slab where need be.
// What is old goes a segment at a time, so that making room never reads memory that has left the caches.
// Measured on two cores, one mutex around one copy is faster than shards, than lock-free slots and than a channel.
type ring struct {
	// Set once, but for the slab, which keepOnHeap replaces.
	slab             []byte
	maxAttempts      int
	segBytes, segMax int // a segment that has so many bytes, or so many attempts, takes no more frames
	cleanup          runtime.Cleanup

	// Offsets count the bytes ever recorded, so that a reader can tell that its place was overwritten.
	tail    uint64
	tailAt  int    // where tail lies in the slab
	first   uint64 // ordinal of the frame at tail; from 1
	dropped uint64 // records begun by frames that were evicted

	// closed, from oldest on and around, counts what lies from tail on, and last what comes behind.
	closed       []segment
	oldest, used int // index into closed, and how many are in use

	shut bool
	wake chan struct{} // closed by the next append; nil where nobody waits

	// What every append writes has a cache line of its own, which goes from core to core; what is above does not.
	_        [cacheLine]byte
	mu       sync.Mutex // guards all above and below; held for a copy of at most chunkSize, or of one longer frame
	head     uint64     // offset behind the last frame
	attempts int        // in the ring
	last     segment
	_        [cacheLine]byte
}

const cacheLine = 64

// segment counts the frames of one part of the ring.
type segment struct {
	bytes    uint32
	frames   uint32
	attempts uint32
	begun    uint32 // records that they begin
}

// ringParts is into how many segments the bounds of a ring are cut, where they are not smaller than that: a ring
// that has rolled holds at least 1 - 1/ringParts of what it may.
const ringParts = 256

func newRing(maxAttempts, maxBytes int) *ring {
	r := &ring{slab: newSlab(maxBytes), first: 1, maxAttempts: maxAttempts}
	r.segBytes, r.segMax = maxBytes/ringParts, max(1, maxAttempts/ringParts)
	// A closed segment has reached one bound, so no more than these fit at once.
	r.closed = make([]segment, ringParts+min(maxAttempts, 2*ringParts)+1)
	r.cleanup = runtime.AddCleanup(r, freeSlab, r.slab)
	return r
}

// append adds a frame, evicting the oldest ones that it has to. A frame longer than the slab empties the ring and
// counts as dropped itself. After shut it returns ErrShut; with last it is the one that shuts.
func (r *ring) append(frame []byte, last bool) error {
	r.mu.Lock()
	if r.shut {
		r.mu.Unlock()
		return ErrShut
	}
	k := kind(frame[4])
	for r.head != r.tail && (int(r.head-r.tail)+len(frame) > len(r.slab) || k == kindAttempt && r.attempts >= r.maxAttempts) {
		r.evict()
	}
	if len(frame) <= len(r.slab) {
		r.store(k, frame)
	} else {
		r.first++
		if k.begins() {
			r.dropped++
		}
	}
	if last {
		r.shut = true
	}
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
	r.mu.Unlock()
	return nil
}

// store copies a frame behind the head; requires mu and room for it.
func (r *ring) store(k kind, frame []byte) {
	at := r.place(r.head)
	n := copy(r.slab[at:], frame)
	copy(r.slab, frame[n:])
	r.head += uint64(len(frame))

	s := &r.last
	if int(s.bytes) >= r.segBytes || int(s.attempts) >= r.segMax {
		r.closed[(r.oldest+r.used)%len(r.closed)] = *s
		r.used++
		*s = segment{}
	}
	s.bytes += uint32(len(frame))
	s.frames++
	if k == kindAttempt {
		s.attempts++
		r.attempts++
	}
	if k.begins() {
		s.begun++
	}
}

// place returns where an offset from tail to head lies in the slab; requires mu.
func (r *ring) place(offset uint64) int {
	at := r.tailAt + int(offset-r.tail)
	if at >= len(r.slab) {
		at -= len(r.slab)
	}
	return at
}

// evict lets go of the oldest segment; requires mu and that there is one.
func (r *ring) evict() {
	s := r.last
	if r.used > 0 {
		s = r.closed[r.oldest]
		r.oldest = (r.oldest + 1) % len(r.closed)
		r.used--
	} else {
		r.last = segment{}
	}
	r.tailAt = r.place(r.tail + uint64(s.bytes))
	r.tail += uint64(s.bytes)
	r.first += uint64(s.frames)
	r.attempts -= int(s.attempts)
	r.dropped += uint64(s.begun)
}

// keepOnHeap moves what a shut ring holds out of the mapped slab if that is little, and unmaps the slab at once:
// a test process makes thousands of journals, and the collector does not see how much is mapped.
func (r *ring) keepOnHeap() {
	const little = 1 << 20
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int(r.head - r.tail)
	if n > little {
		return
	}
	b := make([]byte, n)
	r.copyOut(b, r.tail)
	r.cleanup.Stop()
	freeSlab(r.slab)
	r.slab, r.tailAt = b, 0
}

// copyOut fills b with the bytes from an offset on; requires mu, and len(b) bytes there.
func (r *ring) copyOut(b []byte, offset uint64) {
	if len(b) == 0 {
		return
	}
	n := copy(b, r.slab[r.place(offset):])
	copy(b[n:], r.slab)
}

// waiter returns a channel that is closed once something follows offset; nil where something does already, or
// where nothing ever will, which shut tells.
func (r *ring) waiter(offset uint64) (wait <-chan struct{}, shut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.head > offset || r.shut {
		return nil, r.head <= offset
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake, false
}

// chunkSize is how much a reader copies out at a time: few enough that the copy stays in the cache until it is
// decoded, and that a writer waits for microseconds only.
const chunkSize = 128 << 10

// reader reads the frames of a ring in order, a chunk at a time, while others append. It belongs to one goroutine.
type reader struct {
	r     *ring
	at    uint64 // offset of the next frame
	limit uint64 // stop there
	seq   uint64 // ordinal of the next frame
	begun uint64 // records begun by the frames before at, or lost
	lost  uint64 // records that were evicted before they were read

	buf  []byte
	rest []byte // of buf: not yet returned
}

// read returns a reader of the frames in the ring now and, without end, of those to come.
func (r *ring) read() *reader { return &reader{r: r, limit: ^uint64(0), seq: 1} }

// readNow returns a reader of the frames in the ring now.
func (r *ring) readNow() (rd *reader, attempts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &reader{r: r, limit: r.head, seq: 1}, r.attempts
}

// next returns the next frame's ordinal, kind and payload, which stay good until the next call; kind 0 where there
// is none.
func (c *reader) next() (seq uint64, k kind, payload []byte) {
	size := frameSize(c.rest)
	if size == 0 {
		if size = c.fill(); size == 0 {
			return 0, 0, nil
		}
	}
	frame := c.rest[:size]
	c.rest = c.rest[size:]
	c.at += uint64(size)
	seq, k = c.seq, kind(frame[4])
	c.seq++
	if k.begins() {
		c.begun++
	}
	return seq, k, frame[frameHead:]
}

// frameSize returns the size of the frame that b begins with, 0 where b does not hold the whole of it.
func frameSize(b []byte) int {
	if len(b) < frameHead {
		return 0
	}
	if n := int(binary.LittleEndian.Uint32(b)); n <= len(b) {
		return n
	}
	return 0
}

// fill copies the next chunk out of the ring and returns the size of its first frame, 0 where nothing is left.
func (c *reader) fill() int {
	want := chunkSize
	for {
		c.copyChunk(want)
		if len(c.rest) == 0 {
			return 0
		}
		if size := frameSize(c.rest); size > 0 {
			return size
		}
		// At least one whole frame lies between at and limit, so the chunk was cut inside a long one.
		want = int(binary.LittleEndian.Uint32(c.rest))
	}
}

// copyChunk copies up to n bytes from at on to buf. Where at was overwritten it goes on with the oldest frame and
// counts what was lost.
func (c *reader) copyChunk(n int) {
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	r := c.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.seq < r.first {
		c.lost += r.dropped - c.begun
		c.seq, c.begun, c.at = r.first, r.dropped, r.tail
	}
	end := min(c.limit, r.head)
	if c.at >= end {
		c.rest = nil
		return
	}
	c.rest = c.buf[:min(uint64(n), end-c.at)]
	r.copyOut(c.rest, c.at)
}
