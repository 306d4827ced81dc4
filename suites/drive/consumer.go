package drive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"brownout/chaosserver/journal"
)

// DefaultListen is how long a consumer of webhooks has to listen on its port.
const DefaultListen = 30 * time.Second

// Webhooks is how a scenario's deliveries come to a consumer.
type Webhooks struct {
	// Deliver begins to send them to a consumer that listens at a base URL.
	Deliver func(url string) error
	// Settle waits until they are done, and what the consumer does for them as far as anybody can tell.
	Settle func(ctx context.Context) error
	// Env are variables, NAME=VALUE, that tell a consumer what it verifies deliveries with.
	Env []string
}

// Consumer runs the client as a consumer of webhooks: it is given a port, by {port} in its arguments or BROWNOUT_WEBHOOK_PORT
// and BROWNOUT_WEBHOOK_URL in its environment; once it listens there the deliveries begin, and once they are done it is
// ended.
type Consumer struct {
	Process
	// Listen is how long the consumer has to listen on its port; 0 is DefaultListen.
	Listen time.Duration
}

var _ Driver = (*Consumer)(nil)

// errNoWebhooks says that a scenario has nothing to consume.
var errNoWebhooks = errors.New("the scenario has no deliveries, so there is nothing to consume")

// Run implements Driver. Its error says too that the consumer ended before it listened, or never did.
func (c *Consumer) Run(ctx context.Context, site Site, rec Recorder) error {
	if site.Webhooks == nil {
		return errNoWebhooks
	}
	port, err := freePort()
	if err != nil {
		return fmt.Errorf("no free port for the consumer: %w", err)
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &consumerRun{Consumer: c, site: site, port: strconv.Itoa(port), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.client, r.err = r.process(running, rec)
	}()
	err = r.deliver(running)
	end(ErrEnough)
	<-r.done
	return errors.Join(err, r.err)
}

// consumerRun is one run of a consumer.
type consumerRun struct {
	*Consumer
	site Site
	port string

	done   chan struct{} // closed when the process has ended; then the rest is written
	client journal.Client
	err    error // the recorder's
}

// process runs the consumer until it ends, or is ended.
func (r *consumerRun) process(ctx context.Context, rec Recorder) (journal.Client, error) {
	p := r.Process
	p.Env = append([]string{"BROWNOUT_WEBHOOK_PORT=" + r.port, "BROWNOUT_WEBHOOK_URL=http://" + net.JoinHostPort("127.0.0.1", r.port)}, r.site.Webhooks.Env...)
	p.Env = append(p.Env, r.Process.Env...)
	fill := strings.NewReplacer(append([]string{"{port}", r.port}, r.site.placeholders(r.site.URL)...)...) // the first of a name counts
	return p.run(ctx, fill, p.Stdin, r.site.URL, r.site, rec, 0)
}

// deliver waits until the consumer listens, and then until its deliveries are done. What the end of ctx cuts short is no
// error.
func (r *consumerRun) deliver(ctx context.Context) error {
	host, err := r.await(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := r.site.Webhooks.Deliver("http://" + net.JoinHostPort(host, r.port)); err != nil {
		return err
	}
	if err := r.site.Webhooks.Settle(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// listenPoll is how often a port is tried that nothing listens on yet.
const listenPoll = 10 * time.Millisecond

// await waits until something listens on the port, and returns the address.
func (r *consumerRun) await(ctx context.Context) (host string, err error) {
	within := r.Listen
	if within <= 0 {
		within = DefaultListen
	}
	limit := time.NewTimer(within)
	defer limit.Stop()
	poll := time.NewTicker(listenPoll)
	defer poll.Stop()
	for {
		for _, host := range []string{"127.0.0.1", "::1"} {
			if listens(net.JoinHostPort(host, r.port)) {
				return host, nil
			}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return "", nil
		case <-r.done:
			if ctx.Err() != nil {
				return "", nil
			}
			return "", fmt.Errorf("the consumer ended%s before it listened on port %s; it finds the port by {port} in its arguments, or in BROWNOUT_WEBHOOK_PORT",
				how(&r.client), r.port)
		case <-limit.C:
			return "", fmt.Errorf("the consumer did not listen on port %s within %v; it finds the port by {port} in its arguments, or in BROWNOUT_WEBHOOK_PORT",
				r.port, within)
		}
	}
}

// how says how a process ended.
func how(c *journal.Client) string {
	switch {
	case c.StartError != "":
		return " (" + c.StartError + ")"
	case c.Signal != "":
		return " (" + c.Signal + ")"
	}
	return fmt.Sprintf(" (exit %d)", c.Exit)
}

// listens reports whether something listens at a loopback address.
func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close() // it has served
	return true
}

// freePort returns a port of the loopback address on which nothing listens.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Nobody is the driver where no client is run: deliveries go to a consumer that runs already.
type Nobody struct{}

var _ Driver = Nobody{}

// Run implements Driver. It waits until the deliveries are done.
func (Nobody) Run(ctx context.Context, site Site, _ Recorder) error {
	if site.Webhooks == nil {
		return errNoWebhooks
	}
	if err := site.Webhooks.Settle(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
