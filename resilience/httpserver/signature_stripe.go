package httpserver

import (
	"fmt"
	"net/http"
	"strings"
)

const stripeSignature = "Stripe-Signature"

type stripe struct {
	set  SignatureSettings
	macs macs
}

// NewStripe returns a [Verifier] for webhooks of Stripe: HMAC-SHA256 of the timestamp and the body, in scheme v1 of the
// Stripe-Signature header (docs.stripe.com/webhooks/signatures). The secrets are those of the endpoint, with their "whsec_". An
// event's id is the member "id" of the signed body.
func NewStripe(s SignatureSettings) (Verifier, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &stripe{set: s, macs: newMacs(texts(s.Secrets), asHex)}, nil
}

// Verify is described at [Verifier].
func (v *stripe) Verify(header http.Header, body []byte) (Event, error) {
	field, err := one(header, stripeSignature)
	if err != nil {
		return Event{}, err
	}
	var space [4]string
	signatures := space[:0]
	timestamp := ""
	for n, rest := 0, field; rest != "" && n < maxSignatures; n++ {
		var item string
		item, rest, _ = strings.Cut(rest, ",")
		switch scheme, text, _ := strings.Cut(item, "="); scheme {
		case "t":
			if timestamp != "" {
				return Event{}, fmt.Errorf("%w: the %s header has two timestamps", ErrUnsigned, stripeSignature)
			}
			timestamp = text
		case "v1":
			signatures = append(signatures, text)
		}
	}
	if timestamp == "" {
		return Event{}, fmt.Errorf("%w: the %s header has no timestamp", ErrUnsigned, stripeSignature)
	}
	at, err := v.set.timestamp(timestamp)
	if err != nil {
		return Event{}, err
	}
	if len(signatures) == 0 || !v.macs.match(signatures, body, timestamp, ".", "", "") {
		return Event{}, ErrSignature
	}
	return Event{ID: idIn(body, "id"), Signed: at}, nil
}
