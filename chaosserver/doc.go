// Package chaosserver is the fake upstream: an HTTP server that answers as a scenario says, fails as it says, and
// keeps a journal of every connection and attempt.
//
// A [Server] is an http.Handler. Started on a port or in memory it owns its connections, so that it can reset them and
// tell who closed first; behind another server's listener it answers, and refuses what needs a listener of its own.
//
//	s, err := scenarios.Load("payments.yaml")
//	...
//	srv, err := chaosserver.New(s)
//	...
//	err = srv.Start()
//	defer srv.Close()
//	http.Get(srv.URL() + "/payments")
//
// # One attempt
//
// A request is read whole: its body is hashed to the end and kept up to a limit. Then the server finds the route and
// the call it belongs to, asks the plan what to do, and waits out the delay, counted from the end of the request. It
// stamps the instant, records the attempt in the journal, and only then writes the first byte. The end is recorded when
// the last byte is with the kernel, or when the connection ended before.
//
// A client that closes its connection, or its side of it, during a delay has given the attempt up: it gets no answer.
//
// # Ports, and what is beneath
//
// Each host of the scenario has a port. A fault that refuses closes it by the scenario's clock: connections that are open are
// reset, new ones refused, and the same port opens again. Over TLS the server shows a certificate of an authority that is made
// when it starts; see [Server.Certificate]. Wire faults strike the connection beneath TLS: where one ends it with a FIN, the
// client gets no close_notify. What sends bytes, such as garbage, sends them as TLS does. A handshake that fails is recorded
// with its reason and is no attempt.
//
// # Calls
//
// A call is named by the scenario's identity, by the prefix /~ID of the path, or by its print: method, target and
// body. The prefix belongs to the server: no route sees it.
package chaosserver
