package chaosserver

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
)

// TestAllocations: on a literal route an attempt allocates at most 4 times more than under a bare handler of net/http,
// with everything on: chance faults, a call of its own, the journal.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"item_0001","state":"active"}`)
	}))
	defer bare.Close()
	srv := serve(t, onLoopback, `
routes: [{match: GET /a}, {match: GET /items, answers: [{json: {id: item_0001, state: active}}]}]
faults: [{name: flaky, chance: 10%, status: 503}, {name: slow, chance: 1%, delay: 1us}]
`)
	floor := allocations(t, bare.Listener.Addr().String())
	ours := allocations(t, srv.URL()[len("http://"):])
	t.Logf("%.2f allocations a request, bare net/http %.2f", ours, floor)
	if ours > floor+4 {
		t.Errorf("%.2f allocations a request, bare net/http %.2f: more than 4 beyond it", ours, floor)
	}
}

// allocations is how often the process allocates for one request on a connection that is kept alive. Its own client does
// not.
func allocations(t *testing.T, addr string) float64 {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	request := []byte("GET /items HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: test/1\r\nAccept: */*\r\n\r\n")
	buf := make([]byte, 4096)
	ask := func(n int) {
		for range n {
			_, err := c.Write(request)
			must(t, err)
			_, err = c.Read(buf) // an answer is one write
			must(t, err)
		}
	}
	const n = 4000
	ask(n) // warms up
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ask(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / n
}

// BenchmarkExchange is one request and answer on a connection in memory.
func BenchmarkExchange(b *testing.B) {
	srv := serve(b, inMemory, "routes: [{match: GET /items}]\nfaults: [{name: flaky, chance: 10%, status: 503}]")
	c := dial(b, srv)
	request := []byte("GET /items HTTP/1.1\r\nHost: x\r\n\r\n")
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		_, err := c.Write(request)
		must(b, err)
		_, err = c.Read(buf)
		must(b, err)
	}
}
