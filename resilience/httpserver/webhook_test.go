package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"brownout/resilience"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
	"brownout/resilience/store/bolt"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// receiver is a webhook endpoint for Standard Webhooks, and what was handled.
type receiver struct {
	*testing.T
	handler http.Handler

	mu      sync.Mutex // guards effects
	effects []httpserver.Delivery
}

// receive returns a receiver whose Handle does do, and counts if that returns nil.
func receive(t *testing.T, s store.Store, set httpserver.WebhookSettings, do func(context.Context, httpserver.Delivery) error) *receiver {
	t.Helper()
	v := &receiver{T: t}
	if set.Source == "" {
		set.Source = "billing"
	}
	standard, err := httpserver.NewStandardWebhooks(signing(hookSecret))
	set.Verifier = verifier(t, standard, err)
	set.Handle = func(ctx context.Context, d httpserver.Delivery) error {
		if do != nil {
			if err := do(ctx, d); err != nil {
				return err
			}
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.effects = append(v.effects, d)
		return nil
	}
	if v.handler, err = httpserver.NewWebhook(s, set); err != nil {
		t.Fatal(err)
	}
	return v
}

// delivery returns a signed request.
func delivery(id, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/billing", strings.NewReader(body))
	r.Header = signers()[0].header(hookSecret, id, strconv.FormatInt(time.Now().Unix(), 10), body)
	return r
}

func (v *receiver) deliver(id, body string) *httptest.ResponseRecorder {
	return v.do(delivery(id, body))
}

func (v *receiver) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	return w
}

// handled fails unless so many events had an effect.
func (v *receiver) handled(want int) {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.effects) != want {
		v.Errorf("%d effects, want %d", len(v.effects), want)
	}
}

func acknowledged(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("status %d, body %q; want 200 and nothing", w.Code, w.Body)
	}
}

// DELIV-001: the same id has one effect, at once, later, signed anew, and both are acknowledged.
func TestWebhookOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := receive(t, memory(t), httpserver.WebhookSettings{}, nil)
		body := "{ \"n\": 1e2,\n \"s\": \"\\u00e9 é\" }\n" // DELIV-009: verified and handed on byte for byte
		for _, wait := range []time.Duration{0, 0, 2 * time.Second, 76 * time.Hour, 3 * 24 * time.Hour} {
			time.Sleep(wait)
			acknowledged(t, v.deliver("msg_1", body))
		}
		v.handled(1)
		d := v.effects[0]
		if d.ID != "msg_1" || string(d.Body) != body || d.Reclaimed || d.Header.Get("Webhook-Id") != "msg_1" || d.Signed.IsZero() || d.Token == 0 {
			t.Errorf("delivery %+v", d)
		}
		acknowledged(t, v.deliver("msg_2", body))
		v.handled(2)
		time.Sleep(7 * 24 * time.Hour)
		v.deliver("msg_1", body)
		v.handled(3)
	})
}

// DELIV-002: ten copies at one instant, fifty times, over real connections.
func TestWebhookConcurrentDuplicates(t *testing.T) {
	v := receive(t, memory(t), httpserver.WebhookSettings{}, nil)
	server := httptest.NewServer(v.handler)
	defer server.Close()
	for i := range 50 {
		var all sync.WaitGroup
		statuses := make(chan int, 10)
		for range 10 {
			all.Go(func() {
				r := delivery("msg_"+strconv.Itoa(i), "{}")
				out, err := http.NewRequest(http.MethodPost, server.URL, r.Body)
				if err != nil {
					t.Error(err)
					return
				}
				out.Header = r.Header
				resp, err := server.Client().Do(out)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				statuses <- resp.StatusCode
			})
		}
		all.Wait()
		close(statuses)
		got := slices.Sorted(func(yield func(int) bool) {
			for s := range statuses {
				yield(s)
			}
		})
		if got[0] != http.StatusOK || got[9] != http.StatusOK && got[9] != http.StatusServiceUnavailable {
			t.Errorf("event %d: statuses %v", i, got)
		}
		acknowledged(t, v.deliver("msg_"+strconv.Itoa(i), "{}"))
	}
	v.handled(50)
}

// DELIV-005: a failed first try is refused and does not poison the event.
func TestWebhookFailsThenSucceeds(t *testing.T) {
	var fail error
	v := receive(t, memory(t), httpserver.WebhookSettings{}, func(context.Context, httpserver.Delivery) error { return fail })
	fail = errors.New("the database is down")
	refused(t, v.deliver("msg_1", "{}"), http.StatusInternalServerError, "webhook_failed", "")
	fail = resilience.RetryAfter(fail, 90*time.Second)
	refused(t, v.deliver("msg_1", "{}"), http.StatusServiceUnavailable, "webhook_failed", "90")
	fail = nil
	acknowledged(t, v.deliver("msg_1", "{}"))
	acknowledged(t, v.deliver("msg_1", "{}"))
	v.handled(1)
	if v.effects[0].Reclaimed {
		t.Error("the earlier tries said that they failed, so nothing is unknown")
	}
}

func TestWebhookPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		v := receive(t, memory(t), httpserver.WebhookSettings{}, func(context.Context, httpserver.Delivery) error {
			if first {
				first = false
				panic("a bug")
			}
			return nil
		})
		if p := caught(func() { v.deliver("msg_1", "{}") }); p != "a bug" {
			t.Errorf("panicked with %v", p)
		}
		time.Sleep(store.MinLease)
		acknowledged(t, v.deliver("msg_1", "{}"))
		v.handled(1)
		if !v.effects[0].Reclaimed {
			t.Error("the delivery after a panic was not told of it")
		}
	})
}

// DELIV-007: the same id from another source, or for another endpoint, is another event.
func TestWebhookSources(t *testing.T) {
	s := memory(t)
	a := receive(t, s, httpserver.WebhookSettings{Source: "a"}, nil)
	b := receive(t, s, httpserver.WebhookSettings{Source: "b"}, nil)
	for range 2 {
		acknowledged(t, a.deliver("msg_1", "{}"))
		acknowledged(t, b.deliver("msg_1", "{}"))
	}
	a.handled(1)
	b.handled(1)
}

// DELIV-008, DELIV-010: what is not genuine or not in time is refused before anything is remembered of it.
func TestWebhookRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		v := receive(t, memory(t), httpserver.WebhookSettings{MaxBody: 10, Observer: &told}, nil)
		with := func(change func(*http.Request)) *httptest.ResponseRecorder {
			r := delivery("msg_1", "{}")
			change(r)
			return v.do(r)
		}
		refused(t, with(func(r *http.Request) { r.Header.Del("Webhook-Signature") }), http.StatusBadRequest, "webhook_unsigned", "")
		refused(t, with(func(r *http.Request) { r.Header.Del("Webhook-Id") }), http.StatusBadRequest, "webhook_unsigned", "")
		refused(t, with(func(r *http.Request) { r.Header.Set("Webhook-Timestamp", "now") }), http.StatusBadRequest, "webhook_unsigned", "")
		refused(t, with(func(r *http.Request) { r.Header.Set("Webhook-Id", "msg_2") }), http.StatusForbidden, "webhook_signature", "")
		refused(t, with(func(r *http.Request) { r.Header.Set("Webhook-Signature", "v1,") }), http.StatusForbidden, "webhook_signature", "")
		refused(t, with(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }), http.StatusForbidden, "webhook_signature", "")
		old := delivery("msg_1", "{}")
		time.Sleep(5*time.Minute + time.Second)
		refused(t, v.do(old), http.StatusForbidden, "webhook_timestamp", "")
		refused(t, v.deliver("msg_1", "12345678901"), http.StatusRequestEntityTooLarge, "body_too_large", "")
		get := with(func(r *http.Request) { r.Method = http.MethodGet })
		refused(t, get, http.StatusMethodNotAllowed, "method_not_allowed", "")
		if get.Header().Get("Allow") != "POST" {
			t.Error("405 without Allow")
		}
		v.handled(0)
		if got := told.texts(); len(got) != 7 || got[0] != "rejected webhook_unsigned" || got[6] != "rejected webhook_timestamp" {
			t.Errorf("events %q", got)
		}
		acknowledged(t, v.deliver("msg_1", "{}")) // nothing of it was remembered
		v.handled(1)
	})
}

func TestWebhookInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := receive(t, memory(t), httpserver.WebhookSettings{RetryAfter: 10 * time.Second}, func(ctx context.Context, _ httpserver.Delivery) error {
			time.Sleep(time.Hour) // the lease is renewed meanwhile
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go v.do(delivery("msg_1", "{}").WithContext(ctx))
		synctest.Wait()
		cancel() // the sender gives up, the handler does not
		for range 5 {
			refused(t, v.deliver("msg_1", "{}"), http.StatusServiceUnavailable, "webhook_in_flight", "10")
			time.Sleep(10 * time.Minute)
		}
		time.Sleep(11 * time.Minute)
		acknowledged(t, v.deliver("msg_1", "{}"))
		v.handled(1)
	})
}

func TestWebhookTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := receive(t, memory(t), httpserver.WebhookSettings{Timeout: 5 * time.Second}, func(ctx context.Context, _ httpserver.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		})
		start := time.Now()
		refused(t, v.deliver("msg_1", "{}"), http.StatusInternalServerError, "webhook_failed", "")
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("refused after %v, want 5s", d)
		}
	})
}

// An event is acknowledged only when it is committed, and not handled when it is not known whether it was.
func TestWebhookStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := &faulty{Store: memory(t)}
		v := receive(t, f, httpserver.WebhookSettings{Observer: &told}, nil)
		f.fail("claim", errDown)
		refused(t, v.deliver("msg_1", "{}"), http.StatusServiceUnavailable, "store_unavailable", "1")
		v.handled(0)
		f.fail("claim", nil)
		f.fail("commit", errDown)
		refused(t, v.deliver("msg_1", "{}"), http.StatusServiceUnavailable, "store_unavailable", "1")
		v.handled(1)
		f.fail("commit", nil)
		refused(t, v.deliver("msg_1", "{}"), http.StatusServiceUnavailable, "webhook_in_flight", "1")
		time.Sleep(httpserver.DefaultLease)
		acknowledged(t, v.deliver("msg_1", "{}"))
		acknowledged(t, v.deliver("msg_1", "{}"))
		v.handled(2)
		if !v.effects[1].Reclaimed {
			t.Error("handled again without being told")
		}
		want := []string{"rejected store", "rejected store", "duplicate in flight", "reclaimed", "duplicate done"}
		if got := told.texts(); !slices.Equal(got, want) || told.list[0].Policy != "billing" {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

// With the work and the claim in one transaction, a crash between the two does not exist.
func TestWebhookCommitsWithTheWork(t *testing.T) {
	disk, err := bolt.Open(filepath.Join(t.TempDir(), "app.db"), bolt.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	v := receive(t, disk, httpserver.WebhookSettings{}, func(_ context.Context, d httpserver.Delivery) error {
		return disk.DB().Update(func(tx *bbolt.Tx) error {
			if _, err := tx.CreateBucketIfNotExists([]byte("paid")); err != nil {
				return err
			}
			return disk.CommitTx(tx, d.Key, d.Token, "", time.Hour)
		})
	})
	acknowledged(t, v.deliver("msg_1", "{}"))
	acknowledged(t, v.deliver("msg_1", "{}"))
	v.handled(1)
}

func TestWebhookHandshake(t *testing.T) {
	s := signers()[2]
	slack, err := s.make(s.secret)
	h, err := httpserver.NewWebhook(memory(t), httpserver.WebhookSettings{Source: "slack", Verifier: verifier(t, slack, err),
		Handle: func(context.Context, httpserver.Delivery) error {
			t.Error("a handshake is no event")
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV"}`
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header = s.header(s.secret, "", strconv.FormatInt(time.Now().Unix(), 10), body)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "3eZbrw1aBm2rZgRNFdxV" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
}

func TestWebhookSettings(t *testing.T) {
	standard, err := httpserver.NewStandardWebhooks(signing(hookSecret))
	ok := httpserver.WebhookSettings{Source: "s", Verifier: verifier(t, standard, err), Handle: func(context.Context, httpserver.Delivery) error { return nil }}
	with := func(change func(*httpserver.WebhookSettings)) httpserver.WebhookSettings {
		s := ok
		change(&s)
		return s
	}
	for _, c := range []struct {
		set  httpserver.WebhookSettings
		want string
	}{
		{with(func(s *httpserver.WebhookSettings) { s.Source = "" }), `WebhookSettings.Source: got "", want a name, such as stripe/payments`},
		{with(func(s *httpserver.WebhookSettings) { s.Verifier = nil }), "WebhookSettings.Verifier: got nil, want a Verifier, such as that of NewStripe"},
		{with(func(s *httpserver.WebhookSettings) { s.Handle = nil }), "WebhookSettings.Handle: got nil, want a function"},
		{with(func(s *httpserver.WebhookSettings) { s.MaxBody = -1 }), "WebhookSettings.MaxBody: got -1, want 0 (the default, 1 MiB) to 1 GiB"},
		{with(func(s *httpserver.WebhookSettings) { s.Timeout = -1 }), "WebhookSettings.Timeout: got -1ns, want 0 (none) or more"},
		{with(func(s *httpserver.WebhookSettings) { s.Lease = 1 }), "WebhookSettings.Lease: got 1ns, want 0 (the default, 30s) or at least 10ms"},
		{with(func(s *httpserver.WebhookSettings) { s.Keep = 1 }), "WebhookSettings.Keep: got 1ns, want 0 (the default, 168h), or from Lease to 876000h"},
		{with(func(s *httpserver.WebhookSettings) { s.RetryAfter = -1 }), "WebhookSettings.RetryAfter: got -1ns, want 0 (the default, 1s) or more"},
	} {
		_, err := httpserver.NewWebhook(memory(t), c.set)
		var setting *resilience.SettingError
		if !errors.As(err, &setting) || fmt.Sprint(err) != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	if _, err := httpserver.NewWebhook(nil, ok); err == nil || err.Error() != "store: got nil, want a store.Store" {
		t.Errorf("no store: %v", err)
	}
}
