package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// delivered is one delivery, and its place among the deliveries of its event.
type delivered struct {
	*journal.Delivery
	nth int // 1-based
}

// event is a webhook event and its deliveries, in the order in which they were sent.
type event struct {
	id   string
	sent []delivered
}

// events are the webhook events of the scope, in the order in which the first delivery of each was sent.
func (s *scope) events() []*event {
	var list []*event
	by := make(map[string]*event)
	ordered := make([]*journal.Delivery, 0, len(s.log.Deliveries))
	for i := range s.log.Deliveries {
		if d := &s.log.Deliveries[i]; s.judges(d.Entry, d.Event) {
			ordered = append(ordered, d)
		}
	}
	slices.SortStableFunc(ordered, func(a, b *journal.Delivery) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.N, b.N))
	})
	for _, d := range ordered {
		e := by[d.Event]
		if e == nil {
			e = &event{id: d.Event}
			by[d.Event] = e
			list = append(list, e)
		}
		e.sent = append(e.sent, delivered{d, len(e.sent) + 1})
	}
	return list
}

// judges reports whether the expectation judges an event that an entry of deliveries is of.
func (s *scope) judges(entry int, event string) bool {
	want := s.expect.Event
	if want == "" || want == event {
		return true
	}
	d := s.entry(entry)
	return d != nil && d.Event == want
}

// entry is the scenario's entry of deliveries of that index; nil where there is none.
func (e *evidence) entry(i int) *scenarios.Delivery {
	if i < 0 || i >= len(e.scenario.Deliveries) {
		return nil
	}
	return &e.scenario.Deliveries[i]
}

// lastOfRetries reports whether no delivery of the event followed in the same series of redeliveries.
func (v *event) lastOfRetries(d delivered) bool {
	for _, other := range v.sent[d.nth:] {
		if other.Entry == d.Entry && other.Copy == d.Copy {
			return false
		}
	}
	return true
}

// answerOf says what a delivery was answered: a status, or why there was none.
func answerOf(d *journal.Delivery) string {
	switch {
	case d.Status > 0 && d.Failure != "":
		return strconv.Itoa(d.Status) + " (late or cut)"
	case d.Status > 0:
		return strconv.Itoa(d.Status)
	case !d.Ended:
		return "none yet"
	case d.Failure != "":
		return d.Failure
	}
	return "nothing"
}

// named names a delivery: "delivery 2 of evt_42".
func (d delivered) named() string { return fmt.Sprintf("delivery %d of %s", d.nth, d.Event) }

// undecided reports whether the run ended before the delivery did.
func (d delivered) undecided() bool { return !d.Ended || d.Status == 0 && d.Failure == cutShort }

// cutShort is the failure of a delivery that the end of the run cut short.
const cutShort = "the run ended"

// took is how long the consumer took to answer, from the last byte of the delivery; where it did not, until the delivery was
// given up.
func (d delivered) took() time.Duration {
	from := d.Written
	if from == 0 {
		from = d.Sent
	}
	if d.Answered > 0 {
		return d.Answered - from
	}
	return d.Done - from
}

// proveDeliveries shows an event delivery by delivery; bad ones are those that prove the finding.
func (s *scope) proveDeliveries(v *event, bad ...delivered) *Proof {
	p := &Proof{Webhook: true, Call: "webhook " + v.id, Request: "webhook " + v.id + "   " + countOf(len(v.sent), "delivery", "deliveries")}
	if n := s.effectsFor(v.id); len(n) > 0 || len(s.log.Effects) > 0 {
		p.Request += "   " + plural(len(n), "effect")
	}
	zero := v.sent[0].Sent
	from := 0
	if len(v.sent) > mostRows && len(bad) > 0 {
		from = min(max(bad[0].nth-1-mostRows/2, 0), len(v.sent)-mostRows)
	}
	to := min(from+mostRows, len(v.sent))
	for i := from; i < to; i++ {
		d := v.sent[i]
		r := Row{N: d.nth, At: d.Sent - zero, Sent: d.Sent - zero, Done: max(d.Done, d.Sent) - zero, Answer: answerOf(d.Delivery), Waited: -1, Good: true}
		if d.Answered > 0 {
			r.Sent = d.Answered - zero
		}
		if d.Bad != "" {
			r.Answer += "  " + d.Bad
		}
		if i+1 < len(v.sent) {
			r.Waited = v.sent[i+1].Sent - d.Sent
		}
		r.Bad = slices.ContainsFunc(bad, func(b delivered) bool { return b.ID == d.ID })
		p.Rows = append(p.Rows, r)
	}
	return p
}

// countOf writes a number of things whose plural is irregular.
func countOf(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return fmt.Sprintf("%d %s", n, plural)
}

// effectsFor are the effects of an event.
func (e *evidence) effectsFor(event string) []*journal.Effect {
	if e.byEvent == nil {
		e.byEvent = make(map[string][]*journal.Effect)
		for i := range e.log.Effects {
			x := &e.log.Effects[i]
			e.byEvent[x.Event] = append(e.byEvent[x.Event], x)
		}
	}
	return e.byEvent[event]
}

// sentFrom points at the entry that made a delivery.
func (e *evidence) sentFrom(d *journal.Delivery) *Note {
	entry := e.entry(d.Entry)
	if entry == nil {
		return nil
	}
	text := "it was delivered from here"
	if d.Bad != "" {
		text = "it was delivered from here: " + d.Bad
	}
	return &Note{Pos: entry.Pos, Text: text}
}

// noDelivery is the opinion on a scope without a delivery to judge.
func (s *scope) noDelivery(what string) *opinion {
	if s.expect.Event != "" {
		return unseen("no %s delivery of %s was sent", what, s.expect.Event)
	}
	return unseen("no %s delivery was sent", what)
}
