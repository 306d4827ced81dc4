package httpclient_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

func TestAttemptHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}}}
		_, _ = get(t, newTransport(t, u, httpclient.WithAttemptHeader("x-attempt")), "http://a.test/")
		var got []string
		for _, s := range u.seen {
			got = append(got, s.header.Get("X-Attempt"))
		}
		if want := "|attempt=2; max=3|attempt=3; max=3"; strings.Join(got, "|") != want {
			t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
		}
	})
}

func TestAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{{delay: time.Hour}, {status: 200, body: "fine"}}}
		resp, err := get(t, newTransport(t, u, noJitter(), httpclient.WithAttemptTimeout(time.Second)), "http://a.test/")
		if err != nil || len(u.seen) != 2 || time.Since(start) != 1100*time.Millisecond || read(t, resp) != "fine" {
			t.Errorf("got %v, %v after %d attempts and %v; want 200 after 2 and 1.1s", resp, err, len(u.seen), time.Since(start))
		}
		u = &upstream{steps: []step{{delay: time.Hour}}}
		_, err = get(t, newTransport(t, u, noJitter(), httpclient.WithRetry(resilience.RetrySettings{AttemptTimeout: time.Second})), "http://a.test/")
		if !errors.Is(err, resilience.ErrTimeout) || !errors.Is(err, resilience.ReasonAttempts) || len(u.seen) != 3 {
			t.Errorf("got %v after %d attempts, want three timeouts", err, len(u.seen))
		}
	})
}

// stalling is a body that ends only with its request's context.
type stalling struct {
	ctx    context.Context
	closed bool
}

func (s *stalling) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (s *stalling) Close() error { s.closed = true; return nil }

// The answer's body is under the attempt's timeout until it is closed, and no longer.
func TestAttemptTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body *stalling
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			body = &stalling{ctx: req.Context()}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
		})
		tr := newTransport(t, base, httpclient.WithAttemptTimeout(time.Second))
		start := time.Now()
		resp, err := get(t, tr, "http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		var timeout *resilience.TimeoutError
		if !errors.As(err, &timeout) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want a timeout after 1s", err, time.Since(start))
		}
		if err := resp.Body.Close(); err != nil || !body.closed {
			t.Errorf("Close: %v, closed %t", err, body.closed)
		}

		resp, err = get(t, tr, "http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if body.ctx.Err() != context.Canceled {
			t.Errorf("the context of a closed answer: %v, want canceled", body.ctx.Err())
		}

		ctx, cancel := context.WithCancel(t.Context())
		resp, err = tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err = io.ReadAll(resp.Body); err != context.Canceled {
			t.Errorf("the caller's own cancellation: %v, want canceled itself", err)
		}
		_ = resp.Body.Close()
	})
}

// The attempt's context keeps the promises of package context, also towards contexts made from it.
func TestAttemptContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var derived context.Context
		cancelDerived := func() {}
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			ctx := req.Context()
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != time.Second || ctx.Value(key{}) != "v" || ctx.Err() != nil {
				t.Errorf("deadline in %v, value %v, error %v", time.Until(d), ctx.Value(key{}), ctx.Err())
			}
			derived, cancelDerived = context.WithCancel(ctx)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &stalling{ctx: ctx}}, nil
		})
		tr := newTransport(t, base, httpclient.WithAttemptTimeout(time.Second))
		ctx := context.WithValue(t.Context(), key{}, "v")
		resp, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if derived.Err() != nil {
			t.Errorf("a derived context ended early: %v", derived.Err())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if derived.Err() != context.DeadlineExceeded || context.Cause(derived) != context.DeadlineExceeded {
			t.Errorf("a derived context: %v, cause %v; want the deadline", derived.Err(), context.Cause(derived))
		}
		_ = resp.Body.Close()
		cancelDerived()

		resp, err = tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		stop := context.AfterFunc(derived, func() { ran = true })
		if !stop() {
			t.Error("a function that had not run could not be stopped")
		}
		_ = resp.Body.Close()
		synctest.Wait()
		if derived.Err() == nil || ran {
			t.Errorf("after the body was closed: %v, a stopped function ran: %t", derived.Err(), ran)
		}
		cancelDerived()
	})
}

// One timer serves all attempts to a host: each ends at its own instant all the same, whoever else begins or ends meanwhile,
// and after a time in which there was none.
func TestAttemptTimeoutsOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if deadline, ok := req.Context().Deadline(); !ok || time.Until(deadline) != time.Second {
				t.Errorf("the deadline is in %v, %t; want 1s", time.Until(deadline), ok)
			}
			select {
			case <-req.Context().Done():
				return nil, req.Context().Err()
			case <-time.After(req.Context().Value(takesKey{}).(time.Duration)):
				return answer(200), nil
			}
		})
		tr := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1}), httpclient.WithAttemptTimeout(time.Second))
		draw := rand.New(rand.NewPCG(1, 2))
		for round := range 3 {
			var all sync.WaitGroup
			for range 300 {
				wait, takes := time.Duration(draw.IntN(3000))*time.Millisecond, time.Duration(draw.IntN(2000))*time.Millisecond+time.Microsecond
				all.Go(func() {
					time.Sleep(wait)
					start := time.Now()
					resp, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(context.WithValue(t.Context(), takesKey{}, takes)))
					late := takes > time.Second
					if took := time.Since(start); late != errors.Is(err, resilience.ErrTimeout) || took != min(takes, time.Second) {
						t.Errorf("round %d: an answer after %v: %v, %v after %v", round, takes, resp, err, took)
					}
					if err == nil {
						_ = resp.Body.Close()
					}
				})
			}
			all.Wait()
			time.Sleep(time.Hour)
		}
	})
}

type takesKey struct{}
