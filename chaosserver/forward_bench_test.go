package chaosserver

import (
	"net"
	"testing"
)

// BenchmarkForward is one request on a kept connection to a scenario in front of an upstream, which answers on a bare socket.
func BenchmarkForward(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { _ = l.Close() })
	go answerAll(l)
	srv := serve(b, onLoopback, "", WithUpstream(Upstream{URL: "http://" + l.Addr().String()}))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", srv.URL()[len("http://"):])
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		request := []byte("GET /items HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: test/1\r\nAccept: */*\r\n\r\n")
		buf := make([]byte, 4096)
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if _, err := c.Read(buf); err != nil { // an answer is one write
				b.Error(err)
				return
			}
		}
	})
}

// answerAll answers each read of each connection.
func answerAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n{\"id\":\"a_1\"}")
			buf := make([]byte, 4096)
			for {
				if _, err := c.Read(buf); err != nil {
					return
				}
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}
