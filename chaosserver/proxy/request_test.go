package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRequests: what of a request goes on to the upstream, and in which order.
func TestRequests(t *testing.T) {
	for _, row := range []struct {
		name, url string
		r         Request
		want      string // less the fields that say for whom it is forwarded
	}{
		{"order and case of the fields stay", "http://up.test", Request{Method: "GET", Target: "/a?b=c", Raw: []byte("Host: x\r\nb: 1\r\nA-b: 2\r\nB: 3\r\n\r\n")},
			"GET /a?b=c HTTP/1.1\r\nHost: up.test\r\nb: 1\r\nA-b: 2\r\nB: 3\r\n"},
		{"a base path goes before", "https://up.test:8443/v1/", Request{Method: "GET", Target: "/a%2Fb/../c", Raw: []byte("\r\n")},
			"GET /v1/a%2Fb/../c HTTP/1.1\r\nHost: up.test:8443\r\n"},
		{"asterisk form", "http://up.test/v1", Request{Method: "OPTIONS", Target: "*", Raw: []byte("\r\n")},
			"OPTIONS * HTTP/1.1\r\nHost: up.test\r\n"},
		{"what belongs to the connection stays there", "http://up.test", Request{Method: "GET", Target: "/", Raw: []byte(
			"Connection: keep-alive, X-Hop\r\nkeep-alive: 5\r\nx-hop: 1\r\nTE: gzip\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nProxy-Authorization: Basic x\r\nAuthorization: Basic y\r\n\r\n")},
			"GET / HTTP/1.1\r\nHost: up.test\r\nAuthorization: Basic y\r\n"},
		{"trailers are taken", "http://up.test", Request{Method: "GET", Target: "/", Raw: []byte("TE: trailers, gzip\r\nConnection: TE\r\n\r\n")},
			"GET / HTTP/1.1\r\nHost: up.test\r\n|TE: trailers\r\nConnection: TE\r\n"},
		{"a length", "http://up.test", Request{Method: "POST", Target: "/", Length: 5, Raw: []byte("content-length: 5\r\n\r\n")},
			"POST / HTTP/1.1\r\nHost: up.test\r\nContent-Length: 5\r\n"},
		{"a length of 0 that was said", "http://up.test", Request{Method: "POST", Target: "/", Raw: []byte("Content-Length: 0\r\n\r\n")},
			"POST / HTTP/1.1\r\nHost: up.test\r\nContent-Length: 0\r\n"},
		{"chunks, whatever else is said", "http://up.test", Request{Method: "POST", Target: "/", Length: -1, Raw: []byte("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")},
			"POST / HTTP/1.1\r\nHost: up.test\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n"},
		{"an expectation", "http://up.test", Request{Method: "POST", Target: "/", Length: 5, Expect: true, Raw: []byte("Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")},
			"POST / HTTP/1.1\r\nHost: up.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"},
		{"another protocol", "http://up.test", Request{Method: "GET", Target: "/", Upgrade: "websocket", Raw: []byte("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")},
			"GET / HTTP/1.1\r\nHost: up.test\r\nSec-WebSocket-Key: x\r\n|Connection: Upgrade\r\nUpgrade: websocket\r\n"},
		{"fields whose order is lost are sorted", "http://up.test", Request{Method: "GET", Target: "/", Header: http.Header{"B": {"2"}, "A": {"1", "3"}}},
			"GET / HTTP/1.1\r\nHost: up.test\r\nA: 1\r\nA: 3\r\nB: 2\r\n"},
		{"folded lines come from what net/http made of them", "http://up.test", Request{Method: "GET", Target: "/", Raw: []byte("A: 1\r\n 2\r\n\r\n"), Header: http.Header{"A": {"1 2"}}},
			"GET / HTTP/1.1\r\nHost: up.test\r\nA: 1 2\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			u := upstream(t, row.url, "", false)
			row.r.Host, row.r.Client = "me.test:7070", "127.0.0.1"
			before, behind, _ := strings.Cut(row.want, "|")
			want := before + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: me.test:7070\r\nX-Forwarded-Proto: http\r\nVia: 1.1 " + u.Name() + "\r\n" + behind + "\r\n"
			if got := string(u.AppendHead(nil, &row.r)); got != want {
				t.Errorf("got\n%q, want\n%q", got, want)
			}
		})
	}
}

// TestForwardedFields: what says for whom a request is forwarded is added to, or set.
func TestForwardedFields(t *testing.T) {
	u := upstream(t, "http://up.test", "", false)
	got := string(u.AppendHead(nil, &Request{Method: "GET", Target: "/", Host: "me.test", Client: "::1", Secure: true,
		Raw: []byte("X-Forwarded-For: 10.0.0.1\r\nVia: 1.0 other\r\nX-Forwarded-Proto: ftp\r\nX-Forwarded-Host: evil\r\nx-forwarded-for: 10.0.0.2\r\nForwarded: for=_x\r\n\r\n")}))
	want := "GET / HTTP/1.1\r\nHost: up.test\r\nVia: 1.0 other\r\nForwarded: for=_x\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2, ::1\r\nX-Forwarded-Host: me.test\r\nX-Forwarded-Proto: https\r\nVia: 1.1 " + u.Name() + "\r\n\r\n"
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	if !u.Looped([]string{"1.0 other, 1.1 " + u.Name()}) || u.Looped([]string{"1.1 brownout"}) {
		t.Error("a request that comes back is known by Via, and by nothing else")
	}
}

// TestLocations: a Location that points to the upstream points to the call's own URL.
func TestLocations(t *testing.T) {
	for _, row := range []struct{ url, from, want string }{
		{"http://up.test", "/items/2", "/~7/items/2"},
		{"http://up.test", "http://up.test/items/2?a=b#c", "http://me.test:7070/~7/items/2?a=b#c"},
		{"http://up.test", "http://UP.test:80/items", "http://me.test:7070/~7/items"},
		{"http://up.test", "http://up.test", "http://me.test:7070/~7/"},
		{"http://up.test", "//up.test/items", "http://me.test:7070/~7/items"},
		{"http://up.test", "https://up.test/items", "https://up.test/items"},
		{"http://up.test", "http://up.test:8080/items", "http://up.test:8080/items"},
		{"http://up.test", "http://other.test/items", "http://other.test/items"},
		{"http://up.test", "http://user@up.test/items", "http://user@up.test/items"},
		{"http://up.test", "items/2", "items/2"},
		{"http://up.test", "?page=2", "?page=2"},
		{"http://up.test", "http://[", "http://["},
		{"https://up.test:8443/v1", "https://up.test:8443/v1/items", "http://me.test:7070/~7/items"},
		{"https://up.test:8443/v1", "/v1", "/~7/"},
		{"https://up.test:8443/v1", "/v1?x", "/~7/?x"},
		{"https://up.test:8443/v1", "/v1beta/items", "/v1beta/items"},
		{"https://up.test:8443/v1", "/v2/items", "/v2/items"},
	} {
		u := upstream(t, row.url, "", false)
		if got := string(u.appendLocation(nil, []byte(row.from), &Outward{Prefix: "/~7", Host: "me.test:7070"})); got != row.want {
			t.Errorf("%s behind %s: %s, want %s", row.from, row.url, got, row.want)
		}
	}
}

// TestOptions: what is wrong with where an upstream is said to be.
func TestOptions(t *testing.T) {
	const hint = "; write one such as http://127.0.0.1:8080 or https://api.example.com/v1"
	for _, row := range []struct {
		o    Options
		want string
	}{
		{Options{URL: ""}, `the upstream's URL "" is neither of http nor of https` + hint},
		{Options{URL: "localhost:8080"}, `the upstream's URL "localhost:8080" is neither of http nor of https` + hint},
		{Options{URL: "http://:8080"}, `the upstream's URL "http://:8080" names no host` + hint},
		{Options{URL: "http://me:secret@up.test"}, `the upstream's URL "http://me:xxxxx@up.test" has user information, which is not sent` + hint},
		{Options{URL: "http://up.test?a=b"}, `the upstream's URL "http://up.test?a=b" has a query or a fragment` + hint},
		{Options{URL: "http://up.test/a/../b"}, `the upstream's URL "http://up.test/a/../b" has .. in its path` + hint},
		{Options{URL: "http://up.test", AnswerTimeout: -1}, "AnswerTimeout is -1ns; at least 0"},
		{Options{URL: "http://up.test", DialTimeout: -1}, "DialTimeout is -1ns; at least 0"},
		{Options{URL: "http://up.test", MaxHeader: -1}, "MaxHeader is -1; at least 0"},
	} {
		if _, err := New(row.o); err == nil || err.Error() != row.want {
			t.Errorf("%+v: %v, want %s", row.o, err, row.want)
		}
	}
}

// TestConnections: a connection is used again while it is open and silent, and for as long as the upstream keeps it.
func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	u, err := New(Options{URL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, row := range []struct {
		name, answer string
		meanwhile    func(net.Conn)
		again        bool
	}{
		{"it is silent", "Content-Length: 0\r\n\r\n", func(net.Conn) {}, true},
		{"it was closed", "Content-Length: 0\r\n\r\n", func(c net.Conn) { _ = c.Close() }, false},
		{"it said something", "Content-Length: 0\r\n\r\n", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") }, false},
		{"it is kept for no time", "Content-Length: 0\r\nKeep-Alive: timeout=1, max=5\r\n\r\n", func(net.Conn) {}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := acquire(t, u)
			far, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			if _, err := io.WriteString(far, "HTTP/1.1 200 OK\r\n"+row.answer); err != nil {
				t.Fatal(err)
			}
			if _, err := c.ReadHead(http.MethodGet); err != nil {
				t.Fatal(err)
			}
			c.Release(true)
			row.meanwhile(far)
			for !row.again && c.raw != nil && !c.Closed() && quiet(c) { // what it did is on its way
				time.Sleep(time.Millisecond)
			}
			d := acquire(t, u)
			if again := c == d; again != row.again {
				t.Errorf("the connection is used again: %v, want %v", again, row.again)
			}
			d.Close()
			if !row.again {
				if far, err := l.Accept(); err == nil {
					_ = far.Close()
				}
			}
		})
	}
}

// TestSecureUpstream: an upstream of https is verified by the authorities that are given.
func TestSecureUpstream(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.Config.ErrorLog = nil
	srv.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	srv.StartTLS()
	defer srv.Close()
	u, err := New(Options{URL: srv.URL, Roots: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for range 2 {
		c := acquire(t, u)
		if _, err := c.Write(u.AppendHead(nil, &Request{Method: "GET", Target: "/", Raw: []byte("\r\n")})); err != nil {
			t.Fatal(err)
		}
		res, err := c.ReadHead(http.MethodGet)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res); err != nil || string(b) != "HTTP/1.1" {
			t.Errorf("%q, %v", b, err)
		}
		c.Release(true)
	}
	stranger, err := New(Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Acquire(context.Background()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an upstream that nobody vouches for: %v", err)
	}
}
