package verdict

import (
	"fmt"
	"time"

	"brownout/scenarios"
)

// ackBand is how far about a limit an acknowledgement is not judged: half a second, or of short limits a quarter.
func ackBand(limit time.Duration) time.Duration { return min(500*time.Millisecond, limit/4) }

// acked is what became of one delivery that had to be acknowledged.
type acked uint8

const (
	ackMet     acked = iota // as it had to be
	ackUnmet                // otherwise
	ackClose                // so near to the limit that nobody can say
	ackMachine              // too late, but the machine itself was late
	ackOpen                 // the run ended first
)

// acknowledges judges whether the consumer answers each good delivery in time, with success; or, where that is expected, with a
// refusal.
func acknowledges(s *scope, p *scenarios.Acknowledges) *opinion {
	t := &ackTally{scope: s, params: p}
	for _, v := range s.events() {
		t.event(v)
	}
	switch {
	case t.judged == 0:
		return s.noDelivery("good")
	case len(t.unmet) > 0:
		return t.failed()
	case t.counts[ackMachine] > 0:
		o := unseen("the consumer answered %s late, but the machine itself was late", countOf(t.counts[ackMachine], "delivery", "deliveries"))
		o.Lateness = true
		return o
	case t.counts[ackOpen] > 0:
		return unseen("the run ended before %s answered", countOf(t.counts[ackOpen], "delivery was", "deliveries were"))
	case t.counts[ackClose] > 0:
		o := unseen("the consumer answered %s so near to the limit that it may be late elsewhere: %s in %s, and %s are the limit", t.near.named(),
			answerOf(t.near.Delivery), measured(t.near.took()), short(s.ackLimit(p, t.near)))
		o.Proof = s.proveDeliveries(t.nearEvent, t.near)
		return o
	}
	if p.AtLeast > 0 {
		return pass("acknowledges: at least %d of each of %s", p.AtLeast, plural(t.judgedEvents, "event"))
	}
	if p.Status == scenarios.AckRefusal {
		return pass("acknowledges: %d/%d not taken", t.counts[ackMet], t.judged)
	}
	return pass("acknowledges %d/%d", t.counts[ackMet], t.judged)
}

// ackTally counts what became of deliveries.
type ackTally struct {
	*scope
	params       *scenarios.Acknowledges
	judged       int
	judgedEvents int
	counts       [ackOpen + 1]int // of what was not excused by at_least
	unmet        []*event
	first        []delivered // of the first event that failed
	wrong        int         // deliveries that failed
	near         delivered
	nearEvent    *event
}

// event judges the deliveries of one event.
func (t *ackTally) event(v *event) {
	var counts [ackOpen + 1]int
	var bad []delivered
	judged := 0
	for _, d := range v.sent {
		if !t.expected(v, d) {
			continue
		}
		judged++
		state := t.state(d)
		counts[state]++
		switch state {
		case ackUnmet:
			bad = append(bad, d)
		case ackClose:
			t.near, t.nearEvent = d, v
		}
	}
	if judged == 0 {
		return
	}
	t.judged += judged
	t.judgedEvents++
	need := judged
	if t.params.AtLeast > 0 {
		need = t.params.AtLeast
	}
	t.counts[ackMet] += counts[ackMet]
	if counts[ackMet] >= need {
		return
	}
	if judged-len(bad) < need {
		if len(t.unmet) == 0 {
			t.first = bad
		}
		t.unmet = append(t.unmet, v)
		t.wrong += len(bad)
		return
	}
	for state := ackClose; state <= ackOpen; state++ {
		t.counts[state] += counts[state]
	}
}

// expected reports whether the delivery has to be acknowledged: it is good, and one of those that the check is about; where
// deliveries are sent again, the last.
func (t *ackTally) expected(v *event, d delivered) bool {
	entry := t.entry(d.Entry)
	switch {
	case d.Bad != "" || d.Unjudged || entry == nil:
		return false
	case t.params.Nth != nil:
		return t.params.Nth.Holds(d.nth)
	}
	return len(entry.Redeliveries()) == 0 || v.lastOfRetries(d)
}

// ackLimit is how long the consumer may take to answer a delivery.
func (s *scope) ackLimit(p *scenarios.Acknowledges, d delivered) time.Duration {
	if p.Within != nil {
		return *p.Within
	}
	return s.entry(d.Entry).AnswerWithin()
}

// state says what became of a delivery.
func (t *ackTally) state(d delivered) acked {
	limit := t.ackLimit(t.params, d)
	took := d.took()
	success := d.Status >= 200 && d.Status < 300
	switch {
	case d.undecided():
		return ackOpen
	case d.Status > 0 && success == (t.params.Status == scenarios.AckRefusal):
		return ackUnmet
	case d.Status > 0 && took <= limit-ackBand(limit):
		return ackMet
	case d.Status > 0 && took <= limit+ackBand(limit):
		return ackClose
	case d.Status == 0 && took < limit: // it broke the connection, or had none
		return ackUnmet
	case took-t.lateness(d.Sent, d.Sent+took) <= limit+ackBand(limit):
		return ackMachine
	}
	return ackUnmet
}

// failed is the opinion that deliveries were not acknowledged as they had to be.
func (t *ackTally) failed() *opinion {
	v, d := t.unmet[0], t.first[0]
	good := 0
	for _, x := range v.sent {
		good += one(t.expected(v, x) && t.state(x) == ackMet)
	}
	var o *opinion
	switch refused := t.params.Status == scenarios.AckRefusal; {
	case t.params.AtLeast > 0 && len(t.first) > 1:
		o = fail("The consumer acknowledged %d deliveries of %s, and at least %d are expected.", good, v.id, t.params.AtLeast)
	case refused && d.Status > 0:
		o = fail("The consumer acknowledged %s with %d, though its work could not be done.", d.named(), d.Status)
	case d.Status == 0 && d.took() < t.ackLimit(t.params, d):
		o = fail("The consumer did not answer %s after %s: %s.", d.named(), short(d.took()), d.Failure)
	case d.Status == 0:
		o = fail("The consumer had not answered %s after %s; %s are allowed.", d.named(), measured(d.took()), short(t.ackLimit(t.params, d)))
	case d.Status/100 == 2:
		o = fail("The consumer took %s to acknowledge %s; %s are allowed.", measured(d.took()), d.named(), short(t.ackLimit(t.params, d)))
	default:
		o = fail("The consumer answered %s with %d, not with 2xx.", d.named(), d.Status)
	}
	o.note = fmt.Sprintf("%d of %s fell short", t.wrong, countOf(t.judged, "delivery", "deliveries"))
	o.Cause = t.sentFrom(d.Delivery)
	o.Proof = t.proveDeliveries(v, t.first...)
	o.Others = otherEvents(t.unmet)
	return o
}

// otherEvents names the events but the first, at most mostOthers of them.
func otherEvents(events []*event) []string {
	var names []string
	for _, v := range events[1:min(len(events), mostOthers+1)] {
		names = append(names, "webhook "+v.id)
	}
	return names
}
