package plan

import (
	"fmt"
	"strings"
	"time"

	"brownout/scenarios"
)

// deliveryWords puts an entry of deliveries into words.
func deliveryWords(d *scenarios.Delivery) string {
	text := d.Event
	switch {
	case d.When.Effect != "":
		text += "_1, …, one at each effect of " + d.When.Effect
	case d.Events > 1:
		text = fmt.Sprintf("%s_1 to _%d", d.Event, d.Events)
	}
	text += ", as " + d.Sender + " sends, to " + d.To
	if d.When.Elapsed > 0 {
		text += " from " + span(d.When.Elapsed) + " on"
	}
	add := func(set bool, format string, args ...any) {
		if set {
			text += fmt.Sprintf(format, args...)
		}
	}
	add(len(d.Send) > 1 || d.Send[0] > 0, ", after %s", offsets(d.Send))
	add(d.Copies > 1, ", %d at one instant", d.Copies)
	if waits := d.Redeliveries(); len(waits) > 0 {
		text += ", again " + offsets(waits) + " after each that fails"
	}
	add(d.RetryNum != nil, ", marked as a retry at once")
	add(!d.Resign, ", each with the first one's signature")
	switch {
	case d.Bad() != "":
		text += "; has to be refused: " + d.Bad()
	case d.Unjudged():
		text += "; timestamp " + span(d.Skew) + " off, which may be refused"
	case d.Skew != 0:
		text += "; timestamp " + span(d.Skew) + " off, which has to be taken"
	}
	return text
}

func offsets(list []time.Duration) string {
	words := make([]string, len(list))
	for i, d := range list {
		words[i] = span(d)
	}
	return strings.Join(words, ", ")
}

// acknowledgesWords, refusesWords and finalEffectWords put the checks of deliveries into words.
func acknowledgesWords(p *scenarios.Acknowledges) string {
	which := "each good delivery"
	if p.Nth != nil {
		which = "of each event deliveries " + rangeWords(p.Nth)
	}
	if p.AtLeast > 0 {
		which = fmt.Sprintf("of each event at least %d deliveries", p.AtLeast)
	}
	within := "the sender's timeout"
	if p.Within != nil {
		within = span(*p.Within)
	}
	if p.Status == scenarios.AckRefusal {
		return which + ": answered within " + within + ", and not with 2xx"
	}
	return which + ": answered with 2xx within " + within
}

func refusesWords(p *scenarios.Refuses) string {
	if p.Status == nil {
		return "each bad delivery is answered with 4xx, and has no effect"
	}
	return "each bad delivery is answered with " + statusWords(p.Status) + ", and has no effect"
}

func finalEffectWords(p *scenarios.FinalEffect) string {
	text, _ := p.JSON.Constant()
	return "the last effect on " + p.Object + " holds " + text
}
