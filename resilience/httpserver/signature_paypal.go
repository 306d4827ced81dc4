package httpserver

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"time"

	"brownout/resilience"
)

// The header fields of PayPal, as net/http spells them.
const (
	payPalID        = "Paypal-Transmission-Id"
	payPalTime      = "Paypal-Transmission-Time"
	payPalSignature = "Paypal-Transmission-Sig"
	payPalCert      = "Paypal-Cert-Url"
	payPalAlgorithm = "Paypal-Auth-Algo"
)

// PayPalSettings are what the [Verifier] of [NewPayPal] checks against.
type PayPalSettings struct {
	// WebhookIDs are the ids that PayPal gave the endpoint when it was registered, as they are signed. Required.
	WebhookIDs []string
	// Key returns the public key of the certificate at a URL, which the delivery names in a header that is not signed. It must
	// refuse every URL that is not PayPal's, and certificates that are not issued to PayPal, or whoever has a key signs for
	// PayPal. It is called for every delivery: keep what it found. Required.
	Key func(certURL string) (*rsa.PublicKey, error)
}

type payPal struct{ set PayPalSettings }

// NewPayPal returns a [Verifier] for webhooks of PayPal: RSA with SHA-256 of the transmission's id and time, the webhook's id and the
// CRC-32 of the body (developer.paypal.com/api/rest/webhooks/rest). An event's id is the member "id" of the body.
//
// A CRC is no protection against those who may choose a body: whoever has seen a delivery can make others that pass. Ask PayPal's API
// about an event before money depends on it.
func NewPayPal(s PayPalSettings) (Verifier, error) {
	if err := checkSecrets("PayPalSettings.WebhookIDs", s.WebhookIDs); err != nil {
		return nil, err
	}
	if s.Key == nil {
		return nil, &resilience.SettingError{Field: "PayPalSettings.Key", Value: "nil", Want: "a function"}
	}
	return &payPal{s}, nil
}

// Verify is described at [Verifier].
func (v *payPal) Verify(header http.Header, body []byte) (Event, error) {
	var fields [5]string
	for i, name := range [...]string{payPalID, payPalTime, payPalSignature, payPalCert, payPalAlgorithm} {
		var err error
		if fields[i], err = one(header, name); err != nil {
			return Event{}, err
		}
	}
	id, timestamp, certURL := fields[0], fields[1], fields[3]
	if fields[4] != "SHA256withRSA" {
		return Event{}, fmt.Errorf("%w: %s is %q, want SHA256withRSA", ErrUnsigned, payPalAlgorithm, fields[4])
	}
	at, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		return Event{}, fmt.Errorf("%w: %q is no time of RFC 3339", ErrUnsigned, timestamp)
	}
	signature, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return Event{}, fmt.Errorf("%w: the signature is not base64", ErrUnsigned)
	}
	key, err := v.set.Key(certURL)
	if err != nil {
		return Event{}, fmt.Errorf("%w: the certificate %q: %w", ErrSignature, certURL, err)
	}
	for _, webhook := range v.set.WebhookIDs {
		sum := sha256.Sum256([]byte(id + "|" + timestamp + "|" + webhook + "|" + strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)))
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil {
			return Event{ID: idIn(body, "id"), Signed: at}, nil
		}
	}
	return Event{}, ErrSignature
}
