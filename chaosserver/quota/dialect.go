package quota

import (
	"strconv"
	"time"

	"brownout/scenarios"
)

// Quota is one quota as an answer tells it.
type Quota struct {
	Limit            int    // index of the limit; -1 for one that the answer's own quota tells
	Name             string // of the limit, or the policy of a scripted quota; "" for the dialect's own word
	Bucket           string // which of the limit's buckets
	Total, Remaining Number
	Window           time.Duration // in which Total is let through; 0 where there is none
	Next, Full       time.Duration // until there is more, and until all is there; meaningless unless Timed
	Timed            bool
	Scope            scenarios.LimitScope
	Secondary        bool // a limit of GitHub's that has no fields
}

// Number is a whole number as a field tells it. The zero Number is none.
type Number struct {
	N    int64
	Text string // sent in place of N, where it is set
	Told bool
}

// Of is the Number of n.
func Of(n int64) Number { return Number{N: n, Told: true} }

// Written is the Number that a text writes, which may be larger than an int64: then N is the nearest. The empty text is none.
func Written(text string) Number {
	if text == "" {
		return Number{}
	}
	n, _ := strconv.ParseInt(text, 10, 64) // out of range, it returns the nearest
	return Number{N: n, Text: text, Told: true}
}

func (n Number) append(b []byte) []byte {
	if n.Text != "" {
		return append(b, n.Text...)
	}
	return strconv.AppendInt(b, n.N, 10)
}

// Reply is the answer that a dialect writes into.
type Reply struct {
	Now     time.Time // the instant before the write
	Method  string    // of the request
	Refused bool      // it is a limit's refusal
}

// Pause is the pause that a refusal asks for.
type Pause struct {
	Field string        // the field that was written, such as "Retry-After: 2"; "" for none
	Due   time.Duration // counted from the answer, as precisely as the client was told
	Read  bool          // a client that reads Retry-After is held to it
}

// Dialect is how a vendor, or a draft, writes of quotas. Its methods may be called from several goroutines.
type Dialect struct {
	name string
	// slot names the fields that a quota stands in, "-" for none. Of several quotas in one slot, which has room for one, the
	// tightest is told. nil: there is one slot.
	slot func(*Quota, *Reply) string
	many bool // a list has room for all
	// write appends the fields that tell quotas; nil: the dialect has none.
	write func([]byte, []Quota, *Reply) []byte
	// reset is when the fields say that there is more; nil: never.
	reset func(*Quota, *Reply) time.Duration
	// pause appends the fields that ask for a pause; nil: the dialect has none.
	pause func([]byte, time.Duration, *Quota) ([]byte, Pause)
	// refusal is what a refusal consists of where the limit does not say; nil: the server's own answer.
	refusal func(*scenarios.Limit, int) scenarios.Answer
}

// dialects is the table of dialects, one a file.
var dialects = []*Dialect{
	&none, &ietf, &ietf07, &ietf06, &github, &discord, &stripe, &openai, &anthropic, &slack, &shopify, &twilio, &aws, &azure, &xRatelimit,
}

// Names returns the names of the dialects.
func Names() []string {
	names := make([]string, len(dialects))
	for i, d := range dialects {
		names[i] = d.name
	}
	return names
}

// Named returns a dialect; that of no fields where there is none of the name.
func Named(name string) *Dialect {
	for _, d := range dialects {
		if d.name == name {
			return d
		}
	}
	return &none
}

// Choose returns those of the quotas that an answer tells, in their order: all where the dialect has room for them, else
// the tightest in each place. It reuses the slice.
func (d *Dialect) Choose(quotas []Quota, r *Reply) []Quota {
	if d.write == nil {
		return quotas[:0]
	}
	if d.many {
		return quotas
	}
	told := quotas[:0]
next:
	for i := range quotas {
		q := quotas[i]
		slot := d.slotOf(&q, r)
		if slot == "-" {
			continue
		}
		for j := range told {
			if d.slotOf(&told[j], r) == slot {
				if q.tighter(&told[j]) {
					told[j] = q
				}
				continue next
			}
		}
		told = append(told, q)
	}
	return told
}

func (d *Dialect) slotOf(q *Quota, r *Reply) string {
	if d.slot == nil {
		return ""
	}
	return d.slot(q, r)
}

// tighter reports whether q leaves less than o, or as little for longer.
func (q *Quota) tighter(o *Quota) bool {
	if q.Remaining.N != o.Remaining.N {
		return q.Remaining.N < o.Remaining.N
	}
	return q.Next > o.Next
}

// Append appends the header fields, each with its line break, that tell quotas which [Dialect.Choose] returned.
func (d *Dialect) Append(b []byte, told []Quota, r *Reply) []byte {
	if d.write == nil || len(told) == 0 {
		return b
	}
	return d.write(b, told, r)
}

// Reset returns how long after the answer there is more, as the fields say it; false where they do not.
func (d *Dialect) Reset(q *Quota, r *Reply) (time.Duration, bool) {
	if d.reset == nil || !q.Timed {
		return 0, false
	}
	return d.reset(q, r), true
}

// AppendPause appends the fields with which a refusal asks for a pause, where the dialect has any.
func (d *Dialect) AppendPause(b []byte, in time.Duration, q *Quota) ([]byte, Pause) {
	if d.pause == nil {
		return b, Pause{}
	}
	return d.pause(b, in, q)
}

// Refusal returns the refusal of a limit with a status: the limit's answer, with what that leaves out in the dialect's words.
// The template of its body may hold the variables of [Variable].
func (d *Dialect) Refusal(m *scenarios.Limit, status int) scenarios.Answer {
	a := m.Answer
	a.Status = status
	if m.RetryAfter != nil {
		a.RetryAfter = m.RetryAfter
	}
	if d.refusal == nil || a.Body.Kind != scenarios.BodyDefault {
		return a
	}
	own := d.refusal(m, status)
	a.Body = own.Body
	for _, h := range own.Headers {
		if !hasHeader(a.Headers, h.Name) {
			a.Headers = append(a.Headers[:len(a.Headers):len(a.Headers)], h)
		}
	}
	return a
}

// Variable returns the value of a variable that the bodies of refusals hold: the pause in seconds, with a fraction or
// rounded up. It returns false for another name.
func Variable(name string, pause time.Duration) (string, bool) {
	switch name {
	case varSeconds:
		return string(appendSeconds(nil, pause, time.Millisecond)), true
	case varWholeSeconds:
		return strconv.FormatInt(up(pause, time.Second), 10), true
	}
	return "", false
}

// The variables of bodies, which no scenario file can name.
const (
	varSeconds      = "pause seconds"
	varWholeSeconds = "pause whole seconds"
)
