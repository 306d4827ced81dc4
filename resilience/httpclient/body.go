package httpclient

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// DefaultBodyBuffer is how much of a body without GetBody is kept for another attempt: 1 MiB.
const DefaultBodyBuffer = 1 << 20

// body gives every attempt of one call the same bytes.
type body struct {
	req *http.Request
	rec *recorder // of a body that cannot be opened again; nil otherwise
}

// newBody decides how the body of req can be sent again. Nothing is read yet.
func newBody(req *http.Request, limit int64) body {
	b := body{req: req}
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil || limit <= 0 || req.ContentLength > limit {
		return b
	}
	b.rec = &recorder{src: req.Body, limit: limit}
	return b
}

// stuck says why the body cannot be sent again; empty where it can.
func (b *body) stuck() string {
	switch {
	case b.req.Body == nil || b.req.Body == http.NoBody || b.req.GetBody != nil:
		return ""
	case b.rec == nil:
		return "the body is a stream without GetBody, too long to be kept"
	case b.rec.over.Load():
		return fmt.Sprintf("the body is a stream without GetBody, longer than the %d bytes kept", b.rec.limit)
	case b.rec.broken.Load():
		return "reading the body failed"
	}
	return ""
}

// first returns the request of the first attempt: the caller's own, unless its body must be recorded.
func (b *body) first(req *http.Request) *http.Request {
	if b.rec == nil {
		return req
	}
	return withBody(req, b.rec.open())
}

// again returns the body of another attempt; stuck must be empty.
func (b *body) again() (io.ReadCloser, error) {
	switch {
	case b.req.Body == nil || b.req.Body == http.NoBody:
		return b.req.Body, nil
	case b.rec != nil:
		return b.rec.open(), nil
	}
	return b.req.GetBody()
}

// finish is called when no further attempt is made; sent tells whether the last one took the body over.
func (b *body) finish() {
	if b.rec != nil {
		b.rec.finish()
	}
}

// drop closes the body of a request that is never sent.
func drop(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// withBody returns a shallow copy of req: a RoundTripper must not modify the caller's request.
func withBody(req *http.Request, body io.ReadCloser) *http.Request {
	r := req.WithContext(req.Context())
	r.Body = body
	return r
}

var errStale = errors.New("httpclient: body read by an attempt that is over")

// recorder keeps what the first attempt reads of a body, so that the next can be given the same bytes and then the rest.
// The wire may still be reading for one attempt when the next begins (see [http.RoundTripper]); such reads fail, and what
// they took from the source is kept. The source is closed once, when the last attempt's body is.
type recorder struct {
	src    io.ReadCloser
	limit  int64
	over   atomic.Bool // more was read than may be kept: no other attempt
	broken atomic.Bool // the source failed: no other attempt would fare better

	reading sync.Mutex // held while the source is read; guards buf and err
	buf     []byte
	err     error // from the source, io.EOF included

	mu      sync.Mutex // guards the fields below; never held while reading
	current *replay    // the attempt that may read
	final   bool       // there is no other attempt: the source goes with the current one
	closed  bool       // the source is closed
}

// replay is the body of one attempt.
type replay struct {
	rec  *recorder
	off  int  // guarded by rec.reading
	done bool // closed; guarded by rec.mu
}

func (rec *recorder) open() *replay {
	r := &replay{rec: rec}
	rec.mu.Lock()
	rec.current = r
	rec.mu.Unlock()
	return r
}

func (rec *recorder) finish() {
	rec.mu.Lock()
	rec.final = true
	last := rec.current == nil || rec.current.done
	rec.mu.Unlock()
	if last {
		rec.close()
	}
}

func (rec *recorder) close() {
	rec.mu.Lock()
	first := !rec.closed
	rec.closed = true
	rec.mu.Unlock()
	if first {
		_ = rec.src.Close()
	}
}

// live reports whether r is still the body to read.
func (r *replay) live() bool {
	r.rec.mu.Lock()
	defer r.rec.mu.Unlock()
	return r.rec.current == r && !r.done
}

func (r *replay) Read(p []byte) (int, error) {
	rec := r.rec
	rec.reading.Lock()
	defer rec.reading.Unlock()
	switch {
	case !r.live():
		return 0, errStale
	case r.off < len(rec.buf):
		n := copy(p, rec.buf[r.off:])
		r.off += n
		return n, nil
	case rec.over.Load() && r.off == 0:
		return 0, errors.New("httpclient: body was read beyond what is kept")
	case rec.err != nil:
		return 0, rec.err
	}
	n, err := rec.src.Read(p)
	if !rec.over.Load() {
		if int64(len(rec.buf)+n) > rec.limit {
			rec.over.Store(true)
			rec.buf = nil
		} else {
			rec.buf = append(rec.buf, p[:n]...)
		}
	}
	r.off += n
	rec.err = err
	if err != nil && err != io.EOF {
		rec.broken.Store(true)
	}
	return n, err
}

// Close ends the attempt's reading; that of the last attempt closes the source.
func (r *replay) Close() error {
	rec := r.rec
	rec.mu.Lock()
	r.done = true
	last := rec.final && rec.current == r
	rec.mu.Unlock()
	if last {
		rec.close()
	}
	return nil
}
