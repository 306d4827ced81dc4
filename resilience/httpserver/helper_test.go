package httpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// service is a handler with a middleware before it, and what is known of its runs.
type service struct {
	*testing.T
	store   store.Store
	handler http.Handler

	mu    sync.Mutex // guards what follows
	runs  int
	infos []*httpserver.Execution
}

func memory(t testing.TB) *store.Memory {
	t.Helper()
	m, err := store.NewMemory(store.MemorySettings{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serve returns a service whose handler does do and counts.
func serve(t *testing.T, s store.Store, set httpserver.IdempotencySettings, do http.HandlerFunc) *service {
	t.Helper()
	if set.Principal == nil {
		set.Principal = func(r *http.Request) string { return r.Header.Get("Authorization") }
	}
	m, err := httpserver.NewIdempotency(s, set)
	if err != nil {
		t.Fatal(err)
	}
	v := &service{T: t, store: s}
	v.handler = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.runs++
		v.infos = append(v.infos, httpserver.ExecutionOf(r.Context()))
		v.mu.Unlock()
		do(w, r)
	}))
	return v
}

// created answers as a payment API does.
func created(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/payments/1")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(`{"id":"pay_1"}`))
}

type change func(*http.Request)

func withHeader(name string, values ...string) change {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func withContext(ctx context.Context) change {
	return func(r *http.Request) { *r = *r.WithContext(ctx) }
}

func withMethod(method string) change { return func(r *http.Request) { r.Method = method } }

func request(target, key, body string, changes ...change) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for _, c := range changes {
		c(r)
	}
	return r
}

// post sends a request to /payments.
func (v *service) post(key, body string, changes ...change) *httptest.ResponseRecorder {
	v.Helper()
	return v.do(request("/payments", key, body, changes...))
}

func (v *service) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	return w
}

func (v *service) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.runs
}

// ran fails unless the handler ran so often.
func (v *service) ran(want int) {
	v.Helper()
	if got := v.count(); got != want {
		v.Errorf("the handler ran %d times, want %d", got, want)
	}
}

// info returns what the last run was told.
func (v *service) info() *httpserver.Execution {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.infos[len(v.infos)-1]
}

// answered fails unless the answer has that status, and is a replay or not.
func answered(t *testing.T, w *httptest.ResponseRecorder, status int, replayed bool) {
	t.Helper()
	got := w.Header().Get(httpserver.ReplayedHeader)
	if w.Code != status || (got == "true") != replayed || got != "" && got != "true" {
		t.Errorf("status %d, %s %q, body %.200q; want %d, replayed %t", w.Code, httpserver.ReplayedHeader, got, w.Body, status, replayed)
	}
}

// refused fails unless the answer is a problem with that code and, where it may help to come again, a Retry-After.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code, retryAfter string) {
	t.Helper()
	var p struct {
		Title, Code, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d, body %q is no problem: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status || p.Code != code || p.Title != http.StatusText(status) || p.Detail == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get(httpserver.ReplayedHeader) != "" {
		t.Errorf("status %d, header %v, problem %+v; want %d, %s", w.Code, w.Header(), p, status, code)
	}
	if got := w.Header().Get("Retry-After"); got != retryAfter {
		t.Errorf("Retry-After %q beside %s, want %q", got, code, retryAfter)
	}
}

// faulty is a store whose steps can be made to fail.
type faulty struct {
	store.Store
	mu    sync.Mutex // guards what follows
	fails map[string]error
	calls map[string]int
}

var errDown = errors.New("the store is down")

func (f *faulty) fail(step string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails == nil {
		f.fails = map[string]error{}
	}
	f.fails[step] = err
}

func (f *faulty) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[name]++
	return f.fails[name]
}

func (f *faulty) called(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

func (f *faulty) Claim(ctx context.Context, key store.Key, terms store.Terms) (store.Claim, error) {
	if err := f.step("claim"); err != nil {
		return store.Claim{}, err
	}
	return f.Store.Claim(ctx, key, terms)
}

func (f *faulty) Renew(ctx context.Context, key store.Key, token store.Token, lease time.Duration) error {
	if err := f.step("renew"); err != nil {
		return err
	}
	return f.Store.Renew(ctx, key, token, lease)
}

func (f *faulty) Commit(ctx context.Context, key store.Key, token store.Token, record string, keep time.Duration) error {
	if err := f.step("commit"); err != nil {
		return err
	}
	return f.Store.Commit(ctx, key, token, record, keep)
}

func (f *faulty) Release(ctx context.Context, key store.Key, token store.Token) error {
	if err := f.step("release"); err != nil {
		return err
	}
	return f.Store.Release(ctx, key, token)
}

// events collects what an observer is told.
type events struct {
	mu   sync.Mutex // guards list
	list []resilience.Event
}

func (e *events) Observe(_ context.Context, event resilience.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// texts returns the events as "kind reason".
func (e *events) texts() (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		all = append(all, strings.TrimSpace(event.Kind.String()+" "+event.Reason))
	}
	return all
}
