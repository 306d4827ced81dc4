package fault

import "brownout/scenarios"

// prepareConnection makes the answer the last of its connection. With a linger the server says so, and leaves the
// connection open for so long, to see what the client does with it.
func prepareConnection(p *Answer, a *scenarios.Answer) {
	if a.Connection == "" {
		return
	}
	p.endConnection()
	p.linger = a.Linger
}

// endConnection says Connection: close.
func (p *Answer) endConnection() {
	p.connection, p.closes = true, true
	p.fields = append(p.fields, field{fixed: "Connection: close\r\n"})
}
