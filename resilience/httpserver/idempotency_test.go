package httpserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
	"brownout/resilience/store/bolt"
)

const key = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`

func TestReplay(t *testing.T) {
	disk, err := bolt.Open(filepath.Join(t.TempDir(), "claims.db"), bolt.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for name, s := range map[string]store.Store{"memory": memory(t), "bolt": disk} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, s, httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"amount":4999}` {
					t.Errorf("the handler reads %q, %v", body, err)
				}
				created(w, r)
			})
			first := v.post(key, `{"amount":4999}`)
			answered(t, first, http.StatusCreated, false)
			for range 3 {
				again := v.post(key, `{"amount":4999}`)
				answered(t, again, http.StatusCreated, true)
				again.Header().Del(httpserver.ReplayedHeader)
				if !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) || fmt.Sprint(first.Header()) != fmt.Sprint(again.Header()) {
					t.Errorf("first %v %s, again %v %s", first.Header(), first.Body, again.Header(), again.Body)
				}
			}
			answered(t, v.post(strings.Trim(key, `"`), `{"amount":4999}`), http.StatusCreated, true) // the same key, bare
			v.ran(1)
			if info := v.info(); info.Key != strings.Trim(key, `"`) || info.Reclaimed {
				t.Errorf("the handler was told %+v", info)
			}
		})
	}
}

func TestWithoutKey(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, created)
	for range 2 {
		answered(t, v.post("", "{}"), http.StatusCreated, false)
		answered(t, v.post(key, "{}", withMethod(http.MethodGet)), http.StatusCreated, false)
	}
	v.ran(4)
	if v.info() != nil {
		t.Error("a request without a key has an execution")
	}
	httpserver.NotApplied(t.Context()) // does nothing

	v = serve(t, memory(t), httpserver.IdempotencySettings{Required: true, Documentation: "https://example.com/idempotency"}, created)
	w := v.post("", "{}")
	refused(t, w, http.StatusBadRequest, "idempotency_key_missing", "")
	if link := w.Header().Get("Link"); link != `<https://example.com/idempotency>; rel="describedby"; type="text/html"` {
		t.Errorf("Link %s", link)
	}
	answered(t, v.post("", "{}", withMethod(http.MethodGet)), http.StatusCreated, false)
	v.ran(1)
}

func TestInvalidKeys(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{MaxKey: 10}, created)
	for _, values := range [][]string{{""}, {`""`}, {`"abc`}, {"a b"}, {strings.Repeat("k", 11)}, {"a", "b"}, {"a, b"}, {`"a\n"`}} {
		refused(t, v.post("", "{}", withHeader("Idempotency-Key", values...)), http.StatusBadRequest, "idempotency_key_invalid", "")
	}
	v.ran(0)
	answered(t, v.post(strings.Repeat("k", 10), "{}"), http.StatusCreated, false)
}

func TestOtherRequestWithTheSameKey(t *testing.T) {
	set := httpserver.IdempotencySettings{Route: func(r *http.Request) string { return "one operation" }}
	v := serve(t, memory(t), set, created)
	answered(t, v.do(request("/payments?dry=no", key, "{}")), http.StatusCreated, false)
	for why, r := range map[string]*http.Request{
		"another body":        request("/payments?dry=no", key, "{ }"),
		"no body":             request("/payments?dry=no", key, ""),
		"another query":       request("/payments?dry=yes", key, "{}"),
		"another path":        request("/refunds?dry=no", key, "{}"),
		"the boundary moved":  request("/payments", key, "dry=no{}"),
		"another escaped way": request("/p%61yments?dry=no", key, "{}"),
	} {
		w := v.do(r)
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", why, w.Code)
		}
		refused(t, w, http.StatusUnprocessableEntity, "idempotency_key_reused", "")
	}
	v.ran(1)
	answered(t, v.do(request("/payments?dry=no", key, "{}")), http.StatusCreated, true)
}

// A key belongs to principal, method and route.
func TestScope(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, created)
	answered(t, v.post(key, "{}", withHeader("Authorization", "alice")), http.StatusCreated, false)
	answered(t, v.post(key, "{}", withHeader("Authorization", "bob")), http.StatusCreated, false)
	answered(t, v.post(key, "{}", withHeader("Authorization", "alice"), withMethod(http.MethodPatch)), http.StatusCreated, false)
	answered(t, v.do(request("/refunds", key, "{}", withHeader("Authorization", "alice"))), http.StatusCreated, false)
	v.ran(4)
	answered(t, v.post(key, "{}", withHeader("Authorization", "alice")), http.StatusCreated, true)
	answered(t, v.post(key, "{}", withHeader("Authorization", "bob")), http.StatusCreated, true)
	v.ran(4)
}

// Behind a mux the route is the pattern, so one key for two items is a mistake.
func TestRouteOfAMux(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, created)
	mux := http.NewServeMux()
	mux.Handle("POST /items/{id}", v.handler)
	v.handler = mux
	answered(t, v.do(request("/items/1", key, "{}")), http.StatusCreated, false)
	refused(t, v.do(request("/items/2", key, "{}")), http.StatusUnprocessableEntity, "idempotency_key_reused", "")
	answered(t, v.do(request("/items/1", key, "{}")), http.StatusCreated, true)
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		v := serve(t, memory(t), httpserver.IdempotencySettings{RetryAfter: 1500 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			<-release
			created(w, r)
		})
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- v.post(key, "{}") }()
		synctest.Wait()
		refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_key_in_flight", "2")
		refused(t, v.post(key, "other"), http.StatusUnprocessableEntity, "idempotency_key_reused", "") // before it is asked who is at work
		close(release)
		answered(t, <-first, http.StatusCreated, false)
		answered(t, v.post(key, "{}"), http.StatusCreated, true)
		v.ran(1)
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, memory(t), httpserver.IdempotencySettings{Wait: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			created(w, r)
		})
		start := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if w := v.post(key, "{}"); w.Code != http.StatusCreated {
					t.Errorf("status %d, want 201", w.Code)
				}
			})
		}
		all.Wait()
		v.ran(1)
		if d := time.Since(start); d > 3*time.Second+250*time.Millisecond {
			t.Errorf("the last answer came after %v, want at most a look later than the work", d)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		v := serve(t, memory(t), httpserver.IdempotencySettings{Wait: time.Second}, func(w http.ResponseWriter, r *http.Request) {
			<-release
			created(w, r)
		})
		go v.post(key, "{}")
		synctest.Wait()
		start := time.Now()
		refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_key_in_flight", "1")
		if d := time.Since(start); d != time.Second {
			t.Errorf("refused after %v, want 1s", d)
		}
		close(release)
		synctest.Wait()
		v.ran(1)
	})
}

// 64 requests at the same time over real connections: one run, and the same answer for all who are not told to wait.
func TestConcurrentDuplicates(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, created)
	server := httptest.NewServer(v.handler)
	defer server.Close()
	var all sync.WaitGroup
	statuses := make(chan int, 64)
	for range 64 {
		all.Go(func() {
			r, err := http.NewRequest(http.MethodPost, server.URL+"/payments", strings.NewReader("{}"))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Idempotency-Key", key)
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			statuses <- resp.StatusCode
			if body, err := io.ReadAll(resp.Body); resp.StatusCode == 201 && string(body) != `{"id":"pay_1"}` {
				t.Errorf("body %q, %v", body, err)
			}
		})
	}
	all.Wait()
	close(statuses)
	for status := range statuses {
		if status != http.StatusCreated && status != http.StatusConflict {
			t.Errorf("status %d", status)
		}
	}
	v.ran(1)
}

func TestForgottenAfterKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, memory(t), httpserver.IdempotencySettings{Keep: time.Hour}, created)
		v.post(key, "{}")
		time.Sleep(time.Hour - 1)
		answered(t, v.post(key, "{}"), http.StatusCreated, true)
		time.Sleep(time.Nanosecond)
		answered(t, v.post(key, "{}"), http.StatusCreated, false)
		v.ran(2)
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := &faulty{Store: memory(t)}
		v := serve(t, f, httpserver.IdempotencySettings{Name: "payments", Observer: &told}, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Slow") != "" {
				time.Sleep(time.Hour)
			}
			created(w, r)
		})
		go v.post(key, "{}", withHeader("X-Slow", "1"))
		synctest.Wait()
		v.post(key, "{}")
		time.Sleep(2 * time.Hour)
		v.post(key, "{}")
		v.post(key, "other")
		f.fail("claim", errDown)
		v.post(key, "{}")
		want := []string{"duplicate in flight", "duplicate done", "duplicate mismatch", "rejected store"}
		if got := told.texts(); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		if last := told.list[3]; last.Policy != "payments" || !errors.Is(last.Err, errDown) || last.Key != "" {
			t.Errorf("the last event is %+v", last)
		}
	})
}

func TestIdempotencySettings(t *testing.T) {
	ok := httpserver.IdempotencySettings{Principal: httpserver.NoPrincipal}
	with := func(change func(*httpserver.IdempotencySettings)) httpserver.IdempotencySettings {
		s := ok
		change(&s)
		return s
	}
	for _, c := range []struct {
		set  httpserver.IdempotencySettings
		want string
	}{
		{httpserver.IdempotencySettings{}, "IdempotencySettings.Principal: got nil, want a function that names the authenticated account; NoPrincipal where there are no accounts"},
		{with(func(s *httpserver.IdempotencySettings) { s.MaxKey = -1 }), "IdempotencySettings.MaxKey: got -1, want 0 (the default, 255) to 4096"},
		{with(func(s *httpserver.IdempotencySettings) { s.MaxBody = -1 }), "IdempotencySettings.MaxBody: got -1, want 0 (the default, 1 MiB) to 1 GiB"},
		{with(func(s *httpserver.IdempotencySettings) { s.MaxResponse = -1 }), "IdempotencySettings.MaxResponse: got -1, want 0 (the default, 1 MiB) to 1 GiB"},
		{with(func(s *httpserver.IdempotencySettings) { s.Lease = time.Millisecond }), "IdempotencySettings.Lease: got 1ms, want 0 (the default, 30s) or at least 10ms"},
		{with(func(s *httpserver.IdempotencySettings) { s.Lease, s.Keep = time.Hour, time.Minute }), "IdempotencySettings.Keep: got 1m0s, want 0 (the default, 24h), or from Lease to 876000h"},
		{with(func(s *httpserver.IdempotencySettings) { s.Wait = -1 }), "IdempotencySettings.Wait: got -1ns, want 0 (not at all) or more"},
		{with(func(s *httpserver.IdempotencySettings) { s.RetryAfter = -1 }), "IdempotencySettings.RetryAfter: got -1ns, want 0 (the default, 1s) or more"},
		{with(func(s *httpserver.IdempotencySettings) { s.Unknown = 7 }), "IdempotencySettings.Unknown: got Unknown(7), want RunAgain or Hold"},
	} {
		_, err := httpserver.NewIdempotency(memory(t), c.set)
		var setting *resilience.SettingError
		if !errors.As(err, &setting) || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	if _, err := httpserver.NewIdempotency(nil, ok); err == nil || err.Error() != "store: got nil, want a store.Store" {
		t.Errorf("no store: %v", err)
	}
	if got := fmt.Sprint(httpserver.RunAgain, ", ", httpserver.Hold); got != "run again, hold" {
		t.Errorf("policies are called %s", got)
	}
}
