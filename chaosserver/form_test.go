package chaosserver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brownout/scenarios"
)

// TestForms looks at the bytes of the forms that an answer can take.
func TestForms(t *testing.T) {
	for _, row := range []struct{ answer, want string }{
		{"framing: chunked", head(chunked) + "a\r\n0123456789\r\n0\r\n\r\n"},
		{"framing: close", head("Connection: close\r\n"+plainText) + "0123456789"},
		{"interim: [100, 103]", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + head(tenBytes) + "0123456789"},
		{"status: 302, redirect: '/b/{call}'", "HTTP/1.1 302 Found\r\nLocation: /~7/b/7\r\n" + tenBytes + "\r\n0123456789"},
	} {
		for _, at := range places {
			t.Run(row.answer+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "routes: [{match: GET /, answers: [{text: '0123456789', "+row.answer+"}]}]")
				got := exchangeOnce(t, srv, "GET /~7/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				got.bytes = strings.Replace(got.bytes, "Connection: close\r\n\r\n", "\r\n", 1) // as the request asked
				if got != (seen{row.want, "fin"}) {
					t.Errorf("the client saw %q, %s; want %q", got.bytes, got.end, row.want)
				}
				if a := ended(t, srv, 1).Attempts[0]; !a.Whole || a.Failure != "" {
					t.Errorf("the attempt: %+v", a)
				}
			})
		}
	}
}

// TestEncodings: a gzip stream is whole, in whatever framing, and a cut one ends within it though its framing is whole.
func TestEncodings(t *testing.T) {
	for _, framing := range []string{"length", "chunked", "close"} {
		for _, body := range []string{"text: '0123456789'", "text: '{call}'", "size: 200KiB", "text: ''"} {
			for _, coding := range []string{"gzip", "cut-gzip"} {
				t.Run(framing+"/"+body+"/"+coding, func(t *testing.T) {
					srv := serve(t, onLoopback, "routes: [{match: GET /, answers: [{"+body+", framing: "+framing+", encoding: "+coding+"}, {"+body+"}]}]")
					srv.Client().Transport.(*http.Transport).DisableCompression = true
					coded, kind := fetch(t, srv)
					if kind != "gzip" {
						t.Errorf("Content-Encoding is %q", kind)
					}
					r, err := gzip.NewReader(bytes.NewReader(coded))
					must(t, err)
					got, err := io.ReadAll(r)
					if coding == "cut-gzip" {
						if !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("the cut stream gave %v", err)
						}
						return
					}
					must(t, err)
					if want := map[string]int{"text: '0123456789'": 10, "text: '{call}'": 1, "size: 200KiB": 200 << 10, "text: ''": 0}[body]; len(got) != want {
						t.Errorf("%d bytes, want %d", len(got), want)
					}
				})
			}
		}
	}
}

// fetch makes one request with net/http's own client, and returns the whole body and its coding.
func fetch(t *testing.T, srv *Server) ([]byte, string) {
	t.Helper()
	resp, err := srv.Client().Get(srv.URL() + "/")
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	must(t, err, resp.Body.Close())
	return body, resp.Header.Get("Content-Encoding")
}

// TestFileBody: the body is what the file beside the scenario held when that was read.
func TestFileBody(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "answer.json"), []byte("{\"id\": 7}\n"), 0o600))
	path := filepath.Join(dir, "s.yaml")
	must(t, os.WriteFile(path, []byte("name: x\nroutes: [{match: GET /, answers: [{file: answer.json}]}]"), 0o600))
	s, err := scenarios.Load(path)
	must(t, err)
	srv, err := New(s)
	must(t, err, srv.Start())
	defer srv.Close()
	c := dial(t, srv)
	c.say(t, getX)
	if got := undated(t, c.answer(t)); got != head("Content-Type: application/json\r\nContent-Length: 10\r\n")+"{\"id\": 7}\n" {
		t.Errorf("answered %q", got)
	}
}

// TestHeadOfForms: a HEAD request gets the fields of the answer's form, and no body.
func TestHeadOfForms(t *testing.T) {
	for form, fields := range map[string]string{
		"framing: chunked": chunked, "encoding: gzip": "Content-Encoding: gzip\r\n" + plainText + "Content-Length: 33\r\n",
	} {
		srv := serve(t, onLoopback, "routes: [{match: '/', answers: [{text: '0123456789', "+form+"}]}]")
		got := exchangeOnce(t, srv, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if want := head(fields + "Connection: close\r\n"); got.bytes != want {
			t.Errorf("%s: %q, want %q", form, got.bytes, want)
		}
	}
}
