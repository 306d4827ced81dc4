package httpclient_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// An answer that breaks off is a failed attempt when answers are read whole.
func TestTruncatedAnswerIsRepeated(t *testing.T) {
	for _, c := range []struct {
		method   string
		cut      int // how many attempts are cut off
		attempts int
	}{{"GET", 1, 2}, {"POST", 1, 1}, {"GET", 9, 3}} {
		s := newWireServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n <= c.cut {
				w.Header().Set("Content-Length", "100")
			}
			_, _ = io.WriteString(w, "answer")
		})
		req, _ := http.NewRequestWithContext(t.Context(), c.method, s.URL, nil)
		resp, err := s.client(t, httpclient.WithAnswerBuffer(1000), httpclient.WithAttemptTimeout(time.Minute)).Do(req)
		if n, _ := s.attempts(); n != c.attempts {
			t.Errorf("%s cut %d times: %d attempts, want %d", c.method, c.cut, n, c.attempts)
		}
		if c.attempts != 2 {
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "answer 200 broke off after 6 bytes") {
				t.Errorf("%s cut %d times: %v, want an answer that broke off", c.method, c.cut, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.method, err)
		} else if got := read(t, resp); got != "answer" {
			t.Errorf("%s: body %q", c.method, got)
		}
	}
}

// What is longer than the buffer is whole, and its connection goes back too.
func TestLongAnswersPassTheBuffer(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	s := newWireServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n%2 == 0 {
			w.(http.Flusher).Flush() // no length is announced
		}
		_, _ = io.WriteString(w, long)
	})
	client := s.client(t, httpclient.WithAnswerBuffer(1000), httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 1}))
	for range 4 {
		resp, err := client.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, resp); got != long {
			t.Errorf("%d bytes, want %d", len(got), len(long))
		}
	}
	if n, conns := s.attempts(); n != 4 || conns != 1 {
		t.Errorf("%d attempts over %d connections, want 4 over 1", n, conns)
	}
}
