package httpserver

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	slackSignature = "X-Slack-Signature"
	slackTimestamp = "X-Slack-Request-Timestamp"
)

type slack struct {
	set  SignatureSettings
	macs macs
}

// NewSlack returns a [Verifier] for requests of Slack: HMAC-SHA256 of the timestamp and the body, version v0
// (api.slack.com/authentication/verifying-requests-from-slack). An event's id is the member "event_id" of the signed body;
// without one, as of a slash command, it is a hash of the body. The handshake url_verification is answered. The headers
// X-Slack-Retry-Num and -Reason are not looked at: a retry may be the first delivery that arrives.
func NewSlack(s SignatureSettings) (Verifier, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &slack{set: s, macs: newMacs(texts(s.Secrets), asHex)}, nil
}

// Verify is described at [Verifier].
func (v *slack) Verify(header http.Header, body []byte) (Event, error) {
	timestamp, err := one(header, slackTimestamp)
	if err != nil {
		return Event{}, err
	}
	field, err := one(header, slackSignature)
	if err != nil {
		return Event{}, err
	}
	at, err := v.set.timestamp(timestamp)
	if err != nil {
		return Event{}, err
	}
	text, versioned := strings.CutPrefix(field, "v0=")
	if !versioned {
		return Event{}, fmt.Errorf("%w: the %s header is not of version v0", ErrUnsigned, slackSignature)
	}
	if !v.macs.match([]string{text}, body, "v0:", timestamp, ":", "") {
		return Event{}, ErrSignature
	}
	e := Event{ID: idIn(body, "event_id"), Signed: at}
	if kind, _ := member(body, "type"); kind == "url_verification" {
		if challenge, ok := member(body, "challenge"); ok {
			e.Answer = []byte(challenge)
		}
	}
	return e, nil
}
