package chaosserver

import (
	"fmt"
	"strings"
	"testing"
)

// statuses makes the requests one after another, each on a connection of its own, and returns the statuses.
func statuses(t *testing.T, srv *Server, requests ...string) string {
	t.Helper()
	var got []string
	for _, r := range requests {
		path, more, _ := strings.Cut(r, " ")
		c := dial(t, srv)
		c.say(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+more+"\r\n")
		got = append(got, strings.Fields(c.answer(t))[1])
		must(t, c.Close())
	}
	return strings.Join(got, " ")
}

// TestCases: the path picks a case, or the calls take them in turn, and each case has a list of its own.
func TestCases(t *testing.T) {
	const two = "cases: {a: [{status: 501}, {status: 201}], b: [{status: 502, times: 2}, {status: 202}]}"
	for _, row := range []struct {
		scenario string
		requests []string
		want     string
	}{
		{"routes: [{match: '/:case', " + two + "}]", []string{"/~1/a", "/~2/b", "/~1/a", "/~2/b", "/~2/b", "/~3/c"}, "501 502 201 502 202 404"},
		{"routes: [{match: '/', " + two + "}]", []string{"/~1/", "/~2/", "/~3/", "/~1/", "/~2/", "/~3/"}, "501 502 501 201 502 201"},
		{"routes: [{match: '/', " + two + "}]\nfaults: [{status: 599, when: {case: b, attempt: 1}}]", []string{"/~1/", "/~2/", "/~2/"}, "501 599 502"},
		{"routes: [{match: '/*', per: route, answers: [{status: 501, times: 2}, {status: 201}]}]", []string{"/1", "/2", "/3"}, "501 501 201"},
		{"routes: [{match: '/:case', per: route, " + two + "}]", []string{"/~1/a", "/~2/a", "/~3/b", "/~4/b", "/~5/b"}, "501 201 502 502 202"},
		{"routes: [{match: '/:event', per: event, answers: [{status: 501}, {status: 201}]}]", []string{"/~1/x", "/~2/y", "/~3/x", "/~4/y"}, "501 501 201 201"},
		{"identity: {client: header X-Client}\nroutes: [{match: '/', per: client, answers: [{status: 501}, {status: 201}]}]",
			[]string{"/~1/ X-Client: p\r\n", "/~2/ X-Client: q\r\n", "/~3/ X-Client: p\r\n"}, "501 501 201"},
	} {
		for _, at := range places {
			t.Run(fmt.Sprint(row.scenario, "/", at.name), func(t *testing.T) {
				srv := serve(t, at, row.scenario)
				if got := statuses(t, srv, row.requests...); got != row.want {
					t.Errorf("answered %s, want %s", got, row.want)
				}
				for i, a := range ended(t, srv, len(row.requests)).Attempts {
					if a.Status == 404 && (a.Route != "" || !strings.Contains(a.Nearest, `no case "c"`)) {
						t.Errorf("attempt %d: route %q, nearest %q", i+1, a.Route, a.Nearest)
					}
				}
			})
		}
	}
}
