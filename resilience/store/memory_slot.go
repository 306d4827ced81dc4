package store

import "time"

// slot is what is known of one key, in 48 bytes without a pointer, so that the garbage collector does not look into it.
// Instants are in milliseconds since the start of the clock.
type slot struct {
	key   Key
	print Fingerprint
	until uint64 // when the key is forgotten, below flags and the lower part of the token; 0: the slot is not in use
	lease uint64 // until when the owner holds the claim, below the upper part of the token; of a slot not in use, the next such one
}

// The parts of a slot's words.
const (
	timeBits = 42 // 139 years
	timeMask = 1<<timeBits - 1

	doneFlag      = 1 << 42
	reclaimedFlag = 1 << 43 // an earlier owner abandoned the key
	lowShift      = 44      // of the token
	lowBits       = 20
	lowMask       = 1<<lowBits - 1
)

// milliseconds returns the instant that has been reached, and millisecondsUp the first that has not been passed: nothing is over too early.
func milliseconds(d time.Duration) uint64 { return uint64(d / time.Millisecond) }

func millisecondsUp(d time.Duration) uint64 {
	return uint64((d + time.Millisecond - 1) / time.Millisecond)
}

func (e *slot) over(now uint64) bool    { return e.until&timeMask <= now }
func (e *slot) expired(now uint64) bool { return e.lease&timeMask <= now }
func (e *slot) done() bool              { return e.until&doneFlag != 0 }
func (e *slot) reclaimed() bool         { return e.until&reclaimedFlag != 0 }
func (e *slot) token() Token            { return Token(e.until>>lowShift | e.lease>>timeBits<<lowBits) }
func (e *slot) end() time.Duration      { return time.Duration(e.lease&timeMask) * time.Millisecond }

// own gives the key to a new owner.
func (e *slot) own(token Token, lease, until uint64, flags uint64) {
	e.until = until | flags | uint64(token)&lowMask<<lowShift
	e.lease = lease | uint64(token)>>lowBits<<timeBits
}

func (e *slot) setUntil(until uint64) { e.until = e.until&^timeMask | until }
func (e *slot) setLease(lease uint64) { e.lease = e.lease&^timeMask | lease }

// slots are numbered slots that stay where they are, in chunks, and the records that some of them have.
type slots struct {
	chunks []*[chunkSlots]slot
	texts  []*[chunkSlots]string // of the chunk with the same number; nil as long as none has a record
	n      uint32                // slots there are, in use or not
	free   uint32                // number of the first one not in use, plus one; 0: all are
}

// chunkSlots is how many slots are allocated at a time: 12 KiB.
const chunkSlots = 256

func (s *slots) at(i uint32) *slot { return &s.chunks[i/chunkSlots][i%chunkSlots] }

// take returns the number of a slot that is not in use; ok is false when there can be no more.
func (s *slots) take() (i uint32, ok bool) {
	if s.free != 0 {
		i = s.free - 1
		s.free = uint32(s.at(i).lease)
		return i, true
	}
	if s.n == maxSlots {
		return 0, false
	}
	if s.n%chunkSlots == 0 {
		s.chunks = append(s.chunks, new([chunkSlots]slot))
		s.texts = append(s.texts, nil)
	}
	s.n++
	return s.n - 1, true
}

// put gives a slot back.
func (s *slots) put(i uint32) {
	*s.at(i) = slot{lease: uint64(s.free)}
	s.free = i + 1
}

func (s *slots) record(i uint32) string {
	if texts := s.texts[i/chunkSlots]; texts != nil {
		return texts[i%chunkSlots]
	}
	return ""
}

func (s *slots) setRecord(i uint32, record string) {
	texts := &s.texts[i/chunkSlots]
	if *texts == nil {
		if record == "" {
			return
		}
		*texts = new([chunkSlots]string)
	}
	(*texts)[i%chunkSlots] = record
}
