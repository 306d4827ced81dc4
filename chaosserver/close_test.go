package chaosserver

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// TestCloseEndsEveryGoroutine: behind Close nothing of the server is left running, whatever its connections were at.
func TestCloseEndsEveryGoroutine(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv, err := New(scenario(t, `
routes:
  - {match: GET /}
  - {match: GET /slow, answers: [{delay: 1h}]}
  - {match: GET /fin, answers: [{close: before-headers}]}
  - {match: GET /big, answers: [{size: 64MiB}]}
faults: [{close: accept, when: {nth: 6}}]
`))
			must(t, err)
			must(t, at.start(srv))
			for i, request := range []string{
				"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "GET /fin HTTP/1.1\r\nHost: x\r\n\r\n",
				"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx", "GET / HT", "GET /at-accept HTTP/1.1\r\n", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
			} {
				dial(t, srv).say(t, request)
				must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Conns) == i+1 }))
			}
			_, _, err = get(t, srv, "/")
			must(t, err)
			must(t, srv.Close())
			if left := leaked(t); left != "" {
				t.Errorf("left running:\n%s", left)
			}
			for _, c := range srv.Journal().Log().Conns {
				if c.Closed == journal.ClosedNot {
					t.Errorf("still open in the journal: %+v", c)
				}
			}
		})
	}
}

// leaked returns the stacks of the goroutines that run code of the server or of net/http, once no more of them end.
func leaked(t *testing.T) string {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var left []string
		for _, stack := range bytes.Split(buf, []byte("\n\n"))[1:] { // the first is this one
			if s := string(stack); strings.Contains(s, "net/http.") || strings.Contains(s, "brownout/chaosserver.(") {
				left = append(left, s)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched() // what has been told to end is on its way
	}
}

func TestStartTwice(t *testing.T) {
	srv := serve(t, onLoopback, "")
	if err := srv.Start(); err == nil {
		t.Error("a started server starts again")
	}
	if err := srv.StartMemory(); err == nil {
		t.Error("a started server starts again in memory")
	}
}
