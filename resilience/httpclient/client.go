// Package httpclient is an http.RoundTripper that composes the policies of package resilience for HTTP.
package httpclient

import (
	"fmt"
	"net/http"

	"brownout/resilience"
)

// Option changes how a [Transport] is made. The order of options does not matter; of two that set the same, the later counts.
type Option func(*config)

type config struct {
	retry      resilience.RetrySettings
	keys       KeySettings
	addKeys    bool
	bodyBuffer int64
}

// WithRetry sets how attempts are repeated; without it the zero [resilience.RetrySettings] are used. A MaxAttempts of 1
// switches retries off.
func WithRetry(s resilience.RetrySettings) Option {
	return func(c *config) { c.retry = s }
}

// WithIdempotencyKeys adds an idempotency key to every request whose method is not idempotent, such as POST and PATCH,
// and so makes them repeatable. Without it such requests are repeated only if the caller set the header or used
// [ContextWithKey], or if no connection was made. Use it where the server honours the key: elsewhere a repeated POST
// takes effect twice.
func WithIdempotencyKeys(s KeySettings) Option {
	return func(c *config) { c.keys, c.addKeys = s, true }
}

// WithBodyBuffer sets how many bytes of a request's body are kept for another attempt when it has no GetBody;
// 0 = [DefaultBodyBuffer], negative = none. A longer body is sent as a stream and not retried; [Reason] and the error say so.
func WithBodyBuffer(bytes int64) Option {
	return func(c *config) { c.bodyBuffer = bytes }
}

// New returns a Transport around base; nil = [http.DefaultTransport]. The error names the setting that cannot be accepted.
func New(base http.RoundTripper, options ...Option) (*Transport, error) {
	c := config{}
	for _, o := range options {
		o(&c)
	}
	if c.bodyBuffer == 0 {
		c.bodyBuffer = DefaultBodyBuffer
	}
	if base == nil {
		base = http.DefaultTransport
	}
	retry, err := resilience.NewRetry(c.retry)
	if err != nil {
		return nil, fmt.Errorf("httpclient: %w", err)
	}
	return &Transport{
		base:       base,
		retry:      retry,
		keys:       newKeys(c.keys, c.addKeys),
		bodyBuffer: c.bodyBuffer,
	}, nil
}
