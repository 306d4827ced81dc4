package chaosserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"brownout/chaosserver/journal"
)

// tunnel takes bytes both ways once the upstream has changed to another protocol (RFC 9110, section 7.8), until either side
// ends. The attempt lasts as long as that.
func (x *exchange) tunnel(r *relay) {
	if x.c == nil {
		x.refuseToPass(r.f, http.StatusNotImplemented, "the upstream changes to another protocol: "+needsListener)
		return
	}
	if !x.delayed(r.f) {
		x.recordForward(r.f, "")
		return
	}
	now := time.Now()
	r.out.Now, r.out.Upgrade = now, true
	x.out = r.res.AppendHead(x.out[:0], &r.out)
	up, ahead := r.f.conn.Take()
	_, in, err := x.w.(http.Hijacker).Hijack()
	if err != nil {
		x.refuseToPass(r.f, http.StatusInternalServerError, "the connection cannot be had: "+err.Error())
		return
	}
	defer x.s.hijacked(x.c)
	x.letGo(r.f) // net/http has let go of the request's context with the connection
	x.noteAnswer(r.res, now, false)
	x.over, x.left = true, false
	x.leaves()
	early := make([]byte, in.Reader.Buffered())
	_, _ = in.Read(early) // what is buffered is there
	t := &tunnel{client: x.c, up: up}
	failed := t.open(append(x.out, ahead...), early)
	if failed == nil {
		t.run(x.s.ctx)
	}
	x.out = x.out[:0]
	x.end.BytesSent, x.end.Whole = t.sent, failed == nil && !t.clientFailed
	x.end.Closed = x.c.closer()
	r.f.conn.Close()
	x.recordForward(r.f, "")
	x.recordEnd(time.Now())
}

// hijacked lets go of a connection that net/http has given up.
func (s *Server) hijacked(c *conn) {
	_ = c.Close()
	c.forgetIdling()
	s.letGo(c)
	s.work.Done()
}

// tunnel is a connection of a client that has become one to the upstream.
type tunnel struct {
	client       *conn
	up           net.Conn
	sent         int64 // bytes to the client
	clientFailed bool
}

// open sends what is there already: to the client the header block that changes the protocol, to the upstream what the
// client sent behind its request.
func (t *tunnel) open(head, early []byte) error {
	n, err := t.client.send(head)
	t.sent = int64(n)
	if err == nil && len(early) > 0 {
		_, err = t.up.Write(early)
	}
	return err
}

// run copies both ways until both sides have ended theirs, one has failed, or ctx ends.
func (t *tunnel) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, t.cut)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := io.Copy(t.up, t.client.stream); err != nil {
			t.cut()
			return
		}
		t.client.ended(journal.ClosedByClientFIN)
		if half, ok := t.up.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
			t.cut()
		}
	}()
	n, err := io.Copy(t.client.stream, t.up)
	t.sent += n
	t.clientFailed = err != nil && !errors.Is(err, net.ErrClosed)
	if err != nil || t.client.sayEnd() != nil {
		t.client.failed(err)
		t.cut()
	}
	<-done
}

// cut ends both sides. Where the client was there first, that is recorded.
func (t *tunnel) cut() {
	t.client.abandoned()
	_ = t.client.Close()
	_ = t.up.Close()
}
