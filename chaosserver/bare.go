package chaosserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
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

// sendBare writes the answer through the http.ResponseWriter of another server. That sorts the fields; what it would
// change beyond that is written to the connection by hand, which then ends.
func (x *exchange) sendBare(w *fault.Written) {
	fields, ok := sendable(w)
	if !ok {
		x.sendTaken(w)
		return
	}
	h := x.w.Header()
	for _, f := range fields {
		h[f.Name] = append(h[f.Name], f.Value)
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

// sendTaken writes the answer to the connection, taken from the other server.
func (x *exchange) sendTaken(w *fault.Written) {
	h, ok := x.w.(http.Hijacker)
	if !ok {
		x.end.Failure = "a field of the answer cannot be sent as written by a bare handler; use Start or StartMemory"
		http.Error(x.w, x.end.Failure, http.StatusInternalServerError)
		return
	}
	nc, _, err := h.Hijack()
	if err != nil {
		x.sent(0, err)
		return
	}
	x.sent(x.sendParts(x.s.ctx, nc, nil, parts{head: int64(len(w.Head)), body: x.bodySize()}))
	_ = nc.Close()
}

// sendable returns the fields of an answer, and whether an http.ResponseWriter sends all of them as they are.
func sendable(w *fault.Written) ([]journal.Field, bool) {
	if w.Status < 200 || len(w.Interim) > 0 {
		return nil, false
	}
	lines := bytes.Split(bytes.TrimSuffix(w.Head, []byte("\r\n\r\n")), []byte("\r\n"))
	fields := make([]journal.Field, 0, len(lines))
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(string(line), ": ")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) ||
			value != strings.TrimSpace(value) || !framed(name, value, w) {
			return nil, false
		}
		fields = append(fields, journal.Field{Name: name, Value: value})
	}
	return fields, true
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
