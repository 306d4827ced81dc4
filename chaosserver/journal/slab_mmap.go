//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package journal

import "syscall"

// newSlab returns n zero bytes outside the heap, so that the collector neither scans them nor doubles them, and
// pages that were never written take no memory.
func newSlab(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	return b
}

// freeSlab gives a slab back. One that came from the heap is not a mapping: Munmap refuses it, and the collector
// has it.
func freeSlab(b []byte) { _ = syscall.Munmap(b) }
