package httpserver_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

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

func newBench512(b testing.TB, key string) *bench512 {
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
	m, err := store.NewMemory(store.MemorySettings{MaxKeys: 1 << 29})
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

// The price of a webhook of 512 bytes: the HMAC alone, with its key's state kept, and what is signed, as Standard Webhooks has
// it; the verification; verification and claim; and the whole endpoint with an event that is new each time.
func BenchmarkWebhook(b *testing.B) {
	secret := []byte("0123456789abcdef01234567")
	body := bytes.Repeat([]byte("p"), 512)
	settings := httpserver.SignatureSettings{Secrets: []string{hookSecret}}
	standard, err := httpserver.NewStandardWebhooks(settings)
	v := verifier(b, standard, err)
	request := func(id string) *http.Request { return delivery(id, string(body)) }
	b.Run("HMAC", func(b *testing.B) {
		h := hmac.New(sha256.New, secret)
		signed := append([]byte("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330."), body...)
		sum := make([]byte, 0, sha256.Size)
		b.ReportAllocs()
		for b.Loop() {
			h.Reset()
			h.Write(signed)
			sum = h.Sum(sum[:0])
		}
	})
	b.Run("verify", func(b *testing.B) {
		r := request("msg_p5jXN8AQM9LWM0D4loKWxJek")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(r.Header, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify and claim", func(b *testing.B) {
		r := request("msg_p5jXN8AQM9LWM0D4loKWxJek")
		m, err := store.NewMemory(store.MemorySettings{MaxKeys: 1 << 29})
		if err != nil {
			b.Fatal(err)
		}
		ctx := b.Context()
		var number uint64
		var data [64]byte
		b.ReportAllocs()
		for b.Loop() {
			e, err := v.Verify(r.Header, body)
			if err != nil {
				b.Fatal(err)
			}
			number++ // the id of the next event
			n := copy(data[:], e.ID)
			binary.LittleEndian.PutUint64(data[n:], number)
			if c, err := m.Claim(ctx, m.Hash(data[:n+8]), store.Terms{Lease: time.Minute}); err != nil || c.State != store.Won {
				b.Fatal(c, err)
			}
		}
	})
	b.Run("endpoint", func(b *testing.B) {
		m, err := store.NewMemory(store.MemorySettings{MaxKeys: 1 << 29})
		if err != nil {
			b.Fatal(err)
		}
		h, err := httpserver.NewWebhook(m, httpserver.WebhookSettings{Source: "bench", Verifier: v,
			Handle: func(context.Context, httpserver.Delivery) error { return nil }})
		if err != nil {
			b.Fatal(err)
		}
		requests := make([]*http.Request, 1<<14)
		for i := range requests {
			requests[i] = request(fmt.Sprintf("msg_p5jXN8AQM9LWM0D4loKW%04x", i))
		}
		out, read := sink{header: http.Header{}}, rewinder{}
		b.ReportAllocs()
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			r := requests[i%len(requests)]
			read.Reset(body)
			r.Body = &read
			h.ServeHTTP(&out, r)
		}
	})
	for _, s := range signers()[1:] {
		b.Run("verify "+s.name, func(b *testing.B) {
			body := append([]byte(`{"id":"evt_1","event_id":"evt_1","data":"`), append(bytes.Repeat([]byte("p"), 460), `"}`...)...)
			v, err := s.make(s.secret)
			v = verifier(b, v, err)
			h := s.header(s.secret, "", strconv.FormatInt(time.Now().Unix(), 10), string(body))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(h, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
