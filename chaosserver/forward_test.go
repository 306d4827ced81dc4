package chaosserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// farEnd is an upstream on a bare socket: each of its connections is played by a function of the test.
type farEnd struct {
	addr string
	l    net.Listener
	done chan struct{}
}

// far is a connection that an upstream has accepted.
type far struct {
	*net.TCPConn
	in *bufio.Reader
}

// newFarEnd starts an upstream; every goroutine of it has ended when the test has.
func newFarEnd(t testing.TB, play func(*far)) *farEnd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f := &farEnd{addr: l.Addr().String(), l: l, done: make(chan struct{})}
	conns := make(chan struct{}, 1<<10)
	go func() {
		defer close(f.done)
		n := 0
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			n++
			go func() {
				defer func() { conns <- struct{}{} }()
				defer c.Close()
				play(&far{c.(*net.TCPConn), bufio.NewReader(c)})
			}()
		}
		for range n {
			<-conns
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-f.done
	})
	return f
}

// before starts a server that plays the scenario in front of the upstream.
func (f *farEnd) before(t testing.TB, text string, opts ...Option) *Server {
	t.Helper()
	return serve(t, onLoopback, text, append([]Option{WithUpstream(Upstream{URL: "http://" + f.addr})}, opts...)...)
}

// head reads the header block of the next request, without the fields that say for whom it is forwarded; "" at the end.
func (f *far) head() string {
	var b strings.Builder
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return ""
		}
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "X-Forwarded-For", "X-Forwarded-Proto", "Via":
		default:
			b.WriteString(line)
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// say writes to the proxy.
func (f *far) say(text string) { _, _ = io.WriteString(f, text) }

// answering answers each request with the same bytes, and tells of its header block.
func answering(heads chan<- string, text string) func(*far) {
	return func(f *far) {
		for h := f.head(); h != ""; h = f.head() {
			if heads != nil {
				heads <- h
			}
			f.say(text)
		}
	}
}

// dated is an answer of the upstream with a Date of its own.
func dated(fields, body string) string {
	return "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n" + fields + "\r\n" + body
}

// TestForwards: what no route matches goes to the upstream, and so does what comes to a route without answers; a route with
// answers is scripted, and so is a fault with a status.
func TestForwards(t *testing.T) {
	up := newFarEnd(t, answering(nil, dated("Content-Length: 4\r\n", "real")))
	srv := up.before(t, `
routes: [{match: GET /stub, answers: [{status: 418, text: stub}]}, {match: GET /plain}]
faults: [{name: down, status: 503, text: down, when: {path: /down}}, {name: slow, delay: 1us, when: {path: /slow}}]
`)
	for _, row := range []struct{ target, want string }{
		{"/stub", "418 stub"}, {"/plain?a=b", "200 real"}, {"/other", "200 real"}, {"/slow", "200 real"}, {"/down", "503 down"},
	} {
		res, err := srv.Client().Get(srv.URL() + row.target)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err, res.Body.Close())
		if got := fmt.Sprintf("%d %s", res.StatusCode, body); got != row.want {
			t.Errorf("%s: %s, want %s", row.target, got, row.want)
		}
	}
	log := ended(t, srv, 5)
	for i, want := range []struct {
		route, reason string
		entry         int
	}{
		{"GET /stub", "answers[0]", 0}, {"GET /plain", "upstream", -1}, {"", "upstream", -1}, {"", "slow, faults[1] over upstream", -1},
		{"", "down, faults[0]", -1},
	} {
		if a := log.Attempts[i]; a.Route != want.route || a.Reason != want.reason || a.Entry != want.entry || !a.Whole || a.Failure != "" {
			t.Errorf("attempt %d: %+v", i+1, a)
		}
	}
	if f := log.Forwards; len(f) != 3 || f[0].Status != 200 || f[0].Copy != 1 || f[0].Seq != 2 || f[0].Failure != "" || f[0].Sent > f[0].Done {
		t.Errorf("%+v", f)
	}
	if log.Header.Upstream != "http://"+up.addr {
		t.Errorf("%+v", log.Header)
	}
}

// TestForwardedTargets: whatever host a request names, it goes to the upstream, and the prefix that names its call stays
// behind.
func TestForwardedTargets(t *testing.T) {
	heads := make(chan string, 1)
	up := newFarEnd(t, answering(heads, dated("Content-Length: 0\r\nLocation: /next\r\n", "")))
	srv := up.before(t, "")
	for _, row := range []struct{ line, target, host, location string }{
		{"GET /~7/items?a=%20b HTTP/1.1", "/items?a=%20b", "me.test", "/~7/next"},
		{"GET http://evil.test/items?a HTTP/1.1", "/items?a", "evil.test", "/next"},
		{"GET http://evil.test/~7/items HTTP/1.1", "/items", "evil.test", "/~7/next"},
		{"GET http://evil.test HTTP/1.1", "/", "evil.test", "/next"},
		{"GET http://evil.test?a=b HTTP/1.1", "/?a=b", "evil.test", "/next"},
		{"GET //evil.test/items HTTP/1.1", "//evil.test/items", "me.test", "/next"},
		{"OPTIONS * HTTP/1.1", "*", "me.test", "/next"},
	} {
		c := dial(t, srv)
		c.say(t, row.line+"\r\nHost: me.test\r\nX-b: 1\r\nAccept: */*\r\n\r\n")
		got := c.answer(t)
		method, _, _ := strings.Cut(row.line, " ")
		want := method + " " + row.target + " HTTP/1.1\r\nHost: " + up.addr + "\r\nX-b: 1\r\nAccept: */*\r\nX-Forwarded-Host: " + row.host + "\r\n\r\n"
		if h := <-heads; h != want {
			t.Errorf("%s: the upstream got\n%q, want\n%q", row.line, h, want)
		}
		if want := dated("Content-Length: 0\r\nLocation: "+row.location+"\r\n", ""); got != want {
			t.Errorf("%s: the client got\n%q, want\n%q", row.line, got, want)
		}
	}
	for _, row := range []struct{ request, want string }{
		{"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
		{"GET / HTTP/1.1\r\nHost: x\r\nVia: 1.1 other, 1.1 " + srv.upstream.Name() + "\r\n\r\n", "HTTP/1.1 508 Loop Detected\r\n"},
	} {
		c := dial(t, srv)
		c.say(t, row.request)
		if got := c.answer(t); !strings.HasPrefix(got, row.want) || !strings.Contains(got, "application/problem+json") {
			t.Errorf("%q: %s", row.request, got)
		}
	}
	select {
	case h := <-heads:
		t.Errorf("the upstream got %q", h)
	default:
	}
}

// TestForwardsOnOneConnection: requests on one connection are answered in their order, and the connection to the upstream is
// used again.
func TestForwardsOnOneConnection(t *testing.T) {
	conns := make(chan struct{}, 10)
	up := newFarEnd(t, func(f *far) {
		conns <- struct{}{}
		for h := f.head(); h != ""; h = f.head() {
			target := strings.Fields(h)[1]
			f.say(dated(fmt.Sprintf("Content-Length: %d\r\n", len(target)), target))
		}
	})
	c := dial(t, up.before(t, ""))
	c.say(t, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: x\r\n\r\n")
	want := []string{dated("Content-Length: 2\r\n", "/1"), dated("Content-Length: 2\r\n", "")}
	if got := c.answer(t); got != want[0] {
		t.Errorf("%q", got)
	}
	b := make([]byte, len(want[1]))
	if _, err := io.ReadFull(c.in, b); err != nil || string(b) != want[1] {
		t.Errorf("%q, %v", b, err)
	}
	// The upstream's answer to HEAD had a body that nobody asked for: its connection is let go of.
	c.say(t, "GET /3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /4 HTTP/1.0\r\n\r\n")
	if got := c.answer(t); got != dated("Content-Length: 2\r\n", "/3")[:len(dated("", ""))-2]+"Content-Length: 2\r\nConnection: keep-alive\r\n\r\n/3" {
		t.Errorf("%q", got)
	}
	if got, end := c.rest(t); !strings.HasSuffix(got, "Connection: close\r\n\r\n/4") || end != "fin" {
		t.Errorf("%q, %s", got, end)
	}
	if len(conns) != 2 {
		t.Errorf("%d connections to the upstream, want 2", len(conns))
	}
}

// TestUpstreamFails: an upstream that cannot be reached, or gives no answer, is told by 502 and in the journal, where no
// attempt is called a failure of the server; where its answer breaks off, the client's does.
func TestUpstreamFails(t *testing.T) {
	for _, row := range []struct {
		name, says string // by the upstream; "-": it is not there
		status     int
		want       string // what the client gets, less its Date; "" for a problem
		end        string
		failure    string
	}{
		{"nobody listens", "-", 502, "", "", "it could not be reached: dial tcp ADDR: connect: connection refused"},
		{"no answer", "", 502, "", "", "it closed the connection without an answer"},
		{"no HTTP", "220 mail.test ESMTP\r\n\r\n", 502, "", "", `its answer is none of HTTP/1.1: the status line is "220 mail.test ESMTP"`},
		{"half a header block", "HTTP/1.1 200 OK\r\nA: b", 502, "", "", "the header block of its answer broke off: unexpected EOF"},
		{"half a body", dated("Content-Length: 4\r\n", "re"), 200, dated("Content-Length: 4\r\n", "re"), "fin", "its answer broke off: unexpected EOF"},
		{"half a chunked body", dated("Transfer-Encoding: chunked\r\n", "4\r\nre"), 200, dated("Transfer-Encoding: chunked\r\n", "2\r\nre\r\n"), "fin", "its answer broke off: unexpected EOF"},
		{"broken chunks", dated("Transfer-Encoding: chunked\r\n", "2\r\nre\r\nzz\r\n"), 200, dated("Transfer-Encoding: chunked\r\n", "2\r\nre\r\n"), "fin", `its answer broke off: a chunk begins with "zz"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			up := newFarEnd(t, func(f *far) {
				f.head()
				f.say(row.says)
			})
			if row.says == "-" {
				_ = up.l.Close()
			}
			srv := up.before(t, "")
			c := dial(t, srv)
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			failure := strings.ReplaceAll(row.failure, "ADDR", up.addr)
			if row.want == "" {
				got := c.answer(t)
				if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", row.status)) || !strings.Contains(got, "application/problem+json") {
					t.Errorf("%q", got)
				}
			} else if got, end := c.rest(t); got != row.want || end != row.end {
				t.Errorf("%q, %s; want %q", got, end, row.want)
			}
			log := ended(t, srv, 1)
			if a := log.Attempts[0]; a.Status != row.status || a.Failure != "" || a.Reason != "upstream" || a.Whole != (row.want == "") {
				t.Errorf("%+v", a)
			}
			if f := log.Forwards; len(f) != 1 || f[0].Failure != failure || (f[0].Status == 200) != (row.want != "") {
				t.Errorf("%+v, want %s", f, failure)
			}
		})
	}
}

// TestUpstreamTooSlow: with a bound on the upstream's answer the client gets 504.
func TestUpstreamTooSlow(t *testing.T) {
	up := newFarEnd(t, func(f *far) { f.head(); f.head() })
	srv := serve(t, onLoopback, "", WithUpstream(Upstream{URL: "http://" + up.addr, AnswerTimeout: 1e6}))
	c := dial(t, srv)
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 504 Gateway Timeout\r\n") || !strings.Contains(got, "no answer came within 1ms") {
		t.Errorf("%q", got)
	}
	if f := ended(t, srv, 1).Forwards; len(f) != 1 || !strings.HasPrefix(f[0].Failure, "no answer came within 1ms") {
		t.Errorf("%+v", f)
	}
}

// TestClientGoes: a client that goes while its request is at the upstream ends that too, and the upstream is not blamed.
func TestClientGoes(t *testing.T) {
	for _, row := range []struct{ name, request, says string }{
		{"before the answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"within the answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", dated("Content-Length: 10\r\n", "half")},
		{"within its own body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			came, gone := make(chan struct{}), make(chan struct{})
			up := newFarEnd(t, func(f *far) {
				f.head()
				f.say(row.says)
				close(came)
				_, _ = io.Copy(io.Discard, f.in) // until the proxy ends it
				close(gone)
			})
			srv := up.before(t, "")
			c := dial(t, srv)
			c.say(t, row.request)
			<-came
			if row.says != "" {
				_, err := io.ReadFull(c.in, make([]byte, len(row.says)))
				must(t, err)
			}
			must(t, c.SetLinger(0), c.Close())
			<-gone
			log := ended(t, srv, 1)
			if a := log.Attempts[0]; a.Closed != journal.ClosedByClientRST || a.Whole || a.Failure != "" {
				t.Errorf("%+v", a)
			}
			if f := log.Forwards; len(f) != 1 || f[0].Failure != "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestForwardingLeavesNothing: once a server in front of an upstream is closed, none of its goroutines is left, whatever was
// under way, and no connection to the upstream is.
func TestForwardingLeavesNothing(t *testing.T) {
	up := newFarEnd(t, func(f *far) {
		for h := f.head(); h != ""; h = f.head() {
			switch strings.Fields(h)[1] {
			case "/silent":
				_, _ = io.Copy(io.Discard, f.in)
			case "/endless":
				f.say(dated("", "endless"))
				_, _ = io.Copy(io.Discard, f.in)
			case "/ws":
				f.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhi")
				_, _ = io.Copy(io.Discard, f.in)
			default:
				f.say(dated("Content-Length: 0\r\n", ""))
			}
		}
	})
	srv, err := New(scenario(t, "faults: [{duplicate: 3, when: {method: PUT}}]"), WithUpstream(Upstream{URL: "http://" + up.addr}))
	must(t, err, srv.Start())
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
		"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
	} {
		c := dial(t, srv)
		c.say(t, request)
		_, err := c.in.ReadString('\n')
		must(t, err)
	}
	for _, request := range []string{
		"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /silent HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
	} {
		dial(t, srv).say(t, request)
	}
	must(t, srv.Close())
	_ = up.l.Close()
	<-up.done // every connection to it has ended
	if left := leaked(t); left != "" {
		t.Errorf("goroutines are left:\n%s", left)
	}
}

// TestLimitsBeforeUpstream: a limit counts what goes to the upstream, tells of its quota in the upstream's answer, and refuses
// in its place.
func TestLimitsBeforeUpstream(t *testing.T) {
	heads := make(chan string, 2)
	up := newFarEnd(t, answering(heads, dated("Content-Length: 4\r\n", "real")))
	srv := up.before(t, "limits: [{name: few, window: 1/1h, by: all, dialect: x-ratelimit}]")
	c := dial(t, srv)
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, "X-RateLimit-Remaining: 0\r\n") || !strings.HasSuffix(got, "real") {
		t.Errorf("%q", got)
	}
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 429 ") {
		t.Errorf("%q", got)
	}
	log := ended(t, srv, 2)
	if len(heads) != 1 || len(log.Forwards) != 1 || len(log.Attempts[0].Told) != 1 || log.Attempts[1].Limit != "few" {
		t.Errorf("%d requests came to the upstream; %+v", len(heads), log.Attempts)
	}
}
