package verdict

import (
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// happened is what must have happened, a line each.
func happened(t *testing.T, s *scenarios.Scenario, r *recorded) string {
	t.Helper()
	var lines []string
	for _, f := range Judge(s, &r.Log).Findings {
		if f.Check == unwritten {
			lines = append(lines, strings.TrimSpace(f.Outcome.String()+": "+f.Sentence))
		}
	}
	return strings.Join(lines, "\n")
}

// closed and opened add events of a port.
func (r *recorded) closed(host string, at time.Duration, fault int) *recorded {
	r.Ports = append(r.Ports, journal.Port{At: at, Host: host, Fault: fault})
	r.End = max(r.End, at)
	return r
}

func (r *recorded) opened(host string, at time.Duration, fault int) *recorded {
	r.Ports = append(r.Ports, journal.Port{At: at, Host: host, Open: true, Fault: fault})
	r.End = max(r.End, at)
	return r
}

// TestRefused holds what is said of faults that close ports, and of phases in which nobody can come.
func TestRefused(t *testing.T) {
	x := expect(&scenarios.Attempts{Max: n(9)})
	refuses := func(name string, w scenarios.When) part {
		return broke(name, scenarios.Answer{Wire: &scenarios.WireFault{Do: scenarios.WireRefuse, At: scenarios.AtAccept}}, func(f *scenarios.Fault) { f.When = w })
	}
	window := func(from, to time.Duration) scenarios.When {
		return scenarios.When{Elapsed: &scenarios.Window{From: from, To: to}}
	}
	phases := func(s *scenarios.Scenario) {
		s.Phases = []scenarios.Phase{{Name: "good", For: 2 * sec}, {Name: "bad", For: 3 * sec}, {Name: "worse", For: 3 * sec}, {Name: "after"}}
	}
	one := func() *recorded { return record(made("GET /x", at(0, 200, phase("good")))).opens(1, 0, 0) }
	two := func() *recorded {
		return record(made("GET /x", at(0, 200, phase("good"))), made("GET /x", at(9*sec, 200, phase("after")))).opens(1, 0, 0)
	}
	in := func(names ...string) scenarios.When { return scenarios.When{Phase: names} }
	r := route("GET /x", answer(200))
	for _, c := range []struct {
		name string
		s    *scenarios.Scenario
		log  *recorded
		want string
	}{
		{"it closed the port", scene(r, x, refuses("down", window(2*sec, 5*sec))), two().closed("", 2*sec, 0).opened("", 5*sec, 0), ""},
		{"it was closed to the end", scene(r, x, refuses("down", window(2*sec, 0))), one().closed("", 2*sec, 0), ""},
		{"its time never came", scene(r, x, refuses("down", window(30*sec, 0))), one().until(15 * sec), "inconclusive: down begins at 30s, the run ended at 15s."},
		{"another had closed it", scene(r, x, refuses("a", window(2*sec, 9*sec)), refuses("b", window(3*sec, 5*sec))), two().closed("", 2*sec, 0).opened("", 9*sec, 0),
			"inconclusive: b never closed a port: another fault had closed it."},
		{"the phases in it were reached", scene(r, x, part(phases), refuses("down", in("bad", "worse"))), two().closed("", 2*sec, 0).opened("", 8*sec, 0), ""},
		{"to the end of the run", scene(r, x, part(phases), refuses("down", in("bad", "worse"))), one().closed("", 2*sec, 0).until(6 * sec),
			"inconclusive: after begins at 8s, the run ended at 6s."},
		{"a phase that it does not reach", scene(r, x, part(phases), refuses("down", in("bad"))), two().closed("", 2*sec, 0).opened("", 5*sec, 0),
			"inconclusive: no attempt came in worse, from 5s to 8s."},
		{"time begins where it was closed first", scene(r, x, refuses("down", window(0, 5*sec)), refuses("later", window(30*sec, 0))),
			record(made("GET /x", at(26*sec, 200))).opens(1, 26*sec, 0).closed("", 20*sec, 0).opened("", 25*sec, 0).until(45 * sec),
			"inconclusive: later begins at 30s, the run ended at 25s."},
		{"nobody ever came", scene(r, x, refuses("down", window(0, 5*sec))), record().closed("", 0, 0).opened("", 5*sec, 0),
			"inconclusive: the client never called GET /x. The port was closed; of a connection that is refused nothing is seen."},
	} {
		if got := happened(t, c.s, c.log); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestHandshakes holds what is said of connections whose TLS failed.
func TestHandshakes(t *testing.T) {
	x := expect(&scenarios.Attempts{Max: n(9)})
	s := scene(route("GET /x", answer(200)), x)
	fails := func(r *recorded, why string, how journal.Closer) *recorded {
		id := uint64(len(r.Conns) + 1)
		r.Conns = append(r.Conns, journal.Conn{ID: id, TLS: true, Accept: sec, Close: sec, Closed: how, Failure: why})
		return r
	}
	const unknown = "unknown certificate authority"
	client, server := journal.ClosedByClientFIN, journal.ClosedByServerFIN
	for _, c := range []struct {
		name string
		log  *recorded
		want string
		hint string
	}{
		{"one", fails(record(), unknown, client), "inconclusive: the client ended 1 TLS handshake: unknown certificate authority, and so never called GET /x.", trustHint},
		{"several", fails(fails(record(), unknown, client), unknown, client),
			"inconclusive: the client ended 2 TLS handshakes: unknown certificate authority, and so never called GET /x.", trustHint},
		{"for several reasons", fails(fails(fails(record(), unknown, client), "bad certificate", client), unknown, client),
			"inconclusive: the client ended 3 TLS handshakes: unknown certificate authority (2×), bad certificate (1×), and so never called GET /x.", trustHint},
		{"by the server", fails(record(), "it came in the clear, as to http://", server),
			"inconclusive: 1 TLS handshake failed: it came in the clear, as to http://, and so never called GET /x.", trustHint},
		{"beside calls", fails(record(made("GET /x", at(0, 200))), unknown, client), "info: the client ended 1 TLS handshake: unknown certificate authority.", trustHint},
		{"beside a request that went astray", fails(record(stray("GET /y", "")), unknown, client),
			"inconclusive: the client never called GET /x. Seen instead: GET /y (1×).", "Did you mean path: /y?"},
		{"in silence", func() *recorded {
			r := record().opens(1, 0, sec)
			r.Conns[0].TLS = true
			return r
		}(), "inconclusive: the client ended 1 TLS connection without a request, and so never called GET /x.", "So do many that do not trust the server. " + trustHint},
	} {
		if got := happened(t, s, c.log); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
		for _, f := range Judge(s, &c.log.Log).Findings {
			if f.Check == unwritten && f.Hint != c.hint {
				t.Errorf("%s: the hint is %q", c.name, f.Hint)
			}
		}
	}
}

// TestHostScope holds that a check of one host judges the calls that went there alone.
func TestHostScope(t *testing.T) {
	hosts := func(s *scenarios.Scenario) { s.Server.Hosts = []string{"a", "b", "c"} }
	to := func(host string, what scenarios.Params) part {
		return func(s *scenarios.Scenario) {
			expect(what)(s)
			s.Expect[len(s.Expect)-1].Host = host
		}
	}
	log := func() *recorded {
		r := record(made("GET /x", at(0, 503, conn(1, 1)), at(sec, 200, conn(1, 2))), made("GET /y", at(0, 200, conn(2, 1)))).opens(1, 0, 0).opens(2, 0, 0)
		r.Conns[0].Host, r.Conns[1].Host = "a", "b"
		return r
	}
	for host, want := range map[string]said{
		"a": {Pass, "attempts = 2", "", "", ""},
		"b": {Fail, "The client made 1 attempt, 1 fewer than expected.", "", "", ""},
		"c": {Inconclusive, "no call was made to host c.", "", "", ""},
	} {
		s := scene(hosts, route("GET /x", answer(503), answer(200)), route("GET /y", answer(200)), to(host, &scenarios.Attempts{PerCall: n(2)}))
		judged{"host " + host, s, log(), want}.run(t)
	}
}

// TestHostsAreToldApart: calls without a name that look alike but for their host are not taken for each other.
func TestHostsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		hosts        []string
		clear, vague int
	}{
		{nil, 0, 2},
		{[]string{"a", "b"}, 1, 1}, // the second is in doubt all the same, for its own attempt says so
	} {
		s := scene(func(s *scenarios.Scenario) { s.Server.Hosts = c.hosts }, route("GET /x", answer(503), answer(200)))
		r := record(made("GET /x", option(byPrint), at(0, 503, conn(1, 1)), at(3*sec, 200, conn(1, 2))),
			made("GET /x", option(byPrint), at(sec, 503, conn(2, 1), looksAlike), at(8*sec, 200, conn(2, 2)))).opens(1, 0, 0).opens(2, sec, 0)
		for i, host := range c.hosts {
			r.Conns[i].Host = host
		}
		if e := gather(s, &r.Log); len(e.clear) != c.clear || len(e.vague) != c.vague {
			t.Errorf("hosts %v: %d are clear, %d vague; want %d and %d", c.hosts, len(e.clear), len(e.vague), c.clear, c.vague)
		}
	}
}
