package httpclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"brownout/resilience"
)

// Option changes how a [Transport] is made. The order of options does not matter; of two that set the same, the later counts.
type Option func(*config)

type config struct {
	retry       resilience.RetrySettings
	keys        KeySettings
	addKeys     bool
	bodyBuffer  int64
	timeout     time.Duration
	answers     int64
	breaker     *resilience.BreakerSettings
	bulkhead    *resilience.BulkheadSettings
	limiter     *resilience.LimiterSettings
	budget      *resilience.BudgetSettings
	hedge       *resilience.HedgeSettings
	quotas      []QuotaReader
	route       func(*http.Request) string
	routeQuotas []QuotaReader
	retryable   func(status int) bool
	noPause     bool
	scope       func(*http.Request) string
	maxHosts    int
	header      string
	observer    resilience.Observer
}

// WithRetry sets how attempts are repeated; without it the zero [resilience.RetrySettings] are used. A MaxAttempts of 1
// switches retries off. RetryIf sees the transport's errors and, for an answer that is worth another attempt by its status,
// a [*StatusError]. An AttemptTimeout is taken as by [WithAttemptTimeout]; RetryResult is of no use here.
func WithRetry(s resilience.RetrySettings) Option {
	return func(c *config) { c.retry = s }
}

// WithRetryableStatus sets which statuses are worth another attempt of a request that may be repeated; nil or without it
// [RetryableStatus]. What the server says with X-Should-Retry outweighs it, and 409 and 413 are looked at apart.
func WithRetryableStatus(retryable func(status int) bool) Option {
	return func(c *config) { c.retryable = retryable }
}

// WithBudget bounds the retries to each host by a budget of its own, in place of one in [WithRetry] that all hosts share.
func WithBudget(s resilience.BudgetSettings) Option {
	return func(c *config) { c.budget = &s }
}

// WithBreaker puts a circuit breaker for each host around every attempt. A failure is an error of the transport that is not
// the caller's cancellation, and a status of 500 or above that is worth another attempt: never one of the 4xx, nor 429, which
// says that the server works. Classify, if it is set, decides instead, about errors of the transport and about every answer of 400 and
// above, as a [*StatusError]. An attempt that is refused is not made, and not retried: the call fails with a
// [*resilience.OpenError].
func WithBreaker(s resilience.BreakerSettings) Option {
	return func(c *config) { c.breaker = &s }
}

// WithBulkhead bounds how many attempts run at a time for each host. An attempt runs until its answer's body was read or
// closed. One that is refused is not made, and not retried: the call fails with a [*resilience.BulkheadError].
//
// Let the transport keep as many idle connections to a host (MaxIdleConnsPerHost of [http.Transport]): it keeps two where nothing
// is said, closes the others when attempts end together, and opens them anew.
func WithBulkhead(s resilience.BulkheadSettings) Option {
	return func(c *config) { c.bulkhead = &s }
}

// WithLimiter bounds how often each host is called: every attempt waits for a token. What cannot have one before the
// deadline fails at once with a [*resilience.LimitError].
func WithLimiter(s resilience.LimiterSettings) Option {
	return func(c *config) { c.limiter = &s }
}

// WithHedge sends a request once more while its answer is late, and takes the answer that comes first; see [resilience.Hedge].
// The delay is Delay, or by Quantile what the host's answers took lately; it counts from when the attempt was admitted by
// breaker, bulkhead and limiter. Only requests are hedged that are idempotent by their method or carry an idempotency key, which
// all copies share, and whose body is at hand again through GetBody; no request for an Upgrade.
//
// Copies stand back: one that breaker, bulkhead, limiter or a pause of the host do not let through at once is not sent, and what
// becomes of a copy never makes the call fail. An answer that would be retried does not win. The loser is cancelled, and its body closed.
//
// Without a Budget each host has one of [HedgeBudget]. One that is given is shared by all hosts. Discard is not used.
func WithHedge(s resilience.HedgeSettings) Option {
	return func(c *config) { c.hedge = &s }
}

// HedgeBudget is the budget of the copies to a host where [WithHedge] is given none: a tenth of the calls, and ten more at the start.
func HedgeBudget() resilience.BudgetSettings {
	return resilience.BudgetSettings{Tokens: 10, PerCall: 0.1}
}

// WithAttemptTimeout bounds every attempt, with the body of its answer; 0 = no bound, and the caller's context or the
// base must end a server that stalls. An attempt that ran out of time is retried like any other failure of the transport;
// once the answer has begun, reading its body fails with a [*resilience.TimeoutError].
func WithAttemptTimeout(d time.Duration) Option {
	return func(c *config) { c.timeout = d }
}

// WithQuota reads the quota headers of every answer. When one says that a quota is exhausted, the host is left alone until
// it is restored, and a 403 or 429 that comes with it is retried after that. So is a 403 with a Retry-After alone, as of GitHub's
// secondary limits; without either it is final. Retry-After takes precedence.
func WithQuota(readers ...QuotaReader) Option {
	return func(c *config) { c.quotas = readers }
}

// WithRouteQuota is [WithQuota] for services that count by route, such as Discord with [DiscordBucket]: an exhausted quota holds back
// requests of the same route alone, and so does the Retry-After that comes with it. route names what a request's quota belongs
// to, within its host; nil means the method and the path. Put readers of quotas that all routes share into WithQuota.
func WithRouteQuota(route func(*http.Request) string, readers ...QuotaReader) Option {
	return func(c *config) { c.route, c.routeQuotas = route, readers }
}

// WithoutHostPause makes Retry-After hold back the one call that was told it, and no other call to the host.
func WithoutHostPause() Option {
	return func(c *config) { c.noPause = true }
}

// WithScope names what breakers, limiters, budgets and pauses belong to; nil or without it the host and port of the URL.
// Use it where a server counts quotas by account or by route. At most max scopes are remembered;
// 0 = [resilience.DefaultGroupMax]. Those not used for [resilience.DefaultGroupIdleFor] may be forgotten, unless they are held back or have a
// breaker that is not closed.
func WithScope(of func(*http.Request) string, max int) Option {
	return func(c *config) { c.scope, c.maxHosts = of, max }
}

// WithAttemptHeader adds a header of this name to every attempt after the first, with "attempt=2; max=3", so that servers
// and other layers see that somebody retries already.
func WithAttemptHeader(name string) Option {
	return func(c *config) { c.header = name }
}

// WithObserver tells o of the decisions of all policies; their own Observers are told too. Event.Key is the host.
func WithObserver(o resilience.Observer) Option {
	return func(c *config) { c.observer = o }
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

// WithAnswerBuffer reads every answer to its end before it is returned, up to so many bytes, so that one that breaks off is
// a failed attempt, and repeated like any other. A longer answer is handed on as it arrives. 0 = off: the caller meets the
// error when it reads the body. Not for answers that are streams, such as text/event-stream: it would wait for their end.
func WithAnswerBuffer(bytes int64) Option {
	return func(c *config) { c.answers = bytes }
}

// New returns a Transport around base; nil = [http.DefaultTransport]. The error names the setting that cannot be accepted.
func New(base http.RoundTripper, options ...Option) (*Transport, error) {
	c := config{}
	for _, o := range options {
		o(&c)
	}
	if base == nil {
		base = http.DefaultTransport
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("httpclient: %w", err)
	}
	retry, err := resilience.NewRetry(c.retry)
	if err != nil {
		return nil, fmt.Errorf("httpclient: %w", err)
	}
	t := &Transport{
		base:        base,
		retry:       retry,
		keys:        newKeys(c.keys, c.addKeys),
		bodyBuffer:  c.bodyBuffer,
		answers:     c.answers,
		quotas:      c.quotas,
		route:       c.route,
		routeQuotas: c.routeQuotas,
		retryable:   c.retryable,
		pauses:      !c.noPause,
		maxPause:    c.retry.MaxPushback,
		watched:     c.retry.MaxElapsed > 0,
		bare:        c.breaker == nil && c.bulkhead == nil && c.limiter == nil && c.timeout == 0 && c.answers == 0 && len(c.routeQuotas) == 0,
		scope:       c.scope,
		header:      http.CanonicalHeaderKey(c.header),
		maxSent:     retry.MaxAttempts(),
	}
	if c.breaker != nil {
		t.classify = c.breaker.Classify
	}
	if c.hedge != nil {
		t.maxSent *= 1 + max(1, c.hedge.MaxCopies)
	}
	if _, err := c.newHost("", time.Now()); err != nil { // so that later ones cannot fail
		return nil, fmt.Errorf("httpclient: %w", err)
	}
	t.hosts.group, err = resilience.NewGroup(resilience.GroupSettings[string, *host]{
		Max: c.maxHosts, New: c.hostMaker(), Keep: (*host).troubled, Observer: c.observer,
	})
	if err != nil {
		return nil, fmt.Errorf("httpclient: %w", err)
	}
	return t, nil
}

// complete checks the options and fills in the defaults.
func (c *config) complete() error {
	if c.timeout == 0 {
		c.timeout = c.retry.AttemptTimeout
	}
	c.retry.AttemptTimeout = 0 // ours covers the answer's body too
	if c.retry.MaxPushback == 0 {
		c.retry.MaxPushback = resilience.DefaultMaxPushback
	}
	c.retry.Observer = resilience.Observers(c.retry.Observer, c.observer)
	if c.bodyBuffer == 0 {
		c.bodyBuffer = DefaultBodyBuffer
	}
	if c.retryable == nil {
		c.retryable = RetryableStatus
	}
	if c.route == nil {
		c.route = methodAndPath
	}
	switch {
	case c.timeout < 0:
		return &resilience.SettingError{Field: "WithAttemptTimeout", Value: c.timeout, Want: "0 (no bound) or more"}
	case c.answers < 0:
		return &resilience.SettingError{Field: "WithAnswerBuffer", Value: c.answers, Want: "0 (off) or more"}
	}
	return nil
}

// hostMaker returns the function that makes what is kept of a host. The settings were checked by making one.
func (c *config) hostMaker() func(string) *host {
	base := time.Now()
	return func(name string) *host {
		h, err := c.newHost(name, base)
		if err != nil {
			panic("httpclient: settings that were accepted are refused: " + err.Error())
		}
		return h
	}
}

func (c *config) newHost(name string, base time.Time) (h *host, err error) {
	h = &host{name: name}
	h.gate.base = base
	if len(c.routeQuotas) > 0 {
		if h.routes, err = newRoutes(base); err != nil {
			return nil, err
		}
	}
	if c.timeout > 0 {
		h.clock = &deadlines{base: base, timeout: c.timeout}
	}
	if c.breaker != nil {
		s := *c.breaker
		s.Observer = c.observerFor(name, s.Observer)
		s.Name = nameFor(name, s.Name)
		if h.breaker, err = resilience.NewBreaker(s); err != nil {
			return nil, err
		}
	}
	if c.bulkhead != nil {
		s := *c.bulkhead
		s.Observer = c.observerFor(name, s.Observer)
		s.Name = nameFor(name, s.Name)
		if h.bulkhead, err = resilience.NewBulkhead(s); err != nil {
			return nil, err
		}
	}
	if c.limiter != nil {
		s := *c.limiter
		s.Observer = c.observerFor(name, s.Observer)
		s.Name = nameFor(name, s.Name)
		if h.limiter, err = resilience.NewLimiter(s); err != nil {
			return nil, err
		}
	}
	h.budget = c.retry.Budget
	if c.budget != nil {
		if h.budget, err = resilience.NewBudget(*c.budget); err != nil {
			return nil, err
		}
	}
	if c.hedge != nil {
		if h.hedge, err = c.newHedge(name); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// newHedge returns the hedge of a host.
func (c *config) newHedge(name string) (h *resilience.Hedge, err error) {
	s := *c.hedge
	s.Observer = c.observerFor(name, s.Observer)
	s.Name = nameFor(name, s.Name)
	s.Discard = discardAnswer
	if s.Budget == nil {
		if s.Budget, err = resilience.NewBudget(HedgeBudget()); err != nil {
			return nil, err
		}
	}
	return resilience.NewHedge(s)
}

// nameFor returns the name of a host's policy, for errors and events.
func nameFor(host, name string) string {
	if name == "" {
		return host
	}
	return name + " " + host
}

// observerFor returns an observer that adds the host to every event.
func (c *config) observerFor(host string, own resilience.Observer) resilience.Observer {
	both := resilience.Observers(own, c.observer)
	if both == nil {
		return nil
	}
	return resilience.ObserverFunc(func(ctx context.Context, e resilience.Event) {
		e.Key = host
		both.Observe(ctx, e)
	})
}
