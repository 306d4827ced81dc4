package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// upstream is one whose connections give the text, a byte at a time where slow says so, and then end.
func upstream(t testing.TB, url, text string, slow bool) *Upstream {
	t.Helper()
	u, err := New(Options{URL: url, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return &spoken{in: reader(text, slow)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func reader(text string, slow bool) io.Reader {
	if slow {
		return iotest.OneByteReader(strings.NewReader(text))
	}
	return strings.NewReader(text)
}

// spoken is a connection on which the other end says a text, whatever it hears.
type spoken struct {
	net.Conn
	in    io.Reader
	heard strings.Builder
	shut  bool
}

func (s *spoken) Read(p []byte) (int, error)      { return s.in.Read(p) }
func (s *spoken) Write(p []byte) (int, error)     { return s.heard.Write(p) }
func (s *spoken) SetReadDeadline(time.Time) error { return nil }
func (s *spoken) Close() error                    { s.shut = true; return nil }

func acquire(t testing.TB, u *Upstream) *Conn {
	t.Helper()
	c, err := u.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAnswers: how answers are framed for the client, what content they have, and whether their connection is kept.
func TestAnswers(t *testing.T) {
	const date = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"
	for _, row := range []struct {
		name, method, from string
		head, content      string
		trailer            string
		kept               bool
	}{
		{"a length", "GET", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\nX-a: B\r\n\r\nhello",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\nX-a: B\r\n\r\n", "hello", "", true},
		{"lines that end in LF alone", "GET", "HTTP/1.1 200 OK\n" + strings.ReplaceAll(date, "\r", "") + "Content-Length: 2\n\nhi",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", true},
		{"no reason, a status nobody knows", "GET", "HTTP/1.1 799\r\n" + date + "Content-Length: 0\r\n\r\n",
			"HTTP/1.1 799 \r\n" + date + "Content-Length: 0\r\n\r\n", "", "", true},
		{"chunks, with an extension and a trailer", "GET", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + date + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n", "hello!", "X-Sum: 1\r\n", true},
		{"chunks outrank a length", "GET", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n", "hi", "", true},
		{"the end of the connection", "GET", "HTTP/1.1 200 OK\r\n" + date + "\r\nhello",
			"HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n", "hello", "", false},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nhi",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", false},
		{"HTTP/1.0 that keeps", "GET", "HTTP/1.0 200 OK\r\n" + date + "Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", true},
		{"a connection that closes, with the fields it names", "GET", "HTTP/1.1 200 OK\r\n" + date + "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nhi",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", false},
		{"one length, said twice", "GET", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2, 2\r\ncontent-length: 2\r\n\r\nhi",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", true},
		{"space before the colon", "GET", "HTTP/1.1 200 OK\r\n" + date + "X-A : b\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + date + "X-A: b\r\nContent-Length: 0\r\n\r\n", "", "", true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\n", "", "", true},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\nETag: \"a\"\r\n\r\n",
			"HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\nETag: \"a\"\r\n\r\n", "", "", true},
		{"204 with a length that it may not have", "GET", "HTTP/1.1 204 No Content\r\n" + date + "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 204 No Content\r\n" + date + "\r\n", "", "", true},
		{"bytes behind the answer", "GET", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nhi there",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n", "hi", "", false},
		{"no date", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n", "", "", true},
	} {
		for _, slow := range []bool{false, true} {
			t.Run(row.name, func(t *testing.T) {
				u := upstream(t, "http://up.test", row.from, slow)
				c := acquire(t, u)
				res, err := c.ReadHead(row.method)
				if err != nil {
					t.Fatal(err)
				}
				head := string(res.AppendHead(nil, &Outward{Chunked: !res.Bodiless && res.Length < 0, Now: time.Unix(0, 0)}))
				if head != row.head {
					t.Errorf("the header block is\n%q, want\n%q", head, row.head)
				}
				content, err := io.ReadAll(res)
				if err != nil || string(content) != row.content || string(res.Trailer()) != row.trailer {
					t.Errorf("the content is %q, trailer %q, %v", content, res.Trailer(), err)
				}
				c.Release(true)
				if kept := len(u.idle) == 1; kept != row.kept && !(slow && row.name == "bytes behind the answer") {
					t.Errorf("the connection is kept: %v, want %v", kept, row.kept)
				}
			})
		}
	}
}

// TestWrongAnswers: what is no answer of HTTP/1.1, or breaks off, is told in words, and its connection is not kept.
func TestWrongAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, row := range []struct{ from, want string }{
		{"", "it closed the connection without an answer"},
		{"HTTP/1.1 200 OK\r\nA: b\r\n", "the header block of its answer broke off: unexpected EOF"},
		{"SSH-2.0-OpenSSH_9.2\r\n\r\n", `its answer is none of HTTP/1.1: the status line is "SSH-2.0-OpenSSH_9.2"`},
		{"HTTP/2.0 200 OK\r\n\r\n", `its answer is none of HTTP/1.1: the status line is "HTTP/2.0 200 OK"`},
		{"HTTP/1.1 20x OK\r\n\r\n", `its answer is none of HTTP/1.1: the status is "20x"`},
		{"HTTP/1.1 099 OK\r\n\r\n", `its answer is none of HTTP/1.1: the status line is "HTTP/1.1 099 OK"`},
		{"HTTP/1.1 2000 OK\r\n\r\n", `its answer is none of HTTP/1.1: the status line is "HTTP/1.1 2000 OK"`},
		{ok + "no field\r\n\r\n", `its answer is none of HTTP/1.1: the line "no field" is no field`},
		{ok + "A: b\r\n folded\r\n\r\n", `its answer is none of HTTP/1.1: the line " folded" is no field`},
		{ok + "A b: c\r\n\r\n", `its answer is none of HTTP/1.1: the line "A b: c" is no field`},
		{ok + "A: b\rc\r\n\r\n", "its answer is none of HTTP/1.1: the value of A has bytes that none has"},
		{ok + "A: b\x00\r\n\r\n", "its answer is none of HTTP/1.1: the value of A has bytes that none has"},
		{ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "its answer is none of HTTP/1.1: it has two values of Content-Length, 5 and 6"},
		{ok + "Content-Length: +5\r\n\r\nhello", `its answer is none of HTTP/1.1: the Content-Length is "+5"`},
		{ok + "Content-Length: -1\r\n\r\n", `its answer is none of HTTP/1.1: the Content-Length is "-1"`},
		{ok + "Content-Length: 5,\r\n\r\nhello", ""},
		{ok + "Content-Length: \r\n\r\n", `its answer is none of HTTP/1.1: the Content-Length is ""`},
		{ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", "its answer is none of HTTP/1.1: its transfer coding is none that was asked for"},
		{ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "its answer is none of HTTP/1.1: its transfer coding is none that was asked for"},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "its answer is none of HTTP/1.1: its transfer coding is none that was asked for"},
		{ok + "Content-Length: 5\r\n\r\nhell", "its answer broke off: unexpected EOF"},
		{ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "its answer broke off: unexpected EOF"},
		{ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", "its answer broke off: a chunk is longer than it says"},
		{ok + "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", "its answer broke off: a line of its chunks ends in LF alone"},
		{ok + "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", `its answer broke off: a chunk begins with "0x5"`},
		{ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", `its answer broke off: a chunk begins with "-5"`},
		{ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 16) + "\r\n", `its answer broke off: a chunk begins with "ffffffffffffffff"`},
		{ok + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", maxChunkLine+readBuffer), "its answer broke off: a line of its chunks is too long"},
		{ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n", `its answer broke off: the line "no field" of its trailer section is no field`},
		{ok + "A: " + strings.Repeat("a", DefaultMaxHeader), "the header block of its answer is longer than 1048576 bytes"},
	} {
		u := upstream(t, "http://up.test", row.from, false)
		c := acquire(t, u)
		res, err := c.ReadHead(http.MethodGet)
		if err == nil {
			_, err = io.ReadAll(res)
		}
		if row.want == "" && err == nil {
			continue
		}
		if err == nil || err.Error() != row.want {
			t.Errorf("%.60q: %v, want %s", row.from, err, row.want)
		}
		if c.Release(true); len(u.idle) > 0 {
			t.Errorf("%.60q: the connection is kept", row.from)
		}
	}
}

// TestReadReady gives what has come, and does not wait for what has not.
func TestReadReady(t *testing.T) {
	u := upstream(t, "http://up.test", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\nthe", false)
	c := acquire(t, u)
	res, err := c.ReadHead(http.MethodGet)
	if err != nil {
		t.Fatal(err)
	}
	var b [16]byte
	for i, want := range []string{"hithe", "", ""} {
		n, err := res.ReadReady(b[:])
		if err != nil || string(b[:n]) != want {
			t.Errorf("read %d: %q, %v", i, b[:n], err)
		}
	}
	if _, err := res.Read(b[:]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a read that waits: %v", err)
	}
}

// FuzzAnswer reads any bytes as an answer: nothing panics, and content is never longer than what came.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n", "HTTP/1.0 200\n\nx"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, slow bool) {
		u := upstream(t, "http://up.test", s, slow)
		c := acquire(t, u)
		res, err := c.ReadHead(http.MethodGet)
		if err != nil {
			return
		}
		head := string(res.AppendHead(nil, &Outward{}))
		if i := strings.Index(head, "\r\n\r\n"); i != len(head)-4 || strings.Contains(strings.ReplaceAll(head, "\r\n", ""), "\n") {
			t.Errorf("the header block is %q", head)
		}
		content, _ := io.ReadAll(res)
		if len(content) > len(s) {
			t.Errorf("%d bytes of content came of %d", len(content), len(s))
		}
		c.Release(true)
	})
}
