package quota

import (
	"strconv"
	"time"
)

// ietf07 is draft-ietf-httpapi-ratelimit-headers-07: RateLimit is a dictionary with limit, remaining and reset, in seconds
// from now, and RateLimit-Policy a list of quotas with their windows, such as 100;w=60.
var ietf07 = Dialect{
	name: "ietf-07",
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		q := &told[0]
		start := len(b)
		b = append(b, "RateLimit: "...)
		first := len(b)
		member := func(name string, n Number) {
			if !n.Told {
				return
			}
			if len(b) > first {
				b = append(b, ", "...)
			}
			b = n.append(append(append(b, name...), '='))
		}
		member("limit", q.Total)
		member("remaining", q.Remaining)
		member("reset", Number{N: up(q.Next, time.Second), Told: q.Timed})
		if len(b) == first {
			b = b[:start]
		} else {
			b = append(b, "\r\n"...)
		}
		return oldPolicy(b, q)
	},
	reset: wholeSeconds,
	pause: retryAfterSeconds,
}

// oldPolicy appends RateLimit-Policy as it was before revision 08: the quota, and its window in seconds. A scripted policy is
// sent as written.
func oldPolicy(b []byte, q *Quota) []byte {
	switch {
	case q.Limit < 0 && q.Name != "":
		return field(b, "RateLimit-Policy", q.Name)
	case q.Limit < 0 || !q.Total.Told:
		return b
	}
	b = q.Total.append(append(b, "RateLimit-Policy: "...))
	if q.Window > 0 {
		b = strconv.AppendInt(append(b, ";w="...), up(q.Window, time.Second), 10)
	}
	return append(b, "\r\n"...)
}
