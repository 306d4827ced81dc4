package report

import (
	"fmt"
	"strings"
	"time"

	"brownout/chaosserver/journal"
)

// DeliveryEvent is one delivery of a webhook as --format json tells it, once it is answered or given up.
type DeliveryEvent struct {
	Type     string    `json:"type"` // "delivery"
	Scenario string    `json:"scenario,omitempty"`
	Time     time.Time `json:"time"`
	At       Millis    `json:"at_ms"` // of its first byte, since the journal began
	Event    string    `json:"event"`
	N        int       `json:"n"` // among the deliveries of its event
	Copy     int       `json:"copy"`
	Retry    int       `json:"retry,omitempty"` // so many of this copy failed before
	Bad      string    `json:"bad,omitempty"`   // why it has to be refused
	Path     string    `json:"path"`
	Status   int       `json:"status,omitempty"`
	Failure  string    `json:"failure,omitempty"` // why no whole answer came in time
	Took     Millis    `json:"took_ms"`           // from its last byte to the status line, or until it was given up
}

// liveDeliveries bounds the deliveries under way that Live remembers; beyond it, it forgets all and begins anew.
const liveDeliveries = 1 << 12

// Delivery notes a delivery that has begun.
func (l *Live) Delivery(r *journal.DeliveryRecord) {
	if l.deliveries == nil {
		l.deliveries = make(map[uint64]*journal.DeliveryRecord)
	}
	if len(l.deliveries) >= liveDeliveries {
		clear(l.deliveries)
	}
	l.deliveries[r.ID] = r
}

// Delivered returns what there is to tell of a delivery that has ended; false where nothing is known of its beginning.
func (l *Live) Delivered(end *journal.DeliveryEnd) (DeliveryEvent, bool) {
	r, known := l.deliveries[end.ID]
	if !known {
		return DeliveryEvent{}, false
	}
	delete(l.deliveries, end.ID)
	e := DeliveryEvent{
		Type: "delivery", Time: l.zero.Add(r.Sent), At: Millis(r.Sent), Event: r.Event, N: r.N, Copy: r.Copy, Retry: r.Retry, Bad: r.Bad,
		Path: r.Path, Status: end.Status, Failure: end.Failure, Took: Millis(tookOf(r, end)),
	}
	if l.scenario != nil {
		e.Scenario = l.scenario.Name
	}
	return e, true
}

// tookOf is how long the consumer took to answer a delivery, or until it was given up.
func tookOf(r *journal.DeliveryRecord, end *journal.DeliveryEnd) time.Duration {
	from, to := end.Written, end.Answered
	if from == 0 {
		from = r.Sent
	}
	if to == 0 {
		to = end.Done
	}
	return to - from
}

// DeliveryLine returns a delivery as one line for people:
//
//	12:04:12.024  webhook evt_42 #2  204        took 0.003s   retry 1
func (s Style) DeliveryLine(e *DeliveryEvent) string {
	answer := e.Failure
	if e.Status != 0 {
		answer = fmt.Sprint(e.Status)
		if e.Failure != "" {
			answer += ", " + e.Failure
		}
	}
	line := fmt.Sprintf("%s  webhook %s #%d  %s  took %s", e.Time.Format("15:04:05.000"), s.clip(s.text(e.Event), 40), e.N,
		pad(s.clip(s.text(answer), 40), 8), seconds(time.Duration(e.Took)))
	var marks []string
	if e.Copy > 1 {
		marks = append(marks, fmt.Sprintf("copy %d", e.Copy))
	}
	if e.Retry > 0 {
		marks = append(marks, fmt.Sprintf("retry %d", e.Retry))
	}
	if e.Bad != "" {
		marks = append(marks, s.text(e.Bad))
	}
	return strings.TrimRight(line+"   "+strings.Join(marks, ", "), " ")
}
