package scenarios

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxDelivered bounds the body of a delivery, which is held in memory while it is signed and sent.
const maxDelivered = 16 << 20

// checkDelivery checks what an entry's keys are together.
func (l *loader) checkDelivery(d *Delivery) {
	sender, ok := SenderNamed(d.Sender)
	if !ok { // which was reported
		return
	}
	l.checkSecrets(d, sender)
	l.checkContent(d, sender)
	l.checkTimes(d, sender)
	l.checkEffectVars(d)
	if e, ok := l.spots[&d.Tamper]; ok && d.Tamper != "" && !slices.Contains(sender.Tampers, d.Tamper) {
		hint := "ways are " + join(sender.Tampers)
		if !sender.Signs {
			hint = "choose a sender that signs, such as standard"
		}
		l.failValue(e, fmt.Sprintf("%s is nothing that a consumer of %s could see", d.Tamper, d.Sender), hint)
	}
	if e, ok := l.spots[&d.Events]; ok && d.When.Effect != "" {
		l.failKey(e, "each effect makes an event of its own, so events says nothing", "take events out")
	}
}

// checkSecrets checks that the sender can sign with the secrets.
func (l *loader) checkSecrets(d *Delivery, sender Sender) {
	e, ok := l.spots[&d.Secrets]
	switch {
	case !ok || len(d.Secrets) == 0:
	case !sender.Signs:
		l.failKey(e, d.Sender+" signs nothing, so that a secret does nothing", "take it out, or choose a sender that signs, such as standard")
	case len(d.Secrets) > 1 && !sender.Many:
		l.failValue(e, d.Sender+" sends one signature, and there are "+fmt.Sprint(len(d.Secrets))+" secrets", "keep one; standard and stripe send several")
	case d.Sender == "standard":
		for _, s := range d.Secrets {
			if f := standardSecret(s); f != nil {
				l.failValue(e, f.msg, f.hint)
			}
		}
	}
}

// standardSecret returns the flaw of a secret of Standard Webhooks: "whsec_" and 24 to 64 bytes in base64, or "whsk_" and an
// ed25519 key, as its seed or in full.
func standardSecret(s string) *flaw {
	kind, text, _ := strings.Cut(s, "_")
	key, err := base64.StdEncoding.DecodeString(text)
	switch {
	case kind != "whsec" && kind != "whsk":
		return &flaw{"a secret of standard begins with whsec_ or whsk_, got " + quote(s), "write whsec_ and 24 to 64 bytes in base64"}
	case err != nil:
		return &flaw{quote(s) + " is no base64 behind its prefix", "write whsec_ and 24 to 64 bytes in base64"}
	case kind == "whsec" && (len(key) < 24 || len(key) > 64):
		return &flaw{fmt.Sprintf("%s holds %d bytes", quote(s), len(key)), "write whsec_ and 24 to 64 bytes in base64"}
	case kind == "whsk" && len(key) != 32 && len(key) != 64:
		return &flaw{fmt.Sprintf("%s holds %d bytes", quote(s), len(key)), "write whsk_ and an ed25519 key of 32 or 64 bytes in base64"}
	}
	return nil
}

// checkContent checks that the body has a place for what the sender puts into it.
func (l *loader) checkContent(d *Delivery, sender Sender) {
	e, ok := l.spots[&d.Body]
	switch {
	case !ok:
	case d.Body.Kind == BodySize && d.Body.Size > maxDelivered:
		l.failValue(e, "a delivery's body is at most "+showSize(maxDelivered), "write a smaller size")
	case d.Body.Kind == BodySize && sender.ID != "":
		l.failKey(e, fmt.Sprintf("%s has the event's id in the body, as %q, and random bytes have none", d.Sender, sender.ID), "write json")
	case d.Body.Kind == BodyJSON && sender.ID != "" && !strings.HasPrefix(d.Body.Text.Text, "{"):
		l.failValue(e, fmt.Sprintf("%s has the event's id in the body, as %q, so the body is a JSON object", d.Sender, sender.ID), "write json: {text: hi}")
	}
}

// checkTimes checks what is said of time.
func (l *loader) checkTimes(d *Delivery, sender Sender) {
	if e, ok := l.spots[&d.Skew]; ok && d.Skew != 0 && !sender.Timed {
		l.failKey(e, d.Sender+" signs no timestamp that could be off", "choose a sender that does: "+joinOr(senderNamesThat(func(s Sender) bool { return s.Timed })))
	}
	if e, ok := l.spots[&d.Resign]; ok && !d.Resign && !sender.Timed {
		l.failKey(e, d.Sender+" signs no timestamp, so that a later signature is the same anyway", "take resign out")
	}
	if e, ok := l.spots[&d.Retry]; ok && d.Retry.Vendor && sender.Schedule == nil {
		l.failValue(e, d.Sender+" names no times of redeliveries, or makes none by itself", "write offsets such as [2s, 1m]")
	}
	if e, ok := l.spots[&d.RetryNum]; ok && d.RetryNum != nil && !sender.Marks {
		l.failKey(e, d.Sender+" does not mark redeliveries", "choose a sender that does: "+joinOr(senderNamesThat(func(s Sender) bool { return s.Marks })))
	}
	if e, ok := l.spots[&d.Send]; ok && !slices.IsSorted(d.Send) {
		l.failValue(e, "the offsets of send do not go up", "write them in order; an entry of its own is sent when its offset says")
	}
}

func senderNamesThat(fits func(Sender) bool) []string {
	var names []string
	for _, s := range senders {
		if fits(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

// deliveryReferences checks what entries of deliveries say about the rest of the file, and about each other.
func (l *loader) deliveryReferences(s *Scenario, routes []string) {
	first := map[string]*Delivery{}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		if d.When.Effect != "" {
			e := l.spots[&d.When.Effect]
			l.definedRoute(s, e, d.When.Effect, routes)
		}
		earlier := first[d.Event]
		if earlier == nil {
			first[d.Event] = d
			continue
		}
		if e, ok := l.spots[&d.Event]; ok && (earlier.Events != d.Events || (earlier.When.Effect == "") != (d.When.Effect == "")) {
			l.failValue(e, fmt.Sprintf("the event %s stands above with %s", quote(d.Event), eventsOf(earlier)), "entries with one event are as many events; choose another id")
		}
	}
}

func eventsOf(d *Delivery) string {
	switch {
	case d.When.Effect != "":
		return "one for each effect"
	case d.Events == 1:
		return "events: 1"
	}
	return "events: " + fmt.Sprint(d.Events)
}

// definedEvent reports an event of a check that no delivery is of.
func (l *loader) definedEvent(s *Scenario, e entry, event string) {
	var names []string
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		if event == d.Event || d.Has(event) {
			return
		}
		if !slices.Contains(names, d.Event) {
			names = append(names, d.Event)
		}
	}
	l.defined(e, event, "event", names)
}

// warnDeliveries reports what deliveries say that cannot be meant.
func (l *loader) warnDeliveries(s *Scenario) {
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		at := fmt.Sprintf("deliveries[%d]", i)
		sender := d.Convention()
		if d.Body.Kind == BodyText && sender.ID != "" && !d.namesEvent() {
			l.warn(l.spot(&d.Body), at+".text", fmt.Sprintf("%s has the event's id in the body, as %q, and the text does not hold it", d.Sender, sender.ID),
				"write {event} into the text")
		}
		if d.RetryNum != nil && *d.RetryNum == 0 {
			l.warn(l.spot(&d.RetryNum), at+".retry_num", "the first delivery has no marker anyway", "write 1 or more, or take retry_num out")
		}
	}
}

// namesEvent reports whether the body's text holds the event's id.
func (d *Delivery) namesEvent() bool {
	return slices.ContainsFunc(d.Body.Text.Parts, func(p Part) bool {
		return p.Var == "event" || d.Events == 1 && strings.Contains(p.Literal, d.Event)
	})
}

// checkEffectVars reports variables that only an effect gives a value.
func (l *loader) checkEffectVars(d *Delivery) {
	if d.When.Effect != "" {
		return
	}
	report := func(e entry, t Template) {
		for _, p := range t.Parts {
			if p.Var == "call" || p.Var == "key" {
				l.failValue(e, "nothing gives {"+p.Var+"} a value here", "it has one with when: {effect: ROUTE}; else write {event}, {nth} or {seed}")
				return
			}
		}
	}
	report(l.spots[&d.Body], d.Body.Text)
	for i := range d.Headers {
		report(l.spots[&d.Headers], d.Headers[i].Value)
	}
}

// DeliveriesEnd is when the last delivery that the scenario's time alone decides about has its answer at the latest, with all
// its redeliveries.
func (s *Scenario) DeliveriesEnd() time.Duration {
	var end time.Duration
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		last := d.When.Elapsed + d.Send[len(d.Send)-1] + d.AnswerWithin()
		for _, wait := range d.Redeliveries() {
			last += wait + d.AnswerWithin()
		}
		end = max(end, last)
	}
	return end
}
