package httpserver

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"brownout/resilience"
)

// The header fields of Standard Webhooks, as net/http spells them.
const (
	webhookID        = "Webhook-Id"
	webhookTimestamp = "Webhook-Timestamp"
	webhookSignature = "Webhook-Signature"
)

type standardWebhooks struct {
	set    SignatureSettings
	macs   macs
	public []ed25519.PublicKey
	signed sync.Pool // of *scratch: ed25519 wants what is signed in one piece
}

// NewStandardWebhooks returns a [Verifier] for senders that follow Standard Webhooks 1.0.0 (standardwebhooks.com), such as
// Svix and OpenAI. A secret that begins with "whsec_", or has no prefix, verifies signatures of scheme v1, HMAC-SHA256; a public
// key that begins with "whpk_" verifies those of v1a, ed25519. An event's id is the signed webhook-id.
func NewStandardWebhooks(s SignatureSettings) (Verifier, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	v := &standardWebhooks{set: s, signed: sync.Pool{New: func() any { return new(scratch) }}}
	var secrets [][]byte
	for i, secret := range s.Secrets {
		text, public := strings.CutPrefix(secret, "whpk_")
		text = strings.TrimRight(strings.TrimPrefix(text, "whsec_"), "=")
		key, err := base64.RawStdEncoding.DecodeString(text)
		switch {
		case err != nil || public && len(key) != ed25519.PublicKeySize || len(key) < minSecret:
			got := fmt.Sprintf("%d bytes", len(key))
			if err != nil {
				got = "something that is not base64"
			}
			return nil, &resilience.SettingError{Field: fmt.Sprintf("SignatureSettings.Secrets[%d]", i), Value: got,
				Want: "whsec_ and at least 16 bytes in base64, or whpk_ and a public key of 32 bytes in base64"}
		case public:
			v.public = append(v.public, key)
		default:
			secrets = append(secrets, key)
		}
	}
	v.macs = newMacs(secrets, asBase64)
	return v, nil
}

// minSecret is the least length of a decoded secret. The specification asks senders for 24 to 64 bytes.
const minSecret = 16

// Verify is described at [Verifier].
func (v *standardWebhooks) Verify(header http.Header, body []byte) (Event, error) {
	id, err := one(header, webhookID)
	if err != nil {
		return Event{}, err
	}
	timestamp, err := one(header, webhookTimestamp)
	if err != nil {
		return Event{}, err
	}
	list, err := one(header, webhookSignature)
	if err != nil {
		return Event{}, err
	}
	at, err := v.set.timestamp(timestamp)
	if err != nil {
		return Event{}, err
	}
	if !v.matches(list, id, timestamp, body) {
		return Event{}, ErrSignature
	}
	return Event{ID: id, Signed: at}, nil
}

// matches reports whether one of the signatures of the list is right. Those of other schemes are passed over.
func (v *standardWebhooks) matches(list, id, timestamp string, body []byte) bool {
	var space [4]string
	symmetric := space[:0]
	for n := 0; list != "" && n < maxSignatures; n++ {
		var one string
		one, list, _ = strings.Cut(list, " ")
		scheme, text, _ := strings.Cut(one, ",")
		switch scheme {
		case "v1":
			symmetric = append(symmetric, text)
		case "v1a":
			if v.matchesPublic(text, id, timestamp, body) {
				return true
			}
		}
	}
	return len(symmetric) > 0 && v.macs.match(symmetric, body, id, ".", timestamp, ".")
}

func (v *standardWebhooks) matchesPublic(text, id, timestamp string, body []byte) bool {
	if len(v.public) == 0 || len(text) > base64.StdEncoding.EncodedLen(ed25519.SignatureSize) {
		return false
	}
	sig, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return false
	}
	s := v.signed.Get().(*scratch)
	defer v.signed.Put(s)
	s.data = append(append(append(append(s.data[:0], id...), '.'), timestamp...), '.')
	s.data = append(s.data, body...)
	for _, key := range v.public {
		if ed25519.Verify(key, s.data, sig) {
			return true
		}
	}
	return false
}
