package chaosserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// memHost is the host of a server that listens in memory. The name is reserved (RFC 6761, section 6.2): no
// resolver gives it an address, so a client that does not dial through the server fails at once.
const memHost = "brownout.test"

// memBacklog is how many connections may wait to be accepted, as a kernel's listen queue holds them.
const memBacklog = 128

// memAddr is the address of one end of a connection in memory.
type memAddr string

func (memAddr) Network() string  { return "memory" }
func (a memAddr) String() string { return string(a) }

// memAddrOf is the address in memory of a host.
func memAddrOf(host string, secure bool) string {
	name, number := memHost, ":80"
	if host != "" {
		name = host + "." + memHost
	}
	if secure {
		number = ":443"
	}
	return name + number
}

// memListener is a net.Listener whose connections never leave the process. It uses nothing but channels, mutexes
// and timers made on use, so it works inside a testing/synctest bubble if it is made there.
type memListener struct {
	addr    memAddr
	backlog chan *memConn
	closed  chan struct{}
	close   sync.Once
}

func newMemListener(addr memAddr) *memListener {
	return &memListener{addr: addr, backlog: make(chan *memConn, memBacklog), closed: make(chan struct{})}
}

// Accept waits for the next connection; net.ErrClosed once the listener is closed.
func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "memory", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close refuses further connections and resets those that were never accepted.
func (l *memListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	l.drain()
	return nil
}

// drain resets what was never accepted.
func (l *memListener) drain() {
	for {
		select {
		case c := <-l.backlog:
			_ = c.SetLinger(0)
			_ = c.Close()
		default:
			return
		}
	}
}

// Addr is the listener's address.
func (l *memListener) Addr() net.Addr { return l.addr }

// memClient is the address of the n-th client: one host, as on loopback.
func memClient(n int64) memAddr { return memAddr(fmt.Sprintf("client.%s:%d", memHost, n)) }

// refusedInMemory is what a client gets where nothing listens.
func refusedInMemory(addr memAddr, n int64) error {
	return &net.OpError{Op: "dial", Net: "memory", Source: memClient(n), Addr: addr, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// dial makes the n-th connection, to the listener. It returns as soon as the connection waits to be accepted, as connect(2)
// does.
func (l *memListener) dial(ctx context.Context, n int64) (net.Conn, error) {
	local := memClient(n)
	select {
	case <-l.closed:
		return nil, refusedInMemory(l.addr, n)
	default:
	}
	client, server := newMemPair(local, l.addr)
	select {
	case l.backlog <- server:
	case <-l.closed:
		return nil, refusedInMemory(l.addr, n)
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "memory", Source: local, Addr: l.addr, Err: ctx.Err()}
	}
	select {
	case <-l.closed: // Close may have drained the backlog before this connection was in it
		l.drain()
	default:
	}
	return client, nil
}

// consumerHost is the host of what listens in memory beside a server.
const consumerHost = "consumer.test"

// ListenMemory returns a listener in memory, as that of [Server.StartMemory], for a program under test that is a server, and
// what dials it, whatever the address. It works inside a testing/synctest bubble, if it was made there.
func ListenMemory() (net.Listener, func(ctx context.Context, network, addr string) (net.Conn, error)) {
	l := newMemListener(consumerHost + ":80")
	var dialled atomic.Int64 // connections so far, which number their addresses
	return l, func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx, dialled.Add(1)) }
}
