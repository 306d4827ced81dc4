//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package proxy

import "syscall"

// quiet reports whether nothing has come on an idle connection: neither its end, nor bytes that no request asked for
// (RFC 9112, section 9.5).
func quiet(c *Conn) bool {
	if c.r < c.w {
		return false
	}
	if c.raw == nil {
		return true
	}
	c.silent = false
	err := c.raw.Control(c.peek)
	return err == nil && c.silent
}

// peekAt looks at a socket without waiting and without taking a byte.
func (c *Conn) peekAt(fd uintptr) {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	c.silent = err == syscall.EAGAIN
}
