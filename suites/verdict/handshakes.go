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

func leftBy(c journal.Closer) bool {
	return c == journal.ClosedByClientFIN || c == journal.ClosedByClientRST
}

// trustHint says how a client comes to trust the server.
const trustHint = "Trust the certificate authority of the run: its certificate is the file that BROWNOUT_CA names; " +
	"SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE and NODE_EXTRA_CA_CERTS name it too."
