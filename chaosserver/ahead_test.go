package chaosserver

import (
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// TestUploadFaults: a fault at request-body strikes behind so much of it, and leaves the rest unread.
func TestUploadFaults(t *testing.T) {
	const upload = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
	for _, row := range []struct {
		fault, request string
		read           int64
		end            string
	}{
		{"reset: request-body", upload, 0, "rst"},
		{"reset: request-body, after: 4B", upload + "0123456", 4, "rst"},
		{"close: request-body, after: 50%", upload + "0123456789", 5, "fin"},
		{"close: request-body", upload + "0123456789", 0, "fin"},
		{"reset: request-body", getX, 0, "rst"},
	} {
		for _, at := range places {
			t.Run(row.fault+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "faults: [{"+row.fault+"}]")
				if got := exchangeOnce(t, srv, row.request); got != (seen{"", row.end}) {
					t.Errorf("the client saw %q, %s; want nothing and %s", got.bytes, got.end, row.end)
				}
				a := ended(t, srv, 1).Attempts[0]
				closer := map[string]journal.Closer{"rst": journal.ClosedByServerRST, "fin": journal.ClosedByServerFIN}[row.end]
				if a.BodyLen != row.read || a.BodyWhole != (row.request == getX) || a.Closed != closer || a.Status != 0 || a.Ambiguous || a.Failure != "" {
					t.Errorf("the attempt: %+v", a)
				}
			})
		}
	}
}

// TestUploadRetried: attempts of one call are one call though their bodies are not known when they are decided about, and
// the list of answers goes on.
func TestUploadRetried(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "routes: [{match: POST /, answers: [{reset: request-body, after: 4B}, {text: '0123456789'}]}]")
			upload := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
			if got := exchangeOnce(t, srv, upload); got != (seen{"", "rst"}) {
				t.Errorf("%+v", got)
			}
			c := dial(t, srv)
			c.say(t, upload)
			if got := undated(t, c.answer(t)); got != head(tenBytes)+"0123456789" {
				t.Errorf("answered %q", got)
			}
			must(t, c.Close())
			a := ended(t, srv, 2).Attempts[1]
			if a.N != 2 || a.CallNo != 1 || !a.BodyWhole || a.Ambiguous {
				t.Errorf("the attempt: %+v", a)
			}
		})
	}
}

// TestEarly: the answer comes before the request's body has, and the connection is used again once that was sent whole.
func TestEarly(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "routes: [{match: POST /, answers: [{status: 413, text: large, early: 3B}, {text: '0123456789'}]}]")
			c := dial(t, srv)
			c.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123")
			if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.HasSuffix(got, "large") {
				t.Errorf("answered %q", got)
			}
			c.say(t, "456789POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")
			if got := undated(t, c.answer(t)); got != head(tenBytes)+"0123456789" {
				t.Errorf("answered %q", got)
			}
			must(t, c.Close())
			log := ended(t, srv, 2)
			first, second := log.Attempts[0], log.Attempts[1]
			if first.BodyLen != 3 || first.BodyWhole || !first.Whole || second.N != 2 || second.ConnRequest != 2 || !second.BodyWhole {
				t.Errorf("%+v\n%+v", first, second)
			}
		})
	}
}

// TestEarlyUnanswered: a client that awaits leave to send its body, and gets an answer instead, sends none.
func TestEarlyUnanswered(t *testing.T) {
	srv := serve(t, onLoopback, "routes: [{match: POST /, answers: [{status: 413, text: large, early: 0B}]}]")
	got := exchangeOnce(t, srv, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if !strings.HasPrefix(got.bytes, "HTTP/1.1 413 ") || !strings.Contains(got.bytes, "Connection: close\r\n") || got.end != "fin" {
		t.Errorf("%+v", got)
	}
}

// TestNextBehindUpload: where the whole body has been read before the attempt is carried out, the request that came with it
// keeps its header block.
func TestNextBehindUpload(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nX-Last: 1\r\nContent-Length: 5\r\n\r\nhello"
	for _, row := range []struct{ name, yaml string }{
		{"early at its end", "routes: [{match: POST /, answers: [{early: 5B}]}]"},
		{"a fault beyond its end", "faults: [{reset: request-body, after: 9B}]"},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, row.yaml)
				c := dial(t, srv)
				c.say(t, post+post)
				c.answer(t)
				c.answer(t)
				must(t, c.Close())
				for _, a := range ended(t, srv, 2).Attempts {
					if a.HeaderOrderLost || len(a.Headers) != 3 || a.Headers[1].Name != "X-Last" || a.BodyLen != 5 {
						t.Errorf("%+v", a)
					}
				}
			})
		}
	}
}
