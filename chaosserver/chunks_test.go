package chaosserver

import (
	"strings"
	"testing"
)

// TestChunksFindTheEnd: the end of a body is found however its bytes come, and what is behind it is counted.
func TestChunksFindTheEnd(t *testing.T) {
	for _, row := range []struct {
		body string
		done bool
	}{
		{"0\r\n\r\n", true},
		{"5\r\nhello\r\n0\r\n\r\n", true},
		{"5;a=\"b\"\r\nhello\r\nA\r\n0123456789\r\n0;x\r\nX-T: v\r\nX-U:\r\n\r\n", true},
		{"000f \r\n0123456789abcde\r\n000\r\n\r\n", true},
		{"4\r\n\r\n\r\n\r\n0\r\n\r\n", true},
		{"5\r\nhello\r\n0\r\n", false},
		{"5\r\nhello\r\n0\r\nX: y\r\n", false},
		{"ffffffffffffffffffff\r\n0\r\n\r\n", false},
		{"5\r\nhel", false},
	} {
		const behind = "GET / HTTP/1.1\r\n"
		for step := 1; step <= len(row.body); step++ {
			k := new(chunks)
			stream := row.body
			if row.done {
				stream += behind
			}
			for _, p := range split(stream, step) {
				k.see([]byte(p))
			}
			if k.done != row.done || row.done && k.over != int64(len(behind)) {
				t.Errorf("%q in pieces of %d: done %v, %d bytes behind it", row.body, step, k.done, k.over)
			}
		}
	}
}

// TestPipelinedBehindChunks: the header block of a request that comes with the end of a body in chunks is kept as it came.
func TestPipelinedBehindChunks(t *testing.T) {
	for _, size := range []int{5, 5000, 70_000} {
		srv := serve(t, onLoopback, "")
		c := dial(t, srv)
		c.say(t, "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"+strings.Repeat("1\r\nx\r\n", size)+"0\r\n\r\nGET /b HTTP/1.1\r\nX-odd: 1\r\nhost: x\r\n\r\n")
		c.answer(t)
		c.answer(t)
		a := ended(t, srv, 2).Attempts[1]
		if a.HeaderOrderLost || len(a.Headers) != 2 || a.Headers[0].Name != "X-odd" || a.Target != "/b" || a.First < 0 {
			t.Errorf("behind %d chunks: %+v", size, a)
		}
	}
}
