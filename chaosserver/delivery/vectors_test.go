package delivery

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
)

// named is the sender of a name.
func named(t testing.TB, name string) *Sender {
	t.Helper()
	s, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request makes the request of a delivery.
func request(t testing.TB, name string, m Message) *Request {
	t.Helper()
	r, err := named(t, name).Request(&m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPublishedSignatures holds the senders to the examples of their documentation and of their own libraries' tests.
func TestPublishedSignatures(t *testing.T) {
	for _, c := range []struct {
		sender, why string
		m           Message
		field, want string
	}{
		{"github", "docs.github.com, Validating webhook deliveries", Message{ID: "1", Secrets: []string{"It's a Secret to Everybody"}, Text: []byte("Hello, World!")},
			"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		{"standard", "standard-webhooks, libraries/go/webhook_test.go", Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Signed: time.Unix(1614265330, 0),
			Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, Text: []byte(`{"test": 2432232314}`)},
			"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"slack", "api.slack.com, Verifying requests from Slack", Message{ID: "1", Signed: time.Unix(1531420618, 0), Secrets: []string{"8f742231b10e8888abcd99yyyzzz85a5"},
			Text: []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")},
			"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
		{"twilio", "twilio.com, Webhooks security", Message{ID: "1", Base: "https://mycompany.com", Path: "/myapp.php?foo=1&bar=2", Secrets: []string{"12345"},
			Text: []byte("Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309")},
			"X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
	} {
		c.m.Body = scenarios.BodyText
		if got := request(t, c.sender, c.m).field(c.field); got != c.want {
			t.Errorf("%s: %s is %q, want %q (%s)", c.sender, c.field, got, c.want, c.why)
		}
	}
}

// TestAsymmetricSignature: v1a of Standard Webhooks is ed25519 over the same text as v1, and a rotated pair stands side by
// side, in the order of the secrets.
func TestAsymmetricSignature(t *testing.T) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("seed", 8)))
	for _, secret := range []string{"whsk_" + base64.StdEncoding.EncodeToString(key.Seed()), "whsk_" + base64.StdEncoding.EncodeToString(key)} {
		r := request(t, "standard", Message{ID: "evt_1", Signed: time.Unix(1614265330, 0), Secrets: []string{secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
			Body: scenarios.BodyText, Text: []byte("{}")})
		a, b, found := strings.Cut(r.field("webhook-signature"), " ")
		text, ok := strings.CutPrefix(a, "v1a,")
		signature, err := base64.StdEncoding.DecodeString(text)
		if !ok || !found || err != nil || !strings.HasPrefix(b, "v1,") {
			t.Fatalf("the signatures are %q", r.field("webhook-signature"))
		}
		public, ok := strings.CutPrefix(PublicKey(secret), "whpk_")
		decoded, err := base64.StdEncoding.DecodeString(public)
		if !ok || err != nil || !ed25519.Verify(decoded, []byte("evt_1.1614265330.{}"), signature) {
			t.Errorf("%s does not verify under %s", a, PublicKey(secret))
		}
	}
	if got := PublicKey("whsec_abc"); got != "whsec_abc" {
		t.Errorf("what verifies a shared secret is %q", got)
	}
}

// TestCertificate: PayPal's signature verifies under the certificate that is given away, over id, time, webhook and CRC-32.
func TestCertificate(t *testing.T) {
	text, err := Certificate()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM: %s", text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"id":"WH-1"}`)
	r := request(t, "paypal", Message{ID: "WH-1", Signed: time.Unix(1614265330, 0), Secrets: []string{"4JH86294D6297924G"}, Body: scenarios.BodyJSON, Text: body})
	signature, err := base64.StdEncoding.DecodeString(r.field("paypal-transmission-sig"))
	if err != nil {
		t.Fatal(err)
	}
	if r.field("paypal-auth-algo") != "SHA256withRSA" || r.field("paypal-transmission-time") != "2021-02-25T15:02:10Z" {
		t.Errorf("the fields are %v", r.Header)
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "WH-1|2021-02-25T15:02:10Z|4JH86294D6297924G|%d", crc32.ChecksumIEEE(body)))
	if err := rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		t.Error(err)
	}
}
