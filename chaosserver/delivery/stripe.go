package delivery

import (
	"brownout/chaosserver/journal"
)

// stripe signs "timestamp.body" with HMAC-SHA256, in hexadecimal; the event's id is in the body.
var stripe = Sender{
	name: "stripe", stamp: epoch, unknown: "v9", alien: alienSecret,
	members: func(m *Message) []member {
		return []member{{"id", m.ID}, {"object", "event"}, {"type", m.Type}}
	},
	sign: func(p *parts, secret string) (signature, error) {
		return signature{"v1", inHex(sum(secret, p.body, p.stamp, "."))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		if signatures == nil {
			return nil
		}
		return []journal.Field{{Name: "Stripe-Signature", Value: "t=" + p.stamp + "," + listed(signatures, "=", ",")}}
	},
}
