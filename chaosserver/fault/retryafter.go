package fault

import (
	"strconv"
	"strings"
	"time"

	"brownout/scenarios"
)

// The three forms of a date: RFC 9110, section 5.6.7.
const (
	imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850     = "Monday, 02-Jan-06 15:04:05 GMT"
	asctime    = "Mon Jan _2 15:04:05 2006"
)

// retryAfter is a Retry-After made ready.
type retryAfter struct {
	sent   string // the field, where it is the same for every attempt; "" for a date, and for none
	layout string // of a date; "" for none
	in     time.Duration
	due    bool // it can be read, so that the client may be held to it
	own    bool // it is the scenario's retry_after, and not one of its headers
}

// prepareRetryAfter makes the field of a retry_after. Seconds and milliseconds are rounded up, as dates are: a client
// that honours what it reads never comes too early. A negative number is sent, and cannot be read; a date in the past
// can.
func prepareRetryAfter(p *Answer, a *scenarios.Answer) {
	ra := a.RetryAfter
	if ra == nil {
		return
	}
	r := retryAfter{in: ra.In, due: ra.In >= 0, own: true}
	switch ra.As {
	case scenarios.FormSeconds:
		r.sent = "Retry-After: " + strconv.FormatInt(up(ra.In, time.Second), 10)
	case scenarios.FormFloat:
		value := strconv.FormatFloat(ra.In.Seconds(), 'f', -1, 64)
		if !strings.Contains(value, ".") {
			value += ".0"
		}
		r.sent = "Retry-After: " + value
	case scenarios.FormMillis:
		r.sent = "retry-after-ms: " + strconv.FormatInt(up(ra.In, time.Millisecond), 10)
	case scenarios.FormDate:
		r.layout, r.due = imfFixdate, true
	case scenarios.FormRFC850:
		r.layout, r.due = rfc850, true
	case scenarios.FormASCTime:
		r.layout, r.due = asctime, true
	}
	p.retryAfter = r
}

// Asked is a pause that an answer asks for in a field that is not its own.
type Asked struct {
	Field  string // such as "Retry-After: 2"; "" for none
	Due    time.Duration
	HasDue bool // it can be read
}

// up returns how many units d is, rounded up.
func up(d, unit time.Duration) int64 {
	n := d / unit
	if d%unit > 0 {
		n++
	}
	return int64(n)
}

// writeRetryAfter appends the field and says in w what was sent.
func (a *Answer) writeRetryAfter(b []byte, at *Attempt, w *Written) []byte {
	r := &a.retryAfter
	w.RetryAfter, w.Due, w.HasDue = r.sent, r.in, r.due
	if r.sent == "" && !r.own {
		w.RetryAfter, w.Due, w.HasDue = at.Asked.Field, at.Asked.Due, at.Asked.HasDue
	}
	if !r.own {
		return b
	}
	if r.layout != "" {
		date := nextSecond(at.Now.Add(r.in))
		w.RetryAfter = "Retry-After: " + date.UTC().Format(r.layout)
		w.Due = date.Sub(at.Now.Round(0)) // by the wall clock, which the client reads the date by
	}
	b = append(b, w.RetryAfter...)
	return append(b, "\r\n"...)
}

// nextSecond rounds up to a whole second, by the wall clock.
func nextSecond(t time.Time) time.Time {
	whole := t.Truncate(time.Second)
	if whole.Before(t.Round(0)) {
		whole = whole.Add(time.Second)
	}
	return whole
}
