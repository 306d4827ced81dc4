package delivery

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"brownout/chaosserver/journal"
)

// standard signs "id.timestamp.body" by Standard Webhooks 1.0.0: v1 is HMAC-SHA256 under a secret that begins with whsec_, v1a
// is ed25519 (RFC 8032) under a key that begins with whsk_.
var standard = Sender{
	name: "standard", stamp: epoch, unknown: "v9",
	alien:  "whsec_" + base64.StdEncoding.EncodeToString([]byte("somebody else's secret, 32 bytes")),
	public: "whsk_" + base64.StdEncoding.EncodeToString([]byte("somebody else's key, of 32 bytes")),
	members: func(m *Message) []member {
		return []member{{"type", m.Type}}
	},
	sign: func(p *parts, secret string) (signature, error) {
		if strings.HasPrefix(secret, "whsk_") {
			key, err := privateKey(secret)
			if err != nil {
				return signature{}, err
			}
			return signature{"v1a", inBase64(ed25519.Sign(key, fmt.Appendf(nil, "%s.%s.%s", p.ID, p.stamp, p.body)))}, nil
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return signature{}, errors.New("the secret is whsec_ and base64")
		}
		return signature{"v1", inBase64(sum(string(key), p.body, p.ID, ".", p.stamp, "."))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "webhook-id", Value: p.ID}, {Name: "webhook-timestamp", Value: p.stamp}}
		if signatures != nil {
			fields = append(fields, journal.Field{Name: "webhook-signature", Value: listed(signatures, ",", " ")})
		}
		return fields
	},
}

// privateKey reads a key that begins with whsk_: its seed, or the seed and the public key behind it.
func privateKey(secret string) (ed25519.PrivateKey, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsk_"))
	if err != nil || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("the key is whsk_ and 32 or 64 bytes in base64")
	}
	return ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), nil
}

// PublicKey returns what a consumer checks the signatures of a secret with: of one that begins with whsk_ the public key, which
// begins with whpk_, of any other the secret itself.
func PublicKey(secret string) string {
	if !strings.HasPrefix(secret, "whsk_") {
		return secret
	}
	key, err := privateKey(secret)
	if err != nil {
		return secret
	}
	return "whpk_" + inBase64(key[ed25519.SeedSize:])
}
