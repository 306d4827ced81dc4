package chaosserver

import (
	"net"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/plan"
	"brownout/scenarios"
)

// listener hands net/http the connections that no fault strikes before a request is read.
type listener struct {
	net.Listener
	port *port
}

// Accept returns the next connection of which a request may be read.
func (l listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.port.accepted(raw.(rawConn)); c != nil {
			return c, nil
		}
	}
}

// accepted records a connection. It returns nil where a fault strikes it, which is then on its way.
func (p *port) accepted(raw rawConn) *conn {
	s := p.srv
	c := &conn{raw: raw, stream: raw, srv: s, port: p, remote: raw.RemoteAddr().String()}
	if s.secured != nil {
		c.secureBy(s.secured)
	}
	var d plan.ConnDecision
	if !s.admit(c, &d) {
		_ = c.Close()
		return nil
	}
	if d.Wire == nil {
		return c
	}
	s.goroutine(func() { s.strikeConnection(c, d) })
	return nil
}

// admit decides about a connection, records it and keeps it among those that are open. It reports false once the server
// is closed.
func (s *Server) admit(c *conn, d *plan.ConnDecision) bool {
	s.turnover.Lock()
	defer s.turnover.Unlock()
	r := s.run.Load()
	now := r.at(time.Now())
	c.id = s.connIDs.Add(1)
	r.plan.Connection(int(r.accepts.Add(1)), r.elapsed(now), hostOf(c.remote), c.port.host, d)
	r.open(journal.OpenRecord{ID: c.id, Remote: c.remote, Accept: now, Drawn: d.Drawn, Applied: d.Applied, Reason: d.Reason,
		Host: c.port.host, TLS: c.secure != nil})
	return s.keep(c)
}

// strikeConnection carries out a connection fault.
func (s *Server) strikeConnection(c *conn, d plan.ConnDecision) {
	defer s.letGo(c)
	if s.clock.Wait(s.ctx, time.Now(), d.Delay) != nil {
		_ = c.Close()
		return
	}
	if d.Wire.At == scenarios.AtTLS && !c.awaitHello() {
		return
	}
	if s.wires[d.Wire].strike(s.ctx, fault.Strike{Conn: onWire{c}}) != nil {
		_ = c.Close() // the client was there first
		return
	}
	c.readOut()
}

// hostOf returns an address without its port.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
