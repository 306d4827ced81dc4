package delivery

import "brownout/chaosserver/journal"

// none follows nobody: the event's id and type stand in header fields, and nothing is signed.
var none = Sender{
	name: "none",
	fields: func(p *parts, _ []signature) []journal.Field {
		fields := []journal.Field{{Name: "X-Event-Id", Value: p.ID}}
		if p.Type != "" {
			fields = append(fields, journal.Field{Name: "X-Event-Type", Value: p.Type})
		}
		return fields
	},
}
