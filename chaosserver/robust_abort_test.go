package chaosserver

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// shapes are requests as clients send them, each kind of framing once.
var shapes = []struct{ name, request string }{
	{"GET", "GET /given-up HTTP/1.1\r\nHost: x\r\n\r\n"},
	{"GET, the last", "GET /given-up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"},
	{"GET of HTTP 1.0", "GET /given-up HTTP/1.0\r\n\r\n"},
	{"POST with a length", "POST /given-up HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
	{"POST in chunks", "POST /given-up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-T: 1\r\n\r\n"},
}

// stride is how many bytes lie between two prefixes that are tried: one, where that does not take minutes.
func stride() int {
	if raceEnabled {
		return 7
	}
	return 1
}

// hang is a way in which a client ends its connection.
type hang struct {
	name   string
	linger int
	closer journal.Closer
}

var hangs = []hang{{"FIN", -1, journal.ClosedByClientFIN}, {"RST", 0, journal.ClosedByClientRST}}

func (h hang) up(t *testing.T, c *wireConn) {
	t.Helper()
	must(t, c.SetLinger(h.linger), c.Close())
}

// TestAbortInEveryRequest: a client that goes after any number of bytes of its request, on a new connection or one that
// was used before, leaves a whole record, and nothing in the server. The next client is answered.
func TestAbortInEveryRequest(t *testing.T) {
	for _, shape := range shapes {
		for _, h := range hangs {
			for _, at := range places {
				t.Run(shape.name+"/"+h.name+"/"+at.name, func(t *testing.T) {
					srv := serve(t, at, "faults: [{delay: 1h, when: {path: /given-up}}]")
					for n := 0; n <= len(shape.request); n += stride() {
						abortIn(t, srv, shape.request, n, n%2 == 1, h)
						abortIn(t, srv, shape.request, n, n%2 == 0, h)
					}
				})
			}
		}
	}
}

// abortIn sends the first n bytes of a request, ends the connection, and looks at what is left of it.
func abortIn(t *testing.T, srv *Server, request string, n int, used bool, h hang) {
	t.Helper()
	before := srv.Journal().Log()
	c := dial(t, srv)
	answered := len(before.Attempts)
	if used {
		c.say(t, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
		c.answer(t)
		answered++
	}
	c.say(t, request[:n])
	must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Conns) > len(before.Conns) }))
	h.up(t, c)
	closed(t, srv, len(before.Conns)+1)
	atRest(t, srv)
	log := srv.Journal().Log()
	if how := log.Conns[len(before.Conns)].Closed; how != h.closer {
		t.Errorf("%d bytes: the connection was closed by %v, want %v", n, how, h.closer)
	}
	// A RST takes with it what the server has not read yet, so that a header block that had come may never be seen.
	head, begun := strings.Index(request, "\r\n\r\n")+4, len(log.Attempts)-answered
	if n < head && begun != 0 || n >= head && begun != 1 && (begun != 0 || h.closer != journal.ClosedByClientRST) {
		t.Errorf("%d bytes, of which %d are the header block: %d attempts", n, head, begun)
	}
	for i := range log.Attempts[answered:] {
		a := &log.Attempts[answered+i]
		if !a.Ended || a.Status != 0 || a.Whole || a.BytesSent != 0 || a.Failure != "" || a.Closed != h.closer || a.BodyWhole && n < len(request) {
			t.Errorf("%d bytes: the attempt: %+v", n, a)
		}
	}
	next := dial(t, srv)
	next.say(t, "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got := next.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("%d bytes: the next client got %q", n, got)
	}
	must(t, next.Close())
	atRest(t, srv)
}

// atRest waits until nothing of clients that are gone is left in the server, and fails where it stays.
func atRest(t *testing.T, srv *Server) {
	t.Helper()
	for ctx := within(t); ; runtime.Gosched() {
		left := srv.leftovers()
		if left == "" {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("left in the server: %s", left)
			return
		}
	}
}

// leftovers tells what of clients is in the server: connections, attempts that no answer ended, goroutines that serve.
func (s *Server) leftovers() string {
	s.mu.Lock()
	conns := len(s.conns)
	s.mu.Unlock()
	t := s.run.Load().calls
	t.mu.Lock()
	idle := 0
	for k := t.idle.oldest; k != nil; k = k.links[inTable].next {
		if k.underWay == 0 && k.pins == 0 {
			idle++
		}
	}
	busy := t.all - idle
	t.mu.Unlock()
	if conns+busy > 0 {
		return fmt.Sprintf("%d connections, %d calls with an attempt under way", conns, busy)
	}
	buf := make([]byte, 64<<10)
	if n := strings.Count(string(buf[:runtime.Stack(buf, true)]), "net/http.(*conn).serve("); n > 0 {
		return fmt.Sprintf("%d goroutines", n)
	}
	return ""
}

// TestAtRestSeesWhatIsLeft: the check of the tests here finds a client that waits.
func TestAtRestSeesWhatIsLeft(t *testing.T) {
	srv := serve(t, onLoopback, "faults: [{delay: 1h}]")
	c := dial(t, srv)
	c.say(t, getX)
	for ctx := within(t); srv.underWay("/") == 0 && ctx.Err() == nil; {
		runtime.Gosched()
	}
	if got, want := srv.leftovers(), "1 connections, 1 calls with an attempt under way"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	must(t, c.Close())
	atRest(t, srv)
}

// answerKinds are answers of every kind, to clients that go while they read them.
var answerKinds = []struct {
	name, yaml, request string
	beside              int64 // bytes that are sent and are no part of the answer
}{
	{"by length", "routes: [{match: /, answers: [{json: {id: 7}}]}]", getX, 0},
	{"the last", "routes: [{match: /, answers: [{text: bye, connection: close}]}]", getX, 0},
	{"in chunks", "routes: [{match: /, answers: [{size: 40B, framing: chunked}]}]", getX, 0},
	{"until the end", "routes: [{match: /, answers: [{size: 40B, framing: close}]}]", getX, 0},
	{"in gzip", "routes: [{match: /, answers: [{text: hello hello hello, encoding: gzip}]}]", getX, 0},
	{"with an interim", "routes: [{match: /, answers: [{interim: [103], text: hello}]}]", getX, 0},
	{"body later", "routes: [{match: /, answers: [{text: hello, body_delay: 1s}]}]", getX, 0},
	{"slow headers", "routes: [{match: /, answers: [{text: hello, do: drip, at: headers, rate: 10B/s}]}]", getX, 0},
	{"slow body", "routes: [{match: /, answers: [{size: 100B, drip: 10B/s}]}]", getX, 0},
	{"stalled body", "routes: [{match: /, answers: [{size: 100B, do: stall, at: body, after: 50B}]}]", getX, 0},
	{"cut body", "routes: [{match: /, answers: [{size: 100B, truncate: 50B}]}]", getX, 0},
	{"reset body", "routes: [{match: /, answers: [{size: 100B, do: rst, at: body, after: 50B}]}]", getX, 0},
	{"garbage behind", "routes: [{match: /, answers: [{size: 20B, garbage: idle}]}]", getX, scenarios.DefaultGarbage},
	{"early", "routes: [{match: /, answers: [{text: early, early: 2B}]}]", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 0},
	{"lingering", "routes: [{match: /, answers: [{text: bye, connection: close, linger: 3s}]}]", getX, 0},
}

// TestAbortInEveryAnswer: a client that goes after any number of bytes of its answer leaves a whole record, and nothing in
// the server, in virtual time.
func TestAbortInEveryAnswer(t *testing.T) {
	for _, row := range answerKinds {
		for _, h := range hangs {
			t.Run(row.name+"/"+h.name, func(t *testing.T) {
				bubble(t, row.yaml, func(t *testing.T, srv *Server) {
					whole := answerSize(t, srv, row.request)
					if whole < 20 {
						t.Fatalf("the answer has %d bytes only", whole)
					}
					for n := int64(0); n <= whole; n += int64(stride()) {
						abortBehind(t, srv, row.request, n, whole, row.beside, h)
					}
				})
			})
		}
	}
}

// answerSize is how many bytes a client is sent that stays to the end.
func answerSize(t *testing.T, srv *Server, request string) int64 {
	t.Helper()
	c := dial(t, srv)
	c.say(t, request)
	must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	n, _ := io.Copy(io.Discard, c.in)
	must(t, c.Close())
	time.Sleep(time.Hour)
	return n
}

// abortBehind goes after n bytes of what a client is sent, of which those beside are no part of the answer.
func abortBehind(t *testing.T, srv *Server, request string, n, whole, beside int64, h hang) {
	t.Helper()
	c := dial(t, srv)
	c.say(t, request)
	_, err := io.ReadFull(c, make([]byte, n)) // past the buffer, so that no more is read
	must(t, err)
	h.up(t, c)
	time.Sleep(time.Hour)
	synctest.Wait()
	log := srv.Journal().Log()
	a := &log.Attempts[len(log.Attempts)-1]
	switch conn := log.Conns[len(log.Conns)-1]; {
	case len(log.Attempts) != int(n)/stride()+2 || a.Conn != conn.ID || conn.Closed == journal.ClosedNot:
		t.Errorf("behind %d bytes: %d attempts, the last %+v, its connection %+v", n, len(log.Attempts), a, conn)
	case !a.Ended || a.Failure != "" || a.Route == "" || a.BytesSent < min(n, whole-beside) || a.BytesSent > whole:
		t.Errorf("behind %d bytes of %d: %+v", n, whole, a)
	case !a.Whole && a.Closed == journal.ClosedNot:
		t.Errorf("behind %d bytes of %d: cut short by nobody: %+v", n, whole, a)
	}
	if left := srv.leftovers(); left != "" {
		t.Errorf("behind %d bytes of %d: left in the server: %s", n, whole, left)
	}
}
