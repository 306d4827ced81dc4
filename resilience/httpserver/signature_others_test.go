package httpserver_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

func TestPayPal(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const cert, at, body = "https://api.paypal.com/v1/notifications/certs/CERT-1", "2026-11-25T10:00:00Z", `{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}`
	sign := func(webhook, body string) http.Header {
		sum := sha256.Sum256(fmt.Appendf(nil, "t1|%s|%s|%d", at, webhook, crc32.ChecksumIEEE([]byte(body))))
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return headers("PAYPAL-TRANSMISSION-ID", "t1", "PAYPAL-TRANSMISSION-TIME", at, "PAYPAL-CERT-URL", cert,
			"PAYPAL-AUTH-ALGO", "SHA256withRSA", "PAYPAL-TRANSMISSION-SIG", base64.StdEncoding.EncodeToString(sig))
	}
	with := func(h http.Header, name, value string) http.Header {
		h.Set(name, value)
		return h
	}
	v, err := httpserver.NewPayPal(httpserver.PayPalSettings{WebhookIDs: []string{"new", "8PT"}, Key: func(url string) (*rsa.PublicKey, error) {
		if url != cert {
			return nil, errors.New("not PayPal's")
		}
		return &key.PublicKey, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why    string
		header http.Header
		body   string
		want   error
	}{
		{"as it was sent", sign("8PT", body), body, nil},
		{"another webhook of the sender", sign("other", body), body, httpserver.ErrSignature},
		{"another body", sign("8PT", body), body + " ", httpserver.ErrSignature},
		{"another transmission", with(sign("8PT", body), "PAYPAL-TRANSMISSION-ID", "t2"), body, httpserver.ErrSignature},
		{"another time", with(sign("8PT", body), "PAYPAL-TRANSMISSION-TIME", "2026-11-25T10:00:01Z"), body, httpserver.ErrSignature},
		{"no time", with(sign("8PT", body), "PAYPAL-TRANSMISSION-TIME", "noon"), body, httpserver.ErrUnsigned},
		{"somebody's certificate", with(sign("8PT", body), "PAYPAL-CERT-URL", "https://paypal.evil.test/cert"), body, httpserver.ErrSignature},
		{"another algorithm", with(sign("8PT", body), "PAYPAL-AUTH-ALGO", "SHA1withRSA"), body, httpserver.ErrUnsigned},
		{"a signature that is none", with(sign("8PT", body), "PAYPAL-TRANSMISSION-SIG", "?"), body, httpserver.ErrUnsigned},
		{"no signature", with(sign("8PT", body), "PAYPAL-TRANSMISSION-SIG", ""), body, httpserver.ErrUnsigned},
	} {
		e, err := v.Verify(c.header, []byte(c.body))
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || e.ID != "WH-1" || e.Signed.IsZero()) {
			t.Errorf("%s: %+v, %v; want %v", c.why, e, err, c.want)
		}
	}
	for want, s := range map[string]httpserver.PayPalSettings{
		"PayPalSettings.WebhookIDs: got 0 secrets, want 1 to 8": {},
		"PayPalSettings.Key: got nil, want a function":          {WebhookIDs: []string{"a"}},
	} {
		if _, err := httpserver.NewPayPal(s); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestCloudEvents(t *testing.T) {
	v, err := httpserver.NewCloudEvents(httpserver.CloudEventsSettings{Tokens: []string{"old", "new"}, Origins: []string{"emitter.test"}})
	if err != nil {
		t.Fatal(err)
	}
	const structured = `{"specversion":"1.0","source":"/s","id":"1","type":"t"}`
	binary := func(token, source, id string) http.Header {
		return headers("Authorization", token, "Ce-Source", source, "Ce-Id", id, "Content-Type", "application/json")
	}
	ids := map[string]bool{}
	for _, c := range []struct {
		why    string
		header http.Header
		body   string
		want   error
	}{
		{"binary", binary("Bearer new", "/s", "1"), "{}", nil},
		{"the old token, and another source", binary("bearer old", "/t", "1"), "{}", nil},
		{"parts that run together", binary("Bearer new", "/", "s1"), "{}", nil},
		{"another token", binary("Bearer other", "/s", "1"), "{}", httpserver.ErrSignature},
		{"another scheme", binary("Basic new", "/s", "1"), "{}", httpserver.ErrUnsigned},
		{"no token", binary("", "/s", "1"), "{}", httpserver.ErrUnsigned},
		{"no id", binary("Bearer new", "/s", ""), "{}", httpserver.ErrUnsigned},
		{"structured, without a source", headers("Authorization", "Bearer new", "Content-Type", "application/cloudevents+json"), `{"id":"1"}`, httpserver.ErrUnsigned},
		{"a batch", headers("Authorization", "Bearer new", "Content-Type", "application/cloudevents-batch+json"), "[" + structured + "]", httpserver.ErrUnsigned},
	} {
		e, err := v.Verify(c.header, []byte(c.body))
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || ids[e.ID]) {
			t.Errorf("%s: %+v, %v; want %v, and an id of its own", c.why, e, err, c.want)
		}
		ids[e.ID] = true
	}
	one, err1 := v.Verify(binary("Bearer new", "/s", "1"), nil)
	other, err2 := v.Verify(headers("Authorization", "Bearer new", "Content-Type", "application/cloudevents+json; charset=utf-8"), []byte(structured))
	if err1 != nil || err2 != nil || one.ID != other.ID {
		t.Errorf("%+v, %v and %+v, %v: one event in two modes", one, err1, other, err2)
	}
	for want, s := range map[string]httpserver.CloudEventsSettings{
		"CloudEventsSettings.Tokens: got 0 secrets, want 1 to 8":                        {},
		`CloudEventsSettings.Origins: got none, want the origins that may send, or "*"`: {Tokens: []string{"a"}},
	} {
		if _, err := httpserver.NewCloudEvents(s); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The handshake grants what was asked to whom it is meant for, and has no effect. Of other senders OPTIONS is no method.
func TestCloudEventsHandshake(t *testing.T) {
	m, err := store.NewMemory(store.MemorySettings{})
	if err != nil {
		t.Fatal(err)
	}
	receive := func(v httpserver.Verifier, err error) http.Handler {
		h, err := httpserver.NewWebhook(m, httpserver.WebhookSettings{Source: "s", Verifier: verifier(t, v, err),
			Handle: func(context.Context, httpserver.Delivery) error { t.Error("handled"); return nil }})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	events := receive(httpserver.NewCloudEvents(httpserver.CloudEventsSettings{Tokens: []string{"a"}, Origins: []string{"emitter.test"}}))
	for _, c := range []struct {
		h       http.Handler
		origin  string
		status  int
		allowed string
	}{
		{events, "emitter.test", 200, "emitter.test"},
		{events, "evil.test", 200, ""},
		{events, "", 200, ""},
		{receive(httpserver.NewGitHub(bodySigning("a"))), "emitter.test", 405, ""},
	} {
		r, w := httptest.NewRequest("OPTIONS", "/hooks", strings.NewReader("")), httptest.NewRecorder()
		r.Header.Set("WebHook-Request-Origin", c.origin)
		r.Header.Set("WebHook-Request-Rate", "120")
		c.h.ServeHTTP(w, r)
		rate := w.Header().Get("WebHook-Allowed-Rate")
		if w.Code != c.status || w.Header().Get("WebHook-Allowed-Origin") != c.allowed || (rate == "*") != (c.allowed != "") || w.Header().Get("Allow") != "POST" {
			t.Errorf("origin %q: %d, %v", c.origin, w.Code, w.Header())
		}
	}
}
