package chaosserver

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

const flaky = `
seed: 42
routes:
  - {match: "GET /items/:id", answers: [{status: 503}, {status: 429, retry_after: 1s}, {status: 200}]}
  - {match: POST /orders, answers: [{status: 201, json: {id: "{call}-{attempt}"}}]}
faults:
  - {name: gateway, chance: 20%, status: 502}
  - {name: cut, chance: 10%, reset: before-headers}
  - {name: slow, chance: 30%, delay: 1ms..3ms}
`

// TestSameFaultsForTheSameCall is the promise of the design: the k-th call meets the same faults under any concurrency.
func TestSameFaultsForTheSameCall(t *testing.T) {
	const calls, attempts = 100, 4
	play := func(concurrency int) map[string]string {
		got := map[string]string{}
		bubble(t, flaky, func(t *testing.T, srv *Server) {
			// On connections that are used again Go's client would replay what was cut, depending on which it used.
			client := &http.Client{Transport: &http.Transport{DialContext: srv.DialContext, DisableKeepAlives: true}}
			var wg sync.WaitGroup
			work := make(chan int)
			for range concurrency {
				wg.Go(func() {
					for call := range work {
						for range attempts {
							if res, err := client.Get(srv.CallURL(call) + "/items/x"); err == nil {
								_, _ = io.Copy(io.Discard, res.Body)
								_ = res.Body.Close()
							}
						}
					}
				})
			}
			for call := 1; call <= calls; call++ {
				work <- call
			}
			close(work)
			wg.Wait()
			synctest.Wait()
			for _, a := range srv.Journal().Log().Attempts {
				got[fmt.Sprint(a.CallNo, " ", a.N)] = fmt.Sprint(a.Status, a.Wire, a.Delay, a.Reason)
			}
		})
		return got
	}
	one, many := play(1), play(64)
	if len(one) != calls*attempts || !maps.Equal(one, many) {
		t.Errorf("%d attempts one by one, %d at 64: equal %v", len(one), len(many), maps.Equal(one, many))
	}
}

// TestManyClients: under load from many clients, with connections cut and runs begun anew in between, numbers stay whole
// and every attempt that began has ended once the server is closed.
func TestManyClients(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv, err := New(scenario(t, flaky))
			must(t, err)
			must(t, at.start(srv))
			var wg sync.WaitGroup
			anew := make(chan struct{}) // closed once the second run has begun, which no client leaves to the others
			for client := range 16 {
				wg.Go(func() {
					for i := range 60 {
						if i == 30 {
							<-anew
						}
						var res *http.Response
						var err error
						if i%2 == 0 {
							res, err = srv.Client().Get(fmt.Sprint(srv.URL(), "/items/", client%4))
						} else {
							res, err = srv.Client().Post(srv.CallURL(client*100+i)+"/orders", "text/plain", strings.NewReader("hello"))
						}
						if err == nil {
							_, _ = io.Copy(io.Discard, res.Body)
							_ = res.Body.Close()
						}
						switch {
						case client == 0 && i == 20:
							if err := srv.Reset(); err != nil {
								t.Error(err)
							}
							close(anew)
						case client == 1 && i%25 == 0:
							srv.CloseClientConnections()
						}
					}
				})
			}
			wg.Wait()
			must(t, srv.Close())
			log := srv.Journal().Log()
			conns := map[uint64]bool{}
			for _, c := range log.Conns {
				conns[c.ID] = c.Closed != journal.ClosedNot
			}
			seen := map[string]bool{}
			for i := range log.Attempts {
				a := &log.Attempts[i]
				key := fmt.Sprint(a.Call, " ", a.N)
				if !a.Ended || seen[key] || !conns[a.Conn] || a.Failure != "" {
					_, known := conns[a.Conn]
					t.Errorf("seen before %v, connection known %v, closed %v: %+v", seen[key], known, conns[a.Conn], a)
				}
				seen[key] = true
			}
			if len(log.Attempts) < 100 || len(log.Dropped) > 0 {
				t.Errorf("%d attempts, dropped %v", len(log.Attempts), log.Dropped)
			}
		})
	}
}

// TestResetsBesideEnds: however a run begins while connections end, the connection of each attempt in its record is there too,
// and what ends behind the last reset has ended in the last run.
func TestResetsBesideEnds(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "faults: [{chance: 30%, reset: before-headers}, {chance: 10%, close: headers, after: 5B}]")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for ctx.Err() == nil {
						if res, err := srv.Client().Post(srv.URL(), "", strings.NewReader("x")); err == nil { // never replayed
							_, _ = io.Copy(io.Discard, res.Body)
							_ = res.Body.Close()
						}
					}
				})
			}
			runs := []*journal.Journal{srv.Journal()}
			for range 100 {
				must(t, srv.Await(t.Context(), func(log *journal.Log) bool { return len(log.Attempts) >= 10 }))
				must(t, srv.Reset())
				runs = append(runs, srv.Journal())
			}
			stop()
			clients.Wait()
			must(t, srv.Close())
			for i, run := range runs {
				conns := map[uint64]journal.Closer{}
				for _, c := range run.Log().Conns {
					conns[c.ID] = c.Closed
				}
				for _, a := range run.Log().Attempts {
					if _, known := conns[a.Conn]; !known {
						t.Errorf("run %d has no connection %d: %+v", i, a.Conn, a)
					}
				}
				for id, how := range conns {
					if i == len(runs)-1 && how == journal.ClosedNot {
						t.Errorf("connection %d of the last run has not ended", id)
					}
				}
			}
		})
	}
}

// FuzzStream: whatever a client sends, it gets answers or an end, and every attempt in the journal has ended.
func FuzzStream(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("GET /~1/items/2 HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nPOST /"))
	f.Add([]byte("POST /orders HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET http://y/a HTTP/1.1\r\nHost:\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	s, err := parseScenario(flaky)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		synctest.Test(t, func(t *testing.T) {
			srv, err := New(s)
			must(t, err)
			must(t, srv.StartMemory())
			c := dial(t, srv)
			go func() {
				_, _ = c.Write(stream)
				_ = c.CloseWrite()
			}()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			time.Sleep(time.Second)
			synctest.Wait()
			log := srv.Journal().Log()
			for i := range log.Attempts {
				if !log.Attempts[i].Ended {
					t.Errorf("%q: %+v", stream, log.Attempts[i])
				}
			}
			if log.Conns[0].Closed == journal.ClosedNot {
				t.Errorf("%q: the connection is open", stream)
			}
			must(t, srv.Close())
		})
	})
}
