package httpserver

import (
	"crypto/hmac"
	"crypto/sha1" // what Twilio signs with; as a MAC it is not broken
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"brownout/resilience"
)

const (
	twilioSignature = "X-Twilio-Signature"
	twilioToken     = "I-Twilio-Idempotency-Token"
)

// TwilioSettings are what the [Verifier] of [NewTwilio] checks against.
type TwilioSettings struct {
	// Tokens are the auth tokens of the account: one, and while it is rotated the primary and the secondary. Required.
	Tokens []string
	// URL is the address of the endpoint as Twilio calls it, without a query. Twilio signs it, and behind a proxy a request does
	// not tell it. Required.
	URL string
	// TrustID is as in [BodySignatureSettings], with the header I-Twilio-Idempotency-Token, which is not signed.
	TrustID bool
}

type twilio struct {
	tokens  [][]byte
	urls    []string // as given, and with its port spelled the other way
	trustID bool
}

// NewTwilio returns a [RequestVerifier] for webhooks of Twilio: HMAC-SHA1 of the URL with its query and, of a form, the sorted
// parameters (twilio.com/docs/usage/security). Of another body, such as JSON, the query has the SHA-256 as bodySHA256.
func NewTwilio(s TwilioSettings) (RequestVerifier, error) {
	if err := checkSecrets("TwilioSettings.Tokens", s.Tokens); err != nil {
		return nil, err
	}
	at, err := url.Parse(s.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.RawQuery != "" || at.Fragment != "" {
		return nil, &resilience.SettingError{Field: "TwilioSettings.URL", Value: s.URL, Want: "the URL of the endpoint without a query, such as https://example.com/hooks/twilio"}
	}
	return &twilio{tokens: texts(s.Tokens), urls: spellings(at), trustID: s.TrustID}, nil
}

// spellings returns the URL as it is and with its default port added or left out, for Twilio's services do not agree about it.
func spellings(at *url.URL) []string {
	other := *at
	port := map[string]string{"http": "80", "https": "443"}[at.Scheme]
	switch at.Port() {
	case "":
		other.Host += ":" + port
	case port:
		other.Host = strings.TrimSuffix(other.Host, ":"+port)
	default:
		return []string{at.String()}
	}
	return []string{at.String(), other.String()}
}

// Verify is described at [Verifier]; the URL is taken to have no query.
func (v *twilio) Verify(header http.Header, body []byte) (Event, error) {
	return v.verify("", header, body)
}

// VerifyRequest is described at [RequestVerifier].
func (v *twilio) VerifyRequest(r *http.Request, body []byte) (Event, error) {
	return v.verify(r.URL.RawQuery, r.Header, body)
}

func (v *twilio) verify(query string, header http.Header, body []byte) (Event, error) {
	signature, err := one(header, twilioSignature)
	if err != nil {
		return Event{}, err
	}
	params, err := signedParams(query, header, body)
	if err != nil {
		return Event{}, err
	}
	if query != "" {
		query = "?" + query
	}
	if !v.matches(signature, query, params) {
		return Event{}, ErrSignature
	}
	if !v.trustID {
		return Event{ID: hashID([]byte(query + "\n" + string(body)))}, nil
	}
	id, err := one(header, twilioToken)
	return Event{ID: id}, err
}

func (v *twilio) matches(signature, query, params string) bool {
	for _, token := range v.tokens {
		for _, at := range v.urls {
			mac := hmac.New(sha1.New, token)
			_, _ = io.WriteString(mac, at+query+params) // never fails
			if equal(base64.StdEncoding.AppendEncode(nil, mac.Sum(nil)), signature) {
				return true
			}
		}
	}
	return false
}

// signedParams returns what is signed behind the URL: of a form every name and value, sorted by name; of another body
// nothing, after it was compared to its hash, which the URL has.
func signedParams(query string, header http.Header, body []byte) (string, error) {
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return "", checkBodyHash(query, body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", fmt.Errorf("%w: the form cannot be read: %w", ErrUnsigned, err)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			b.WriteString(name)
			b.WriteString(value)
		}
	}
	return b.String(), nil
}

// checkBodyHash compares a body to the hash that the signed query has of it.
func checkBodyHash(query string, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	values, err := url.ParseQuery(query)
	given := values.Get("bodySHA256")
	if err != nil || given == "" {
		return fmt.Errorf("%w: the query has no bodySHA256 of a body that is no form", ErrUnsigned)
	}
	sum := sha256.Sum256(body)
	if !equal(hex.AppendEncode(nil, sum[:]), strings.ToLower(given)) {
		return ErrSignature
	}
	return nil
}
