package chaosserver

import (
	"fmt"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// seen is what a client gets to see of an answer that is struck: its whole bytes but for the Date, and the end of the
// connection.
type seen struct {
	bytes, end string
}

// exchangeOnce sends a request, and returns what comes back until the connection ends.
func exchangeOnce(t *testing.T, srv *Server, request string) seen {
	t.Helper()
	c := dial(t, srv)
	c.say(t, request)
	got, end := c.rest(t)
	must(t, c.Close())
	if strings.Contains(got, "Date: ") && strings.Contains(got, "\r\n\r\n") {
		got = undated(t, got)
	}
	return seen{got, end}
}

const getX = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// head is the header block of an answer of 200 without its Date.
func head(fields string) string { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" }

const (
	plainText = "Content-Type: text/plain; charset=utf-8\r\n"
	tenBytes  = "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n"
	chunked   = "Content-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
)

// TestCuts looks at the cuts of an answer: which bytes came, in their order, and whether FIN or RST ended them. What went
// before a RST has come.
func TestCuts(t *testing.T) {
	for _, row := range []struct {
		answer      string
		want        string
		status      int
		whole, dies bool // the journal calls the answer whole; the answer ends the connection
		wire        string
	}{
		{"reset: headers, after: 20B", "HTTP/1.1 200 OK\r\nCon", 0, false, true, "rst headers after 20B"},
		{"close: headers, after: 9B", "HTTP/1.1 ", 0, false, true, "fin headers after 9B"},
		{"reset: headers, after: 0B", "", 0, false, true, "rst headers after 0B"},
		{"reset: body", head(tenBytes), 200, false, true, "rst body"},
		{"close: body, after: 4B", head(tenBytes) + "0123", 200, false, true, "fin body after 4B"},
		{"reset: body, after: 9B", head(tenBytes) + "012345678", 200, false, true, "rst body after 9B"},
		{"truncate: 50%", head(tenBytes) + "01234", 200, false, true, "fin body after 50%"},
		{"framing: chunked, truncate: 3B", head(chunked) + "a\r\n012", 200, false, true, "fin body after 3B"},
		{"framing: chunked, truncate: 100%", head(chunked) + "a\r\n0123456789\r\n", 200, false, true, "fin body after 100%"},
		{"framing: chunked, reset: body, after: 100%", head(chunked) + "a\r\n0123456789\r\n", 200, false, true, "rst body after 100%"},
		{"reset: end", head(tenBytes) + "0123456789", 200, true, true, "rst end"},
		{"close: end", head(tenBytes) + "0123456789", 200, true, true, "fin end"},
		{"framing: chunked, close: end", head(chunked) + "a\r\n0123456789\r\n0\r\n\r\n", 200, true, true, "fin end"},
		{"garbage: body, bytes: '<junk>'", head(tenBytes) + "<junk>", 200, false, true, "garbage body"},
		{"garbage: body, bytes: '<junk>', after: 2B", head(tenBytes) + "01<junk>", 200, false, true, "garbage body after 2B"},
		{"garbage: before-headers, bytes: '<junk>'", "<junk>", 0, false, true, "garbage before-headers"},
		{"body_delay: 1ms, truncate: 5B", head(tenBytes) + "01234", 200, false, true, "fin body after 5B"},
		{"interim: 103, reset: body", "HTTP/1.1 103 Early Hints\r\n\r\n" + head(tenBytes), 200, false, true, "rst body"},
	} {
		for _, at := range places {
			t.Run(row.answer+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "routes: [{match: GET /, answers: [{status: 200, text: '0123456789', "+row.answer+"}]}]")
				want := seen{row.want, "fin"}
				closer := journal.ClosedByServerFIN
				if strings.HasPrefix(row.wire, "rst") {
					want.end, closer = "rst", journal.ClosedByServerRST
				}
				if got := exchangeOnce(t, srv, getX); got != want {
					t.Errorf("the client saw %q, %s; want %q, %s", got.bytes, got.end, want.bytes, want.end)
				}
				a := ended(t, srv, 1).Attempts[0]
				if a.Status != row.status || a.Whole != row.whole || a.Closed != closer || a.Wire != row.wire || a.Failure != "" {
					t.Errorf("the attempt: %+v", a)
				}
			})
		}
	}
}

// TestCutOfLargeBody: a RST behind more than the kernel sends at once does not overtake it, whatever the framing.
func TestCutOfLargeBody(t *testing.T) {
	for _, framing := range []string{"length", "chunked", "close"} {
		for _, at := range places {
			t.Run(framing+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "routes: [{match: GET /, answers: [{status: 200, size: 4MiB, framing: "+framing+", reset: body, after: 3MiB}]}]")
				got := exchangeOnce(t, srv, getX)
				_, body, _ := strings.Cut(got.bytes, "\r\n\r\n")
				want := 3 << 20
				if framing == "chunked" {
					want += 192 * len("4000\r\n\r\n")
				}
				if len(body) != want || got.end != "rst" {
					t.Errorf("%d bytes of a body came, and %s; want %d and rst", len(body), got.end, want)
				}
			})
		}
	}
}

// TestUnfit: a wire fault that finds nothing to strike is told, in the answer and in the journal.
func TestUnfit(t *testing.T) {
	for _, row := range []struct{ scenario, request, failure string }{
		{"faults: [{truncate: 1KiB}]", getX, "fin body after 1KiB: the body has only 30 bytes"},
		{"faults: [{truncate: 1B}]", "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "fin body after 1B: the answer has no body"},
		{"faults: [{reset: headers, after: 1KiB}]", getX, "rst headers after 1KiB: the header block has only"},
		{"faults: [{reset: idle}]", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "rst idle: the connection ends with the answer"},
		{"faults: [{status: 200, framing: chunked}]", "GET / HTTP/1.0\r\n\r\n", "framing: chunked cannot be sent to a client of HTTP/1.0"},
		{"faults: [{status: 200, interim: 103}]", "GET / HTTP/1.0\r\n\r\n", "interim cannot be sent to a client of HTTP/1.0"},
		{"faults: [{reset: request-body, after: 9B}]", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "rst request-body after 9B: the request's body has only 5 bytes"},
		{"faults: [{reset: request-body, after: 50%}]", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "rst request-body after 50%: a share"},
		{"faults: [{status: 503, early: 9B}]", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "early: the request's body has only 5 bytes"},
	} {
		t.Run(row.scenario+fmt.Sprint(len(row.request)), func(t *testing.T) {
			srv := serve(t, onLoopback, row.scenario)
			c := dial(t, srv)
			c.say(t, row.request)
			line, err := c.in.ReadString('\n')
			must(t, err)
			if !strings.Contains(line, " 500 ") {
				t.Errorf("answered %q", line)
			}
			if a := ended(t, srv, 1).Attempts[0]; !strings.HasPrefix(a.Failure, row.failure) || a.Status != 500 || a.Wire != "" {
				t.Errorf("the failure is %q, want %q: %+v", a.Failure, row.failure, a)
			} else if strings.HasPrefix(row.request, "POST") && (string(a.Body) != "hello" || a.BodyLen != 5 || !a.BodyWhole) {
				t.Errorf("the body in the journal is %q, %d bytes, whole %v", a.Body, a.BodyLen, a.BodyWhole)
			}
		})
	}
}
