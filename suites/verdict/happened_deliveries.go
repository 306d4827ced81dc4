package verdict

import (
	"fmt"
	"strconv"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// mostSkew is how far the copies of one instant may be apart.
const mostSkew = 5 * time.Millisecond

// wholeWrite is the size up to which a request goes to the kernel in one piece, so that its last byte left with its first.
const wholeWrite = 64 << 10

// webhooksAlone reports whether the scenario is about a consumer of webhooks and asks for no calls: what it does not call
// it need not.
func (e *evidence) webhooksAlone() bool {
	if len(e.scenario.Deliveries) == 0 || len(e.scenario.Drive) > 0 {
		return false
	}
	for i := range e.scenario.Deliveries {
		if e.scenario.Deliveries[i].When.Effect != "" {
			return false
		}
	}
	return true
}

// departures counts the first deliveries of each entry, redeliveries not counted.
type departures struct {
	sent, events int
	instants     map[instant]*spread
}

// instant names the copies that had to leave together.
type instant struct {
	event   string
	planned time.Duration
}

// spread is when the first and the last of some copies left.
type spread struct {
	copies      int
	first, last time.Duration
}

// missedDeliveries names what was not delivered as the scenario has it: entries of which deliveries are missing, and copies
// that did not leave at one instant.
func (e *evidence) missedDeliveries() []Finding {
	if len(e.scenario.Deliveries) == 0 {
		return nil
	}
	if len(e.log.Deliveries) == 0 && e.webhooksAlone() {
		f := missed(e.scenario.Deliveries[0].Pos, "no delivery was sent: nothing says where the consumer is")
		f.Hint = "Give it with --webhook URL, or run it as the command."
		return []Finding{f}
	}
	by := e.madeByEntry()
	var findings []Finding
	for i := range e.scenario.Deliveries {
		d, m := &e.scenario.Deliveries[i], &by[i]
		if sentence := e.missedEntry(d, m); sentence != "" && !d.Optional {
			findings = append(findings, missed(d.Pos, sentence))
		}
		if f, apart := copiesApart(d, m); apart {
			findings = append(findings, f)
		}
	}
	return findings
}

func (e *evidence) madeByEntry() []departures {
	by := make([]departures, len(e.scenario.Deliveries))
	seen := make(map[string]bool)
	for i := range e.log.Deliveries {
		d := &e.log.Deliveries[i]
		if e.entry(d.Entry) == nil || d.Retry > 0 || (delivered{Delivery: d}).undecided() {
			continue
		}
		m := &by[d.Entry]
		m.sent++
		if key := strconv.Itoa(d.Entry) + " " + d.Event; !seen[key] {
			seen[key] = true
			m.events++
		}
		m.leave(d)
	}
	return by
}

// leave notes when a copy left: its last byte, unless it is so large that the consumer decides about that.
func (m *departures) leave(d *journal.Delivery) {
	if d.Written == 0 {
		return
	}
	last := d.Sent
	for _, f := range d.Headers {
		if f.Name == "Content-Length" {
			if n, err := strconv.Atoi(f.Value); err == nil && n <= wholeWrite {
				last = d.Written
			}
		}
	}
	if m.instants == nil {
		m.instants = make(map[instant]*spread)
	}
	at := instant{d.Event, d.Planned}
	s := m.instants[at]
	if s == nil {
		s = &spread{first: d.Sent, last: last}
		m.instants[at] = s
	}
	s.copies++
	s.first, s.last = min(s.first, d.Sent), max(s.last, last)
}

// missedEntry says which deliveries of an entry are missing; "" where none is.
func (e *evidence) missedEntry(d *scenarios.Delivery, m *departures) string {
	if d.When.Effect != "" {
		if m.sent == 0 {
			return fmt.Sprintf("deliveries[%d] (%s) was never sent: there was no effect on %s", d.Index, d.Event, d.When.Effect)
		}
		return ""
	}
	want := d.Events * len(d.Send) * d.Copies
	if m.sent >= want {
		return ""
	}
	if at := d.When.Elapsed + d.Send[0]; m.sent == 0 && at > e.end {
		return fmt.Sprintf("deliveries[%d] (%s) begins at %s, the run ended at %s", d.Index, d.Event, short(at), short(e.end))
	}
	return fmt.Sprintf("%d of %s of deliveries[%d] (%s) were not sent, or were cut short by the end of the run", want-m.sent,
		countOf(want, "delivery", "deliveries"), d.Index, d.Event)
}

// copiesApart is the finding on copies that did not leave at one instant, which is not the consumer's fault.
func copiesApart(d *scenarios.Delivery, m *departures) (Finding, bool) {
	var worst time.Duration
	event, n := "", 0
	for at, s := range m.instants {
		apart := s.last - s.first
		if s.copies < 2 || apart <= mostSkew {
			continue
		}
		n++
		if apart > worst || apart == worst && at.event < event {
			worst, event = apart, at.event
		}
	}
	if n == 0 {
		return Finding{}, false
	}
	f := missed(d.Pos, fmt.Sprintf("the copies of %s left %s apart, and one instant is at most %s", event, short(worst), short(mostSkew)))
	f.Expect.Text, f.Lateness = countOf(n, "instant was", "instants were")+" missed", true
	return f, true
}

// portOpen is when the consumer's port was open, as the deliveries tell: then the scenario's time began.
func (e *evidence) portOpen() (at time.Duration, known bool) {
	for i := range e.log.Deliveries {
		r := &e.log.Deliveries[i]
		d := e.entry(r.Entry)
		if d == nil || d.When.Effect != "" || r.Retry > 0 {
			continue
		}
		if began := r.Planned - d.When.Elapsed - d.Send[0]; !known || began < at {
			at, known = began, true
		}
	}
	return at, known
}
