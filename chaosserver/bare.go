package chaosserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
)

// victim is a connection that a wire fault of an attempt strikes.
type victim interface {
	fault.Conn
	closer() journal.Closer
	gone(request context.Context) context.Context
	linger(gone context.Context)
}

// victim returns the connection of the attempt. Past our own listener it takes the connection from the server that
// has it, and fails where that gives none, or one that cannot be reset.
func (x *exchange) victim() (victim, error) {
	if x.c != nil {
		x.c.answered()
		if !x.body.ended {
			return sending{onWire{x.c}}, nil
		}
		return onWire{x.c}, nil
	}
	h, ok := x.w.(http.Hijacker)
	if !ok {
		return nil, errors.New("the connection cannot be had from a bare handler; use Start or StartMemory")
	}
	nc, _, err := h.Hijack()
	if err != nil {
		return nil, fmt.Errorf("the connection cannot be had from a bare handler: %w; use Start or StartMemory", err)
	}
	x.w = spent{}
	raw, ok := nc.(rawConn)
	if !ok {
		_ = nc.Close()
		return nil, fmt.Errorf("a %T can send no RST; use Start or StartMemory", nc)
	}
	return &taken{raw: raw, srv: x.s}, nil
}

// spent is the response of a request whose connection has been taken: nothing more can be written to it.
type spent struct{}

func (spent) Header() http.Header       { return http.Header{} }
func (spent) Write([]byte) (int, error) { return 0, http.ErrHijacked }
func (spent) WriteHeader(int)           {}

// taken is a connection taken from another server.
type taken struct {
	raw rawConn
	srv *Server
	how journal.Closer
}

func (t *taken) Write(p []byte) (int, error) { return t.raw.Write(p) }

// gone is what ends a wait on the connection: a hijack has ended the request's own context.
func (t *taken) gone(context.Context) context.Context { return t.srv.ctx }

func (t *taken) AwaitEnd(ctx context.Context) {
	t.how = awaitPeer(ctx, t.raw, func() bool { return false })
	if t.how == journal.ClosedNot {
		t.how = journal.ClosedByServerFIN
	}
	_ = t.raw.Close()
}

func (t *taken) Reset() error {
	awaitSent(t.srv.ctx, t.raw)
	t.how = journal.ClosedByServerRST
	return errors.Join(t.raw.SetLinger(0), t.raw.Close())
}

func (t *taken) CloseWrite() error {
	t.how = journal.ClosedByServerFIN
	return t.raw.CloseWrite()
}

func (t *taken) closer() journal.Closer { return t.how }

// linger reads until the client has ended its side too. Its context is of the request, which a hijack ends.
func (t *taken) linger(context.Context) {
	if t.how != journal.ClosedByServerFIN {
		return
	}
	_ = t.raw.SetReadDeadline(time.Now().Add(fault.FINWait))
	_, _ = io.Copy(io.Discard, t.raw)
	_ = t.raw.Close()
}

// sendBare writes the answer through the http.ResponseWriter of another server, which sorts the fields.
func (x *exchange) sendBare(w *fault.Written) {
	h := x.w.Header()
	for name, value := range fields(w) {
		h[name] = append(h[name], value)
	}
	x.out = append(x.out[:0], w.Body...)
	x.w.WriteHeader(w.Status)
	if x.decision.Body > 0 && w.Content >= 0 {
		_ = http.NewResponseController(x.w).Flush()
		if err := fault.Wait(x.r.Context(), time.Now(), x.decision.Body); err != nil {
			x.sent(int64(len(w.Head)), err)
			return
		}
	}
	if w.Rest == nil {
		x.leaves()
	}
	n, err := x.stream(w, x.w.Write)
	if flushErr := http.NewResponseController(x.w).Flush(); err == nil && !errors.Is(flushErr, http.ErrNotSupported) {
		err = flushErr
	}
	x.sent(int64(len(w.Head))+n, err)
}

// sendTaken writes the answer by hand to the connection, which it takes from the other server. The connection ends
// behind it.
func (x *exchange) sendTaken(w *fault.Written) {
	nc, _, err := x.w.(http.Hijacker).Hijack()
	if err != nil {
		x.sent(0, err)
		return
	}
	x.sent(x.sendParts(x.s.ctx, nc, nil, parts{head: int64(len(w.Head)), body: x.bodySize()}))
	_ = nc.Close()
}

// fields are the fields of an answer. A line that is none has no value.
func fields(w *fault.Written) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_, lines, _ := bytes.Cut(bytes.TrimSuffix(w.Head, []byte("\r\n\r\n")), []byte("\r\n"))
		for line := range strings.SplitSeq(string(lines), "\r\n") {
			name, value, _ := strings.Cut(line, ": ")
			if line != "" && !yield(name, value) {
				return
			}
		}
	}
}

// sendable reports whether an http.ResponseWriter sends the answer as it is, but for the order of its fields.
func sendable(w *fault.Written) bool {
	if w.Status < 200 || len(w.Interim) > 0 {
		return false
	}
	length := w.Content < 0 // nothing to frame
	for name, value := range fields(w) {
		length = length || name == "Content-Length"
		if !proxy.IsField(name, value) || value != strings.TrimSpace(value) || !framed(name, value, w) {
			return false
		}
	}
	return length
}

// framed reports whether a field leaves net/http's framing as it is. The response writer looks at names in their
// canonical case only, and would frame the answer beside what another case says.
func framed(name, value string, w *fault.Written) bool {
	canonical := http.CanonicalHeaderKey(name)
	switch canonical {
	case "Transfer-Encoding", "Trailer":
		return false
	case "Content-Length":
		return name == canonical && (value == strconv.Itoa(len(w.Body)+int(w.Size)) || len(w.Body) == 0 && w.Size == 0)
	case "Connection", "Date", "Content-Type":
		return name == canonical
	}
	return !strings.HasPrefix(canonical, http.TrailerPrefix)
}
