package drive

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Tail is a writer that keeps the last bytes written to it. It may be used by several goroutines.
type Tail struct {
	limit int

	mu   sync.Mutex // guards what follows
	kept []byte     // at most twice the limit
	lost bool
}

// NewTail returns a Tail that keeps limit bytes.
func NewTail(limit int) *Tail { return &Tail{limit: limit} }

// Write implements io.Writer. It never fails.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	if len(b) > t.limit {
		b, t.kept, t.lost = b[len(b)-t.limit:], t.kept[:0], true
	}
	t.kept = append(t.kept, b...)
	if len(t.kept) > 2*t.limit {
		t.kept, t.lost = append(t.kept[:0], t.kept[len(t.kept)-t.limit:]...), true
	}
	return n, nil
}

// String returns the last bytes as text. Where earlier ones were let go of, it begins with a whole line if it can.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, lost := t.kept, t.lost
	if len(kept) > t.limit {
		kept, lost = kept[len(kept)-t.limit:], true
	}
	s := string(kept)
	if lost {
		if i := strings.IndexByte(s, '\n'); i >= 0 && i < len(s)-1 {
			s = s[i+1:]
		}
		for s != "" && !utf8.RuneStart(s[0]) {
			s = s[1:]
		}
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
