package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Consumer is where deliveries go.
type Consumer struct {
	// URL is the consumer's base URL, http or https: what an entry of deliveries says under to is put behind its path. Required.
	URL string
	// Remote allows a host that is not this machine.
	Remote bool
	// Dial makes connections; nil dials TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// target is a consumer's address, looked through.
type target struct {
	base   string // scheme, host and path, without a slash at the end
	path   string // of the base
	host   string // for the Host field
	addr   string // host and port to dial
	secure *tls.Config
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Check says what is wrong with the address; nil where nothing is.
func (c *Consumer) Check() error {
	_, err := c.look()
	return err
}

// errRemote says that deliveries do not leave the machine unasked.
var errRemote = errors.New("deliveries go to this machine alone unless that is allowed")

// look looks through the consumer's address.
func (c *Consumer) look() (*target, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the consumer's URL %q cannot be read: %w", c.URL, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("the consumer's URL is http://HOST:PORT, got %q", c.URL)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("the consumer's URL has neither query nor fragment nor user, got %q", u.Redacted())
	case !c.Remote && c.Dial == nil && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("%w: %s is not a loopback address", errRemote, u.Hostname())
	}
	t := &target{host: u.Host, path: strings.TrimSuffix(u.EscapedPath(), "/"), dial: c.Dial}
	t.base = u.Scheme + "://" + u.Host + t.path
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "https" {
		t.secure = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
	}
	if t.dial == nil {
		t.dial = new(net.Dialer).DialContext
	}
	return t, nil
}

// IsRemote reports whether an error says that a consumer is not on this machine, and that this was not allowed.
func IsRemote(err error) bool { return errors.Is(err, errRemote) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// connect makes a connection, with TLS where the consumer has it.
func (t *target) connect(ctx context.Context) (net.Conn, error) {
	c, err := t.dial(ctx, "tcp", t.addr)
	if err != nil || t.secure == nil {
		return c, err
	}
	secured := tls.Client(c, t.secure)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake failed; err says why
		return nil, err
	}
	return secured, nil
}
