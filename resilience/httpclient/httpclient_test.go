package httpclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpclient"
)

// step is one scripted answer of a fake upstream, or the error of the transport.
type step struct {
	status int
	header http.Header
	body   string
	err    error
	delay  time.Duration // before the answer
}

// seen is what the upstream saw of one attempt.
type seen struct {
	at     time.Time
	method string
	header http.Header
	body   string
	resend int
}

// upstream is a base RoundTripper that follows a script; its last step repeats.
type upstream struct {
	steps []step

	mu      sync.Mutex
	seen    []seen
	closed  int // bodies of answers that were closed
	drained int // of these, read to the end before
}

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	s := seen{at: time.Now(), method: req.Method, header: req.Header.Clone(), resend: httpclient.ResendCount(req.Context())}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		s.body = string(b)
	}
	u.mu.Lock()
	u.seen = append(u.seen, s)
	st := u.steps[min(len(u.seen), len(u.steps))-1]
	u.mu.Unlock()
	if st.delay > 0 {
		select {
		case <-time.After(st.delay):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if st.err != nil {
		return nil, st.err
	}
	h := st.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{
		StatusCode: st.status, Header: h, Request: req, ContentLength: int64(len(st.body)),
		Body: &countedBody{Reader: strings.NewReader(st.body), u: u},
	}, nil
}

type countedBody struct {
	*strings.Reader
	u    *upstream
	done bool
}

func (b *countedBody) Close() error {
	b.u.mu.Lock()
	defer b.u.mu.Unlock()
	if !b.done {
		b.done = true
		b.u.closed++
		if b.Len() == 0 {
			b.u.drained++
		}
	}
	return nil
}

func newTransport(t *testing.T, base http.RoundTripper, options ...httpclient.Option) *httpclient.Transport {
	t.Helper()
	tr, err := httpclient.New(base, options...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func newRequest(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://upstream.test/things/1", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func noJitter() httpclient.Option {
	return httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.ConstantBackoff(100 * time.Millisecond), PushbackJitter: -1})
}

// One client over a real connection: 503 twice, then 200, and one connection for all three attempts.
func TestPlainServer(t *testing.T) {
	var mu sync.Mutex
	var remotes []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		remotes = append(remotes, r.RemoteAddr)
		n := len(remotes)
		mu.Unlock()
		if n < 3 {
			http.Error(w, strings.Repeat("sorry ", 300), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "fine")
	}))
	defer srv.Close()
	base := srv.Client().Transport
	client := newTransport(t, base, httpclient.WithRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})).Client()
	resp, err := client.Get(srv.URL + "/items/1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || string(text) != "fine" {
		t.Errorf("got %d %q %v, want 200 fine", resp.StatusCode, text, err)
	}
	if len(remotes) != 3 || remotes[0] != remotes[1] || remotes[1] != remotes[2] {
		t.Errorf("attempts came from %v, want 3 from one connection", remotes)
	}
}

// A client with a Timeout replaces the body of every answer; the reason is still there.
func TestReasonThroughAClientWithTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{steps: []step{{status: 503}}}
		client := newTransport(t, u).Client()
		client.Timeout = time.Minute
		resp, err := client.Get("http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if why := reason(t, resp); why.Reason != resilience.ReasonAttempts {
			t.Errorf("reason %v, want attempts", why.Reason)
		}
		good, err := newTransport(t, &upstream{steps: []step{{status: 503}, {status: 200}}}).Client().Get("http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = good.Body.Close()
		if why := httpclient.Reason(good); why != nil {
			t.Errorf("a good answer has the reason %v", why)
		}
	})
}
