package chaosserver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBareHandlerBeforeUpstream: a bare handler stands in front of an upstream too, with the faults that it can carry out; it
// takes the connection, which ends behind the answer.
func TestBareHandlerBeforeUpstream(t *testing.T) {
	up := newFarEnd(t, func(f *far) {
		for h := f.head(); h != ""; h = f.head() {
			n := 0
			if strings.HasPrefix(h, "POST") {
				n = 5
			}
			b := make([]byte, n)
			_, _ = io.ReadFull(f.in, b)
			f.say(dated("Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\nreal%s\r\n0\r\n\r\n", 4+n, b)))
		}
	})
	srv, err := New(scenario(t, "faults: [{name: cut, truncate: 2B, when: {path: /cut}}]"), AsHandler(), WithMaxBody(5),
		WithUpstream(Upstream{URL: "http://" + up.addr}))
	must(t, err)
	front := httptest.NewServer(srv)
	t.Cleanup(func() {
		front.Close()
		must(t, srv.Close())
	})
	for _, row := range []struct {
		path, body, want string
		err              error
		failure          string
	}{
		{"/a", "", "200 real", nil, ""},
		{"/a", "hello", "200 realhello", nil, ""},
		{"/cut", "", "200 re", io.ErrUnexpectedEOF, ""},
		{"/a", "too long", "500", nil, "the request's body has more than 5 bytes, and is kept whole by a bare handler: use Start or StartMemory"},
	} {
		method := http.MethodGet
		if row.body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, front.URL+row.path, strings.NewReader(row.body))
		must(t, err)
		res, err := front.Client().Do(req)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := fmt.Sprintf("%d %s", res.StatusCode, body); !strings.HasPrefix(got, row.want) || err != row.err {
			t.Errorf("%s %s: %s, %v", method, row.path, got, err)
		}
		log := ended(t, srv, len(srv.Journal().Log().Attempts))
		if a := log.Attempts[len(log.Attempts)-1]; a.Failure != row.failure {
			t.Errorf("%s %s: %+v", method, row.path, a)
		}
	}
}

// TestOldClientsBeforeUpstream: to a client of HTTP/1.0 a body without a length goes up to the end of the connection, and where
// the upstream breaks off that end is no FIN.
func TestOldClientsBeforeUpstream(t *testing.T) {
	for body, want := range map[string]string{"4\r\nreal\r\n0\r\n\r\n": "fin", "4\r\nreal\r\n": "rst"} {
		up := newFarEnd(t, func(f *far) {
			f.head()
			f.say("HTTP/1.1 103 Early Hints\r\n\r\n" + dated("Transfer-Encoding: chunked\r\n", body))
		})
		c := dial(t, up.before(t, ""))
		c.say(t, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if got, end := c.rest(t); got != dated("Connection: close\r\n", "real") || end != want {
			t.Errorf("%q, %s; want %s", got, end, want)
		}
	}
}
