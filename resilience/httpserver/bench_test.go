package httpserver_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// sink is an http.ResponseWriter that copies what it is given, as a server's buffer does.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(p []byte) (int, error) {
	s.body = append(s.body[:0], p...)
	return len(p), nil
}

func (s *sink) WriteString(p string) (int, error) {
	s.body = append(s.body[:0], p...)
	return len(p), nil
}

// rewinder is a request body that can be read again, without an allocation.
type rewinder struct{ bytes.Reader }

func (*rewinder) Close() error { return nil }

// bench512 is a handler with a request and an answer of 512 bytes each.
type bench512 struct {
	payload, answer []byte
	body            rewinder
	req             *http.Request
	out             sink
}

func newBench512(b *testing.B, key string) *bench512 {
	b.Helper()
	v := &bench512{payload: bytes.Repeat([]byte("p"), 512), answer: bytes.Repeat([]byte("a"), 512), out: sink{header: http.Header{}}}
	req, err := http.NewRequest(http.MethodPost, "/payments?dry=false", nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json",
		"User-Agent": "bench", "Authorization": "Bearer t"} {
		req.Header.Set(name, value)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	req.ContentLength = 512
	v.req = req
	return v
}

func (v *bench512) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(v.answer)
}

// round sends the request once more.
func (v *bench512) round(h http.Handler) {
	v.body.Reset(v.payload)
	v.req.Body = &v.body
	clear(v.out.header)
	h.ServeHTTP(&v.out, v.req)
}

func newIdempotency(b testing.TB, s httpserver.IdempotencySettings) *httpserver.Idempotency {
	b.Helper()
	m, err := store.NewMemory(store.MemorySettings{MaxKeys: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	if s.Principal == nil {
		s.Principal = httpserver.NoPrincipal
	}
	i, err := httpserver.NewIdempotency(m, s)
	if err != nil {
		b.Fatal(err)
	}
	return i
}

// The price of the middleware: the handler alone, with the middleware and no key, a replay of 512 bytes with the fingerprint of
// 512 bytes, and a first request.
func BenchmarkIdempotency(b *testing.B) {
	const key = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`
	b.Run("bare", func(b *testing.B) {
		v := newBench512(b, key)
		b.ReportAllocs()
		for b.Loop() {
			v.round(v)
		}
	})
	b.Run("no key", func(b *testing.B) {
		v := newBench512(b, "")
		h := newIdempotency(b, httpserver.IdempotencySettings{}).Handler(v)
		b.ReportAllocs()
		for b.Loop() {
			v.round(h)
		}
	})
	b.Run("replay", func(b *testing.B) {
		v := newBench512(b, key)
		h := newIdempotency(b, httpserver.IdempotencySettings{}).Handler(v)
		v.round(h)
		b.ReportAllocs()
		for b.Loop() {
			v.round(h)
		}
		if v.out.header.Get(httpserver.ReplayedHeader) != "true" || v.out.status != 201 || len(v.out.body) != 512 {
			b.Fatalf("not a replay: %+v", v.out)
		}
	})
	b.Run("first", func(b *testing.B) {
		v := newBench512(b, key)
		h := newIdempotency(b, httpserver.IdempotencySettings{}).Handler(v)
		keys := make([]string, 1<<16)
		for i := range keys {
			keys[i] = fmt.Sprintf(`"8e03978e-40d5-43e8-bc93-6894a57f%04x"`, i)
		}
		b.ReportAllocs()
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			if i%len(keys) == 0 {
				h = newIdempotency(b, httpserver.IdempotencySettings{}).Handler(v)
			}
			v.req.Header["Idempotency-Key"][0] = keys[i%len(keys)]
			v.round(h)
		}
	})
}

var _ io.StringWriter = (*sink)(nil)
