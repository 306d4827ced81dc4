package httpserver

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"brownout/resilience"
	"brownout/resilience/store"
)

// CloudEventsSettings are what the [Verifier] of [NewCloudEvents] checks against.
type CloudEventsSettings struct {
	// Tokens are the bearer tokens of RFC 6750 that the sender may use. Required: without a signature they are all that tells
	// the sender from others.
	Tokens []string
	// Origins are the origins that may send, as they name themselves in WebHook-Request-Origin, such as eventemitter.example.com;
	// "*" is all. Required.
	Origins []string
}

type cloudEvents struct {
	set    CloudEventsSettings
	tokens [][]byte
}

// NewCloudEvents returns a [Verifier] for CloudEvents 1.0 delivered by "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2: a bearer token in the
// Authorization header, and the handshake by OPTIONS, which [Webhook] answers. An event is known by its source and id together,
// in binary mode by ce-source and ce-id, in structured mode by the members of the body. Nothing is signed: use it over TLS
// alone. Batches are refused.
func NewCloudEvents(s CloudEventsSettings) (Verifier, error) {
	if err := checkSecrets("CloudEventsSettings.Tokens", s.Tokens); err != nil {
		return nil, err
	}
	if len(s.Origins) == 0 {
		return nil, &resilience.SettingError{Field: "CloudEventsSettings.Origins", Value: "none", Want: `the origins that may send, or "*"`}
	}
	return &cloudEvents{s, texts(s.Tokens)}, nil
}

// Verify is described at [Verifier].
func (v *cloudEvents) Verify(header http.Header, body []byte) (Event, error) {
	field, err := one(header, "Authorization")
	if err != nil {
		return Event{}, err
	}
	scheme, token, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Event{}, fmt.Errorf("%w: the Authorization is of scheme %q, want Bearer", ErrUnsigned, scheme)
	}
	known := false
	for _, want := range v.tokens {
		known = equal(want, token) || known
	}
	if !known {
		return Event{}, ErrSignature
	}
	source, id, err := eventNames(header, body)
	if err != nil {
		return Event{}, err
	}
	return Event{ID: store.KeyOf(source, id).String()}, nil
}

// eventNames returns the attributes source and id, which together name an event.
func eventNames(header http.Header, body []byte) (source, id string, err error) {
	switch kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); {
	case kind == "application/cloudevents+json":
		source, _ = member(body, "source")
		id, _ = member(body, "id")
	case strings.HasPrefix(kind, "application/cloudevents"):
		return "", "", fmt.Errorf("%w: %s is not taken, send application/cloudevents+json or the binary mode", ErrUnsigned, kind)
	default:
		source, id = header.Get("Ce-Source"), header.Get("Ce-Id")
	}
	if source == "" || id == "" {
		return "", "", fmt.Errorf("%w: the event has no source, or no id", ErrUnsigned)
	}
	return source, id, nil
}

// handshake answers the validation request of section 4 of the specification of web hooks: an origin that may send is told so, and
// any other is told nothing.
func (v *cloudEvents) handshake(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	origin := r.Header.Get("WebHook-Request-Origin")
	if origin != "" && (slices.Contains(v.set.Origins, origin) || slices.Contains(v.set.Origins, "*")) {
		w.Header().Set("WebHook-Allowed-Origin", origin)
		if rate := r.Header.Get("WebHook-Request-Rate"); rate != "" {
			w.Header().Set("WebHook-Allowed-Rate", "*")
		}
	}
	w.WriteHeader(http.StatusOK)
}
