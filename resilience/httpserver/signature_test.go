package httpserver_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
	"brownout/resilience/httpserver"
)

// headers returns a header of names and values in turn.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func verifier(t testing.TB, v httpserver.Verifier, err error) httpserver.Verifier {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func signing(secrets ...string) httpserver.SignatureSettings {
	return httpserver.SignatureSettings{Secrets: secrets}
}

func bodySigning(secrets ...string) httpserver.BodySignatureSettings {
	return httpserver.BodySignatureSettings{Secrets: secrets}
}

// The request of a slash command in Slack's documentation.
const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
	"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
	"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

// vector is a delivery whose signature was made by another program.
type vector struct {
	name   string
	source string
	at     int64 // when it was signed; 0 if the sender does not say
	make   func(t testing.TB) httpserver.Verifier
	header http.Header
	body   string
	id     string
	key    string // of the signature header
}

func vectors() []vector {
	standard := headers("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Timestamp", "1614265330")
	with := func(h http.Header, name, value string) http.Header {
		h = h.Clone()
		h.Set(name, value)
		return h
	}
	return []vector{
		{"Standard Webhooks v1", "standard-webhooks libraries/go/webhook_test.go, TestWebhookSign", 1614265330,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewStandardWebhooks(signing("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
				return verifier(t, v, err)
			},
			with(standard, "Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
			`{"test": 2432232314}`, "msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Signature"},
		{"Standard Webhooks v1a", "standard-webhooks libraries/go/webhook_asymmetric_test.go, TestAsymmetricWebhookSign", 1614265330,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewStandardWebhooks(signing("whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="))
				return verifier(t, v, err)
			},
			with(standard, "Webhook-Signature", "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="),
			`{"test": 2432232314}`, "msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Signature"},
		{"GitHub", "docs.github.com, validating webhook deliveries, testing the validation", 0,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewGitHub(bodySigning("It's a Secret to Everybody"))
				return verifier(t, v, err)
			},
			headers("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
			"Hello, World!", "sum:dffd6021bb2bd5b0af676290809ec3a5", "X-Hub-Signature-256"},
		{"Slack", "api.slack.com, verifying requests from Slack", 1531420618,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewSlack(signing("8f742231b10e8888abcd99yyyzzz85a5"))
				return verifier(t, v, err)
			},
			headers("X-Slack-Request-Timestamp", "1531420618",
				"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			slackBody, "sum:390eeeff8d0cb7c9f6ecf8a88c3df645", "X-Slack-Signature"},
		{"Stripe", "openssl dgst -sha256 -hmac whsec_test_secret", 1700000000,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewStripe(signing("whsec_test_secret"))
				return verifier(t, v, err)
			},
			headers("Stripe-Signature", "t=1700000000,v1=0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"),
			`{"id":"evt_1","object":"event"}`, "evt_1", "Stripe-Signature"},
		{"Shopify", "openssl dgst -sha256 -hmac hush -binary | base64", 0,
			func(t testing.TB) httpserver.Verifier {
				v, err := httpserver.NewShopify(bodySigning("hush"))
				return verifier(t, v, err)
			},
			headers("X-Shopify-Hmac-Sha256", "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I="),
			`{"id":820982911946154508}`, "sum:5ca2f5d25a24d2fa02aea8d8d1bdc421", "X-Shopify-Hmac-Sha256"},
	}
}

// at moves the clock of a bubble to a second of 1970's count.
func at(seconds int64) { time.Sleep(time.Until(time.Unix(seconds, 0))) }

func TestPublishedVectors(t *testing.T) {
	for _, c := range vectors() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := c.make(t)
				at(max(c.at, time.Now().Unix()))
				e, err := v.Verify(c.header, []byte(c.body))
				if err != nil || e.ID != c.id || e.Answer != nil || c.at != 0 && e.Signed.Unix() != c.at || e.Signed.IsZero() != (c.at == 0) {
					t.Errorf("%+v, %v; want id %s, signed at %d (vector of %s)", e, err, c.id, c.at, c.source)
				}
			})
		})
	}
}

// Whatever is changed about a delivery, it is refused, and with an error that says why.
func TestTampered(t *testing.T) {
	for _, c := range vectors() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := c.make(t)
				at(max(c.at, time.Now().Unix()))
				signature := c.header.Get(c.key)
				for what, change := range map[string]func(h http.Header) string{
					"a byte more":           func(http.Header) string { return c.body + " " },
					"a byte less":           func(http.Header) string { return c.body[1:] },
					"a byte changed":        func(http.Header) string { return strings.ToUpper(c.body) },
					"no body":               func(http.Header) string { return "" },
					"no signature":          func(h http.Header) string { h.Del(c.key); return c.body },
					"an empty signature":    func(h http.Header) string { h.Set(c.key, ""); return c.body },
					"two headers":           func(h http.Header) string { h.Add(c.key, signature); return c.body },
					"a truncated signature": func(h http.Header) string { h.Set(c.key, signature[:len(signature)-9]); return c.body },
					"another signature":     func(h http.Header) string { h.Set(c.key, otherSignature(signature)); return c.body },
					"only the scheme": func(h http.Header) string {
						h.Set(c.key, strings.TrimRight(signature[:7], "0123456789"))
						return c.body
					},
					"an unknown scheme": func(h http.Header) string { h.Set(c.key, "v9"+signature); return c.body },
					"no base, no hex":   func(h http.Header) string { h.Set(c.key, signature[:len(signature)-5]+"!!!!!"); return c.body },
				} {
					h := c.header.Clone()
					body := change(h)
					e, err := v.Verify(h, []byte(body))
					if e.ID != "" || !errors.Is(err, httpserver.ErrSignature) && !errors.Is(err, httpserver.ErrUnsigned) {
						t.Errorf("%s: %+v, %v", what, e, err)
					}
				}
			})
		})
	}
}

// otherSignature changes a character in the middle.
func otherSignature(s string) string {
	i := len(s) - 20
	c := byte('a')
	if s[i] == c {
		c = 'b'
	}
	return s[:i] + string(c) + s[i+1:]
}

func TestOtherSecret(t *testing.T) {
	for _, c := range vectors() {
		if strings.HasSuffix(c.name, "v1a") {
			continue
		}
		for name, makes := range map[string]func() (httpserver.Verifier, error){
			"Standard Webhooks v1": func() (httpserver.Verifier, error) {
				return httpserver.NewStandardWebhooks(signing("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
			},
			"GitHub":  func() (httpserver.Verifier, error) { return httpserver.NewGitHub(bodySigning("other")) },
			"Slack":   func() (httpserver.Verifier, error) { return httpserver.NewSlack(signing("other")) },
			"Stripe":  func() (httpserver.Verifier, error) { return httpserver.NewStripe(signing("other")) },
			"Shopify": func() (httpserver.Verifier, error) { return httpserver.NewShopify(bodySigning("other")) },
		} {
			if name != c.name {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				v, err := makes()
				if err != nil {
					t.Fatal(err)
				}
				at(max(c.at, time.Now().Unix()))
				if _, err := v.Verify(c.header, []byte(c.body)); !errors.Is(err, httpserver.ErrSignature) {
					t.Errorf("%s with another secret: %v", name, err)
				}
			})
		}
	}
}

// sign returns the HMAC-SHA256 of the parts.
func sign(secret string, parts ...string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// signer signs deliveries of one scheme, apart from the code under test.
type signer struct {
	name   string
	secret string
	make   func(...string) (httpserver.Verifier, error)
	header func(secret, id, timestamp, body string) http.Header
}

func signers() []signer {
	return []signer{
		{"standard", "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567")),
			func(s ...string) (httpserver.Verifier, error) { return httpserver.NewStandardWebhooks(signing(s...)) },
			func(secret, id, timestamp, body string) http.Header {
				raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
				return headers("Webhook-Id", id, "Webhook-Timestamp", timestamp,
					"Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sign(string(raw), id, ".", timestamp, ".", body)))
			}},
		{"stripe", "whsec_stripe",
			func(s ...string) (httpserver.Verifier, error) { return httpserver.NewStripe(signing(s...)) },
			func(secret, _, timestamp, body string) http.Header {
				return headers("Stripe-Signature", "t="+timestamp+",v1="+hex.EncodeToString(sign(secret, timestamp, ".", body)))
			}},
		{"slack", "slack secret",
			func(s ...string) (httpserver.Verifier, error) { return httpserver.NewSlack(signing(s...)) },
			func(secret, _, timestamp, body string) http.Header {
				return headers("X-Slack-Request-Timestamp", timestamp, "X-Slack-Retry-Num", "1",
					"X-Slack-Signature", "v0="+hex.EncodeToString(sign(secret, "v0:", timestamp, ":", body)))
			}},
	}
}

func TestTimestamps(t *testing.T) {
	for _, s := range signers() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, err := s.make(s.secret)
				if err != nil {
					t.Fatal(err)
				}
				now := time.Now().Unix()
				for _, c := range []struct {
					timestamp string
					want      error
					why       string
				}{
					{strconv.FormatInt(now, 10), nil, "now"},
					{strconv.FormatInt(now-300, 10), nil, "five minutes ago to the second"},
					{strconv.FormatInt(now+300, 10), nil, "five minutes ahead to the second"},
					{strconv.FormatInt(now-301, 10), httpserver.ErrTimestamp, "a second too old"},
					{strconv.FormatInt(now+301, 10), httpserver.ErrTimestamp, "a second too far ahead"},
					{"0", httpserver.ErrTimestamp, "1970"},
					{"9999999999999999999", httpserver.ErrUnsigned, "no time at all"},
					{"-5", httpserver.ErrUnsigned, "before 1970"},
					{"yesterday", httpserver.ErrUnsigned, "no number"},
					{strconv.FormatInt(now*1000, 10), httpserver.ErrTimestamp, "milliseconds"},
					{"", httpserver.ErrUnsigned, "empty"},
				} {
					h := s.header(s.secret, "id", c.timestamp, `{"id":"a","event_id":"a"}`)
					if _, err := v.Verify(h, []byte(`{"id":"a","event_id":"a"}`)); !errors.Is(err, c.want) || c.want == nil && err != nil {
						t.Errorf("%s (%s): %v, want %v", c.why, c.timestamp, err, c.want)
					}
				}
			})
		})
	}
}

// The id of an event is that of its redelivery, which is signed anew.
func TestRotationAndRedelivery(t *testing.T) {
	for _, s := range signers() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const body = `{"id":"evt_1","event_id":"evt_1"}`
				next := strings.Replace(s.secret, "0", "1", 1) + "AAAA"
				v, err := s.make(s.secret, next)
				if err != nil {
					t.Fatal(err)
				}
				for _, secret := range []string{s.secret, next} {
					h := s.header(secret, "evt_1", strconv.FormatInt(time.Now().Unix(), 10), body)
					if e, err := v.Verify(h, []byte(body)); err != nil || e.ID != "evt_1" {
						t.Errorf("%+v, %v", e, err)
					}
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

func TestSeveralSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
		all := vectors()
		v := all[0].make(t)
		at(all[0].at)
		right := all[0].header.Get("Webhook-Signature")
		for list, want := range map[string]error{
			"v1," + wrong + " v2," + wrong + " " + right + " v1," + wrong: nil, // of the libraries' tests
			right + " v1a," + wrong:                                nil,
			"v1," + wrong + " v2,x":                                httpserver.ErrSignature,
			"v1," + wrong + "  " + right:                           nil,
			strings.Repeat("v1,"+wrong+" ", 100) + right:           httpserver.ErrSignature, // too many to look at
			"v1a," + strings.TrimPrefix(right, "v1,"):              httpserver.ErrSignature,
			"v1," + strings.TrimPrefix(right, "v1,")[:40] + "====": httpserver.ErrSignature,
		} {
			h := all[0].header.Clone()
			h.Set("Webhook-Signature", list)
			if _, err := v.Verify(h, []byte(all[0].body)); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%.60s: %v, want %v", list, err, want)
			}
		}
	})
}

func TestHeaderIDs(t *testing.T) {
	body := "Hello, World!"
	h := headers("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "X-GitHub-Delivery", "d1")
	v, err := httpserver.NewGitHub(httpserver.BodySignatureSettings{Secrets: []string{"It's a Secret to Everybody"}, TrustID: true})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := v.Verify(h, []byte(body)); err != nil || e.ID != "d1" {
		t.Errorf("%+v, %v; want the id of the header", e, err)
	}
	h.Del("X-GitHub-Delivery")
	if _, err := v.Verify(h, []byte(body)); !errors.Is(err, httpserver.ErrUnsigned) {
		t.Errorf("without an id: %v; it must not pass as new each time", err)
	}
}

func TestSlackHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signers()[2]
		v, err := s.make(s.secret)
		if err != nil {
			t.Fatal(err)
		}
		for body, answer := range map[string]string{
			`{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV","type":"url_verification"}`:    "3eZbrw1aBm2rZgRNFdxV",
			`{"type":"event_callback","event_id":"E1","event":{"type":"url_verification"}}`: "",
			`{"type":"event_callback","event_id":"E1","challenge":"x"}`:                     "",
			`{"event":{"type":"url_verification","challenge":"x"},"event_id":"E1"}`:         "",
		} {
			e, err := v.Verify(s.header(s.secret, "", strconv.FormatInt(time.Now().Unix(), 10), body), []byte(body))
			if err != nil || string(e.Answer) != answer || (answer == "") != (e.ID == "E1") {
				t.Errorf("%s: %+v, %v", body, e, err)
			}
		}
	})
}

func TestSignatureSettings(t *testing.T) {
	for want, makes := range map[string]func() (httpserver.Verifier, error){
		"SignatureSettings.Secrets: got 0 secrets, want 1 to 8":   func() (httpserver.Verifier, error) { return httpserver.NewStripe(signing()) },
		"SignatureSettings.Secrets: got 9 secrets, want 1 to 8":   func() (httpserver.Verifier, error) { return httpserver.NewSlack(signing(make([]string, 9)...)) },
		`BodySignatureSettings.Secrets[1]: got "", want a secret`: func() (httpserver.Verifier, error) { return httpserver.NewGitHub(bodySigning("a", "")) },
		"SignatureSettings.Secrets[0]: got something that is not base64, want " + wantSecret: func() (httpserver.Verifier, error) {
			return httpserver.NewStandardWebhooks(signing("whsec_?"))
		},
		"SignatureSettings.Secrets[0]: got 3 bytes, want " + wantSecret: func() (httpserver.Verifier, error) {
			return httpserver.NewStandardWebhooks(signing("whsec_AAAA"))
		},
		"SignatureSettings.Secrets[0]: got 33 bytes, want " + wantSecret: func() (httpserver.Verifier, error) {
			return httpserver.NewStandardWebhooks(signing("whpk_" + strings.Repeat("A", 44)))
		},
		"SignatureSettings.Tolerance: got -1ns, want 0 (the default, 5m) or at least 1s": func() (httpserver.Verifier, error) {
			return httpserver.NewStripe(httpserver.SignatureSettings{Secrets: []string{"s"}, Tolerance: -1})
		},
	} {
		_, err := makes()
		var setting *resilience.SettingError
		if !errors.As(err, &setting) || fmt.Sprint(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

const wantSecret = "whsec_ and at least 16 bytes in base64, or whpk_ and a public key of 32 bytes in base64"
