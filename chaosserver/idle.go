package chaosserver

import (
	"io"
	"time"

	"brownout/chaosserver/fault"
)

// idling is what is to happen to a connection between two requests: a wire fault once it has been idle for long enough,
// or the end of a linger.
type idling struct {
	wait    time.Duration
	wire    *wire // nil: a linger, which no request puts off
	garbage func() io.Reader
	timer   *time.Timer // nil while the connection is at work
}

// armIdle lets a wire fault strike the connection once it has been idle for the fault's wait.
func (c *conn) armIdle(w *wire, garbage func() io.Reader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idling == nil {
		c.idling = &idling{wait: w.Wait, wire: w, garbage: garbage}
	}
}

// lingerOn leaves the connection open for so long behind an answer that was said to be its last.
func (c *conn) lingerOn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetIdlingLocked()
	c.told = true
	i := &idling{wait: d}
	i.timer = time.AfterFunc(d, func() { c.strikeIdle(i) })
	c.idling = i
}

// startIdling begins the wait of a fault. It requires mu.
func (c *conn) startIdling() {
	i := c.idling
	if i == nil || i.timer != nil || !c.first.IsZero() { // the next request is there already
		return
	}
	i.timer = time.AfterFunc(i.wait, func() { c.strikeIdle(i) })
}

// stopIdling puts a fault off, for the client has begun another request. It requires mu.
func (c *conn) stopIdling() {
	if i := c.idling; i != nil && i.wire != nil && i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}

// forgetIdling lets go of what was to happen.
func (c *conn) forgetIdling() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetIdlingLocked()
}

// forgetIdlingLocked requires mu.
func (c *conn) forgetIdlingLocked() {
	if i := c.idling; i != nil && i.timer != nil {
		i.timer.Stop()
	}
	c.idling = nil
}

// strikeIdle does what was to happen. A FIN leaves the client's side open for [fault.FINWait], so that what it sends all
// the same is seen.
func (c *conn) strikeIdle(i *idling) {
	c.mu.Lock()
	if c.idling != i || i.wire != nil && (i.timer == nil || c.serving) {
		c.mu.Unlock()
		return
	}
	c.told = true
	end := &idling{}
	end.timer = time.AfterFunc(fault.FINWait, func() { _ = c.raw.Close() })
	c.idling = end
	c.mu.Unlock()
	if i.wire == nil {
		_ = c.sayEnd()
		return
	}
	if i.wire.strike(c.srv.ctx, fault.Strike{Conn: onWire{c}, Garbage: i.garbage}) != nil {
		_ = c.Close() // the client was there first
	}
}
