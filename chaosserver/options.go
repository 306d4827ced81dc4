package chaosserver

import (
	"fmt"
	"net"
	"time"

	"brownout/chaosserver/journal"
)

// Defaults of the options.
const (
	DefaultAddr       = "127.0.0.1:0"
	DefaultMaxCalls   = 65_536
	DefaultMaxKeys    = 1 << 18 // idempotency keys, of about 160 bytes each
	DefaultMaxBuckets = 131_072
	DefaultMaxBody    = 64 << 10 // bytes
	DefaultMaxHeader  = 1 << 20  // bytes
	// DefaultJournalBody is how many bytes of a request's body are journalled where [WithJournal] says nothing.
	DefaultJournalBody = 1 << 10
)

type config struct {
	addr        string
	journal     journal.Options
	maxCalls    int
	maxBuckets  int
	maxKeys     int
	maxBody     int
	maxHeader   int
	readTimeout time.Duration
	handlerOnly bool
	upstream    *Upstream                                        // nil: none
	listen      func(network, addr string) (net.Listener, error) // net.Listen, but in tests
}

// Option is a setting of a [Server].
type Option func(*config)

// WithAddr sets the address that [Server.Start] listens on, [DefaultAddr] unless given. Port 0 takes a free one. Of a scenario
// with several hosts it is the first's, and the others take the ports behind it, or free ones.
func WithAddr(addr string) Option { return func(c *config) { c.addr = addr } }

// WithJournal sets what the journal keeps and where. The server fills in what the journal is of: Scenario,
// ScenarioFile, Seed, Emulated and Upstream.
func WithJournal(o journal.Options) Option { return func(c *config) { c.journal = o } }

// WithMaxCalls bounds the calls that the server tells apart, [DefaultMaxCalls] unless given, at least 1. Beyond it the
// call that has been idle longest is forgotten; if it was live the journal says so.
func WithMaxCalls(n int) Option { return func(c *config) { c.maxCalls = n } }

// WithMaxKeys bounds the idempotency keys that the ledger of a run keeps, [DefaultMaxKeys] unless given, at least 1. Beyond
// it an attempt with a further key has no effect: it gets a 500, and the journal says why.
func WithMaxKeys(n int) Option { return func(c *config) { c.maxKeys = n } }

// WithMaxBuckets bounds the buckets that each limit of the scenario keeps, [DefaultMaxBuckets] unless given, at least 1. A bucket
// that is full again gives way to a new one; where none is, the attempt is let through uncounted, and the journal says so.
func WithMaxBuckets(n int) Option { return func(c *config) { c.maxBuckets = n } }

// WithMaxBody sets how many bytes of a request's body are kept for matching, [DefaultMaxBody] unless given. Length and
// hash are always of the whole body; what is kept of it in the journal is [journal.Options.KeepBody].
func WithMaxBody(bytes int) Option { return func(c *config) { c.maxBody = bytes } }

// WithMaxHeader bounds the header block of a request, [DefaultMaxHeader] unless given. A longer one is answered by
// 431 and the end of the connection.
func WithMaxHeader(bytes int) Option { return func(c *config) { c.maxHeader = bytes } }

// WithReadTimeout bounds the time from the first byte of a request to its last, and from the accepting of a connection
// to its first request's last byte. Unless given there is no bound: a client that never finishes sending costs a
// connection and the memory of its request's head and of the part of the body that is kept, and is evidence.
func WithReadTimeout(d time.Duration) Option { return func(c *config) { c.readTimeout = d } }

// AsHandler says that the server will be used as a bare http.Handler. [New] then refuses a scenario with faults that
// strike connections before a request is read, which a handler cannot carry out. Without the option such a scenario
// makes every attempt that comes past the server's own listener fail with a 500 that says so.
func AsHandler() Option { return func(c *config) { c.handlerOnly = true } }

func newConfig(opts []Option) (*config, error) {
	c := &config{
		addr:       DefaultAddr,
		listen:     net.Listen,
		maxCalls:   DefaultMaxCalls,
		maxBuckets: DefaultMaxBuckets,
		maxKeys:    DefaultMaxKeys,
		maxBody:    DefaultMaxBody,
		maxHeader:  DefaultMaxHeader,
		journal:    journal.Options{KeepBody: DefaultJournalBody},
	}
	for _, o := range opts {
		o(c)
	}
	switch {
	case c.maxCalls < 1:
		return nil, fmt.Errorf("WithMaxCalls(%d): at least 1", c.maxCalls)
	case c.maxKeys < 1:
		return nil, fmt.Errorf("WithMaxKeys(%d): at least 1", c.maxKeys)
	case c.maxBuckets < 1:
		return nil, fmt.Errorf("WithMaxBuckets(%d): at least 1", c.maxBuckets)
	case c.maxBody < 0:
		return nil, fmt.Errorf("WithMaxBody(%d): at least 0", c.maxBody)
	case c.maxHeader < 1:
		return nil, fmt.Errorf("WithMaxHeader(%d): at least 1", c.maxHeader)
	case c.readTimeout < 0:
		return nil, fmt.Errorf("WithReadTimeout(%v): at least 0", c.readTimeout)
	}
	return c, nil
}
