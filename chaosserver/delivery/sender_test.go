package delivery

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// today is when the deliveries of these tests are signed.
var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// plain is a delivery without anything special.
func plain(t *testing.T, sender string) Message {
	t.Helper()
	traits, ok := scenarios.SenderNamed(sender)
	if !ok {
		t.Fatalf("the grammar has no sender %q", sender)
	}
	m := Message{ID: "evt_1", Type: "payment.made", Signed: today, Base: "http://consumer.test", Path: "/hooks"}
	if traits.Signs {
		m.Secrets = []string{traits.Secret}
	}
	return m
}

// TestSendersOfTheGrammar: each sender of the grammar is carried out, with what its row says of it.
func TestSendersOfTheGrammar(t *testing.T) {
	var names []string
	for _, s := range scenarios.Senders() {
		names = append(names, s.Name)
		got := named(t, s.Name)
		if (got.sign != nil) != s.Signs || (got.stamp != nil) != s.Timed || got.fields == nil || (got.members == nil) == (s.ID != "" || s.Type != "") {
			t.Errorf("%s: the row of the grammar says %+v", s.Name, s)
		}
		if scheme := got.unknown != ""; scheme != slices.Contains(s.Tampers, scenarios.TamperUnknownScheme) {
			t.Errorf("%s: an unknown scheme is %q", s.Name, got.unknown)
		}
		if public := got.public != ""; public != slices.Contains(s.Tampers, scenarios.TamperPublicKeyOnly) {
			t.Errorf("%s: a key of nobody is %q", s.Name, got.public)
		}
	}
	if !slices.Equal(names, Names()) {
		t.Errorf("the grammar has %v, and here are %v", names, Names())
	}
	if _, err := Named("stripes"); err == nil || !strings.Contains(err.Error(), "there are standard, stripe") {
		t.Errorf("an unknown sender: %v", err)
	}
}

// TestFields: id, type and retry marker stand where each sender has them.
func TestFields(t *testing.T) {
	for _, c := range []struct {
		sender string
		fields map[string]string // of the header
		body   map[string]any
	}{
		{"standard", map[string]string{"webhook-id": "evt_1", "webhook-timestamp": "1795608000", "Content-Type": "application/json"},
			map[string]any{"id": "evt_1", "type": "payment.made"}},
		{"stripe", map[string]string{"Content-Type": "application/json"}, map[string]any{"id": "evt_1", "object": "event", "type": "payment.made"}},
		{"github", map[string]string{"X-GitHub-Delivery": "evt_1", "X-GitHub-Event": "payment.made"}, map[string]any{"id": "evt_1", "type": "payment.made"}},
		{"slack", map[string]string{"X-Slack-Request-Timestamp": "1795608000", "X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "http_error"},
			map[string]any{"event_id": "evt_1", "type": "event_callback", "event": map[string]any{"type": "payment.made"}}},
		{"shopify", map[string]string{"X-Shopify-Webhook-Id": "evt_1", "X-Shopify-Topic": "payment.made", "X-Shopify-Triggered-At": "2026-11-25T12:00:00Z"},
			map[string]any{"id": "evt_1", "type": "payment.made"}},
		{"twilio", map[string]string{"I-Twilio-Idempotency-Token": "evt_1", "Content-Type": "application/x-www-form-urlencoded"}, nil},
		{"paypal", map[string]string{"PAYPAL-TRANSMISSION-ID": "evt_1", "PAYPAL-TRANSMISSION-TIME": "2026-11-25T12:00:00Z", "PAYPAL-AUTH-ALGO": "SHA256withRSA"},
			map[string]any{"id": "evt_1", "event_type": "payment.made"}},
		{"cloudevents", map[string]string{"ce-id": "evt_1", "ce-type": "payment.made", "ce-specversion": "1.0", "ce-source": "/brownout", "ce-time": "2026-11-25T12:00:00Z"},
			map[string]any{"id": "evt_1", "type": "payment.made"}},
		{"none", map[string]string{"X-Event-Id": "evt_1", "X-Event-Type": "payment.made"}, map[string]any{"id": "evt_1", "type": "payment.made"}},
	} {
		m := plain(t, c.sender)
		m.Retry, m.Reason = 2, reasonStatus
		r := request(t, c.sender, m)
		for name, want := range c.fields {
			if got := r.field(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.sender, name, got, want)
			}
		}
		if marked := r.field("X-Slack-Retry-Num") != ""; marked != (c.sender == "slack") {
			t.Errorf("%s: the retry marker is %q", c.sender, r.field("X-Slack-Retry-Num"))
		}
		if c.body == nil {
			if string(r.Body) != "EventType=payment.made&MessageSid=evt_1" {
				t.Errorf("%s: the body is %s", c.sender, r.Body)
			}
			continue
		}
		want, err := json.Marshal(c.body)
		if err != nil {
			t.Fatal(err)
		}
		if got := canonical(t, r.Body); got != string(want) {
			t.Errorf("%s: the body is %s, want %s", c.sender, got, want)
		}
	}
}

// canonical is JSON with its members sorted.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBodies: a text is sent byte for byte; a JSON object gets the members that the sender's events have, unless it has them.
func TestBodies(t *testing.T) {
	for _, c := range []struct {
		sender string
		kind   scenarios.BodyKind
		body   string
		want   string
	}{
		{"slack", scenarios.BodyJSON, `{"text":"hi"}`, `{"event_id":"evt_1","type":"event_callback","event":{"type":"payment.made"},"text":"hi"}`},
		{"slack", scenarios.BodyJSON, `{"event":{"a":1},"event_id":"Ev9"}`, `{"type":"event_callback","event":{"a":1},"event_id":"Ev9"}`},
		{"slack", scenarios.BodyJSON, `{}`, `{"event_id":"evt_1","type":"event_callback","event":{"type":"payment.made"}}`},
		{"stripe", scenarios.BodyText, " {\"a\" : 1e2}\n", " {\"a\" : 1e2}\n"},
		{"standard", scenarios.BodyJSON, `{"n":1}`, `{"type":"payment.made","n":1}`},
		{"standard", scenarios.BodyJSON, `[1]`, `[1]`},
		{"github", scenarios.BodyJSON, `{"n":1}`, `{"n":1}`},
		{"none", scenarios.BodySize, "\x00\x01", "\x00\x01"},
	} {
		m := plain(t, c.sender)
		m.Body, m.Text = c.kind, []byte(c.body)
		if c.body == "[1]" {
			m.Type = "" // which would have no place
		}
		if got := string(request(t, c.sender, m).Body); got != c.want {
			t.Errorf("%s: the body is %q, want %q", c.sender, got, c.want)
		}
	}
}

// TestTampers: each way to tamper with a delivery of each sender changes what it is named after, and nothing else.
func TestTampers(t *testing.T) {
	signatures := []string{"webhook-signature", "Stripe-Signature", "X-Hub-Signature-256", "X-Slack-Signature", "X-Shopify-Hmac-Sha256",
		"X-Twilio-Signature", "PAYPAL-TRANSMISSION-SIG", "PAYPAL-AUTH-ALGO"}
	for _, s := range scenarios.Senders() {
		good := request(t, s.Name, plain(t, s.Name))
		for _, tamper := range s.Tampers {
			m := plain(t, s.Name)
			m.Tamper = tamper
			bad := request(t, s.Name, m)
			var changed []string
			for _, f := range append(slices.Clone(good.Header), bad.Header...) {
				if good.field(f.Name) != bad.field(f.Name) && !slices.Contains(changed, f.Name) {
					changed = append(changed, f.Name)
				}
			}
			if string(good.Body) != string(bad.Body) {
				changed = append(changed, "body")
			}
			allowed := map[string][]string{
				scenarios.TamperBodyPlusOne:      {"body", "Content-Length"},
				scenarios.TamperIDSwapped:        {"body", "Content-Length", "webhook-id", "PAYPAL-TRANSMISSION-ID"},
				scenarios.TamperGarbageTimestamp: append(signatures, "webhook-timestamp", "X-Slack-Request-Timestamp", "PAYPAL-TRANSMISSION-TIME"),
			}[tamper]
			if allowed == nil {
				allowed = signatures
			}
			if len(changed) == 0 || slices.ContainsFunc(changed, func(name string) bool { return !slices.Contains(allowed, name) }) {
				t.Errorf("%s, %s: changed are %v", s.Name, tamper, changed)
			}
		}
		m := plain(t, s.Name)
		m.Tamper = scenarios.TamperPublicKeyOnly
		if _, err := named(t, s.Name).Request(&m); (err == nil) != (s.Name == "standard") {
			t.Errorf("%s: tampered with as it cannot be: %v", s.Name, err)
		}
	}
	for tamper, want := range map[string]string{
		scenarios.TamperEmptySignature: "v1,", scenarios.TamperUnknownScheme: "v9,", scenarios.TamperPublicKeyOnly: "v1a,", scenarios.TamperWrongSecret: "v1,",
		scenarios.TamperTruncatedSignature: "v1,",
	} {
		m := plain(t, "standard")
		m.Tamper = tamper
		if got := request(t, "standard", m).field("webhook-signature"); !strings.HasPrefix(got, want) || tamper == scenarios.TamperEmptySignature && got != want {
			t.Errorf("%s: the signature is %q, want %q first", tamper, got, want)
		}
	}
	if r := request(t, "standard", plain(t, "standard")); r.field("webhook-signature") == "" {
		t.Error("a good delivery is not signed")
	}
}

// TestOwnFields: fields of the scenario come behind the sender's, and in place of the two that stand once.
func TestOwnFields(t *testing.T) {
	m := plain(t, "none")
	m.Header = []journal.Field{{Name: "content-type", Value: "text/plain"}, {Name: "X-Event-Id", Value: "second"}, {Name: "User-Agent", Value: "me"}}
	r := request(t, "none", m)
	var got []string
	for _, f := range r.Header {
		got = append(got, f.Name+": "+f.Value)
	}
	want := []string{"User-Agent: me", "content-type: text/plain", "X-Event-Id: evt_1", "X-Event-Type: payment.made", "X-Event-Id: second", "Content-Length: 36"}
	if !slices.Equal(got, want) {
		t.Errorf("the fields are %q, want %q", got, want)
	}
}
