package delivery

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Grace is how long an answer is waited for beyond the sender's timeout: the half second in which a check does not judge, and
// a quarter of one that the machine itself may be late. What comes so late is noted, and counts as no answer.
const Grace = 750 * time.Millisecond

// mostAnswer is how much of an answer's body is read, in bytes.
const mostAnswer = 64 << 10

// bytes returns the request as it goes over the wire (RFC 9112), on a connection of its own.
func (r *Request) bytes(t *target) []byte {
	b := make([]byte, 0, 512+len(r.Body))
	b = append(append(append(b, "POST "...), t.path+r.Path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, t.host...), "\r\n"...)
	for _, f := range r.Header {
		b = append(append(append(append(b, f.Name...), ": "...), f.Value...), "\r\n"...)
	}
	b = append(b, "Connection: close\r\n\r\n"...)
	return append(b, r.Body...)
}

// answer is what became of a delivery once its connection was there.
type answer struct {
	written  time.Time // zero: it was not written whole
	answered time.Time // zero: no status line came
	status   int
	stop     bool // the consumer asks for no further delivery
	failure  string
	reason   string // of failure, in the words of a retry marker
}

// exchange writes a request and reads the answer. The connection is closed.
func exchange(ctx context.Context, c net.Conn, request []byte, timeout time.Duration) (a answer) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	defer func() {
		if a.failure != "" && ctx.Err() != nil {
			a.failure = stopped
		}
	}()
	_ = c.SetDeadline(time.Now().Add(timeout + Grace)) // a connection that takes none is closed, as the write will say
	if _, err := c.Write(request); err != nil {
		a.fail("it could not be written: ", err, timeout)
		return a
	}
	a.written = time.Now()
	_ = c.SetDeadline(a.written.Add(timeout + Grace))
	in := bufio.NewReader(c)
	resp, err := readAnswer(in, &a)
	if err != nil {
		a.fail("no answer came: ", err, timeout)
		return a
	}
	// The body is not closed, which would read the rest of it: the connection is.
	a.status = resp.StatusCode
	a.stop = a.status == http.StatusGone || resp.Header.Get("X-Slack-No-Retry") == "1"
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer))
	switch late := a.answered.Sub(a.written) > timeout; {
	case late:
		a.failure, a.reason = fmt.Sprintf("no answer within %v: it came after that", timeout), reasonTimeout
	case err != nil:
		a.fail("the answer broke off: ", err, timeout)
	case a.status/100 != 2:
		a.reason = reasonStatus
	}
	return a
}

// fail notes what went wrong.
func (a *answer) fail(what string, err error, timeout time.Duration) {
	a.failure, a.reason = what+why(err), reasonConnect
	if errors.Is(err, os.ErrDeadlineExceeded) {
		a.failure, a.reason = fmt.Sprintf("no answer within %v", timeout), reasonTimeout
	}
}

// stopped is the failure of a delivery that the end of the run cut short.
const stopped = "the run ended"

// failed reports whether the delivery is to be sent again.
func (a *answer) failed() bool { return a.failure != "" || a.status/100 != 2 }

// readAnswer reads the answer's head, with interim answers before it, and notes when its status line was there.
func readAnswer(in *bufio.Reader, a *answer) (*http.Response, error) {
	for {
		if err := awaitLine(in); err != nil {
			return nil, err
		}
		at := time.Now()
		resp, err := http.ReadResponse(in, post)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			a.answered = at
			return resp, nil
		}
	}
}

// post tells the reader of an answer what it is an answer to.
var post = &http.Request{Method: http.MethodPost}

// awaitLine waits until a line is there to be read, or as many bytes as the reader holds.
func awaitLine(in *bufio.Reader) error {
	for n := 1; ; {
		_, err := in.Peek(n)
		b, _ := in.Peek(in.Buffered()) // all that there is
		switch {
		case bytes.IndexByte(b, '\n') >= 0 || errors.Is(err, bufio.ErrBufferFull):
			return nil
		case err != nil:
			if errors.Is(err, io.EOF) && len(b) > 0 {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		n = len(b) + 1
	}
}

// why says in a few words what was wrong with a connection.
func why(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the consumer closed the connection"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}
