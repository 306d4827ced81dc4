package quota

import "time"

// ietf06 is draft-ietf-httpapi-ratelimit-headers up to revision 06, which is in wide use: RateLimit-Limit, RateLimit-Remaining
// and RateLimit-Reset, in seconds from now.
var ietf06 = Dialect{
	name: "ietf-06",
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		q := &told[0]
		b = numberField(b, "RateLimit-Limit", q.Total)
		b = numberField(b, "RateLimit-Remaining", q.Remaining)
		b = numberField(b, "RateLimit-Reset", Number{N: up(q.Next, time.Second), Told: q.Timed})
		return oldPolicy(b, q)
	},
	reset: wholeSeconds,
	pause: retryAfterSeconds,
}
