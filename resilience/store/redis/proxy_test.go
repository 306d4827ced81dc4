package redis_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy passes bytes between clients and a server. When drop is set, it passes on the next command, takes the reply off the
// server, and closes the connection instead of passing that on.
type proxy struct {
	listener net.Listener
	server   string
	drop     atomic.Bool
	dropped  atomic.Int64
	wait     sync.WaitGroup
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: server}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.wait.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.wait.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		p.wait.Go(func() {
			defer client.Close()
			p.replies(client, server)
		})
	}
}

func (p *proxy) replies(client, server net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		if p.drop.CompareAndSwap(true, false) {
			p.dropped.Add(1)
			return
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}
