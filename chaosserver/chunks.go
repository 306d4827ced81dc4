package chaosserver

// chunks finds where a body in chunks ends (RFC 9112, section 7.1), so that what a client sends right behind it is known
// to be the next request. It looks at what net/http reads, and leaves it to that to refuse what is no chunk.
type chunks struct {
	size     int64 // of the chunk whose line is being read
	extended bool  // the line's digits are over
	left     int64 // bytes of the chunk, with the line end behind it, that are still to come
	trailers bool  // the last chunk has been read
	line     int   // bytes of the trailer's line
	done     bool
	over     int64 // bytes behind the end
}

// see takes further bytes of the body, or of what is behind it.
func (k *chunks) see(p []byte) {
	for i := 0; i < len(p) && !k.done; i++ {
		if k.left > 0 {
			n := min(k.left, int64(len(p)-i))
			k.left -= n
			i += int(n) - 1
			continue
		}
		k.seeLine(p[i])
		if k.done {
			p = p[i+1:]
		}
	}
	if k.done {
		k.over += int64(len(p))
	}
}

// seeLine takes a byte of a line: that of a chunk's size, or of a trailer.
func (k *chunks) seeLine(b byte) {
	switch {
	case k.trailers:
		k.done = b == '\n' && k.line == 0
		if b != '\r' {
			k.line++
		}
		if b == '\n' {
			k.line = 0
		}
	case b == '\n' && k.size == 0:
		k.trailers = true
	case b == '\n':
		k.left = k.size + 2
		k.size, k.extended = 0, false
	default:
		k.seeDigit(b)
	}
}

// seeDigit takes a byte of the line of a chunk's size.
func (k *chunks) seeDigit(b byte) {
	digit := int64(-1)
	switch {
	case '0' <= b && b <= '9':
		digit = int64(b - '0')
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		digit = int64(b|0x20-'a') + 10
	}
	if k.extended = k.extended || digit < 0 || k.size >= 1<<56; !k.extended {
		k.size = 16*k.size + digit
	}
}
