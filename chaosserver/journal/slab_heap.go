//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package journal

// newSlab returns n zero bytes.
func newSlab(n int) []byte { return make([]byte, n) }

// freeSlab leaves a slab to the collector.
func freeSlab([]byte) {}
