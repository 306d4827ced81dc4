// Package oracle holds the signatures of package delivery to the libraries by which the services' own customers check them.
// It is a module of its own, so that no user of Brownout downloads them.
package oracle

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v74/github"
	"github.com/slack-go/slack"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v82/webhook"
	twilio "github.com/twilio/twilio-go/client"

	"brownout/chaosserver/delivery"
	"brownout/scenarios"
)

const (
	base   = "https://consumer.test"
	path   = "/hooks?source=1"
	other  = "another-secret"
	secret = "the-secret-of-this-consumer"
	whsec  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// checks say whether a library takes a delivery.
var checks = map[string]func(h http.Header, target string, body []byte) error{
	"standard": func(h http.Header, _ string, body []byte) error {
		w, err := standardwebhooks.NewWebhook(whsec)
		if err != nil {
			return err
		}
		return w.Verify(body, h)
	},
	"stripe": func(h http.Header, _ string, body []byte) error {
		return webhook.ValidatePayload(body, h.Get("Stripe-Signature"), secret)
	},
	"slack": func(h http.Header, _ string, body []byte) error {
		v, err := slack.NewSecretsVerifier(h, secret)
		if err != nil {
			return err
		}
		_, _ = v.Write(body) // a hash never fails
		return v.Ensure()
	},
	"github": func(h http.Header, target string, body []byte) error {
		r, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header = h
		_, err = github.ValidatePayload(r, []byte(secret))
		return err
	},
	"twilio": func(h http.Header, target string, body []byte) error {
		v := twilio.NewRequestValidator(secret)
		ok := false
		if h.Get("Content-Type") == "application/json" {
			ok = v.ValidateBody(target, body, h.Get("X-Twilio-Signature"))
		} else {
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return err
			}
			params := map[string]string{}
			for name := range form {
				params[name] = form.Get(name)
			}
			ok = v.Validate(target, params, h.Get("X-Twilio-Signature"))
		}
		if !ok {
			return http.ErrNotSupported
		}
		return nil
	},
}

// TestLibraries: each library takes what is good, and refuses each way in which a delivery is tampered with.
func TestLibraries(t *testing.T) {
	for name, check := range checks {
		sender, err := delivery.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		traits, _ := scenarios.SenderNamed(name)
		for _, text := range []string{"", `{"id":"evt_1","event_id":"evt_1","n":1e2, "name":"caf\u00e9"}`} {
			for _, tamper := range append([]string{""}, traits.Tampers...) {
				m := delivery.Message{ID: "evt_1", Type: "push", Signed: time.Now(), Base: base, Path: path, Secrets: []string{secret}, Tamper: tamper}
				if name == "standard" {
					m.Secrets = []string{whsec}
				}
				if text != "" {
					m.Body, m.Text = scenarios.BodyText, []byte(text)
				}
				r, err := sender.Request(&m)
				if err != nil {
					t.Fatal(err)
				}
				h := http.Header{}
				for _, f := range r.Header {
					h.Add(f.Name, f.Value)
				}
				if err := check(h, base+r.Path, r.Body); (err == nil) != (tamper == "") {
					t.Errorf("%s, tampered with %q, body %q: the library says %v", name, tamper, text, err)
				}
			}
		}
	}
}

// TestSkew: the libraries that look at the timestamp draw the line between what has to be taken and what has to be refused.
func TestSkew(t *testing.T) {
	for _, name := range []string{"standard", "slack", "stripe"} {
		for _, off := range []time.Duration{-10 * time.Minute, -4 * time.Minute, 4 * time.Minute, 10 * time.Minute} {
			if name == "stripe" && off > 0 {
				continue // stripe-go looks at the past alone
			}
			sender, err := delivery.Named(name)
			if err != nil {
				t.Fatal(err)
			}
			m := delivery.Message{ID: "evt_1", Signed: time.Now().Add(off), Base: base, Path: path, Secrets: []string{secret}}
			if name == "standard" {
				m.Secrets = []string{whsec}
			}
			r, err := sender.Request(&m)
			if err != nil {
				t.Fatal(err)
			}
			h := http.Header{}
			for _, f := range r.Header {
				h.Add(f.Name, f.Value)
			}
			if err := checks[name](h, base+r.Path, r.Body); (err == nil) != (off.Abs() < 5*time.Minute) {
				t.Errorf("%s, %v off: the library says %v", name, off, err)
			}
		}
	}
}

// TestRotation: each of two signatures suffices.
func TestRotation(t *testing.T) {
	for name, secrets := range map[string][]string{"standard": {"whsec_" + strings.Repeat("A", 32), whsec}, "stripe": {other, secret}} {
		for range 2 {
			sender, err := delivery.Named(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := sender.Request(&delivery.Message{ID: "evt_1", Signed: time.Now(), Base: base, Path: path, Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			h := http.Header{}
			for _, f := range r.Header {
				h.Add(f.Name, f.Value)
			}
			if err := checks[name](h, base+r.Path, r.Body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			slices.Reverse(secrets)
		}
	}
}
