package chaosserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
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
	turnover sync.Mutex // held while a connection joins a run, and while one run follows another
	connIDs  atomic.Uint64
	ctx      context.Context // ends when the server is closed
	cancel   context.CancelFunc
	work     sync.WaitGroup // every goroutine of the server

	mu       sync.Mutex // guards what follows
	conns    map[*conn]struct{}
	http     *http.Server
	listener net.Listener
	memory   *memListener // nil on a port
	client   *http.Client
	url      string
	shut     bool
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
	srv := &Server{scenario: s, config: c, router: rt, ahead: s.Ahead(), conns: make(map[*conn]struct{})}
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
	s.key = "Idempotency-Key"
	if k := s.scenario.Profile.KeyHeader; k != "" {
		s.key = k
	}
	return nil
}

// needsListener says why a fault cannot be carried out.
const needsListener = "it strikes before a request is read, which takes a listener of the server's own: use Start or StartMemory"

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
	l, err := net.Listen("tcp", s.config.addr)
	if err != nil {
		return fmt.Errorf("chaosserver: %w", err)
	}
	if err := s.start(l, nil); err != nil {
		_ = l.Close()
		return err
	}
	s.goroutine(func() { s.watchLateness(s.ctx) })
	return nil
}

// StartMemory puts the server on a listener in memory, which [Server.Client] and [Server.DialContext] reach and nothing
// else. It works inside a testing/synctest bubble, if the server was made there. RST and FIN are emulated, and the
// journal says so.
func (s *Server) StartMemory() error {
	l := newMemListener()
	return s.start(l, l)
}

func (s *Server) start(l net.Listener, memory *memListener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.shut:
		return errors.New("chaosserver: the server is closed; make another with New")
	case s.listener != nil:
		return errors.New("chaosserver: the server has been started")
	}
	if memory != nil || s.run.Load() == nil {
		if err := s.begin(memory != nil); err != nil {
			return err
		}
	}
	s.listener, s.memory = l, memory
	s.url = "http://" + l.Addr().String()
	if memory != nil {
		s.url = "http://" + memHost
	}
	s.client = &http.Client{Transport: &http.Transport{DialContext: s.DialContext, MaxIdleConnsPerHost: 1 << 10}}
	s.http = s.newHTTPServer()
	srv := s.http
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		_ = srv.Serve(listener{l, s}) // http.ErrServerClosed, once Close has been called
	}()
	return nil
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

// connEnded records how a connection ended.
func (s *Server) connEnded(c *conn, how journal.Closer) {
	r := s.run.Load()
	r.close(journal.CloseRecord{ID: c.id, Closed: how, Close: r.at(time.Now())})
}

// URL is the server's base URL, such as http://127.0.0.1:8080, or http://brownout.test in memory; "" before a start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// CallURL is the base URL that names the k-th call, 1-based: requests below it are attempts of that call.
func (s *Server) CallURL(k int) string { return s.URL() + prefix + strconv.Itoa(k) }

// Client is a client whose connections reach the server wherever it listens; nil before a start. It neither retries
// nor uses a proxy. Close ends its idle connections.
func (s *Server) Client() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

// DialContext connects to the server where it listens in memory, whatever the address; else to the address.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	memory := s.memory
	s.mu.Unlock()
	if memory != nil {
		return memory.dial(ctx)
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
