package chaosserver

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// TestBodyIsHashedWhole: length and hash are of the whole body, what is kept of it is its beginning.
func TestBodyIsHashedWhole(t *testing.T) {
	body := strings.Repeat("0123456789", 1<<18) // 2.5 MiB
	for _, row := range []struct{ how, want string }{
		{"length", "Content-Length"}, {"chunked", "Transfer-Encoding"},
	} {
		srv := serve(t, onLoopback, "routes: [{match: {method: POST, path: /, body: '89'}, answers: [{status: 201}]}, {match: /, answers: [{status: 400}]}]",
			WithMaxBody(100), WithJournal(journal.Options{KeepBody: 10}))
		req, err := http.NewRequest("POST", srv.URL()+"/", strings.NewReader(body))
		must(t, err)
		if row.how == "chunked" {
			req.ContentLength = -1
		}
		for range 2 { // a connection that is used again has forgotten the first body
			if req.Body, err = req.GetBody(); err != nil {
				t.Fatal(err)
			}
			res, err := srv.Client().Do(req)
			must(t, err)
			_, err = io.Copy(io.Discard, res.Body)
			must(t, err, res.Body.Close())
			if res.StatusCode != 201 {
				t.Errorf("%s: %d, want 201", row.how, res.StatusCode)
			}
		}
		for _, a := range ended(t, srv, 2).Attempts {
			if a.BodyLen != int64(len(body)) || a.BodySHA256 != sha256.Sum256([]byte(body)) || string(a.Body) != "0123456789" || !a.BodyWhole || a.Conn != 1 {
				t.Errorf("%s: %d bytes, hash %x, kept %q, whole %v, connection %d", row.how, a.BodyLen, a.BodySHA256, a.Body, a.BodyWhole, a.Conn)
			}
			if !strings.Contains(fmt.Sprint(a.Headers), row.want) {
				t.Errorf("%s: %v", row.how, a.Headers)
			}
		}
	}
}

// TestMatchedBodyIsBounded: what lies beyond the limit is not matched.
func TestMatchedBodyIsBounded(t *testing.T) {
	srv := serve(t, inMemory, "routes: [{match: {path: /, body: needle}}, {match: /, answers: [{status: 400}]}]", WithMaxBody(10))
	for body, want := range map[string]int{"xxxxneedle": 200, "xxxxxneedle": 400} {
		res, err := srv.Client().Post(srv.URL()+"/", "text/plain", strings.NewReader(body))
		must(t, err, res.Body.Close())
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, res.StatusCode, want)
		}
	}
}

// TestHeaderBound: a header block within the bound is journalled whole; one beyond it is refused, and journalled too.
func TestHeaderBound(t *testing.T) {
	srv := serve(t, onLoopback, "", WithMaxHeader(200<<10))
	c := dial(t, srv)
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("y", 150<<10)+"\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("within the bound: %q", got)
	}
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("y", 400<<10)+"\r\n\r\n")
	if got, _ := c.rest(t); !strings.HasPrefix(got, "HTTP/1.1 431") {
		t.Errorf("beyond it: %q", got)
	}
	log := ended(t, srv, 2)
	if a := log.Attempts[0]; len(a.Headers) != 1 || len(a.Headers[0].Value) != 150<<10 || !a.HeaderOrderLost || a.Host != "x" {
		t.Errorf("within the bound: %d fields, order lost %v", len(a.Headers), a.HeaderOrderLost)
	}
	if a := log.Attempts[1]; a.Status != 431 || a.Method != "" || !a.Ambiguous || a.ConnRequest != 2 {
		t.Errorf("beyond it: %+v", a)
	}
}

// TestEndlessSenders: clients that never finish sending hold the connection's memory and the kept part of the body, and
// nothing beyond, however much they send.
func TestEndlessSenders(t *testing.T) {
	const (
		clients = 40
		sent    = 4 << 20 // bytes, by each
		bound   = 160 << 10
	)
	srv := serve(t, onLoopback, "")
	before := heap()
	conns := make([]*wireConn, clients)
	for i := range conns {
		conns[i] = dial(t, srv)
		conns[i].say(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10))
	for n := 0; n < sent; n += 64 << 10 {
		for _, c := range conns {
			c.say(t, chunk)
		}
	}
	if each := int64(heap()-before) / clients; each > bound {
		t.Errorf("each client holds %d bytes, more than %d", each, bound)
	}
	for _, c := range conns {
		must(t, c.SetLinger(0), c.Close())
	}
	for _, a := range ended(t, srv, clients).Attempts {
		if a.BodyWhole || a.Closed != journal.ClosedByClientRST {
			t.Errorf("journalled: %+v", a)
		}
	}
}

// heap is the live heap in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestLiveCallsAreBounded: beyond the bound the journal says that a live call had to go.
func TestLiveCallsAreBounded(t *testing.T) {
	srv := serve(t, inMemory, "faults: [{status: 503}]", WithMaxCalls(5))
	for i := range 8 {
		_, _, err := get(t, srv, fmt.Sprint("/", i))
		must(t, err)
	}
	log := ended(t, srv, 8)
	n := 0
	for _, d := range log.Dropped {
		n += d.Count
	}
	if n != 3 {
		t.Errorf("%d drops journalled, want 3: %+v", n, log.Dropped)
	}
}

// TestLongTargetsAreShortened: the table of calls keeps little of a target or name, and still tells them apart.
func TestLongTargetsAreShortened(t *testing.T) {
	srv := serve(t, inMemory, "faults: [{status: 503}]")
	long := strings.Repeat("x", 100<<10)
	before := heap()
	for i := range 100 {
		for range 2 {
			_, _, err := get(t, srv, fmt.Sprint("/", long, i))
			must(t, err)
		}
	}
	srv.Client().CloseIdleConnections()
	calls := map[string]int{}
	for _, a := range ended(t, srv, 200).Attempts {
		calls[a.Call]++
	}
	for name, n := range calls {
		if n != 2 || len(name) > maxName+100 {
			t.Errorf("%d attempts of a call with a name of %d bytes, want 2", n, len(name))
		}
	}
	if len(calls) != 100 {
		t.Errorf("%d calls, want 100", len(calls))
	}
	if grown := int64(heap() - before); grown > 4<<20 {
		t.Errorf("100 calls with targets of 100 KiB hold %d bytes", grown)
	}
}

// TestBadOptions: an option out of its range is named with its range.
func TestBadOptions(t *testing.T) {
	for _, row := range []struct {
		o    Option
		want string
	}{
		{WithMaxCalls(0), "chaosserver: WithMaxCalls(0): at least 1"},
		{WithMaxBuckets(0), "chaosserver: WithMaxBuckets(0): at least 1"},
		{WithMaxBody(-1), "chaosserver: WithMaxBody(-1): at least 0"},
		{WithMaxHeader(0), "chaosserver: WithMaxHeader(0): at least 1"},
		{WithReadTimeout(-time.Second), "chaosserver: WithReadTimeout(-1s): at least 0"},
	} {
		if _, err := New(scenario(t, ""), row.o); err == nil || err.Error() != row.want {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
	srv, err := New(scenario(t, ""), WithAddr("not an address"))
	must(t, err)
	if err := srv.Start(); err == nil {
		t.Error("a server started on no address")
	}
	must(t, srv.Close())
}
