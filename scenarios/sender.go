package scenarios

import (
	"slices"
	"time"
)

// Sender is the row of one convention of webhooks: what a scenario may ask of it. How it signs is the business of package
// delivery, which has a row for each of them.
type Sender struct {
	Name string
	Doc  string // who sends so, and where id, time and signature go

	Timeout time.Duration // how long it waits for an answer, unless an entry says otherwise
	// Schedule is what the sender's documentation says of redeliveries: so long after each that failed. nil: it names no such
	// times, or does not redeliver by itself.
	Schedule []time.Duration
	Marks    bool // a redelivery carries its number
	Timed    bool // a timestamp is signed
	Many     bool // a delivery may carry several signatures
	Signs    bool // there is a signature

	// ID and Type are the members of the body in which the event's id and type stand; "" where they stand in header fields, or
	// nowhere.
	ID, Type string
	// Tampers are the ways to tamper with a delivery that a consumer can see.
	Tampers []string
	Secret  string // the test secret
}

// The ways to tamper with a delivery.
const (
	TamperNoSignature        = "no-signature"        // the field is missing
	TamperEmptySignature     = "empty-signature"     // nothing stands behind the scheme
	TamperTruncatedSignature = "truncated-signature" // its end is cut off
	TamperUnknownScheme      = "unknown-scheme"      // the signature is right, and of a scheme that nobody knows
	TamperPublicKeyOnly      = "public-key-only"     // signed with a key pair that the consumer was not told of, and not with the secret
	TamperWrongSecret        = "wrong-secret"        // signed with another secret
	TamperBodyPlusOne        = "body-plus-one"       // one byte more than was signed
	TamperIDSwapped          = "id-swapped"          // another id than was signed
	TamperGarbageTimestamp   = "garbage-timestamp"   // no timestamp at all, and signed so
)

// tampers are all of them, in the order of the documentation.
var tampers = []string{TamperNoSignature, TamperEmptySignature, TamperTruncatedSignature, TamperUnknownScheme, TamperPublicKeyOnly,
	TamperWrongSecret, TamperBodyPlusOne, TamperIDSwapped, TamperGarbageTimestamp}

// but returns the ways to tamper without some of them.
func but(without ...string) []string {
	return slices.DeleteFunc(slices.Clone(tampers), func(t string) bool { return slices.Contains(without, t) })
}

// testSecret is the secret of the senders that take any text.
const testSecret = "brownout-test-secret"

// senders are the conventions of webhooks, in the order of their documentation. The numbers are of the senders' own
// documentation, but for the timeouts of Stripe, PayPal, CloudEvents and none, which name no number.
var senders = []Sender{
	{
		Name: "standard", Doc: "Standard Webhooks 1.0.0: webhook-id, webhook-timestamp, webhook-signature; v1 by a whsec_ secret, v1a by a whsk_ key.",
		Timeout: 15 * time.Second, Timed: true, Many: true, Signs: true, Type: "type", Tampers: but(),
		Schedule: []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
			14 * time.Hour, 20 * time.Hour, 24 * time.Hour},
		Secret: "whsec_YnJvd25vdXQtdGVzdC1zZWNyZXQtMjQtYnl0ZXM=",
	},
	{
		Name: "stripe", Doc: "Stripe: id and type in the body, Stripe-Signature with t and v1.",
		Timeout: 10 * time.Second, Timed: true, Many: true, Signs: true, ID: "id", Type: "type", Tampers: but(TamperPublicKeyOnly),
		Secret: "whsec_brownout_test_secret",
	},
	{
		Name: "github", Doc: "GitHub: X-GitHub-Delivery, X-GitHub-Event, X-Hub-Signature-256. It signs neither id nor time, and does not redeliver by itself.",
		Timeout: 10 * time.Second, Signs: true, Tampers: but(TamperPublicKeyOnly, TamperIDSwapped, TamperGarbageTimestamp), Secret: testSecret,
	},
	{
		Name: "slack", Doc: "Slack Events API: event_id in the body, X-Slack-Request-Timestamp, X-Slack-Signature; X-Slack-Retry-Num and -Reason.",
		Timeout: 3 * time.Second, Schedule: []time.Duration{0, time.Minute, 5 * time.Minute}, Marks: true, Timed: true, Signs: true,
		ID: "event_id", Type: "type", Tampers: but(TamperPublicKeyOnly), Secret: testSecret,
	},
	{
		Name: "shopify", Doc: "Shopify: X-Shopify-Webhook-Id, X-Shopify-Topic, X-Shopify-Hmac-Sha256. It signs neither id nor time.",
		Timeout: 5 * time.Second, Signs: true,
		Tampers: but(TamperUnknownScheme, TamperPublicKeyOnly, TamperIDSwapped, TamperGarbageTimestamp), Secret: testSecret,
	},
	{
		Name: "twilio", Doc: "Twilio: I-Twilio-Idempotency-Token, X-Twilio-Signature over the URL and the form's fields; of JSON, over the URL with bodySHA256.",
		Timeout: 15 * time.Second, Signs: true,
		Tampers: but(TamperUnknownScheme, TamperPublicKeyOnly, TamperIDSwapped, TamperGarbageTimestamp), Secret: testSecret,
	},
	{
		Name: "paypal", Doc: "PayPal: PAYPAL-TRANSMISSION-ID, -TIME, -SIG by RSA with a key of this run; the secret is the webhook's id. The certificate is in BROWNOUT_WEBHOOK_CERT.",
		Timeout: 30 * time.Second, Timed: true, Signs: true, ID: "id", Type: "event_type", Tampers: but(TamperPublicKeyOnly),
		Secret: "WH-BROWNOUT-TEST",
	},
	{
		Name: "cloudevents", Doc: "CloudEvents over HTTP, binary mode: ce-id, ce-source, ce-type, ce-time. It signs nothing.",
		Timeout: 15 * time.Second,
	},
	{
		Name: "none", Doc: "Nothing but the body and its headers; the id stands in X-Event-Id.",
		Timeout: 15 * time.Second,
	},
}

// Senders returns the conventions of webhooks, in the order of their documentation. The slice is the caller's, what its
// elements hold is shared and read-only.
func Senders() []Sender { return slices.Clone(senders) }

// SenderNamed returns the row of a sender.
func SenderNamed(name string) (Sender, bool) {
	i := slices.IndexFunc(senders, func(s Sender) bool { return s.Name == name })
	if i < 0 {
		return Sender{}, false
	}
	return senders[i], true
}

func senderNames() []string {
	names := make([]string, len(senders))
	for i := range senders {
		names[i] = senders[i].Name
	}
	return names
}
