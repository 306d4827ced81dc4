package httpserver_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"brownout/resilience/httpserver"
)

func TestHeadersOfAReplay(t *testing.T) {
	do := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, values := range map[string][]string{
			"Content-Type": {"text/plain"}, "Vary": {"Accept", "Origin"}, "X-Empty": {""},
			"Set-Cookie": {"session=1"}, "Date": {"Mon, 23 Nov 2026 12:00:00 GMT"}, "X-Request-Id": {"r1"}, "X-Internal": {"host 7"},
			"Connection": {"close, X-Hop"}, "Keep-Alive": {"timeout=5"}, "X-Hop": {"1"}, "Trailer": {"X-Sum"},
			"Idempotent-Replayed": {"false"},
		} {
			h[name] = values
		}
		_, _ = w.Write([]byte("done"))
	}
	for _, keepCookies := range []bool{false, true} {
		v := serve(t, memory(t), httpserver.IdempotencySettings{KeepCookies: keepCookies, DropHeaders: []string{"x-internal"}}, do)
		v.post(key, "{}")
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-Id", "r2") // of a middleware before
		w.Header().Set("Vary", "Accept-Encoding")
		v.handler.ServeHTTP(w, request("/payments", key, "{}"))
		want := http.Header{"Content-Type": {"text/plain"}, "Vary": {"Accept", "Origin"}, "X-Empty": {""},
			"X-Request-Id": {"r2"}, "Idempotent-Replayed": {"true"}}
		if keepCookies {
			want["Set-Cookie"] = []string{"session=1"}
		}
		if got := w.Header(); !equalHeader(got, want) || w.Body.String() != "done" {
			t.Errorf("a replay has the header\n%v, want\n%v", got, want)
		}
		w.Header()["Vary"] = append(w.Header()["Vary"], "X") // must not write into what is stored
		w.Header()["Vary"][0] = "changed"
		if again := v.post(key, "{}"); strings.Join(again.Header()["Vary"], ",") != "Accept,Origin" {
			t.Errorf("the next replay has Vary %q", again.Header()["Vary"])
		}
	}
}

func equalHeader(a, b http.Header) bool {
	var x, y bytes.Buffer
	_, _ = a.Write(&x), b.Write(&y)
	return x.String() == y.String()
}

// What a middleware before this one set is not the handler's answer.
func TestHeadersFromOutside(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-Outer") != "1" || w.Header().Get("X-Gone") != "1" {
			t.Errorf("the handler sees %v", w.Header())
		}
		w.Header().Del("X-Gone")
		w.Header().Add("Vary", "Origin")
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-Late", "too late")
	})
	send := func(outer string) http.Header {
		w := httptest.NewRecorder()
		for _, name := range []string{"X-Outer", "X-Gone"} {
			w.Header().Set(name, outer)
		}
		w.Header().Set("Vary", "Accept")
		v.handler.ServeHTTP(w, request("/payments", key, "{}"))
		if w.Code != http.StatusAccepted {
			t.Errorf("status %d", w.Code)
		}
		return w.Header()
	}
	if got, want := send("1"), (http.Header{"X-Outer": {"1"}, "Vary": {"Accept", "Origin"}}); !equalHeader(got, want) {
		t.Errorf("first %v, want %v", got, want)
	}
	want := http.Header{"X-Outer": {"2"}, "X-Gone": {"2"}, "Vary": {"Accept", "Origin"}, "Idempotent-Replayed": {"true"}}
	if got := send("2"); !equalHeader(got, want) {
		t.Errorf("again %v, want %v", got, want)
	}
}

// The rules of http.ResponseWriter hold.
func TestResponseWriter(t *testing.T) {
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		switch r.Header.Get("Idempotency-Key") {
		case "twice":
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
		case "no-body":
			w.WriteHeader(http.StatusNoContent)
			if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("body of 204: %d, %v", n, err)
			}
		case "longer":
			w.Header().Set("Content-Length", "4")
			n, err := io.WriteString(w, "12345")
			if n != 0 || !errors.Is(err, http.ErrContentLength) {
				t.Errorf("more than announced: %d, %v", n, err)
			}
			_, _ = io.WriteString(w, "1234")
		case "flush":
			_, _ = w.Write([]byte("a"))
			if err := control.Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			_, _ = w.Write([]byte("b"))
		case "hijack":
			if _, _, err := control.Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: %v", err)
			}
		case "status":
			if caught(func() { w.WriteHeader(42) }) == nil {
				t.Error("WriteHeader(42) did not panic")
			}
		}
	})
	for key, want := range map[string]struct {
		status int
		body   string
	}{
		"twice": {202, ""}, "no-body": {204, ""}, "longer": {200, "1234"}, "flush": {200, "ab"}, "hijack": {200, ""}, "status": {200, ""},
	} {
		for _, replayed := range []bool{false, true} {
			w := v.post(key, "{}")
			answered(t, w, want.status, replayed)
			if w.Body.String() != want.body || w.Flushed {
				t.Errorf("%s: body %q, flushed %t; want %q, held back", key, w.Body, w.Flushed, want.body)
			}
		}
	}
}

// Nothing of a handler reaches memory that another request uses by then.
func TestAfterTheHandlerReturned(t *testing.T) {
	var w http.ResponseWriter
	var r *http.Request
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(rw http.ResponseWriter, req *http.Request) {
		w, r = rw, req
		created(rw, req)
	})
	v.post(key, "the body")
	if n, err := w.Write([]byte("late")); n != 0 || err == nil {
		t.Errorf("Write after the handler returned: %d, %v", n, err)
	}
	if n, err := io.WriteString(w, "late"); n != 0 || err == nil {
		t.Errorf("WriteString after the handler returned: %d, %v", n, err)
	}
	if err := http.NewResponseController(w).Flush(); err == nil {
		t.Error("Flush after the handler returned")
	}
	if b, err := io.ReadAll(r.Body); len(b) != 0 || err != nil {
		t.Errorf("the body after the handler returned: %q, %v", b, err)
	}
	w.WriteHeader(http.StatusTeapot)
	answered(t, v.post(key, "the body"), http.StatusCreated, true)
}

// An answer that is too large to store is streamed, and repeated without a body rather than by a second run.
func TestTooLargeToStore(t *testing.T) {
	large := strings.Repeat("x", 1001)
	v := serve(t, memory(t), httpserver.IdempotencySettings{MaxResponse: 1000}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "1002")
		w.Header().Set("Location", "/payments/1")
		w.WriteHeader(http.StatusCreated)
		if n, err := io.WriteString(w, large[:1000]); n != 1000 || err != nil {
			t.Error(n, err)
		}
		if n, err := w.Write([]byte("yz")); n != 2 || err != nil {
			t.Error(n, err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	w := v.post(key, "{}")
	answered(t, w, http.StatusCreated, false)
	if w.Body.String() != large[:1000]+"yz" || !w.Flushed {
		t.Errorf("%d bytes, flushed %t", w.Body.Len(), w.Flushed)
	}
	for range 2 {
		w = v.post(key, "{}")
		answered(t, w, http.StatusCreated, true)
		want := http.Header{"Location": {"/payments/1"}, "Content-Length": {"0"}, "Idempotent-Replayed": {"true"}}
		if w.Body.Len() != 0 || !equalHeader(w.Header(), want) {
			t.Errorf("a replay has %d bytes and the header %v, want none and %v", w.Body.Len(), w.Header(), want)
		}
	}
	v.ran(1)
	v = serve(t, memory(t), httpserver.IdempotencySettings{MaxResponse: 1000}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(large[:1000]))
	})
	v.post(key, "{}")
	if w := v.post(key, "{}"); w.Body.Len() != 1000 {
		t.Errorf("a body of just the size that is stored is replayed with %d bytes", w.Body.Len())
	}
}

// On the wire: an informational answer goes out at once, trailers after the body, and deadlines reach the connection.
func TestOnTheWire(t *testing.T) {
	hold := make(chan struct{})
	v := serve(t, memory(t), httpserver.IdempotencySettings{}, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})); err != nil {
			t.Errorf("deadlines: %v", err)
		}
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "X-Sum")
		<-hold
		_, _ = w.Write([]byte("body"))
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-More", "2")
	})
	server := httptest.NewServer(v.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := "POST /payments HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 2\r\n\r\n{}"
	if _, err := io.WriteString(conn, send); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if line, _ := textproto.NewReader(in).ReadLine(); line != "HTTP/1.1 103 Early Hints" {
		t.Fatalf("the first line is %q, want the informational answer", line)
	}
	if h, err := textproto.NewReader(in).ReadMIMEHeader(); err != nil || h.Get("Link") == "" {
		t.Fatalf("early hints %v, %v", h, err)
	}
	close(hold)
	for _, replayed := range []string{"", "true"} {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "body" || resp.StatusCode != 200 || resp.Header.Get("Link") != "" || resp.Header.Get("Idempotent-Replayed") != replayed {
			t.Fatalf("%+v, body %q, %v", resp, body, err)
		}
		if replayed == "" && (resp.Trailer.Get("X-Sum") != "1" || resp.Trailer.Get("X-More") != "2") {
			t.Errorf("trailers %v", resp.Trailer)
		}
		if _, err := io.WriteString(conn, send); err != nil {
			t.Fatal(err)
		}
	}
	v.ran(1)
}
