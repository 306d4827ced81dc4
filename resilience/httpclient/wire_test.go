package httpclient_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// wireServer is a server on loopback that follows a handler by the number of the attempt, and counts connections.
type wireServer struct {
	*httptest.Server

	mu     sync.Mutex
	conns  map[string]bool
	bodies []string // of requests, where record was called
	n      int
}

// attempts returns how many attempts there were, and over how many connections.
func (s *wireServer) attempts() (n, conns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n, len(s.conns)
}

// record reads and keeps the body of a request.
func (s *wireServer) record(r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, string(b))
}

func newWireServer(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) *wireServer {
	s := &wireServer{conns: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.n++
		n := s.n
		s.conns[r.RemoteAddr] = true
		s.mu.Unlock()
		handle(n, w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *wireServer) client(t *testing.T, options ...httpclient.Option) *http.Client {
	options = append([]httpclient.Option{httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})}, options...)
	return newTransport(t, s.Client().Transport, options...).Client()
}

// 200 calls of 503-then-200, with a body: one connection in all.
func TestConnectionsAreReused(t *testing.T) {
	s := newWireServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n%2 == 1 {
			w.WriteHeader(503)
		}
		_, _ = w.Write(make([]byte, 2048))
	})
	client := s.client(t)
	for range 200 {
		resp, err := client.Get(s.URL)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v, %v", resp, err)
		}
		if got := read(t, resp); len(got) != 2048 {
			t.Fatalf("%d bytes, want 2048", len(got))
		}
	}
	if n, conns := s.attempts(); n != 400 || conns != 1 {
		t.Errorf("%d attempts over %d connections, want 400 over 1", n, conns)
	}
}

// A refused answer whose body stalls or never ends is not waited for: its connection is closed and another one used.
func TestDrainingIsBounded(t *testing.T) {
	for name, body := range map[string]func(w http.ResponseWriter, r *http.Request){
		"stalls": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "wait for it")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"too long": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		},
		"announced too long": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000000")
			w.WriteHeader(503)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			s := newWireServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					defer close(ended)
					if name != "announced too long" {
						w.WriteHeader(503)
					}
					body(w, r)
				}
			})
			resp, err := s.client(t).Get(s.URL)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("got %v, %v; want 200", resp, err)
			}
			_ = resp.Body.Close()
			<-ended // the handler of the first attempt saw its connection go
			if _, conns := s.attempts(); conns != 2 {
				t.Errorf("%d connections, want 2", conns)
			}
		})
	}
}

// A connection that is cut: an idempotent request is repeated and a POST is not, unless it has a key.
func TestConnectionCut(t *testing.T) {
	for _, c := range []struct {
		method, key string
		attempts    int
	}{{"GET", "", 2}, {"PUT", "", 2}, {"POST", "", 1}, {"POST", "k", 2}} {
		t.Run(c.method+c.key, func(t *testing.T) {
			var s *wireServer
			s = newWireServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				s.record(r)
				if n == 1 {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					_ = conn.(*net.TCPConn).SetLinger(0)
					_ = conn.Close()
				}
			})
			req, _ := http.NewRequestWithContext(t.Context(), c.method, s.URL, strings.NewReader("payload"))
			if c.key != "" {
				req.Header.Set("Idempotency-Key", c.key)
			}
			resp, err := s.client(t).Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if n, _ := s.attempts(); n != c.attempts || (err == nil) != (c.attempts == 2) {
				t.Errorf("%d attempts, %v; want %d", n, err, c.attempts)
			}
			if c.attempts == 1 && !errors.Is(err, resilience.ReasonUnrepeatable) {
				t.Errorf("%v does not say why there was no retry", err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, b := range s.bodies {
				if b != "payload" {
					t.Errorf("body %q, want payload", b)
				}
			}
		})
	}
}

// Nobody listens: no connection is made, so even a POST may be repeated.
func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	tr := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}))
	_, err = tr.Client().Post("http://"+addr, "text/plain", strings.NewReader("x"))
	var gaveUp *resilience.RetryError
	if !errors.As(err, &gaveUp) || gaveUp.Attempts != 3 || gaveUp.Reason != resilience.ReasonAttempts {
		t.Errorf("got %v, want 3 attempts", err)
	}
}

// A large body that the server answers before reading: every attempt that is read whole carries the same bytes.
func TestLargeBodyIsTheSameInEveryAttempt(t *testing.T) {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	for name, body := range map[string]io.Reader{
		"GetBody": bytes.NewReader(payload),
		"stream":  io.MultiReader(bytes.NewReader(payload)),
	} {
		t.Run(name, func(t *testing.T) {
			s := newWireServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				switch n {
				case 1: // after 64 KiB
					_, _ = io.CopyN(io.Discard, r.Body, 64<<10)
					w.WriteHeader(503)
				case 2: // after all
					_, _ = io.Copy(io.Discard, r.Body)
					w.WriteHeader(503)
				default:
					got, err := io.ReadAll(r.Body)
					if err != nil || !bytes.Equal(got, payload) {
						w.WriteHeader(400)
					}
				}
			})
			req, _ := http.NewRequestWithContext(t.Context(), "PUT", s.URL, body)
			resp, err := s.client(t).Do(req)
			if n, _ := s.attempts(); err != nil || resp.StatusCode != 200 || n != 3 {
				t.Fatalf("got %v, %v after %d attempts; want 200 after 3", resp, err, n)
			}
			_ = resp.Body.Close()
		})
	}
}

// An attempt that is never answered is cut off on the wire when its time is over.
func TestAttemptTimeoutOnTheWire(t *testing.T) {
	ended := make(chan struct{})
	s := newWireServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done()
			close(ended)
		}
	})
	resp, err := s.client(t, httpclient.WithAttemptTimeout(100*time.Millisecond)).Get(s.URL)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v; want 200", resp, err)
	}
	_ = resp.Body.Close()
	<-ended
}

// Cut in the middle of a good answer: that is an error to its reader, not a short success.
func TestTruncatedAnswerIsAnError(t *testing.T) {
	s := newWireServer(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "short")
	})
	resp, err := s.client(t, httpclient.WithAttemptTimeout(time.Minute)).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected EOF", err)
	}
	_ = resp.Body.Close()
}

func TestManyCallsAtOnce(t *testing.T) {
	s := newWireServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n%3 == 0 {
			w.WriteHeader(503)
		}
		_, _ = fmt.Fprint(w, n)
	})
	client := s.client(t, httpclient.WithAttemptTimeout(time.Minute), httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 50, Backoff: resilience.NoBackoff()}),
		httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.9}), httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				resp, err := client.Post(s.URL, "text/plain", strings.NewReader("x"))
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("got %v, %v", resp, err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
}
