package chaosserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"brownout/scenarios"
)

// scenario parses a scenario; the text may leave its name out.
func scenario(t testing.TB, text string) *scenarios.Scenario {
	t.Helper()
	s, err := parseScenario(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parseScenario(text string) (*scenarios.Scenario, error) {
	if !strings.HasPrefix(text, "name:") {
		text = "name: test\n" + text
	}
	return scenarios.Parse("test.yaml", []byte(text))
}

// place is where a server listens.
type place struct {
	name  string
	start func(*Server) error
}

var (
	onLoopback = place{"loopback", (*Server).Start}
	inMemory   = place{"memory", (*Server).StartMemory}
	places     = []place{onLoopback, inMemory}
)

// serve starts a server that plays the scenario, and closes it behind the test.
func serve(t testing.TB, at place, text string, opts ...Option) *Server {
	t.Helper()
	srv, err := New(scenario(t, text), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := at.start(srv); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// wireConn is a client's connection with what a test reads from it.
type wireConn struct {
	rawConn
	in *bufio.Reader
}

// dial connects to the server.
func dial(t testing.TB, srv *Server) *wireConn {
	t.Helper()
	nc, err := srv.DialContext(context.Background(), "tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &wireConn{nc.(rawConn), bufio.NewReader(nc)}
}

// say writes to the server.
func (c *wireConn) say(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// answer reads one answer by its Content-Length, and returns its bytes.
func (c *wireConn) answer(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			t.Fatalf("after %q: %v", b.String(), err)
		}
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			for _, d := range strings.TrimSpace(v) {
				length = 10*length + int(d-'0')
			}
		}
		if line == "\r\n" {
			break
		}
	}
	if _, err := io.CopyN(&b, c.in, int64(length)); err != nil {
		t.Fatalf("after %q: %v", b.String(), err)
	}
	return b.String()
}

// rest reads to the end of the connection and returns what came and how it ended: "fin" or "rst".
func (c *wireConn) rest(t testing.TB) (string, string) {
	t.Helper()
	b, err := io.ReadAll(c.in)
	switch {
	case err == nil:
		return string(b), "fin"
	case errors.Is(err, syscall.ECONNRESET):
		return string(b), "rst"
	}
	t.Fatalf("after %q: %v", b, err)
	return "", ""
}

// undated takes the Date field out of an answer, for comparison.
func undated(t testing.TB, answer string) string {
	t.Helper()
	begin := strings.Index(answer, "Date: ")
	if begin < 0 {
		t.Fatalf("no Date in %q", answer)
	}
	end := begin + strings.Index(answer[begin:], "\r\n") + 2
	if _, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", answer[begin+6:end-2]); err != nil {
		t.Errorf("Date: %v", err)
	}
	return answer[:begin] + answer[end:]
}

// within returns a context that ends a test that waits for what does not come.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

var _ net.Conn = (*wireConn)(nil)
