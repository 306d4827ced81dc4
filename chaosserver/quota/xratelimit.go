package quota

import "time"

// xRatelimit is what services without a dialect of their own write: X-RateLimit-Limit, -Remaining and -Reset. They disagree
// about the reset (draft-ietf-httpapi-ratelimit-headers, appendix on fields in use); here it is seconds from now. The
// dialect github has seconds since 1970.
var xRatelimit = Dialect{
	name: "x-ratelimit",
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		q := &told[0]
		b = numberField(b, "X-RateLimit-Limit", q.Total)
		b = numberField(b, "X-RateLimit-Remaining", q.Remaining)
		return numberField(b, "X-RateLimit-Reset", Number{N: up(q.Next, time.Second), Told: q.Timed})
	},
	reset: wholeSeconds,
	pause: retryAfterSeconds,
}
