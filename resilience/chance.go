package resilience

import (
	crand "crypto/rand"
	"encoding/binary"
	"strconv"
	"sync/atomic"
)

// chance is a generator owned by one policy and shared by its goroutines without a lock: SplitMix64 (Steele, Lea, Flood:
// "Fast Splittable Pseudorandom Number Generators", 2014), whose state is a counter. One seed gives one sequence.
type chance struct {
	_     [64]byte // its writes shall not slow reads of what lies beside it
	state atomic.Uint64
	_     [56]byte
}

// seed sets the start of the sequence; 0 takes one from the system, so that processes started together differ.
func (c *chance) seed(seed uint64) {
	if seed == 0 {
		var b [8]byte
		_, _ = crand.Read(b[:]) // never fails: it crashes the program instead
		seed = binary.LittleEndian.Uint64(b[:])
	}
	c.state.Store(seed)
}

// float64 returns the next number, uniform in [0, 1).
func (c *chance) float64() float64 {
	z := c.state.Add(0x9e3779b97f4a7c15)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

func itoa(n int) string { return strconv.Itoa(n) }
