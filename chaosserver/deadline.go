package chaosserver

import (
	"fmt"
	"net/http"
	"time"
)

// Of the bound that [WithReadTimeout] sets net/http keeps what concerns the rest of a request whose first four bytes have
// come. Here is what is left: a client that stops within those, behind an earlier request, and the word that an attempt
// is owed whose header block never came.

// SetReadDeadline sets the deadline that net/http wants. It wants none between two requests, and while an answer is made;
// where a part of the next header block is there already, that has to be whole in time.
func (c *conn) SetReadDeadline(t time.Time) error {
	if t.IsZero() && c.srv.config.readTimeout > 0 {
		c.mu.Lock()
		if !c.first.IsZero() && !c.whole && !c.lost {
			t = c.first.Add(c.srv.config.readTimeout)
		}
		c.mu.Unlock()
	}
	return c.raw.SetReadDeadline(t)
}

// began sets the deadline of a request whose first byte has come behind others on the connection. It requires mu.
func (c *conn) began() {
	if d := c.srv.config.readTimeout; d > 0 && c.requests > 0 && !c.serving && !c.whole {
		_ = c.raw.SetReadDeadline(c.first.Add(d)) // fails once the connection has ended, as the next read will
	}
}

// timedOut records and answers a request whose header block did not come in time. It does nothing where none had begun.
func (c *conn) timedOut() {
	c.mu.Lock()
	begun := !c.first.IsZero() && !c.serving && !c.swallow // net/http may read again behind the first timeout
	c.mu.Unlock()
	if !begun {
		return
	}
	text := fmt.Sprintf("%d %s", http.StatusRequestTimeout, http.StatusText(http.StatusRequestTimeout))
	answer := "HTTP/1.1 " + text + "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + text
	_, _ = c.refuse([]byte(answer), reasonBrokeOff, c.srv.tooLate()) // the connection ends, whatever came of it
	c.answered()                                                     // net/http may take the last line for a whole one, and complain of it
}

// tooLate says of a request that it did not come in time.
func (s *Server) tooLate() string {
	return "the request was not received within " + s.config.readTimeout.String()
}
