package scenarios

// overlaps reports whether some path fits both templates.
func (p Path) overlaps(q Path) bool {
	for i := 0; ; i++ {
		pEnd, qEnd := i >= len(p.Segments), i >= len(q.Segments)
		switch {
		case pEnd && p.Rest, qEnd && q.Rest, pEnd && qEnd:
			return true
		case pEnd, qEnd:
			return false
		}
		a, b := p.Segments[i], q.Segments[i]
		if a.Var == "" && b.Var == "" && a.Literal != b.Literal {
			return false
		}
	}
}

// covers reports whether every path that fits q fits p too.
func (p Path) covers(q Path) bool {
	for i := 0; ; i++ {
		pEnd, qEnd := i >= len(p.Segments), i >= len(q.Segments)
		switch {
		case pEnd && p.Rest:
			return true
		case pEnd, qEnd:
			return pEnd && qEnd && !q.Rest
		}
		a, b := p.Segments[i], q.Segments[i]
		if a.Var == "" && (b.Var != "" || a.Literal != b.Literal) {
			return false
		}
	}
}

// covers reports whether every request that fits o fits m too.
func (m *Match) covers(o *Match) bool {
	return (m.Method == "" || m.Method == o.Method) && (m.Host == "" || m.Host == o.Host) && len(m.Header) == 0 && m.Body == nil && m.Path.covers(o.Path)
}

// takes reports whether some request of a method and to a host ("": any) and a path fits m.
func (m *Match) takes(method, host string, path Path) bool {
	return (m.Host == "" || host == "" || m.Host == host) && (m.Method == "" || method == "" || m.Method == method) && m.Path.overlaps(path)
}
