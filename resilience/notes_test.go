package resilience_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// notes is what several goroutines wrote down, in the order in which they did.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(args ...any) {
	line := strings.TrimSpace(fmt.Sprintln(args...))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) want(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if got := strings.Join(n.lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
