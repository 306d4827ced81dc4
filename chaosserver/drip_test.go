package chaosserver

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDrip: bytes come at their pace, to the instant, and the connection stays in use.
func TestDrip(t *testing.T) {
	for _, row := range []struct {
		scenario, request string
		takes             time.Duration // from the request to the last byte of the answer
		body              string
	}{
		// 20 bytes a second in pieces of 1: the last of 10 goes 9/20 s after the first.
		{"routes: [{match: '/', answers: [{text: '0123456789', drip: 20B/s}]}]", getX, 450 * time.Millisecond, "0123456789"},
		{"routes: [{match: '/', answers: [{text: '0123456789', drip: 20B/s, after: 4B}]}]", getX, 250 * time.Millisecond, "0123456789"},
		{"routes: [{match: '/', answers: [{text: '0123456789', drip: 20B/s, after: 50%, delay: 1s, body_delay: 2s}]}]", getX, 3200 * time.Millisecond, "0123456789"},
		// 400 bytes a second in pieces of 20.
		{"routes: [{match: '/', answers: [{size: 100B, drip: 400B/s}]}]", getX, 200 * time.Millisecond, ""},
		{"routes: [{match: '/', answers: [{text: a, do: drip, at: request-body, rate: 10B/s}]}]", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 400 * time.Millisecond, "a"},
		{"routes: [{match: '/', answers: [{text: a, do: drip, at: request-body, rate: 10B/s, after: 3B}]}]", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 100 * time.Millisecond, "a"},
	} {
		t.Run(row.scenario, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := serve(t, inMemory, row.scenario)
				c := dial(t, srv)
				for range 2 {
					begin := time.Now()
					c.say(t, row.request)
					got := c.answer(t)
					if took := time.Since(begin); took != row.takes {
						t.Errorf("it took %v, want %v", took, row.takes)
					}
					if !strings.HasSuffix(got, "\r\n\r\n"+row.body) && row.body != "" {
						t.Errorf("answered %q", got)
					}
				}
				must(t, c.Close())
				a := ended(t, srv, 2).Attempts[1]
				if !a.Whole || !strings.HasPrefix(a.Wire, "drip") || a.ConnRequest != 2 {
					t.Errorf("the attempt: %+v", a)
				}
			})
		})
	}
}

// TestDripOnWire: the bytes come apart from one another on a socket too, in their order.
func TestDripOnWire(t *testing.T) {
	srv := serve(t, onLoopback, "routes: [{match: '/', answers: [{text: '0123456789', do: drip, at: headers, rate: 4KiB/s}]}]")
	c := dial(t, srv)
	c.say(t, getX)
	if got := undated(t, c.answer(t)); got != head(tenBytes)+"0123456789" {
		t.Errorf("answered %q", got)
	}
	must(t, c.Close())
}

// TestDripGivenUp: a client that goes during a drip ends it.
func TestDripGivenUp(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "routes: [{match: '/', answers: [{size: 1MiB, drip: 1B/s}]}]")
			c := dial(t, srv)
			c.say(t, getX)
			_, err := io.CopyN(io.Discard, c.in, 20)
			must(t, err, c.Close())
			if a := ended(t, srv, 1).Attempts[0]; a.Whole || a.Failure != "" || a.Closed == 0 {
				t.Errorf("the attempt: %+v", a)
			}
		})
	}
}
