package scenarios

import (
	"strconv"
	"strings"
	"time"
)

// Delivery is an entry of deliveries: an event, or several alike, and how they come to the consumer.
type Delivery struct {
	Pos      Pos
	Index    int    // its place in Deliveries
	Event    string // the id; with Events above 1, or OnEffect, what the ids begin with
	Events   int    // so many events, at least 1
	Optional bool   // need not be delivered
	Type     string // of the event; "" for none
	Body     Body   // BodyDefault: a small JSON object, or a form for Twilio
	Headers  []Header
	To       string // path at the consumer, with its query
	Sender   string // a name of [Senders]
	Secrets  []string
	// Timeout is how long an answer is waited for; 0 means as long as the sender does, see [Delivery.AnswerWithin].
	Timeout  time.Duration
	When     Trigger
	Send     []time.Duration // one delivery so long after the trigger; never empty, going up
	Copies   int             // so many of each at one instant, at least 1
	Retry    Redelivery
	RetryNum *int // number of the retry marker on the first delivery; nil: it has none, and redeliveries count from 1
	Resign   bool // later deliveries have a fresh time and signature
	Skew     time.Duration
	Tamper   string // one of the Tamper constants; "" for none
}

// Trigger says when the deliveries of an entry begin.
type Trigger struct {
	Elapsed time.Duration // so long after time 0
	Effect  string        // at each effect of the route of that name; "" for none
}

// Redelivery says when a delivery that failed is sent again: so long after a non-2xx, or after the timeout.
type Redelivery struct {
	Vendor bool // as the sender's documentation says
	After  []time.Duration
}

// The bounds of a skew: up to SkewTolerated a timestamp has to be taken, beyond SkewRefused it has to be refused, and between
// them senders' libraries differ, so that nothing is judged.
const (
	SkewTolerated = 4 * time.Minute
	SkewRefused   = 6 * time.Minute
)

// mostAtOnce bounds the connections that are opened for one instant.
const mostAtOnce = 64

// Convention returns the row of the entry's sender.
func (d *Delivery) Convention() Sender {
	s, _ := SenderNamed(d.Sender)
	return s
}

// AnswerWithin is how long an answer is waited for.
func (d *Delivery) AnswerWithin() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return d.Convention().Timeout
}

// Redeliveries are the waits between deliveries that fail; none where a delivery is not sent again.
func (d *Delivery) Redeliveries() []time.Duration {
	if d.Retry.Vendor {
		return d.Convention().Schedule
	}
	return d.Retry.After
}

// SigningSecrets are the secrets that sign: those of the entry, or the test secret.
func (d *Delivery) SigningSecrets() []string {
	if len(d.Secrets) > 0 {
		return d.Secrets
	}
	if c := d.Convention(); c.Secret != "" {
		return []string{c.Secret}
	}
	return nil
}

// Bad says why the entry's deliveries have to be refused; "" where they are good, or not judged.
func (d *Delivery) Bad() string {
	switch {
	case d.Tamper != "":
		return d.Tamper
	case d.Skew > SkewRefused || d.Skew < -SkewRefused:
		return "timestamp " + showDuration(d.Skew) + " off"
	}
	return ""
}

// Unjudged reports whether consumers may take or refuse the entry's deliveries.
func (d *Delivery) Unjudged() bool {
	return d.Bad() == "" && (d.Skew > SkewTolerated || d.Skew < -SkewTolerated)
}

// EventID is the id of the entry's k-th event, 1-based.
func (d *Delivery) EventID(k int) string {
	if d.Events == 1 && d.When.Effect == "" {
		return d.Event
	}
	return d.Event + "_" + strconv.Itoa(k)
}

// Has reports whether an event is one of the entry's.
func (d *Delivery) Has(event string) bool {
	if d.Events == 1 && d.When.Effect == "" {
		return event == d.Event
	}
	number, ok := strings.CutPrefix(event, d.Event+"_")
	if !ok {
		return false
	}
	k, err := strconv.Atoi(number)
	return err == nil && k >= 1 && (d.When.Effect != "" || k <= d.Events) && strconv.Itoa(k) == number
}

// SwappedID is the id that an id-swapped delivery names instead of the event's.
func SwappedID(event string) string { return event + "-swapped" }
