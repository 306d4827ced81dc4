package chaosserver

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// bareServer is the server as a plain http.Handler of another server.
func bareServer(t *testing.T, yaml string) (*Server, *wireConn) {
	t.Helper()
	srv, err := New(scenario(t, yaml))
	must(t, err)
	ts := httptest.NewServer(srv)
	t.Cleanup(func() {
		ts.Close()
		must(t, srv.Close())
	})
	nc, err := net.Dial("tcp", ts.Listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	return srv, &wireConn{nc.(rawConn), bufio.NewReader(nc)}
}

// TestBareHandler: past its own listener the server answers the same, with its fields sorted.
func TestBareHandler(t *testing.T) {
	for _, row := range []struct{ yaml, request, want string }{
		{"", "GET /", "HTTP/1.1 200 OK\r\nContent-Length: 30\r\nContent-Type: application/json\r\n\r\n{\"status\":200,\"message\":\"OK\"}\n"},
		{"routes: [{match: GET /, answers: [{status: 429, retry_after: 2s, headers: {x-b: [one, two]}, text: hello}]}]", "GET /",
			"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 2\r\nx-b: one\r\nx-b: two\r\n\r\nhello"},
		{"routes: [{match: HEAD /, answers: [{text: hello}]}]", "HEAD /", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"},
		{"routes: [{match: GET /, answers: [{status: 204}]}]", "GET /", "HTTP/1.1 204 No Content\r\n\r\n"},
		// What net/http would alter is written by hand, as on the server's own listener.
		{`routes: [{match: GET /, answers: [{headers: {content-length: "9", x-c: b}, text: hello}]}]`, "GET /",
			"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-c: b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello"},
		{`routes: [{match: GET /, answers: [{headers: {X-A: "  spaced "}, text: ""}]}]`, "GET /",
			"HTTP/1.1 200 OK\r\nX-A:   spaced \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
	} {
		srv, c := bareServer(t, row.yaml)
		c.say(t, row.request+" HTTP/1.1\r\nHost: x\r\nb: 1\r\nA: 2\r\nConnection: close\r\n\r\n")
		got, end := c.rest(t)
		if got = strings.Replace(undated(t, got), "Connection: close\r\n", "", 1); got != row.want || end != "fin" {
			t.Errorf("%s: %q, then %s; want %q", row.yaml, got, end, row.want)
		}
		a := ended(t, srv, 1).Attempts[0]
		if a.Conn != 0 || !a.HeaderOrderLost || !a.Whole || a.BytesSent == 0 || a.Headers[0].Name != "A" || a.Failure != "" {
			t.Errorf("%s: %+v", row.yaml, a)
		}
	}
}

func TestBareWireFaults(t *testing.T) {
	for _, row := range []struct {
		do, end string
		closed  journal.Closer
	}{{"reset", "rst", journal.ClosedByServerRST}, {"close", "fin", journal.ClosedByServerFIN}} {
		srv, c := bareServer(t, "faults: [{"+row.do+": before-headers}]")
		c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got, end := c.rest(t); got != "" || end != row.end {
			t.Errorf("%s: %q, then %s; want nothing and %s", row.do, got, end, row.end)
		}
		_ = c.Close()
		if a := ended(t, srv, 1).Attempts[0]; a.Closed != row.closed || a.Status != 0 || a.Wire == "" || a.Failure != "" {
			t.Errorf("%s: %+v", row.do, a)
		}
	}
}

// TestBareHandlerIsLoud: what cannot be carried out past the server's own listener is a failure, in the answer and in
// the journal, and never a healthy answer.
func TestBareHandlerIsLoud(t *testing.T) {
	for _, row := range []struct{ yaml, want string }{
		{"faults: [{reset: accept}]", "the scenario has a fault of connections: it strikes before a request is read, which takes a listener of the server's own: use Start or StartMemory"},
		{"faults: [{reset: before-headers}]", "rst before-headers: the connection cannot be had from a bare handler; use Start or StartMemory"},
		{`routes: [{match: GET /, answers: [{headers: {Content-Length: "99"}}]}]`, "a field of the answer cannot be sent as written by a bare handler; use Start or StartMemory"},
	} {
		srv, err := New(scenario(t, row.yaml))
		must(t, err)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		a := srv.Journal().Log().Attempts[0]
		if w.Code != 500 || !strings.Contains(w.Body.String(), row.want) || a.Failure != row.want || a.Status != 500 {
			t.Errorf("%s: %d %s, journalled %q; want 500 and %q", row.yaml, w.Code, w.Body, a.Failure, row.want)
		}
		must(t, srv.Close())
	}
	if _, err := New(scenario(t, "faults: [{reset: accept}]"), AsHandler()); err == nil || err.Error() != "chaosserver: faults[0]: "+needsListener {
		t.Errorf("New as a handler: %v", err)
	}
}

// brokenWriter fails as no http.ResponseWriter should.
type brokenWriter struct{ *httptest.ResponseRecorder }

func (brokenWriter) WriteHeader(int) { panic("broken") }

// TestServerFailureIsRecorded: a panic within an attempt goes on, and the journal has it.
func TestServerFailureIsRecorded(t *testing.T) {
	srv, err := New(scenario(t, ""))
	must(t, err)
	defer srv.Close()
	func() {
		defer func() {
			if p := recover(); p != "broken" {
				t.Errorf("recovered %v, want the panic", p)
			}
		}()
		srv.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	}()
	if a := srv.Journal().Log().Attempts[0]; !a.Ended || a.Whole || a.Failure != "the server failed: broken" {
		t.Errorf("%+v", a)
	}
	srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if a := srv.Journal().Log().Attempts[1]; a.N != 2 || a.Ambiguous || !a.Whole {
		t.Errorf("behind it: %+v", a)
	}
}

// TestBareHandlerNeedsAJournal: whether a journal's file is of connections in memory is known at the start, so a handler
// with a file says that it is one.
func TestBareHandlerNeedsAJournal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	srv, err := New(scenario(t, ""), WithJournal(journal.Options{File: file}))
	must(t, err)
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), errNotStarted.Error()) || srv.Journal() != nil {
		t.Errorf("before the start: %d %s", w.Code, w.Body)
	}
	must(t, srv.Close())

	srv, err = New(scenario(t, ""), WithJournal(journal.Options{File: file}), AsHandler())
	must(t, err)
	w = httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	must(t, srv.Close())
	log, err := journal.ReadFile(file)
	must(t, err)
	if w.Code != 200 || len(log.Attempts) != 1 || !log.Attempts[0].Whole {
		t.Errorf("as a handler: %d, %+v", w.Code, log.Attempts)
	}
}

// TestSeededBytesThroughHandler: a long body goes through a response writer whole.
func TestSeededBytesThroughHandler(t *testing.T) {
	srv, c := bareServer(t, "routes: [{match: GET /, answers: [{size: 300KiB}]}]")
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(c.in, nil)
	must(t, err)
	b, err := io.ReadAll(res.Body)
	must(t, err)
	if a := ended(t, srv, 1).Attempts[0]; len(b) != 300<<10 || !a.Whole {
		t.Errorf("%d bytes, whole %v", len(b), a.Whole)
	}
}
