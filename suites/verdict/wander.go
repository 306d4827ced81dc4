package verdict

// doubtWanderers casts doubt on calls that go by their print and whose attempts come back to a connection after another
// one carried an attempt in between, where neither carried anything else. One client that repeats a request goes on where
// it was, or opens a new connection; two that take turns, each on a connection of its own, look just like this, and which
// attempt was whose cannot be told. Connections that carry other requests too are a pool's, and prove nothing.
func (e *evidence) doubtWanderers() {
	var mixed map[uint64]bool // connections that carried more than one print; made when first needed
	for i := range e.calls {
		c := &e.calls[i]
		if c.named || !wanders(c.atts) {
			continue
		}
		if mixed == nil {
			mixed = e.mixedConns()
		}
		own := make(map[uint64]bool)
		for _, a := range c.atts {
			if !mixed[a.Conn] {
				own[a.Conn] = true
			}
		}
		if len(own) > 1 {
			e.doubtConns(e.printOf(c.first()), own)
		}
	}
}

// wanders reports whether an attempt came on a connection that an earlier one used, but not the one before it.
func wanders(atts []*attempt) bool {
	for i := 2; i < len(atts); i++ {
		if atts[i].cut || atts[i].Conn == 0 || atts[i].Conn == atts[i-1].Conn {
			continue
		}
		for _, before := range atts[:i-1] {
			if before.Conn == atts[i].Conn && !before.cut {
				return true
			}
		}
	}
	return false
}

// mixedConns returns the connections that carried requests of more than one print.
func (e *evidence) mixedConns() map[uint64]bool {
	carried := make(map[uint64]print)
	mixed := make(map[uint64]bool)
	for i := range e.calls {
		for _, a := range e.calls[i].atts {
			if a.cut || a.Conn == 0 {
				continue
			}
			p := e.printOf(a)
			if other, seen := carried[a.Conn]; seen && other != p {
				mixed[a.Conn] = true
			}
			carried[a.Conn] = p
		}
	}
	return mixed
}

// doubtConns marks the calls of the print that used one of the connections as ones that cannot be told apart.
func (e *evidence) doubtConns(p print, conns map[uint64]bool) {
	for i := range e.calls {
		c := &e.calls[i]
		if c.named || c.first() == nil || e.printOf(c.first()) != p {
			continue
		}
		for _, a := range c.atts {
			c.vague = c.vague || conns[a.Conn]
		}
	}
}
