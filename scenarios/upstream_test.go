package scenarios

import "testing"

// TestWarningsBeforeUpstream: in front of an upstream no request is without an answer, and that is nothing to warn of; so
// too where a fault says that there is one.
func TestWarningsBeforeUpstream(t *testing.T) {
	const text = "name: x\nroutes: [{match: GET /a, answers: [{status: 200}]}]\nfaults: [{status: 503, when: {path: /b}}]\ndrive: {request: GET /c}\n"
	for _, row := range []struct {
		text     string
		options  []Option
		warnings int
	}{
		{text, nil, 2},
		{text, []Option{BeforeUpstream()}, 0},
		{"name: x\nroutes: [{match: GET /a}]\nfaults: [{duplicate: 2, when: {path: /b}}]\n", nil, 0},
	} {
		s, err := Parse("x.yaml", []byte(row.text), row.options...)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Warnings) != row.warnings {
			t.Errorf("%v: %v", row.options, s.Warnings)
		}
	}
}

// TestPlainRoutes: a route whose answers the file gives stays one when it is printed, also where it gives what a route has
// without them.
func TestPlainRoutes(t *testing.T) {
	for text, plain := range map[string]bool{
		"name: x\nroutes: [{match: GET /a}]": true, "name: x\nroutes: [{match: GET /a, answers: [{status: 200}]}]": false,
		"name: x\nroutes: [{match: GET /a, answers: [{}]}]": false, "name: x\nroutes: [{match: GET /a, cases: {b: [{}]}}]": false,
	} {
		s, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("x.yaml", s.Format())
		if err != nil || s.Routes[0].Plain != plain || again.Routes[0].Plain != plain {
			t.Errorf("%s: plain is %v, and %v when it is read again", text, s.Routes[0].Plain, again.Routes[0].Plain)
		}
	}
}
