package chaosserver

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

// slow are requests that are sent at one byte a second from some byte on, and when they are refused where 30 s are allowed.
// Those that are behind another one come on a connection that has been used and has rested.
var slow = []struct {
	name, atOnce, slowly string
	behind               bool
	after                time.Duration // from the first byte to the refusal
}{
	{"in the request line", "", "GET /" + strings.Repeat("y", 90) + " HTTP/1.1\r\nHost: x\r\n\r\n", false, 30 * time.Second},
	{"in the header block", "GET / HTTP/1.1\r\nHost: x\r\n", "X-Slow: " + strings.Repeat("y", 90) + "\r\n\r\n", false, 30 * time.Second},
	{"in the body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n", strings.Repeat("y", 90), false, 30 * time.Second},
	{"in a chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5a\r\n", strings.Repeat("y", 90), false, 30 * time.Second},
	// The wait for the first four bytes counts too, and the bound of what follows begins with them.
	{"in a later header block", "", "GET /" + strings.Repeat("y", 90) + " HTTP/1.1\r\nHost: x\r\n\r\n", true, 33 * time.Second},
	{"in a later body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n", strings.Repeat("y", 90), true, 30 * time.Second},
}

// TestSlowSenders: a thousand clients that send a byte a second are cut off and told so at the bound that is set, whatever they
// send; until then every other client is answered at once.
func TestSlowSenders(t *testing.T) {
	const each = 1000 / 6
	bubble(t, "", func(t *testing.T, srv *Server) {
		start := time.Now()
		ends := make(chan string, each*len(slow))
		for _, s := range slow {
			for range each {
				c := dial(t, srv)
				go func() { ends <- s.name + ": " + sendSlowly(c, s.atOnce, s.slowly, s.behind) }()
			}
		}
		for time.Since(start) < 25*time.Second {
			if status, took, err := get(t, srv, "/"); err != nil || status != 200 || took != 0 {
				t.Errorf("another client is answered by %d after %v, %v", status, took, err)
			}
			time.Sleep(5 * time.Second)
		}
		seen := map[string]int{}
		for range each * len(slow) {
			seen[<-ends]++
		}
		for _, s := range slow {
			if want := fmt.Sprintf("%s: 408 after %v", s.name, s.after); seen[want] != each {
				t.Errorf("want %d times %q, got %v", each, want, seen)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		log := srv.Journal().Log()
		late := 0
		for i := range log.Attempts {
			a := &log.Attempts[i]
			if a.Status == 200 {
				continue
			}
			late++
			if a.Status != 408 || !a.Ended || a.BodyWhole || a.Reason != "the request broke off" || a.Failure != "the request was not received within 30s" || !a.Ambiguous {
				t.Fatalf("%+v", a)
			}
		}
		if late != each*len(slow) {
			t.Errorf("%d attempts that were too late are journalled, want %d", late, each*len(slow))
		}
		if left := srv.leftovers(); left != "1 connections, 0 calls with an attempt under way" { // of the other client
			t.Errorf("left: %s", left)
		}
	}, WithReadTimeout(30*time.Second))
}

// sendSlowly sends the rest of a request at a byte a second, and tells what came of it, and when. A request that is behind another one begins a
// minute later.
func sendSlowly(c *wireConn, atOnce, slowly string, behind bool) string {
	begun := time.Now()
	if behind {
		_, _ = io.WriteString(c, getX)
		if _, err := c.in.ReadString('}'); err != nil {
			return err.Error()
		}
		_, _ = c.in.Discard(c.in.Buffered())
		time.Sleep(time.Minute)
		begun = time.Now()
	}
	answer := make(chan string)
	go func() {
		line, err := c.in.ReadString('\n')
		answer <- fmt.Sprintf("%s after %v", strings.TrimSuffix(strings.TrimPrefix(line, "HTTP/1.1 "), " Request Timeout\r\n"), time.Since(begun))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, c.in)
		_ = c.Close()
	}()
	_, err := io.WriteString(c, atOnce)
	for i := 0; i < len(slowly) && err == nil; i++ {
		_, err = io.WriteString(c, slowly[i:i+1])
		time.Sleep(time.Second)
	}
	return <-answer
}

// TestReadTimeoutIsOfRequests: the bound is on the time that a request takes, not on that between two, nor on the answer.
func TestReadTimeoutIsOfRequests(t *testing.T) {
	bubble(t, "routes: [{match: /, answers: [{delay: 5m}]}]", func(t *testing.T, srv *Server) {
		c := dial(t, srv)
		for range 3 {
			time.Sleep(20 * time.Second)
			c.say(t, getX)
			if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Errorf("%q", got)
			}
			time.Sleep(time.Hour)
		}
	}, WithReadTimeout(30*time.Second))
}

// TestStartOfARequestIsBounded: however few bytes of a request have come behind another one, and whenever, the rest has
// to follow in time; also where they came with the request before, or while that was answered.
func TestStartOfARequestIsBounded(t *testing.T) {
	for _, row := range []struct {
		name  string
		begin func(t *testing.T, c *wireConn)
	}{
		{"later", func(t *testing.T, c *wireConn) {
			c.say(t, getX)
			c.answer(t)
			time.Sleep(time.Hour)
			c.say(t, "G")
		}},
		{"while the answer is made", func(t *testing.T, c *wireConn) {
			c.say(t, getX)
			time.Sleep(time.Second)
			c.say(t, "GE")
			c.answer(t)
		}},
		{"with the request before", func(t *testing.T, c *wireConn) {
			c.say(t, getX+"GET")
			c.answer(t)
		}},
		{"with a request that has a body", func(t *testing.T, c *wireConn) {
			c.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGE")
			c.answer(t)
		}},
		{"more of it", func(t *testing.T, c *wireConn) {
			c.say(t, getX+"GET / HT")
			c.answer(t)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, "routes: [{match: /, answers: [{delay: 10s}]}]", func(t *testing.T, srv *Server) {
				c := dial(t, srv)
				row.begin(t, c)
				start := time.Now()
				got, end := c.rest(t)
				if took := time.Since(start); !strings.HasPrefix(got, "HTTP/1.1 408 Request Timeout\r\n") || end != "fin" || took > 30*time.Second {
					t.Errorf("%q, then %s after %v", got, end, took)
				}
				synctest.Wait()
				log := srv.Journal().Log()
				if a := log.Attempts[len(log.Attempts)-1]; a.Status != 408 || !a.Ended || a.ConnRequest != 2 || log.Conns[0].Closed != journal.ClosedByServerFIN {
					t.Errorf("%+v, %+v", a, log.Conns[0])
				}
			}, WithReadTimeout(30*time.Second))
		})
	}
}
