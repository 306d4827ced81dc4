package plan

import (
	"encoding/binary"
	"io"
)

// Bytes is a body of seeded bytes. Reading it takes no memory but the reader's buffer. A Bytes may be copied; a copy
// reads on by itself from where the original stood. One Bytes serves one goroutine at a time.
type Bytes struct {
	key       uint64
	off, size int64
}

// Body returns the bytes of a "size" body of a route: the same for every attempt of a call, others for each call.
// The route is an index into Scenario.Routes, or -1; a size below 0 counts as 0.
func (p *Plan) Body(route, call int, size int64) Bytes {
	k := p.bodies ^ p.routes[route+1].key
	return Bytes{key: mix(uint64(k) + uint64(call)*gamma), size: max(size, 0)}
}

// Len returns how many bytes are left to read.
func (b *Bytes) Len() int64 { return b.size - b.off }

// Read fills to with the next bytes, and returns io.EOF once there are no more.
//
// Byte i is byte i mod 8, least first, of splitmix64's output i/8 from the body's key.
func (b *Bytes) Read(to []byte) (int, error) {
	if b.off >= b.size {
		return 0, io.EOF
	}
	to = to[:min(int64(len(to)), b.size-b.off)]
	for n := 0; n < len(to); {
		word := mix(b.key + uint64(b.off/8+1)*gamma)
		if b.off%8 == 0 && len(to)-n >= 8 {
			binary.LittleEndian.PutUint64(to[n:], word)
			n, b.off = n+8, b.off+8
			continue
		}
		to[n] = byte(word >> (8 * (b.off % 8)))
		n, b.off = n+1, b.off+1
	}
	return len(to), nil
}
