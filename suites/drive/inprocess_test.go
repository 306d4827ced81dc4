//go:build unix

package drive

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// roundTrip is a function as a RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// after answers after so long, or ends with the request's context.
func after(d time.Duration, status int, body io.Reader) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if !pause(req.Context(), d) {
			return nil, req.Context().Err()
		}
		return &http.Response{StatusCode: status, Body: io.NopCloser(body), Request: req}, nil
	}
}

// torn is a body that breaks off.
type torn struct{ io.Reader }

func (t torn) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// TestInProcessResults: a result says when the call began, ended and was cancelled, and what the client was given.
func TestInProcessResults(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		answer roundTrip
		cancel time.Duration
		want   journal.Result
	}{
		{"a whole answer", after(30*ms, 201, strings.NewReader("done")), 0,
			journal.Result{OK: true, At: 30 * ms, Status: 201, HasBody: true, BodyLen: 4, BodySHA256: sha256.Sum256([]byte("done"))}},
		{"an error status", after(30*ms, 503, strings.NewReader("")), 0,
			journal.Result{At: 30 * ms, Status: 503, HasBody: true, BodySHA256: sha256.Sum256(nil)}},
		{"a body that breaks off", after(0, 200, torn{strings.NewReader("do")}), 0,
			journal.Result{Status: 200, Error: "unexpected EOF"}},
		{"no answer", func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }, 0,
			journal.Result{Error: `Get "http://127.0.0.1:7070/~1/": refused`}},
		{"cancelled", after(time.Second, 200, strings.NewReader("")), 500 * ms,
			journal.Result{At: 500 * ms, Error: `Get "http://127.0.0.1:7070/~1/": context canceled`, Cancelled: 500 * ms, HasCancel: true}},
		{"over before it is cancelled", after(30*ms, 200, strings.NewReader("")), 500 * ms,
			journal.Result{OK: true, At: 30 * ms, Status: 200, HasBody: true, BodySHA256: sha256.Sum256(nil)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := step("GET", "/", 1, 1)
				s.CancelAfter = c.cancel
				rec := newRecord()
				begun := rec.Now()
				p := &InProcess{New: func() *http.Client { return &http.Client{Transport: c.answer} }, Steps: []scenarios.Step{s}}
				if err := p.Run(t.Context(), site, rec); err != nil {
					t.Fatal(err)
				}
				want := c.want
				want.Call, want.Start, want.Timed, want.At = 1, begun, true, begun+want.At
				if want.HasCancel {
					want.Cancelled += begun
				}
				if len(rec.results) != 1 || rec.results[0] != want {
					t.Errorf("got %+v\nwant %+v", rec.results, want)
				}
			})
		})
	}
}
