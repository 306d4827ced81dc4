package httpserver

import (
	"net/http"
	"strings"
)

// bodySigner is for senders that sign the body alone.
type bodySigner struct {
	macs      macs
	signature string // header
	prefix    string // of the signature
	id        string // header; empty if it is not to be trusted
}

// BodySignatureSettings are what a [Verifier] checks against whose sender signs nothing but the body: no timestamp, and not the
// header with the id of the delivery.
type BodySignatureSettings struct {
	// Secrets are as in [SignatureSettings]. Required.
	Secrets []string
	// TrustID takes the id of an event from the sender's header, which is not signed: whoever has seen a delivery can then
	// repeat it under another id, and it is handled again. Without it the id is a hash of the body, so that two events with
	// the same body to the last byte count as one.
	TrustID bool
}

// NewGitHub returns a [Verifier] for webhooks of GitHub: HMAC-SHA256 of the body in X-Hub-Signature-256
// (docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries). With TrustID the id is X-GitHub-Delivery.
func NewGitHub(s BodySignatureSettings) (Verifier, error) {
	return newBodySigner(s, asHex, bodySigner{signature: "X-Hub-Signature-256", prefix: "sha256=", id: "X-Github-Delivery"})
}

// NewShopify returns a [Verifier] for webhooks of Shopify: HMAC-SHA256 of the body in X-Shopify-Hmac-Sha256
// (shopify.dev/docs/apps/build/webhooks/verify-deliveries). With TrustID the id is X-Shopify-Webhook-Id.
func NewShopify(s BodySignatureSettings) (Verifier, error) {
	return newBodySigner(s, asBase64, bodySigner{signature: "X-Shopify-Hmac-Sha256", id: "X-Shopify-Webhook-Id"})
}

func newBodySigner(s BodySignatureSettings, encode func(text, sum []byte) int, v bodySigner) (Verifier, error) {
	if err := checkSecrets("BodySignatureSettings.Secrets", s.Secrets); err != nil {
		return nil, err
	}
	if !s.TrustID {
		v.id = ""
	}
	v.macs = newMacs(texts(s.Secrets), encode)
	return &v, nil
}

// Verify is described at [Verifier].
func (v *bodySigner) Verify(header http.Header, body []byte) (Event, error) {
	field, err := one(header, v.signature)
	if err != nil {
		return Event{}, err
	}
	text, prefixed := strings.CutPrefix(field, v.prefix)
	if !prefixed || !v.macs.match([]string{text}, body, "", "", "", "") {
		return Event{}, ErrSignature
	}
	if v.id == "" {
		return Event{ID: hashID(body)}, nil
	}
	id, err := one(header, v.id)
	return Event{ID: id}, err
}
