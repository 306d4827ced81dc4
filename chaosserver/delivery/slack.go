package delivery

import (
	"cmp"
	"strconv"

	"brownout/chaosserver/journal"
)

// slack signs "v0:timestamp:body" with HMAC-SHA256, in hexadecimal; the event's id is in the body, and its type inside of
// the event.
var slack = Sender{
	name: "slack", stamp: epoch, unknown: "v9", alien: alienSecret,
	members: func(m *Message) []member {
		event := ""
		if m.Type != "" {
			event = string(withMembers([]byte("{}"), []member{{"type", m.Type}}))
		}
		return []member{{"event_id", m.ID}, {"type", "event_callback"}, {"event", event}}
	},
	sign: func(p *parts, secret string) (signature, error) {
		return signature{"v0", inHex(sum(secret, p.body, "v0:", p.stamp, ":"))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "X-Slack-Request-Timestamp", Value: p.stamp}}
		if signatures != nil {
			fields = append(fields, journal.Field{Name: "X-Slack-Signature", Value: listed(signatures, "=", ",")})
		}
		if p.Retry > 0 {
			fields = append(fields, journal.Field{Name: "X-Slack-Retry-Num", Value: strconv.Itoa(p.Retry)},
				journal.Field{Name: "X-Slack-Retry-Reason", Value: cmp.Or(p.Reason, reasonTimeout)})
		}
		return fields
	},
}

// The words by which Slack says why a delivery is sent again.
const (
	reasonTimeout = "http_timeout"
	reasonStatus  = "http_error"
	reasonConnect = "connection_failed"
)
