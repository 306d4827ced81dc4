package scenarios

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var deliveryPlace = func() *place[*Delivery] {
	in := []Place{InDelivery}
	rows := []*row[*Delivery]{
		key(Key{Name: "event", In: in, Required: true, Type: eventType, Doc: "The event's id; entries with one event are one event."},
			eventID, "", func(d *Delivery) *string { return &d.Event }),
		key(Key{Name: "events", In: in, Default: "1", Doc: "So many events, whose ids end in _1, _2 and so on."},
			count(1), 1, func(d *Delivery) *int { return &d.Events }),
		key(Key{Name: "optional", In: []Place{InAnswer, InFault, InPhase, InDelivery}, Default: "false", Doc: "It need not be reached in a run."},
			boolean, false, func(d *Delivery) *bool { return &d.Optional }),
		key(Key{Name: "type", In: in, Type: Type{Name: "text", Example: "payment.succeeded"}, Doc: "The event's type, where the sender has one."},
			name, "", func(d *Delivery) *string { return &d.Type }),
	}
	rows = append(rows, bodyRows(func(d *Delivery) *Body { return &d.Body }, in...)...)
	rows = append(rows,
		key(Key{Name: "headers", In: in, Doc: "Further fields of the request."},
			headers, nil, func(d *Delivery) *[]Header { return &d.Headers }),
		key(Key{Name: "to", In: in, Default: "/", Type: toType, Doc: "Path at the consumer."},
			consumerPath, "/", func(d *Delivery) *string { return &d.To }),
		key(Key{Name: "sender", In: in, Default: "standard", Doc: "Whose webhooks they look like: where id, time and signature go."},
			word(senderNames()...), "standard", func(d *Delivery) *string { return &d.Sender }),
		key(Key{Name: "secret", In: in, Default: "a test secret", Type: Type{Name: "text, or a list of texts", Example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
			Doc: "What signs; of several, as while a secret is rotated, each makes a signature."},
			oneOrList("texts", name), nil, func(d *Delivery) *[]string { return &d.Secrets }),
		key(Key{Name: "timeout", In: in, Default: "the sender's", Doc: "How long an answer is waited for."},
			positiveDuration, 0, func(d *Delivery) *time.Duration { return &d.Timeout }),
		key(Key{Name: "when", In: in, Default: "start", Type: trigger.kind, Doc: "When the deliveries begin: at the start, at an elapsed time, or at each effect of a route."},
			trigger, Trigger{}, func(d *Delivery) *Trigger { return &d.When }),
		key(Key{Name: "send", In: in, Default: "0s", Type: Type{Name: "duration, or a list of durations", Example: "[0s, 1m]"}, Doc: "One delivery so long after that, for each offset."},
			oneOrList("durations", duration), []time.Duration{0}, func(d *Delivery) *[]time.Duration { return &d.Send }),
		key(Key{Name: "copies", In: in, Default: "1", Doc: "So many of each at one instant, on connections of their own."},
			copiesAtOnce, 1, func(d *Delivery) *int { return &d.Copies }),
		key(Key{Name: "retry", In: in, Default: "none", Type: redelivery.kind, Doc: "Sent again so long after a non-2xx or a timeout; vendor: as the sender's documentation says."},
			redelivery, Redelivery{}, func(d *Delivery) *Redelivery { return &d.Retry }),
		key(Key{Name: "retry_num", In: in, Default: "counted", Doc: "Number of the retry marker on the first delivery, as if earlier ones had been lost."},
			optional(count(0)), nil, func(d *Delivery) **int { return &d.RetryNum }),
		key(Key{Name: "resign", In: in, Default: "true", Doc: "Later deliveries of the event have a fresh time and signature."},
			boolean, true, func(d *Delivery) *bool { return &d.Resign }),
		key(Key{Name: "skew", In: in, Default: "0s", Type: Type{Name: "duration", Example: "-10m"}, Without: []string{"tamper"}, Doc: "How far the timestamp is off, and signed so; beyond 6m it has to be refused."},
			signedDuration, 0, func(d *Delivery) *time.Duration { return &d.Skew }),
		key(Key{Name: "tamper", In: in, Default: "none", Without: []string{"skew"}, Doc: "What is wrong with it, so that it has to be refused."},
			word(tampers...), "", func(d *Delivery) *string { return &d.Tamper }),
	)
	return &place[*Delivery]{in: InDelivery, title: "a delivery", example: "{event: evt_1}", rows: rows}
}()

var (
	eventType    = Type{Name: "id of an event", Example: "evt_1"}
	eventIDs     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:~-]*$`)
	maxEventID   = 100
	toType       = Type{Name: "path", Example: "/webhooks"}
	consumerURIs = regexp.MustCompile(`^/[!-~]*$`)
)

// eventID is the codec of an event's id, which stands in paths and in header fields.
var eventID = scalars(eventType, func(s string) (string, *flaw) {
	switch {
	case !eventIDs.MatchString(s):
		return "", &flaw{"expected an id of an event, got " + quote(s), "write letters, digits and any of . _ : ~ -"}
	case len(s) > maxEventID:
		return "", &flaw{quote(s) + " is longer than " + strconv.Itoa(maxEventID) + " characters", "write a shorter id"}
	}
	return s, nil
}, func(s string) string { return textLeaf(s).text })

// consumerPath is the codec of a path at the consumer, with its query.
var consumerPath = scalars(toType, func(s string) (string, *flaw) {
	switch {
	case strings.Contains(s, "://"):
		return "", &flaw{quote(s) + " is no path", "write the path alone; the consumer's address is given by --webhook, or is that of the command"}
	case !strings.HasPrefix(s, "/"):
		return "", &flaw{quote(s) + " is no path, for it does not begin with a slash", "write /" + s}
	case !consumerURIs.MatchString(s) || strings.Contains(s, "#"):
		return "", &flaw{"expected a path such as /webhooks, got " + quote(s), "write other characters as %20"}
	}
	return s, nil
}, func(s string) string { return textLeaf(s).text })

// copiesAtOnce is the codec of a number of copies.
var copiesAtOnce = scalars(Type{Name: "count", Example: "10"}, func(s string) (int, *flaw) {
	n, f := whole(s, "copies", 1, mostAtOnce)
	return int(n), f
}, strconv.Itoa)

// trigger is the codec of when the deliveries of an entry begin.
var trigger = &codec[Trigger]{
	kind: Type{Name: "word, or a mapping", Example: "{elapsed: 5s}", Words: []string{"start"}, Holds: InTrigger},
	read: func(l *loader, n *yaml.Node, v *Trigger) {
		if t := follow(n); t.Kind == yaml.ScalarNode && t.Value == "start" {
			return
		}
		readMapping(l, n, triggerPlace, v)
	},
	write: func(p *printer, v Trigger) tree { return writeMapping(p, triggerPlace, &v) },
}

var triggerPlace = &place[*Trigger]{in: InTrigger, example: "{elapsed: 5s}", rows: []*row[*Trigger]{
	key(Key{Name: "elapsed", In: []Place{InTrigger}, Without: []string{"effect"}, Doc: "So long after the consumer's port was open."},
		duration, 0, func(t *Trigger) *time.Duration { return &t.Elapsed }),
	key(Key{Name: "effect", In: []Place{InTrigger}, Without: []string{"elapsed"}, Type: Type{Name: "name of a route, or its match", Example: "POST /payments"},
		Doc: "At each effect of this route, an event of its own."}, name, "", func(t *Trigger) *string { return &t.Effect }),
}}

var redeliveryType = Type{Name: "list of durations", Example: "[2s, 4s]", Words: []string{"vendor"}}

// redelivery is the codec of when a delivery that failed is sent again.
var redelivery = &codec[Redelivery]{
	kind: redeliveryType,
	read: func(l *loader, n *yaml.Node, v *Redelivery) {
		switch t := follow(n); {
		case t.Kind == yaml.ScalarNode && t.Value == "vendor":
			v.Vendor = true
		case t.Kind == yaml.SequenceNode:
			listOf("durations", duration).read(l, n, &v.After)
		default:
			l.want(n, redeliveryType)
		}
	},
	write: func(p *printer, v Redelivery) tree {
		if v.Vendor {
			return leaf("vendor")
		}
		return listOf("durations", duration).write(p, v.After)
	},
}

// deliveries is the codec of the list of deliveries.
var deliveries = &codec[[]Delivery]{
	kind: Type{Name: "list of deliveries", Example: "[{event: evt_1}]", Holds: InDelivery},
	read: func(l *loader, n *yaml.Node, v *[]Delivery) {
		if follow(n).Kind != yaml.SequenceNode {
			l.fail(n, "expected a list of deliveries, got "+kind(follow(n)), `write each as "- {event: evt_1}"`)
			return
		}
		list := make([]Delivery, len(follow(n).Content))
		l.each(n, func(i int, item *yaml.Node) {
			d := &list[i]
			l.vars = deliveryVars
			readMapping(l, item, deliveryPlace, d)
			l.vars = nil
			d.Pos, d.Index = l.pos(item), i
			l.checkDelivery(d)
		})
		*v = list
	},
	write: func(p *printer, v []Delivery) tree {
		return p.list(len(v), func(i int) tree { return writeMapping(p, deliveryPlace, &v[i]) })
	},
}

// deliveryVars are the template variables that deliveries know: the event's id, its ordinal in the entry, the seed; and of
// those at an effect the number of its call and its idempotency key.
var deliveryVars = []string{"event", "nth", "seed", "call", "key"}
