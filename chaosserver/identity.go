package chaosserver

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"brownout/chaosserver/journal"
)

// prefix begins a path that names its call: /~7/items is /items of call 7.
const prefix = "/~"

// target is a request's target taken apart.
type target struct {
	whole string // as on the wire, less the prefix
	path  string // of whole, as on the wire
	id    string // of the call, from the prefix; ""
}

// parseTarget takes a request's target apart. An absolute target keeps its scheme and host.
func parseTarget(r *http.Request) target {
	uri := r.RequestURI
	start := 0
	if !strings.HasPrefix(uri, "/") {
		i := strings.Index(uri, "://")
		if i < 0 {
			return target{whole: uri, path: uri} // * or an authority
		}
		slash := strings.IndexAny(uri[i+3:], "/?")
		if slash < 0 || uri[i+3+slash] == '?' {
			return target{whole: uri, path: "/"}
		}
		start = i + 3 + slash
	}
	t := target{whole: uri, path: uri[start:]}
	if strings.HasPrefix(t.path, prefix) {
		id := t.path[len(prefix):]
		if i := strings.IndexAny(id, "/?"); i >= 0 {
			id = id[:i]
		}
		if id != "" {
			t.id = id
			t.whole = uri[:start] + t.path[len(prefix)+len(id):]
			t.path = t.whole[start:]
			if !strings.HasPrefix(t.path, "/") {
				t.whole = uri[:start] + "/" + t.path
				t.path = t.whole[start:]
			}
		}
	}
	if i := strings.IndexByte(t.path, '?'); i >= 0 {
		t.path = t.path[:i]
	}
	return t
}

// nameOf returns what names the attempt's call, in the order of the design: the scenario's identity, then the prefix.
// It reports false where nothing does, so that the print has to. The number is the one that the name is, 0 for none.
// Where the scenario names calls by path, and the route's path has no variable "call", the whole path is the name.
func (x *exchange) nameOf() (name callName, number int, ok bool) {
	switch id := &x.s.scenario.Identity; id.By {
	case "path":
		if v, ok := x.pathVar("call"); ok {
			return callName{journal.NamedByPath, x.keepable(v)}, ordinal(v), true
		}
		return callName{journal.NamedByPath, x.keepable(x.target.path)}, 0, true
	case "header":
		if v := x.r.Header.Get(id.Header); v != "" {
			return callName{journal.NamedByHeader, x.keepable(x.s.redact.value(id.Header, v))}, 0, true
		}
	}
	if x.target.id != "" {
		return callName{journal.NamedByPrefix, x.keepable(x.target.id)}, ordinal(x.target.id), true
	}
	return callName{}, 0, false
}

// maxName bounds what the table of calls keeps of a name or a target, so that its calls bound its memory.
const maxName = 512

// keepable returns a text that the table of calls may keep: the text itself if it is short, else its beginning and its
// hash. What is cut out of a long request line keeps the whole line in memory, and is copied.
func (x *exchange) keepable(s string) string {
	switch {
	case len(s) > maxName:
		sum := sha256.Sum256([]byte(s))
		return s[:maxName-2*len(sum)-len("...")] + "..." + hex.EncodeToString(sum[:])
	case len(x.r.RequestURI) > maxName:
		return strings.Clone(s)
	}
	return s
}

// ordinal returns the positive number that a text is in plain decimal, else 0.
func ordinal(s string) int {
	if len(s) == 0 || len(s) > 9 || s[0] == '0' {
		return 0
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// clientOf tells clients apart: as the scenario's identity says, else by Authorization, else by address.
func (x *exchange) clientOf() string {
	switch id := &x.s.scenario.Identity; id.ClientBy {
	case "ip":
		return x.host()
	case "header":
		if v := x.r.Header.Get(id.ClientHeader); v != "" {
			return x.keepable(x.s.redact.value(id.ClientHeader, v))
		}
	}
	if v := x.r.Header.Get("Authorization"); v != "" {
		if v == x.authorization {
			return x.authorized
		}
		client := "authorization " + x.s.redact.hash(v)
		if len(v) <= keptBuffer {
			x.authorization, x.authorized = v, client
		}
		return client
	}
	return x.host()
}

// host is the client's address without its port.
func (x *exchange) host() string {
	if x.r.RemoteAddr != x.addr {
		x.addr, x.addrHost = x.r.RemoteAddr, hostOf(x.r.RemoteAddr)
	}
	return x.addrHost
}
