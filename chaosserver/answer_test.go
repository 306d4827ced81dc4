package chaosserver

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// TestAnswerBytes looks at every kind of answer on the wire, byte for byte but for the Date, on a port and in memory.
func TestAnswerBytes(t *testing.T) {
	const ok = "{\"status\":200,\"message\":\"OK\"}\n"
	for _, row := range []struct {
		name    string
		yaml    string
		request string // its lines, without the first line's version and Host
		want    string
	}{
		{"no routes", ``, "GET /any", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n" + ok},
		{"a status", `routes: [{match: GET /, answers: [{status: 503}]}]`, "GET /",
			"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n{\"status\":503,\"message\":\"Service Unavailable\"}\n"},
		{"a status without a phrase", `routes: [{match: GET /, answers: [{status: 599, text: x}]}]`, "GET /",
			"HTTP/1.1 599 \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\nx"},
		{"no content", `routes: [{match: GET /, answers: [{status: 204}]}]`, "GET /", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"not modified", `routes: [{match: GET /, answers: [{status: 304, headers: {ETag: '"1"'}}]}]`, "GET /",
			"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n"},
		{"JSON with the call's variables", `routes: [{match: "GET /items/:id", answers: [{json: {id: "pay_{call}_{attempt}_{nth}_{seed}", item: "{id}", key: "{key}"}}]}]`,
			"GET /items/a%22b\r\nIdempotency-Key: k1",
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n{\"id\":\"pay_1_1_1_1\",\"item\":\"a\\\"b\",\"key\":\"k1\"}"},
		{"text", `routes: [{match: GET /, answers: [{text: "call {call} {{braces}"}]}]`, "GET /",
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 15\r\n\r\ncall 1 {braces}"},
		{"headers as written, in their order and case", `routes: [{match: GET /, answers: [{headers: {x-B: "2", X-a: ["1", "one"], Retry-After: "-3", Content-Type: x}, text: ""}]}]`,
			"GET /", "HTTP/1.1 200 OK\r\nx-B: 2\r\nX-a: 1\r\nX-a: one\r\nRetry-After: -3\r\nContent-Type: x\r\nContent-Length: 0\r\n\r\n"},
		{"a header with a variable, and a long one", `routes: [{match: GET /, answers: [{headers: {X-Call: "c{call}", X-Long: {repeat: "ab", size: 5B}}, text: ""}]}]`,
			"GET /", "HTTP/1.1 200 OK\r\nX-Call: c1\r\nX-Long: ababa\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"HEAD has the length and no body", `routes: [{match: HEAD /, answers: [{text: hello}]}]`, "HEAD /",
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\n"},
		{"seeded bytes, HEAD", `routes: [{match: HEAD /, answers: [{size: 1MiB}]}]`, "HEAD /",
			"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1048576\r\n\r\n"},
		{"Retry-After in seconds", `routes: [{match: GET /, answers: [{status: 429, text: "", retry_after: 2s}]}]`, "GET /",
			"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"Retry-After as a float", `routes: [{match: GET /, answers: [{status: 429, text: "", retry_after: {in: 2s, as: float}}]}]`, "GET /",
			"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"Retry-After in milliseconds", `routes: [{match: GET /, answers: [{status: 429, text: "", retry_after: {in: 1500ms, as: ms}}]}]`, "GET /",
			"HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 1500\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"a negative Retry-After", `routes: [{match: GET /, answers: [{status: 429, text: "", retry_after: {in: -3s}}]}]`, "GET /",
			"HTTP/1.1 429 Too Many Requests\r\nRetry-After: -3\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"no route", `routes: [{match: POST /v1/charges}]`, "POST /v1/charge",
			"HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: 108\r\n\r\n" +
				`{"title":"Not Found","status":404,"detail":"no route matches POST /v1/charge; nearest is POST /v1/charges"}` + "\n"},
		{"a connection that the client will not use again", ``, "GET /\r\nConnection: close",
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\nConnection: close\r\n\r\n" + ok},
	} {
		for _, at := range places {
			t.Run(row.name+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, row.yaml)
				c := dial(t, srv)
				first, fields, _ := strings.Cut(row.request, "\r\n")
				if fields != "" {
					fields += "\r\n"
				}
				c.say(t, first+" HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n")
				must(t, c.CloseWrite())
				got, end := c.rest(t)
				if end != "fin" {
					t.Errorf("the connection ended with %s, want fin", end)
				}
				if got := undated(t, got); got != row.want {
					t.Errorf("the answer is\n%q, want\n%q", got, row.want)
				}
			})
		}
	}
}

// TestKeptAlive: answers do not end the connection, unless they or the request say so.
func TestKeptAlive(t *testing.T) {
	const yaml = `routes: [{match: GET /, answers: [{status: 503, text: a}, {status: 200, text: b}]}, {match: GET /end, answers: [{text: c, headers: {connection: "x, Close"}}]}]`
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, yaml)
			c := dial(t, srv)
			for i, want := range []string{"503", "200", "503"} {
				c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
					t.Errorf("answer %d: %q, want %s", i, got, want)
				}
			}
			c.say(t, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
			if got := c.answer(t); !strings.Contains(got, "\r\nConnection: keep-alive\r\n") {
				t.Errorf("to HTTP/1.0: %q, want keep-alive", got)
			}
			c.say(t, "GET /end HTTP/1.1\r\nHost: x\r\n\r\n")
			got, end := c.rest(t)
			if !strings.Contains(got, "connection: x, Close\r\n") || strings.Contains(got, "Connection:") || end != "fin" {
				t.Errorf("an answer that says close: %q, then %s", got, end)
			}

			c = dial(t, srv)
			c.say(t, "GET / HTTP/1.0\r\n\r\n")
			if got, end := c.rest(t); !strings.Contains(got, "\r\nConnection: close\r\n") || end != "fin" {
				t.Errorf("to HTTP/1.0: %q, then %s", got, end)
			}
		})
	}
}

// TestPipelined: requests sent in one piece are answered one by one, each with its own header block in the journal.
func TestPipelined(t *testing.T) {
	srv := serve(t, onLoopback, ``)
	c := dial(t, srv)
	c.say(t, "POST /a HTTP/1.1\r\nhost: x\r\nB: 1\r\nA: 2\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHOST: x\r\nz: 3\r\nY: 4\r\nConnection: close\r\n\r\n")
	if got, _ := c.rest(t); strings.Count(got, "HTTP/1.1 200 OK") != 2 {
		t.Fatalf("answers: %q", got)
	}
	log := ended(t, srv, 2)
	for i, want := range []string{"[{host x} {B 1} {A 2} {Content-Length 5}]", "[{HOST x} {z 3} {Y 4} {Connection close}]"} {
		a := log.Attempts[i]
		if got := fmt.Sprint(a.Headers); got != want || a.HeaderOrderLost {
			t.Errorf("attempt %d: %s, order lost %v; want %s", i+1, got, a.HeaderOrderLost, want)
		}
	}
	if a, b := log.Attempts[0], log.Attempts[1]; b.First > a.Read || b.ConnRequest != 2 {
		t.Errorf("the second request is number %d and began at %v, but came with the first, read at %v", b.ConnRequest, b.First, a.Read)
	}
}

// TestSeededBytes: a size body has its size, is the same for every attempt of a call, and another for each call.
func TestSeededBytes(t *testing.T) {
	srv := serve(t, onLoopback, `routes: [{match: GET /, answers: [{status: 503, size: 200KiB}, {size: 200KiB}]}]`)
	get := func(call int) string {
		res, err := srv.Client().Get(srv.CallURL(call) + "/")
		must(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		must(t, err)
		return string(b)
	}
	a, b, c := get(1), get(1), get(2)
	if len(a) != 200<<10 || a != b || a == c {
		t.Errorf("%d bytes, again equal %v, for another call equal %v; want 204800, true, false", len(a), a == b, a == c)
	}
	for i, a := range ended(t, srv, 3).Attempts {
		if a.BytesSent < 200<<10 || !a.Whole {
			t.Errorf("attempts[%d]: %d bytes sent, whole %v", i, a.BytesSent, a.Whole)
		}
	}
}

// ended waits until so many attempts have ended, and returns the record.
func ended(t testing.TB, srv *Server, n int) *journal.Log {
	t.Helper()
	var log *journal.Log
	err := srv.Await(within(t), func(l *journal.Log) bool {
		log = l
		ends := 0
		for i := range l.Attempts {
			if l.Attempts[i].Ended {
				ends++
			}
		}
		return ends >= n
	})
	must(t, err)
	return log
}
