package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"brownout/scenarios"
)

// refuses judges whether the consumer refuses each bad delivery, and does nothing for it.
func refuses(s *scope, p *scenarios.Refuses) *opinion {
	judged, open := 0, 0
	var bad []*event
	var first delivered
	for _, v := range s.events() {
		wrong := false
		for _, d := range v.sent {
			if d.Bad == "" {
				continue
			}
			judged++
			switch {
			case d.undecided():
				open++
			case !refused(d, p.Status):
				if !wrong && len(bad) == 0 {
					first = d
				}
				wrong = true
			}
		}
		if wrong {
			bad = append(bad, v)
		}
	}
	if len(bad) > 0 {
		o := notRefused(first, p.Status)
		o.note = fmt.Sprintf("bad deliveries of %s were not refused", plural(len(bad), "event"))
		o.Cause = s.sentFrom(first.Delivery)
		o.Proof, o.Others = s.proveDeliveries(bad[0], first), otherEvents(bad)
		return o
	}
	if o := s.effectOfBad(); o != nil {
		return o
	}
	switch {
	case judged == 0:
		return s.noDelivery("bad")
	case open > 0:
		return unseen("the run ended before %s answered", countOf(open, "bad delivery was", "bad deliveries were"))
	}
	return pass("refuses %d/%d", judged, judged)
}

// refused reports whether the consumer refused a delivery: with one of the statuses, or with any 4xx.
func refused(d delivered, statuses []int) bool {
	if d.Failure != "" {
		return false
	}
	if statuses == nil {
		return d.Status/100 == 4
	}
	return slices.Contains(statuses, d.Status)
}

// notRefused says what the consumer did with a bad delivery.
func notRefused(d delivered, statuses []int) *opinion {
	what := fmt.Sprintf("%s (%s)", d.named(), d.Bad)
	switch {
	case d.Failure != "":
		return fail("The consumer did not answer %s after %s: %s.", what, short(d.took()), d.Failure)
	case d.Status/100 == 2:
		return fail("The consumer acknowledged %s with %d, and it has to be refused.", what, d.Status)
	case d.Status/100 == 5:
		return fail("The consumer answered %s with %d, which has it sent again.", what, d.Status)
	}
	want := "4xx"
	if statuses != nil {
		words := make([]string, len(statuses))
		for i, status := range statuses {
			words[i] = strconv.Itoa(status)
		}
		want = list(words, "or")
	}
	return fail("The consumer answered %s with %d, not with %s.", what, d.Status, want)
}

// effectOfBad is the opinion that a bad delivery had an effect: of its event, before any good delivery of that was sent, or of
// the id that was put in its place; nil where none had.
func (s *scope) effectOfBad() *opinion {
	for _, v := range s.events() {
		badAt, goodAt := time.Duration(-1), time.Duration(-1)
		var worst delivered
		for _, d := range v.sent {
			if d.Bad != "" && badAt < 0 {
				badAt, worst = d.Sent, d
			}
			if d.Bad == "" && goodAt < 0 {
				goodAt = d.Sent
			}
		}
		if badAt < 0 {
			continue
		}
		for _, x := range append(s.effectsFor(v.id), s.effectsFor(scenarios.SwappedID(v.id))...) {
			if x.Event == v.id && goodAt >= 0 && x.At >= goodAt {
				continue
			}
			o := fail("The consumer committed an effect on %s for %s, of which 0 good deliveries had been sent.", x.Route, x.Event)
			o.note = "a bad delivery had an effect"
			o.Cause = s.sentFrom(worst.Delivery)
			o.Proof = s.proveDeliveries(v, worst)
			return o
		}
	}
	return nil
}
