package scenarios

import (
	"fmt"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// Server says where the upstream listens, and how. The zero Server is one port that speaks HTTP/1.1 in the clear.
type Server struct {
	Pos   Pos
	Hosts []string // names, each of which has a port; nil: one port without a name
	TLS   bool
	HTTP  HTTP
}

// HTTP is the version of HTTP that the upstream speaks.
type HTTP uint8

// HTTP1 is HTTP/1.1, and the only version that is built.
const HTTP1 HTTP = 0

// Names returns the names of the hosts, in order: one that is empty where the file names none.
func (s *Server) Names() []string {
	if len(s.Hosts) == 0 {
		return []string{""}
	}
	return s.Hosts
}

// maxHosts bounds the hosts of a scenario, each of which takes a port.
const maxHosts = 64

var serverPlace = &place[*Server]{in: InServer, example: "{hosts: [a, b]}", rows: []*row[*Server]{
	key(Key{Name: "hosts", In: []Place{InServer}, Default: "one without a name", Doc: "Names of hosts, each with a port of its own; BROWNOUT_URL is the first, BROWNOUT_URLS all."},
		listOf("names of hosts", hostName), nil, func(s *Server) *[]string { return &s.Hosts }),
	key(Key{Name: "tls", In: []Place{InServer}, Default: "false", Doc: "The ports speak TLS, with certificates of an authority that is made at the start."},
		boolean, false, func(s *Server) *bool { return &s.TLS }),
	key(Key{Name: "http", In: []Place{InServer}, Default: "h1", Doc: "The version of HTTP."},
		httpVersion, HTTP1, func(s *Server) *HTTP { return &s.HTTP }),
}}

// httpVersion is the codec of the version of HTTP, of which there is one yet.
var httpVersion = &codec[HTTP]{
	kind: Type{Name: "version of HTTP", Words: []string{"h1"}},
	read: func(l *loader, n *yaml.Node, v *HTTP) {
		s, ok := l.scalar(n, Type{Name: "version of HTTP", Words: []string{"h1"}})
		switch {
		case !ok:
		case s == "h2":
			l.notBuilt(n, s, "HTTP/2 comes later; leave http out for HTTP/1.1")
		case s != "h1":
			f := oneOf(s, []string{"h1"})
			l.fail(n, f.msg, f.hint)
		}
	},
	write: func(*printer, HTTP) tree { return leaf("h1") },
}

// hostLabels is a name as DNS has them (RFC 1123, section 2.1), in lower case.
var hostLabels = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// maxHostName leaves room for the domain that the server puts behind a name.
const maxHostName = 200

var hostNameType = Type{Name: "name of a host", Example: "a"}

// hostName is the codec of a host's name.
var hostName = scalars(hostNameType, func(s string) (string, *flaw) {
	if len(s) > maxHostName || !hostLabels.MatchString(s) {
		return "", &flaw{quote(s) + " is no name of a host", "write lower-case letters, digits, dashes and dots, such as a or api.example"}
	}
	return s, nil
}, func(s string) string { return textLeaf(s).text })

// checkServer checks the hosts, and what the parts of a scenario say of them and of TLS.
func (l *loader) checkServer(s *Scenario) {
	e := l.spots[&s.Server.Hosts]
	at := func(i int) entry {
		if items := follow(e.value).Content; i < len(items) {
			e.value = items[i]
		}
		return e
	}
	if e.value != nil && len(s.Server.Hosts) == 0 && follow(e.value).Kind == yaml.SequenceNode {
		l.failValue(e, "the list is empty", "leave hosts out for one port without a name")
	}
	for i, name := range s.Server.Hosts {
		switch {
		case i >= maxHosts:
			l.failValue(e, fmt.Sprintf("%d hosts are too many", len(s.Server.Hosts)), fmt.Sprintf("at most %d", maxHosts))
			return
		case name != "" && slices.Contains(s.Server.Hosts[:i], name):
			l.failValue(at(i), "a host named "+quote(name)+" stands above", "names of hosts are unique")
		}
	}
	l.checkHosts(s)
	for i := range s.Faults {
		if w := s.Faults[i].Answer.Wire; w != nil && w.At == AtTLS && !s.Server.TLS {
			l.failKey(l.spots[w], "tls is a point of the exchange with server: {tls: true} only", "add it, or write another point")
		}
		l.checkRefuse(s, &s.Faults[i])
	}
}

// checkHosts reports names of hosts that server does not list.
func (l *loader) checkHosts(s *Scenario) {
	defined := func(field any, names ...string) {
		for _, name := range names {
			if name != "" {
				l.defined(l.spots[field], name, "host", s.Server.Hosts)
			}
		}
	}
	for i := range s.Routes {
		for j := range s.Routes[i].Match {
			m := &s.Routes[i].Match[j]
			defined(&m.Host, m.Host)
		}
	}
	for _, w := range s.whens() {
		for j, name := range w.Host {
			e := l.spots[&w.Host]
			if items := follow(e.value).Content; j < len(items) {
				e.value = items[j]
			}
			l.defined(e, name, "host", s.Server.Hosts)
		}
	}
	for i := range s.Drive {
		defined(&s.Drive[i].Host, s.Drive[i].Host)
	}
	for i := range s.Expect {
		defined(&s.Expect[i].Host, s.Expect[i].Host)
	}
}

// checkRefuse checks that the windows of a fault that closes the port are known beforehand: while it is closed nobody comes.
func (l *loader) checkRefuse(s *Scenario, f *Fault) {
	if !f.Refuses() {
		return
	}
	last := -1
	for i, p := range s.Phases {
		if slices.Contains(f.When.Phase, p.Name) {
			last = i
		}
	}
	for _, p := range s.Phases[:last+1] {
		if p.Attempts > 0 {
			l.failKey(l.spots[&f.When.Phase], "a port is closed by the clock, and phase "+quote(p.Name)+" lasts for so many attempts", "give the phase for: 30s")
			return
		}
	}
}

// host is the name of the host that a step calls; "" the only one.
func (s *Step) host(of *Scenario) string {
	if s.Host == "" {
		return of.Server.Names()[0]
	}
	return s.Host
}
