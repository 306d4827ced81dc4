package delivery

import (
	"cmp"
	"time"

	"brownout/chaosserver/journal"
)

// shopify signs the body alone with HMAC-SHA256, in base64.
var shopify = Sender{
	name: "shopify", alien: alienSecret,
	sign: func(p *parts, secret string) (signature, error) {
		return signature{"", inBase64(sum(secret, p.body))}, nil
	},
	fields: func(p *parts, signatures []signature) []journal.Field {
		fields := []journal.Field{{Name: "X-Shopify-Topic", Value: cmp.Or(p.Type, "orders/create")}, {Name: "X-Shopify-Webhook-Id", Value: p.ID},
			{Name: "X-Shopify-Event-Id", Value: p.ID}, {Name: "X-Shopify-Shop-Domain", Value: "brownout-test.myshopify.com"},
			{Name: "X-Shopify-Triggered-At", Value: p.Signed.UTC().Format(time.RFC3339Nano)}}
		if signatures != nil {
			fields = append(fields, journal.Field{Name: "X-Shopify-Hmac-Sha256", Value: listed(signatures, "", "")})
		}
		return fields
	},
}
