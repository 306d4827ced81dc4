package suites_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
)

// An upstream is an HTTP server in memory whose answers are written byte by byte: for what breaks HTTP itself. It is written
// apart from the chaos server, which is to do all of this from a scenario.
type upstream struct {
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server

	mu    sync.Mutex
	dials int // guarded by mu
}

// newUpstream starts a server in the bubble; stop ends it.
func newUpstream(handler http.HandlerFunc) *upstream {
	u := &upstream{conns: make(chan net.Conn), closed: make(chan struct{})}
	u.server = &http.Server{Handler: handler, ErrorLog: log.New(GinkgoWriter, "", 0)}
	go func() { _ = u.server.Serve(u) }() // ends with stop
	return u
}

// Accept implements net.Listener.
func (u *upstream) Accept() (net.Conn, error) {
	select {
	case c := <-u.conns:
		return c, nil
	case <-u.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (u *upstream) Close() error {
	close(u.closed)
	return nil
}

// Addr implements net.Listener.
func (u *upstream) Addr() net.Addr { return &net.UnixAddr{Name: "upstream", Net: "memory"} }

func (u *upstream) stop(base *http.Transport) {
	base.CloseIdleConnections()
	_ = u.server.Close()
}

// base returns a transport that knows the way.
func (u *upstream) base() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case u.conns <- server:
			u.mu.Lock()
			defer u.mu.Unlock()
			u.dials++
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-u.closed:
			return nil, &net.OpError{Op: "dial", Net: "memory", Err: net.ErrClosed}
		}
	}}
}

// dialled returns how many connections were made.
func (u *upstream) dialled() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.dials
}

// takeOver gives a handler its connection, whose end is the handler's to make.
func takeOver(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // no connection of ours is HTTP/2
	}
	return conn
}

// quiet writes these bytes and waits until the client has gone.
func quiet(w http.ResponseWriter, bytes string) {
	conn := takeOver(w)
	defer conn.Close()
	_, _ = io.WriteString(conn, bytes)
	_, _ = io.Copy(io.Discard, conn)
}

// drip writes a byte a second until the client has gone.
func drip(w http.ResponseWriter, head string) {
	conn := takeOver(w)
	defer conn.Close()
	if _, err := io.WriteString(conn, head); err != nil {
		return
	}
	ctx, gone := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, conn) // ends with the connection
		gone()
	}()
	for sleep(ctx, time.Second) {
		_, _ = io.WriteString(conn, ".")
	}
}
