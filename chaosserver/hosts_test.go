package chaosserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const twoHosts = `
server: {hosts: [a, b.example]}
routes:
  - {match: {path: /x, host: a}, answers: [{text: of a}]}
  - {match: {path: /x, host: b.example}, answers: [{text: of b}]}
  - {match: {path: /moved}, answers: [{status: 302, redirect: /x}]}
faults:
  - {status: 503, when: {host: b.example, path: /down}}
  - {close: accept, when: {host: b.example, nth: 1}}
`

// dialHost connects to a host of the server.
func dialHost(t testing.TB, srv *Server, host string) *wireConn {
	t.Helper()
	u, err := url.Parse(srv.HostURL(host))
	must(t, err)
	nc, err := srv.DialContext(t.Context(), "tcp", u.Host)
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	return &wireConn{nc.(rawConn), bufio.NewReader(nc)}
}

// TestHosts: each host has a port, and what came to it is told from what came to another, whatever its Host field says.
func TestHosts(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, twoHosts)
			urls := srv.URLs()
			if len(urls) != 2 || urls[0] != srv.URL() || urls[0] == urls[1] || srv.HostURL("b.example") != urls[1] || srv.HostURL("") != urls[0] || srv.HostURL("c") != "" {
				t.Fatalf("URLs %q, URL %q", urls, srv.URL())
			}
			if got, want := srv.HostCallURL("b.example", 7), urls[1]+"/~7"; got != want {
				t.Errorf("HostCallURL is %s, want %s", got, want)
			}
			if at.name == "memory" && fmt.Sprint(urls) != "[http://a.brownout.test http://b.example.brownout.test]" {
				t.Errorf("in memory: %v", urls)
			}
			if _, end := dialHost(t, srv, "b.example").rest(t); end != "fin" {
				t.Errorf("the first connection of b ended with %s, want fin", end)
			}
			for _, row := range []struct{ host, path, want string }{
				{"a", "/x", "200 of a"},
				{"b.example", "/x", "200 of b"},
				{"b.example", "/down", "503 {"},
				{"a", "/down", "404 {"},
				{"b.example", "/~3/moved", "200 of b"},
			} {
				res, err := srv.Client().Get(srv.HostURL(row.host) + row.path)
				must(t, err)
				body, err := io.ReadAll(res.Body)
				must(t, err, res.Body.Close())
				if got := fmt.Sprint(res.StatusCode, " ", string(body)); !strings.HasPrefix(got, row.want) {
					t.Errorf("%s at %s: %s, want %s", row.path, row.host, got, row.want)
				}
			}
			c := dialHost(t, srv, "b.example")
			c.say(t, "GET /x HTTP/1.1\r\nHost: a.brownout.test\r\n\r\n")
			if got := c.answer(t); !strings.HasSuffix(got, "of b") {
				t.Errorf("with the other's Host field: %q", got)
			}
			log := ended(t, srv, 7)
			if c := log.Conns[0]; c.Host != "b.example" || c.TLS || len(c.Applied) != 1 {
				t.Errorf("the first connection: %+v", c)
			}
			if a := log.Attempts[5]; a.Call != "3" || a.N != 2 || a.Target != "/x" {
				t.Errorf("behind the redirect: call %s, attempt %d, %s", a.Call, a.N, a.Target)
			}
			if a := log.Attempts[3]; !strings.Contains(a.Nearest, "nearest is /moved") && !strings.Contains(a.Nearest, "nearest is /x") {
				t.Errorf("nearest: %q", a.Nearest)
			}
		})
	}
}

// TestHostsAreOtherCalls: without a name of its own, a request to another host is another call.
func TestHostsAreOtherCalls(t *testing.T) {
	srv := serve(t, inMemory, "server: {hosts: [a, b]}\nfaults: [{status: 503}]")
	for _, host := range []string{"a", "b", "a", "b"} {
		res, err := srv.Client().Get(srv.HostURL(host) + "/")
		must(t, err, res.Body.Close())
	}
	var got []string
	for _, a := range ended(t, srv, 4).Attempts {
		got = append(got, fmt.Sprint(a.CallNo, ".", a.N, " ", a.Ambiguous))
	}
	if want := "[1.1 false 2.1 false 1.2 false 2.2 false]"; fmt.Sprint(got) != want {
		t.Errorf("calls and attempts: %v, want %s", got, want)
	}
}

// TestNearestHost: a request that came to the wrong host is told so.
func TestNearestHost(t *testing.T) {
	srv := serve(t, inMemory, "server: {hosts: [a, b]}\nroutes: [{match: {method: GET, path: /x, host: a}}]")
	res, err := srv.Client().Get(srv.HostURL("b") + "/x")
	must(t, err, res.Body.Close())
	if got, want := ended(t, srv, 1).Attempts[0].Nearest, "nearest is GET /x at host a"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestHostsInARow: the hosts take the ports behind that of the address, and an address that has none behind it is an error.
func TestHostsInARow(t *testing.T) {
	for range 20 { // until two free ones are found
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		first := l.Addr().(*net.TCPAddr).Port
		must(t, l.Close())
		srv, err := New(scenario(t, "server: {hosts: [a, b]}"), WithAddr("127.0.0.1:"+strconv.Itoa(first)))
		must(t, err)
		err = srv.Start()
		urls := srv.URLs()
		must(t, srv.Close())
		if err != nil {
			continue
		}
		if want := fmt.Sprintf("[http://127.0.0.1:%d http://127.0.0.1:%d]", first, first+1); fmt.Sprint(urls) != want {
			t.Errorf("%v, want %s", urls, want)
		}
		break
	}
	srv, err := New(scenario(t, "server: {hosts: [a, b]}"), WithAddr("127.0.0.1:65535"))
	must(t, err)
	defer srv.Close()
	if err := srv.Start(); err == nil || !strings.Contains(err.Error(), "the ports behind 65535, which end at 65535") {
		t.Errorf("behind the last port: %v", err)
	}
	if l, err := net.Listen("tcp", "127.0.0.1:65535"); err != nil {
		t.Errorf("a start that failed keeps a port: %v", err)
	} else {
		must(t, l.Close())
	}
}

// TestUnknownHostInMemory: an address of none of the hosts leads nowhere.
func TestUnknownHostInMemory(t *testing.T) {
	srv := serve(t, inMemory, "server: {hosts: [a, b]}")
	_, err := srv.Client().Get("http://c.brownout.test/")
	var dns *net.DNSError
	if err == nil || !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v, want that the host is not found", err)
	}
}

// TestHostsNeedListeners: a bare handler cannot be several hosts, and says so.
func TestHostsNeedListeners(t *testing.T) {
	_, err := New(scenario(t, "server: {hosts: [a, b]}"), AsHandler())
	if want := "chaosserver: server.hosts: " + manyHosts; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	srv, c := bareServer(t, "server: {hosts: [a, b]}")
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 500 ") || !strings.Contains(got, "several hosts") {
		t.Errorf("answered %q", got)
	}
	if a := ended(t, srv, 1).Attempts[0]; a.Failure == "" {
		t.Errorf("the attempt: %+v", a)
	}
	_, c = bareServer(t, "server: {hosts: [a]}\nroutes: [{match: {path: /, host: a}}]")
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("of one host: answered %q", got)
	}
}
