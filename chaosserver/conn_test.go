package chaosserver

import (
	"fmt"
	"testing"
	"time"
)

// TestConnFollowsRequests: the header block of each request is found in the stream, however the bytes come.
func TestConnFollowsRequests(t *testing.T) {
	const (
		get  = "GET /a HTTP/1.1\r\nhost: x\r\nX-Odd-CASE: 1\r\n\r\n"
		post = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	)
	for _, row := range []struct {
		name   string
		reads  []string // as they come
		method string
		target string
		length int64
		fields string
		next   string // what of the following request has been seen
	}{
		{"at once", []string{get}, "GET", "/a", 0, "host: x\r\nX-Odd-CASE: 1\r\n\r\n", ""},
		{"byte by byte", split(get, 1), "GET", "/a", 0, "host: x\r\nX-Odd-CASE: 1\r\n\r\n", ""},
		{"cut within the empty line", []string{get[:len(get)-1], get[len(get)-1:]}, "GET", "/a", 0, "host: x\r\nX-Odd-CASE: 1\r\n\r\n", ""},
		{"lines ended by LF", []string{"GET /a HTTP/1.1\nHost: x\n\n"}, "GET", "/a", 0, "Host: x\n\n", ""},
		{"a body with the head", []string{post}, "POST", "/b", 5, "Host: x\r\nContent-Length: 5\r\n\r\n", ""},
		{"a body in pieces", split(post, 3), "POST", "/b", 5, "Host: x\r\nContent-Length: 5\r\n\r\n", ""},
		{"another request behind it", []string{get + post[:20]}, "GET", "/a", 0, "host: x\r\nX-Odd-CASE: 1\r\n\r\n", post[:20]},
		{"another request behind its body", []string{post + get}, "POST", "/b", 5, "Host: x\r\nContent-Length: 5\r\n\r\n", get},
		{"another request behind a body in pieces", split(post+get[:9], 4), "POST", "/b", 5, "Host: x\r\nContent-Length: 5\r\n\r\n", get[:9]},
		{"a body of unknown length", []string{post}, "POST", "/b", -1, "Host: x\r\nContent-Length: 5\r\n\r\n", ""},
		{"an empty line in front", []string{"\r\n" + get}, "GET", "/a", 0, "host: x\r\nX-Odd-CASE: 1\r\n\r\n", ""},
		{"not the request that is handled", []string{get}, "GET", "/other", 0, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &conn{}
			start := time.Now()
			for i, p := range row.reads {
				c.saw([]byte(p), start.Add(time.Duration(i)*time.Second))
			}
			n, first, fields := c.take(row.method, row.target)
			if n != 1 || !first.Equal(start) || string(fields) != row.fields {
				t.Errorf("take = %d, +%v, %q; want 1, +0s, %q", n, first.Sub(start), fields, row.fields)
			}
			c.bodyRead(row.length)
			if got := string(c.head); got != row.next {
				t.Errorf("of the next request %q was seen, want %q", got, row.next)
			}
			if last := start.Add(time.Duration(len(row.reads)-1) * time.Second); row.next != "" && !c.first.Equal(last) {
				t.Errorf("its first byte came at +%v, want +%v", c.first.Sub(start), last.Sub(start))
			}
			if row.next == "" && !c.first.IsZero() {
				t.Error("a next request is said to have begun")
			}
		})
	}
}

// TestConnKeepsLittle: neither a header block nor a body without end is kept.
func TestConnKeepsLittle(t *testing.T) {
	c := &conn{}
	piece := make([]byte, 4<<10)
	for i := range piece {
		piece[i] = 'x'
	}
	c.saw([]byte("GET / HTTP/1.1\r\n"), time.Now())
	for range 1 << 10 {
		c.saw(piece, time.Now())
	}
	if n := cap(c.head); n > 2*maxRawHead {
		t.Errorf("%d bytes of a header block without end are kept", n)
	}
	if _, _, fields := c.take("GET", "/"); fields != nil {
		t.Error("a header block without end was found")
	}
	c.bodyRead(0)

	c.saw([]byte("POST / HTTP/1.1\r\n\r\n"), time.Now())
	for range 1 << 10 {
		c.saw(piece, time.Now())
	}
	if n := cap(c.latest); n > 4*lookBack {
		t.Errorf("%d bytes of a body without end are kept", n)
	}
}

func split(s string, n int) []string {
	var parts []string
	for len(s) > n {
		parts, s = append(parts, s[:n]), s[n:]
	}
	return append(parts, s)
}

// FuzzConn: bytes in any pieces leave the same header block and the same beginning of the next request.
func FuzzConn(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nA: b\r\n\r\nGET", 3, 0)
	f.Add("POST / HTTP/1.1\n\nhelloGET", 1, 5)
	f.Fuzz(func(t *testing.T, stream string, step, length int) {
		if step < 1 || length < 0 || len(stream) == 0 || len(stream) > lookBack {
			t.Skip()
		}
		look := func(pieces []string) string {
			c := &conn{}
			for _, p := range pieces {
				c.saw([]byte(p), time.Now())
			}
			whole := c.whole
			head := string(c.head)
			c.take("", "")
			c.bodyRead(int64(length))
			return fmt.Sprintf("%v %q %q", whole, head, c.head)
		}
		if once, pieces := look([]string{stream}), look(split(stream, step)); once != pieces {
			t.Errorf("at once %s, in pieces of %d %s", once, step, pieces)
		}
	})
}
