package chaosserver

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// ports tells the events of ports, at whole milliseconds since the first connection or event.
func ports(l *journal.Log) string {
	zero := time.Duration(1 << 62)
	if len(l.Conns) > 0 {
		zero = l.Conns[0].Accept
	}
	if len(l.Ports) > 0 {
		zero = min(zero, l.Ports[0].At)
	}
	var all []string
	for _, p := range l.Ports {
		what := "closed"
		if p.Open {
			what = "open"
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%v %s by %d %s", (p.At-zero).Round(time.Millisecond), what, p.Fault, p.Host)))
	}
	return strings.Join(all, ", ")
}

// TestRefuseInVirtualTime: the port is closed exactly while the fault holds; connections that are open then are reset, new
// ones refused.
func TestRefuseInVirtualTime(t *testing.T) {
	for _, row := range []struct {
		yaml  string
		want  string // in the middle of each second: whether a connection can be made
		ports string
	}{
		{"faults: [{refuse: accept, when: {elapsed: 2s..5s}}]", "++---+++++", "2s closed by 0, 5s open by 0"},
		{"faults: [{refuse: accept, when: {elapsed: 0s..3s}}]", "---+++++++", "0s closed by 0, 3s open by 0"},
		{"faults: [{refuse: accept, when: {elapsed: {every: 4s, for: 1s, from: 1s}}}]", "+-+++-+++-", "1s closed by 0, 2s open by 0, 5s closed by 0, 6s open by 0, 9s closed by 0, 10s open by 0"},
		{"phases: [{name: good, for: 2s}, {name: bad, for: 3s}, {name: after}]\nfaults: [{refuse: accept, when: {phase: bad}}]", "++---+++++", "2s closed by 0, 5s open by 0"},
		{"faults: [{refuse: accept, when: {elapsed: 2s..4s}}, {refuse: accept, when: {elapsed: 3s..6s}}]", "++----++++", "2s closed by 0, 4s closed by 1, 6s open by 1"},
		{"server: {tls: true}\nfaults: [{refuse: accept, when: {elapsed: 2s..5s}}]", "++---+++++", "2s closed by 0, 5s open by 0"},
		{"faults: [{refuse: accept, when: {elapsed: 7s..}}]", "+++++++---", "7s closed by 0"},
	} {
		bubble(t, row.yaml, func(t *testing.T, srv *Server) {
			var got strings.Builder
			_, _, _ = get(t, srv, "/") // begins the scenario's time, or is refused
			srv.Client().CloseIdleConnections()
			time.Sleep(500 * time.Millisecond)
			for range 10 {
				_, _, err := get(t, srv, "/")
				switch {
				case err == nil:
					got.WriteByte('+')
				case errors.Is(err, syscall.ECONNREFUSED):
					got.WriteByte('-')
				default:
					got.WriteString(err.Error())
				}
				srv.Client().CloseIdleConnections()
				time.Sleep(time.Second)
			}
			if got.String() != row.want {
				t.Errorf("%s: %s, want %s", row.yaml, got.String(), row.want)
			}
			if got := ports(srv.Journal().Log()); got != row.ports {
				t.Errorf("%s: ports: %s, want %s", row.yaml, got, row.ports)
			}
		})
	}
}

// TestRefuseResetsWhatIsOpen: an idle connection, one with an attempt that waits and one in the midst of its answer are reset
// when the port is closed. The attempt that waited is the fault's.
func TestRefuseResetsWhatIsOpen(t *testing.T) {
	bubble(t, `
routes: [{match: GET /, answers: [{text: hello}]}, {match: GET /slow, answers: [{delay: 1h}]}, {match: GET /drip, answers: [{size: 1KiB, drip: 10B/s}]}]
faults: [{name: down, refuse: accept, when: {elapsed: 2s..5s}}]
`, func(t *testing.T, srv *Server) {
		idle, slow, drip := dial(t, srv), dial(t, srv), dial(t, srv)
		idle.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		idle.answer(t)
		slow.say(t, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		drip.say(t, "GET /drip HTTP/1.1\r\nHost: x\r\n\r\n")
		start := time.Now()
		for name, c := range map[string]*wireConn{"idle": idle, "waiting": slow, "answered": drip} {
			if _, end := c.rest(t); end != "rst" || time.Since(start) != 2*time.Second {
				t.Errorf("the %s one ended with %s after %v, want rst after 2s", name, end, time.Since(start))
			}
		}
		log := ended(t, srv, 3)
		for _, c := range log.Conns {
			if c.Closed != journal.ClosedByServerRST {
				t.Errorf("connection: %+v", c)
			}
		}
		for _, a := range log.Attempts {
			switch a.Target {
			case "/slow":
				if a.Wire != "refuse accept" || a.Reason != "down, faults[0]" || fmt.Sprint(a.Applied) != "[0]" || a.Status != 0 || a.Entry != -1 || a.Closed != journal.ClosedByServerRST || a.Failure != "" {
					t.Errorf("the attempt that waited: %+v", a)
				}
			case "/drip":
				if a.Whole || a.Closed != journal.ClosedByServerRST || a.BytesSent == 0 || a.Failure != "" {
					t.Errorf("the attempt under way: %+v", a)
				}
			}
		}
	})
}

// TestRefuseOneHost: the port of another host stays open, and its connections too.
func TestRefuseOneHost(t *testing.T) {
	bubble(t, "server: {hosts: [a, b]}\nfaults: [{refuse: accept, when: {host: b, elapsed: 0s..5s}}]", func(t *testing.T, srv *Server) {
		for _, host := range []string{"a", "b", "a"} {
			res, err := srv.Client().Get(srv.HostURL(host) + "/")
			if (err == nil) != (host == "a") || err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("at %s: %v", host, err)
			}
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				must(t, err, res.Body.Close())
			}
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		log := srv.Journal().Log()
		if got, want := ports(log), "0s closed by 0 b, 5s open by 0 b"; got != want {
			t.Errorf("ports: %s, want %s", got, want)
		}
		if len(log.Conns) != 1 || len(log.Attempts) != 2 {
			t.Errorf("%d connections, %d attempts", len(log.Conns), len(log.Attempts))
		}
	})
}

// TestRefuseAndReset: behind a reset the scenario's time is 0 again, and the ports are as at its beginning at once.
func TestRefuseAndReset(t *testing.T) {
	bubble(t, "faults: [{refuse: accept, when: {elapsed: 2s..5s}}]", func(t *testing.T, srv *Server) {
		for round := range 3 {
			if _, _, err := get(t, srv, "/"); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
			time.Sleep(3 * time.Second)
			if _, _, err := get(t, srv, "/"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("round %d: %v, want a refusal", round, err)
			}
			if got, want := ports(srv.Journal().Log()), "2s closed by 0"; got != want {
				t.Errorf("round %d: %s, want %s", round, got, want)
			}
			must(t, srv.Reset())
		}
	})
	bubble(t, "faults: [{refuse: accept, when: {elapsed: 0s..5s}}]", func(t *testing.T, srv *Server) {
		time.Sleep(6 * time.Second)
		must(t, srv.Reset())
		if _, _, err := get(t, srv, "/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("behind the reset: %v, want a refusal", err)
		}
		if got, want := ports(srv.Journal().Log()), "0s closed by 0"; got != want {
			t.Errorf("ports: %s, want %s", got, want)
		}
	})
}

// TestRefuseOnLoopback: a closed port refuses, its number is kept, and it is the same port that opens again.
func TestRefuseOnLoopback(t *testing.T) {
	t.Run("closed to the end", func(t *testing.T) {
		srv := serve(t, onLoopback, "faults: [{refuse: accept, when: {elapsed: 20ms..}}]")
		c := dial(t, srv)
		if got, end := c.rest(t); got != "" || end != "rst" {
			t.Errorf("the connection brought %q and ended with %s, want rst", got, end)
		}
		must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Ports) == 1 }))
		for range 3 {
			if _, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://")); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v, want a refusal", err)
			}
		}
		log := srv.Journal().Log()
		if p := log.Ports[0]; p.Open || p.Fault != 0 || p.At < log.Conns[0].Accept+20*time.Millisecond || log.Conns[0].Close < p.At {
			t.Errorf("the port %+v, the connection %+v", p, log.Conns[0])
		}
	})
	t.Run("closed at the beginning", func(t *testing.T) {
		srv := serve(t, onLoopback, "server: {hosts: [a, b]}\nfaults: [{refuse: accept, when: {elapsed: 0s..20ms}}, {refuse: accept, when: {host: b, elapsed: 1h..}}]")
		must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Ports) == 4 }))
		for _, host := range []string{"a", "b"} {
			c := dialHost(t, srv, host)
			c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c.answer(t)
		}
		log := ended(t, srv, 2)
		for _, p := range log.Ports[2:] {
			if closed := log.Ports[0].At; !p.Open || p.At < closed+20*time.Millisecond {
				t.Errorf("ports: %+v", log.Ports)
			}
		}
	})
	t.Run("closed again and again", func(t *testing.T) {
		srv := serve(t, onLoopback, "faults: [{refuse: accept, when: {elapsed: {every: 4ms, for: 2ms}}}]")
		must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Ports) >= 40 }))
		for i, p := range srv.Journal().Log().Ports {
			if p.Open != (i%2 == 1) {
				t.Fatalf("event %d: %+v", i, p)
			}
		}
	})
}

// TestPortCannotBeHadAgain: the server says that it cannot go on, and why.
func TestPortCannotBeHadAgain(t *testing.T) {
	srv, err := New(scenario(t, "faults: [{name: down, refuse: accept, when: {elapsed: 0s..1ms}}]"))
	must(t, err)
	taken := errors.New("somebody has it")
	srv.config.listen = func(string, string) (net.Listener, error) { return nil, taken }
	must(t, srv.Start())
	<-srv.Broken()
	err = srv.Close()
	want := fmt.Sprintf("chaosserver: the port %s, which down had closed, cannot be had again: somebody has it", strings.TrimPrefix(srv.URL(), "http://"))
	if !errors.Is(err, taken) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if again := srv.Close(); again == nil || again.Error() != err.Error() {
		t.Errorf("closed again: %v", again)
	}
}

// TestRefuseNeedsListener: a bare handler cannot refuse, and says so.
func TestRefuseNeedsListener(t *testing.T) {
	const yaml = "faults: [{refuse: accept, when: {elapsed: 1s..}}]"
	if _, err := New(scenario(t, yaml), AsHandler()); err == nil || !strings.Contains(err.Error(), needsListener) {
		t.Errorf("%v", err)
	}
	_, c := bareServer(t, yaml)
	c.say(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.answer(t); !strings.HasPrefix(got, "HTTP/1.1 500 ") {
		t.Errorf("answered %q", got)
	}
}

// TestClosedWhileRefusing: a server is closed whatever its ports do.
func TestClosedWhileRefusing(t *testing.T) {
	for range 20 {
		srv, err := New(scenario(t, "faults: [{refuse: accept, when: {elapsed: {every: 2ms, for: 1ms}}}]"))
		must(t, err)
		must(t, srv.Start())
		must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Ports) >= 3 }))
		must(t, srv.Close())
		l, err := net.Listen("tcp", strings.TrimPrefix(srv.URL(), "http://"))
		must(t, err, l.Close())
	}
}
