// Package proxy is the way to one upstream: connections of its own that are kept alive, requests that are written and
// answers that are read as HTTP/1.1 says (RFC 9112), with what a gateway changes in them (RFC 9110, section 7.6). It knows
// nothing of scenarios; whoever stands in front of it decides what a client gets to see.
//
// An exchange is a [Conn] from [Upstream.Acquire], the header block from [Upstream.AppendHead] written to it, the body
// behind that, [Conn.ReadHead] until the final answer, its content by [Response.Read], and [Conn.Release]. Nothing is
// buffered that need not be: a piece of the body is given as soon as it is there.
//
// # What is changed on the way to the upstream
//
// The target goes in origin form below the upstream's own path, whatever host the client named: a request cannot choose
// another upstream. Host is the upstream's. X-Forwarded-For gets the client's address behind what it has,
// X-Forwarded-Host is the Host that the client sent, X-Forwarded-Proto http or https, and Via gets "1.1" and the proxy's
// name. What belongs to one connection stays there: Connection and the fields that it names, Keep-Alive,
// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE (but for "trailers"), Transfer-Encoding and Upgrade, which
// goes on only where the caller says so. All other fields go as they came, in their order.
//
// # What is changed on the way back
//
// The fields of the connection are taken out in the same way, and the body is framed anew where that is needed. A Location
// or Content-Location that points to the upstream points to the proxy instead. A missing Date is added.
//
// # What is not done
//
// No request is sent twice: a connection that was kept is looked at before it is used again, and where the upstream closes
// it in that very moment the exchange fails. There is no cache, no HTTP/2 towards the upstream, and proxies named in the
// environment are not used.
package proxy
