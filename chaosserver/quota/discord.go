package quota

import (
	"encoding/hex"
	"hash/fnv"
	"time"

	"brownout/scenarios"
)

// discord is Discord's API: X-RateLimit-Limit, -Remaining, -Reset, in seconds since 1970 with a fraction, -Reset-After, in
// seconds with a fraction, and -Bucket, which is the same for all of a limit's buckets. Of a limit whose scope is global only
// the refusal tells, with X-RateLimit-Global; X-RateLimit-Scope stands on refusals alone. Retry-After is in whole seconds, and
// the body has retry_after with a fraction, which is when the client may come back.
//
// Source: docs.discord.com, "Rate Limits".
var discord = Dialect{
	name: "discord",
	slot: func(q *Quota, r *Reply) string {
		if q.Scope == scenarios.ScopeGlobal && !r.Refused {
			return "-"
		}
		return ""
	},
	write: func(b []byte, told []Quota, r *Reply) []byte {
		q := &told[0]
		if q.Scope == scenarios.ScopeGlobal {
			return field(field(b, "X-RateLimit-Global", "true"), "X-RateLimit-Scope", "global")
		}
		b = numberField(b, "X-RateLimit-Limit", q.Total)
		b = numberField(b, "X-RateLimit-Remaining", q.Remaining)
		if q.Timed {
			after := ceil(q.Next, time.Millisecond)
			at := time.Duration(r.Now.UnixNano()) + after
			b = append(appendSeconds(append(b, "X-RateLimit-Reset: "...), at, time.Millisecond), "\r\n"...)
			b = append(appendSeconds(append(b, "X-RateLimit-Reset-After: "...), after, time.Millisecond), "\r\n"...)
		}
		b = field(b, "X-RateLimit-Bucket", bucketHash(q))
		if r.Refused {
			b = field(b, "X-RateLimit-Scope", q.Scope.String())
		}
		return b
	},
	reset: func(q *Quota, _ *Reply) time.Duration { return ceil(q.Next, time.Millisecond) },
	pause: func(b []byte, in time.Duration, q *Quota) ([]byte, Pause) {
		b, p := retryAfterSeconds(b, in, q)
		p.Due = ceil(in, time.Millisecond)
		return b, p
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		global := "false"
		if m.Scope == scenarios.ScopeGlobal {
			global = "true"
		}
		return jsonAnswer(jsonKind, `{"message":"You are being rate limited.","retry_after":`, varSeconds, `,"global":`+global+"}\n")
	},
}

// bucketHash is what the client knows a limit by.
func bucketHash(q *Quota) string {
	if q.Limit < 0 {
		if q.Name == "" {
			return "default"
		}
		return q.Name
	}
	h := fnv.New64a()
	h.Write([]byte(q.Name))
	return hex.EncodeToString(h.Sum(nil))
}
