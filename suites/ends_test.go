package suites_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

const silentUpstream = `
routes:
  - match: GET /x/:case
    cases:
      before-headers: [{status: 200, stall: before-headers}]
      headers: [{status: 200, stall: headers}]
      body: [{status: 200, size: 4KiB, stall: body, after: 50%}]
      drip: [{status: 200, size: 4KiB, drip: 10B/s}]
drive: {request: GET /x/:case, deadline: 10s}
expect: [attempt_ends: 1s]
`

// impatient gives each attempt so long, its body included.
func impatient(limit time.Duration) suites.NewClient {
	return func(base http.RoundTripper) *http.Client { return &http.Client{Transport: base, Timeout: limit} }
}

var _ = Describe("an upstream that falls silent", func() {
	It("is given up by a client with a timeout", func() {
		Expect(judged(silentUpstream, impatient(time.Second))).To(suites.Pass())
	})
	It("fails attempt_ends alone for a client without", func() {
		Expect(judged(silentUpstream, impatient(0))).To(suites.FailOnly("attempt_ends"))
	})
})

const partingUpstream = `
routes: [{match: GET /x, answers: [{connection: close, linger: 5s}]}]
drive: {request: GET /x, calls: 3}
expect: [leaves_connection]
`

// clinger sends every request on one connection, whatever the server said of it, and takes another only when that is gone.
type clinger struct {
	dial func(context.Context, string, string) (net.Conn, error)

	mu   sync.Mutex // guards what follows, and one exchange at a time
	conn net.Conn
	in   *bufio.Reader
}

func (c *clinger) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	resp, err := c.exchange(req)
	if err != nil && c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
	return resp, err
}

// exchange requires mu.
func (c *clinger) exchange(req *http.Request) (*http.Response, error) {
	if c.conn == nil {
		nc, err := c.dial(req.Context(), "tcp", req.URL.Host)
		if err != nil {
			return nil, err
		}
		c.conn, c.in = nc, bufio.NewReader(nc)
	}
	if err := req.Write(c.conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.in, req)
}

// CloseIdleConnections closes the one connection.
func (c *clinger) CloseIdleConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

var _ = Describe("an upstream that says it will close", func() {
	It("is left by net/http's own client", func() {
		Expect(judged(partingUpstream, impatient(0))).To(suites.Pass())
	})
	It("fails leaves_connection alone for a client that stays", func() {
		Expect(judged(partingUpstream, clinging)).To(suites.FailOnly("leaves_connection"))
	})
})
