package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// maxDuration bounds durations, so that sums of them never overflow.
const maxDuration = 10_000 * time.Hour

var (
	plainDuration = regexp.MustCompile(`^-?([0-9]+(\.[0-9]+)?(us|ms|s|m|h))+$`)
	spokenUnit    = map[string]string{
		"microsecond": "us", "micro": "us", "usec": "us", "µs": "us", "μs": "us",
		"millisecond": "ms", "milli": "ms", "msec": "ms",
		"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "hr": "h",
		"us": "us", "ms": "ms", "s": "s", "m": "m", "h": "h",
	}
)

const durationUnits = "us ms s m h"

// duration is the codec of a duration that is not negative, perhaps in a unit of the profile.
var duration = durations(Type{Name: "duration", Example: "250ms"}, false)

// signedDuration is the codec of a duration that may be negative.
var signedDuration = durations(Type{Name: "duration", Example: "3s"}, true)

// positiveDuration is the codec of a duration above 0.
var positiveDuration = above0(duration)

func durations(t Type, signed bool) *codec[time.Duration] {
	return &codec[time.Duration]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v *time.Duration) {
			if s, ok := l.scalar(n, t); ok {
				l.duration(n, s, signed, v)
			}
		},
		write: func(p *printer, v time.Duration) tree { return leaf(showDuration(v)) },
	}
}

func above0(c *codec[time.Duration]) *codec[time.Duration] {
	return &codec[time.Duration]{
		kind: c.kind,
		read: func(l *loader, n *yaml.Node, v *time.Duration) {
			var got time.Duration
			before := len(l.errs)
			c.read(l, n, &got)
			switch {
			case len(l.errs) > before:
			case got <= 0:
				l.fail(n, "expected a duration above 0, got "+quote(follow(n).Value), "")
			default:
				*v = got
			}
		},
		write: c.write,
	}
}

// duration reads a duration, perhaps in a unit of the profile, into v.
func (l *loader) duration(n *yaml.Node, s string, signed bool, v *time.Duration) bool {
	if times, unit, ok := amount(s); ok && slices.Contains(profileUnits, unit) {
		one := l.unit(unit)
		total := times * float64(one)
		if total > float64(maxDuration) {
			l.fail(n, fmt.Sprintf("%s is %s times %s, more than %s", quote(s), number(times), showDuration(one), showDuration(maxDuration)), "")
			return false
		}
		l.written[l.where()] = number(times) + " " + unit
		*v = time.Duration(total)
		return true
	}
	return set(l, n, v, s, func(s string) (time.Duration, *flaw) { return parseDuration(s, signed) })
}

// parseDuration reads a duration with its unit.
func parseDuration(s string, signed bool) (time.Duration, *flaw) {
	if !plainDuration.MatchString(s) {
		return 0, noDuration(s)
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil, d > maxDuration, d < -maxDuration:
		return 0, &flaw{quote(s) + " is too long", "write at most " + showDuration(maxDuration)}
	case d < 0 && !signed:
		return 0, &flaw{quote(s) + " is negative", "write " + s[1:]}
	}
	return d, nil
}

// noDuration says what to write instead of a text that is no duration.
func noDuration(s string) *flaw {
	n, unit, ok := amount(s)
	if !ok {
		return &flaw{"expected a duration, got " + quote(s), "write a number and one of " + durationUnits + ", such as 250ms"}
	}
	lower := strings.ToLower(unit)
	short, spoken := spokenUnit[lower]
	if !spoken {
		short, spoken = spokenUnit[strings.TrimSuffix(lower, "s")]
	}
	switch {
	case unit == "":
		if n < 100 {
			return &flaw{quote(s) + " has no unit", "write " + s + "s, or " + s + "ms; units are " + durationUnits}
		}
		return &flaw{quote(s) + " has no unit", "write " + s + "ms, or another of " + durationUnits}
	case spoken:
		return &flaw{"expected a duration, got " + quote(s), "write " + number(n) + short}
	case lower == "d" || lower == "day" || lower == "days":
		return &flaw{"expected a duration, got " + quote(s), "write " + number(24*n) + "h"}
	case lower == "ns":
		return &flaw{"the smallest unit of a duration is us, got " + quote(s), "write " + number(n/1000) + "us"}
	}
	if near := Suggest(unit, profileUnits); near != "" && near != unit {
		return &flaw{quote(s) + " has an unknown unit", "did you mean " + quote(number(n)+" "+near) + "?"}
	}
	return &flaw{quote(s) + " has an unknown unit", "one of " + durationUnits + ", or of the profile: " + join(profileUnits)}
}

// showDuration prints a duration in the units of the grammar.
func showDuration(d time.Duration) string {
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	if h := d / time.Hour; h > 0 {
		fmt.Fprintf(&b, "%dh", h)
		d -= h * time.Hour
	}
	if m := d / time.Minute; m > 0 {
		fmt.Fprintf(&b, "%dm", m)
		d -= m * time.Minute
	}
	switch {
	case d == 0 && b.Len() > 0:
	case d >= time.Second || d == 0:
		b.WriteString(decimal(d, time.Second) + "s")
	case d >= time.Millisecond:
		b.WriteString(decimal(d, time.Millisecond) + "ms")
	default:
		b.WriteString(decimal(d, time.Microsecond) + "us")
	}
	return b.String()
}

// decimal prints how many units d is, exactly.
func decimal(d, unit time.Duration) string {
	s := fmt.Sprint(int64(d / unit))
	if rest := d % unit; rest > 0 {
		width := len(fmt.Sprint(int64(unit))) - 1
		s += "." + strings.TrimRight(fmt.Sprintf("%0*d", width, int64(rest)), "0")
	}
	return s
}
