package quota

import (
	"time"

	"brownout/scenarios"
)

// github is GitHub's REST API: x-ratelimit-limit, -remaining, -used, -reset, in seconds since 1970, and -resource. The primary
// limit answers 403 or 429 with nothing remaining, and without Retry-After. A secondary limit, which is one of concurrency or
// one that has "secondary" in its name, has no fields of its own, and may have a Retry-After; without one a client is to wait a minute.
//
// Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API".
var github = Dialect{
	name: "github",
	slot: func(q *Quota, _ *Reply) string {
		if q.Secondary {
			return "-"
		}
		return ""
	},
	write: func(b []byte, told []Quota, r *Reply) []byte {
		q := &told[0]
		b = numberField(b, "x-ratelimit-limit", q.Total)
		b = numberField(b, "x-ratelimit-remaining", q.Remaining)
		if q.Timed {
			b = intField(b, "x-ratelimit-reset", epochSecond(r.Now, q.Next))
		}
		if q.Total.Told && q.Remaining.Told && q.Limit >= 0 {
			b = intField(b, "x-ratelimit-used", q.Total.N-q.Remaining.N)
		}
		resource := "core"
		if q.Limit < 0 && q.Name != "" {
			resource = q.Name
		}
		return field(b, "x-ratelimit-resource", resource)
	},
	reset: func(q *Quota, r *Reply) time.Duration { return untilEpoch(r.Now, epochSecond(r.Now, q.Next)) },
	pause: func(b []byte, in time.Duration, q *Quota) ([]byte, Pause) {
		if !q.Secondary {
			return b, Pause{}
		}
		return retryAfterSeconds(b, in, q)
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		message, page := "API rate limit exceeded for user ID 1.", "rate-limiting"
		if Secondary(m) {
			message, page = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", "about-secondary-rate-limits"
		}
		return jsonAnswer("application/json; charset=utf-8",
			`{"message":"`+message+`","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#`+page+`"}`+"\n")
	},
}
