package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"brownout/chaosserver/journal"
	"brownout/chaosserver/plan"
)

// port is where one of the scenario's hosts listens. A fault that refuses closes it, and it opens again behind that.
type port struct {
	srv  *Server
	host string    // its name; "" the only one
	addr string    // that it listens on, with the number that it got
	url  string    // base URL
	kept io.Closer // keeps the number from others while the port is closed; nil where nothing does

	// Used under Server.turning.
	fault  int              // index of the fault that has closed it; -1 while it is open
	told   *journal.Journal // where it says that the port is closed
	served chan struct{}    // closed once no more connections come from open

	mu   sync.Mutex   // guards what follows
	open net.Listener // nil while the port is closed
}

// newPorts makes the ports of the scenario's hosts, the first on the server's address and the others behind it. Those that
// are closed at the beginning do not listen yet.
func (s *Server) newPorts(memory bool) (ports []*port, err error) {
	closed := plan.New(s.scenario) // nothing is asked of it but what is closed at the beginning
	defer func() {
		if err != nil {
			release(ports)
			ports = nil
		}
	}()
	for i, host := range s.scenario.Server.Names() {
		p := &port{srv: s, host: host, fault: -1}
		ports = append(ports, p)
		if memory {
			p.addr = memAddrOf(host, s.scenario.Server.TLS)
		} else if p.addr, err = nextAddr(s.config.addr, i); err != nil {
			return ports, err
		}
		if err = p.have(closed, memory); err != nil {
			return ports, err
		}
		p.url = s.scheme() + "://" + p.addr
		if memory {
			p.url = s.scheme() + "://" + hostOf(p.addr)
		}
	}
	return ports, nil
}

// nextAddr is the address of the i-th host: the number behind that of the one before, where the first has one.
func nextAddr(addr string, i int) (string, error) {
	if i == 0 {
		return addr, nil
	}
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	n, err := net.LookupPort("tcp", number)
	if err != nil || n == 0 {
		return net.JoinHostPort(host, "0"), err
	}
	if n+i > 65535 {
		return "", fmt.Errorf("the scenario's hosts take the ports behind %d, which end at 65535", n)
	}
	return net.JoinHostPort(host, strconv.Itoa(n+i)), nil
}

// have makes the port the server's: it listens, or where a fault closes it from the beginning on, keeps its number.
func (p *port) have(closed *plan.Plan, memory bool) error {
	if closed.ClosesPorts() && !memory {
		var err error
		if p.kept, p.addr, err = keepNumber(p.addr); err != nil {
			return err
		}
	}
	if fault, _ := closed.Port(p.host, 0); fault >= 0 {
		return nil
	}
	return p.listen(memory)
}

// listen opens the port, of which nobody accepts yet.
func (p *port) listen(memory bool) error {
	var l net.Listener
	if memory {
		l = newMemListener(memAddr(p.addr))
	} else {
		var err error
		if l, err = p.srv.config.listen("tcp", p.addr); err != nil {
			return err
		}
		p.addr = l.Addr().String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = l
	return nil
}

// listener is what the port listens with; nil while it is closed.
func (p *port) listener() net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// serve begins to accept from an open port. It requires Server.turning, or that nobody else knows the server.
func (p *port) serve() {
	l := p.listener()
	if l == nil {
		return
	}
	served := make(chan struct{})
	p.served = served
	p.srv.goroutine(func() {
		defer close(served)
		_ = p.srv.http.Serve(listener{l, p}) // net.ErrClosed, once the port is closed, or http.ErrServerClosed
	})
}

// shut closes the port and resets its connections. No connection of it is accepted once this has returned. It requires
// Server.turning.
func (p *port) shut(fault int) {
	p.mu.Lock()
	l := p.open
	p.open = nil
	p.mu.Unlock()
	if l == nil {
		return
	}
	_ = l.Close()
	if p.served != nil {
		<-p.served
	}
	for _, c := range p.srv.open() {
		if c.port == p {
			c.abort(fault)
		}
	}
}

// release lets go of ports that are not served.
func release(ports []*port) {
	for _, p := range ports {
		if l := p.listener(); l != nil {
			_ = l.Close()
		}
		if p.kept != nil {
			_ = p.kept.Close()
		}
	}
}

// turnPorts closes and opens ports as they have to be after so much of the run's time, and tells when to ask again; 0 for
// never. It does nothing where the run is not the current one any more. The error says which port could not be had again.
func (s *Server) turnPorts(r *run) (next time.Duration, err error) {
	s.turning.Lock()
	defer s.turning.Unlock()
	if s.run.Load() != r {
		return 0, nil
	}
	now := r.at(time.Now())
	elapsed := r.elapsed(now)
	for _, p := range s.ports {
		fault, change := r.plan.Port(p.host, elapsed)
		if change > 0 && (next == 0 || change < next) {
			next = change
		}
		err = errors.Join(err, p.turn(r, now, fault))
	}
	return next, err
}

// turn closes or opens the port, as at an instant right before: a fault of -1 opens it. It requires Server.turning.
func (p *port) turn(r *run, now time.Duration, fault int) error {
	switch {
	case fault >= 0:
		if fault == p.fault && p.told == r.journal {
			return nil
		}
		p.shut(fault)
		p.fault, p.told = fault, r.journal
		r.port(journal.Port{At: now, Host: p.host, Fault: fault})
		return nil
	case p.listener() != nil || p.srv.ctx.Err() != nil:
		return nil
	}
	if err := p.listen(p.srv.memory); err != nil {
		return fmt.Errorf("the port %s, which %s had closed, cannot be had again: %w", p.addr, p.srv.scenario.Faults[p.fault].Name, err)
	}
	if p.told == r.journal {
		r.port(journal.Port{At: now, Host: p.host, Open: true, Fault: p.fault})
	}
	p.fault, p.told = -1, nil
	p.serve()
	return nil
}

// keepPorts closes and opens ports as time goes on, until the server is closed.
func (s *Server) keepPorts() {
	for s.ctx.Err() == nil {
		r := s.run.Load()
		select {
		case <-r.begun:
		case <-r.over:
			continue
		case <-s.ctx.Done():
			return
		}
		next, err := s.turnPorts(r)
		if err != nil {
			s.failed(err)
			return
		}
		s.pause(r, next)
	}
}

// pause waits until so much of the run's time has gone by, or the run is over; 0 is the latter alone.
func (s *Server) pause(r *run, until time.Duration) {
	var due <-chan time.Time
	if until > 0 {
		timer := time.NewTimer(until - r.elapsed(r.at(time.Now())))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-r.over:
	case <-s.ctx.Done():
	}
}

// failed notes that the server cannot go on as the scenario says.
func (s *Server) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("chaosserver: %w", err)
		close(s.broken)
	}
}

// Broken is closed once the server cannot go on as the scenario says, since a port that a fault had closed could not be had
// again. [Server.Close] says why.
func (s *Server) Broken() <-chan struct{} { return s.broken }

func (s *Server) scheme() string {
	if s.scenario.Server.TLS {
		return "https"
	}
	return "http"
}

// URLs are the base URLs of all hosts, in the order of the scenario; nil before a start.
func (s *Server) URLs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var urls []string
	for _, p := range s.ports {
		urls = append(urls, p.url)
	}
	return urls
}

// HostURL is the base URL of a host of the scenario, such as http://127.0.0.1:8081, or http://a.brownout.test in memory;
// "" names the first. It is "" before a start, and for a host that the scenario has not.
func (s *Server) HostURL(host string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.ports {
		if p.host == host || host == "" {
			return p.url
		}
	}
	return ""
}

// HostCallURL is the base URL of a host, "" for the first, that names the k-th call, 1-based: requests below it are attempts of
// that call.
func (s *Server) HostCallURL(host string, k int) string {
	return s.HostURL(host) + prefix + strconv.Itoa(k)
}

// portAt is the port in memory that an address leads to; nil where none does. A server with one port has every address.
func (s *Server) portAt(addr string) *port {
	if len(s.ports) == 1 {
		return s.ports[0]
	}
	for _, p := range s.ports {
		if strings.EqualFold(hostOf(p.addr), hostOf(addr)) {
			return p
		}
	}
	return nil
}

// dialMemory connects to a port in memory.
func (s *Server) dialMemory(ctx context.Context, addr string) (net.Conn, error) {
	p := s.portAt(addr)
	if p == nil {
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: &net.DNSError{Err: "no such host", Name: hostOf(addr), IsNotFound: true}}
	}
	if l, ok := p.listener().(*memListener); ok {
		return l.dial(ctx, s.dialled.Add(1))
	}
	return nil, refusedInMemory(memAddr(p.addr), s.dialled.Add(1))
}
