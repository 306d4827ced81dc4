package scenarios

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var rateType = Type{Name: "rate", Example: "20/s"}

// rate is the codec of a rate: 20/s, 80/1m, or 10 client_rate.
var rate = &codec[Rate]{
	kind: rateType,
	read: func(l *loader, n *yaml.Node, v *Rate) {
		s, ok := l.scalar(n, rateType)
		if !ok {
			return
		}
		if times, unit, ok := amount(s); ok && unit == "client_rate" && times > 0 {
			one := l.rateUnit()
			l.written[l.where()] = number(times) + " " + unit
			*v = Rate{Events: times * one.Events, Per: one.Per}
			return
		}
		set(l, n, v, s, parseRate)
	},
	write: func(_ *printer, v Rate) tree { return leaf(showRate(v)) },
}

// parseRate reads a rate without a unit of the profile.
func parseRate(s string) (Rate, *flaw) {
	wrong := &flaw{"expected a rate, got " + quote(s), "write a rate such as 20/s or 80/1m"}
	events, per, ok := strings.Cut(s, "/")
	n, unit, number := amount(strings.TrimSpace(events))
	if !number || unit != "" {
		return Rate{}, wrong
	}
	if !ok {
		return Rate{}, &flaw{quote(s) + " has no unit", "write " + s + "/s"}
	}
	per = strings.TrimSpace(per)
	if short, known := spokenUnit[per]; known { // 20/s is 20/1s, 20/minute is meant to be 20/m
		if per != short {
			return Rate{}, &flaw{wrong.msg, "write " + events + "/" + short}
		}
		per = "1" + per
	}
	d, f := parseDuration(per, false)
	switch {
	case f != nil:
		return Rate{}, wrong
	case n <= 0 || n > maxCount || d <= 0:
		return Rate{}, &flaw{quote(s) + " is no rate above 0", wrong.hint}
	}
	return Rate{Events: n, Per: d}, nil
}

func showRate(r Rate) string {
	per := showDuration(r.Per)
	switch r.Per {
	case time.Second, time.Minute, time.Hour, time.Millisecond, time.Microsecond:
		per = per[1:]
	}
	return number(r.Events) + "/" + per
}
