package httpserver_test

import (
	"context"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"brownout/resilience/httpserver"
	"brownout/resilience/store"
)

// A payment is made once, however often it is asked for with one key.
func ExampleNewIdempotency() {
	memory, err := store.NewMemory(store.MemorySettings{})
	if err != nil {
		panic(err)
	}
	once, err := httpserver.NewIdempotency(memory, httpserver.IdempotencySettings{
		Principal: func(r *http.Request) string { return r.Header.Get("Account") }, // as authenticated
		Required:  true,
	})
	if err != nil {
		panic(err)
	}
	payments := 0
	pay := once.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payments++
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, "payment %d for %s", payments, httpserver.ExecutionOf(r.Context()).Key)
	}))

	for _, c := range []struct{ key, body string }{{"k1", "10"}, {"k1", "10"}, {"k1", "99"}, {"", "10"}} {
		r := httptest.NewRequest("POST", "/payments", strings.NewReader(c.body))
		r.Header.Set("Account", "acct_1")
		if c.key != "" {
			r.Header.Set("Idempotency-Key", c.key)
		}
		w := httptest.NewRecorder()
		pay.ServeHTTP(w, r)
		if w.Code == http.StatusCreated {
			fmt.Println(w.Code, w.Body, "replayed:", w.Header().Get(httpserver.ReplayedHeader) == "true")
		} else {
			fmt.Println(w.Code)
		}
	}
	// Output:
	// 201 payment 1 for k1 replayed: false
	// 201 payment 1 for k1 replayed: true
	// 422
	// 400
}

// A handler that did nothing says so, and the same request runs anew.
func ExampleNotApplied() {
	memory, _ := store.NewMemory(store.MemorySettings{})
	once, _ := httpserver.NewIdempotency(memory, httpserver.IdempotencySettings{Principal: httpserver.NoPrincipal})
	down := true
	handler := once.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			httpserver.NotApplied(r.Context())
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	for range 2 {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Idempotency-Key", "k1")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
		down = false
	}
	// Output:
	// 503
	// 200
}

// An event that is delivered three times, once before the database is there, has one effect.
func ExampleNewWebhook() {
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	memory, _ := store.NewMemory(store.MemorySettings{})
	verifier, err := httpserver.NewStandardWebhooks(httpserver.SignatureSettings{Secrets: []string{secret}})
	if err != nil {
		panic(err)
	}
	down := true
	hook, err := httpserver.NewWebhook(memory, httpserver.WebhookSettings{
		Source:   "billing",
		Verifier: verifier,
		Handle: func(ctx context.Context, d httpserver.Delivery) error {
			if down {
				return errors.New("the database is not there")
			}
			fmt.Printf("event %s: %s\n", d.ID, d.Body)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	for range 3 {
		const id, body = "msg_1", `{"type":"invoice.paid"}`
		at := strconv.FormatInt(time.Now().Unix(), 10)
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		r := httptest.NewRequest("POST", "/hooks/billing", strings.NewReader(body))
		r.Header.Set("webhook-id", id)
		r.Header.Set("webhook-timestamp", at)
		r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, r)
		fmt.Println(w.Code)
		down = false
	}
	// Output:
	// 500
	// event msg_1: {"type":"invoice.paid"}
	// 200
	// 200
}

// The verifiers of the services that have signatures of their own. What is not signed is refused.
func ExampleVerifier() {
	shared := httpserver.SignatureSettings{Secrets: []string{"the new secret", "the one it replaces"}}
	body := httpserver.BodySignatureSettings{Secrets: shared.Secrets}
	for _, make := range []struct {
		name string
		make func() (httpserver.Verifier, error)
	}{
		{"Stripe", func() (httpserver.Verifier, error) { return httpserver.NewStripe(shared) }},
		{"Slack", func() (httpserver.Verifier, error) { return httpserver.NewSlack(shared) }},
		{"GitHub", func() (httpserver.Verifier, error) { return httpserver.NewGitHub(body) }},
		{"Shopify", func() (httpserver.Verifier, error) { return httpserver.NewShopify(body) }},
		{"Twilio", func() (httpserver.Verifier, error) {
			return httpserver.NewTwilio(httpserver.TwilioSettings{Tokens: shared.Secrets, URL: "https://example.com/hooks/twilio"})
		}},
		{"PayPal", func() (httpserver.Verifier, error) {
			return httpserver.NewPayPal(httpserver.PayPalSettings{WebhookIDs: []string{"8PT597110X687430LKGECATA"},
				Key: func(string) (*rsa.PublicKey, error) { return nil, errors.New("not fetched here") }})
		}},
		{"CloudEvents", func() (httpserver.Verifier, error) {
			return httpserver.NewCloudEvents(httpserver.CloudEventsSettings{Tokens: shared.Secrets, Origins: []string{"*"}})
		}},
	} {
		v, err := make.make()
		if err != nil {
			panic(err)
		}
		_, err = v.Verify(http.Header{}, []byte("{}"))
		fmt.Println(make.name, errors.Is(err, httpserver.ErrUnsigned))
	}
	github, _ := httpserver.NewGitHub(body)
	mac := hmac.New(sha256.New, []byte("the one it replaces"))
	mac.Write([]byte(`{"action":"opened"}`))
	event, err := github.Verify(http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}, []byte(`{"action":"opened"}`))
	fmt.Println(event.ID, err)
	// Output:
	// Stripe true
	// Slack true
	// GitHub true
	// Shopify true
	// Twilio true
	// PayPal true
	// CloudEvents true
	// sum:d592421cfe150deec6c49b8989cc9947 <nil>
}
