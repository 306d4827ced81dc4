package httpclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// late is a base whose answers take a while each.
type late struct {
	answers []lateAnswer // of the first request, the second ...; the last repeats

	mu   sync.Mutex
	sent []lateSent
	open int // bodies that were not closed
}

type lateAnswer struct {
	after  time.Duration
	status int // 0: an error
	header http.Header
}

type lateSent struct {
	at        time.Duration
	resend    int
	header    http.Header
	body      string
	ctx       context.Context
	cancelled time.Duration // 0: it was not
}

func (l *late) RoundTrip(req *http.Request) (*http.Response, error) {
	s := lateSent{at: since(), resend: httpclient.ResendCount(req.Context()), header: req.Header.Clone(), ctx: req.Context()}
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		s.body = string(b)
	}
	l.mu.Lock()
	n := len(l.sent)
	l.sent = append(l.sent, s)
	a := l.answers[min(n, len(l.answers)-1)]
	l.mu.Unlock()
	select {
	case <-time.After(a.after):
	case <-req.Context().Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sent[n].cancelled = since()
		return nil, req.Context().Err()
	}
	if a.status == 0 {
		return nil, errors.New("connection reset")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	return &http.Response{StatusCode: a.status, Header: a.header, Request: req,
		Body: &lateBody{Reader: strings.NewReader(fmt.Sprintf("answer %d", n+1)), ctx: req.Context(), l: l}}, nil
}

// log returns what was sent, once all that is going on has come to rest.
func (l *late) log() []lateSent {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent)
}

// script begins anew with these answers.
func (l *late) script(answers ...lateAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers, l.sent = answers, nil
}

// lateBody can be read as long as the request's context lasts, as those of net/http.
type lateBody struct {
	io.Reader
	ctx    context.Context
	l      *late
	closed atomic.Bool
}

func (b *lateBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.Reader.Read(p)
}

func (b *lateBody) Close() error {
	if !b.closed.Swap(true) {
		b.l.mu.Lock()
		defer b.l.mu.Unlock()
		b.l.open--
	}
	return nil
}

// since returns how long the bubble runs.
func since() time.Duration { return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) }

const ms = time.Millisecond

// hedge is the option that most tests take: a copy after 100 ms, and no retries.
func hedge(s resilience.HedgeSettings) []httpclient.Option {
	if s.Delay == 0 {
		s.Delay = 100 * ms
	}
	return []httpclient.Option{httpclient.WithHedge(s), httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 1})}
}

// Who wins, when, and what becomes of the others. Every body but the winner's is closed by the time all is over.
func TestHedge(t *testing.T) {
	three := resilience.HedgeSettings{MaxCopies: 2}
	for _, c := range []struct {
		why     string
		hedge   resilience.HedgeSettings
		answers []lateAnswer
		sent    int
		won     string // body
		status  int    // 0: an error
		took    time.Duration
	}{
		{"an answer in time", three, []lateAnswer{{99 * ms, 200, nil}}, 1, "answer 1", 200, 99 * ms},
		{"a late one loses", resilience.HedgeSettings{}, []lateAnswer{{time.Hour, 200, nil}, {10 * ms, 200, nil}}, 2, "answer 2", 200, 110 * ms},
		{"the copy is later still", resilience.HedgeSettings{}, []lateAnswer{{150 * ms, 200, nil}, {time.Hour, 200, nil}}, 2, "answer 1", 200, 150 * ms},
		{"one copy unless more are allowed", resilience.HedgeSettings{}, []lateAnswer{{time.Second, 200, nil}}, 2, "answer 1", 200, time.Second},
		{"two copies", three, []lateAnswer{{time.Hour, 200, nil}, {time.Hour, 200, nil}, {50 * ms, 200, nil}}, 3, "answer 3", 200, 250 * ms},
		{"a first that fails early is not hedged", three, []lateAnswer{{50 * ms, 503, nil}, {0, 200, nil}}, 1, "answer 1", 503, 50 * ms},
		{"a first that fails late waits for its copy", resilience.HedgeSettings{}, []lateAnswer{{150 * ms, 503, nil}, {100 * ms, 200, nil}}, 2, "answer 2", 200, 200 * ms},
		{"a reset that comes late, too", resilience.HedgeSettings{}, []lateAnswer{{150 * ms, 0, nil}, {100 * ms, 200, nil}}, 2, "answer 2", 200, 200 * ms},
		{"a copy that is refused does no harm", resilience.HedgeSettings{}, []lateAnswer{{300 * ms, 200, nil}, {10 * ms, 503, nil}}, 2, "answer 1", 200, 300 * ms},
		{"nor one that is reset", resilience.HedgeSettings{}, []lateAnswer{{300 * ms, 200, nil}, {10 * ms, 0, nil}}, 2, "answer 1", 200, 300 * ms},
		{"a 404 is an answer like others", resilience.HedgeSettings{}, []lateAnswer{{300 * ms, 200, nil}, {10 * ms, 404, nil}}, 2, "answer 2", 404, 110 * ms},
		{"all fail: the first's answer, whole", three, []lateAnswer{{250 * ms, 503, nil}, {120 * ms, 500, nil}, {0, 502, nil}}, 3, "answer 1", 503, 250 * ms},
		{"all fail: the first's error", resilience.HedgeSettings{}, []lateAnswer{{150 * ms, 0, nil}, {100 * ms, 503, nil}}, 2, "", 0, 200 * ms},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &late{answers: c.answers}
				resp, err := newTransport(t, l, hedge(c.hedge)...).RoundTrip(newRequest(t, "GET", nil))
				if took := since(); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if (c.status == 0) != (err != nil) {
					t.Fatalf("got %v, %v, want status %d", resp, err, c.status)
				}
				if err == nil {
					if got := read(t, resp); resp.StatusCode != c.status || got != c.won {
						t.Errorf("got %d %q, want %d %q", resp.StatusCode, got, c.status, c.won)
					}
				}
				time.Sleep(2 * time.Hour)
				sent := l.log()
				if len(sent) != c.sent || l.open != 0 {
					t.Errorf("%d requests and %d open bodies, want %d and none", len(sent), l.open, c.sent)
				}
				for i, s := range sent {
					if s.resend != i || s.at != time.Duration(i)*100*ms {
						t.Errorf("request %d at %v with resend count %d, want %v and %d", i+1, s.at, s.resend, time.Duration(i)*100*ms, i)
					}
					if s.ctx.Err() == nil {
						t.Errorf("the context of request %d is alive", i+1)
					}
				}
			})
		})
	}
}

// What loses is cancelled at once, and what wins lives until its body is closed.
func TestHedgeContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{time.Hour, 200, nil}, {10 * ms, 200, nil}}}
		resp, err := newTransport(t, l, hedge(resilience.HedgeSettings{})...).RoundTrip(newRequest(t, "GET", nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if l.log()[0].cancelled != 110*ms {
			t.Errorf("the loser was cancelled after %v, want 110ms", l.log()[0].cancelled)
		}
		if err := l.log()[1].ctx.Err(); err != nil {
			t.Errorf("the winner's context has ended before its body was closed: %v", err)
		}
		var first [6]byte
		if _, err := io.ReadFull(resp.Body, first[:]); err != nil {
			t.Errorf("reading after a minute: %v", err)
		}
		if err := resp.Body.Close(); err != nil || l.log()[1].ctx.Err() == nil {
			t.Errorf("closed: %v, context %v; want it over", err, l.log()[1].ctx.Err())
		}
	})
}

// stream is a body that cannot be read twice.
type stream struct{ io.Reader }

// Only what may be repeated is sent twice, and then twice the same.
func TestHedgeOnlyWhatMayBeRepeated(t *testing.T) {
	keys := httpclient.WithIdempotencyKeys(httpclient.KeySettings{})
	for _, c := range []struct {
		why     string
		method  string
		body    io.Reader
		header  string
		options []httpclient.Option
		sent    int
	}{
		{"GET", "GET", nil, "", nil, 2},
		{"PUT with GetBody", "PUT", strings.NewReader("content"), "", nil, 2},
		{"PUT of a stream", "PUT", stream{strings.NewReader("content")}, "", nil, 1},
		{"POST", "POST", strings.NewReader("content"), "", nil, 1},
		{"POST with the caller's key", "POST", strings.NewReader("content"), "Idempotency-Key", nil, 2},
		{"POST with a key of the client's", "POST", strings.NewReader("content"), "", []httpclient.Option{keys}, 2},
		{"a POST of a stream with a key", "POST", stream{strings.NewReader("content")}, "", []httpclient.Option{keys}, 1},
		{"an upgrade", "GET", nil, "Upgrade", nil, 1},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &late{answers: []lateAnswer{{time.Second, 200, nil}}}
				req := newRequest(t, c.method, c.body)
				if c.header != "" {
					req.Header.Set(c.header, "websocket")
				}
				resp, err := newTransport(t, l, append(hedge(resilience.HedgeSettings{}), c.options...)...).RoundTrip(req)
				if err != nil || read(t, resp) != "answer 1" || len(l.log()) != c.sent {
					t.Fatalf("%v, %v with %d requests, want %d", resp, err, len(l.log()), c.sent)
				}
				for _, s := range l.log() {
					same := s.body == l.log()[0].body && slices.Equal(s.header["Idempotency-Key"], l.log()[0].header["Idempotency-Key"])
					if !same || c.body != nil && s.body != "content" {
						t.Errorf("requests differ: %+v and %+v", l.log()[0], s)
					}
				}
			})
		})
	}
}

// A copy with a key meets its original at work, and a host that wants to be left alone is.
func TestHedgeMeetsItsOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{time.Second, 201, nil}, {10 * ms, 409, http.Header{"Retry-After": {"7"}}}}}
		tr := newTransport(t, l, append(hedge(resilience.HedgeSettings{}), httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))...)
		resp, err := tr.RoundTrip(newRequest(t, "POST", strings.NewReader("content")))
		if err != nil || resp.StatusCode != 201 || read(t, resp) != "answer 1" || since() != time.Second {
			t.Fatalf("%v, %v after %v, want the original's 201 after a second", resp, err, since())
		}
		if _, err := get(t, tr, "http://upstream.test/"); err != nil || l.log()[2].at < 110*ms+7*time.Second {
			t.Errorf("the next request was sent at %v, want it 7s after the copy's answer", l.log()[2].at)
		}
	})
}

// A copy that has no place waits for none, and its original goes on.
func TestHedgeStandsBack(t *testing.T) {
	spent, err := resilience.NewBudget(resilience.BudgetSettings{Tokens: 1, PerCall: 0.001, RetryCost: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why    string
		hedge  resilience.HedgeSettings
		option httpclient.Option
		sent   []int // by each of three calls
	}{
		{"with room", resilience.HedgeSettings{}, httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1000, Burst: 10}), []int{2, 2, 2}},
		{"without a token", resilience.HedgeSettings{}, httpclient.WithLimiter(resilience.LimiterSettings{Rate: 0.001, Burst: 4}), []int{2, 2, 0}},
		{"without a place", resilience.HedgeSettings{}, httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 1}), []int{1, 1, 1}},
		{"without a budget", resilience.HedgeSettings{Budget: spent}, nil, []int{2, 1, 1}},
		{"with the budget of a host", resilience.HedgeSettings{}, nil, []int{2, 2, 2}},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &late{answers: []lateAnswer{{time.Second, 200, nil}}}
				options := hedge(c.hedge)
				if c.option != nil {
					options = append(options, c.option)
				}
				tr := newTransport(t, l, options...)
				for i, want := range c.sent {
					before := len(l.log())
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					resp, err := tr.RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
					if (err == nil) != (want > 0) {
						t.Errorf("call %d: %v, %v", i+1, resp, err)
					}
					if err == nil {
						read(t, resp)
					}
					cancel()
					if got := len(l.log()) - before; got != want {
						t.Errorf("call %d was sent %d times, want %d", i+1, got, want)
					}
				}
			})
		})
	}
}

// The budget of a host is a tenth of its calls, and ten more at the start.
func TestHedgeBudgetOfAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{time.Second, 200, nil}}}
		tr := newTransport(t, l, hedge(resilience.HedgeSettings{})...)
		for range 200 {
			resp, err := get(t, tr, "http://upstream.test/")
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
		}
		if n := len(l.log()); n < 225 || n > 230 {
			t.Errorf("200 slow calls were sent %d times, want at most 10 + 20 more", n)
		}
	})
}

// Attempts and copies are counted together, and every one is told apart by its header.
func TestHedgeAndRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{150 * ms, 503, nil}, {100 * ms, 503, nil}, {time.Hour, 200, nil}, {0, 200, nil}}}
		tr := newTransport(t, l, httpclient.WithHedge(resilience.HedgeSettings{Delay: 100 * ms}), noJitter(), httpclient.WithAttemptHeader("X-Attempt"))
		resp, err := tr.RoundTrip(newRequest(t, "GET", nil))
		if err != nil || read(t, resp) != "answer 4" {
			t.Fatalf("%v, %v", resp, err)
		}
		for i, s := range l.log() {
			want := ""
			if i > 0 {
				want = fmt.Sprintf("attempt=%d; max=6", i+1)
			}
			if s.resend != i || s.header.Get("X-Attempt") != want {
				t.Errorf("request %d has resend count %d and header %q, want %d and %q", i+1, s.resend, s.header.Get("X-Attempt"), i, want)
			}
		}
	})
}

// A loser tells nothing about the host, a copy that fails does; and nobody takes a probe's place.
func TestHedgeAndBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{time.Hour, 200, nil}, {10 * ms, 200, nil}, {time.Hour, 200, nil}, {10 * ms, 200, nil},
			{300 * ms, 0, nil}, {10 * ms, 503, nil}, {time.Second, 200, nil}}}
		var opened time.Duration
		tr := newTransport(t, l, append(hedge(resilience.HedgeSettings{}),
			httpclient.WithBreaker(resilience.BreakerSettings{ConsecutiveFailures: 2, OpenFor: time.Minute}),
			httpclient.WithObserver(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
				if e.Kind == resilience.EventStateChange && e.To == "open" {
					opened = since()
				}
			})))...)
		for i := range 3 {
			resp, err := get(t, tr, "http://upstream.test/")
			if (err == nil) != (i < 2) {
				t.Fatalf("call %d: %v, %v", i+1, resp, err)
			}
			if err == nil {
				read(t, resp)
			}
		}
		if opened != 520*ms {
			t.Errorf("opened after %v, want 520ms: two losers, then two failures", opened)
		}
		time.Sleep(time.Hour)
		resp, err := get(t, tr, "http://upstream.test/")
		if err != nil || read(t, resp) != "answer 7" || len(l.log()) != 7 {
			t.Errorf("the probe: %v, %v with %d requests; want 7, none of them a copy of the probe", resp, err, len(l.log()))
		}
	})
}

// The delay follows what a host's answers take.
func TestHedgeFollowsTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{40 * ms, 200, nil}}}
		tr := newTransport(t, l, hedge(resilience.HedgeSettings{Delay: time.Hour, Quantile: 0.95})...)
		for range 200 {
			resp, err := get(t, tr, "http://fast.test/")
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
		}
		l.script(lateAnswer{time.Second, 200, nil}, lateAnswer{0, 200, nil})
		start := since()
		if resp, err := get(t, tr, "http://fast.test/"); err != nil || read(t, resp) != "answer 2" || since()-start < 40*ms || since()-start > 45*ms {
			t.Errorf("%v, %v after %v; want a copy after 40ms, to an eighth", resp, err, since()-start)
		}
		l.script(lateAnswer{time.Second, 200, nil})
		if resp, err := get(t, tr, "http://other.test/"); err != nil || read(t, resp) != "answer 1" || len(l.log()) != 1 {
			t.Errorf("another host: %v, %v with %d requests; nothing is known of it", resp, err, len(l.log()))
		}
	})
}

// A caller who goes away ends all of them.
func TestHedgeEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{answers: []lateAnswer{{time.Hour, 200, nil}}}
		ctx, cancel := context.WithTimeout(t.Context(), 250*ms)
		defer cancel()
		_, err := newTransport(t, l, hedge(resilience.HedgeSettings{MaxCopies: 5})...).RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || since() != 250*ms {
			t.Errorf("%v after %v", err, since())
		}
		synctest.Wait()
		for i, s := range l.log() {
			if s.cancelled != 250*ms {
				t.Errorf("request %d was cancelled at %v", i+1, s.cancelled)
			}
		}
		if len(l.log()) != 3 {
			t.Errorf("%d requests, want 3", len(l.log()))
		}
	})
}

func TestHedgeSettings(t *testing.T) {
	_, err := httpclient.New(nil, httpclient.WithHedge(resilience.HedgeSettings{}))
	const want = "httpclient: HedgeSettings.Delay: got 0s, want above 0, or a DelayFunc"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// On the wire: the answer of a copy arrives whole, however late it is read (resty #1197 cut it off), the server sees the other
// request cancelled, and nothing is left behind.
func TestHedgeOnTheWire(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<15) // 512 KiB
	cancelled := make(chan bool, 1)
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			<-r.Context().Done()
			cancelled <- true
			return
		}
		_, _ = w.Write(big)
	}))
	defer server.Close()
	base := &http.Transport{}
	tr := newTransport(t, base, httpclient.WithHedge(resilience.HedgeSettings{Delay: ms}), httpclient.WithAttemptTimeout(time.Minute))
	defer tr.CloseIdleConnections()
	resp, err := get(t, tr, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	<-cancelled
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("read %d bytes of %d: %v", len(got), len(big), err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

// Many at once, with answers that come at any time: for the race detector.
func TestHedgeStress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n, open atomic.Int64
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			i := n.Add(1)
			body, _ := io.ReadAll(req.Body)
			_ = req.Body.Close()
			if string(body) != "content" {
				t.Errorf("body %q", body)
			}
			select {
			case <-time.After(time.Duration(i*7919%300) * time.Microsecond):
			case <-req.Context().Done():
				if i%2 == 0 { // does not notice
					break
				}
				return nil, req.Context().Err()
			}
			open.Add(1)
			return &http.Response{StatusCode: []int{200, 200, 503, 200, 409}[i%5], Header: http.Header{}, Request: req,
				Body: &closing{Reader: strings.NewReader("x"), n: &open}}, nil
		})
		tr := newTransport(t, base, httpclient.WithHedge(resilience.HedgeSettings{Delay: 100 * time.Microsecond, MaxCopies: 3}),
			httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()}),
			httpclient.WithIdempotencyKeys(httpclient.KeySettings{}), httpclient.WithAttemptTimeout(time.Minute),
			httpclient.WithBulkhead(resilience.BulkheadSettings{MaxConcurrent: 100, MaxQueue: 100}),
			httpclient.WithLimiter(resilience.LimiterSettings{Rate: 1e6, Burst: 1000}))
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for range 50 {
					req := newRequest(t, "POST", strings.NewReader("content"))
					resp, err := tr.RoundTrip(req)
					if err != nil {
						continue
					}
					read(t, resp)
					req.Header.Set("X-Reused", "yes") // it is the caller's again
				}
			})
		}
		all.Wait()
		time.Sleep(time.Hour)
		if open.Load() != 0 {
			t.Errorf("%d bodies are open", open.Load())
		}
	})
}

type closing struct {
	io.Reader
	n    *atomic.Int64
	once atomic.Bool
}

func (c *closing) Close() error {
	if !c.once.Swap(true) {
		c.n.Add(-1)
	}
	return nil
}
