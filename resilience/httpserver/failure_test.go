package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// caught calls f and returns what it panicked with.
func caught(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// While a handler runs its lease is renewed, however long that takes. Afterwards nothing of it is left running: a bubble ends
// only when every goroutine has.
func TestLeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Store: memory(t)}
		v := serve(t, f, httpserver.IdempotencySettings{Lease: 30 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour)
			created(w, r)
		})
		go v.post(key, "{}")
		for range 59 {
			time.Sleep(time.Minute)
			refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_key_in_flight", "1")
		}
		time.Sleep(2 * time.Minute)
		answered(t, v.post(key, "{}"), http.StatusCreated, true)
		v.ran(1)
		renewed := f.called("renew")
		if renewed < 359 || renewed > 361 {
			t.Errorf("renewed %d times in an hour, want 360: three times a lease", renewed)
		}
		time.Sleep(time.Hour)
		if n := f.called("renew"); n != renewed {
			t.Errorf("renewed %d times after the handler returned", n-renewed)
		}
	})
}

// A thousand handlers at a time share a timer.
func TestManyLeasesAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Store: memory(t)}
		release := make(chan struct{})
		v := serve(t, f, httpserver.IdempotencySettings{Lease: 30 * time.Second}, func(w http.ResponseWriter, r *http.Request) { <-release })
		for i := range 1000 {
			go v.post(fmt.Sprintf("k%d", i), "{}")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(10 * time.Minute)
		for i := range 1000 {
			refused(t, v.post(fmt.Sprintf("k%d", i), "{}"), http.StatusConflict, "idempotency_key_in_flight", "1")
		}
		close(release)
		synctest.Wait()
		v.ran(1000)
	})
}

// A process that dies leaves its claim behind. Its lease ends, and what it did is unknown.
func crashed(t *testing.T, unknown httpserver.Unknown) *service {
	s := memory(t)
	set := httpserver.IdempotencySettings{Lease: 30 * time.Second, Unknown: unknown}
	dead := serve(t, &mute{s}, set, func(http.ResponseWriter, *http.Request) { panic("the process dies here") })
	v := serve(t, s, set, created)
	if caught(func() { dead.post(key, "{}") }) == nil {
		t.Fatal("the panic did not come through")
	}
	return v
}

// mute is a store to which nothing gets through but claims, as from a process that is dead by then.
type mute struct{ *store.Memory }

func (mute) Renew(context.Context, store.Key, store.Token, time.Duration) error { return store.ErrLost }
func (mute) Release(context.Context, store.Key, store.Token) error              { return store.ErrLost }
func (mute) Commit(context.Context, store.Key, store.Token, string, time.Duration) error {
	return store.ErrLost
}

func TestCrashRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := crashed(t, httpserver.RunAgain)
		time.Sleep(30*time.Second - 1)
		refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_key_in_flight", "1")
		time.Sleep(time.Nanosecond)
		refused(t, v.post(key, "other"), http.StatusUnprocessableEntity, "idempotency_key_reused", "")
		answered(t, v.post(key, "{}"), http.StatusCreated, false)
		if !v.info().Reclaimed {
			t.Error("the handler was not told that an earlier run ended without an answer")
		}
		answered(t, v.post(key, "{}"), http.StatusCreated, true)
		v.ran(1)
	})
}

func TestCrashIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := crashed(t, httpserver.Hold)
		time.Sleep(30 * time.Second)
		for range 3 {
			refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_outcome_unknown", "")
		}
		v.ran(0)
		time.Sleep(httpserver.DefaultKeep)
		answered(t, v.post(key, "{}"), http.StatusCreated, false)
	})
}

// A panic passes through with its value. The key is not blocked until the lease ends, and the next run is told.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				w.WriteHeader(http.StatusCreated)
				_, _ = w.Write([]byte("half an answer"))
				panic(http.ErrAbortHandler)
			}
			created(w, r)
		})
		w := httptest.NewRecorder()
		if p := caught(func() { v.handler.ServeHTTP(w, request("/payments", key, "{}")) }); p != http.ErrAbortHandler {
			t.Errorf("panicked with %v, want http.ErrAbortHandler", p)
		}
		if w.Body.Len() != 0 {
			t.Errorf("%q was sent of an answer that is not stored", w.Body)
		}
		time.Sleep(store.MinLease)
		answered(t, v.post(key, "{}"), http.StatusCreated, false)
		if !v.info().Reclaimed {
			t.Error("the run after a panic was not told of it")
		}
		v.ran(2)
	})
}

// The client goes away. An answer that was given counts; none, or a failure, means that nobody knows.
func TestCancelled(t *testing.T) {
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		detach  bool
		runs    int // after the repetition
		reclaim bool
	}{
		"it answered all the same": {answer: created, runs: 1},
		"it said nothing":          {answer: func(http.ResponseWriter, *http.Request) {}, runs: 2, reclaim: true},
		"it failed":                {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, runs: 2, reclaim: true},
		"it was detached":          {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, detach: true, runs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				v := serve(t, memory(t), httpserver.IdempotencySettings{Detach: c.detach}, func(w http.ResponseWriter, r *http.Request) {
					cancel()
					if gone := r.Context().Err() != nil; gone == c.detach && r.Header.Get("X-Again") == "" {
						t.Errorf("the context is cancelled: %t", gone)
					}
					c.answer(w, r)
				})
				v.post(key, "{}", withContext(ctx))
				time.Sleep(store.MinLease)
				v.post(key, "{}", withHeader("X-Again", "1"))
				v.ran(c.runs)
				if v.info().Reclaimed != c.reclaim {
					t.Errorf("reclaimed %t, want %t", v.info().Reclaimed, c.reclaim)
				}
			})
		})
	}
}

func TestNotStored(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		set    httpserver.IdempotencySettings
		runs   int // of two requests
	}{
		"429":            {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, runs: 2},
		"500":            {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, runs: 1},
		"400":            {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, runs: 1},
		"nothing at all": {answer: func(http.ResponseWriter, *http.Request) {}, runs: 1},
		"not applied": {runs: 2, answer: func(w http.ResponseWriter, r *http.Request) {
			httpserver.NotApplied(r.Context())
			w.WriteHeader(503)
		}},
		"by the setting": {runs: 2, answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(422) },
			set: httpserver.IdempotencySettings{Remember: func(status int) bool { return status < 400 }}},
	} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, memory(t), c.set, c.answer)
			first, second := v.post(key, "{}"), v.post(key, "{}")
			v.ran(c.runs)
			if first.Code != second.Code || v.info().Reclaimed {
				t.Errorf("%d, then %d, reclaimed %t", first.Code, second.Code, v.info().Reclaimed)
			}
		})
	}
}

func TestStoreDown(t *testing.T) {
	for name, err := range map[string]error{"down": errDown, "full": store.ErrFull} {
		t.Run(name, func(t *testing.T) {
			f := &faulty{Store: memory(t)}
			f.fail("claim", err)
			v := serve(t, f, httpserver.IdempotencySettings{}, created)
			refused(t, v.post(key, "{}"), http.StatusServiceUnavailable, "store_unavailable", "1")
			v.ran(0)
		})
	}
}

// The store fails when the work is done. The answer is true and is sent; commits are tried again before that.
func TestCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		f := &faulty{Store: memory(t)}
		f.fail("commit", errDown)
		v := serve(t, f, httpserver.IdempotencySettings{Observer: &told}, created)
		answered(t, v.post(key, "{}"), http.StatusCreated, false)
		if n := f.called("commit"); n != 5 {
			t.Errorf("%d commits tried, want 5", n)
		}
		if got := told.texts(); !slices.Equal(got, []string{"rejected store"}) || !errors.Is(told.list[0].Err, errDown) {
			t.Errorf("events %q", got)
		}
		refused(t, v.post(key, "{}"), http.StatusConflict, "idempotency_key_in_flight", "1")
	})
}

func TestCommitSucceedsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Store: memory(t)}
		f.fail("commit", errDown)
		time.AfterFunc(300*time.Millisecond, func() { f.fail("commit", nil) })
		ctx, cancel := context.WithCancel(t.Context())
		v := serve(t, f, httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
			created(w, r)
			cancel() // even though the client has gone
		})
		v.post(key, "{}", withContext(ctx))
		answered(t, v.post(key, "{}"), http.StatusCreated, true)
		v.ran(1)
	})
}

// A claim is lost while the handler runs: its context is cancelled with that cause, and its answer gives way to that of
// whoever took over.
func TestLostWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Store: memory(t)}
		v := serve(t, f, httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			if cause := context.Cause(r.Context()); !errors.Is(cause, store.ErrLost) || !errors.Is(r.Context().Err(), context.Canceled) {
				t.Errorf("cancelled with %v, cause %v", r.Context().Err(), cause)
			}
			w.Header().Set("Vary", "mine")
			created(w, r)
		})
		f.fail("renew", store.ErrLost)
		f.fail("commit", store.ErrLost)
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "theirs")
		v.handler.ServeHTTP(w, request("/payments", key, "{}"))
		refused(t, w, http.StatusConflict, "idempotency_key_taken_over", "1")
		if w.Header().Get("Location") != "" || w.Header().Get("Vary") != "theirs" {
			t.Errorf("header %v: what the handler set must be gone, and nothing else", w.Header())
		}
	})
}

func TestContextOfAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type name struct{}
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), name{}, "value"), time.Hour)
		defer cancel()
		deadline, _ := ctx.Deadline()
		var after context.Context
		v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(_ http.ResponseWriter, r *http.Request) {
			if got, ok := r.Context().Deadline(); !ok || got != deadline {
				t.Errorf("deadline %v, want %v", got, deadline)
			}
			if got := r.Context().Value(name{}); got != "value" {
				t.Errorf("value %v", got)
			}
			child, stop := context.WithCancel(r.Context())
			defer stop()
			if err := errors.Join(child.Err(), r.Context().Err()); err != nil {
				t.Error(err)
			}
			after = child
		})
		v.post(key, "{}", withContext(ctx))
		if after.Err() == nil {
			t.Error("the context goes on after the handler returned")
		}
	})
}

func TestRequestBodies(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{MaxBody: 10}, created)
	refused(t, v.post(key, "12345678901"), http.StatusRequestEntityTooLarge, "body_too_large", "")
	unknown := func(r *http.Request) { r.ContentLength = -1 }
	w := v.post(key, "12345678901", unknown)
	refused(t, w, http.StatusRequestEntityTooLarge, "body_too_large", "")
	if w.Header().Get("Connection") != "close" {
		t.Error("the connection stays open with a body in it that nobody reads")
	}
	refused(t, v.post(key, "", func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)) }),
		http.StatusBadRequest, "body_unreadable", "")
	refused(t, v.post(key, "", func(r *http.Request) {
		r.Body = http.MaxBytesReader(nil, io.NopCloser(strings.NewReader("123456")), 5)
	}), http.StatusRequestEntityTooLarge, "body_too_large", "")
	v.ran(0)
	answered(t, v.post(key, "1234567890", unknown), http.StatusCreated, false)
	answered(t, v.post(key, "1234567890"), http.StatusCreated, true)
	answered(t, v.post("slow", "1234567890", func(r *http.Request) { r.Body = io.NopCloser(iotest.OneByteReader(r.Body)) }), http.StatusCreated, false)
	answered(t, v.post("none", "", func(r *http.Request) { r.Body = nil }), http.StatusCreated, false)
}

func TestDamagedRecord(t *testing.T) {
	var told events
	for name, spoil := range map[string]string{
		"empty": "", "kind": "\x09\x00\xc8\x00", "status": "\x01\x00\x01\x00", "count": "\x01\x00\xc8\x05", "cut": "\x01\x00\xc8\x01\x04Na",
		"no end": "\x01\x00\xc8\xff\xff\xff\xff\xff\xff", "value": "\x01\x00\xc8\x01\x01A\x09b",
	} {
		v := serve(t, &spoiled{memory(t), spoil}, httpserver.IdempotencySettings{Observer: &told}, created)
		v.post(key, "{}")
		w := v.post(key, "{}")
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", name, w.Code)
		}
		v.ran(1)
	}
	if n := len(told.list); n != 14 || told.list[1].Kind != resilience.EventRejected {
		t.Errorf("%d events, want a duplicate and a rejection each", n)
	}
}

// spoiled is a store that commits something else.
type spoiled struct {
	store.Store
	record string
}

func (s *spoiled) Commit(ctx context.Context, key store.Key, token store.Token, _ string, keep time.Duration) error {
	return s.Store.Commit(ctx, key, token, s.record, keep)
}
