package chaosserver

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

// TestIdleFaults looks at what comes on a connection that was kept, behind a whole answer.
func TestIdleFaults(t *testing.T) {
	for _, row := range []struct{ fault, stray, end string }{
		{"reset: idle", "", "rst"},
		{"close: idle", "", "fin"},
		{"garbage: idle, bytes: \"HTTP/1.1 408 Request Timeout\\r\\n\\r\\n\"", "HTTP/1.1 408 Request Timeout\r\n\r\n", "fin"},
	} {
		for _, at := range places {
			t.Run(row.fault+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "routes: [{match: GET /, answers: [{text: '0123456789', "+row.fault+", wait: 1ms}]}]")
				got := exchangeOnce(t, srv, getX)
				if want := (seen{head(tenBytes) + "0123456789" + row.stray, row.end}); got != want {
					t.Errorf("the client saw %q, %s; want %q, %s", got.bytes, got.end, want.bytes, want.end)
				}
				log := closed(t, srv, 1)
				a, how := log.Attempts[0], log.Conns[0].Closed
				closer := map[string]journal.Closer{"rst": journal.ClosedByServerRST, "fin": journal.ClosedByServerFIN}[row.end]
				if !a.Whole || a.Status != 200 || a.Closed != journal.ClosedNot || how != closer {
					t.Errorf("closed by %v: %+v", how, a)
				}
			})
		}
	}
}

// TestIdleWait: a fault at idle strikes a connection that has been idle for its wait, not before; a request puts it off; and
// a connection that its client ends first is not struck.
func TestIdleWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serve(t, inMemory, "routes: [{match: GET /, answers: [{reset: idle, wait: 1s}, {}]}]")
		c := dial(t, srv)
		begin := time.Now()
		for range 3 {
			c.say(t, getX)
			c.answer(t)
			time.Sleep(999 * time.Millisecond)
		}
		c.say(t, getX)
		c.answer(t)
		if got, end := c.rest(t); got != "" || end != "rst" {
			t.Errorf("%q, then %s", got, end)
		}
		if at := time.Since(begin); at != 3*999*time.Millisecond+time.Second {
			t.Errorf("struck after %v", at)
		}
		c = dial(t, srv)
		c.say(t, getX)
		c.answer(t)
		must(t, c.Close())
		time.Sleep(2 * time.Second)
		if how := srv.Journal().Log().Conns[1].Closed; how != journal.ClosedByClientFIN {
			t.Errorf("closed by %v", how)
		}
	})
}

// TestLateRequest: a request behind the end that a fault gave the connection, or behind an answer that was said to be the
// last, gets no answer and is in the journal.
func TestLateRequest(t *testing.T) {
	for _, row := range []struct{ answer, stray string }{
		{"close: idle, wait: 0s", ""},
		{"garbage: idle, bytes: '<junk>', wait: 0s", "<junk>"},
		{"connection: close, linger: 1h", ""},
	} {
		for _, at := range places {
			t.Run(row.answer+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "routes: [{match: GET /, answers: [{text: '0123456789', "+row.answer+"}]}]")
				c := dial(t, srv)
				c.say(t, getX)
				answer := c.answer(t)
				if strings.Contains(answer, "Connection: close\r\n") != strings.HasPrefix(row.answer, "connection") {
					t.Errorf("answered %q", answer)
				}
				if strings.Contains(row.answer, "idle") {
					if got, end := c.rest(t); got != row.stray || end != "fin" {
						t.Errorf("%q, then %s", got, end)
					}
				}
				c.say(t, getX)
				a := ended(t, srv, 2).Attempts[1]
				if a.Conn != 1 || a.ConnRequest != 2 || a.Status != 0 || a.Whole || a.BytesSent != 0 || a.Closed != journal.ClosedByServerFIN || a.Reason == "" {
					t.Errorf("the late attempt: %+v", a)
				}
				if got, end := c.rest(t); got != "" || end != "fin" {
					t.Errorf("behind it %q, then %s", got, end)
				}
				must(t, c.Close())
			})
		}
	}
}

// TestLinger: a connection whose answer was said to be the last stays open for its linger and then ends with a FIN.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serve(t, inMemory, "routes: [{match: GET /, answers: [{connection: close, linger: 2s}]}]")
		c := dial(t, srv)
		begin := time.Now()
		c.say(t, getX)
		c.answer(t)
		if got, end := c.rest(t); got != "" || end != "fin" || time.Since(begin) != 2*time.Second {
			t.Errorf("%q, then %s after %v", got, end, time.Since(begin))
		}
		must(t, c.Close())
	})
	for _, at := range places {
		srv := serve(t, at, "routes: [{match: GET /, answers: [{text: '0123456789', connection: close}]}]")
		want := seen{head("Connection: close\r\n"+tenBytes) + "0123456789", "fin"}
		if got := exchangeOnce(t, srv, getX); got != want {
			t.Errorf("without a linger: %+v, want %+v", got, want)
		}
	}
}
