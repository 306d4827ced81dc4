package chaosserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// tcpPair returns the two ends of a TCP connection over loopback: what a connection in memory must behave like.
func tcpPair(t *testing.T) (rawConn, rawConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a.(rawConn), b.(rawConn)
}

func memPair(t *testing.T) (rawConn, rawConn) {
	l := newMemListener(memHost + ":80")
	a, err := l.dial(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = l.Close(), a.Close(), b.Close() })
	return a.(rawConn), b.(rawConn)
}

// TestConnectionEnds holds connections in memory to what the kernel does with TCP: each row runs on both.
func TestConnectionEnds(t *testing.T) {
	read := func(c net.Conn) (string, error) {
		b, err := io.ReadAll(c)
		return string(b), err
	}
	for _, row := range []struct {
		name string
		do   func(t *testing.T, a, b rawConn)
		got  string // what b reads
		err  error  // how its reading ends
	}{
		{"close is a FIN behind the data", func(t *testing.T, a, b rawConn) {
			must(t, write(a, "hello"), a.Close())
		}, "hello", nil},
		{"half a close is a FIN", func(t *testing.T, a, b rawConn) {
			must(t, write(a, "hello"), a.CloseWrite())
		}, "hello", nil},
		{"a half closed end still reads", func(t *testing.T, a, b rawConn) {
			must(t, a.CloseWrite(), write(b, "back"))
			p := make([]byte, 4)
			if _, err := io.ReadFull(a, p); err != nil || string(p) != "back" {
				t.Errorf("read %q, %v", p, err)
			}
		}, "", nil},
		{"linger 0 makes a close a RST", func(t *testing.T, a, b rawConn) {
			must(t, a.SetLinger(0), a.Close())
		}, "", syscall.ECONNRESET},
		{"linger restored makes it a FIN again", func(t *testing.T, a, b rawConn) {
			must(t, a.SetLinger(0), a.SetLinger(-1), a.Close())
		}, "", nil},
		{"what was sent before a RST can be read", func(t *testing.T, a, b rawConn) {
			must(t, write(a, "hello"), a.SetLinger(0), a.Close())
		}, "hello", syscall.ECONNRESET},
		{"a close with unread bytes is a RST", func(t *testing.T, a, b rawConn) {
			must(t, write(b, "unread"))
			awaitBytes(t, a)
			must(t, a.Close())
		}, "", syscall.ECONNRESET},
		{"a RST behind a FIN leaves it a FIN", func(t *testing.T, a, b rawConn) {
			must(t, a.CloseWrite(), a.SetLinger(0), a.Close())
		}, "", nil},
		{"a write to a closed end is accepted, the next is not", func(t *testing.T, a, b rawConn) {
			must(t, a.Close(), write(b, "late"))
			awaitEnd(t, b)
			if err := write(b, "later"); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("second write: %v, want EPIPE", err)
			}
		}, "", nil},
	} {
		for _, kind := range []struct {
			name string
			pair func(*testing.T) (rawConn, rawConn)
		}{{"tcp", tcpPair}, {"memory", memPair}} {
			t.Run(row.name+"/"+kind.name, func(t *testing.T) {
				a, b := kind.pair(t)
				row.do(t, a, b)
				got, err := read(b)
				if got != row.got || !errors.Is(err, row.err) || (err == nil) != (row.err == nil) {
					t.Errorf("read %q, %v; want %q, %v", got, err, row.got, row.err)
				}
			})
		}
	}
}

// TestWriteToReset: a write to a reset connection fails with ECONNRESET once, then with EPIPE, as on Linux.
func TestWriteToReset(t *testing.T) {
	a, b := memPair(t)
	must(t, a.SetLinger(0), a.Close())
	if err := write(b, "x"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("first write: %v, want ECONNRESET", err)
	}
	if err := write(b, "x"); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("second write: %v, want EPIPE", err)
	}
}

func TestClosedEnd(t *testing.T) {
	a, _ := memPair(t)
	must(t, a.Close())
	_, readErr := a.Read(make([]byte, 1))
	for name, err := range map[string]error{
		"read": readErr, "write": write(a, "x"), "close": a.Close(), "half close": a.CloseWrite(), "deadline": a.SetDeadline(time.Now()),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v, want net.ErrClosed", name, err)
		}
	}
}

func TestCloseWakesOwnRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memPair(t)
		got := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			got <- err
		}()
		synctest.Wait()
		must(t, a.Close())
		if err := <-got; !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v, want net.ErrClosed", err)
		}
	})
}

// TestMemoryDeadlines: a deadline ends what waits, one that is moved does not, and one in the past does at once.
func TestMemoryDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(t)
		start := time.Now()
		must(t, a.SetReadDeadline(start.Add(time.Second)), a.SetReadDeadline(start.Add(3*time.Second)))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("the read ended after %v, want 3s", d)
		}
		must(t, a.SetReadDeadline(time.Time{}), write(b, "x"))
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("read without a deadline: %v", err)
		}
		must(t, b.SetWriteDeadline(time.Now().Add(time.Second)))
		if n, err := b.Write(make([]byte, memWindow+1)); n != memWindow || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write beyond the window: %d, %v", n, err)
		}
		must(t, b.SetDeadline(time.Unix(1, 0)))
		if err := write(b, "x"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write past its deadline: %v", err)
		}
	})
}

// TestMemoryStream: bytes come out whole and in order, whatever the sizes of reads and writes, and the writer never
// gets further ahead than the window.
func TestMemoryStream(t *testing.T) {
	a, b := memPair(t)
	want := make([]byte, 3*memWindow+17)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := want; len(p) > 0; {
			n := min(len(p), 1+len(p)%40_000)
			if _, err := a.Write(p[:n]); err != nil {
				t.Error(err)
				return
			}
			p = p[n:]
		}
		_ = a.CloseWrite()
	})
	var got bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, b, make([]byte, 1_013)); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came out other than they went in", got.Len())
	}
	if n := cap(b.(*memConn).in.data); n > 2*memWindow {
		t.Errorf("the connection keeps %d bytes, more than twice its window", n)
	}
}

func TestMemoryListenerClosed(t *testing.T) {
	l := newMemListener(memHost + ":80")
	waiting, err := l.dial(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	must(t, l.Close())
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection that was never accepted: %v, want ECONNRESET", err)
	}
	if _, err := l.dial(context.Background(), 1); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want ECONNREFUSED", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v, want net.ErrClosed", err)
	}
}

func TestMemoryBacklog(t *testing.T) {
	l := newMemListener(memHost + ":80")
	defer l.Close()
	for range memBacklog {
		if _, err := l.dial(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.dial(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("dial beyond the backlog: %v, want the context's error", err)
	}
}

func write(c net.Conn, text string) error {
	_, err := io.WriteString(c, text)
	return err
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// awaitEnd waits until the end of the connection has come.
func awaitEnd(t *testing.T, c rawConn) {
	t.Helper()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("read: %v, want EOF", err)
	}
}

// awaitBytes waits until something can be read, and leaves it unread.
func awaitBytes(t *testing.T, c rawConn) {
	t.Helper()
	sc, ok := c.(syscall.Conn)
	if !ok {
		return // in memory what was written can be read at once
	}
	rc, err := sc.SyscallConn()
	must(t, err)
	err = rc.Read(func(fd uintptr) bool {
		var p [1]byte
		n, _, _ := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return n > 0
	})
	must(t, err)
}
