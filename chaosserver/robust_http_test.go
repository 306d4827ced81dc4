package chaosserver

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
)

const (
	next     = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
	smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
)

// TestShapesOfRequests: each request on the wire is one attempt in the journal, with what it said, and nothing else is one.
// A request whose end two readers could see at two places ends the connection.
func TestShapesOfRequests(t *testing.T) {
	post := func(fields, body string) string { return "POST /a HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body }
	for _, row := range []struct{ name, stream, want string }{
		// How long a body is.
		{"length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled), `POST /a 200 "" whole, server-fin`},
		{"chunks and length", post("Transfer-Encoding: chunked\r\nCONTENT-LENGTH:5\r\n", "0\r\n\r\n"+smuggled), `POST /a 200 "" whole, server-fin`},
		{"lengths that are equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"+next), `POST /a 200 "hello" whole, GET /next 200 "" whole, client-fin`},
		{"lengths that differ", post("Content-Length: 5\r\nContent-Length: 40\r\n", "hello"+smuggled), `POST /a 400 "", server-fin`},
		{"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"+smuggled), `POST /a 400 "", server-fin`},
		{"a length with a sign", post("Content-Length: +5\r\n", "hello"+smuggled), `POST /a 400 "", server-fin`},
		{"a length below 0", post("Content-Length: -1\r\n", smuggled), `POST /a 400 "", server-fin`},
		{"a length in hex", post("Content-Length: 0x5\r\n", "hello"+smuggled), `POST /a 400 "", server-fin`},
		{"a length beyond all", post("Content-Length: 99999999999999999999\r\n", "hello"), `POST /a 400 "", server-fin`},
		{"space before the colon of a length", post("Content-Length : 5\r\n", "hello"+smuggled), `POST /a 400 "", server-fin`},
		{"space before the colon of chunks", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"+smuggled), `POST /a 400 "", server-fin`},
		{"an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"+smuggled), `POST /a 501 "", server-fin`},
		{"a coding behind chunks", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"+smuggled), `POST /a 501 "", server-fin`},
		{"chunks twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled), `POST /a 501 "", server-fin`},
		{"chunks of HTTP 1.0", "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, `POST /a 200 "" whole, server-fin`},
		{"a request as the body of a GET", fmt.Sprintf("GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(smuggled)) + smuggled + next,
			fmt.Sprintf(`GET /a 200 %q whole, GET /next 200 "" whole, client-fin`, smuggled)},
		{"a body that is short", post("Content-Length: 90\r\n", "hello"), `POST /a 0 "hello", client-fin`},

		// Chunks.
		{"extensions and trailers", post("Transfer-Encoding: chunked\r\n", "5;a=\"b;c\"\r\nhello\r\n0;last\r\nX-T: v\r\n\r\n"+next), `POST /a 200 "hello" whole, GET /next 200 "" whole, client-fin`},
		{"a length among the trailers", post("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 30\r\n\r\n"+next), `POST /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"chunks with bare LF", post("Transfer-Encoding: chunked\r\n", "5\nhello\n0\n\n"+smuggled), `POST /a 400 "", server-fin`},
		{"no line end behind a chunk", post("Transfer-Encoding: chunked\r\n", "5\r\nhelloXX0\r\n\r\n"+smuggled), `POST /a 400 "hello", server-fin`},
		{"a chunk beyond all", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nhello"), `POST /a 400 "", server-fin`},
		{"a chunk that is no number", post("Transfer-Encoding: chunked\r\n", "five\r\nhello\r\n0\r\n\r\n"+smuggled), `POST /a 400 "", server-fin`},

		// Lines.
		{"a folded value", "GET /a HTTP/1.1\r\nHost: x\r\nX-Fold: one\r\n two\r\n\r\n" + next, `GET /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"a folded first line", "GET /a HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"bare LF", "GET /a HTTP/1.1\nHost: x\n\n" + next, `GET /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"bare CR", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"NUL", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"two hosts", "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"no host", "GET /a HTTP/1.1\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"two spaces", "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, `GET  400 "", server-fin`},
		{"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"a space behind", "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"HTTP 0.9", "GET /a\r\n\r\n" + smuggled, `GET /a 400 "", server-fin`},
		{"HTTP 2 in clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", `PRI * 505 "" whole, server-fin`},
		{"a TLS handshake", "\x16\x03\x01\x02\x00\x01\r\n\r\n", "\x16\x03\x01\x02\x00\x01" + `  400 "", server-fin`},
		{"an empty line behind a POST", post("Content-Length: 5\r\n", "hello\r\n"+next), `POST /a 200 "hello" whole, GET /next 200 "" whole, client-fin`},

		// Targets.
		{"absolute form", "GET http://other/a?b=c HTTP/1.1\r\nHost: x\r\n\r\n" + next, `GET http://other/a?b=c 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"absolute form without a path", "GET http://other HTTP/1.1\r\nHost: x\r\n\r\n", `GET http://other 200 "" whole, client-fin`},
		{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + next, `OPTIONS * 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"authority form", "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n" + next, `CONNECT other:443 501 "" whole, GET /next 200 "" whole, client-fin`},
		{"no form", "GET a HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, `GET a 400 "", server-fin`},

		// Connections.
		{"HTTP 1.0", "GET /a HTTP/1.0\r\n\r\n" + smuggled, `GET /a 200 "" whole, server-fin`},
		{"HTTP 1.0 that stays", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next, `GET /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"the last", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + smuggled, `GET /a 200 "" whole, server-fin`},
		{"an upgrade that is not taken", "GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + next, `GET /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"leave to send a body", post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"+next), `POST /a 200 "hello" whole, GET /next 200 "" whole, client-fin`},
		{"leave to send no body", post("Expect: 100-continue\r\n", next), `POST /a 200 "" whole, GET /next 200 "" whole, client-fin`},
		{"leave to send a body, and none", post("Expect: 100-continue\r\nContent-Length: 50\r\n", ""), `POST /a 0 "", client-fin`},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "")
				c := dial(t, srv)
				c.say(t, row.stream)
				if strings.HasSuffix(row.want, "client-fin") { // else the server ends the connection by itself
					must(t, c.CloseWrite())
				}
				answers, _ := c.rest(t)
				closed(t, srv, 1)
				atRest(t, srv)
				log := srv.Journal().Log()
				if got := told(log); got != row.want {
					t.Errorf("the journal has %s\nwant %s", got, row.want)
				}
				sent := 0
				for i := range log.Attempts {
					if a := &log.Attempts[i]; a.Status != 0 {
						sent++
						if !strings.Contains(answers, fmt.Sprint("HTTP/1.1 ", a.Status, " ")) {
							t.Errorf("the client was not sent %d: %q", a.Status, answers)
						}
					}
				}
				if n := strings.Count(strings.ReplaceAll(answers, "HTTP/1.1 100 ", ""), "HTTP/1.1 "); n != sent {
					t.Errorf("%d answers to %d attempts: %q", n, sent, answers)
				}
			})
		}
	}
}

// told says what the journal has of one connection.
func told(log *journal.Log) string {
	var b strings.Builder
	for i := range log.Attempts {
		a := &log.Attempts[i]
		fmt.Fprintf(&b, "%s %s %d %q", a.Method, a.Target, a.Status, a.Body)
		if a.BodyWhole {
			b.WriteString(" whole")
		}
		if !a.Ended || a.ConnRequest != i+1 {
			fmt.Fprintf(&b, " ended %v, request %d of its connection", a.Ended, a.ConnRequest)
		}
		b.WriteString(", ")
	}
	return b.String() + log.Conns[0].Closed.String()
}

// TestPipelinedHundred: a hundred requests of several shapes, sent at once, are a hundred attempts in that order, each with
// its own body.
func TestPipelinedHundred(t *testing.T) {
	for _, at := range places {
		srv := serve(t, at, "routes: [{match: '/*', answers: [{json: {call: '{call}'}}]}]")
		var stream strings.Builder
		for i := range 100 {
			body := strings.Repeat(fmt.Sprint(i, " "), i*7)
			switch i % 3 {
			case 0:
				fmt.Fprintf(&stream, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			case 1:
				fmt.Fprintf(&stream, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
			default:
				fmt.Fprintf(&stream, "POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", i, len(body), body)
			}
		}
		c := dial(t, srv)
		c.say(t, stream.String())
		for i := range 100 {
			if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Fatalf("%s, request %d: %q", at.name, i, got)
			}
		}
		log := ended(t, srv, 100)
		for i := range log.Attempts {
			a, body := &log.Attempts[i], ""
			if i%3 > 0 {
				body = strings.Repeat(fmt.Sprint(i, " "), i*7)
			}
			if a.Target != fmt.Sprint("/", i) || a.ConnRequest != i+1 || a.BodyLen != int64(len(body)) || a.BodySHA256 != sha256.Sum256([]byte(body)) || !a.Whole {
				t.Errorf("%s, request %d: %+v", at.name, i, a)
			}
		}
	}
}

// TestLargeBody: of a body of 100 MiB length and hash are told, and its beginning is kept; no more of it is in memory.
func TestLargeBody(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const size = 100 << 20
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4<<10) // 64 KiB
	want := sha256.New()
	for range size / len(piece) {
		want.Write(piece)
	}
	for _, row := range []struct{ name, field, before, behind, last string }{
		{"by length", fmt.Sprint("Content-Length: ", size), "", "", ""},
		{"in chunks", "Transfer-Encoding: chunked", "10000;x=y\r\n", "\r\n", "0\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := serve(t, onLoopback, "")
			c := dial(t, srv)
			before, most := heap(), uint64(0)
			c.say(t, "POST / HTTP/1.1\r\nHost: x\r\n"+row.field+"\r\n\r\n")
			for i := range size / len(piece) {
				c.say(t, row.before)
				_, err := c.Write(piece)
				must(t, err)
				c.say(t, row.behind)
				if i%400 == 0 {
					most = max(most, heap())
				}
			}
			c.say(t, row.last)
			c.answer(t)
			if grown := int64(most - before); grown > 2<<20 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			a := ended(t, srv, 1).Attempts[0]
			if a.BodyLen != size || a.BodySHA256 != [32]byte(want.Sum(nil)) || !a.BodyWhole || len(a.Body) != DefaultJournalBody {
				t.Errorf("%d bytes, whole %v, %d kept, hash %x", a.BodyLen, a.BodyWhole, len(a.Body), a.BodySHA256)
			}
		})
	}
}

// TestLargeHeaders: a header block of a mebibyte is taken as it is set, of one field or of very many; one beyond is refused,
// and the sender, which may be at it still, is told so.
func TestLargeHeaders(t *testing.T) {
	one := "X-Big: " + strings.Repeat("y", 1<<20-100) + "\r\n"
	many := strings.Repeat("A: b\r\n", (1<<20-100)/6)
	for _, row := range []struct {
		name, fields string
		status       int
		kept         int
	}{
		{"one field", one, 200, 1}, {"many fields", many, 200, len(many) / 6},
		{"one field beyond", "X-Big: " + strings.Repeat("y", 4<<20) + "\r\n", 431, 0}, {"many fields beyond", many + many, 431, 0},
		{"a target", "", 200, 0}, {"a target beyond", "", 431, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := serve(t, onLoopback, "")
			target := map[string]string{"a target": strings.Repeat("t", 1<<20-100), "a target beyond": strings.Repeat("t", 4<<20)}[row.name]
			c := dial(t, srv)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(c, "GET /"+target+" HTTP/1.1\r\nHost: x\r\n"+row.fields+"\r\n") // cut short where it is refused
			}()
			if got, err := c.in.ReadString('\n'); !strings.HasPrefix(got, fmt.Sprint("HTTP/1.1 ", row.status)) {
				t.Errorf("%q, %v", got, err)
			}
			must(t, c.Close())
			<-sent
			a := ended(t, srv, 1).Attempts[0]
			fields := a.Headers
			if len(fields) > 0 && fields[0].Name == "Host" {
				fields = fields[1:]
			}
			if a.Status != row.status || len(fields) != row.kept || row.status == 200 && len(a.Target) != len(target)+1 {
				t.Errorf("journalled: status %d, %d fields, a target of %d bytes", a.Status, len(fields), len(a.Target))
			}
			atRest(t, srv)
		})
	}
}

// TestHalfClosed: a client that ends its side behind its request gets the whole answer, also a large one, and the journal
// says who ended what. In a delay the end of the client's side is the end of its wait: the two cannot be told apart.
func TestHalfClosed(t *testing.T) {
	for _, at := range places {
		for _, row := range []struct{ name, yaml, request string }{
			{"GET", "", getX},
			{"POST", "", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
			{"in chunks", "", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
			{"HTTP 1.0", "", "GET / HTTP/1.0\r\n\r\n"},
			{"large", "routes: [{match: /, answers: [{size: 8MiB}]}]", getX},
			{"large in chunks", "routes: [{match: /, answers: [{size: 8MiB, framing: chunked}]}]", getX},
			{"two of them", "", getX + getX},
		} {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, row.yaml)
				c := dial(t, srv)
				c.say(t, row.request)
				must(t, c.CloseWrite())
				in := bufio.NewReader(c)
				attempts := strings.Count(row.request, "HTTP/1.")
				for range attempts {
					res, err := http.ReadResponse(in, nil)
					must(t, err)
					n, err := io.Copy(io.Discard, res.Body)
					must(t, err)
					if want := int64(8 << 20); res.StatusCode != 200 || strings.HasPrefix(row.name, "large") && n != want {
						t.Errorf("%d with %d bytes", res.StatusCode, n)
					}
				}
				if b, err := in.ReadByte(); err != io.EOF {
					t.Errorf("behind the answers: %q, %v", b, err)
				}
				closed(t, srv, 1)
				atRest(t, srv)
				log := srv.Journal().Log()
				for i := range log.Attempts {
					if a := &log.Attempts[i]; !a.Ended || !a.Whole || a.Status != 200 || !a.BodyWhole || a.Failure != "" {
						t.Errorf("%+v", a)
					}
				}
				if how := log.Conns[0].Closed; len(log.Attempts) != attempts || how != journal.ClosedByClientFIN && row.name != "HTTP 1.0" {
					t.Errorf("%d attempts, closed by %v", len(log.Attempts), how)
				}
			})
		}
	}
	bubble(t, "faults: [{delay: 10s}]", func(t *testing.T, srv *Server) {
		c := dial(t, srv)
		c.say(t, getX)
		time.Sleep(time.Second)
		must(t, c.CloseWrite())
		got, end := c.rest(t)
		a := srv.Journal().Log().Attempts[0]
		if got != "" || end != "fin" || !a.Ended || a.Done != time.Second || a.Closed != journal.ClosedByClientFIN {
			t.Errorf("in a delay: %q, then %s: %+v", got, end, a)
		}
	})
}

// streams are what FuzzRequests begins with, and playing is how they are answered.
var (
	streams = []string{
		getX + next, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + next,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;e\r\nhello\r\n0\r\nT: u\r\n\r\n" + next,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + next,
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 33\r\n\r\n" + smuggled,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + next, "GET http://h/~7/a HTTP/1.1\r\nHost: x\r\n\r\n" + next,
	}
	playing = []string{
		"", "faults: [{delay: 1s}]", "routes: [{match: '/*', answers: [{early: 2B}]}]", "routes: [{match: '/*', answers: [{early: 0B, status: 413}]}]",
		"faults: [{when: {nth: 1}, do: drip, at: request-body, rate: 2B/s}]", "faults: [{when: {nth: 1}, do: fin, at: request-body, after: 2B}]",
		"faults: [{when: {nth: 1}, close: end}]", "routes: [{match: '/*', answers: [{connection: close, linger: 5s}]}]", "faults: [{when: {nth: 1}, garbage: idle}]",
		"routes: [{match: '/*', answers: [{size: 20B, framing: close}]}]", "faults: [{when: {nth: 1}, stall: body}]",
	}
)

// FuzzRequests: whatever a client sends and however it is answered, the attempts in the journal are what a reader of the
// stream alone finds in it, from the first on: never a request that was not sent, nor one in another order, nor a body that
// is not its own.
func FuzzRequests(f *testing.F) {
	for i := range streams {
		for k := range playing {
			f.Add([]byte(streams[i]), uint8(k))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, how uint8) {
		want := readRequests(stream)
		bubble(t, playing[int(how)%len(playing)], func(t *testing.T, srv *Server) {
			c := dial(t, srv)
			go func() {
				_, _ = c.Write(stream)
				time.Sleep(time.Minute) // for a client that ends its side gives up what is slow
				_ = c.CloseWrite()
			}()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			time.Sleep(time.Hour)
			synctest.Wait()
			log := srv.Journal().Log()
			seen := 0
			for i := range log.Attempts {
				a := &log.Attempts[i]
				if !a.Ended {
					t.Errorf("%q: no end: %+v", stream, a)
				}
				if a.Reason == "refused by the HTTP server" {
					continue
				}
				if seen == len(want) || !want[seen].is(a) {
					t.Fatalf("%q: attempt %d is %s %s with %q, whole %v; the stream has %+v", stream, seen, a.Method, a.Target, a.Body, a.BodyWhole, want)
				}
				seen++
			}
			if left := srv.leftovers(); left != "" {
				t.Errorf("%q: left in the server: %s", stream, left)
			}
		})
	})
}

// sentRequest is a request of a stream.
type sentRequest struct {
	method, target string
	body           []byte
}

// is reports whether an attempt is of the request; its body may have been read in part.
func (r sentRequest) is(a *journal.Attempt) bool {
	target := a.Target
	if parseTarget(&http.Request{RequestURI: r.target}).id == "" && target != r.target {
		return false
	}
	return a.Method == r.method && (!a.BodyWhole || a.BodySHA256 == sha256.Sum256(r.body)) && a.BodyLen <= int64(len(r.body))
}

// readRequests reads the requests of a stream one after the other, as far as they can be read.
func readRequests(stream []byte) []sentRequest {
	in := bufio.NewReader(bytes.NewReader(stream))
	var all []sentRequest
	for {
		if len(all) > 0 && all[len(all)-1].method == "POST" { // behind which net/http suffers empty lines
			for b, err := in.Peek(1); err == nil && (b[0] == '\r' || b[0] == '\n'); b, err = in.Peek(1) {
				_, _ = in.Discard(1)
			}
		}
		r, err := http.ReadRequest(in)
		if err != nil {
			return all
		}
		body, err := io.ReadAll(r.Body)
		all = append(all, sentRequest{r.Method, r.RequestURI, body})
		if err != nil {
			return all
		}
	}
}
