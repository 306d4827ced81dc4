package proxy

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Defaults of [Options].
const (
	DefaultDialTimeout = 10 * time.Second
	DefaultMaxHeader   = 1 << 20 // bytes
)

// Options say where an upstream is and how it is reached.
type Options struct {
	// URL is the upstream's base URL, of http or https, such as https://api.example.com/v1. Its path goes before that of
	// every request. Required.
	URL string
	// Roots are the certificate authorities by which an upstream of https is verified; nil: those of the system.
	Roots *x509.CertPool
	// DialContext connects to the upstream; nil: over TCP.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// DialTimeout bounds how long it takes to connect, with the handshake of TLS; 0: [DefaultDialTimeout].
	DialTimeout time.Duration
	// AnswerTimeout bounds the wait for the header block of an answer, from the end of the request's header block; 0: the
	// upstream may take as long as it likes, as it may without a proxy.
	AnswerTimeout time.Duration
	// MaxHeader bounds the header block of an answer, and the trailer section, in bytes; 0: [DefaultMaxHeader].
	MaxHeader int
}

// Upstream is a server that requests are forwarded to. Its methods may be called from several goroutines.
type Upstream struct {
	options Options
	scheme  string
	host    string // as the Host field has it
	address string // to connect to
	base    string // path that goes before that of every request; "" for none
	name    string // of this proxy, in Via
	tls     *tls.Config

	mu   sync.Mutex // guards what follows
	idle []*Conn    // the one that was used last at the end
	shut bool
}

// Check says what is wrong with the options; nil where nothing is.
func (o *Options) Check() error {
	_, err := o.at()
	return err
}

// at returns the upstream's URL, or what is wrong with the options.
func (o *Options) at() (*url.URL, error) {
	at, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the upstream's URL: %w", err)
	}
	if why := unusable(at); why != "" {
		return nil, fmt.Errorf("the upstream's URL %q %s; write one such as http://127.0.0.1:8080 or https://api.example.com/v1", at.Redacted(), why)
	}
	switch {
	case o.DialTimeout < 0:
		return nil, fmt.Errorf("DialTimeout is %v; at least 0", o.DialTimeout)
	case o.AnswerTimeout < 0:
		return nil, fmt.Errorf("AnswerTimeout is %v; at least 0", o.AnswerTimeout)
	case o.MaxHeader < 0:
		return nil, fmt.Errorf("MaxHeader is %d; at least 0", o.MaxHeader)
	}
	return at, nil
}

// New returns the upstream that the options name. The error is that of [Options.Check].
func New(o Options) (*Upstream, error) {
	at, err := o.at()
	if err != nil {
		return nil, err
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = DefaultDialTimeout
	}
	if o.MaxHeader == 0 {
		o.MaxHeader = DefaultMaxHeader
	}
	if o.DialContext == nil {
		o.DialContext = new(net.Dialer).DialContext
	}
	u := &Upstream{options: o, scheme: at.Scheme, host: at.Host, address: address(at), name: newName()}
	u.base = strings.TrimRight(at.EscapedPath(), "/")
	if at.Scheme == "https" {
		u.tls = &tls.Config{ServerName: at.Hostname(), RootCAs: o.Roots, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	return u, nil
}

// unusable says why a URL is none of an upstream; "" where it is one.
func unusable(at *url.URL) string {
	switch {
	case at.Scheme != "http" && at.Scheme != "https":
		return "is neither of http nor of https"
	case at.Hostname() == "":
		return "names no host"
	case at.User != nil:
		return "has user information, which is not sent"
	case at.RawQuery != "" || at.ForceQuery || at.Fragment != "":
		return "has a query or a fragment"
	case strings.Contains(at.Path, "/../") || strings.HasSuffix(at.Path, "/.."):
		return "has .. in its path"
	}
	return ""
}

// address is where a URL's server listens.
func address(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = defaultPort(at.Scheme)
	}
	return net.JoinHostPort(at.Hostname(), port)
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// newName returns a name that no other proxy has: a request that carries it in Via has been here before.
func newName() string {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	return "brownout-" + hex.EncodeToString(salt[:])
}

// String returns the upstream's base URL.
func (u *Upstream) String() string { return u.scheme + "://" + u.host + u.base }

// Name is the proxy's name in Via. A request that comes with it has been forwarded by this very proxy before.
func (u *Upstream) Name() string { return u.name }

// Looped reports whether a request with these values of Via has been forwarded to the upstream before: the upstream
// leads back to the proxy.
func (u *Upstream) Looped(via []string) bool {
	for _, v := range via {
		if strings.Contains(v, u.name) {
			return true
		}
	}
	return false
}

// dial connects to the upstream. The error wraps that of ctx, should that end first.
func (u *Upstream) dial(ctx context.Context) (*Conn, error) {
	limited, cancel := context.WithTimeout(ctx, u.options.DialTimeout)
	defer cancel()
	nc, err := u.options.DialContext(limited, "tcp", u.address)
	if err != nil {
		return nil, u.dialError(ctx, err)
	}
	raw := nc
	if u.tls != nil {
		secured := tls.Client(nc, u.tls)
		if err := secured.HandshakeContext(limited); err != nil {
			_ = nc.Close()
			return nil, u.dialError(ctx, err)
		}
		nc = secured
	}
	return newConn(u, nc, raw), nil
}

// dialError says why the upstream could not be reached.
func (u *Upstream) dialError(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("it could not be reached within %v: %w", u.options.DialTimeout, err)
	}
	return fmt.Errorf("it could not be reached: %w", err)
}
