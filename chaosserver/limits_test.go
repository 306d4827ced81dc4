package chaosserver

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/quota"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// inBubble runs f in virtual time, a quarter of a second past midnight.
func inBubble(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(250 * time.Millisecond)
		f(t)
	})
}

// ask sends a request on a connection of its own and returns the bytes of the answer.
func ask(t testing.TB, srv *Server, path string, fields ...string) string {
	c := dial(t, srv)
	c.say(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+strings.Join(append(fields, ""), "\r\n")+"\r\n")
	return c.answer(t)
}

// TestDialects holds the bytes of each dialect to a golden file: an answer to what a limit counted, a refusal, a scripted
// quota, and refusals by limits of other kinds and scopes where the dialect tells them apart.
func TestDialects(t *testing.T) {
	more := map[string]string{
		"ietf":      "  - {name: 'day \"one\"', window: 100/1h, dialect: ietf}\n  - {name: full, when: {path: /full}, concurrency: 1, cost: 1, dialect: ietf, answer: {status: 503}}\n",
		"github":    "  - {name: secondary, when: {path: /secondary}, rate: 1/2s, dialect: github}\n",
		"discord":   "  - {name: all, when: {path: /all}, window: 1/1500ms, dialect: discord, scope: global}\n  - {name: ours, when: {path: /ours}, window: 1/1500ms, dialect: discord, scope: shared}\n",
		"stripe":    "  - {name: charges, when: {path: /charges}, rate: 1/2s, dialect: stripe}\n",
		"openai":    "  - {name: tokens per minute, rate: 6000/1m, burst: 6000, cost: 150, dialect: openai}\n",
		"anthropic": "  - {name: output-tokens, rate: 6000/1m, burst: 6000, cost: 150, dialect: anthropic}\n  - {name: input-tokens, rate: 6000/1m, burst: 6000, cost: 10, dialect: anthropic}\n",
	}
	scripted := map[string]string{
		"stripe": "policy: lock-timeout", "azure": "remaining: 11999, policy: tenant-reads", "shopify": "limit: 40, remaining: 8",
		"x-ratelimit": "limit: 60, remaining: -1, reset: -3s",
		"ietf":        `limit: 100, remaining: 1000000000000000, reset: 30s, policy: 'a"b'`,
		"ietf-07":     "limit: 10", "openai": "limit: -1, remaining: -1, reset: 6m, policy: tokens",
		"none": "", "slack": "", "twilio": "", "aws": "",
	}
	paths := map[string][]string{"github": {"/secondary"}, "discord": {"/all", "/ours"}, "stripe": {"/charges"}}
	for _, name := range quota.Names() {
		t.Run(name, func(t *testing.T) {
			tell, ok := scripted[name]
			if !ok {
				tell = "limit: 60, remaining: 0, reset: 90s, policy: search"
			}
			text := "limits:\n  - {name: 2 a while, when: {path: /}, window: 2/10s, dialect: " + name + "}\n" + more[name]
			if tell != "" {
				text += "faults: [{when: {path: /scripted}, status: 200, quota: {dialect: " + name + ", " + tell + "}}]\n"
			}
			var got strings.Builder
			inBubble(t, func(t *testing.T) {
				srv := serve(t, inMemory, text)
				show := func(path string) {
					a := ask(t, srv, path)
					fmt.Fprintf(&got, "== GET %s\n%s\n", path, strings.ReplaceAll(undated(t, a), "\r\n", "\n"))
				}
				for range 3 {
					show("/")
					time.Sleep(700 * time.Millisecond)
				}
				for _, path := range paths[name] {
					show(path)
					show(path)
				}
				if tell != "" {
					show("/scripted")
				}
			})
			file := filepath.Join("testdata", "dialects", name+".txt")
			if *update {
				must(t, os.MkdirAll(filepath.Dir(file), 0o755))
				must(t, os.WriteFile(file, []byte(got.String()), 0o644))
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

// answeredWith sends requests one after another and returns the statuses of the answers.
func answeredWith(t testing.TB, srv *Server, paths ...string) string {
	var all []string
	for _, p := range paths {
		path, fields, _ := strings.Cut(p, " ")
		var more []string
		if fields != "" {
			more = append(more, fields)
		}
		all = append(all, strings.Fields(ask(t, srv, path, more...))[1])
	}
	return strings.Join(all, " ")
}

// TestLimitsCount: which attempts a limit counts, and what has a bucket of its own.
func TestLimitsCount(t *testing.T) {
	for _, row := range []struct {
		yaml  string
		paths []string
		want  string
		why   string
	}{
		{"limits: [{window: 1/1m}]", []string{"/a", "/b"}, "200 429", "a client is known by its address"},
		{"limits: [{window: 1/1m}]", []string{"/a", "/a Authorization: one", "/a Authorization: one", "/a Authorization: two"}, "200 200 429 200", "or by its authorization"},
		{"limits: [{window: 1/1m, by: all}]", []string{"/a", "/b Authorization: one"}, "200 429", "all have one bucket"},
		{"limits: [{window: 1/1m, by: header X-Key}]", []string{"/a X-Key: 1", "/a X-Key: 2", "/a X-Key: 1", "/a", "/a"}, "200 200 429 200 429", "a header's value has one, and so has its absence"},
		{"limits: [{window: 1/1m, by: var id, when: {path: /c/:id/m}}]", []string{"/c/1/m", "/c/2/m", "/c/1/m", "/c/1/x"}, "200 200 429 200", "a variable of when"},
		{"routes: [{match: GET /c/:id}]\nlimits: [{window: 1/1m, by: var id}]", []string{"/c/1", "/c/2", "/c/1"}, "200 200 429", "a variable of the route"},
		{"limits: [{window: 1/1m, when: {header: {X-A: b}}}]", []string{"/a", "/a X-A: b", "/a", "/a X-A: b"}, "200 200 200 429", "triggers choose what is counted"},
		{"limits: [{window: 1/1m, answer: {status: 503}}]\nfaults: [{status: 500, when: {nth: 1}}]", []string{"/a", "/a", "/a"}, "500 200 503", "what a fault answers is not counted"},
		{"limits: [{window: 2/1m, cost: 2}]", []string{"/a", "/a"}, "200 429", "cost"},
		{"limits: [{window: 5/1m}, {window: 1/1m, when: {path: /b}, answer: {status: 418}}]", []string{"/b", "/b", "/b", "/a", "/a", "/a", "/a", "/a"},
			"200 418 418 200 200 200 200 429", "the first that is used up answers, and then none is charged"},
		{"limits: [{rate: 1/1h, burst: 2, answer: {status: 429}}]\nroutes: [{match: /a, answers: [{status: 503}, {status: 201}]}]",
			[]string{"/a", "/a", "/a"}, "503 201 429", "entries of answers go on"},
	} {
		inBubble(t, func(t *testing.T) {
			srv := serve(t, inMemory, row.yaml)
			if got := answeredWith(t, srv, row.paths...); got != row.want {
				t.Errorf("%s\n%v: %s, want %s: %s", row.yaml, row.paths, got, row.want, row.why)
			}
		})
	}
}

// TestRefusalTakesNoEntry: what a limit answers uses up the attempt's number, and not the entry.
func TestRefusalTakesNoEntry(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		srv := serve(t, inMemory, "limits: [{rate: 1/s, name: slow down}]\nroutes: [{match: /a, answers: [{status: 503}, {status: 201}]}]")
		got := answeredWith(t, srv, "/a", "/a")
		time.Sleep(time.Second)
		got += " " + answeredWith(t, srv, "/a")
		if got != "503 429 201" {
			t.Errorf("got %s", got)
		}
		a := ended(t, srv, 3).Attempts
		for i, want := range []struct {
			limit, reason string
			n, entry      int
			charged       string
		}{{"", "answers[0]", 1, 0, "[0]"}, {"slow down", "slow down, limits[0]", 2, -1, "[]"}, {"", "answers[1]", 3, 1, "[0]"}} {
			if a[i].Limit != want.limit || a[i].Reason != want.reason || a[i].N != want.n || a[i].Entry != want.entry || fmt.Sprint(a[i].Charged) != want.charged {
				t.Errorf("attempt %d: limit %q, reason %q, n %d, entry %d, charged %v; want %+v", i+1, a[i].Limit, a[i].Reason, a[i].N, a[i].Entry, a[i].Charged, want)
			}
		}
		if !a[1].HasDue || a[1].Due-a[1].Sent != time.Second {
			t.Errorf("due %v after the refusal, want 1s", a[1].Due-a[1].Sent)
		}
	})
}

// TestRefusalInFull: a limit's own answer is sent as any other, with the pause that the limit says, and faults are laid over it.
func TestRefusalInFull(t *testing.T) {
	for _, row := range []struct{ yaml, want, reason string }{
		{"limits: [{window: 1/1m, answer: {status: 503, text: busy, headers: {X-A: b}, delay: 3s}}]",
			"HTTP/1.1 503 Service Unavailable\r\nX-A: b\r\nRetry-After: 56\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbusy", "limits[0]"},
		{"limits: [{window: 1/1m, retry_after: {in: 250ms, as: ms}, answer: {text: busy}}]",
			"HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 250\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbusy", "limits[0]"},
		{"limits: [{window: 1/1m, retry_after: none, answer: {text: busy}}]",
			"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbusy", "limits[0]"},
		{"limits: [{window: 1/1m, dialect: github, answer: {headers: {Retry-After: soon}}, name: secondary}]\nfaults: [{name: slow, delay: 1s}]",
			"HTTP/1.1 403 Forbidden\r\nRetry-After: soon\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 231\r\n\r\n" +
				`{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}` + "\n",
			"slow, faults[0] over secondary, limits[0]"},
		{"limits: [{concurrency: 1, dialect: ietf, cost: 1, answer: {status: 503}}]\nroutes: [{match: /, answers: [{stall: body, size: 4KiB}]}]",
			"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRateLimit-Policy: \"limits[0]\";q=1\r\nRateLimit: \"limits[0]\";r=0\r\nContent-Length: 216\r\n\r\n" +
				`{"type":"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity","title":"Request cannot be satisfied due to temporary server capacity constraints","status":503,"violated-policies":["limits[0]"]}` + "\n", "limits[0]"},
	} {
		inBubble(t, func(t *testing.T) {
			srv := serve(t, inMemory, row.yaml)
			first := dial(t, srv)
			first.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(time.Second)
			synctest.Wait()
			if got := undated(t, ask(t, srv, "/")); got != row.want {
				t.Errorf("%s\ngot  %q\nwant %q", row.yaml, got, row.want)
			}
			if log := srv.Journal().Log(); log.Attempts[1].Reason != row.reason {
				t.Errorf("%s: the reason is %q, want %q", row.yaml, log.Attempts[1].Reason, row.reason)
			}
		})
	}
}

// TestRefusalStruck: a wire fault may strike a limit's answer.
func TestRefusalStruck(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "limits: [{window: 1/1m, answer: {reset: before-headers}}]")
			ask(t, srv, "/")
			c := dial(t, srv)
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if got, how := c.rest(t); got != "" || how != "rst" {
				t.Errorf("got %q and %s, want an rst alone", got, how)
			}
			if a := ended(t, srv, 2).Attempts[1]; a.Limit != "limits[0]" || a.Wire != "rst before-headers" {
				t.Errorf("limit %q, wire %q", a.Limit, a.Wire)
			}
		})
	}
}

// TestConcurrencyReleased: an answer under way counts until it has ended, its client has gone or its connection was cut.
func TestConcurrencyReleased(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		end          func(*testing.T, *wireConn)
	}{
		{"the answer ends", "delay: 2s", func(t *testing.T, c *wireConn) { c.answer(t) }},
		{"the client goes during a delay", "delay: 1h", func(t *testing.T, c *wireConn) { must(t, c.Close()) }},
		{"the client goes during a stall", "stall: body, size: 4KiB", func(t *testing.T, c *wireConn) { must(t, c.Close()) }},
		{"the connection is cut", "delay: 2s, reset: before-headers", func(t *testing.T, c *wireConn) { c.rest(t) }},
		{"the body is slow", "drip: 1KiB/s, size: 4KiB", func(t *testing.T, c *wireConn) { c.answer(t) }},
		{"a gate", "hold: {until: 2 attempts, at_most: 3s}", func(t *testing.T, c *wireConn) { c.answer(t) }},
		{"the upload is cut", "close: request-body", func(t *testing.T, c *wireConn) { c.rest(t) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				srv := serve(t, inMemory, "limits: [{concurrency: 1}]\nroutes: [{match: /slow, answers: [{"+row.answer+"}]}, {match: /}]")
				c := dial(t, srv)
				c.say(t, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
				if row.name != "the upload is cut" {
					time.Sleep(time.Second)
					if got := answeredWith(t, srv, "/"); got != "429" {
						t.Errorf("while it is under way: %s, want 429", got)
					}
				}
				row.end(t, c)
				synctest.Wait()
				if got := answeredWith(t, srv, "/", "/"); got != "200 200" {
					t.Errorf("behind its end: %s, want 200 200", got)
				}
			})
		})
	}
}

// TestBackAtOnce: who has an answer whole may come back at once, and finds it released.
func TestBackAtOnce(t *testing.T) {
	srv := serve(t, onLoopback, "limits: [{concurrency: 1}]")
	c := dial(t, srv)
	for i := range 2000 {
		c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 200") {
			t.Fatalf("attempt %d: %s", i+1, got)
		}
	}
}

// TestTold: the journal has what the fields told, and when the client may count on more.
func TestTold(t *testing.T) {
	for _, row := range []struct {
		dialect string
		want    string // remaining and reset after Sent, of three attempts
	}{
		{"ietf", "[1 in 10s] [0 in 10s] [0 in 9s]"},
		{"github", "[1 in 10.75s] [0 in 10.05s] [0 in 9.35s]"}, // the next whole second of the wall clock
		{"discord", "[1 in 10s] [0 in 9.3s] [0 in 8.6s]"},
		{"anthropic", "[1 in 10.75s] [0 in 10.05s] [0 in 9.35s]"},
		{"openai", "[1 in 10s] [0 in 9.3s] [0 in 8.6s]"},
		{"shopify", "[1 in 10s] [0 in 9.3s] [0 in 8.6s]"},
		{"azure", "[1] [0] [0]"},
		{"slack", "[] [] []"},
	} {
		inBubble(t, func(t *testing.T) {
			srv := serve(t, inMemory, "limits: [{window: 2/10s, by: header Authorization, dialect: "+row.dialect+"}]")
			var got []string
			for i := range 3 {
				ask(t, srv, "/", "Authorization: secret")
				a := ended(t, srv, i+1).Attempts[i]
				var told []string
				for _, q := range a.Told {
					s := fmt.Sprint(q.Remaining)
					if q.HasReset {
						s += fmt.Sprint(" in ", q.Reset-a.Sent)
					}
					if q.Limit != 0 || q.Bucket == "" || strings.Contains(q.Bucket, "secret") {
						t.Errorf("%s: %+v", row.dialect, q)
					}
					told = append(told, s)
				}
				got = append(got, "["+strings.Join(told, ", ")+"]")
				time.Sleep(700 * time.Millisecond)
			}
			if s := strings.Join(got, " "); s != row.want {
				t.Errorf("%s: %s, want %s", row.dialect, s, row.want)
			}
		})
	}
}

// TestScriptedTold: a scripted quota is told as the answer's own, as far as anybody can read it.
func TestScriptedTold(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		srv := serve(t, inMemory, `routes: [{match: /, per: route, answers: [
  {quota: {dialect: ietf, remaining: 5, reset: 30s}}, {quota: {dialect: ietf, remaining: 99999999999999999999}},
  {quota: {dialect: github, reset: 30s}}, {quota: {dialect: ietf-06, remaining: -7, reset: -5s}}, {status: 200}]}]`)
		for i := range 5 {
			ask(t, srv, "/")
			a := ended(t, srv, i+1).Attempts[i]
			want := []string{"[{-1  5 30.25s true}]", "[{-1  9223372036854775807 0s false}]", "[]", "[{-1  -7 250ms true}]", "[]"}[i]
			for j := range a.Told {
				if a.Told[j].HasReset {
					a.Told[j].Reset = max(0, a.Told[j].Reset-a.Sent+250*time.Millisecond)
				}
			}
			if got := fmt.Sprint(a.Told); got != want {
				t.Errorf("attempt %d told %s, want %s", i+1, got, want)
			}
		}
	})
}

// TestResetFillsBuckets: a reset begins a new run, with full buckets.
func TestResetFillsBuckets(t *testing.T) {
	srv := serve(t, onLoopback, "limits: [{window: 1/1h}]")
	if got := answeredWith(t, srv, "/", "/"); got != "200 429" {
		t.Fatalf("got %s", got)
	}
	must(t, srv.Reset())
	if got := answeredWith(t, srv, "/", "/"); got != "200 429" {
		t.Errorf("behind a reset: %s", got)
	}
}

// TestMaxBuckets: where a limit has no room for another bucket, the attempt passes uncounted, and the journal says so.
func TestMaxBuckets(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		srv := serve(t, inMemory, "limits: [{name: each, window: 1/1m, by: header X-Key, dialect: ietf}]", WithMaxBuckets(2))
		if got := answeredWith(t, srv, "/ X-Key: 1", "/ X-Key: 2", "/ X-Key: 3", "/ X-Key: 3", "/ X-Key: 1"); got != "200 200 200 200 429" {
			t.Errorf("got %s", got)
		}
		log := ended(t, srv, 5)
		if a := log.Attempts[2]; len(a.Charged) > 0 || len(a.Told) > 0 {
			t.Errorf("charged %v, told %v of what was not counted", a.Charged, a.Told)
		}
		if len(log.Dropped) == 0 || log.Dropped[0].Reason != "the buckets of each left no room for another" {
			t.Errorf("dropped %+v", log.Dropped)
		}
		time.Sleep(time.Minute)
		if got := answeredWith(t, srv, "/ X-Key: 3", "/ X-Key: 3"); got != "200 429" {
			t.Errorf("behind the windows' end: %s", got)
		}
	})
}
