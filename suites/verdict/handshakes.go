package verdict

import (
	"fmt"
	"slices"

	"brownout/chaosserver/journal"
)

// unshaken are the connections whose TLS failed.
func (e *evidence) unshaken() []*journal.Conn {
	var failed []*journal.Conn
	for i := range e.log.Conns {
		if c := &e.log.Conns[i]; c.Failure != "" {
			failed = append(failed, c)
		}
	}
	return failed
}

// handshakes tells of connections whose TLS failed: who ended them and why; "" where none did.
func (e *evidence) handshakes() string {
	failed := e.unshaken()
	if len(failed) == 0 {
		return ""
	}
	byClient := slices.ContainsFunc(failed, func(c *journal.Conn) bool { return leftBy(c.Closed) })
	byServer := slices.ContainsFunc(failed, func(c *journal.Conn) bool { return !leftBy(c.Closed) })
	var t tally
	for _, c := range failed {
		t.add(c.Failure)
	}
	reasons := failed[0].Failure
	if len(t.counts) > 1 {
		reasons = t.listed(3)
	}
	if byClient && !byServer {
		return fmt.Sprintf("the client ended %s: %s", plural(len(failed), "TLS handshake"), reasons)
	}
	return fmt.Sprintf("%s failed: %s", plural(len(failed), "TLS handshake"), reasons)
}

// distrusted tells of a client that never came to a request over TLS: of its failed handshakes, or of connections that it
// ended without a word, as many do where they find out behind the handshake that they do not trust; "" where it did not end any.
func (e *evidence) distrusted() (what, hint string) {
	if len(e.log.Attempts) > 0 {
		return "", ""
	}
	if failed := e.handshakes(); failed != "" {
		return failed, trustHint
	}
	silent := 0
	for i := range e.log.Conns {
		c := &e.log.Conns[i]
		silent += one(c.TLS && len(c.Applied) == 0 && leftBy(c.Closed))
	}
	if silent == 0 {
		return "", ""
	}
	return fmt.Sprintf("the client ended %s without a request", plural(silent, "TLS connection")), "So do many that do not trust the server. " + trustHint
}

func leftBy(c journal.Closer) bool {
	return c == journal.ClosedByClientFIN || c == journal.ClosedByClientRST
}

// trustHint says how a client comes to trust the server.
const trustHint = "Trust the certificate authority of the run: its certificate is the file that BROWNOUT_CA names; " +
	"SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE and NODE_EXTRA_CA_CERTS name it too."
