package chaosserver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

func TestParseTarget(t *testing.T) {
	for _, row := range []struct{ uri, whole, path, id string }{
		{"/", "/", "/", ""},
		{"/items?x=1", "/items?x=1", "/items", ""},
		{"/~7/items?x=1", "/items?x=1", "/items", "7"},
		{"/~7", "/", "/", "7"},
		{"/~7?x=1", "/?x=1", "/", "7"},
		{"/~a-b//items", "//items", "//items", "a-b"},
		{"/~/items", "/~/items", "/~/items", ""},
		{"/items/~7", "/items/~7", "/items/~7", ""},
		{"http://host/~7/items?x", "http://host/items?x", "/items", "7"},
		{"http://host/~7", "http://host/", "/", "7"},
		{"http://host", "http://host", "/", ""},
		{"http://host?x=1", "http://host?x=1", "/", ""},
		{"*", "*", "*", ""},
		{"host:443", "host:443", "host:443", ""},
	} {
		got := parseTarget(&http.Request{RequestURI: row.uri})
		if want := (target{row.whole, row.path, row.id}); got != want {
			t.Errorf("%s: %+v, want %+v", row.uri, got, want)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "42": 42, "999999999": 999999999, "0": 0, "007": 0, "": 0, "-1": 0, "1x": 0, "9999999999": 0} {
		if got := ordinal(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestNaming: how calls and clients are told apart, through the whole server.
func TestNaming(t *testing.T) {
	for _, row := range []struct {
		why, yaml string
		requests  []string // "METHOD target", then header lines
		want      []string // call, its number, the attempt's, how it was named
	}{
		{"by print", "faults: [{status: 503}]",
			[]string{"GET /a", "GET /a", "GET /b", "POST /a"},
			[]string{"GET /a #1|1|1|print", "GET /a #1|1|2|print", "GET /b #2|2|1|print", "POST /a #3|3|1|print"}},
		{"the ordinal is of the route", "routes: [{match: GET /a}, {match: GET /b}]",
			[]string{"GET /a", "GET /b", "GET /b", "GET /c"},
			[]string{"GET /a #1|1|1|print", "GET /b #2|1|1|print", "GET /b #3|2|1|print", "GET /c #4|1|1|print"}},
		{"by prefix, whatever the answer", "",
			[]string{"GET /~7/a", "GET /~7/b", "GET /~x/a", "GET /~7/a"},
			[]string{"7|7|1|prefix", "7|7|2|prefix", "x|1|1|prefix", "7|7|3|prefix"}},
		{"by the path's variable", "identity: {by: path}\nroutes: [{match: 'GET /items/:call'}, {match: GET /b}]",
			[]string{"GET /items/3", "GET /items/3", "GET /items/x", "GET /b", "GET /~9/items/4"},
			[]string{"3|3|1|path", "3|3|2|path", "x|1|1|path", "/b|1|1|path", "4|4|1|path"}},
		{"by a header, else by prefix, else by print", "identity: {by: header X-Request-Id}",
			[]string{"GET /a\r\nX-Request-Id: r1", "GET /b\r\nX-Request-Id: r1", "GET /~2/a", "GET /a"},
			[]string{"r1|1|1|header", "r1|1|2|header", "2|2|1|prefix", "GET /a #1|2|1|print"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			srv, err := New(scenario(t, row.yaml))
			must(t, err)
			defer srv.Close()
			for _, request := range row.requests {
				srv.ServeHTTP(httptest.NewRecorder(), parseRequest(request))
			}
			for i, a := range srv.Journal().Log().Attempts {
				if got := fmt.Sprintf("%s|%d|%d|%v", a.Call, a.CallNo, a.N, a.Naming); got != row.want[i] {
					t.Errorf("%s: %s, want %s", row.requests[i], got, row.want[i])
				}
			}
		})
	}
}

// parseRequest makes a request of "METHOD target" and header lines.
func parseRequest(text string) *http.Request {
	lines := strings.Split(text, "\r\n")
	method, uri, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, uri, nil)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// TestClients: clients are told apart by what the scenario says, else by Authorization, else by address; and no secret
// gets into the journal that way.
func TestClients(t *testing.T) {
	for _, row := range []struct {
		why, yaml string
		requests  []string
		want      string // a letter for each client
		plain     bool   // the client's name may be the text itself
	}{
		{"by address", "", []string{"GET /", "GET /"}, "aa", true},
		{"by Authorization", "", []string{"GET /\r\nAuthorization: s3cret-1", "GET /", "GET /\r\nAuthorization: s3cret-2", "GET /\r\nAuthorization: s3cret-1"}, "abca", false},
		{"by ip", "identity: {client: ip}", []string{"GET /\r\nAuthorization: s3cret-1", "GET /"}, "aa", false},
		{"by header", "identity: {client: header X-Tenant}", []string{"GET /\r\nX-Tenant: red", "GET /\r\nX-Tenant: blue", "GET /\r\nX-Tenant: red"}, "aba", true},
		{"by a secret header", "identity: {client: header X-Api-Key}", []string{"GET /\r\nX-Api-Key: s3cret-1", "GET /\r\nX-Api-Key: s3cret-2", "GET /\r\nX-Api-Key: s3cret-1"}, "aba", false},
		{"calls by a secret header", "identity: {by: header X-Api-Key}", []string{"GET /\r\nX-Api-Key: s3cret-1"}, "a", false},
	} {
		t.Run(row.why, func(t *testing.T) {
			srv, err := New(scenario(t, row.yaml))
			must(t, err)
			defer srv.Close()
			for _, request := range row.requests {
				srv.ServeHTTP(httptest.NewRecorder(), parseRequest(request))
			}
			letters := map[string]byte{}
			var got []byte
			for _, a := range srv.Journal().Log().Attempts {
				if letters[a.Client] == 0 {
					letters[a.Client] = byte('a' + len(letters))
				}
				got = append(got, letters[a.Client])
				if strings.Contains(fmt.Sprintf("%+v", a), "s3cret") {
					t.Errorf("a secret in the journal: %+v", a)
				}
			}
			if string(got) != row.want {
				t.Errorf("clients %s, want %s", got, row.want)
			}
		})
	}
}

// TestFaultsLeaveEntries: a fault answers without using up the route's entry.
func TestFaultsLeaveEntries(t *testing.T) {
	srv, err := New(scenario(t, `
routes: [{match: GET /, answers: [{status: 500}, {status: 502}, {status: 200}]}]
faults: [{status: 429, when: {attempt: 2}}]
`))
	must(t, err)
	defer srv.Close()
	var got []int
	for range 4 {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		got = append(got, w.Code)
	}
	if fmt.Sprint(got) != "[500 429 502 200]" {
		t.Errorf("answers %v", got)
	}
	var entries []int
	for _, a := range srv.Journal().Log().Attempts {
		entries = append(entries, a.Entry)
	}
	if fmt.Sprint(entries) != "[0 -1 1 2]" {
		t.Errorf("entries %v", entries)
	}
}

// TestUnmatched: the answer and the journal name the nearest route.
func TestUnmatched(t *testing.T) {
	srv, err := New(scenario(t, "routes: [{match: POST /v1/charges}]"))
	must(t, err)
	defer srv.Close()
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/v1/charges", nil))
	a := srv.Journal().Log().Attempts[0]
	const want = "nearest is POST /v1/charges, which has another method"
	if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), want) || a.Nearest != want || a.Route != "" || a.Entry != -1 {
		t.Errorf("%d %s; journalled %+v", w.Code, w.Body, a)
	}
	if a.Naming != journal.NamedByPrint || a.N != 1 {
		t.Errorf("journalled %+v", a)
	}
}
