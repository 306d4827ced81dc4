package chaosserver

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// TestFaultsOverUpstream looks at each fault that is laid over a real answer from the other end of the connection.
func TestFaultsOverUpstream(t *testing.T) {
	length, chunked, open := dated("Content-Length: 10\r\n", "0123456789"), dated("Transfer-Encoding: chunked\r\n", "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n"), dated("", "0123456789")
	rechunked := dated("Transfer-Encoding: chunked\r\n", "")
	for _, row := range []struct {
		fault, answer string
		want          string // on the wire
		end           string // "" where the connection stays
		closed        journal.Closer
		status        int
		whole         bool
		failure       string
	}{
		{"reset: before-headers", length, "", "rst", journal.ClosedByServerRST, 0, false, ""},
		{"close: before-headers", length, "", "fin", journal.ClosedByServerFIN, 0, false, ""},
		{"garbage: before-headers, bytes: xyz", length, "xyz", "fin", journal.ClosedByServerFIN, 0, false, ""},
		{"reset: headers, after: 20B", length, length[:20], "rst", journal.ClosedByServerRST, 0, false, ""},
		{"close: headers", length, length[:(len(length)-10)/2], "fin", journal.ClosedByServerFIN, 0, false, ""},
		{"truncate: 4B", length, length[:len(length)-6], "fin", journal.ClosedByServerFIN, 200, false, ""},
		{"truncate: 40%", length, length[:len(length)-6], "fin", journal.ClosedByServerFIN, 200, false, ""},
		{"reset: body", length, length[:len(length)-10], "rst", journal.ClosedByServerRST, 200, false, ""},
		{"garbage: body, after: 4B, bytes: xyz", length, length[:len(length)-6] + "xyz", "fin", journal.ClosedByServerFIN, 200, false, ""},
		{"truncate: 4B", chunked, rechunked + "4\r\n0123\r\n", "fin", journal.ClosedByServerFIN, 200, false, ""},
		{"truncate: 10B", chunked, rechunked + "a\r\n0123456789\r\n", "fin", journal.ClosedByServerFIN, 200, false, ""},
		{"reset: body, after: 7B", open, rechunked + "7\r\n0123456\r\n", "rst", journal.ClosedByServerRST, 200, false, ""},
		{"reset: end", length, length, "rst", journal.ClosedByServerRST, 200, true, ""},
		{"close: end", chunked, rechunked + "a\r\n0123456789\r\n0\r\n\r\n", "fin", journal.ClosedByServerFIN, 200, true, ""},
		{"close: idle, wait: 0s", length, length, "fin", journal.ClosedNot, 200, true, ""},
		{"{do: drip, at: body, rate: 1MiB/s, after: 4B}", length, length, "", journal.ClosedNot, 200, true, ""},
		{"{do: drip, at: headers, rate: 1MiB/s}", chunked, rechunked + "a\r\n0123456789\r\n0\r\n\r\n", "", journal.ClosedNot, 200, true, ""},
		{"body_delay: 1ms", length, length, "", journal.ClosedNot, 200, true, ""},
		{"delay: 1ms", length, length, "", journal.ClosedNot, 200, true, ""},
		// What cannot strike says so.
		{"truncate: 10B", length, "500", "", journal.ClosedNot, 500, true, "fin body after 10B: the body has only 10 bytes"},
		{"truncate: 40%", chunked, "500", "", journal.ClosedNot, 500, true, "fin body after 40%: a share of a body is not known where the upstream does not say how long it is"},
		{"truncate: 4B", dated("Content-Length: 0\r\n", ""), "500", "", journal.ClosedNot, 500, true, "fin body after 4B: the answer has no body"},
		{"truncate: 11B", chunked, rechunked + "a\r\n0123456789\r\n0\r\n\r\n", "", journal.ClosedNot, 200, true, "fin body after 11B: the body has only 10 bytes"},
		{"{do: drip, at: body, rate: 1MiB/s, after: 10B}", chunked, rechunked + "a\r\n0123456789\r\n0\r\n\r\n", "", journal.ClosedNot, 200, true, "drip body after 10B at 1MiB/s: the body has only 10 bytes"},
	} {
		t.Run(row.fault+"/"+strings.Fields(row.answer)[9], func(t *testing.T) {
			up := newFarEnd(t, func(f *far) {
				for f.head() != "" {
					f.say(row.answer)
					if row.answer == open {
						return
					}
				}
			})
			srv := up.before(t, "faults: [{name: f, "+strings.Trim(row.fault, "{}")+"}]")
			c := dial(t, srv)
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			got, end := "", ""
			switch {
			case row.want == "500":
				if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 500 ") {
					t.Errorf("%q", got)
				}
			case row.end != "":
				got, end = c.rest(t)
			default:
				b := make([]byte, len(row.want))
				_, err := io.ReadFull(c.in, b)
				must(t, err)
				got = string(b)
			}
			if row.want != "500" && joined(got) != joined(row.want) || end != row.end {
				t.Errorf("got %q, %s; want\n%q, %s", got, end, row.want, row.end)
			}
			log := ended(t, srv, 1)
			if a := log.Attempts[0]; a.Status != row.status || a.Whole != row.whole || a.Failure != row.failure || a.Closed != row.closed || !slices.Equal(a.Applied, []int{0}) {
				t.Errorf("%+v", a)
			}
			if f := log.Forwards; len(f) != 1 || f[0].Status != 200 || f[0].Failure != "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// joined puts chunks that follow one another into one, for what comes of them depends on what the network put together.
func joined(answer string) string {
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.Contains(head, "chunked") {
		return answer
	}
	var content strings.Builder
	for {
		line, rest, ok := strings.Cut(body, "\r\n")
		var n int
		if _, err := fmt.Sscanf(line, "%x", &n); !ok || err != nil || n == 0 || len(rest) < n+2 {
			return head + "\r\n\r\n" + content.String() + "|" + body
		}
		content.WriteString(rest[:n])
		body = rest[n+2:]
	}
}

// TestStallOverUpstream: a stall lets so much of a real answer go, and nothing more until the client ends it.
func TestStallOverUpstream(t *testing.T) {
	answer := dated("Content-Length: 10\r\n", "0123456789")
	for fault, want := range map[string]string{"stall: before-headers": "", "stall: body, after: 4B": answer[:len(answer)-6]} {
		up := newFarEnd(t, answering(nil, answer))
		srv := up.before(t, "faults: [{name: f, "+fault+"}]")
		c := dial(t, srv)
		c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_, err := io.ReadFull(c.in, make([]byte, len(want)))
		must(t, err)
		must(t, srv.Await(within(t), func(log *journal.Log) bool { return len(log.Forwards) == 1 })) // its end has been met
		must(t, c.SetLinger(0), c.Close())
		if a := ended(t, srv, 1).Attempts[0]; a.Closed != journal.ClosedByClientRST || a.Whole || a.BytesSent != int64(len(want)) {
			t.Errorf("%s: %+v", fault, a)
		}
	}
}

// TestEventsPassAtOnce: an event is with the client before the upstream sends the next.
func TestEventsPassAtOnce(t *testing.T) {
	next := make(chan struct{})
	up := newFarEnd(t, func(f *far) {
		f.head()
		f.say(dated("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n", ""))
		for i := range 3 {
			f.say(fmt.Sprintf("9\r\ndata: %d\n\n\r\n", i))
			<-next
		}
		f.say("0\r\n\r\n")
	})
	srv := up.before(t, "faults: [{name: late, delay: 1ms, body_delay: 1ms}]")
	res, err := srv.Client().Get(srv.URL() + "/events")
	must(t, err)
	for i := range 3 {
		b := make([]byte, 9)
		if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != fmt.Sprintf("data: %d\n\n", i) {
			t.Errorf("%q, %v", b, err)
		}
		next <- struct{}{}
	}
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	must(t, res.Body.Close())
}

// TestBodiesPassAtOnce: a piece of a request's body is with the upstream before the client sends the next, and one of the
// answer with the client before the upstream does, with each framing.
func TestBodiesPassAtOnce(t *testing.T) {
	for _, row := range []struct{ up, down string }{
		{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, {"Content-Length: 100000", "Content-Length: 3"}, {"Transfer-Encoding: chunked", "X-Framing: close"},
	} {
		t.Run(row.up+"/"+row.down, func(t *testing.T) {
			got, next := make(chan string), make(chan struct{})
			up := newFarEnd(t, func(f *far) {
				h := f.head()
				f.say(dated(row.down+"\r\n", ""))
				for range 3 {
					n := 1
					if strings.Contains(h, "chunked") {
						n = len("1\r\na\r\n")
					}
					b := make([]byte, n)
					_, _ = io.ReadFull(f.in, b)
					got <- string(bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("1\r\n")), []byte("\r\n")))
					<-next
					if strings.Contains(row.down, "chunked") {
						f.say("1\r\nz\r\n")
					} else {
						f.say("z")
					}
				}
				if strings.Contains(row.down, "chunked") {
					f.say("0\r\n\r\n")
				}
				if strings.Contains(h, "chunked") {
					_, _ = io.ReadFull(f.in, make([]byte, len("0\r\n\r\n")))
				}
			})
			srv := up.before(t, "")
			c := dial(t, srv)
			c.say(t, "POST /~1/ HTTP/1.1\r\nHost: x\r\n"+row.up+"\r\n\r\n")
			for { // the header block of the answer
				line, err := c.in.ReadString('\n')
				must(t, err)
				if line == "\r\n" {
					break
				}
			}
			for _, b := range []string{"a", "b", "c"} {
				if strings.Contains(row.up, "chunked") {
					c.say(t, "1\r\n"+b+"\r\n")
				} else {
					c.say(t, b)
				}
				if g := <-got; g != b {
					t.Errorf("the upstream got %q, want %q", g, b)
				}
				next <- struct{}{}
				want := "z"
				if !strings.Contains(row.down, "Length") {
					want = "1\r\nz\r\n"
				}
				p := make([]byte, len(want))
				if _, err := io.ReadFull(c.in, p); err != nil || string(p) != want {
					t.Errorf("the client got %q, %v", p, err)
				}
			}
			if strings.Contains(row.up, "chunked") {
				c.say(t, "0\r\n\r\n")
				a := ended(t, srv, 1).Attempts[0]
				if !a.Whole || a.Failure != "" || a.Call != "1" {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

// TestExpectations: leave to send a body is the upstream's to give, and is given once; without it the body stays unsent.
func TestExpectations(t *testing.T) {
	answer := dated("Content-Length: 2\r\n", "ok")
	for _, row := range []struct {
		name string
		play func(*far)
		want string
		end  string
		body bool
	}{
		{"leave", func(f *far) {
			if h := f.head(); !strings.Contains(h, "Expect: 100-continue\r\n") || f.in.Buffered() > 0 {
				return
			}
			f.say("HTTP/1.1 100 Continue\r\n\r\n")
			_, _ = io.ReadFull(f.in, make([]byte, 5))
			f.say(answer)
			f.head()
		}, "HTTP/1.1 100 Continue\r\n\r\n" + answer, "", true},
		{"none", func(f *far) {
			f.head()
			f.say("HTTP/1.1 417 Expectation Failed\r\nDate: x\r\nContent-Length: 0\r\n\r\n")
			f.head()
		}, "HTTP/1.1 417 Expectation Failed\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "fin", false},
		{"an upstream that does not know", func(f *far) {
			f.head()
			_, _ = io.ReadFull(f.in, make([]byte, 5))
			f.say(answer)
			f.head()
		}, "HTTP/1.1 100 Continue\r\n\r\n" + answer, "", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			up := newFarEnd(t, row.play)
			srv := up.before(t, "")
			c := dial(t, srv)
			c.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
			got := ""
			if row.body {
				line, err := c.in.ReadString('\n')
				must(t, err)
				c.say(t, "hello")
				got = line + "\r\n"
				_, err = c.in.ReadString('\n')
				must(t, err)
				got += c.answer(t)
			} else {
				var end string
				if got, end = c.rest(t); end != row.end {
					t.Errorf("the connection ended with %s", end)
				}
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			if a := ended(t, srv, 1).Attempts[0]; !a.Whole || a.BodyWhole != row.body || a.Failure != "" {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestInterimAnswersAndTrailers: interim answers and trailer sections pass both ways.
func TestInterimAnswersAndTrailers(t *testing.T) {
	sent := make(chan string, 1)
	up := newFarEnd(t, func(f *far) {
		f.head()
		b := make([]byte, len("2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"))
		_, _ = io.ReadFull(f.in, b)
		sent <- string(b)
		f.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + dated("Transfer-Encoding: chunked\r\nTrailer: X-Md5\r\n", "2\r\nok\r\n0\r\nX-Md5: 2\r\n\r\n"))
		f.head()
	})
	srv := up.before(t, "faults: [{name: late, delay: 1ms}]")
	c := dial(t, srv)
	c.say(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n")
	want := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + dated("Trailer: X-Md5\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nX-Md5: 2\r\n\r\n")
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c.in, b); err != nil || string(b) != want {
		t.Errorf("%q, %v", b, err)
	}
	if got := <-sent; got != "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n" {
		t.Errorf("the upstream got %q", got)
	}
	c.say(t, "GET / HTTP/1.0\r\n\r\n") // whose client is sent neither
}

// TestUpgrades: another protocol passes both ways, each side may end its own, and the attempt lasts as long; a fault that
// needs an answer is refused.
func TestUpgrades(t *testing.T) {
	up := newFarEnd(t, func(f *far) {
		if h := f.head(); !strings.Contains(h, "Connection: Upgrade\r\nUpgrade: echo\r\n") {
			f.say(dated("Content-Length: 2\r\n", "no"))
			return
		}
		f.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello ")
		_, _ = io.Copy(f, f.in)
		f.say("bye")
	})
	const request = "GET /~7/chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n"
	t.Run("passes", func(t *testing.T) {
		srv := up.before(t, "faults: [{name: late, delay: 1ms}]")
		c := dial(t, srv)
		c.say(t, request+"early ")
		want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello early "
		b := make([]byte, len(want))
		if _, err := io.ReadFull(c.in, b); err != nil || string(b) != want {
			t.Errorf("%q, %v", b, err)
		}
		c.say(t, "late ")
		must(t, c.CloseWrite())
		if got, end := c.rest(t); got != "late bye" || end != "fin" {
			t.Errorf("%q, %s", got, end)
		}
		log := ended(t, srv, 1)
		if a := log.Attempts[0]; a.Status != 101 || !a.Whole || a.BytesSent != int64(len(want)+len("late bye")) || a.Closed != journal.ClosedByClientFIN {
			t.Errorf("%+v", a)
		}
		must(t, srv.Close())
	})
	t.Run("refused", func(t *testing.T) {
		srv := up.before(t, "faults: [{name: cut, truncate: 4B}]")
		c := dial(t, srv)
		c.say(t, request)
		if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 501 Not Implemented\r\n") {
			t.Errorf("%q", got)
		}
		if a := ended(t, srv, 1).Attempts[0]; a.Failure != "the upstream changes to another protocol, of which the scenario's fault has no part to strike" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("h2c is not asked for", func(t *testing.T) {
		c := dial(t, up.before(t, ""))
		c.say(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n")
		if got := c.answer(t); got != dated("Content-Length: 2\r\n", "no") {
			t.Errorf("%q", got)
		}
	})
}

// TestRequestBodyFaultsBeforeUpstream: a fault at request-body strikes before the upstream has got anything, and a drip there
// lets the upstream wait too.
func TestRequestBodyFaultsBeforeUpstream(t *testing.T) {
	heads := make(chan string, 1)
	up := newFarEnd(t, func(f *far) {
		for h := f.head(); h != ""; h = f.head() {
			heads <- h
			_, _ = io.ReadFull(f.in, make([]byte, 10))
			f.say(dated("Content-Length: 2\r\n", "ok"))
		}
	})
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
	c := dial(t, up.before(t, "faults: [{name: cut, reset: request-body, after: 5B}]"))
	c.say(t, request)
	if got, end := c.rest(t); got != "" || end != "rst" {
		t.Errorf("%q, %s", got, end)
	}
	if len(heads) != 0 {
		t.Error("the upstream got a request")
	}
	c = dial(t, up.before(t, "faults: [{name: slow, do: drip, at: request-body, rate: 1MiB/s, after: 5B}]"))
	c.say(t, request)
	if got := c.answer(t); got != dated("Content-Length: 2\r\n", "ok") {
		t.Errorf("%q", got)
	}
	<-heads
}

// TestBodiesLookedInto: where something looks into bodies they are read first, and forwarded up to a limit.
func TestBodiesLookedInto(t *testing.T) {
	up := newFarEnd(t, func(f *far) {
		for h := f.head(); h != ""; h = f.head() {
			_, _ = io.ReadFull(f.in, make([]byte, 8))
			f.say(dated("Content-Length: 2\r\n", "ok"))
		}
	})
	srv := up.before(t, "routes: [{match: {path: /a, body: stub}, answers: [{status: 201, text: stub}]}]", WithMaxBody(8))
	for _, row := range []struct{ body, want, failure string }{
		{"a stub ?", "HTTP/1.1 201", ""},
		{"12345678", "HTTP/1.1 200", ""},
		{"123456789", "HTTP/1.1 500", "the request's body has more than 8 bytes, and is kept whole since the scenario looks into bodies: match by method, path or header, or set WithMaxBody"},
	} {
		c := dial(t, srv)
		c.say(t, fmt.Sprintf("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(row.body), row.body))
		if got := c.answer(t); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q", row.body, got)
		}
	}
	log := ended(t, srv, 3)
	if a := log.Attempts[2]; a.Failure == "" || !strings.HasPrefix(a.Failure, "the request's body has more than 8 bytes") || log.Attempts[1].Failure != "" {
		t.Errorf("%+v", log.Attempts)
	}
}

// TestLargeBodiesPass: bodies far larger than any buffer pass both ways, byte for byte, and take no memory that grows with
// them.
func TestLargeBodiesPass(t *testing.T) {
	size := int64(64 << 20)
	if raceEnabled {
		size = 4 << 20
	}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	}))
	defer up.Close()
	srv := serve(t, onLoopback, "", WithUpstream(Upstream{URL: up.URL}))
	for _, length := range []int64{size, -1} {
		sent, got := sha256.New(), sha256.New()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL(), io.TeeReader(io.LimitReader(&counting{}, size), sent))
		must(t, err)
		req.ContentLength = length
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := srv.Client().Do(req)
		must(t, err)
		n, err := io.Copy(got, res.Body)
		runtime.ReadMemStats(&after)
		must(t, err, res.Body.Close())
		if n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
			t.Errorf("%d bytes came back, of %d", n, size)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(size)/8 && !raceEnabled {
			t.Errorf("%d bytes were allocated for a body of %d", took, size)
		}
	}
	log := ended(t, srv, 2)
	for _, a := range log.Attempts {
		if !a.Whole || a.Failure != "" {
			t.Errorf("%+v", a)
		}
	}
}

// counting is bytes without end that do not repeat soon.
type counting struct{ n uint64 }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n = c.n*6364136223846793005 + 1442695040888963407
		p[i] = byte(c.n >> 56)
	}
	return len(p), nil
}
