package delivery

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"io"
	"net/url"
	"slices"
	"strings"

	"brownout/chaosserver/journal"
)

// twilio signs the URL and behind it the names and values of the form, sorted by name, with HMAC-SHA1, in base64. Of a body
// that is no form the URL has the hash, as bodySHA256.
var twilio = Sender{
	name: "twilio", form: true, alien: alienSecret,
	path: func(p *parts) string {
		if p.kind == formType {
			return p.path
		}
		digest := sha256.Sum256(p.body)
		separator := "?"
		if strings.Contains(p.path, "?") {
			separator = "&"
		}
		return p.path + separator + "bodySHA256=" + inHex(digest[:])
	},
	sign: func(p *parts, secret string) (signature, error) {
		h := hmac.New(sha1.New, []byte(secret))
		_, _ = io.WriteString(h, p.Base+p.path) // a hash never fails
		if p.kind == formType {
			if err := writeForm(h, string(p.body)); err != nil {
				return signature{}, err
			}
		}
		return signature{"", inBase64(h.Sum(nil))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "I-Twilio-Idempotency-Token", Value: p.ID}}
		if signatures != nil {
			fields = append(fields, journal.Field{Name: "X-Twilio-Signature", Value: listed(signatures, "", "")})
		}
		return fields
	},
}

// writeForm writes each name of a form with its values behind it, sorted by name.
func writeForm(w io.Writer, body string) error {
	form, err := url.ParseQuery(body)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range form[name] {
			_, _ = io.WriteString(w, name+v) // a hash never fails
		}
	}
	return nil
}
