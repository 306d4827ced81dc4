package journal

import (
	"fmt"
	"io"
	"sync"
)

// file is a journal's file: one write a line, straight to the kernel, so that what was recorded outlives the
// process.
type file struct {
	// mu guards all below, and the order of the lines, which is that of the ring: it is held around the append to
	// the ring too.
	mu  sync.Mutex
	w   io.WriteCloser
	err error // the first; nothing is written after it, so that a line cut short stays the last

	failed chan struct{} // closed with the first error
}

// fail keeps the first error; requires mu, or that nobody else has the file.
func (f *file) fail(err error) {
	if f.err == nil {
		f.err = err
		close(f.failed)
	}
}

// write writes one line; requires mu, or that nobody else has the file.
func (f *file) write(line []byte) error {
	if f.err != nil {
		return f.err
	}
	n, err := f.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		f.fail(fmt.Errorf("the journal's file is incomplete: %w", err))
	}
	return f.err
}

// close closes the file and returns its first error.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.w.Close(); err != nil {
		f.fail(fmt.Errorf("the journal's file: %w", err))
	}
	return f.err
}
