package plan

import (
	"math/bits"
	"math/rand/v2"
)

// key is one stream of chance: everything that is known of a draw before the run begins. Keys of two things are
// combined with XOR, and two keys never share a label.
type key uint64

// gamma is the increment of splitmix64, the odd integer nearest to 2^64 divided by the golden ratio.
const gamma = 0x9E3779B97F4A7C15

// The labels of the keys. A new kind of draw takes a label of its own, so that it disturbs no other.
const (
	labelChance = "chance"
	labelDelay  = "delay"
	labelBurst  = "burst"
	labelRoute  = "route"
	labelBody   = "body"
	labelAccept = "accept"

	labelBodyDelay = "body delay"
)

// newKey hashes the seed, the label and the names with FNV-1a, 64 bits. A zero byte ends each text, so that no two
// lists of texts hash the same bytes.
func newKey(seed uint64, label string, names ...string) key {
	const (
		offset = 14695981039346656037
		prime  = 1099511628211
	)
	h := uint64(offset)
	for i := range 8 {
		h = (h ^ seed>>(8*i)&0xFF) * prime
	}
	text := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h *= prime // the zero byte
	}
	text(label)
	for _, name := range names {
		text(name)
	}
	return key(mix(h))
}

// mix is the output function of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// 2014): a bijection whose every output bit depends on every input bit.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// draws returns the generator of the draws of one key at the point (a, b), such as (call, attempt).
func (k key) draws(a, b int) (g rand.PCG) {
	hi := mix(uint64(k) + uint64(a)*gamma)
	g.Seed(hi, mix(hi+uint64(b)*gamma))
	return g
}

// draw returns 64 random bits of one key at the point (a, b).
func (k key) draw(a, b int) uint64 {
	g := k.draws(a, b)
	return g.Uint64()
}

// unit is the number of steps of a share: draws have 53 bits, as many as a float64 holds exactly.
const unit = 1 << 53

// threshold returns how many of the unit's steps lie below the share p.
func threshold(p float64) uint64 {
	switch {
	case !(p > 0):
		return 0
	case p >= 1:
		return unit
	}
	return uint64(p * unit) // exact but for the fraction: a multiplication by a power of two
}

// below reports whether 64 random bits, read as a share, lie below a threshold.
func below(random, threshold uint64) bool { return random>>11 < threshold }

// upTo maps 64 random bits to a whole number from 0 to n.
func upTo(random, n uint64) uint64 {
	if n+1 == 0 {
		return random
	}
	hi, _ := bits.Mul64(random, n+1)
	return hi
}

// open maps 64 random bits to a share from 2^-53 to 1, both included, so that its logarithm is finite.
func open(random uint64) float64 { return float64(random>>11+1) / unit }

// centred maps 64 random bits to a share between 0 and 1, neither included, symmetric around a half.
func centred(random uint64) float64 { return (float64(random>>12) + 0.5) / (unit / 2) }
