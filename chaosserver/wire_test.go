package chaosserver

import (
	"bufio"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"brownout/chaosserver/journal"
)

// TestWireFaults looks at each wire fault from the other end of the connection: what comes, whether FIN or RST ends it,
// and what the journal says of it.
func TestWireFaults(t *testing.T) {
	for _, row := range []struct {
		yaml  string
		end   string
		close journal.Closer
		wire  string
	}{
		{"routes: [{match: GET /, answers: [{reset: before-headers}]}]", "rst", journal.ClosedByServerRST, "rst before-headers"},
		{"routes: [{match: GET /, answers: [{close: before-headers}]}]", "fin", journal.ClosedByServerFIN, "fin before-headers"},
		{"faults: [{do: rst, at: before-headers}]", "rst", journal.ClosedByServerRST, "rst before-headers"},
		{"faults: [{do: fin, at: before-headers, delay: 1ms}]", "fin", journal.ClosedByServerFIN, "fin before-headers"},
	} {
		for _, at := range places {
			t.Run(row.yaml+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, row.yaml)
				c := dial(t, srv)
				// A second request behind the first lies unread in the server's buffer: it must not turn a FIN into a RST.
				c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n")
				if got, end := c.rest(t); got != "" || end != row.end {
					t.Errorf("the connection brought %q and ended with %s; want nothing and %s", got, end, row.end)
				}
				must(t, c.Close())
				ended(t, srv, 1)
				log := closed(t, srv, 1)
				a := log.Attempts[0]
				if len(log.Attempts) != 1 || a.Status != 0 || a.Wire != row.wire || a.BytesSent != 0 || a.Whole || !a.Ended || a.Closed != row.close {
					t.Errorf("attempts: %+v", log.Attempts)
				}
				if log.Conns[0].Closed != row.close || log.Conns[0].Close < a.Sent || log.Header.Emulated != (at.name == "memory") {
					t.Errorf("connection: %+v, header %+v", log.Conns[0], log.Header)
				}
			})
		}
	}
}

// TestAcceptFaults: a connection that is struck at accept ends before anything is read from it, and is journalled
// without an attempt.
func TestAcceptFaults(t *testing.T) {
	for _, row := range []struct {
		do    string
		end   string
		close journal.Closer
	}{
		{"reset", "rst", journal.ClosedByServerRST},
		{"close", "fin", journal.ClosedByServerFIN},
	} {
		for _, at := range places {
			t.Run(row.do+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "faults: [{name: cut, "+row.do+": accept, when: {nth: 1..2}}]")
				for i := range 2 {
					nc, err := srv.DialContext(t.Context(), "tcp", strings.TrimPrefix(srv.URL(), "http://"))
					if errors.Is(err, syscall.ECONNRESET) && row.end == "rst" {
						continue // the RST was there before the client had looked at its new connection
					}
					must(t, err)
					c := &wireConn{nc.(rawConn), bufio.NewReader(nc)}
					// The request may come before the end or after it; in neither case does it turn a FIN into a RST.
					if i == 0 && errors.Is(write(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), syscall.ECONNRESET) && row.end == "rst" {
						continue // a RST is told once
					}
					if got, end := c.rest(t); got != "" || end != row.end {
						t.Errorf("connection %d brought %q and ended with %s; want nothing and %s", i+1, got, end, row.end)
					}
					_ = c.Close()
				}
				c := dial(t, srv)
				c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				c.answer(t)
				log := ended(t, srv, 1)
				for i, conn := range log.Conns[:2] {
					if conn.Closed != row.close || !slices.Equal(conn.Applied, []int{0}) || !slices.Equal(conn.Drawn, []int{0}) || conn.Reason == "" {
						t.Errorf("conns[%d]: %+v", i, conn)
					}
				}
				if len(log.Attempts) != 1 || log.Attempts[0].Conn != 3 || log.Conns[2].Closed != journal.ClosedNot || log.Conns[2].Applied != nil {
					t.Errorf("behind the faults: %+v, %+v", log.Attempts, log.Conns[2])
				}
			})
		}
	}
}

// TestWhoClosedFirst: the journal tells how each side ended a connection.
func TestWhoClosedFirst(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*testing.T, *Server, *wireConn)
		want journal.Closer
	}{
		{"the client with FIN, unused", func(t *testing.T, _ *Server, c *wireConn) { must(t, c.Close()) }, journal.ClosedByClientFIN},
		{"the client with FIN, behind an answer", func(t *testing.T, _ *Server, c *wireConn) {
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c.answer(t)
			must(t, c.Close())
		}, journal.ClosedByClientFIN},
		{"the client with RST", func(t *testing.T, _ *Server, c *wireConn) {
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c.answer(t)
			must(t, c.SetLinger(0), c.Close())
		}, journal.ClosedByClientRST},
		{"the client with FIN, in its request", func(t *testing.T, _ *Server, c *wireConn) {
			c.say(t, "GET / HTTP")
			must(t, c.Close())
		}, journal.ClosedByClientFIN},
		{"the server, as the client asked", func(t *testing.T, _ *Server, c *wireConn) {
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			c.answer(t)
		}, journal.ClosedByServerFIN},
		{"the server, told to", func(t *testing.T, srv *Server, c *wireConn) {
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c.answer(t)
			srv.CloseClientConnections()
			if got, end := c.rest(t); got != "" || end != "fin" {
				t.Errorf("%q, then %s", got, end)
			}
		}, journal.ClosedByServerFIN},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "")
				row.do(t, srv, dial(t, srv))
				if got := closed(t, srv, 1).Conns[0].Closed; got != row.want {
					t.Errorf("closed by %v, want %v", got, row.want)
				}
			})
		}
	}
}

// TestClientAborts: a client that goes while its request is on the way, or while it waits, gets no answer; the journal
// shows an attempt with an end all the same.
func TestClientAborts(t *testing.T) {
	for _, row := range []struct {
		name, request string
		abort         func(*testing.T, *wireConn)
		want          string
		whole         bool
		length        int64
	}{
		{"waiting, FIN", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(t *testing.T, c *wireConn) { must(t, c.Close()) }, "client FIN", true, 0},
		{"waiting, RST", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(t *testing.T, c *wireConn) { must(t, c.SetLinger(0), c.Close()) }, "client RST", true, 0},
		{"in the body, FIN", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello", func(t *testing.T, c *wireConn) { must(t, c.Close()) }, "client FIN", false, 5},
		{"in a chunked body, RST", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", func(t *testing.T, c *wireConn) { must(t, c.SetLinger(0), c.Close()) }, "client RST", false, 5},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "faults: [{delay: 1h}]")
				c := dial(t, srv)
				c.say(t, row.request)
				must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Conns) == 1 }))
				row.abort(t, c)
				a := ended(t, srv, 1).Attempts[0]
				got := map[journal.Closer]string{journal.ClosedByClientFIN: "client FIN", journal.ClosedByClientRST: "client RST"}[a.Closed]
				if got != row.want || a.BodyWhole != row.whole || a.BodyLen != row.length || a.Status != 0 || a.Whole || a.BytesSent != 0 || a.Failure != "" {
					t.Errorf("the attempt: %+v", a)
				}
				if a.Ambiguous == row.whole {
					t.Errorf("ambiguous: %v; want it just where the body broke off", a.Ambiguous)
				}
			})
		}
	}
}

// TestRetryBehindAbort: a client that gives an attempt up and comes back at once on another connection is one call, even
// where the server has not read the end of the connection yet.
func TestRetryBehindAbort(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "faults: [{delay: 1h, when: {attempt: 1}}]")
			for call := range 50 {
				target := fmt.Sprint("/", call)
				request := "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"
				c := dial(t, srv)
				c.say(t, request)
				for ctx := within(t); srv.underWay(target) == 0 && ctx.Err() == nil; {
					runtime.Gosched() // an attempt that waits is in the journal only once it has waited
				}
				must(t, c.Close())
				c = dial(t, srv)
				c.say(t, request)
				c.answer(t)
				must(t, c.Close())
			}
			log := ended(t, srv, 100)
			for i := range log.Attempts {
				if a := &log.Attempts[i]; a.Ambiguous || a.CallNo > 50 || a.N > 2 {
					t.Errorf("attempt %d is number %d of call %d, ambiguous %v", a.Seq, a.N, a.CallNo, a.Ambiguous)
				}
			}
		})
	}
}

// underWay is how many attempts of the target's calls wait for their answer.
func (s *Server) underWay(target string) int {
	t := s.run.Load().calls
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.prints[print{"GET", target, emptySum, ""}]
	if g == nil || g.only == nil {
		return 0
	}
	return g.only.underWay
}

// TestRefused: what net/http refuses before a handler sees it is in the journal too.
func TestRefused(t *testing.T) {
	for _, row := range []struct{ request, method, target, status string }{
		{"GET /a HTTP/1.1\r\nBad Name: x\r\n\r\n", "GET", "/a", "400"},
		{"GET /a HTTP/1.1\r\n\r\n", "GET", "/a", "400"},
		{"nonsense\r\n\r\n", "nonsense", "", "400"},
		{"GET /a HTTP/3.0\r\nHost: x\r\n\r\n", "GET", "/a", "505"},
		{"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n", "POST", "/a", "501"},
		{"GET /a HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\n\r\n", "GET", "/a", "417"},
	} {
		srv := serve(t, onLoopback, "")
		c := dial(t, srv)
		c.say(t, row.request)
		must(t, c.CloseWrite())
		if got, _ := c.rest(t); !strings.HasPrefix(got, "HTTP/1.1 "+row.status) {
			t.Errorf("%q: answered %q, want %s", row.request, got, row.status)
		}
		a := ended(t, srv, 1).Attempts[0]
		if a.Method != row.method || a.Target != row.target || fmt.Sprint(a.Status) != row.status || !a.Ambiguous || a.Route != "" {
			t.Errorf("%q: %+v", row.request, a)
		}
	}
}

// closed waits until so many connections have ended, and returns the record.
func closed(t testing.TB, srv *Server, n int) *journal.Log {
	t.Helper()
	var log *journal.Log
	must(t, srv.Await(within(t), func(l *journal.Log) bool {
		log = l
		done := 0
		for i := range l.Conns {
			if l.Conns[i].Closed != journal.ClosedNot {
				done++
			}
		}
		return done >= n
	}))
	return log
}
