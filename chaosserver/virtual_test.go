package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// bubble runs a test in virtual time, with a server in memory that is closed at its end. That synctest.Test returns
// shows that Close ended every goroutine.
func bubble(t *testing.T, yaml string, f func(*testing.T, *Server), opts ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(scenario(t, yaml), opts...)
		must(t, err)
		must(t, srv.StartMemory())
		f(t, srv)
		must(t, srv.Close())
	})
}

// get makes a request, and returns the status and how long it took.
func get(t *testing.T, srv *Server, path string) (int, time.Duration, error) {
	t.Helper()
	start := time.Now()
	res, err := srv.Client().Get(srv.URL() + path)
	if err != nil {
		return 0, time.Since(start), err
	}
	_, err = io.Copy(io.Discard, res.Body)
	must(t, err, res.Body.Close())
	return res.StatusCode, time.Since(start), nil
}

// TestDelaysAreExact: in virtual time the first byte comes exactly when the delay is over, never before.
func TestDelaysAreExact(t *testing.T) {
	for _, row := range []struct {
		yaml string
		want []time.Duration // of the attempts of one call
	}{
		{"routes: [{match: GET /, answers: [{delay: 250ms, status: 503}, {status: 200}]}]", []time.Duration{250 * time.Millisecond, 0}},
		{"faults: [{delay: 90m}]", []time.Duration{90 * time.Minute}},
		{"faults: [{delay: 1s, status: 503}, {delay: 2s, when: {attempt: 1}}]", []time.Duration{3 * time.Second, time.Second}},
		{"faults: [{status: 503, delay: 1us}]", []time.Duration{time.Microsecond, time.Microsecond}},
	} {
		bubble(t, row.yaml, func(t *testing.T, srv *Server) {
			for i, want := range row.want {
				if _, took, err := get(t, srv, "/"); err != nil || took != want {
					t.Errorf("%s: attempt %d took %v, %v; want %v", row.yaml, i+1, took, err, want)
				}
				synctest.Wait() // the client may be back before the end is recorded
				a := srv.Journal().Log().Attempts[i]
				if a.Sent-a.Read != want || a.Delay != want || a.Done != a.Sent {
					t.Errorf("%s: attempt %d was read at %v, sent at %v, done at %v, planned %v; want %v", row.yaml, i+1, a.Read, a.Sent, a.Done, a.Delay, want)
				}
			}
		})
	}
}

// TestOutage: 93 minutes of a scenario's time, counted from the first connection.
func TestOutage(t *testing.T) {
	const yaml = `
phases: [{name: healthy, for: 10s}, {name: outage, for: 93m}, {name: after}]
faults: [{name: down, when: {phase: outage}, status: 503}]
`
	bubble(t, yaml, func(t *testing.T, srv *Server) {
		time.Sleep(time.Hour) // before the first connection no time passes for the scenario
		for _, s := range []struct {
			at    time.Duration
			want  int
			phase string
		}{
			{0, 200, "healthy"}, {10*time.Second - 1, 200, "healthy"}, {10 * time.Second, 503, "outage"},
			{10*time.Second + 93*time.Minute - 1, 503, "outage"}, {10*time.Second + 93*time.Minute, 200, "after"},
		} {
			start := time.Duration(0)
			if log := srv.Journal().Log(); len(log.Conns) > 0 {
				start = log.Conns[0].Accept
				time.Sleep(start + s.at - srv.Journal().Now())
			}
			if got, _, err := get(t, srv, "/"); err != nil || got != s.want {
				t.Errorf("at %v: %d, %v; want %d", s.at, got, err, s.want)
			}
			attempts := srv.Journal().Log().Attempts
			if got := attempts[len(attempts)-1].Phase; got != s.phase {
				t.Errorf("at %v: phase %q, want %q", s.at, got, s.phase)
			}
		}
	})
}

// TestRetryAfterDates: a date is in whole seconds, rounded up, in the form asked for, beside a Date; the journal says
// when the client may come back.
func TestRetryAfterDates(t *testing.T) {
	for _, row := range []struct {
		as     string
		in     string
		wait   time.Duration // after midnight of 2000-01-01, when the bubble's time begins
		header string
		due    time.Duration // after the answer
	}{
		{"date", "2s", 0, "Sat, 01 Jan 2000 00:00:02 GMT", 2 * time.Second},
		{"date", "2s", 300 * time.Millisecond, "Sat, 01 Jan 2000 00:00:03 GMT", 2700 * time.Millisecond},
		{"rfc850", "2s", 300 * time.Millisecond, "Saturday, 01-Jan-00 00:00:03 GMT", 2700 * time.Millisecond},
		{"asctime", "2s", 300 * time.Millisecond, "Sat Jan  1 00:00:03 2000", 2700 * time.Millisecond},
		{"date", "-2s", 3 * time.Second, "Sat, 01 Jan 2000 00:00:01 GMT", -2 * time.Second},
		{"seconds", "2s", 0, "2", 2 * time.Second},
		{"float", "1500ms", 0, "1.5", 1500 * time.Millisecond},
		{"seconds", "0s", 0, "0", 0},
	} {
		yaml := fmt.Sprintf("routes: [{match: GET /, answers: [{status: 503, retry_after: {in: %s, as: %s}}]}]", row.in, row.as)
		bubble(t, yaml, func(t *testing.T, srv *Server) {
			time.Sleep(row.wait)
			res, err := srv.Client().Get(srv.URL() + "/")
			must(t, err, res.Body.Close())
			if got := res.Header.Get("Retry-After"); got != row.header {
				t.Errorf("%s: Retry-After %q, want %q", yaml, got, row.header)
			}
			if got, want := res.Header.Get("Date"), time.Now().UTC().Format(http.TimeFormat); got != want {
				t.Errorf("%s: Date %q, want %q", yaml, got, want)
			}
			a := srv.Journal().Log().Attempts[0]
			if a.RetryAfter != "Retry-After: "+row.header || !a.HasDue || a.Due-a.Sent != row.due {
				t.Errorf("%s: journalled %q, has due %v, due %v after it was sent; want %v", yaml, a.RetryAfter, a.HasDue, a.Due-a.Sent, row.due)
			}
		})
	}
}

// TestUnreadableRetryAfter: what no client can read holds none to anything.
func TestUnreadableRetryAfter(t *testing.T) {
	for _, yaml := range []string{
		"routes: [{match: GET /, answers: [{status: 503, retry_after: {in: -3s}}]}]",
		"routes: [{match: GET /, answers: [{status: 503, headers: {Retry-After: soon}}]}]",
	} {
		bubble(t, yaml, func(t *testing.T, srv *Server) {
			_, _, err := get(t, srv, "/")
			must(t, err)
			if a := srv.Journal().Log().Attempts[0]; a.HasDue || a.Due != 0 || a.RetryAfter == "" {
				t.Errorf("%s: %q, has due %v, %v", yaml, a.RetryAfter, a.HasDue, a.Due)
			}
		})
	}
}

// TestVirtualEnds: Go's own client sees emulated ends as it sees real ones.
func TestVirtualEnds(t *testing.T) {
	bubble(t, "routes: [{match: GET /r, answers: [{reset: before-headers}]}, {match: GET /c, answers: [{close: before-headers}]}]", func(t *testing.T, srv *Server) {
		if _, took, err := get(t, srv, "/r"); !errors.Is(err, syscall.ECONNRESET) || took != 0 {
			t.Errorf("reset: %v after %v, want ECONNRESET at once", err, took)
		}
		if _, took, err := get(t, srv, "/c"); !errors.Is(err, io.EOF) || took != 0 {
			t.Errorf("close: %v after %v, want EOF at once", err, took)
		}
	})
}

// TestFINWaitsForTheClient: behind a FIN the connection is closed when the client has ended its side, or after 500 ms.
func TestFINWaitsForTheClient(t *testing.T) {
	for _, yaml := range []string{"faults: [{close: accept}]", "faults: [{close: before-headers}]"} {
		bubble(t, yaml, func(t *testing.T, srv *Server) {
			c := dial(t, srv)
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, end := c.rest(t); end != "fin" {
				t.Errorf("%s: %s, want fin", yaml, end)
			}
			synctest.Wait()
			start := time.Now()
			must(t, write(c, "x")) // received, for the server's side is only half closed
			synctest.Wait()
			if n := len(srv.open()); n != 1 {
				t.Errorf("%s: %d connections open, want 1", yaml, n)
			}
			time.Sleep(500*time.Millisecond - time.Since(start))
			synctest.Wait()
			if n := len(srv.open()); n != 0 {
				t.Errorf("%s: %d connections open after 500ms, want 0", yaml, n)
			}
		})
	}
}

// TestAcceptDelay: a connection fault with a delay strikes when that is over.
func TestAcceptDelay(t *testing.T) {
	sc := scenario(t, "faults: [{reset: accept}]")
	sc.Faults[0].Answer.Delay = &scenarios.Delay{Fixed: 5 * time.Second} // a file cannot say so yet
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(sc)
		must(t, err)
		must(t, srv.StartMemory())
		c := dial(t, srv)
		start := time.Now()
		if _, end := c.rest(t); end != "rst" || time.Since(start) != 5*time.Second {
			t.Errorf("%s after %v, want rst after 5s", end, time.Since(start))
		}
		if conn := srv.Journal().Log().Conns[0]; conn.Close-conn.Accept != 5*time.Second {
			t.Errorf("journalled: %+v", conn)
		}
		must(t, srv.Close())
	})
}

// TestAbortInDelay: the end of an attempt that its client gave up is journalled at that instant.
func TestAbortInDelay(t *testing.T) {
	bubble(t, "faults: [{delay: 1h}]", func(t *testing.T, srv *Server) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL()+"/", nil)
		must(t, err)
		if _, err := srv.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the client saw %v", err)
		}
		synctest.Wait()
		a := srv.Journal().Log().Attempts[0]
		if a.Sent != a.Read+3*time.Second || a.Done != a.Sent || a.Closed != journal.ClosedByClientFIN || a.Status != 0 || a.Reason != "faults[0] over no routes" {
			t.Errorf("%+v", a)
		}
	})
}

// TestCloseCutsShort: Close ends what waits, at once, and the journal shows who ended it.
func TestCloseCutsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(scenario(t, "faults: [{delay: 1h}]"))
		must(t, err)
		must(t, srv.StartMemory())
		c := dial(t, srv)
		c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		start := time.Now()
		must(t, srv.Close(), srv.Close())
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v, want 0s", d)
		}
		if got, end := c.rest(t); got != "" || end != "fin" {
			t.Errorf("the client got %q and %s", got, end)
		}
		log := srv.Journal().Log()
		if a := log.Attempts[0]; !a.Ended || a.Closed != journal.ClosedByServerFIN || a.Whole {
			t.Errorf("%+v", a)
		}
		if err := srv.Await(t.Context(), func(*journal.Log) bool { return false }); !errors.Is(err, errClosed) {
			t.Errorf("Await behind Close: %v", err)
		}
		if _, err := srv.DialContext(t.Context(), "tcp", "x:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial behind Close: %v, want ECONNREFUSED", err)
		}
		if err := srv.StartMemory(); err == nil {
			t.Error("a closed server starts again")
		}
	})
}

// TestReset: a reset begins time, numbers and chance anew, and knows the connections that are open.
func TestReset(t *testing.T) {
	const yaml = `
routes: [{match: GET /, answers: [{status: 503}, {status: 200}]}]
faults: [{name: late, when: {elapsed: 10s..}, status: 500}]
`
	bubble(t, yaml, func(t *testing.T, srv *Server) {
		statuses := func() string {
			var b strings.Builder
			for range 2 {
				status, _, err := get(t, srv, "/")
				must(t, err)
				fmt.Fprint(&b, status, " ")
				time.Sleep(8 * time.Second)
			}
			return b.String()
		}
		first := statuses()
		time.Sleep(time.Minute)
		before := srv.Journal()
		awaited := make(chan error)
		go func() {
			awaited <- srv.Await(t.Context(), func(l *journal.Log) bool { return len(l.Attempts) == 1 && l.Attempts[0].Ended })
		}()
		synctest.Wait()
		must(t, srv.Reset())
		if second := statuses(); second != first || first != "503 200 " {
			t.Errorf("before the reset %s, behind it %s; want 503 200 both times", first, second)
		}
		if err := <-awaited; err != nil {
			t.Errorf("Await over a reset: %v", err)
		}
		log := srv.Journal().Log()
		if srv.Journal() == before || len(log.Attempts) != 2 || log.Attempts[0].Seq != 1 || log.Attempts[0].CallNo != 1 {
			t.Errorf("the journal behind a reset: %+v", log.Attempts)
		}
		if len(log.Conns) != 1 || log.Conns[0].ID != log.Attempts[0].Conn || log.Conns[0].Accept != 0 {
			t.Errorf("connections behind a reset: %+v", log.Conns)
		}
	})
}

// TestReadTimeout: a request that is not there in time is answered by 408, and the journal says why.
func TestReadTimeout(t *testing.T) {
	bubble(t, "", func(t *testing.T, srv *Server) {
		c := dial(t, srv)
		start := time.Now()
		c.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello")
		got, _ := c.rest(t)
		if d := time.Since(start); d != 30*time.Second || !strings.HasPrefix(got, "HTTP/1.1 408 Request Timeout\r\n") || !strings.Contains(got, "Connection: close\r\n") {
			t.Errorf("after %v: %q", d, got)
		}
		a := srv.Journal().Log().Attempts[0]
		if a.Status != 408 || a.BodyWhole || a.BodyLen != 5 || a.Failure != "the request was not received within 30s" || a.Reason != "the request broke off" {
			t.Errorf("%+v", a)
		}
	}, WithReadTimeout(30*time.Second))
}
