package delivery

import (
	"cmp"
	"time"

	"brownout/chaosserver/journal"
)

// cloudEvents is the binary mode of the HTTP protocol binding of CloudEvents 1.0. It signs nothing. No OPTIONS request goes
// before it: a target need not support that handshake (HTTP 1.1 Web Hooks for Event Delivery, section 4).
var cloudEvents = Sender{
	name: "cloudevents",
	fields: func(p *parts, _ []signature) []journal.Field {
		return []journal.Field{{Name: "ce-specversion", Value: "1.0"}, {Name: "ce-id", Value: p.ID}, {Name: "ce-source", Value: "/brownout"},
			{Name: "ce-type", Value: cmp.Or(p.Type, "test.brownout.event")}, {Name: "ce-time", Value: p.Signed.UTC().Format(time.RFC3339Nano)}}
	},
}
