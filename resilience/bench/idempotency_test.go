package bench

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// writer is an http.ResponseWriter that copies what it is given, as a server's buffer does.
type writer struct {
	header http.Header
	status int
	body   []byte
}

func (w *writer) Header() http.Header    { return w.header }
func (w *writer) WriteHeader(status int) { w.status = status }

func (w *writer) Write(p []byte) (int, error) {
	w.body = append(w.body[:0], p...)
	return len(p), nil
}

func (w *writer) WriteString(p string) (int, error) {
	w.body = append(w.body[:0], p...)
	return len(p), nil
}

// rewinder is a request body that can be read again, without an allocation.
type rewinder struct{ bytes.Reader }

func (*rewinder) Close() error { return nil }

var payload512, answer512 = bytes.Repeat([]byte("p"), 512), bytes.Repeat([]byte("a"), 512)

// created answers 201 with 512 bytes.
var created = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer512)
})

// payment is a POST of 512 bytes that can be sent again and again, with the headers that most requests have.
type payment struct {
	body rewinder
	req  *http.Request
	out  writer
}

func newPayment(key string) *payment {
	p := &payment{req: must(http.NewRequest(http.MethodPost, "/payments?dry=false", nil)), out: writer{header: http.Header{}}}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json",
		"User-Agent": "bench", "Authorization": "Bearer t"} {
		p.req.Header.Set(name, value)
	}
	if key != "" {
		p.req.Header.Set("Idempotency-Key", key)
	}
	p.req.ContentLength = 512
	return p
}

func (p *payment) send(h http.Handler) {
	p.body.Reset(payload512)
	p.req.Body = &p.body
	clear(p.out.header)
	h.ServeHTTP(&p.out, p.req)
}

// guard makes a handler idempotent.
func guard(next http.Handler) http.Handler {
	m := must(store.NewMemory(store.MemorySettings{}))
	return must(httpserver.NewIdempotency(m, httpserver.IdempotencySettings{Principal: httpserver.NoPrincipal})).Handler(next)
}

// byHand is what is written where there is no library: a map of answers, and SHA-256 of the body to tell another payload. It has
// no lease, no scope, no bound of what it remembers, and forgets nothing.
type byHand struct {
	next http.Handler
	mu   sync.Mutex
	seen map[string]*kept
}

type kept struct {
	print  [32]byte
	status int
	header http.Header
	body   []byte
}

func (h *byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		h.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	print := sha256.Sum256(body)
	h.mu.Lock()
	have := h.seen[key]
	h.mu.Unlock()
	switch {
	case have != nil && have.print != print:
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	case have == nil:
		r.Body = io.NopCloser(bytes.NewReader(body))
		out := &writer{header: http.Header{}}
		h.next.ServeHTTP(out, r)
		have = &kept{print: print, status: out.status, header: out.header, body: out.body}
		h.mu.Lock()
		h.seen[key] = have
		h.mu.Unlock()
	}
	maps.Copy(w.Header(), have.header)
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(have.status)
	_, _ = w.Write(have.body)
}

func newByHand(next http.Handler) http.Handler { return &byHand{next: next, seen: map[string]*kept{}} }

// guards are the ways to make a handler idempotent; none does not.
var guards = []struct {
	name string
	make func(http.Handler) http.Handler
}{
	{"lib=bare", func(h http.Handler) http.Handler { return h }},
	{"lib=brownout", guard},
	{"lib=by-hand-sha256", newByHand},
}

const oneKey = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`

// A request of 512 bytes is repeated; its stored answer of 512 bytes is sent, after the fingerprints were compared.
func BenchmarkIdempotentReplay(b *testing.B) {
	for _, g := range guards {
		h := g.make(created)
		newPayment(oneKey).send(h)
		parallel(b, g.name, func() func() {
			p := newPayment(oneKey)
			p.send(h)
			if replayed := p.out.header.Get(httpserver.ReplayedHeader) == "true"; p.out.status != 201 || len(p.out.body) != 512 || replayed == (g.name == "lib=bare") {
				b.Errorf("%s answered %d with %d bytes, replayed %t", g.name, p.out.status, len(p.out.body), replayed)
			}
			return func() { p.send(h) }
		})
	}
}

// A request without a key passes.
func BenchmarkIdempotentKeyless(b *testing.B) {
	for _, g := range guards {
		h := g.make(created)
		parallel(b, g.name, func() func() {
			p := newPayment("")
			return func() { p.send(h) }
		})
	}
}

// A request whose key is new: it runs, and its answer is stored. A store holds up to 65,536 of them.
func BenchmarkIdempotentFirst(b *testing.B) {
	keys := make([]string, 1<<16)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"%s%04x"`, strings.Trim(oneKey, `"`)[:32], i)
	}
	for _, g := range guards {
		b.Run(g.name, func(b *testing.B) {
			b.ReportAllocs()
			p := newPayment(oneKey)
			h := g.make(created)
			b.ResetTimer()
			for i := range b.N {
				if i%len(keys) == len(keys)-1 {
					h = g.make(created)
				}
				p.req.Header["Idempotency-Key"][0] = keys[i%len(keys)]
				p.send(h)
			}
		})
	}
}

var _ io.StringWriter = (*writer)(nil)
