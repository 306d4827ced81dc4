package quota

import (
	"strconv"
	"strings"
	"time"

	"brownout/scenarios"
)

// field appends a header field.
func field(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// numberField appends a field of a number, if there is one.
func numberField(b []byte, name string, n Number) []byte {
	if !n.Told {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	return append(n.append(b), "\r\n"...)
}

// intField appends a field of a whole number.
func intField(b []byte, name string, n int64) []byte { return numberField(b, name, Of(n)) }

// up returns how many units d is, rounded up: what a client waits for is never too short.
func up(d, unit time.Duration) int64 {
	n := d / unit
	if d%unit > 0 {
		n++
	}
	return int64(n)
}

// ceil rounds up to a multiple of a unit.
func ceil(d, unit time.Duration) time.Duration { return time.Duration(up(d, unit)) * unit }

// appendSeconds appends a duration in seconds, rounded up to a unit of at least a millisecond, with at least one decimal.
func appendSeconds(b []byte, d, unit time.Duration) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, ceil(d, unit).Seconds(), 'f', -1, 64)
	if !strings.Contains(string(b[start:]), ".") {
		b = append(b, ".0"...)
	}
	return b
}

// wholeSeconds is the reset of fields in seconds from now.
func wholeSeconds(q *Quota, _ *Reply) time.Duration { return ceil(q.Next, time.Second) }

// epochSecond is the second at which there is more, rounded up, by the wall clock.
func epochSecond(now time.Time, d time.Duration) int64 {
	t := now.Add(d).Round(0)
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

// untilEpoch is how long from now until a second since 1970.
func untilEpoch(now time.Time, s int64) time.Duration { return time.Unix(s, 0).Sub(now.Round(0)) }

// retryAfterSeconds asks for a pause with Retry-After in whole seconds (RFC 9110, section 10.2.3).
func retryAfterSeconds(b []byte, in time.Duration, _ *Quota) ([]byte, Pause) {
	s := up(in, time.Second)
	p := Pause{Field: "Retry-After: " + strconv.FormatInt(s, 10), Due: time.Duration(s) * time.Second, Read: true}
	return append(append(b, p.Field...), "\r\n"...), p
}

// jsonAnswer is an answer with a body of JSON, given as literals and variables in turn.
func jsonAnswer(kind string, parts ...string) scenarios.Answer {
	t := scenarios.Template{Text: strings.Join(parts, "")}
	for i, p := range parts {
		if i%2 == 0 {
			t.Parts = append(t.Parts, scenarios.Part{Literal: p})
		} else {
			t.Parts = append(t.Parts, scenarios.Part{Var: p})
		}
	}
	return scenarios.Answer{
		Headers: []scenarios.Header{header("Content-Type", kind)},
		Body:    scenarios.Body{Kind: scenarios.BodyText, Text: t},
	}
}

const jsonKind = "application/json"

func header(name, value string) scenarios.Header {
	return scenarios.Header{Name: name, Value: scenarios.Template{Text: value, Parts: []scenarios.Part{{Literal: value}}}}
}

func hasHeader(list []scenarios.Header, name string) bool {
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			return true
		}
	}
	return false
}
