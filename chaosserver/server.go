package chaosserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/proxy"
	"brownout/chaosserver/quota"
	"brownout/scenarios"
)

// Server is a fake upstream that plays one scenario. Its methods may be called from several goroutines.
type Server struct {
	scenario   *scenarios.Scenario
	config     *config
	router     *router
	answers    answers
	wires      map[*scenarios.WireFault]*wire
	limits     []*quota.Dialect // of each limit
	committing []*committing    // by route; nil where it has no effects
	contents   bool             // what answers hold is recorded, for a check asks for results
	ahead      bool             // attempts are decided about before their bodies are read
	key        string           // name of the header that carries the idempotency key
	redact     redactor
	buffers    sync.Pool       // of *[]byte: bodies pass through them
	bare       sync.Pool       // of *exchange: attempts that come past our own listener
	upstream   *proxy.Upstream // nil: none
	looks      bool            // what happens to an attempt may depend on its body
	copies     pending         // copies of requests that are at the upstream

	run      atomic.Pointer[run]
	turnover sync.Mutex // held while a connection joins a run or ends in it, and while one run follows another
	connIDs  atomic.Uint64
	dialled  atomic.Int64    // connections in memory so far, which number their addresses
	ctx      context.Context // ends when the server is closed
	cancel   context.CancelFunc
	work     sync.WaitGroup // every goroutine of the server
	clock    *fault.Clock   // of delays; nil in memory, for a bare handler, and where the system has none
	turning  sync.Mutex     // held while ports are closed and opened
	broken   chan struct{}  // closed with err
	delivers bool           // the scenario has deliveries
	webhooks webhooks

	mu        sync.Mutex // guards what follows
	conns     map[*conn]struct{}
	http      *http.Server
	ports     []*port     // nil before a start; not changed behind it
	memory    bool        // they are in memory
	authority *authority  // nil without TLS
	secured   *tls.Config // of connections; nil without TLS
	client    *http.Client
	err       error // why the server cannot go on
	shut      bool
}

var _ http.Handler = (*Server)(nil)

// wire is a wire fault made ready.
type wire struct {
	*scenarios.WireFault
	strike fault.Striker // nil for a drip
	text   string        // for the journal
}

// answers are the scenario's answers made ready.
type answers struct {
	routes [][]*fault.Answer // by route and entry
	faults []*fault.Answer   // by fault
	limits []*fault.Answer   // by limit: its refusal
	plain  *fault.Answer     // where the scenario has no routes
}

// New makes a server of a scenario, which must not change afterwards. The error names an option that is out of its
// range, a path that cannot be matched, or a fault that cannot be carried out.
//
// A server made by New answers as an http.Handler at once. [Server.Start] and [Server.StartMemory] give it a listener
// of its own.
func New(s *scenarios.Scenario, opts ...Option) (*Server, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("chaosserver: %w", err)
	}
	rt, err := newRouter(s.Routes)
	if err != nil {
		return nil, fmt.Errorf("chaosserver: %w", err)
	}
	srv := &Server{scenario: s, config: c, router: rt, ahead: s.Ahead(), delivers: len(s.Deliveries) > 0, conns: make(map[*conn]struct{}), broken: make(chan struct{})}
	srv.contents = slices.ContainsFunc(s.Expect, func(e scenarios.Expectation) bool {
		_, asks := e.Params.(*scenarios.RightResult)
		return asks
	})
	srv.redact = newRedactor(c.journal.SecretHeaders)
	if err := srv.prepare(); err != nil {
		return nil, fmt.Errorf("chaosserver: %w", err)
	}
	if err := srv.connect(); err != nil {
		return nil, fmt.Errorf("chaosserver: %w", err)
	}
	srv.buffers.New = func() any { b := make([]byte, bodyBuffer); return &b }
	srv.bare.New = func() any { return newExchange(srv) }
	srv.ctx, srv.cancel = context.WithCancel(context.Background())
	if c.journal.File == "" || c.handlerOnly { // else it is made at the start, which knows whether it is of memory
		if err := srv.begin(false); err != nil {
			return nil, err
		}
	}
	return srv, nil
}

// prepare makes answers and wire faults ready.
func (s *Server) prepare() error {
	s.wires = make(map[*scenarios.WireFault]*wire)
	s.answers.plain = fault.Prepare(&scenarios.Answer{})
	for i := range s.scenario.Routes {
		entries := s.scenario.Routes[i].Answers
		ready := make([]*fault.Answer, len(entries))
		for j := range entries {
			if err := s.prepareWire(entries[j].Wire); err != nil {
				return fmt.Errorf("routes[%d].answers[%d]: %w", i, j, err)
			}
			ready[j] = fault.Prepare(&entries[j])
		}
		s.answers.routes = append(s.answers.routes, ready)
		s.committing = append(s.committing, newCommitting(s.scenario, &s.scenario.Routes[i]))
	}
	for i := range s.scenario.Faults {
		f := &s.scenario.Faults[i]
		if err := s.prepareWire(f.Answer.Wire); err != nil {
			return fmt.Errorf("faults[%d]: %w", i, err)
		}
		if s.config.handlerOnly && f.OnConnection() {
			return fmt.Errorf("faults[%d]: %s", i, needsListener)
		}
		s.answers.faults = append(s.answers.faults, fault.Prepare(&f.Answer))
	}
	for i := range s.scenario.Limits {
		m := &s.scenario.Limits[i]
		if err := s.prepareWire(m.Answer.Wire); err != nil {
			return fmt.Errorf("limits[%d].answer: %w", i, err)
		}
		s.limits = append(s.limits, quota.Named(s.scenario.DialectOf(m.Dialect)))
		refusal := s.limits[i].Refusal(m, s.scenario.Refusal(m))
		s.answers.limits = append(s.answers.limits, fault.Prepare(&refusal))
	}
	if s.config.handlerOnly && len(s.scenario.Server.Hosts) > 1 {
		return errors.New("server.hosts: " + manyHosts)
	}
	s.key = "Idempotency-Key"
	if k := s.scenario.Profile.KeyHeader; k != "" {
		s.key = k
	}
	return nil
}

// needsListener says why a fault cannot be carried out.
const needsListener = "it strikes before a request is read, which takes a listener of the server's own: use Start or StartMemory"

// manyHosts says why a bare handler cannot be several hosts.
const manyHosts = "each host has a port of its own, which takes listeners of the server's own: use Start or StartMemory"

func (s *Server) prepareWire(w *scenarios.WireFault) error {
	if w == nil {
		return nil
	}
	strike, err := fault.ForWire(w)
	if err != nil {
		return err
	}
	s.wires[w] = &wire{w, strike, w.String()}
	return nil
}

// Start puts the server on its address; see [WithAddr]. The error says why the address could
// not be had, or the journal's file not be made.
func (s *Server) Start() error {
	if err := s.start(false); err != nil {
		return err
	}
	s.goroutine(func() { s.watchLateness(s.ctx) })
	return nil
}

// StartMemory puts the server on a listener in memory, which [Server.Client] and [Server.DialContext] reach and nothing
// else. It works inside a testing/synctest bubble, if the server was made there. RST and FIN are emulated, and the
// journal says so.
func (s *Server) StartMemory() error { return s.start(true) }

func (s *Server) start(memory bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.shut:
		return errors.New("chaosserver: the server is closed; make another with New")
	case s.ports != nil:
		return errors.New("chaosserver: the server has been started")
	}
	ports, err := s.newPorts(memory)
	if err != nil {
		return fmt.Errorf("chaosserver: %w", err)
	}
	if err := s.ready(memory); err != nil {
		release(ports)
		return err
	}
	s.ports, s.memory = ports, memory
	s.http = s.newHTTPServer()
	if !memory {
		s.startClock()
	}
	for _, p := range ports {
		p.serve()
	}
	if r := s.run.Load(); r.plan.ClosesPorts() {
		s.keepClosing(r)
	}
	return nil
}

// startClock makes delays exact. It requires mu, and comes before the first connection.
func (s *Server) startClock() {
	if s.clock = fault.NewClock(); s.clock != nil {
		s.goroutine(s.clock.Run)
	}
}

// ready makes what a started server needs besides its ports. It requires mu.
func (s *Server) ready(memory bool) error {
	if s.scenario.Server.TLS {
		a, err := newAuthority(s.certifiedNames())
		if err != nil {
			return fmt.Errorf("chaosserver: %w", err)
		}
		s.authority, s.secured = a, a.serving()
	}
	if memory || s.run.Load() == nil {
		if err := s.begin(memory); err != nil {
			return err
		}
	}
	transport := &http.Transport{DialContext: s.DialContext, MaxIdleConnsPerHost: 1 << 10}
	if s.authority != nil {
		transport.TLSClientConfig = s.authority.trusting()
	}
	s.client = &http.Client{Transport: transport}
	return nil
}

// keepClosing lets ports be closed and opened as time goes on. Where one is closed from the beginning on, no client can
// begin the run's time, and it begins now.
func (s *Server) keepClosing(r *run) {
	if slices.ContainsFunc(s.ports, func(p *port) bool { return p.listener() == nil }) {
		_, _ = s.turnPorts(r) // what is closed is told, and nothing has to be had again
	}
	s.goroutine(s.keepPorts)
}

// begin makes the first run.
func (s *Server) begin(emulated bool) error {
	r, err := s.newRun(emulated)
	if err != nil {
		return fmt.Errorf("chaosserver: %w", err)
	}
	s.run.Store(r)
	return nil
}

func (s *Server) newHTTPServer() *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:                      s,
		DisableGeneralOptionsHandler: true,
		MaxHeaderBytes:               s.config.maxHeader,
		ReadHeaderTimeout:            s.config.readTimeout,
		ReadTimeout:                  s.config.readTimeout,
		IdleTimeout:                  -1, // else the read timeout would end connections that are at rest
		Protocols:                    &protocols,
		BaseContext:                  func(net.Listener) context.Context { return s.ctx },
		ConnContext:                  withConn,
		ConnState:                    s.connState,
		ErrorLog:                     log.New(io.Discard, "", 0), // what it would say is in the journal
	}
}

// connState follows net/http's view of a connection.
func (s *Server) connState(nc net.Conn, state http.ConnState) {
	c := nc.(*conn)
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateIdle:
		c.idle()
	case http.StateClosed:
		c.forgetIdling()
		s.letGo(c)
		s.work.Done()
	}
}

// goroutine runs f in a goroutine that Close waits for.
func (s *Server) goroutine(f func()) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		f()
	}()
}

// keep adds a connection to those that Close and CloseClientConnections end. It reports false once the server is
// closed.
func (s *Server) keep(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) letGo(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// connEnded records how a connection ended, and why its TLS failed.
func (s *Server) connEnded(c *conn, how journal.Closer, failure string) {
	s.turnover.Lock()
	defer s.turnover.Unlock()
	r := s.run.Load()
	c.endedIn = r
	r.close(journal.CloseRecord{ID: c.id, Closed: how, Close: r.at(time.Now()), Failure: failure})
}

// runOfEnd is the run that an attempt belongs to whose connection has ended: a later one has no such connection.
func (s *Server) runOfEnd(c *conn) *run {
	s.turnover.Lock()
	defer s.turnover.Unlock()
	if c.endedIn != nil {
		return c.endedIn
	}
	return s.run.Load()
}

// URL is the base URL of the server's first host, such as http://127.0.0.1:8080, or http://brownout.test in memory; "" before
// a start.
func (s *Server) URL() string { return s.HostURL("") }

// CallURL is the base URL of the first host that names the k-th call, 1-based: requests below it are attempts of that call.
func (s *Server) CallURL(k int) string { return s.HostCallURL("", k) }

// Client is a client whose connections reach the server wherever it listens, and which trusts it; nil before a start. It
// neither retries nor uses a proxy. Close ends its idle connections.
func (s *Server) Client() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// DialContext connects to the server where it listens in memory, whatever the address, or with several hosts to the one
// that the address names; else to the address.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if s.inMemory() {
		return s.dialMemory(ctx, addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Journal is the journal of the current run. [Server.StartMemory] and [Server.Reset] begin another. It is nil before
// the start of a server whose journal has a file, unless that was made [AsHandler].
func (s *Server) Journal() *journal.Journal {
	if r := s.run.Load(); r != nil {
		return r.journal
	}
	return nil
}

// The errors of a server that is not in the state that a method needs.
var (
	errNotStarted = errors.New("chaosserver: the journal has a file, and the server is not started; use Start, or AsHandler")
	errClosed     = errors.New("chaosserver: the server was closed before the journal showed what was awaited")
)

// Await waits until cond holds for the record, and returns nil. It asks after every event that the server records, and
// goes on with the new record behind a [Server.Reset]. Its error wraps that of ctx, should that end first, or says that
// the server was closed.
func (s *Server) Await(ctx context.Context, cond func(*journal.Log) bool) error {
	for {
		r := s.run.Load()
		if r == nil {
			return errNotStarted
		}
		holds, err := s.awaitEvent(ctx, r, cond)
		if holds || err != nil {
			return err
		}
	}
}

// awaitEvent returns once cond holds, or after the run's next event.
func (s *Server) awaitEvent(ctx context.Context, r *run, cond func(*journal.Log) bool) (bool, error) {
	changed, stop := r.watch()
	defer stop()
	closed := s.ctx.Err() != nil
	if cond(r.journal.Log()) {
		return true, nil
	}
	if closed {
		return false, errClosed
	}
	select {
	case <-changed:
	case <-s.ctx.Done():
	case <-ctx.Done():
		return false, fmt.Errorf("chaosserver: the journal does not show what is awaited: %w", ctx.Err())
	}
	return false, nil
}
