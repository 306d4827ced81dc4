package delivery

import (
	"cmp"

	"brownout/chaosserver/journal"
)

// github signs the body alone with HMAC-SHA256, in hexadecimal. A redelivery has the id of the delivery.
var github = Sender{
	name: "github", unknown: "sha999", alien: alienSecret,
	sign: func(p *parts, secret string) (signature, error) {
		return signature{"sha256", inHex(sum(secret, p.body))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "X-GitHub-Event", Value: cmp.Or(p.Type, "ping")}, {Name: "X-GitHub-Delivery", Value: p.ID}}
		if signatures != nil {
			fields = append(fields, journal.Field{Name: "X-Hub-Signature-256", Value: listed(signatures, "=", ",")})
		}
		return fields
	},
}
