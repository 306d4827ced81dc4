package chaosserver

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// TestIdleConnectionsKeepNothing: what a client sent, however much, is gone once it has been answered: its connection
// keeps buffers of a bounded size, and the table of calls a name. net/http itself remembers the method of the last request
// on a connection, and with it the request line, so that this one text stays.
func TestIdleConnectionsKeepNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const (
		clients = 40
		long    = 300 << 10 // bytes
		bound   = 64 << 10  // for both ends of the connection, and the call
	)
	big := strings.Repeat("x", long)
	for _, row := range []struct{ name, yaml, request string }{
		{"nothing", "", getX},
		{"target", "", "GET /" + big + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"query", "", "GET /?" + big + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"call in the path", "", "GET /~" + big + "/items HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"method", "", big + " / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"host", "", "GET / HTTP/1.1\r\nHost: " + big + "\r\n\r\n"},
		{"field", "", "GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + big + "\r\n\r\n"},
		{"fields", "", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Field: some value\r\n", long/21) + "\r\n"},
		{"fields that are kept as they came", "", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Field: some value\r\n", 60<<10/21) + "\r\n"},
		{"authorization", "", "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + big + "\r\n\r\n"},
		{"client", "identity: {client: header X-Client}", "GET / HTTP/1.1\r\nHost: x\r\nX-Client: " + big + "\r\n\r\n"},
		{"client of a list", "identity: {client: header X-Client}\nroutes: [{match: /, per: client}]", "GET / HTTP/1.1\r\nHost: x\r\nX-Client: " + big + "\r\n\r\n"},
		{"event of a list", "routes: [{match: '/e/:event', per: event}]", "GET /e/" + big + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"call in a field", "identity: {by: header X-Call}", "GET / HTTP/1.1\r\nHost: x\r\nX-Call: " + big + "\r\n\r\n"},
		{"key", "routes: [{match: /, answers: [{json: {key: '{key}'}}]}]", "GET / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + big + "\r\n\r\n"},
		{"key of the ledger", "routes: [{match: /, commit: {key: Idempotency-Key}, answers: [{json: {key: '{key}'}}]}]", "GET / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + big + "\r\n\r\n"},
		{"key of a limit", "limits: [{rate: 1/1h, burst: 9, by: header X-Key}]", "GET / HTTP/1.1\r\nHost: x\r\nX-Key: " + big + "\r\n\r\n"},
		{"body", "", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(long) + "\r\n\r\n" + big},
		{"body in gzip back", "routes: [{match: /, answers: [{json: {key: '{key}'}, encoding: gzip}]}]", "GET / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + big + "\r\n\r\n"},
		{"no route", "routes: [{match: '/items/:id/of/:owner'}]", "GET /" + big + " HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := serve(t, onLoopback, row.yaml, WithJournal(journal.Options{MaxBytes: 1 << 20}))
			before := heap()
			conns := make([]*wireConn, clients)
			for i := range conns {
				c := dial(t, srv)
				conns[i] = c
				c.say(t, strings.Replace(row.request, "xxxxxxxx", fmt.Sprintf("%08d", i), 1)) // no two are the same
				if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") && row.name != "no route" {
					t.Fatalf("%.200q", got)
				}
			}
			runtime.GC() // what is pooled takes two of them
			most := int64(bound)
			if line, _, _ := strings.Cut(row.request, "\r\n"); len(line) > long {
				most += int64(len(line)) * 9 / 8 // as it is allocated
			}
			if each := int64(heap()-before) / clients; each > most {
				t.Errorf("each client holds %d bytes, want at most %d", each, most)
			}
			runtime.KeepAlive(conns)
		})
	}
}

// nowhere takes an answer.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// TestUniqueValuesKeepMemoryFlat: fifty thousand values of a kind, each seen once, take no more memory than the first of them.
func TestUniqueValuesKeepMemoryFlat(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const values = 50_000
	for _, row := range []struct {
		name, yaml string
		mark       func(r *http.Request, value string)
	}{
		{"paths", "faults: [{status: 503}]", onPath("/items/")},
		{"paths that are answered well", "", onPath("/items/")},
		{"calls in paths", "faults: [{status: 503}]", onPath("/~")},
		{"calls that the scenario names", "identity: {by: path}\nroutes: [{match: '/c/:call'}]\nfaults: [{status: 503}]", onPath("/c/")},
		{"calls in fields", "identity: {by: header X-Call}\nfaults: [{status: 503}]", inField("X-Call")},
		{"clients", "identity: {client: header X-Client}\nroutes: [{match: /, per: client}]", inField("X-Client")},
		{"clients by their secret", "routes: [{match: /, per: client}]", inField("Authorization")},
		{"events", "routes: [{match: '/e/:event', per: event}]", onPath("/e/")},
		{"keys", "", inField("Idempotency-Key")},
		{"keys of the ledger", "routes: [{match: /, commit: {key: Idempotency-Key}}]", inField("Idempotency-Key")},
		{"addresses", "routes: [{match: /, per: client}]", func(r *http.Request, value string) { r.RemoteAddr = value + ":80" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv, err := New(scenario(t, row.yaml), AsHandler(), WithMaxCalls(1000), WithMaxKeys(400), WithJournal(journal.Options{MaxBytes: 1 << 20, MaxRecords: 1000}))
			must(t, err)
			defer srv.Close()
			r := &http.Request{Method: "GET", RequestURI: "/", URL: &url.URL{Path: "/"}, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "127.0.0.1:9"}
			w := nowhere{http.Header{}}
			ask := func(from, to int) {
				for i := from; i < to; i++ {
					row.mark(r, fmt.Sprint("value-", i))
					clear(w.header)
					srv.ServeHTTP(w, r)
				}
			}
			ask(0, values/100)
			before := heap()
			ask(values/100, values)
			if grown := int64(heap() - before); grown > 1<<20 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
		})
	}
}

func onPath(begin string) func(*http.Request, string) {
	return func(r *http.Request, value string) { r.RequestURI = begin + value }
}

func inField(name string) func(*http.Request, string) {
	return func(r *http.Request, value string) { r.Header[http.CanonicalHeaderKey(name)] = []string{value} }
}
