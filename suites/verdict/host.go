package verdict

import "brownout/scenarios"

// hostName is the name of the host that the attempt came to; "" where the scenario has one that has none.
func (e *evidence) hostName(a *attempt) string {
	switch hosts := e.scenario.Server.Hosts; len(hosts) {
	case 0:
		return ""
	case 1:
		return hosts[0]
	}
	i, found := e.conn(a.Conn)
	if !found {
		return ""
	}
	return e.log.Conns[i].Host
}

// hostOfStep is the name of the host that a step of drive calls.
func (e *evidence) hostOfStep(s *scenarios.Step) string {
	if s.Host != "" {
		return s.Host
	}
	return e.scenario.Server.Names()[0]
}

// hostOf is the name of the host that the call's first attempt came to, or that it was to go to; "" where neither is known.
func (e *evidence) hostOf(c *call) string {
	switch {
	case len(c.atts) > 0:
	case c.lost != nil:
		return c.lost.host
	default:
		return ""
	}
	return e.hostName(c.atts[0])
}
