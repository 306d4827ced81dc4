package chaosserver

import (
	"fmt"
	"net/http"
	"testing"
)

func TestRouter(t *testing.T) {
	s := scenario(t, `
routes:
  - match: GET /items
  - match: GET /items/:id
  - match: GET /items/new
  - match: {method: POST, path: /items, header: {Content-Type: json}}
  - match: {method: POST, path: /items, body: "/amount=[0-9]+/"}
  - match: [PUT /a, PUT /b/:x/c]
  - match: /any
  - match: GET /static/*
  - match: GET /caf%C3%A9
  - match: GET /
  - match: DELETE /items/old
  - match: DELETE /items/:id
  - match: GET /a.b
`)
	rt, err := newRouter(s.Routes)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		method, path, contentType, body string
		route                           int
		vars                            string
		why                             string
	}{
		{"GET", "/items", "", "", 0, "[]", "a literal path"},
		{"HEAD", "/items", "", "", -1, "[]", "another method"},
		{"GET", "/items/7", "", "", 1, "[{id 7}]", "a variable"},
		{"GET", "/items/new", "", "", 1, "[{id new}]", "a template that stands first is not overtaken by a literal path"},
		{"DELETE", "/items/old", "", "", 10, "[]", "a literal path that stands first"},
		{"DELETE", "/items/7", "", "", 11, "[{id 7}]", "the template behind it"},
		{"GET", "/items/", "", "", -1, "[]", "a variable is no empty segment"},
		{"GET", "/items/7/x", "", "", -1, "[]", "a variable is one segment"},
		{"GET", "//items", "", "", -1, "[]", "an unclean path is not cleaned"},
		{"GET", "/x/../items", "", "", -1, "[]", "nor are dots resolved"},
		{"POST", "/items", "application/json", "", 3, "[]", "a header that contains the text"},
		{"POST", "/items", "text/plain", "x amount=12", 4, "[]", "a body that the expression matches"},
		{"POST", "/items", "text/plain", "amount=x", -1, "[]", "neither"},
		{"PUT", "/a", "", "", 5, "[]", "the first of a route's matches"},
		{"PUT", "/b/1/c", "", "", 5, "[{x 1}]", "the second"},
		{"BREW", "/any", "", "", 6, "[]", "no method is any method"},
		{"GET", "/static/a/b.js", "", "", 7, "[]", "the rest"},
		{"GET", "/static/", "", "", 7, "[]", "an empty rest"},
		{"GET", "/static", "", "", -1, "[]", "no rest"},
		{"GET", "/caf%c3%a9", "", "", 8, "[]", "an escape in the other case"},
		{"GET", "/%69tems", "", "", 0, "[]", "an escape that need not be"},
		{"GET", "/items/a%2Fb", "", "", 1, "[{id a/b}]", "an escaped slash stays in its segment"},
		{"GET", "/items/100%", "", "", 1, "[{id 100%}]", "what is no escape stands for itself"},
		{"GET", "/", "", "", 9, "[]", "the root"},
		{"GET", "", "", "", -1, "[]", "no path"},
		{"GET", "*", "", "", -1, "[]", "no path either"},
		{"GET", "/axb", "", "", -1, "[]", "a dot is a dot"},
	} {
		r := request{row.method, row.path, http.Header{"Content-Type": {row.contentType}}, []byte(row.body), ""}
		route, vars := rt.find(r)
		if route != row.route || fmt.Sprint(vars) != row.vars {
			t.Errorf("%s %s: route %d, %v; want %d, %s: %s", row.method, row.path, route, vars, row.route, row.vars, row.why)
		}
	}
}

func TestNearest(t *testing.T) {
	s := scenario(t, `
routes:
  - match: GET /items/:id
  - match: POST /v1/charges
  - match: {method: POST, path: /v1/refunds, header: {Content-Type: json}}
`)
	for _, row := range []struct{ method, path, want string }{
		{"GET", "/item/1", "nearest is GET /items/:id"},
		{"POST", "/v1/charge", "nearest is POST /v1/charges"},
		{"GET", "/v1/charges", "nearest is POST /v1/charges, which has another method"},
		{"POST", "/v1/refunds", "nearest is POST /v1/refunds, whose header does not match"},
		{"GET", "/items/1/x", "nearest is GET /items/:id"},
		{"GET", "/v1//charges", "nearest is POST /v1/charges"},
	} {
		if got := nearest(s.Routes, request{method: row.method, path: row.path}); got != row.want {
			t.Errorf("%s %s: %q, want %q", row.method, row.path, got, row.want)
		}
	}
	if got := nearest(nil, request{}); got != "" {
		t.Errorf("without routes: %q", got)
	}
}

func TestLiteralRouteAllocatesNothing(t *testing.T) {
	rt, err := newRouter(scenario(t, "routes: [{match: GET /items}, {match: GET /items/:id}]").Routes)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { rt.find(request{method: "GET", path: "/items"}) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
