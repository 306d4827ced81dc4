package oracle

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"brownout/chaosserver"
	"brownout/scenarios"
)

// answers plays a scenario to n requests, and returns the header blocks.
func answers(t *testing.T, yaml string, n int) []http.Header {
	t.Helper()
	s, err := scenarios.Parse("oracle.yaml", []byte("name: oracle\n"+yaml))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := chaosserver.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.StartMemory(); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var all []http.Header
	for range n {
		resp, err := srv.Client().Get(srv.URL() + "/")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, resp.Header)
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// item checks an item of a list: its string and its whole numbers.
func item(t *testing.T, m httpsfv.Member, name string, params map[string]func(int64) bool) {
	t.Helper()
	i, ok := m.(httpsfv.Item)
	if !ok || i.Value != name {
		t.Fatalf("the member is %#v, want an item with the string %q", m, name)
	}
	if got := i.Params.Names(); len(got) != len(params) {
		t.Errorf("%s has the parameters %v", name, got)
	}
	for p, fits := range params {
		v, _ := i.Params.Get(p)
		if n, ok := v.(int64); !ok || !fits(n) {
			t.Errorf("%s of %s is %#v", p, name, v)
		}
	}
}

func is(want int64) func(int64) bool { return func(n int64) bool { return n == want } }

func within(most time.Duration) func(int64) bool {
	return func(n int64) bool { return n >= 0 && n <= int64(most/time.Second) }
}

// TestLists: since revision 08 both fields are lists, whatever the limits are called.
func TestLists(t *testing.T) {
	for _, name := range []string{"default", `a "quoted" name`, `back\slash`, "with; a, comma", "ünïcödé\u2028", "limits[0]"} {
		yaml := fmt.Sprintf("limits:\n  - {name: %q, window: 2/10s, dialect: ietf}\n  - {name: day, rate: 100/1h, burst: 100, dialect: ietf}\n", name)
		told := ""
		for _, r := range name {
			if r > 0x7e {
				for range len(string(r)) {
					told += "_"
				}
				continue
			}
			told += string(r)
		}
		for i, h := range answers(t, yaml, 3) {
			policy, err := httpsfv.UnmarshalList(h.Values("RateLimit-Policy"))
			if err != nil {
				t.Fatalf("%q: %v", h.Values("RateLimit-Policy"), err)
			}
			left, err := httpsfv.UnmarshalList(h.Values("RateLimit"))
			if err != nil {
				t.Fatalf("%q: %v", h.Values("RateLimit"), err)
			}
			if want := []int{2, 2, 1}[i]; len(policy) != want || len(left) != want {
				t.Fatalf("answer %d: %d policies, %d quotas, want %d", i+1, len(policy), len(left), want)
			}
			item(t, policy[0], told, map[string]func(int64) bool{"q": is(2), "w": is(10)})
			item(t, left[0], told, map[string]func(int64) bool{"r": is(max(0, int64(1-i))), "t": within(10 * time.Second)})
			if i < 2 {
				item(t, policy[1], "day", map[string]func(int64) bool{"q": is(100), "w": is(3600)})
				item(t, left[1], "day", map[string]func(int64) bool{"r": is(int64(99 - i)), "t": within(36 * time.Second)})
			}
		}
	}
}

// TestConcurrency: nobody knows when there is more, and no t says so.
func TestConcurrency(t *testing.T) {
	h := answers(t, "limits: [{name: busy, concurrency: 3, dialect: ietf}]\n", 1)[0]
	left, err := httpsfv.UnmarshalList(h.Values("RateLimit"))
	if err != nil {
		t.Fatal(err)
	}
	item(t, left[0], "busy", map[string]func(int64) bool{"r": is(2)})
	policy, err := httpsfv.UnmarshalList(h.Values("RateLimit-Policy"))
	if err != nil {
		t.Fatal(err)
	}
	item(t, policy[0], "busy", map[string]func(int64) bool{"q": is(3)})
}

// TestDictionary: revision 07 has a dictionary, and a list of policies.
func TestDictionary(t *testing.T) {
	for i, h := range answers(t, "limits: [{window: 2/10s, dialect: ietf-07}]\n", 3) {
		left, err := httpsfv.UnmarshalDictionary(h.Values("RateLimit"))
		if err != nil {
			t.Fatalf("%q: %v", h.Values("RateLimit"), err)
		}
		for name, fits := range map[string]func(int64) bool{"limit": is(2), "remaining": is(max(0, int64(1-i))), "reset": within(10 * time.Second)} {
			m, _ := left.Get(name)
			v, ok := m.(httpsfv.Item)
			if n, whole := v.Value.(int64); !ok || !whole || !fits(n) {
				t.Errorf("%s is %#v", name, m)
			}
		}
		policy, err := httpsfv.UnmarshalList(h.Values("RateLimit-Policy"))
		if err != nil || len(policy) != 1 || policy[0].(httpsfv.Item).Value != int64(2) {
			t.Errorf("RateLimit-Policy is %q, %v", h.Values("RateLimit-Policy"), err)
		}
	}
}

// TestItems: before, each number had a field of its own, which is an item.
func TestItems(t *testing.T) {
	for _, h := range answers(t, "limits: [{window: 2/10s, dialect: ietf-06}]\n", 3) {
		for _, name := range []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
			v, err := httpsfv.UnmarshalItem(h.Values(name))
			if _, whole := v.Value.(int64); err != nil || !whole {
				t.Errorf("%s is %q, %v", name, h.Values(name), err)
			}
		}
	}
}

// TestHostile: what a scenario scripts as hostile is refused by the parser, so that it tells good clients from bad.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		quota string
		good  bool
		why   string
	}{
		{"{dialect: ietf, limit: 100, remaining: 5, reset: 30s, policy: burst}", true, "a name and whole numbers"},
		{"{dialect: ietf, limit: 100, remaining: -1, reset: -5s}", true, "negative numbers parse; the draft forbids them"},
		{"{dialect: ietf, limit: 100, remaining: 999999999999999}", true, "15 digits are the most"},
		{"{dialect: ietf, limit: 100, remaining: 1000000000000000}", false, "16 digits are too many (RFC 9651, section 3.3.1)"},
		{`{dialect: ietf, remaining: 5, policy: 'a"b'}`, false, "a name that ends early"},
	} {
		h := answers(t, "routes: [{match: GET /, answers: [{quota: "+c.quota+"}]}]\n", 1)[0]
		if _, err := httpsfv.UnmarshalList(h.Values("RateLimit")); (err == nil) != c.good {
			t.Errorf("%s: %q parses is %t: %s", c.quota, h.Values("RateLimit"), err == nil, c.why)
		}
	}
}
