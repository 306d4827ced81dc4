package scenarios

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  time.Duration
		shown string
	}{
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"1m30s", 90 * time.Second, "1m30s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"0s", 0, "0s"},
		{"1.5s", 1500 * time.Millisecond, "1.5s"},
		{"120m", 2 * time.Hour, "2h"},
		{"0.5us", 500, "0.5us"},
		{"1h0.25s", time.Hour + 250*time.Millisecond, "1h250ms"},
		{"10000h", 10_000 * time.Hour, "10000h"},
		{"-3s", -3 * time.Second, "-3s"},
		{"1000001ns", 0, ""},
		{"10001h", 0, ""},
		{"5", 0, ""},
		{"+5s", 0, ""},
		{"5S", 0, ""},
		{"", 0, ""},
		{"5s ", 0, ""},
		{"99999999999999999999h", 0, ""},
	} {
		got, f := parseDuration(c.in, true)
		if (f == nil) != (c.shown != "") || got != c.want {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", c.in, got, f, c.want)
		}
		if f == nil && showDuration(got) != c.shown {
			t.Errorf("showDuration(%v) = %q, want %q", got, showDuration(got), c.shown)
		}
	}
}

func TestSharesReadBack(t *testing.T) {
	for _, c := range []struct{ in, shown string }{
		{"10%", "10%"}, {"0%", "0%"}, {"100%", "100%"}, {"0.1%", "0.1%"}, {"99.9%", "99.9%"}, {"33.333%", "33.333%"},
		{"7%", "7%"}, {"57%", "57%"}, {"0.00001%", "0.00001%"}, {"007%", "7%"},
	} {
		got, f := parseShare(c.in)
		if f != nil {
			t.Errorf("parseShare(%q): %s", c.in, f.msg)
			continue
		}
		if shown := showShare(got); shown != c.shown {
			t.Errorf("showShare(parseShare(%q)) = %q, want %q", c.in, shown, c.shown)
		}
	}
}

func TestRates(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  Rate
		shown string
	}{
		{"20/s", Rate{20, time.Second}, "20/s"},
		{"80/1m", Rate{80, time.Minute}, "80/m"},
		{"80/m", Rate{80, time.Minute}, "80/m"},
		{"5/2s", Rate{5, 2 * time.Second}, "5/2s"},
		{"0.5/s", Rate{0.5, time.Second}, "0.5/s"},
		{"1/250ms", Rate{1, 250 * time.Millisecond}, "1/250ms"},
	} {
		got, f := parseRate(c.in)
		if f != nil || got != c.want || showRate(got) != c.shown {
			t.Errorf("parseRate(%q) = %v, %v, shown %q; want %v, %q", c.in, got, f, showRate(got), c.want, c.shown)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		in       string
		from, to int
		shown    string
	}{
		{"2", 2, 2, "2"}, {"2..4", 2, 4, "2..4"}, {"3..", 3, 0, "3.."}, {"..2", 1, 2, "..2"}, {"1..2", 1, 2, "..2"}, {"1", 1, 1, "1"},
		{"2 .. 4", 2, 4, "2..4"},
	} {
		got, f := parseRange(c.in)
		if f != nil || got.From != c.from || got.To != c.to || showRange(got) != c.shown {
			t.Errorf("parseRange(%q) = %+v, %v, shown %q", c.in, got, f, showRange(got))
		}
	}
	open := Range{From: 3}
	for n, want := range map[int]bool{2: false, 3: true, 4: true, 1 << 30: true} {
		if open.Holds(n) != want {
			t.Errorf("3.. holds %d = %v", n, !want)
		}
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{"512B": 512, "64KiB": 64 << 10, "1MiB": 1 << 20, "1.5KiB": 1536, "0B": 0, "1024MiB": 1 << 30} {
		got, f := parseSize(in)
		if f != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v, want %d", in, got, f, want)
		}
		if again, f := parseSize(showSize(got)); f != nil || again != want {
			t.Errorf("showSize(%d) = %q", got, showSize(got))
		}
	}
}

func TestTemplates(t *testing.T) {
	value := func(name string) string { return "<" + name + `">` }
	for _, c := range []struct {
		in   string
		json bool
		want string
	}{
		{"pay_{call}", false, `pay_<call">`},
		{"{{call}}", false, "{call}"},
		{"{{{call}}}", false, `{<call">}`},
		{"a } b", false, "a } b"},
		{"", false, ""},
		{"{call}", true, `<call\">`},
	} {
		parts, f := splitTemplate(c.in)
		if f != nil {
			t.Errorf("%q: %s", c.in, f.msg)
			continue
		}
		tpl := Template{Text: c.in, Parts: parts, JSON: c.json}
		if got := string(tpl.Append(nil, value)); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
		if text, constant := tpl.Constant(); constant && text != string(tpl.Append(nil, value)) {
			t.Errorf("%q is constant %q", c.in, text)
		}
	}
}

func TestTextMatches(t *testing.T) {
	s, err := Parse("match.yaml", []byte(`name: x
routes:
  - match: {path: /a, header: {Content-Type: json, X-A: "/^a+$/"}, body: "/"}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := s.Routes[0].Match[0]
	for _, c := range []struct {
		match *TextMatch
		text  string
		want  bool
	}{
		{&m.Header[0].TextMatch, "application/json", true},
		{&m.Header[0].TextMatch, "text/plain", false},
		{&m.Header[1].TextMatch, "aaa", true},
		{&m.Header[1].TextMatch, "aab", false},
		{m.Body, "a/b", true},
		{m.Body, "ab", false},
	} {
		if got := c.match.Fits(c.text); got != c.want || c.match.Regexp.IsSet() != (c.match.Text == "/^a+$/") {
			t.Errorf("%q fits %q: %v", c.text, c.match.Text, got)
		}
	}
}

func TestJSONBodies(t *testing.T) {
	for in, want := range map[string]string{
		`{id: "pay_{call}", n: [1, 2.50, true, null, ~, 2024-01-02]}`: `{"id":"pay_7","n":[1,2.50,true,null,null,"2024-01-02"]}`,
		`{"a": "b\"\n{{x}}", b: {}, c: []}`:                           `{"a":"b\"\u000a{x}","b":{},"c":[]}`,
		`"text {call}"`:                                               `"text 7"`,
		`{1: a, true: b}`:                                             `{"1":"a","true":"b"}`,
		`{"{call}": 1e3}`:                                             `{"7":1e3}`,
		`-12`:                                                         `-12`,
	} {
		s, err := Parse("json.yaml", []byte("name: x\nroutes:\n  - match: GET /a\n    answers: [{json: "+in+"}]\n"))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		body := s.Routes[0].Answers[0].Body
		if got := string(body.Text.Append(nil, func(string) string { return "7" })); got != want || body.Kind != BodyJSON {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	path := func(s string) Path {
		t.Helper()
		p, f := parsePath(s)
		if f != nil {
			t.Fatalf("%s: %s", s, f.msg)
		}
		return p
	}
	for _, c := range []struct {
		a, b             string
		overlaps, covers bool
	}{
		{"/items/:id", "/items/7", true, true},
		{"/items/7", "/items/:id", true, false},
		{"/items/:id", "/items", false, false},
		{"/items/*", "/items/:id/parts", true, true},
		{"/items/:id/parts", "/items/*", true, false},
		{"/*", "/", true, true},
		{"/", "/*", true, false},
		{"/a/:x", "/:y/b", true, false},
		{"/a/", "/a", false, false},
		{"/a/b", "/a/c", false, false},
		{"/static/*", "/static/*", true, true},
	} {
		a, b := path(c.a), path(c.b)
		if a.overlaps(b) != c.overlaps || b.overlaps(a) != c.overlaps || a.covers(b) != c.covers {
			t.Errorf("%s and %s: overlaps %v, covers %v", c.a, c.b, a.overlaps(b), a.covers(b))
		}
	}
	for s, want := range map[string]bool{"/": true, "/items": true, "/items/:id": false, "/static/*": false} {
		if path(s).Literal() != want {
			t.Errorf("%s literal: %v", s, !want)
		}
	}
}

func TestSuggest(t *testing.T) {
	from := []string{"delay", "times", "status", "reset", "retry_after", "in"}
	for got, want := range map[string]string{
		"dealy": "delay", "delai": "delay", "Delay": "delay", "retry-after": "retry_after", "statsu": "status", "reste": "reset",
		"xyz": "", "": "", "i": "in", "n": "in", "tims": "times", "retryafer": "retry_after", "status_code": "",
	} {
		if near := Suggest(got, from); near != want {
			t.Errorf("Suggest(%q) = %q, want %q", got, near, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"delay", "dealy", 1}, {"über", "uber", 1},
	} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance([]rune(c.b), []rune(c.a)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
