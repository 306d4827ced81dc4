package chaosserver

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
)

// secureConn is a client's side of TLS, which counts what comes beneath it.
type secureConn struct {
	*tls.Conn
	raw *counted
}

// counted is a connection that keeps the bytes that it brings.
type counted struct {
	rawConn
	mu    sync.Mutex
	bytes []byte
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.rawConn.Read(p)
	c.mu.Lock()
	c.bytes = append(c.bytes, p[:n]...)
	c.mu.Unlock()
	return n, err
}

func (c *counted) read() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// lastRecord is the type of the last record that came (RFC 5246, section 6.2.1), 0 where that is not whole.
func (c *counted) lastRecord() byte {
	last := byte(0)
	for b := c.read(); len(b) > 0; {
		if len(b) < 5 || len(b) < 5+int(b[3])<<8+int(b[4]) {
			return 0
		}
		last, b = b[0], b[5+int(b[3])<<8+int(b[4]):]
	}
	return last
}

const alertRecord = 21

// secure connects to the server, to shake hands as the configuration says; in TLS 1.2 the type of a record can be seen.
func secure(t testing.TB, srv *Server, config *tls.Config) *secureConn {
	t.Helper()
	raw := &counted{rawConn: dialHost(t, srv, "").rawConn}
	if config.ServerName == "" {
		config.ServerName = "localhost"
	}
	return &secureConn{tls.Client(raw, config), raw}
}

// rest reads to the end of the connection, and returns what came and how it ended: "farewell" where the server said that it
// is the end, "fin" where it did not, or "rst".
func (c *secureConn) rest(t testing.TB) (string, string) {
	t.Helper()
	b, err := io.ReadAll(c.Conn)
	switch { // crypto/tls makes no difference between a farewell and a FIN without one
	case err == nil && c.raw.lastRecord() == alertRecord:
		return string(b), "farewell"
	case err == nil:
		return string(b), "fin"
	case errors.Is(err, syscall.ECONNRESET):
		return string(b), "rst"
	}
	t.Fatalf("after %q: %v", b, err)
	return "", ""
}

// visible is the configuration of a client that trusts the server, and can see what its records are.
func visible(srv *Server) *tls.Config {
	config := srv.ClientTLS()
	config.MaxVersion = tls.VersionTLS12
	return config
}

const overTLS = "server: {tls: true}\n"

// TestSecure: the server is reached over TLS, by every name that its certificate holds for, and speaks HTTP/1.1.
func TestSecure(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "server: {tls: true, hosts: [api, files.example]}\nroutes: [{match: POST /, answers: [{status: 201, size: 100KiB}]}]")
			for _, url := range srv.URLs() {
				res, err := srv.Client().Post(url, "text/plain", strings.NewReader(strings.Repeat("x", 70_000)))
				must(t, err)
				body, err := io.ReadAll(res.Body)
				must(t, err, res.Body.Close())
				if len(body) != 100<<10 || res.StatusCode != 201 || res.TLS == nil || res.TLS.NegotiatedProtocol != "" && res.TLS.NegotiatedProtocol != "http/1.1" {
					t.Errorf("%s: %d bytes, %+v", url, len(body), res)
				}
			}
			for _, name := range []string{"127.0.0.1", "::1", "localhost", "api", "files.example", "api.brownout.test"} {
				config := srv.ClientTLS()
				config.ServerName, config.NextProtos = name, []string{"h2", "http/1.1"}
				c := secure(t, srv, config)
				if err := c.Handshake(); err != nil || c.ConnectionState().NegotiatedProtocol != "http/1.1" {
					t.Errorf("by the name %s: %v, %q", name, err, c.ConnectionState().NegotiatedProtocol)
				}
				must(t, c.Close())
			}
			log := closed(t, srv, 6)
			for _, c := range log.Conns {
				if !c.TLS || c.Failure != "" || c.Closed == journal.ClosedByServerFIN {
					t.Errorf("connection: %+v", c)
				}
			}
			if a := log.Attempts[0]; a.BodyLen != 70_000 || !a.BodyWhole || len(a.Headers) < 3 || a.HeaderOrderLost {
				t.Errorf("attempt: %+v", a)
			}
		})
	}
}

// TestCertificate: what a client is given to trust is a certificate authority, short-lived, and of this server alone.
func TestCertificate(t *testing.T) {
	srv := serve(t, onLoopback, overTLS)
	block, rest := pem.Decode(srv.CertificatePEM())
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Fatalf("PEM: %+v, and %q", block, rest)
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	if !ca.Equal(srv.Certificate()) || !ca.IsCA || ca.NotAfter.Sub(ca.NotBefore) > 31*24*time.Hour || time.Until(ca.NotAfter) < 29*24*time.Hour {
		t.Errorf("the authority: %+v", ca)
	}
	other := serve(t, onLoopback, overTLS)
	if other.Certificate().Equal(ca) {
		t.Error("two servers have one authority")
	}
	plain := serve(t, onLoopback, "")
	if plain.Certificate() != nil || plain.CertificatePEM() != nil || plain.ClientTLS() != nil || !strings.HasPrefix(plain.URL(), "http://") {
		t.Error("a server without TLS has a certificate")
	}
}

// TestWireFaultsOverTLS: wire faults strike the connection beneath TLS, so that a FIN comes without the farewell that a sound
// end has; what goes before them is whole records.
func TestWireFaultsOverTLS(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n"
	unframed := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
	for _, row := range []struct {
		answer, got, end string
		closer           journal.Closer
		whole            bool
	}{
		{"reset: before-headers", "", "rst", journal.ClosedByServerRST, false},
		{"close: before-headers", "", "fin", journal.ClosedByServerFIN, false},
		{"text: hello, reset: headers, after: 8B", "HTTP/1.1", "rst", journal.ClosedByServerRST, false},
		{"text: hello, close: headers, after: 8B", "HTTP/1.1", "fin", journal.ClosedByServerFIN, false},
		{"text: hello, reset: body, after: 2B", head + "he", "rst", journal.ClosedByServerRST, false},
		{"text: hello, truncate: 2B", head + "he", "fin", journal.ClosedByServerFIN, false},
		{"text: hello, reset: end", head + "hello", "rst", journal.ClosedByServerRST, true},
		{"text: hello, close: end", head + "hello", "fin", journal.ClosedByServerFIN, true},
		{"text: hello, reset: idle, wait: 0s", head + "hello", "rst", journal.ClosedByServerRST, true},
		{"text: hello, close: idle, wait: 0s", head + "hello", "fin", journal.ClosedByServerFIN, true},
		{"garbage: before-headers, bytes: rubbish", "rubbish", "fin", journal.ClosedByServerFIN, false},
		{"text: hello, do: drip, at: body, rate: 1MiB/s, connection: close", strings.Replace(head, "Content-Type", "Connection: close\r\nContent-Type", 1) + "hello", "farewell", journal.ClosedByServerFIN, true},
		{"text: hello, framing: close, close: body, after: 2B", unframed + "he", "fin", journal.ClosedByServerFIN, false},
		{"text: hello, framing: close, close: end", unframed + "hello", "fin", journal.ClosedByServerFIN, true},
		{"text: hello, framing: close", unframed + "hello", "farewell", journal.ClosedByServerFIN, true},
		{"text: hello, connection: close, linger: 1ms", strings.Replace(head, "Content-Type", "Connection: close\r\nContent-Type", 1) + "hello", "farewell", journal.ClosedByServerFIN, true},
	} {
		for _, at := range places {
			t.Run(row.answer+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, overTLS+"routes: [{match: GET /, answers: [{"+row.answer+"}]}]")
				c := secure(t, srv, visible(srv))
				_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				must(t, err)
				got, end := c.rest(t)
				if strings.Contains(got, "Date: ") {
					got = undated(t, got)
				}
				if got != row.got || end != row.end {
					t.Errorf("the connection brought %q and ended with %s; want %q and %s", got, end, row.got, row.end)
				}
				if end == "farewell" {
					if n, err := c.raw.rawConn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Errorf("behind the farewell: %d bytes, %v; want FIN", n, err)
					}
				}
				_ = c.Close()
				ended(t, srv, 1)
				log := closed(t, srv, 1)
				if a := log.Attempts[0]; a.Whole != row.whole || a.Failure != "" || !a.Ended {
					t.Errorf("the attempt: %+v", a)
				}
				if conn := log.Conns[0]; conn.Closed != row.closer || conn.Failure != "" || !conn.TLS {
					t.Errorf("the connection: %+v", conn)
				}
			})
		}
	}
}

// TestUploadFaultsOverTLS: faults strike while the request is sent, and the client's unread bytes turn no FIN into a RST.
func TestUploadFaultsOverTLS(t *testing.T) {
	for _, row := range []struct{ do, end string }{{"reset", "rst"}, {"close", "fin"}} {
		for _, at := range places {
			t.Run(row.do+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, overTLS+"routes: [{match: POST /, answers: [{status: 200, "+row.do+": request-body, after: 5B}]}]")
				c := secure(t, srv, visible(srv))
				_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello, th")
				must(t, err)
				if got, end := c.rest(t); got != "" || end != row.end {
					t.Errorf("the connection brought %q and ended with %s; want %s", got, end, row.end)
				}
				_ = c.Close()
				if a := ended(t, srv, 1).Attempts[0]; a.BodyLen != 5 || a.Failure != "" {
					t.Errorf("the attempt: %+v", a)
				}
			})
		}
	}
}

// TestFaultsAtTLS: a fault at tls strikes behind the ClientHello, of which nothing is answered.
func TestFaultsAtTLS(t *testing.T) {
	for _, row := range []struct {
		do     string
		want   error
		closer journal.Closer
	}{
		{"reset", syscall.ECONNRESET, journal.ClosedByServerRST},
		{"close", io.EOF, journal.ClosedByServerFIN},
		{"stall", os.ErrDeadlineExceeded, journal.ClosedByClientFIN},
	} {
		for _, at := range places {
			t.Run(row.do+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, overTLS+"faults: [{name: cut, "+row.do+": tls, when: {nth: 2}}]")
				sound := secure(t, srv, srv.ClientTLS())
				must(t, sound.Handshake())
				c := secure(t, srv, srv.ClientTLS())
				if row.do == "stall" {
					must(t, c.SetDeadline(time.Now().Add(30*time.Millisecond)))
				}
				if err := c.Handshake(); !errors.Is(err, row.want) {
					t.Errorf("the handshake ended with %v, want %v", err, row.want)
				}
				if b := c.raw.read(); len(b) != 0 {
					t.Errorf("%q came", b)
				}
				_ = c.raw.Close()
				log := closed(t, srv, 1)
				if conn := log.Conns[1]; conn.Closed != row.closer || conn.Reason != "cut, faults[0]" || len(conn.Applied) != 1 || conn.Failure != "" {
					t.Errorf("the connection: %+v", conn)
				}
				_, err := io.WriteString(sound, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				must(t, err)
				if a := ended(t, srv, 1).Attempts[0]; a.Conn != 1 || a.Status != 200 {
					t.Errorf("on the other connection: %+v", a)
				}
			})
		}
	}
}

// TestAcceptFaultsOverTLS: what strikes at accept reads no ClientHello.
func TestAcceptFaultsOverTLS(t *testing.T) {
	srv := serve(t, inMemory, overTLS+"faults: [{reset: accept}]")
	if err := secure(t, srv, srv.ClientTLS()).Handshake(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	if c := closed(t, srv, 1).Conns[0]; c.Closed != journal.ClosedByServerRST || c.Failure != "" {
		t.Errorf("the connection: %+v", c)
	}
}

// TestFailedHandshakes: a handshake that fails is in the journal with its reason, and nothing of it becomes an attempt.
func TestFailedHandshakes(t *testing.T) {
	shake := func(change func(*tls.Config)) func(*testing.T, *Server) {
		return func(t *testing.T, srv *Server) {
			config := srv.ClientTLS()
			change(config)
			c := secure(t, srv, config)
			if err := c.Handshake(); err == nil {
				t.Error("the handshake went well")
			}
			_ = c.Close()
		}
	}
	say := func(text, answer string) func(*testing.T, *Server) {
		return func(t *testing.T, srv *Server) {
			c := dialHost(t, srv, "")
			c.say(t, text)
			if answer == "" {
				must(t, c.CloseWrite())
			}
			got, err := io.ReadAll(c.in)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(string(got), answer) {
				t.Errorf("%q was answered by %q, %v", text, got, err)
			}
			_ = c.Close()
		}
	}
	hello := clientHello(t)
	for _, row := range []struct {
		name   string
		do     func(*testing.T, *Server)
		want   string
		closer journal.Closer
	}{
		{"does not trust the authority", shake(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }), "bad certificate", journal.ClosedByClientFIN},
		{"does not trust it, TLS 1.2", shake(func(c *tls.Config) { c.RootCAs, c.MaxVersion = x509.NewCertPool(), tls.VersionTLS12 }), "bad certificate", journal.ClosedByClientFIN},
		{"asks by another name", shake(func(c *tls.Config) { c.ServerName = "elsewhere.example" }), "bad certificate", journal.ClosedByClientFIN},
		{"speaks HTTP/2 alone", shake(func(c *tls.Config) { c.NextProtos = []string{"h2"} }), "client requested unsupported application protocols ([\"h2\"])", journal.ClosedByServerFIN},
		{"speaks TLS 1.1 alone", shake(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), "client offered only unsupported versions: [302]", journal.ClosedByServerFIN},
		{"speaks in the clear", say("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "this port speaks TLS; write https:// in the URL"), "it came in the clear, as to http://", journal.ClosedByServerFIN},
		{"speaks no TLS", say("\x01\x02\x03\x04\x05\x06", ""), "first record does not look like a TLS handshake", journal.ClosedByServerFIN},
		{"goes within its ClientHello", say(hello[:40], ""), "the connection was ended", journal.ClosedByClientFIN},
		{"goes behind its ClientHello", say(hello, ""), "the connection was ended", journal.ClosedByClientFIN},
		{"says nothing", say("", ""), "", journal.ClosedByClientFIN},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, overTLS)
				row.do(t, srv)
				log := closed(t, srv, 1)
				if c := log.Conns[0]; c.Failure != row.want || c.Closed != row.closer {
					t.Errorf("the connection: closed by %v, %q; want %v, %q", c.Closed, c.Failure, row.closer, row.want)
				}
				if len(log.Attempts) != 0 {
					t.Errorf("attempts: %+v", log.Attempts)
				}
			})
		}
	}
}

// clientHello is the first thing that a client of TLS says.
func clientHello(t *testing.T) string {
	client, server := newMemPair("client", "server")
	defer client.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Client(client, &tls.Config{ServerName: "localhost"}).Handshake() // ends with the connection
	}()
	buf := make([]byte, 16<<10)
	n, err := server.Read(buf)
	must(t, err, server.Close())
	<-done
	return string(buf[:n])
}

// TestSecureInVirtualTime: TLS works in a bubble, where certificates hold in virtual time too, and waits take as long as they
// say.
func TestSecureInVirtualTime(t *testing.T) {
	bubble(t, overTLS+`
routes: [{match: GET /, answers: [{status: 503, delay: 90m}, {status: 200, delay: 25h}]}]
faults: [{stall: tls, when: {nth: 1}}]
`, func(t *testing.T, srv *Server) {
		c := secure(t, srv, srv.ClientTLS())
		start := time.Now()
		must(t, c.SetDeadline(start.Add(time.Hour)))
		if err := c.Handshake(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("at tls: %v after %v", err, time.Since(start))
		}
		must(t, c.raw.Close())
		for i, want := range []time.Duration{90 * time.Minute, 25 * time.Hour} {
			if _, took, err := get(t, srv, "/"); err != nil || took != want {
				t.Errorf("attempt %d took %v, %v; want %v", i+1, took, err, want)
			}
		}
	})
}

// TestStallOverTLS: a client that gives a silent attempt up is seen, though its farewell lies unread.
func TestStallOverTLS(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, overTLS+"routes: [{match: GET /, answers: [{status: 200, size: 4KiB, stall: body, after: 10B}]}]")
			c := secure(t, srv, srv.ClientTLS())
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			buf := make([]byte, 4096)
			var got []byte
			for !bytes.Contains(got, []byte("\r\n\r\n")) || len(got[bytes.Index(got, []byte("\r\n\r\n"))+4:]) < 10 {
				n, err := c.Read(buf)
				must(t, err)
				got = append(got, buf[:n]...)
			}
			must(t, c.Close()) // says farewell
			if a := ended(t, srv, 1).Attempts[0]; a.Closed != journal.ClosedByClientFIN || a.Whole {
				t.Errorf("the attempt: %+v", a)
			}
		})
	}
}

// TestAbandonedOverTLS: a client that gives an attempt up while it waits gets no answer, and comes back as the same call.
func TestAbandonedOverTLS(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, overTLS+"faults: [{delay: 1h, when: {attempt: 1}}]")
			for range 2 {
				c := secure(t, srv, srv.ClientTLS())
				_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				must(t, err)
				for ctx := within(t); len(srv.Journal().Log().Attempts) == 0 && srv.underWay("/") == 0 && ctx.Err() == nil; {
					time.Sleep(time.Millisecond)
				}
				if len(srv.Journal().Log().Conns) == 2 {
					if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
						t.Error(err)
					}
				}
				must(t, c.Close())
			}
			log := ended(t, srv, 2)
			for i := range log.Attempts {
				if a := &log.Attempts[i]; a.CallNo != 1 || a.Ambiguous || a.Failure != "" {
					t.Errorf("attempt %d: %+v", i, a)
				}
			}
		})
	}
}

// TestCloseOverTLS: a server that is closed says farewell, and gives clients that read nothing no longer than a FIN, all
// together.
func TestCloseOverTLS(t *testing.T) {
	bubble(t, overTLS+"routes: [{match: GET /big, answers: [{size: 1MiB}]}, {match: GET /}]", func(t *testing.T, srv *Server) {
		idle := secure(t, srv, visible(srv))
		var stuck []*secureConn
		_, err := io.WriteString(idle, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		must(t, err)
		for range 5 {
			c := secure(t, srv, visible(srv))
			_, err = io.WriteString(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			stuck = append(stuck, c)
		}
		must(t, srv.Await(within(t), func(l *journal.Log) bool {
			answered := slices.ContainsFunc(l.Attempts, func(a journal.Attempt) bool { return a.Target == "/" && a.Ended })
			return answered && len(l.Attempts) == 6
		}))
		start := time.Now()
		must(t, srv.Close())
		if took := time.Since(start); took > fault.FINWait {
			t.Errorf("it took %v", took)
		}
		if got, end := idle.rest(t); !strings.HasPrefix(got, "HTTP/1.1 200") || end != "farewell" {
			t.Errorf("the idle one brought %q and ended with %s", got, end)
		}
		must(t, idle.raw.Close())
		for _, c := range stuck {
			must(t, c.raw.Close())
		}
	})
}

// TestTunnelOverTLS: bytes of another protocol pass both ways in TLS, and the end of either side does.
func TestTunnelOverTLS(t *testing.T) {
	up := newFarEnd(t, func(f *far) {
		f.head()
		f.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(f, f.in)
		f.say("bye")
	})
	srv := up.before(t, overTLS)
	c := secure(t, srv, visible(srv))
	_, err := io.WriteString(c, "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
	must(t, err)
	want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello "
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Errorf("%q, %v; want %q", b, err, want)
	}
	must(t, c.CloseWrite())
	want = "bye"
	if got, end := c.rest(t); got != want || end != "farewell" {
		t.Errorf("%q, %s; want %q, farewell", got, end, want)
	}
	if a := ended(t, srv, 1).Attempts[0]; a.Status != 101 || !a.Whole || a.Closed != journal.ClosedByClientFIN {
		t.Errorf("the attempt: %+v", a)
	}
}
