package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"brownout/chaosserver"
	"brownout/chaosserver/delivery"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// webhooks is how a scenario's deliveries are sent; nil where it has none.
func webhooks(s *scenarios.Scenario, srv *chaosserver.Server, remote bool) (*drive.Webhooks, error) {
	if len(s.Deliveries) == 0 {
		return nil, nil
	}
	env, err := delivery.Told(s)
	if err != nil {
		return nil, err
	}
	return &drive.Webhooks{
		Deliver: func(url string) error { return srv.Deliver(delivery.Consumer{URL: url, Remote: remote}) },
		Settle:  func(ctx context.Context) error { return srv.Settle(ctx, settle(s)) },
		Env:     env,
	}, nil
}

// Upstream is what a consumer of webhooks under test is told.
type Upstream struct {
	// URL is the base URL of the chaos server, to which the consumer's effects go, and Client reaches it.
	URL    string
	Client *http.Client

	env map[string]string
}

// Secret is what a consumer verifies the deliveries of a sender with; "" where nothing is signed. It is what a command is told
// in BROWNOUT_WEBHOOK_SECRET_STRIPE and so on; see [delivery.Told].
func (u *Upstream) Secret(sender string) string {
	return u.env["BROWNOUT_WEBHOOK_SECRET_"+strings.ToUpper(sender)]
}

// consumerURL is where a consumer in memory is; the name is reserved (RFC 6761, section 6.2).
const consumerURL = "http://consumer.test"

// InMemoryConsumer runs a scenario's deliveries against a consumer of this process, over connections in memory, and judges
// it. In a bubble of virtual time (testing/synctest) it takes none, however long the scenario waits. The scenario's drive is
// not played.
//
// newConsumer makes the consumer, which may be nothing but a handler: what it does for an event is a call to up.
// A consumer that works behind its answers has to end by itself. The error says that the trial could not be run; that a
// consumer misbehaved is in the verdict.
func InMemoryConsumer(ctx context.Context, s *scenarios.Scenario, newConsumer func(up *Upstream) http.Handler) (verdict.Verdict, *journal.Log, error) {
	srv, err := chaosserver.New(s)
	if err != nil {
		return verdict.Verdict{}, nil, fmt.Errorf("the chaos server could not be made: %w", err)
	}
	if err := srv.StartMemory(); err != nil {
		return verdict.Verdict{}, nil, fmt.Errorf("the chaos server could not be started: %w", err)
	}
	began := time.Now()
	err = consume(ctx, s, srv, newConsumer)
	elapsed := time.Since(began)
	if closing := srv.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("the chaos server could not be closed: %w", closing))
	}
	log := srv.Journal().Log()
	if err == nil && len(log.Dropped) > 0 {
		err = fmt.Errorf("%w: %d records dropped", ErrDropped, log.Dropped[0].Count)
	}
	if err != nil {
		return verdict.Verdict{}, nil, err
	}
	v := verdict.Judge(s, log)
	v.Elapsed = elapsed
	return v, log, nil
}

// handlerTime is how long a consumer's handlers have to return once all deliveries are done.
const handlerTime = 10 * time.Minute

// consume lets a consumer listen in memory until the deliveries are done.
func consume(ctx context.Context, s *scenarios.Scenario, srv *chaosserver.Server, newConsumer func(up *Upstream) http.Handler) error {
	told, err := delivery.Told(s)
	if err != nil {
		return err
	}
	up := &Upstream{URL: srv.URL(), Client: srv.Client(), env: make(map[string]string)}
	for _, v := range told {
		name, value, _ := strings.Cut(v, "=")
		up.env[name] = value
	}
	l, dial := chaosserver.ListenMemory()
	consumer := &http.Server{Handler: newConsumer(up), ErrorLog: log.New(io.Discard, "", 0)} // what fails there shows in its answers
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = consumer.Serve(l) // http.ErrServerClosed, once it is closed
	}()
	defer func() {
		ending, cancel := context.WithTimeout(ctx, handlerTime)
		defer cancel()
		if consumer.Shutdown(ending) != nil { // a handler is still at work
			_ = consumer.Close() // of memory, which never fails
		}
		<-served
	}()
	if err := srv.Deliver(delivery.Consumer{URL: consumerURL, Dial: dial}); err != nil {
		return err
	}
	return srv.Settle(ctx, settle(s))
}
