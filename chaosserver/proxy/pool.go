package proxy

import (
	"context"
	"time"
)

const (
	// maxIdle bounds the connections that are kept for further requests.
	maxIdle = 1 << 10
	// idleFor is how long a connection is kept where the upstream does not say how long it keeps its end. Many servers
	// close theirs after 5 s, and a request that meets such an end is lost.
	idleFor = 4 * time.Second
)

// Acquire returns a connection to the upstream: the one that was used last of those that are idle and still open, else a new
// one. The error says why there is none, and wraps that of ctx, should that end first.
func (u *Upstream) Acquire(ctx context.Context) (*Conn, error) {
	for {
		c := u.take()
		switch {
		case c == nil:
			return u.dial(ctx)
		case time.Since(c.since) < c.keep && quiet(c):
			c.reused, c.got = true, false
			return c, nil
		}
		c.Close()
	}
}

// take takes the connection that was used last out of the idle ones; nil where there is none.
func (u *Upstream) take() *Conn {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := len(u.idle) - 1
	if last < 0 {
		return nil
	}
	c := u.idle[last]
	u.idle[last] = nil
	u.idle = u.idle[:last]
	return c
}

// put keeps a connection for another request. Those that have been idle for too long go, one at a time.
func (u *Upstream) put(c *Conn) {
	c.since = time.Now()
	u.mu.Lock()
	full := u.shut || len(u.idle) >= maxIdle
	var old *Conn
	if !full {
		u.idle = append(u.idle, c)
		if first := u.idle[0]; c.since.Sub(first.since) >= first.keep {
			old, u.idle = first, append(u.idle[:0], u.idle[1:]...)
		}
	}
	u.mu.Unlock()
	if full {
		c.Close()
	}
	if old != nil {
		old.Close()
	}
}

// Close ends the idle connections, and lets no other become idle. Those in use end with their exchanges.
func (u *Upstream) Close() {
	u.mu.Lock()
	idle := u.idle
	u.idle, u.shut = nil, true
	u.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
