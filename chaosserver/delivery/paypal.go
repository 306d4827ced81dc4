package delivery

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"math/big"
	"sync"
	"time"

	"brownout/chaosserver/journal"
)

// paypal signs "transmission id|time|webhook id|CRC-32 of the body" with RSA and SHA-256 (RFC 8017, section 8.2). Its secret is
// the webhook's id. PayPal's own certificate cannot be had, so the key is made for this process, and its certificate is
// what [Certificate] returns: a consumer has to take it from there, and not from the URL in the header.
var paypal = Sender{
	name: "paypal", unknown: "SHA999withNONE", alien: "WH-SOMEBODY-ELSE",
	stamp: func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	members: func(m *Message) []member {
		return []member{{"id", m.ID}, {"event_type", m.Type}}
	},
	sign: func(p *parts, secret string) (signature, error) {
		key, err := payPalKey()
		if err != nil {
			return signature{}, err
		}
		digest := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d", p.ID, p.stamp, secret, crc32.ChecksumIEEE(p.body)))
		text, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		return signature{"SHA256withRSA", inBase64(text)}, err
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "PAYPAL-TRANSMISSION-ID", Value: p.ID}, {Name: "PAYPAL-TRANSMISSION-TIME", Value: p.stamp},
			{Name: "PAYPAL-CERT-URL", Value: "https://api.paypal.com/v1/notifications/certs/CERT-BROWNOUT-TEST"}}
		for _, s := range signatures {
			fields = append(fields, journal.Field{Name: "PAYPAL-AUTH-ALGO", Value: s.scheme}, journal.Field{Name: "PAYPAL-TRANSMISSION-SIG", Value: s.text})
		}
		return fields
	},
}

// payPalKey is the key of this process, made when it is first needed.
var payPalKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Certificate returns the certificate of the key that signs PayPal's deliveries, in PEM. It is made for this process, and
// signed by itself.
func Certificate() ([]byte, error) {
	key, err := payPalKey()
	if err != nil {
		return nil, fmt.Errorf("delivery: the key could not be made: %w", err)
	}
	now := time.Now()
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "messageverificationcerts.paypal.com"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("delivery: the certificate could not be made: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
