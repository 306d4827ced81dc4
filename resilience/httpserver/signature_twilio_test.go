package httpserver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"brownout/resilience/httpserver"
)

const (
	twilioURL  = "https://mycompany.com/myapp.php"
	twilioForm = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	twilioJSON = `{"property": "value", "boolean": true}`
	twilioHash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

func twilioRequest(target, kind, body, signature string) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	return r
}

// The signatures are those of the tests of Twilio's library for Python, tests/unit/test_request_validator.py, with the token 12345.
func TestTwilio(t *testing.T) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	const ofForm, ofJSON = "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "a9nBmqA0ju/hNViExpshrM61xv4="
	jsonAt := "/myapp.php?foo=1&bar=2&bodySHA256=" + twilioHash
	for _, c := range []struct {
		why    string
		url    string
		tokens []string
		r      *http.Request
		body   string
		want   error
	}{
		{"a form", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, nil},
		{"its kind may have parameters", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form+"; charset=UTF-8", twilioForm, ofForm), twilioForm, nil},
		{"the proxy's path is not the public one", twilioURL, []string{"12345"}, twilioRequest("/internal?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, nil},
		{"with its port", "https://mycompany.com:443/myapp.php", []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, nil},
		{"another port", "https://mycompany.com:1234/myapp.php", []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, httpserver.ErrSignature},
		{"an old token beside the new one", twilioURL, []string{"new", "12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, nil},
		{"another token", twilioURL, []string{"other"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ofForm), twilioForm, httpserver.ErrSignature},
		{"another query", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=3", form, twilioForm, ofForm), twilioForm, httpserver.ErrSignature},
		{"another value", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, "", ofForm), strings.Replace(twilioForm, "1234&", "1235&", 1), httpserver.ErrSignature},
		{"one parameter more", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, "", ofForm), twilioForm + "&Z=1", httpserver.ErrSignature},
		{"a form as what is no form", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", json, twilioForm, ofForm), twilioForm, httpserver.ErrUnsigned},
		{"no signature", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, twilioForm, ""), twilioForm, httpserver.ErrUnsigned},
		{"a form that cannot be read", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", form, "", ofForm), "a=%zz", httpserver.ErrUnsigned},
		{"JSON", twilioURL, []string{"12345"}, twilioRequest(jsonAt, json, twilioJSON, ofJSON), twilioJSON, nil},
		{"JSON, changed", twilioURL, []string{"12345"}, twilioRequest(jsonAt, json, "", ofJSON), twilioJSON + " ", httpserver.ErrSignature},
		{"JSON, with the hash of what it was changed to", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2&bodySHA256="+strings.Repeat("0", 64), json, "", ofJSON), twilioJSON, httpserver.ErrSignature},
		{"JSON without its hash", twilioURL, []string{"12345"}, twilioRequest("/myapp.php?foo=1&bar=2", json, "", ofJSON), twilioJSON, httpserver.ErrUnsigned},
	} {
		v, err := httpserver.NewTwilio(httpserver.TwilioSettings{Tokens: c.tokens, URL: c.url})
		if err != nil {
			t.Fatal(err)
		}
		e, err := v.VerifyRequest(c.r, []byte(c.body))
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || e.ID == "") {
			t.Errorf("%s: %+v, %v; want %v", c.why, e, err, c.want)
		}
	}
}

func TestTwilioIDs(t *testing.T) {
	v, err := httpserver.NewTwilio(httpserver.TwilioSettings{Tokens: []string{"12345"}, URL: twilioURL, TrustID: true})
	if err != nil {
		t.Fatal(err)
	}
	r := twilioRequest("/myapp.php?foo=1&bar=2", "application/x-www-form-urlencoded", twilioForm, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
	if e, err := v.VerifyRequest(r, []byte(twilioForm)); !errors.Is(err, httpserver.ErrUnsigned) {
		t.Errorf("without the header that is trusted: %+v, %v", e, err)
	}
	r.Header.Set("I-Twilio-Idempotency-Token", "6f1a")
	if e, err := v.VerifyRequest(r, []byte(twilioForm)); err != nil || e.ID != "6f1a" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestTwilioSettings(t *testing.T) {
	for _, c := range []struct {
		s    httpserver.TwilioSettings
		want string
	}{
		{httpserver.TwilioSettings{URL: twilioURL}, "TwilioSettings.Tokens: got 0 secrets, want 1 to 8"},
		{httpserver.TwilioSettings{Tokens: []string{"a"}, URL: "/hooks"}, "TwilioSettings.URL: got /hooks, want the URL of the endpoint without a query, such as https://example.com/hooks/twilio"},
		{httpserver.TwilioSettings{Tokens: []string{"a"}, URL: twilioURL + "?a=b"}, "TwilioSettings.URL: got " + twilioURL + "?a=b, want the URL of the endpoint without a query, such as https://example.com/hooks/twilio"},
	} {
		if _, err := httpserver.NewTwilio(c.s); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.s, err, c.want)
		}
	}
}
