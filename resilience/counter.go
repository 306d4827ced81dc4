package resilience

import (
	"sync"
	"sync/atomic"
)

// counter counts events that many goroutines report. It starts as one word; once goroutines are seen to collide on it, it
// splits into stripes, each on a cache line of its own, so that more processors never make an event dearer.
//
// This is the LongAdder of java.util.concurrent (Doug Lea), except that a [sync.Pool], which keeps a value per processor,
// takes the place of the thread's probe.
type counter struct {
	_       cacheLine
	n       atomic.Uint64
	clashes atomic.Uint32
	_       cacheLine
	split   atomic.Pointer[stripes]
}

const (
	stripeCount  = 8  // collisions of more processors than this cost what they cost a single word
	splitClashes = 32 // a lone collision is a preempted goroutine, not contention
)

// cacheLine keeps apart what different processors write: two lines, since lines are fetched in pairs.
type cacheLine [128]byte

type stripes struct {
	pool sync.Pool // of *stripe: the one this processor used last
	next atomic.Uint32
	all  [stripeCount]stripe
}

type stripe struct {
	n atomic.Uint64
	_ cacheLine
}

// inc adds one. It may be called by several goroutines.
func (c *counter) inc() {
	if n := c.n.Load(); c.split.Load() != nil || !c.n.CompareAndSwap(n, n+1) {
		c.contended()
	}
}

func (c *counter) contended() {
	if s := c.split.Load(); s != nil {
		s.inc()
		return
	}
	c.n.Add(1)
	if c.clashes.Add(1) < splitClashes {
		return
	}
	s := &stripes{}
	s.pool.New = func() any { return &s.all[s.next.Add(1)%stripeCount] }
	c.split.CompareAndSwap(nil, s)
}

func (s *stripes) inc() {
	mine := s.pool.Get().(*stripe)
	mine.n.Add(1)
	s.pool.Put(mine)
}

// total returns the count. Events reported meanwhile may or may not be in it.
func (c *counter) total() uint64 {
	n := c.n.Load()
	if s := c.split.Load(); s != nil {
		for i := range s.all {
			n += s.all[i].n.Load()
		}
	}
	return n
}

// drain returns the count and sets it to zero; no event is lost or returned twice.
func (c *counter) drain() uint64 {
	n := c.n.Swap(0)
	if s := c.split.Load(); s != nil {
		for i := range s.all {
			n += s.all[i].n.Swap(0)
		}
	}
	return n
}
