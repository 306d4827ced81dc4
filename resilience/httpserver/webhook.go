package httpserver

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"brownout/resilience"
	"brownout/resilience/store"
)

// DefaultWebhookKeep is how long a [Webhook] remembers events: longer than Standard Webhooks (76 hours) and Stripe (3 days) go on
// redelivering.
const DefaultWebhookKeep = 7 * 24 * time.Hour

// WebhookSettings describe a [Webhook]. Source, Verifier and Handle are required; the zero values of the others are the defaults.
type WebhookSettings struct {
	// Source names the sender and the endpoint in the store: the same id from another source is another event. Required.
	Source string
	// Verifier tells whether a delivery comes from the sender. Required.
	Verifier Verifier
	// Handle does what the event asks for. Required. Nil acknowledges the event for good. An error refuses the delivery, with
	// 500, or with 503 and Retry-After if it is a [resilience.DelayedError], so that the sender delivers it again; what Handle
	// did must then have no effect, or one that may be repeated. Acknowledge events of unknown types: they are none of
	// your business, and senders switch off endpoints that refuse them.
	//
	// Senders wait for 3 seconds (Slack) to 30. Where the work takes longer, store the event and return.
	Handle func(ctx context.Context, d Delivery) error
	// MaxBody is how many bytes of a body are read; a larger one is refused with 413. 0 means [DefaultMaxBody].
	MaxBody int64
	// Timeout ends the context of Handle. 0 means that it has no end: a sender that goes away does not end it either, since
	// senders give up early and what was begun had better be finished.
	Timeout time.Duration
	// Keep is how long events are remembered. It must be longer than the sender goes on redelivering, GitHub's manual
	// redeliveries included. 0 means [DefaultWebhookKeep].
	Keep time.Duration
	// Lease is how long after the death of its process an event is handled again. It is renewed while Handle runs.
	// 0 means [DefaultLease].
	Lease time.Duration
	// RetryAfter is what the sender is told whose delivery is under way, or meets a failing store. 0 means [DefaultRetryAfter].
	RetryAfter time.Duration
	// Observer is told of duplicates, of events taken over, of refusals, and of failures of the store. Nil costs nothing.
	Observer resilience.Observer
}

// Delivery is a verified event that nobody has handled yet.
type Delivery struct {
	Event
	// Body is what was signed, byte for byte. It belongs to the handler.
	Body []byte
	// Header is the request's. It is not signed.
	Header http.Header
	// Reclaimed means that an earlier delivery of the event died or panicked, so that it is not known what it did.
	Reclaimed bool
	// Key and Token are the claim, for a store that can commit it with the work, as package bolt's CommitTx. The
	// commit that follows is then without effect.
	Key   store.Key
	Token store.Token // with Key
}

// Webhook receives webhooks. It is an http.Handler that any number of goroutines may use. What a request meets, in this order:
//
//   - Another method than POST: 405, but for the OPTIONS of a sender whose handshake that is. A body that is too large: 413.
//   - A signature that is missing or cannot be read: 400. One that does not match, or a timestamp outside the tolerance: 403.
//     Nothing is remembered of either.
//   - A handshake: 200 with the answer that the sender wants.
//   - An event that was handled: 200.
//   - An event that is being handled: 503 with Retry-After, so that the sender comes again in case that fails.
//   - A store that fails or is full: 503 with Retry-After.
//
// Otherwise Handle runs, then the event is committed, and only then acknowledged with 200. When the commit fails the
// answer is 503, so the event is delivered and, after the lease, handled again.
type Webhook struct {
	set      WebhookSettings
	store    store.Store
	hash     func([]byte) [16]byte
	keeper   *keeper
	problems problems
}

var _ http.Handler = (*Webhook)(nil)

// NewWebhook returns a receiver that remembers events in s. The error names the setting that cannot be accepted.
func NewWebhook(s store.Store, set WebhookSettings) (*Webhook, error) {
	for _, f := range []struct {
		name   string
		value  any
		ok     bool
		accept string
	}{
		{"Source", `""`, set.Source != "", "a name, such as stripe/payments"},
		{"Verifier", "nil", set.Verifier != nil, "a Verifier, such as that of NewStripe"},
		{"Handle", "nil", set.Handle != nil, "a function"},
		{"MaxBody", set.MaxBody, set.MaxBody >= 0 && set.MaxBody <= maxMaxBody, "0 (the default, 1 MiB) to 1 GiB"},
		{"Timeout", set.Timeout, set.Timeout >= 0, "0 (none) or more"},
		{"Lease", set.Lease, set.Lease == 0 || set.Lease >= minLease && set.Lease <= store.MaxKeep, "0 (the default, 30s) or at least 10ms"},
		{"Keep", set.Keep, set.Keep == 0 || set.Keep >= max(set.Lease, minLease) && set.Keep <= store.MaxKeep, "0 (the default, 168h), or from Lease to 876000h"},
		{"RetryAfter", set.RetryAfter, set.RetryAfter >= 0, "0 (the default, 1s) or more"},
	} {
		if !f.ok {
			return nil, &resilience.SettingError{Field: "WebhookSettings." + f.name, Value: f.value, Want: f.accept}
		}
	}
	if s == nil {
		return nil, &resilience.SettingError{Field: "store", Value: "nil", Want: "a store.Store"}
	}
	set.MaxBody = cmp.Or(set.MaxBody, DefaultMaxBody)
	set.Lease = cmp.Or(set.Lease, DefaultLease)
	set.Keep = cmp.Or(set.Keep, max(DefaultWebhookKeep, set.Lease))
	set.RetryAfter = cmp.Or(set.RetryAfter, DefaultRetryAfter)
	return &Webhook{set: set, store: s, hash: hashOf(s), keeper: newKeeper(s, set.Lease), problems: newProblems("", set.RetryAfter)}, nil
}

var (
	notPost       = problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: "deliveries are sent with POST"}
	unsigned      = problem{Status: http.StatusBadRequest, Code: "webhook_unsigned", Detail: "the delivery is not signed as it must be"}
	notGenuine    = problem{Status: http.StatusForbidden, Code: "webhook_signature", Detail: "the signature does not match"}
	notInTime     = problem{Status: http.StatusForbidden, Code: "webhook_timestamp", Detail: "the timestamp is too old or in the future"}
	eventInFlight = problem{Status: http.StatusServiceUnavailable, Code: "webhook_in_flight",
		Detail: "the event is being handled; deliver it again later", again: true}
	eventFailed  = problem{Status: http.StatusInternalServerError, Code: "webhook_failed", Detail: "the event could not be handled; deliver it again"}
	eventDelayed = problem{Status: http.StatusServiceUnavailable, Code: "webhook_failed", Detail: "the event could not be handled; deliver it again later"}
)

// ServeHTTP is described at [Webhook].
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v, ok := h.set.Verifier.(handshaker); ok && r.Method == http.MethodOptions {
		v.handshake(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.problems.write(w, notPost)
		return
	}
	body, err := readBody(nil, r, h.set.MaxBody)
	if err != nil {
		h.problems.refuseBody(w, err)
		return
	}
	event, err := verify(h.set.Verifier, r, body)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if event.Answer != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(event.Answer)
		return
	}
	key, claimed, err := h.claim(r.Context(), event.ID)
	switch {
	case err != nil:
		h.observe(r.Context(), resilience.Event{Kind: resilience.EventRejected, Err: err, Reason: "store"})
		h.problems.write(w, storeFailed)
	case claimed.State == store.InFlight:
		h.observe(r.Context(), resilience.Event{Kind: resilience.EventDuplicate, Reason: claimed.State.String()})
		h.problems.write(w, eventInFlight)
	case claimed.State != store.Won:
		h.observe(r.Context(), resilience.Event{Kind: resilience.EventDuplicate, Reason: claimed.State.String()})
		w.WriteHeader(http.StatusOK)
	default:
		if claimed.Reclaimed {
			h.observe(r.Context(), resilience.Event{Kind: resilience.EventReclaimed})
		}
		h.handle(w, r, Delivery{Event: event, Body: body, Header: r.Header, Reclaimed: claimed.Reclaimed, Key: key, Token: claimed.Token})
	}
}

// handshaker is a Verifier whose sender asks with OPTIONS whether it may send.
type handshaker interface {
	handshake(w http.ResponseWriter, r *http.Request)
}

// claim claims an event of the source.
func (h *Webhook) claim(ctx context.Context, id string) (store.Key, store.Claim, error) {
	s := scratches.Get().(*scratch)
	key := s.keyOf(h.hash, kindWebhook, h.set.Source, id)
	s.free()
	claimed, err := h.store.Claim(ctx, key, store.Terms{Lease: h.set.Lease, Keep: h.set.Keep})
	return key, claimed, err
}

// refuse answers a delivery that is not genuine.
func (h *Webhook) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := unsigned
	switch {
	case errors.Is(err, ErrSignature):
		p = notGenuine
	case errors.Is(err, ErrTimestamp):
		p = notInTime
	}
	h.observe(r.Context(), resilience.Event{Kind: resilience.EventRejected, Err: err, Reason: p.Code})
	h.problems.write(w, p)
}

// handle runs Handle for an event that was claimed, and ends the claim.
func (h *Webhook) handle(w http.ResponseWriter, r *http.Request, d Delivery) {
	parent := context.WithoutCancel(r.Context())
	if h.set.Timeout > 0 {
		var cancel context.CancelFunc
		parent, cancel = context.WithTimeout(parent, h.set.Timeout)
		defer cancel()
	}
	c := &claim{parent: parent, key: d.Key, token: d.Token}
	h.keeper.hold(c)
	returned := false
	defer func() {
		h.keeper.end(c)
		c.release()
		if !returned { // a panic goes on; what Handle did before it is unknown
			h.failed(parent, settle(parent, func(ctx context.Context) error { return h.store.Renew(ctx, d.Key, d.Token, store.MinLease) }))
		}
	}()
	err := h.set.Handle(c, d)
	returned = true
	if err != nil {
		h.failed(parent, settle(parent, func(ctx context.Context) error { return h.store.Release(ctx, d.Key, d.Token) }))
		h.observe(parent, resilience.Event{Kind: resilience.EventRejected, Err: err, Reason: "handler"})
		var delayed resilience.DelayedError
		if errors.As(err, &delayed) {
			if after, ok := delayed.RetryDelay(); ok && after >= 0 {
				h.problems.writeAfter(w, eventDelayed, seconds(after))
				return
			}
		}
		h.problems.write(w, eventFailed)
		return
	}
	if err := settle(parent, func(ctx context.Context) error { return h.store.Commit(ctx, d.Key, d.Token, "", h.set.Keep) }); err != nil {
		h.failed(parent, err)
		h.problems.write(w, storeFailed)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (h *Webhook) failed(ctx context.Context, err error) {
	if err != nil {
		h.observe(ctx, resilience.Event{Kind: resilience.EventRejected, Err: err, Reason: "store"})
	}
}

func (h *Webhook) observe(ctx context.Context, e resilience.Event) {
	if h.set.Observer != nil {
		e.Policy = h.set.Source
		h.set.Observer.Observe(ctx, e)
	}
}
